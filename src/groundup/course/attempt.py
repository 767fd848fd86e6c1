"""An attempt: the learner's file as text, and what can be said of it before it runs.

Not written, all of it commented out, no such function, another signature, the library's own function imported: each is a
verdict of its own, in a millisecond and without a process.
"""

import ast
import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from groundup.course.exercise import Exercise, cut
from groundup.course.parsing import parse
from groundup.course.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Attempt:
    """A learner's file. path: as messages call it; its folder is where the file's own imports are looked for."""

    text: str
    path: Path


def broken(exercise: Exercise, sentence: str, line: int | None = None) -> Verdict:
    """The verdict on a file that no check can judge."""
    return Verdict(kind="broken", exercise=exercise.id, sentence=sentence, line=line)


def read(exercise: Exercise, path: Path) -> Attempt | Verdict:
    """A learner's file from the disk, or why it cannot be read."""
    try:
        return Attempt(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return broken(exercise, f"{path} is not there; write {exercise.name} into it")
    except UnicodeDecodeError:
        return broken(exercise, f"{path} is not UTF-8 text; save it as UTF-8")
    except OSError as error:
        return broken(exercise, f"{path} cannot be read ({error.strerror}); check its permissions")


def first_look(exercise: Exercise, attempt: Attempt) -> Verdict | None:
    """The verdict that the text alone decides; None when it has to run."""
    name, path = exercise.name, attempt.path.name
    try:
        tree = parse(attempt.text, str(attempt.path))
    except SyntaxError as error:
        return broken(exercise, _syntax(error, attempt), error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return broken(exercise, f"{path} cannot be read as Python ({error}); save it as plain text")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    mine = [node for node in functions if node.name == name]
    if found := _imports_it(tree, exercise):
        return broken(exercise, f"line {found}: this is the library's own {name}; write your own in its place", found)
    if not mine:
        return broken(exercise, _missing(exercise, attempt, tree))
    function = mine[-1]
    if isinstance(function, ast.AsyncFunctionDef):
        return broken(exercise, f"{name} is an async function; write it with a plain def", function.lineno)
    if _is_unwritten(function):
        return broken(exercise, f"{name} is not written yet; replace its last line by your own code", function.lineno)
    return _signature(exercise, function)


def _syntax(error: SyntaxError, attempt: Attempt) -> str:
    """Where Python stopped reading, with the line itself."""
    lines = attempt.text.splitlines()
    line = lines[error.lineno - 1].strip() if error.lineno and error.lineno <= len(lines) else ""
    return f"line {error.lineno}: {error.msg}" + (f": {line}" if line else "") + "; mend the line and save again"


def _missing(exercise: Exercise, attempt: Attempt, tree: ast.Module) -> str:
    """Why the function is not there."""
    name, path = exercise.name, attempt.path.name
    if not any(not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom) for node in tree.body):
        if re.search(rf"^\s*#.*\bdef {name}\b", attempt.text, re.MULTILINE):
            return f"{name} is commented out in {path}, so nothing can run; take the # away from its lines"
        return f"nothing is written in {path}; it needs a function def {name}(...)"
    others = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if name in others:
        return f"{path} has {name} only inside another block; move it to the outermost level"
    near = difflib.get_close_matches(name, others, n=1)
    return f"{path} has no function {name}; " + (f"rename your {near[0]}" if near else f"write def {name}(...)")


def _imports_it(tree: ast.Module, exercise: Exercise) -> int | None:
    """The line that imports the very function that is to be written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("groundup"):
            if exercise.name in [alias.name for alias in node.names]:
                return node.lineno
    return None


def _is_unwritten(function: ast.FunctionDef) -> bool:
    """Whether a body does nothing: only its docstring, pass, `...`, or the stub's last line."""
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" in ast.unparse(node.exc))
        for node in function.body
    )


def _signature(exercise: Exercise, function: ast.FunctionDef) -> Verdict | None:
    """The verdict on arguments that the real run could not call."""
    wanted = parse(f"{cut(exercise).signature}: ...").body[0]
    assert isinstance(wanted, ast.FunctionDef)
    if _accepts(function.args, wanted.args):
        return None
    theirs, ours = (", ".join(arg.arg for arg in _all(one)) for one in (function.args, wanted.args))
    sentence = (
        f"{exercise.name} takes ({theirs}) and is called with ({ours}); keep the signature {ast.unparse(wanted)[:-9]}"
    )
    return broken(exercise, " ".join(sentence.split()), function.lineno)


def _all(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _accepts(theirs: ast.arguments, wanted: ast.arguments) -> bool:
    """Whether every call of the wanted signature is one of theirs: the same names in order, what is new has a default."""
    if theirs.vararg and theirs.kwarg:
        return True
    names, ours = [arg.arg for arg in theirs.args], [arg.arg for arg in wanted.args]
    keywords = {arg.arg for arg in theirs.kwonlyargs} | set(names[len(ours) :])
    required = [arg.arg for arg, default in zip(theirs.kwonlyargs, theirs.kw_defaults, strict=True) if default is None]
    new = set(required) - {arg.arg for arg in wanted.kwonlyargs}
    without_default = len(names) - len(theirs.defaults)
    return (
        not theirs.posonlyargs
        and names[: len(ours)] == ours
        and without_default <= len(ours) - len(wanted.defaults)
        and {arg.arg for arg in wanted.kwonlyargs} <= keywords
        and not new
    )
