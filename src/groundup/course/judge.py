"""The judge: runs a learner's file and asks its function the checks of an exercise, inside the confined child.

What the checks call is not the function itself but a witness around it. It sees by tracing that code of the learner's file
ran, and that neither the library's own function nor a banned call did the work; that no argument was changed in place; that
no number was drawn from a generator that nobody gave; that the same question gets the same answer; that the result is of the
reference's type. The libraries and the checks are compared with what they were, so that a replaced `torch.allclose` shows.

The verdict is said at the very end, with a word that the parent chose. Not held: code that goes to find the judge's own
variables in memory (its frames, the numbers of a check) can still praise itself. What counts for a mark is read.
"""

import builtins
import contextlib
import inspect
import json
import math
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from types import FrameType, ModuleType
from typing import Any, get_args

from groundup.course.attempt import Attempt, broken
from groundup.course.exercise import Check, Exercise, Failed, reference
from groundup.course.expect import shown, shown_call
from groundup.course.verdict import Verdict
from groundup.slots import copied

LIBRARIES = (
    "torch",
    "torch.nn.functional",
    "torch.linalg",
    "torch.testing",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "numpy.testing",
)
CLOSED = ("groundup.course", "groundup_exercise", "torch.Tensor", "Failed", "Check", "Exercise", "Witness", "Verdict")
MODULE = "groundup_mine"  # what the file is called as a module; `mine.py` is a name for a learner
OWN_TO_SET = ("excepthook", "displayhook")  # of sys: a program may, and nothing here depends on them
GENERATORS = ("Generator", "Random", "RandomState")

Libraries = list[tuple[str, Any, dict[str, Any]]]  # name, the namespace itself, its functions and classes as they were


class Broken(Exception):
    """The learner's code did something that no check can judge; str(error) is the sentence."""


class ReadyMade(Broken):
    """The learner's code called what would be the answer itself."""


class Witness:
    """The learner's function as the checks see it: called like the function, and watched."""

    def __init__(self, function: Callable[..., Any], own: Callable[..., Any], exercise: Exercise, file: str) -> None:
        self.function, self.own, self.exercise, self.file = function, own, exercise, file
        self.signature = inspect.signature(own)
        self.others = {id(_traced(own)): f"the library's own {exercise.name}"}
        self.others |= {id(_traced(_found(name))): f"the ready-made {name}" for name in exercise.banned}
        self.asked: tuple[tuple[Any, ...], dict[str, Any]] | None = None  # copies of the last call's arguments
        self.may_be_none = type(None) in get_args(self.signature.return_annotation)
        self.ran = self.fresh = False
        self.of_type: type | None = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        before = self.asked = copied((arguments, named))
        with _no_draws(self.exercise.name):
            result = self.traced(*arguments, **named)
        if not self.ran:
            raise Broken(f"no line of your file ran when {self.exercise.name} was called; write it as a plain function")
        self.unchanged(before, (arguments, named))
        self.right_type(result, before)
        if self.fresh:
            self.fresh = False
            self.answers_again(result, before)
        return result

    def traced(self, *arguments: Any, **named: Any) -> Any:
        """Call the function, and note whose code runs below it."""
        stranger = ""

        def note(frame: FrameType, event: str, what: Any) -> None:
            nonlocal stranger
            if event == "call":
                self.ran = self.ran or frame.f_code.co_filename == self.file
                stranger = stranger or self.others.get(id(frame.f_code), "")
            elif event == "c_call":
                stranger = stranger or self.others.get(id(what), "")

        sys.setprofile(note)
        try:
            result = self.function(*arguments, **named)
        finally:
            sys.setprofile(None)
        if stranger:
            raise ReadyMade(f"your {self.exercise.name} calls {stranger}; compute it yourself")
        return result

    def unchanged(self, before: tuple[Any, Any], after: tuple[Any, Any]) -> None:
        """Fail where an argument is no longer what it was."""
        was, now = (self.named(*one) for one in (before, after))
        for name in was:
            if name not in self.exercise.changes and not _alike(was[name], now[name]):
                raise Failed(
                    f"Changes its argument {name} in place; make a new value and leave the caller's as it was.",
                    expected=f"{name} = {shown(was[name])}",
                    got=f"{name} = {shown(now[name])}",
                )

    def right_type(self, result: Any, before: tuple[Any, Any]) -> None:
        """Fail where the result is of another type than the reference's; asked of the reference once.

        Where None is one of its answers (`float | None`), the check says whether it is right here.
        """
        if result is None and self.may_be_none:
            return
        if self.of_type is None:
            arguments, named = copied(before)
            answer = self.own(*arguments, **named)
            if answer is None and self.may_be_none:
                return
            self.of_type = type(answer)
        if not isinstance(result, self.of_type):
            forgot = "; is a return missing?" if result is None else ""
            raise Failed(
                f"Returns {type(result).__name__} where {self.of_type.__name__} is expected{forgot}"
                + ("" if forgot else "."),
                expected=self.of_type.__name__,
                got=shown(result),
            )

    def answers_again(self, result: Any, before: tuple[Any, Any]) -> None:
        """Fail where the same arguments give another result."""
        arguments, named = copied(before)
        again = self.function(*arguments, **named)
        if not _alike(result, again):
            raise Failed(
                "Gives another answer when asked the same again: it draws numbers by itself, or keeps something between calls.",
                expected=shown(result),
                got=shown(again),
            )

    def named(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """Arguments by their names."""
        return dict(self.signature.bind(*arguments, **named).arguments)

    def question(self) -> str:
        """The last call, as text."""
        return "" if self.asked is None else shown_call(self.named(*self.asked))


def judge(exercise: Exercise, attempt: Attempt, say: Callable[[dict[str, Any]], None], libraries: Libraries) -> Verdict:
    """Run the file, then the checks rung by rung up to the first that fails; `say` hears what comes next.

    libraries: as `as_they_are` found them while nothing of the learner's had run.
    """
    for seed in (random.seed, *(module.manual_seed for module in _loaded("torch"))):
        seed(0)
    own = reference(exercise)
    outcome: Verdict | BaseException
    try:
        witness = Witness(_function(exercise, attempt), own, exercise, str(attempt.path))
        outcome = _ask(exercise, witness, say)
    except BaseException as error:
        outcome = error
    sys.setprofile(None)
    replaced = "" if type(outcome) is ReadyMade else _replaced(libraries)  # torch patches itself for its own optimisers
    if replaced:
        return broken(exercise, f"your file replaces {replaced}, which the checks and others use; leave it as it is")
    return outcome if isinstance(outcome, Verdict) else _escaped(exercise, attempt, outcome)


def _function(exercise: Exercise, attempt: Attempt) -> Callable[..., Any]:
    """Run the learner's file as a module of its own; its function."""
    sys.path.append(str(attempt.path.parent))  # last, so that no file of the learner's hides a package
    module = ModuleType(MODULE)
    module.__file__ = str(attempt.path)
    sys.modules[MODULE] = module
    exec(compile(attempt.text, str(attempt.path), "exec"), module.__dict__)
    function = getattr(module, exercise.name, None)
    if not callable(function):
        raise Broken(f"{exercise.name} is no function any more once your file ran; keep the name for it")
    if inspect.isgeneratorfunction(function):
        raise Broken(f"{exercise.name} is a generator; use return in place of yield")
    return function


def _ask(exercise: Exercise, witness: Witness, say: Callable[[dict[str, Any]], None]) -> Verdict:
    """Put the checks to the learner's function."""
    passed: list[str] = []
    for one in exercise.in_order():
        say({"rung": one.rung, "check": one.name})
        witness.fresh, witness.asked = True, None
        failed = _failure(one, witness)
        if failed is not None:
            return Verdict(
                kind="failed",
                exercise=exercise.id,
                rung=one.rung,
                check=one.name,
                sentence=failed.sentence or one.mistake,
                input=failed.input or witness.question(),
                expected=failed.expected,
                got=failed.got,
                line=getattr(failed, "line", None),
                rungs=tuple(dict.fromkeys(rung for rung in passed if rung != one.rung)),  # passed in part is not passed
            )
        passed.append(one.rung)
    if not witness.ran:
        raise Broken(f"no check called {exercise.name}, so nothing was judged; report the exercise")
    return Verdict(
        kind="passed",
        exercise=exercise.id,
        sentence=f"{exercise.name} passes all {len(exercise.checks)} checks",
        rungs=tuple(dict.fromkeys(passed)),
    )


def _failure(one: Check, witness: Witness) -> Failed | None:
    """What a check finds wrong, also where the learner's function raises an exception of its own."""
    mine = witness.function if one.rung == "speed" else witness
    try:
        one.function(mine)
    except Failed as failed:
        return failed
    except (Broken, MemoryError):
        raise
    except Exception as error:
        if _says_no_memory(error):
            raise
        return _raised(error, witness)
    return None


def _raised(error: Exception, witness: Witness) -> Failed:
    """An exception as a failure: with its line where it came from the learner's file."""
    line = _line(error, witness.file)
    name = witness.exercise.name
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    what = what if len(what) < 400 else f"{what[:400]} …"
    if line is None:
        return Failed(f"Returns something that the check cannot use ({what}).")
    if isinstance(error, NotImplementedError):
        raise Broken(f"{name} is not written yet (line {line} raises NotImplementedError); write it to its end")
    if isinstance(error, RecursionError):
        what = "calls itself without end"
        failed = Failed(f"Your {name} {what}, by line {line}.")
    else:
        failed = Failed(f"Your {name} stops in line {line} with {what.rstrip('.')}.")
    failed.line = line  # type: ignore[attr-defined]
    return failed


def _escaped(exercise: Exercise, attempt: Attempt, error: BaseException) -> Verdict:
    """The verdict on what ended the judgement."""
    if isinstance(error, Broken):
        return broken(exercise, str(error))
    line = _line(error, str(attempt.path))
    where = "" if line is None else f" in line {line}"
    if isinstance(error, SystemExit):
        return broken(exercise, f"your code ends the program (sys.exit){where}; return a value in its place", line)
    if isinstance(error, MemoryError) or _says_no_memory(error):
        return broken(
            exercise,
            f"your code asks for more memory than a check may have{where}; look for a size that explodes",
            line,
        )
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if line is None:
        return broken(exercise, f"the judgement was ended by {what}; look at what your file replaces")
    return broken(exercise, f"your file stops{where} with {what}; mend the line and save again", line)


def _line(error: BaseException, file: str) -> int | None:
    """The last line of a file that an exception passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__, limit=None) if frame.filename == file]
    return lines[-1] if lines else None


def _says_no_memory(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and "allocate" in str(error) and "memory" in str(error)


# ───────── what the witness looks at ─────────


def _traced(what: Any) -> Any:
    """What the interpreter shows of a call: a Python function's code, or the built-in function itself."""
    return getattr(inspect.unwrap(what), "__code__", what)


def _found(name: str) -> Any:
    """A function by its full name."""
    module, _, attribute = name.rpartition(".")
    __import__(module)
    return getattr(sys.modules[module], attribute)


def _loaded(*names: str) -> list[Any]:
    return [sys.modules[name] for name in names if name in sys.modules]


@contextlib.contextmanager
def _no_draws(name: str) -> Iterator[None]:
    """Fail where a global generator of random numbers was used."""
    before = _drawn()
    yield
    after = _drawn()
    for whose, state in before.items():
        if state != after.get(whose, state):
            raise Failed(f"Draws random numbers from {whose}; use only what {name} is given.")


def _drawn() -> dict[str, Any]:
    states: dict[str, Any] = {"random": random.getstate()}
    for torch in _loaded("torch"):
        states["torch's global generator"] = torch.random.get_rng_state().numpy().tobytes()
    for numpy in _loaded("numpy"):
        _, keys, *rest = numpy.random.get_state()
        states["NumPy's global generator"] = (keys.tobytes(), *rest)
    return states


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same to the last bit, at any depth; generators are meant to move on."""
    if type(one) is not type(other):
        return False
    if type(one).__name__ in GENERATORS:
        return True
    if hasattr(one, "shape") and hasattr(one, "dtype"):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool(((one == other) | ((one != one) & (other != other))).all())
    if is_dataclass(one):
        return all(_alike(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    if isinstance(one, dict):
        return list(one) == list(other) and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


# ───────── what may not be replaced ─────────


def as_they_are() -> Libraries:
    """The functions and classes of the libraries and of the checks, as they are now."""
    named = {name: module for name, module in sys.modules.items() if name in LIBRARIES or name.startswith("groundup")}
    plain = (builtins, math, json, random, sys, inspect, traceback)  # builtins first: the comparison itself needs them
    spaces: list[tuple[str, Any]] = [(module.__name__, vars(module)) for module in plain]
    spaces += [(name, vars(module)) for name, module in named.items()]
    spaces += [("torch.Tensor", vars(torch.Tensor)) for torch in _loaded("torch")]
    classes = (Failed, Check, Exercise, Witness, Verdict)
    spaces += [(one.__name__, vars(one)) for one in classes]
    return [(name, space, {key: value for key, value in space.items() if callable(value)}) for name, space in spaces]


def _replaced(libraries: Libraries) -> str:
    """The first name that is no longer what it was, or that hides an inherited or built-in one; "" when there is none."""
    for name, now, before in libraries:
        changed = [key for key, value in before.items() if now.get(key) is not value and key not in OWN_TO_SET]
        if name.startswith(CLOSED):
            changed += [key for key, value in now.items() if callable(value) and key not in before]
        if changed:
            if name == "builtins":
                now.update(before)
            return f"{name}.{changed[0]}".removeprefix("builtins.")
    return ""
