"""Slots: a core function of the library that a learner's own function may replace, inside the real run.

    @slot
    def top_p(logits, p): ...

registers `inference.decoding.top_p` and returns the function itself, so an unused slot costs nothing. When a learner's
folder is given (`--mine my/`, or `use("my")`, or GROUNDUP_MINE for child processes), a top-level function of the same
name in it is returned instead, wrapped: it is counted, timed, and now and then compared with the reference on copies of
the same arguments: once for its speed, at its calls 1, 4, 16, 64 ... for what it gives.

The folder is read as text first (no import), so its names are known before any room is imported. A learner's file runs
when its function is first called, and what runs is the text that was read: editing a file under a run changes nothing.
"""

import ast
import difflib
import functools
import hashlib
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any, TypeVar, cast

from groundup.errors import InputError
from groundup.progress import say

VARIABLE = "GROUNDUP_MINE"
ONLY = "GROUNDUP_MINE_ONLY"  # one id: the others of the folder stay the reference's
ARCHITECTURE = "ARCHITECTURE"  # the top-level name of a file that holds a model architecture of the learner's own
HOUSE = Path(__file__).parent
SLOW = 20.0  # times the reference: beyond it a run is warned about
SAME = {
    "bfloat16": 0.05,
    "float16": 0.01,
    "float32": 1e-3,
}  # relative difference that rounding explains; other dtypes as fp32
ANOTHER_KIND = 1e9  # the difference of results of another shape or kind, or infinite where the reference's are not
SHORT_S, LONG_S = (
    0.05,
    1.0,
)  # a call under the one is timed three times more, under the other once: the first call warms up

Function = TypeVar("Function", bound=Callable[..., Any])
registry: dict[str, Callable[..., Any]] = {}  # id -> the reference, for every room imported so far
_mine: dict[str, "Filled"] = {}
_functions: dict[str, Callable[..., Any]] = {}  # id -> the learner's function, once its file ran
_modules: dict[tuple[Path, str], ModuleType] = {}  # a file, as it was when it ran
_comparing: list[bool] = []  # not empty while a function is compared with the reference
_sources: dict[Path, str] = {}  # every .py file of the learner's folder, as it was when it was read


@dataclass
class Filled:
    """A slot with the learner's function in it: where it stands, how often and how long it ran."""

    id: str
    file: Path
    line: int
    calls: int = 0
    seconds: float = 0.0
    speed_ratio: float | None = None  # its time over the reference's, on the arguments of its first call
    compared: int = 0  # calls whose result was compared with the reference's
    difference: float = 0.0  # the largest of these, relative to the reference's largest number, at most ANOTHER_KIND
    differs_at: int | None = None  # the first call whose difference rounding does not explain

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.id.rpartition(".")[2]

    def call(self, reference: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Run the learner's function once; its exceptions become one sentence with file and line."""
        mine = _learners_function(self)
        if _comparing:  # called by a function that is being compared: the run did not ask
            return mine(*arguments, **named)
        again = _copies(arguments, named) if _is_power_of_four(self.calls + 1) else None
        start = perf_counter()
        try:
            result = mine(*arguments, **named)
        except Exception as error:
            raise InputError(_where(error, self.file, self.line, f"your {self.name}")) from error
        finally:
            seconds = perf_counter() - start
            self.calls += 1
            self.seconds += seconds
        if again is not None:
            self._compare(mine, reference, seconds, again, (arguments, named, result))
        return result

    def _compare(
        self,
        mine: Callable[..., Any],
        reference: Callable[..., Any],
        seconds: float,
        again: tuple[Any, Any],
        after: tuple[Any, Any, Any],
    ) -> None:
        """Call the reference on copies of the same arguments: what it gives, and at the first call how long it takes.

        after: arguments and result as the learner's function left them.
        """
        try:
            with _randomness_kept(), _among_comparisons():
                theirs = _left_by(reference, *again)
                if self.speed_ratio is None:
                    self._time(mine, reference, seconds, again)
        except Exception:  # a reference that cannot be called a second time is left uncompared
            return
        self.compared += 1
        apart, explained = _apart(after, theirs)
        self.difference = max(self.difference, min(apart, ANOTHER_KIND))
        if apart > explained and self.differs_at is None:
            self.differs_at = self.calls

    def _time(
        self, mine: Callable[..., Any], reference: Callable[..., Any], seconds: float, again: tuple[Any, Any]
    ) -> None:
        """Time the reference on the same arguments, and both again where that is cheap."""
        theirs = _seconds(reference, *again)
        slower = max(seconds, theirs)
        for _ in range(3 if slower < SHORT_S else 1 if slower < LONG_S else 0):
            seconds, theirs = min(seconds, _seconds(mine, *again)), min(theirs, _seconds(reference, *again))
        self.speed_ratio = seconds / max(theirs, 1e-9)
        if self.speed_ratio > SLOW:
            say(
                f"your {self.name} takes {self.speed_ratio:.0f} times the reference's time; "
                f"every 1,000 calls of it make the run {1000 * (seconds - theirs):.1f} s longer"
            )


def slot(function: Function) -> Function:
    """Register a function as replaceable; return it, or the learner's in its place."""
    id = slot_id(function.__module__, function.__name__)
    known = registry.get(id)
    assert known is None or known.__module__ == function.__module__, f"two slots are named {id}"
    registry[id] = function
    filled_by = _mine.get(id)
    if filled_by is None:
        return function

    @functools.wraps(function)
    def learner(*arguments: Any, **named: Any) -> Any:
        return filled_by.call(function, arguments, named)

    return cast(Function, learner)


def slot_id(module: str, name: str) -> str:
    """Name a slot by its room, the room's module and the function.

    >>> slot_id("groundup.inference.decoding.sampling", "top_p")
    'inference.decoding.top_p'
    """
    return ".".join([*module.split(".")[1:3], name])


def filled(id: str) -> bool:
    """Whether a learner's function stands in the slot."""
    return id in _mine


def active() -> list[Filled]:
    """The filled slots, in the order of their ids."""
    return [_mine[id] for id in sorted(_mine)]


def use(folder: str | Path) -> list[Filled]:
    """Fill the slots from a learner's folder, for this process and its children; before the rooms are imported."""
    sources = read_sources(folder)
    found = match(folder, sources)
    if sources == _sources and found.keys() == _mine.keys():
        return active()
    late = sorted((found.keys() | _mine.keys()) & registry.keys())
    if late:
        raise InputError(
            f"{late[0]} was imported before groundup.use({str(folder)!r}); start Python again and call it first of all"
        )
    _fill(found, sources)
    os.environ[VARIABLE] = str(Path(folder).resolve())
    return active()


def source_hash(prefixes: Iterable[str] = ("",)) -> str:
    """Hash the source of the filled slots whose ids begin with one of `prefixes`; "" when there is none.

    A learner's file counts whole, with the files of the same folder that it imports; one with an architecture belongs to the room model.
    """
    wanted = tuple(prefixes)
    chosen = [(filled_by.id, filled_by.file) for filled_by in active() if filled_by.id.startswith(wanted)]
    if "model.architectures".startswith(wanted):
        chosen += [("model.architectures", file) for file in architectures()]
    if not chosen:
        return ""
    digest = hashlib.sha256()
    for id, own in chosen:
        digest.update(id.encode() + b"\0")
        for file in _with_imports(own):
            digest.update(_sources[file].encode() + b"\0")
    return digest.hexdigest()


def known_slots() -> dict[str, Path]:
    """Every slot of the library with its file, read from the source text: no room is imported."""
    return dict(_slots_in(HOUSE))


@functools.cache  # the library's text does not change while it runs
def _slots_in(house: Path) -> dict[str, Path]:
    slots = {}
    for file in sorted(house.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "@slot" in text and file != Path(__file__):
            path = file.relative_to(house)
            module = ".".join(["groundup", *path.with_suffix("").parts])
            slots.update({slot_id(module, node.name): path for node in _functions_of(text) if _is_slot(node)})
    return slots


def _functions_of(text: str, name: str = "<text>") -> list[ast.FunctionDef]:
    """The top-level functions of a source text."""
    return [node for node in ast.parse(text, filename=name).body if isinstance(node, ast.FunctionDef)]


def _is_slot(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(mark) in ("slot", "slots.slot") for mark in function.decorator_list)


def read_sources(folder: str | Path) -> dict[Path, str]:
    """The text of every .py file of a learner's folder; hidden folders (.venv, .git) are left out."""
    root = Path(folder).resolve()
    if not root.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of .py files that hold your functions")
    sources = {}
    for file in sorted(root.rglob("*.py")):
        if any(part.startswith((".", "__")) for part in file.relative_to(root).parts[:-1]):
            continue
        try:
            sources[file] = file.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            raise InputError(f"{file} cannot be read as UTF-8 text ({error}); save it as UTF-8") from error
    return sources


def match(folder: str | Path, sources: dict[Path, str]) -> dict[str, Filled]:
    """Match a learner's top-level functions with the slots' names, without running anything."""
    root, slots = Path(folder).resolve(), known_slots()
    found: dict[str, Filled] = {}
    names = []
    for file, text in sources.items():
        for name, line in _top_level(file, text):
            names.append(name)
            for id in _matching(name, file.relative_to(root), slots):
                if id in found:
                    raise InputError(f"{id} is filled twice, in {found[id].file} and {file}; keep one of them")
                found[id] = Filled(id, file, line)
    if not found and not any(defines(text, ARCHITECTURE) for text in sources.values()):
        raise InputError(_nothing_matched(folder, names, sorted({id.rpartition(".")[2] for id in slots})))
    return found


def architectures() -> dict[Path, str]:
    """The files of the learner's folder that hold an architecture of their own, with their text; none of them is run."""
    return {file: text for file, text in _sources.items() if defines(text, ARCHITECTURE)}


def defines(text: str, name: str) -> bool:
    """Whether a source text gives a value to a top-level name; the text is read and not run.

    >>> defines("one = 1", "one"), defines("def one(): pass", "one")
    (True, False)
    """
    try:
        targets = [node.targets for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    except (SyntaxError, ValueError):  # whoever runs the file says what is wrong with it
        return False
    return any(isinstance(target, ast.Name) and target.id == name for several in targets for target in several)


def _top_level(file: Path, text: str) -> list[tuple[str, int]]:
    """The top-level functions of a file with their lines."""
    try:
        functions = _functions_of(text, str(file))
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno}: {error.msg}; mend the line and run again") from error
    except ValueError as error:
        raise InputError(f"{file}: {error}; save it as plain text") from error
    return [(function.name, function.lineno) for function in functions]


def _matching(name: str, path: Path, slots: dict[str, Path]) -> list[str]:
    """The slots a learner's function fills: the only one of its name, or the one whose path its file mirrors."""
    ids = [id for id in slots if id.rpartition(".")[2] == name]
    mirrored = [id for id in ids if slots[id] == path]
    if len(ids) > 1 and not mirrored:
        raise InputError(
            f"{path}: several slots are named {name}; put yours into {' or '.join(str(slots[id]) for id in ids)}"
        )
    return mirrored or ids


def _nothing_matched(folder: str | Path, names: list[str], known: list[str]) -> str:
    """Say that no function is a slot's, with the nearest names, or all of them while they are few."""
    near = [(name, close[0]) for name in names if (close := difflib.get_close_matches(name, known, n=1))]
    if near:
        return f"{folder} has no function named like a slot; rename your {near[0][0]} to {near[0][1]} if that is the one it replaces"
    return f"{folder} has no function named like a slot; name one of yours after one of: {', '.join(known[:40])}"


def _fill(found: dict[str, Filled], sources: dict[Path, str]) -> None:
    for kept in (_mine, _functions, _modules, _sources):
        kept.clear()
    _mine.update(found)
    _sources.update(sources)


def _with_imports(file: Path) -> list[Path]:
    """A learner's file and the files of the folder that it imports, directly or through another."""
    by_name = {source.stem: source for source in _sources}
    chosen, todo = {file}, [file]
    while todo:
        for node in ast.walk(ast.parse(_sources[todo.pop()])):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            new = {by_name[last] for name in names if (last := name.rpartition(".")[2]) in by_name} - chosen
            chosen |= new
            todo += new
    return sorted(chosen)


def _learners_function(filled_by: Filled) -> Callable[..., Any]:
    """The learner's function; its file runs at the first call."""
    if filled_by.id not in _functions:
        module = run_file(filled_by.file, _sources[filled_by.file], filled_by.line)
        function = getattr(module, filled_by.name, None)
        if not callable(function):
            raise InputError(
                f"{filled_by.file}:{filled_by.line}: {filled_by.name} is no function any more once the file ran; "
                f"keep the name for it"
            )
        _functions[filled_by.id] = function
    return _functions[filled_by.id]


def run_file(file: Path, text: str, line: int = 1) -> ModuleType:
    """Run a learner's file once, as a module of its own; files of its folder may import one another."""
    if (file, text) not in _modules:
        module = ModuleType(f"groundup_mine_{file.stem}_{len(_modules)}")
        module.__file__ = str(file)
        sys.modules[module.__name__] = module
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))  # last, so that no name of the learner's hides a package
        try:
            exec(compile(text, str(file), "exec"), module.__dict__)
        except Exception as error:
            raise InputError(_where(error, file, line, "your file")) from error
        _modules[file, text] = module
    return _modules[file, text]


def _where(error: Exception, file: Path, line: int, whose: str) -> str:
    """Say where in the learner's file an exception came from; the function's own line when it never began."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return (
        f"{file}:{lines[-1] if lines else line}: {whose} raised {type(error).__name__}: {error}; mend it and run again"
    )


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> float:
    """The time of one call on fresh copies."""
    arguments, named = copied(arguments), copied(named)
    start = perf_counter()
    function(*arguments, **named)
    _wait()
    return perf_counter() - start


def _left_by(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Fresh copies of the arguments as a function leaves them, and its result."""
    arguments, named = copied(arguments), copied(named)
    return arguments, named, function(*arguments, **named)


def _is_power_of_four(number: int) -> bool:
    """Whether a number is 1, 4, 16, 64 ...

    >>> [number for number in range(100) if _is_power_of_four(number)]
    [1, 4, 16, 64]
    """
    return number > 0 and number & (number - 1) == 0 and number.bit_length() % 2 == 1


def _apart(mine: Any, theirs: Any) -> tuple[float, float]:
    """How far two values are apart, relative to the largest number of the second, and how far rounding explains.

    What is no number, text, array, list or dict is taken for equal.

    >>> _apart([1.0, 2.0], [1.0, 2.5]), _apart("a", "b")
    ((0.2, 0.001), (inf, 0.0))
    """
    if isinstance(theirs, list | tuple) and isinstance(mine, list | tuple):
        if len(mine) != len(theirs):
            return math.inf, 0.0
        if theirs and all(type(one) in (int, float) for one in (*mine, *theirs)):
            return _numbers_apart(mine, theirs, "float32")
        return _worst(_apart(one, other) for one, other in zip(mine, theirs, strict=True))
    if isinstance(theirs, dict) and isinstance(mine, dict):
        return _worst(_apart(mine.get(key), theirs[key]) for key in theirs)
    if hasattr(theirs, "shape") and hasattr(theirs, "dtype"):
        if not hasattr(mine, "shape") or tuple(mine.shape) != tuple(theirs.shape):
            return math.inf, 0.0
        kind = str(theirs.dtype).removeprefix("torch.")
        if getattr(theirs.dtype, "kind", "f") in "USOTVMm":  # an array of words or objects
            return _apart(mine.tolist(), theirs.tolist())
        return _numbers_apart(mine, theirs, kind)
    if isinstance(theirs, int | float) and isinstance(mine, int | float):
        return _numbers_apart(mine, theirs, "float32")
    plain = (str, bytes, bool, type(None), int, float, list, tuple, dict)
    return (math.inf if isinstance(theirs, plain) and mine != theirs else 0.0), 0.0


def _worst(parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The part that rounding explains least."""
    return max(parts, key=lambda part: part[0] - part[1], default=(0.0, 0.0))


def _array(value: Any) -> Any:
    """Numbers as an array of NumPy in double precision; bf16 has no form of its own there."""
    import numpy

    return numpy.asarray(value.detach().double().cpu() if hasattr(value, "cpu") else value, dtype=numpy.float64)


def _numbers_apart(mine: Any, theirs: Any, kind: str) -> tuple[float, float]:
    """The largest difference over the largest finite number; infinities and NaN must stand at the same places."""
    import numpy

    one, other = _array(mine), _array(theirs)
    finite = numpy.isfinite(one) & numpy.isfinite(other)
    alike = finite | (one == other) | (numpy.isnan(one) & numpy.isnan(other))
    if not alike.all():
        return math.inf, 0.0
    largest = numpy.abs(other[finite]).max(initial=0.0)
    apart = numpy.abs(one[finite] - other[finite]).max(initial=0.0)
    return float(apart / (largest or 1.0)), SAME.get(kind, SAME["float32"])


def _copies(arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Copies of a call's arguments; None where one cannot be copied (an open file, a generator half read)."""
    try:
        return copied(arguments), copied(named)
    except Exception:
        return None


def copied(value: Any) -> Any:
    """A copy that shares nothing: a tensor's values and gradient without its history, any other value deeply."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if hasattr(value, "requires_grad_") and hasattr(value, "detach"):
        alone = value.detach().clone().requires_grad_(value.requires_grad)
        if value.is_leaf and value.grad is not None:
            alone.grad = value.grad.detach().clone()
        return alone
    return value.clone_state() if hasattr(value, "clone_state") else deepcopy(value)


def _wait() -> None:
    """Let a GPU finish, so that its time is counted."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


@contextmanager
def _among_comparisons() -> Iterator[None]:
    """Mark the calls inside as a comparison's own."""
    _comparing.append(True)
    try:
        yield
    finally:
        _comparing.pop()


@contextmanager
def _randomness_kept() -> Iterator[None]:
    """Put torch's and NumPy's random state back, so that the comparison changes nothing that follows."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    torch_state = torch.random.get_rng_state() if torch is not None else None
    numpy_state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        if torch is not None:
            torch.random.set_rng_state(torch_state)
        if numpy is not None:
            numpy.random.set_state(numpy_state)


if os.environ.get(VARIABLE):
    _given = read_sources(os.environ[VARIABLE])
    _only = os.environ.get(ONLY)
    _fill({id: one for id, one in match(os.environ[VARIABLE], _given).items() if _only in (None, "", id)}, _given)
