"""What a check says in one line: the same numbers, this shape, no NaN, these gradients, fast enough; and how a case is shown.

Each raises `Failed` with expected beside got. Without a sentence of its own, the check's docstring is what the learner
reads. `got` is whatever the learner's function gave, so nothing is taken for granted about it.
"""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundup.course.exercise import Failed

SMALL = 32  # numbers that are shown one by one


def same(
    got: Any,
    expected: Any,
    sentence: str = "",
    *,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """Fail unless both hold the same numbers (NaN equals NaN), in the same shape; anything else unless it is equal.

    mistakes: sentence -> what that mistake would give; the one that fits is what the learner reads.
    """
    try:
        _same(got, expected, sentence, rtol, atol)
    except Failed as failed:
        for likely, wrong in (mistakes or {}).items():
            if _agree(got, wrong, rtol, atol):
                failed.sentence = likely
        raise


def becomes(got: Any, expected: Any, mistakes: Mapping[str, Any] | None = None) -> None:
    """`same` for a tensor of torch; expected, and what a mistake would give: numbers as lists, or one that stands alone."""
    import torch

    def tensor(numbers: Any) -> Any:
        return torch.tensor(numbers if isinstance(numbers, list) else [numbers])

    same(got, tensor(expected), mistakes={sentence: tensor(wrong) for sentence, wrong in (mistakes or {}).items()})


def _agree(got: Any, wrong: Any, rtol: float, atol: float) -> bool:
    try:
        _same(got, wrong, "", rtol, atol)
    except Failed:
        return False
    return True


def _same(got: Any, expected: Any, sentence: str, rtol: float, atol: float) -> None:
    if _is_array(expected):
        _array(got, expected)
        place = _first_difference(got, expected, rtol, atol)
        if place is not None:
            here = f" at {list(place)}: " if _count(expected) > SMALL else ""
            shown_expected, shown_got = (
                f"{shown(one)}{here}{shown(_item(one, place)) if here else ''}" for one in (expected, got)
            )
            raise Failed(sentence, expected=shown_expected, got=shown_got)
    elif isinstance(expected, list | tuple) and isinstance(got, list | tuple) and len(got) == len(expected):
        for one, other in zip(got, expected, strict=True):
            try:
                _same(one, other, sentence, rtol, atol)
            except Failed as failed:
                raise Failed(failed.sentence, expected=shown(expected), got=shown(got)) from None
    elif not _equal(got, expected, rtol, atol):
        raise Failed(sentence, expected=shown(expected), got=shown(got))


def shape(got: Any, expected: Sequence[int], sentence: str = "") -> None:
    """Fail unless `got` is an array of this shape."""
    if not _is_array(got):
        raise Failed(
            f"Returns {_kind(got)} where an array is expected.", expected=f"shape {tuple(expected)}", got=shown(got)
        )
    if tuple(got.shape) != tuple(expected):
        raise Failed(sentence, expected=f"shape {tuple(expected)}", got=f"shape {tuple(got.shape)}")


def dtype(got: Any, expected: Any, sentence: str = "") -> None:
    """Fail unless `got` has this dtype."""
    if got.dtype != expected:
        raise Failed(sentence, expected=_plain(expected), got=_plain(got.dtype))


def finite(got: Any, sentence: str = "") -> None:
    """Fail where a number is NaN or infinite."""
    bad = [number for number in _flat(got) if not math.isfinite(number)]
    if bad:
        raise Failed(sentence, expected="finite numbers", got=shown(got))


def that(holds: Any, sentence: str = "", *, expected: Any = "", got: Any = "") -> None:
    """Fail unless something holds."""
    if not bool(holds):
        raise Failed(sentence, expected=_said(expected), got=_said(got))


def gradients(
    mine: Callable[..., Any], oracle: Callable[..., Any], inputs: Sequence[Any], sentence: str = "", rtol: float = 1e-4
) -> None:
    """Fail unless both functions give the same gradients of a weighted sum of their results, by every input."""
    import torch

    found = []
    for function in (mine, oracle):
        leaves = [one.detach().clone().requires_grad_() for one in inputs]
        result = function(*leaves)
        if not result.requires_grad:
            raise Failed(
                "The result is cut off from its inputs, so nothing can be learned through it (detach, no_grad, item or NumPy?).",
                expected="a result with a gradient",
                got="none",
            )
        weights = torch.linspace(0.5, 1.5, result.numel(), dtype=result.dtype).reshape(result.shape)
        found.append(torch.autograd.grad((result * weights).sum(), leaves, allow_unused=True))
    for got, expected in zip(*found, strict=True):
        same(torch.zeros_like(expected) if got is None else got, expected, sentence, rtol=rtol, atol=1e-6)


def fast(mine: Callable[..., Any], other: Callable[..., Any], arguments: Sequence[Any], times: float = 20.0) -> None:
    """Fail where `mine` takes more than `times` the processor time of `other`: the best of several tries each."""
    allowed = max(times * _best(other, arguments), 1e-4)
    spent = _best(mine, arguments, allowed)
    if spent > allowed:
        raise Failed(
            expected=f"at most {1e3 * allowed:.3g} ms ({times:g} times the reference's time)",
            got=f"{1e3 * spent:.3g} ms",
        )


def _best(function: Callable[..., Any], arguments: Sequence[Any], enough: float = 0.0) -> float:
    """The least time of 3 to 30 tries, which take 5 ms where they can: by three tries of 20 us what was allowed varied threefold.

    enough: a try of at most this time is the last, and so is one of more than ten times as much.
    """
    tries: list[float] = []
    while len(tries) < 3 or (len(tries) < 30 and sum(tries) < 5e-3):
        tries.append(_time(function, arguments))
        if enough and not enough < tries[-1] <= 10 * enough:
            break
    return min(tries)


def _time(function: Callable[..., Any], arguments: Sequence[Any]) -> float:
    start = time.thread_time()
    function(*arguments)
    return time.thread_time() - start


# ───────── how values are shown ─────────


def shown(value: Any) -> str:
    """A value for a learner: numbers with four digits, small arrays whole, large ones by shape and range.

    >>> shown([0.123456, 2.0, float("-inf")]), shown({b"a": 1})
    ('[0.1235, 2, -inf]', "{b'a': 1}")
    """
    if _is_array(value):
        return _shown_array(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        inner = ", ".join(map(shown, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        inner = ", ".join(f"{name}={shown(one)}" for name, one in zip(value._fields, value, strict=True))
        return f"{type(value).__name__}({inner})"
    return _short(repr(value))


def shown_call(named: dict[str, Any]) -> str:
    """The arguments of a call, one a line.

    >>> shown_call({"k": 2, "logits": [1.0]})
    'k = 2\\nlogits = [1]'
    """
    return "\n".join(f"{name} = {shown(value)}" for name, value in named.items())


def _shown_array(value: Any) -> str:
    kind = _plain(value.dtype)
    mark = "" if kind in ("float32", "int64", "bool", "float64") else f"  ({kind})"
    if _count(value) <= SMALL:
        return shown(value.tolist()) + mark
    numbers = _flat(value)
    return f"{kind} of shape {tuple(value.shape)}, from {min(numbers):.4g} to {max(numbers):.4g}"


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _plain(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _said(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


# ───────── arrays of torch and NumPy alike, without importing either ─────────


def _is_array(value: Any) -> bool:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    return (torch is not None and isinstance(value, torch.Tensor)) or (
        numpy is not None and isinstance(value, numpy.ndarray)
    )


def _kind(value: Any) -> str:
    return (
        "nothing (None)"
        if value is None
        else f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
    )


def _count(value: Any) -> int:
    return math.prod(value.shape)


def _flat(value: Any) -> list[float]:
    return [float(number) for number in value.reshape(-1).tolist()]


def _item(value: Any, place: tuple[int, ...]) -> Any:
    return value[place].item()


def _array(got: Any, expected: Any) -> None:
    """Fail unless `got` is an array of the expected shape."""
    if not _is_array(got):
        raise Failed(f"Returns {_kind(got)} where an array is expected.", expected=shown(expected), got=shown(got))
    if tuple(got.shape) != tuple(expected.shape):
        raise Failed(
            f"Returns the shape {tuple(got.shape)} where {tuple(expected.shape)} is expected.",
            expected=shown(expected),
            got=shown(got),
        )


def _first_difference(got: Any, expected: Any, rtol: float, atol: float) -> tuple[int, ...] | None:
    """The first place where two arrays of one shape differ."""
    for index, (one, other) in enumerate(zip(_flat(got), _flat(expected), strict=True)):
        if not _equal(one, other, rtol, atol):
            place = []
            for size in reversed(expected.shape):
                index, rest = divmod(index, size)
                place.append(rest)
            return tuple(reversed(place))
    return None


def _equal(got: Any, expected: Any, rtol: float, atol: float) -> bool:
    if isinstance(expected, float) and isinstance(got, int | float):
        both_nan = math.isnan(got) and math.isnan(expected)
        return both_nan or math.isclose(got, expected, rel_tol=rtol, abs_tol=atol)
    return type(got) is type(expected) and got == expected
