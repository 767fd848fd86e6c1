"""Slots: a core function of the library that a learner's own function may replace, inside the real run.

    @slot
    def top_p(logits, p): ...

registers `inference.decoding.top_p` and returns the function itself, so an unused slot costs nothing. When a learner's
folder is given (`--mine my/`, or `use("my")`, or GROUNDUP_MINE for child processes), a top-level function of the same
name in it is returned instead, wrapped: it is counted, timed, and compared once with the reference's speed.

The folder is read as text first (no import), so its names are known before any room is imported; a learner's file runs
when its function is first called.
"""

import ast
import functools
import hashlib
import importlib.util
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from groundup.errors import InputError

VARIABLE = "GROUNDUP_MINE"
HOUSE = Path(__file__).parent
SLOW = 20.0  # times the reference: beyond it a run is warned about

Function = TypeVar("Function", bound=Callable[..., Any])
registry: dict[str, Callable[..., Any]] = {}
_mine: dict[str, "Filled"] = {}
_modules: dict[Path, ModuleType] = {}


@dataclass
class Filled:
    """A slot with the learner's function in it: where it stands, how often and how long it ran."""

    id: str
    file: Path
    line: int
    calls: int = 0
    seconds: float = 0.0
    speed_ratio: float | None = None  # its time over the reference's, on the arguments of its first call
    function: Callable[..., Any] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.id.rpartition(".")[2]

    def call(self, reference: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Run the learner's function once; its exceptions become one sentence with file and line."""
        if self.function is None:
            self.function = getattr(_run_file(self.file), self.name)
            self._compare(reference, arguments, named)
        start = time.perf_counter()
        try:
            return self.function(*arguments, **named)
        except Exception as error:
            raise InputError(_where(error, self.file, self.name)) from error
        finally:
            self.calls += 1
            self.seconds += time.perf_counter() - start

    def _compare(self, reference: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Time both on copies of the same arguments, three runs each; what cannot be repeated is left unmeasured."""
        assert self.function is not None
        try:
            ours = min(_seconds(reference, arguments, named) for _ in range(3))
            theirs = min(_seconds(self.function, arguments, named) for _ in range(3))
        except Exception:  # the real call that follows says what is wrong
            return
        self.speed_ratio = theirs / max(ours, 1e-9)
        if self.speed_ratio > SLOW:
            print(f"your {self.name} takes {self.speed_ratio:.0f} times the reference's time; the run will be that much "
                  f"longer wherever it is called", file=sys.stderr)


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
    """Name a slot by its room, its module and its function.

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
    found = read_folder(folder)
    late = sorted(set(found) & set(registry))
    if late:
        raise InputError(f"{late[0]} is already imported without yours; call groundup.use({str(folder)!r}) first of all")
    _mine.clear()
    _mine.update(found)
    os.environ[VARIABLE] = str(Path(folder).resolve())
    return active()


def source_hash(prefixes: Iterable[str] = ("",)) -> str:
    """Hash the files of the filled slots whose ids begin with one of `prefixes`; "" when there is none."""
    chosen = [filled for filled in active() if filled.id.startswith(tuple(prefixes))]
    if not chosen:
        return ""
    digest = hashlib.sha256()
    for filled_by in chosen:
        digest.update(filled_by.id.encode() + b"\0" + filled_by.file.read_bytes() + b"\0")
    return digest.hexdigest()


def read_folder(folder: str | Path) -> dict[str, Filled]:
    """Match a learner's top-level functions with the slots' names, without running anything."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give --mine a folder of .py files with your functions")
    slots, found = known_slots(), {}
    for file in sorted(folder.rglob("*.py")):
        for name, line in _functions(file):
            for id in _matching(name, file.relative_to(folder), slots):
                if id in found:
                    raise InputError(f"{id} is filled twice, in {found[id].file} and {file}; keep one of them")
                found[id] = Filled(id, file.resolve(), line)
    if not found:
        names = ", ".join(sorted({id.rpartition(".")[2] for id in slots}))
        raise InputError(f"{folder} has no function named like a slot; name one of yours: {names}")
    return found


def known_slots() -> dict[str, Path]:
    """Every slot of the library with its file, read from the source text: no room is imported."""
    slots = {}
    for file in sorted(HOUSE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "@slot" in text and file != Path(__file__):
            module = ".".join(["groundup", *file.relative_to(HOUSE).with_suffix("").parts])
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef) and any(ast.unparse(mark) in ("slot", "slots.slot") for mark in node.decorator_list):
                    slots[slot_id(module, node.name)] = file.relative_to(HOUSE)
    return slots


def _matching(name: str, path: Path, slots: dict[str, Path]) -> list[str]:
    """The slots a learner's function fills: the only one of its name, or the one whose path its file mirrors."""
    ids = [id for id in slots if id.rpartition(".")[2] == name]
    mirrored = [id for id in ids if slots[id] == path]
    if len(ids) > 1 and not mirrored:
        raise InputError(f"{path}: several slots are named {name}; put yours into {' or '.join(str(slots[id]) for id in ids)}")
    return mirrored or ids


def _functions(file: Path) -> list[tuple[str, int]]:
    try:
        body = ast.parse(file.read_text(encoding="utf-8"), filename=str(file)).body
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno}: {error.msg}; mend the line and run again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    return [(node.name, node.lineno) for node in body if isinstance(node, ast.FunctionDef)]


def _run_file(file: Path) -> ModuleType:
    """Run a learner's file once, as a module of its own."""
    if file not in _modules:
        spec = importlib.util.spec_from_file_location(f"groundup_mine_{file.stem}_{len(_modules)}", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise InputError(_where(error, file, "file")) from error
        _modules[file] = module
    return _modules[file]


def _where(error: Exception, file: Path, name: str) -> str:
    """Say where in the learner's file an exception came from."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"{file}:{lines[-1] if lines else 1}: your {name} raised {type(error).__name__}: {error}; mend it and run again"


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> float:
    copies, copied = [_copy(value) for value in arguments], {key: _copy(value) for key, value in named.items()}
    start = time.perf_counter()
    function(*copies, **copied)
    return time.perf_counter() - start


def _copy(value: Any) -> Any:
    """A copy of a tensor or an array, so that a run in place changes nothing; anything else as it is."""
    if hasattr(value, "detach"):
        return value.detach().clone()
    return value.copy() if hasattr(value, "copy") else value


if os.environ.get(VARIABLE):
    _mine.update(read_folder(os.environ[VARIABLE]))
