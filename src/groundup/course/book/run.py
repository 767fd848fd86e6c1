"""A lesson in this process: once as it stands, with a control moved, and its cells again in another order.

    run(path)                 outputs cell by cell, definitions, seconds; an assert that fails escapes
    moved(ran, name, value)   the same with a control at another place; only the cells after it run again
    unsteady(ran)             what came out otherwise when the cells ran again on what the others had made

marimo runs a lesson; the second and third use that a cell is a function whose arguments are what other cells made.
"""

import ast
import contextlib
import copy
import dataclasses
import hashlib
import importlib.util
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.course.book import cells
from groundup.errors import InputError, missing_extra
from groundup.lessons import VARIABLE

PLACES = 7  # of a control: as many are tried and stand in the book


@dataclass(frozen=True, slots=True)
class Moved:
    """A control at a place: all that a cell asks of a control."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ran:
    """A lesson that ran. app: marimo's; outputs: what each cell shows, in order, None for nothing; definitions: every name that was made."""

    path: Path
    app: Any
    notebook: cells.Notebook
    outputs: tuple[tuple[cells.Cell, Any], ...]
    definitions: Mapping[str, Any]
    seconds: float

    def controls(self) -> dict[str, Any]:
        """The controls by name, in order."""
        made = {name: self.definitions[name] for cell in self.notebook.cells for name in cell.makes}
        return {name: value for name, value in made.items() if type(value).__module__.startswith("marimo._plugins.ui")}


def run(path: str | Path, model: str | Path | None = None) -> Ran:
    """Run a lesson from its file. model: the learner's model folder, for a lesson that looks into one."""
    path, began = Path(path), time.perf_counter()
    notebook = cells.read(path.read_text(encoding="utf-8"), str(path))
    with _environment(model), _one_thread():
        app = _app(path)
        outputs, definitions = app.run()
    shown = tuple(zip(notebook.cells, outputs, strict=True))
    return Ran(path, app, notebook, shown, definitions, time.perf_counter() - began)


def moved(ran: Ran, name: str, value: Any, model: str | Path | None = None) -> Ran:
    """The lesson with one control at another place: `outputs` holds the cells after it."""
    began, after = time.perf_counter(), ran.notebook.after(name)
    kept = [cell for cell in ran.notebook.cells if cell not in after]
    given = {made: ran.definitions[made] for cell in kept for made in cell.defines}
    with _environment(model), _one_thread():
        shown, definitions = ran.app.run(defs=given | {name: Moved(value)})
    again = [
        cell for cell in ran.notebook.cells if cell in after or not cell.makes
    ]  # who makes nothing is not left out
    outputs = [(cell, output) for cell, output in zip(again, shown, strict=True) if cell in after]
    return Ran(ran.path, ran.app, ran.notebook, tuple(outputs), definitions, time.perf_counter() - began)


def places(control: Any) -> list[Any]:
    """The values a control can take, the ends among them, at most `PLACES`, with the one it has.

    A slider gives its steps, a dropdown or radio the values of its options, a switch or checkbox False and True.
    """
    options = getattr(control, "options", None)
    if isinstance(options, Mapping):
        return list(options.values())
    if isinstance(control.value, bool):
        return [False, True]
    steps = list(getattr(control, "steps", None) or _steps(control))
    here = steps.index(control.value) if control.value in steps else 0
    count = min(PLACES, len(steps))
    chosen = {round(number * (len(steps) - 1) / max(1, count - 1)) for number in range(count)}
    nearest = min(chosen - {0, len(steps) - 1} or chosen, key=lambda index: abs(index - here))
    return [steps[index] for index in sorted(chosen - {nearest} | {here} if here not in chosen else chosen)]


def _steps(control: Any) -> list[Any]:
    step = control.step or 1
    count = int(round((control.stop - control.start) / step, 6))
    return [round(control.start + number * step, 9) for number in range(count + 1)]


def _app(path: Path) -> Any:
    """A file's marimo app: reading its cells takes a tenth of a second, more than most cells do."""
    try:
        import marimo  # noqa: F401
    except ImportError:
        raise missing_extra("marimo", "learn") from None
    spec = importlib.util.spec_from_file_location(f"groundup_lesson_{path.stem}", path)
    assert spec is not None and spec.loader is not None, f"{path} is no Python file"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if (app := getattr(module, "app", None)) is None:
        raise InputError(f"{path} holds no marimo.App named app; give a lesson's file")
    return app


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work alone for a while: in models this small its threads wait for each other (0.8 s became 18 beside other work)."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    if torch is not None:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)


@contextlib.contextmanager
def _environment(model: str | Path | None) -> Iterator[None]:
    """The learner's model folder in the variable that `groundup.lessons.given_model` reads, for a while."""
    before = os.environ.get(VARIABLE)
    if model is not None:
        os.environ[VARIABLE] = str(model)
    try:
        yield
    finally:
        if model is not None:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before


# ───────── the promise that order does not matter ─────────


def unsteady(ran: Ran, seed: int = 0) -> list[str]:
    """Run every cell again, in a drawn order, on what the first run made; a sentence for each name that came out otherwise.

    Changes the definitions of `ran` where the lesson is at fault.
    """
    made = {name: cell for cell in ran.notebook.cells for name in cell.makes}
    first = {name: fingerprint(ran.definitions[name]) for name in made}
    before = dict(first)
    faults = []
    for cell in random.Random(seed).sample(ran.notebook.cells, len(ran.notebook.cells)):
        with _one_thread():
            again = _function(cell, ran.definitions)(*(ran.definitions[name] for name in cell.takes)) or ()
        for name, value in zip(cell.makes, again, strict=True):
            if fingerprint(value) != first[name]:
                faults.append(
                    f"line {cell.line}: {name} is another when its cell runs again; let its draws have a generator and no other cell change it"
                )
        for name in made:
            if fingerprint(ran.definitions[name]) != before[name]:
                before[name] = fingerprint(ran.definitions[name])
                faults.append(
                    f"line {cell.line}: {name} is changed by this cell, which did not make it; make a new object"
                )
    return faults


def _function(cell: cells.Cell, definitions: Mapping[str, Any]) -> Callable[..., Any]:
    """A cell as the plain function that its text is."""
    function = copy.copy(cell.node)
    function.name, function.decorator_list = "cell", []
    names = dict(definitions)
    exec(compile(ast.Module([function], []), "<lesson>", "exec"), names)
    return names["cell"]


def fingerprint(value: Any, depth: int = 6) -> str:
    """A short name for a value: equal for equal numbers, whatever holds them; functions and foreign objects by their type.

    >>> fingerprint([1, {"a": 2.0}]) == fingerprint([1, {"a": 2.0}]), fingerprint([1]) == fingerprint([2])
    (True, False)
    """
    return hashlib.sha256(b" ".join(_pieces(value, depth))).hexdigest()[:16]


def _pieces(value: Any, depth: int) -> Iterator[bytes]:
    """A value as pieces of bytes."""
    yield type(value).__name__.encode()
    if isinstance(value, str | bytes | int | float | complex | bool | None):
        yield repr(value).encode()
    elif depth == 0 or (callable(value) and not hasattr(value, "state_dict")):
        return
    elif isinstance(getattr(value, "fingerprint", None), str):  # a tokenizer: what decides its ids, not what it keeps
        yield value.fingerprint.encode()
    elif hasattr(value, "to_json") and hasattr(value, "layout"):
        yield value.to_json().encode()
    elif hasattr(value, "detach"):
        yield _tensor(value)
    elif hasattr(value, "tobytes"):
        yield f"{value.dtype}{value.shape}".encode() + (
            value.tobytes() if value.dtype != object else repr(value).encode()
        )
    else:
        for part in _parts(value):
            yield from _pieces(part, depth - 1)


def _tensor(value: Any) -> bytes:
    """A tensor's numbers, of any dtype, on any device."""
    import torch

    plain = value.detach().cpu().contiguous().flatten()
    return f"{value.dtype}{tuple(value.shape)}".encode() + plain.view(torch.uint8).numpy().tobytes()


def _parts(value: Any) -> list[Any]:
    """What a value holds."""
    if type(value).__module__.startswith("marimo."):
        return [getattr(value, "value", None)]
    if hasattr(value, "state_dict"):
        return list(value.state_dict().items())
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, list | tuple):
        return list(value)
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return list(getattr(value, "__dict__", {}).items())
