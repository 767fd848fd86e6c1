"""The sandbox in which a chat template runs: a template is foreign code, and may write text and nothing else.

Jinja's own sandbox keeps it from Python's insides and from changing what it was given; the settings, filters and names are
those that `transformers` gives. What Jinja does not limit is limited here: time (asked at the start of every loop and at
every call, since a template can only run long by these) and the size of any text or number it makes. Left out: a limit on
all memory, which only a process of its own could have.
"""

import contextlib
import functools
import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from time import thread_time
from typing import Any

import jinja2
import jinja2.ext
import jinja2.filters
import jinja2.nodes
import jinja2.sandbox

SECONDS = 10.0  # of the processor, since a machine may sleep meanwhile; the longest published template needs some milliseconds
LARGEST = 1 << 26  # characters of a text, and digits of a number
_clock = threading.local()
_WIDE = re.compile(r"[%{:][^%{}\d]*\d{7,}")


class LimitReached(jinja2.TemplateError):
    """A template ran too long or made something too large."""


def _check_time() -> None:
    if thread_time() > getattr(_clock, "end", float("inf")):
        raise LimitReached(f"it ran for more than {SECONDS:g} seconds")


def _sized(value: Any) -> Any:
    """The value, unless it is too large."""
    if (isinstance(value, str | list | tuple) and len(value) > LARGEST) or (
        isinstance(value, int) and value.bit_length() > LARGEST
    ):
        raise LimitReached(f"it made something larger than {LARGEST:,} characters")
    return value


def _started(iterable: Any, *_: Any) -> Any:
    """What a loop goes through; the clock is looked at when it starts."""
    _check_time()
    return iterable


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Start the clock of a rendering in this thread."""
    _clock.end = thread_time() + SECONDS
    try:
        yield
    finally:
        del _clock.end


class _Generation(jinja2.ext.Extension):
    """{% generation %} ... {% endgeneration %}, by which some templates mark answers: the body is written as it is."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Any) -> Any:
        """Take the body's statements out of the block."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja's sandbox with limits of time and size."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def _parse(self, source: str, name: str | None, filename: str | None) -> jinja2.nodes.Template:
        """The template's statements, where loops look at the clock and joined texts are measured."""
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(jinja2.nodes.For)):
            loop.iter = _filtered(loop.iter, "groundup_started")
        _measure_joins(tree)
        tree.set_environment(self)
        return tree

    def call(self, context: Any, function: Any, *arguments: Any, **named: Any) -> Any:
        """Call as the sandbox does, when there is time, with numbers that make nothing large."""
        __tracebackhide__ = True
        _check_time()
        name = getattr(function, "__name__", "")
        for argument in (*arguments, *named.values()):
            if name in ("ljust", "rjust", "center", "zfill", "expandtabs") and isinstance(argument, int):
                _check_product(argument, 1)
        if name == "format":
            _check_form(getattr(function, "__self__", ""))
        if name == "replace" and len(arguments) > 1:
            _check_replacing(getattr(function, "__self__", ""), *arguments[:2])
        return _sized(super().call(context, function, *arguments, **named))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate as the sandbox does, unless the result would be too large."""
        if operator == "*":
            for one, other in ((left, right), (right, left)):
                _check_product(len(one) if isinstance(one, str | list | tuple) else 0, other)
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_product(left.bit_length(), right)
        if operator == "%" and isinstance(left, str):
            _check_form(left)
        return _sized(super().call_binop(context, operator, left, right))


def _check_product(size: int, times: Any) -> None:
    if isinstance(times, int) and size * times > LARGEST:
        raise LimitReached(f"it made something larger than {LARGEST:,} characters")


def _check_form(form: Any) -> None:
    if isinstance(form, str) and _WIDE.search(form):
        raise LimitReached("it asked for a column of more than a million characters")


def _check_replacing(text: Any, old: Any, new: Any) -> None:
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        _check_product(text.count(old), len(new))


def _filtered(node: Any, name: str) -> jinja2.nodes.Filter:
    return jinja2.nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _measure_joins(node: jinja2.nodes.Node) -> None:
    """Let every `~` measure what it made."""
    for field, value in node.iter_fields():
        for place, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, jinja2.nodes.Node):
                continue
            _measure_joins(child)
            if isinstance(child, jinja2.nodes.Concat):
                if isinstance(value, list):
                    value[place] = _filtered(child, "groundup_sized")
                else:
                    setattr(node, field, _filtered(child, "groundup_sized"))


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """JSON for templates: unlike Jinja's own filter it leaves < > & as they are."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _replace(evaluation: Any, text: Any, old: Any, new: Any, count: int | None = None) -> Any:
    _check_replacing(text, old, new)
    return jinja2.filters.do_replace(evaluation, text, old, new, count)


def _bounded(filter_: Any) -> Any:
    """A filter whose numbers are bounded."""

    @functools.wraps(filter_)
    def bounded(text: Any, *arguments: Any, **named: Any) -> Any:
        for argument in (*arguments, *named.values()):
            _check_product(argument if isinstance(argument, int) else 0, 1)
        _check_form(text)
        return _sized(filter_(text, *arguments, **named))

    return bounded


@functools.cache
def environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    """Where templates are compiled and run."""
    made = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])
    for name in ("center", "indent", "format"):
        made.filters[name] = _bounded(made.filters[name])
    made.filters["replace"] = jinja2.pass_eval_context(_replace)
    made.filters |= {"tojson": _to_json, "groundup_started": _started, "groundup_sized": _sized}
    made.globals["raise_exception"] = _raise_exception
    made.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return made
