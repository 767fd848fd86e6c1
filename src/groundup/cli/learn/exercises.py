"""The loop of an exercise: list, start, check, hint, show, watch."""

import sys
import time
from dataclasses import dataclass
from typing import Any

from groundup.cli.learn.place import Chosen, Name, Place, desk_of, flag_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOptions(Place):
    """the exercises and how far you are"""

    json: bool = False
    """print them as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartOptions(Place):
    """begin an exercise: its file is put into your folder"""

    exercise: Name = ""
    """id or function; none: the next that you have not passed"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions(Chosen):
    """judge your function"""

    all: bool = False
    """judge every exercise that has a file in your folder"""
    json: bool = False
    """print the verdicts as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class HintOptions(Chosen):
    """one more hint; there are three"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowOptions(Chosen):
    """the library's own solution, once you have passed"""

    anyway: bool = False
    """also before you have passed"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchOptions(Chosen):
    """judge your function each time that its file is saved"""


def list_exercises(options: ListOptions) -> None:
    """Show every exercise with what was done of it."""
    from groundup.cli import running

    desk = desk_of(options)
    record = desk.record()
    rows = [(one, record.get(one.id)) for one in desk.exercises]
    if options.json:
        return running.print_json([_facts(exercise, entry) for exercise, entry in rows])
    width = max((len(e.name) for e, _ in rows), default=0)
    for e, r in rows:
        mark = "✓" if r.passed else "·" if e.id in record.entries else " "
        print(f"{mark} {e.name:<{width}}  {'●' * e.difficulty:<5}  {e.minutes:>3} min  {e.title}")
    print(
        f"{sum(r.passed for _, r in rows)} of {len(rows)} passed; `groundup learn start EXERCISE{flag_of(options)}` begins one"
    )


def _facts(exercise: Any, entry: Any) -> dict[str, Any]:
    about = {name: getattr(exercise, name) for name in ("id", "title", "difficulty", "minutes")}
    return about | {name: getattr(entry, name) for name in ("passed", "hints", "tries")}


def start(options: StartOptions) -> None:
    """Write the exercise's file, if it is not there yet."""
    from groundup.errors import InputError

    desk = desk_of(options)
    chosen = desk.find(options.exercise) if options.exercise else desk.next(desk.record())
    if chosen is None:
        raise InputError(
            "you have passed every exercise; `groundup learn list` shows them, and a name begins one again"
        )
    desk.begin(chosen)
    print(f"{chosen.title} ({'●' * chosen.difficulty}, about {chosen.minutes} minutes)")
    print(f"write {chosen.name} in {desk.file(chosen)}, then: groundup learn check{flag_of(options)}")


def check(options: CheckOptions) -> int:
    """Judge one file, or all; 0 when everything passed, else 1."""
    import dataclasses

    from groundup.cli import running
    from groundup.errors import InputError

    desk = desk_of(options)
    begun = [one for one in desk.exercises if desk.file(one).exists()]
    chosen = begun if options.all else [desk.find(options.exercise)]
    if not chosen:
        raise InputError(f"{options.folder} holds no exercise yet; `groundup learn start` begins one")
    verdicts = [_judge(desk, one) for one in chosen]
    if options.json:
        running.print_json([dataclasses.asdict(verdict) | {"passed": verdict.passed} for verdict in verdicts])
    else:
        for one, verdict in zip(chosen, verdicts, strict=True):
            _say(options, desk, one, verdict)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def hint(options: HintOptions) -> None:
    """Print the next hint, or the last one again."""
    desk = desk_of(options)
    chosen = desk.find(options.exercise)
    number = desk.hint(chosen)
    print(f"{chosen.name}, hint {number} of {len(chosen.hints)}: {chosen.hints[number - 1]}")


def show_solution(options: ShowOptions) -> None:
    """Print the library's source of the function."""
    from groundup.course import exercise as exercises
    from groundup.errors import InputError

    desk = desk_of(options)
    chosen = desk.find(options.exercise)
    if not (desk.record().get(chosen.id).passed or options.anyway):
        raise InputError(f"you have not passed {chosen.name} yet; take a hint first, or give --anyway")
    print(exercises.solution(chosen), end="")


def watch(options: WatchOptions) -> None:
    """Judge at once, and again after every save, until Ctrl-C."""
    from groundup.course import checker
    from groundup.course.desk import LOOK_EVERY, Saves

    desk = desk_of(options)
    chosen = desk.find(options.exercise)
    checker.shared().start()
    if not desk.hold():
        print(desk.only_looks, file=sys.stderr)
    saves = Saves(desk.file(chosen))
    print(f"watching {saves.file}; Ctrl-C ends it", file=sys.stderr)
    try:
        while True:
            if saves.new():
                _judge_save(options, desk, chosen, saves)
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        desk.release()


def _judge_save(options: Place, desk: Any, exercise: Any, saves: Any) -> None:
    """Say the verdict on a save; that it cannot be noted ends no watch."""
    from groundup.errors import GroundupError

    verdict = desk.judge(exercise)
    try:
        if saves.there:
            desk.note(exercise, verdict)
    except GroundupError as error:
        print(error, file=sys.stderr)
    _say(options, desk, exercise, verdict)


def _judge(desk: Any, exercise: Any) -> Any:
    from groundup.course import checker

    verdict = checker.check_file(exercise, desk.file(exercise))
    desk.note(exercise, verdict)
    return verdict


def _say(options: Place, desk: Any, exercise: Any, verdict: Any) -> None:
    """The verdict, and what to do next."""
    print(f"{'✓' if verdict.passed else '✗'} {exercise.name}  ({verdict.seconds:.1f} s)\n{verdict.text()}")
    if verdict.passed:
        print()
        if command := desk.command(exercise):
            print(f"see it in the real run:  {command}")
        print(f"the library's own:       groundup learn show {exercise.name}{flag_of(options)}")
        print(f"the next one:            groundup learn start{flag_of(options)}")
    elif desk.record().get(exercise.id).hints < len(exercise.hints):
        print(f"\na hint:  groundup learn hint {exercise.name}{flag_of(options)}")
