"""Whether a milestone is reached: not by what was said or ticked, but by the learner's own files and runs.

    reached(milestone, folder, runs)    `folder`: the learner's; `runs`: where run folders stand
    kept(folder)                        the last verdicts with their day, as `keep` noted them

What is asked for stands in `milestones.toml`. The exercises are judged anew, and a lesson is read anew with the learner's
functions in it; a run counts by its results.json, and a function in it only if it came from the learner's folder. Not held:
that the run had today's version of a function, and that nobody wrote a results.json by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from groundup import files
from groundup.course import book, checker, shelf
from groundup.course.paths import steps, together
from groundup.course.paths.steps import Milestone
from groundup.course.topics import resolve
from groundup.errors import GroundupError, MissingExtra
from groundup.runs.shelf import results_of
from groundup.slots import known_slots

NAME = "milestones.json"  # of the learner's folder
State = Literal["reached", "open", "waits", "skipped"]
Run = tuple[Path, dict[str, Any]]  # a run folder and its results.json
CITED = re.compile(r"`([\w./-]+)#([\w., -]+) = (-?[\d.]+)`")  # `runs/demo#cost.seconds = 61.2` in a page


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A row of `milestones.toml`: what is asked for."""

    id: str
    check: str = ""
    needs: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    loss_within: float | None = None
    together: str = ""
    lesson: str = ""
    called: tuple[str, ...] = ()
    figure: str = ""
    below: str | float = ""
    above: str | float = ""
    beside: tuple[str, ...] = ()
    page: str = ""
    changed: str = ""
    base: str = ""
    """the command that makes the model from which `command` starts"""
    command: str = "demo --fast"

    def wanted(self) -> list[str]:
        """The slots of its exercises, with every `.*` as those that are on the shelf."""
        return list(dict.fromkeys(id for asked in self.exercises for id in _slots_of(asked)))


def _slots_of(asked: str) -> list[str]:
    """The slots that one entry of `exercises` stands for: itself, or with `.*` those below it that are on the shelf."""
    if not asked.endswith(".*"):
        return [asked]
    return [one.id for one in shelf.exercises() if one.id.startswith(asked[:-1])]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was asked for, and what was found; ok is None where it could not be asked here."""

    ok: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a milestone."""

    milestone: Milestone
    state: State
    findings: tuple[Finding, ...]


@cache
def proofs() -> dict[str, Proof]:
    """Every row of `milestones.toml`."""
    checks = {milestone.id: milestone.check for _, milestone in steps.milestones()}
    asked = {id: {key: _plain(row[key]) for key in row if key != "title"} for id, row in steps.rows().items()}
    return {id: Proof(id=id, **row | {"check": checks.get(id, "")}) for id, row in asked.items()}


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def reached(milestone: Milestone, folder: Path, runs: Path) -> Reached:
    """Judge a milestone on the learner's files and runs."""
    proof = proofs()[milestone.id]
    if missing := list(waits(proof)):
        return Reached(milestone, "waits", tuple(Finding(None, sentence) for sentence in missing))
    findings = tuple(CHECKS[milestone.check](proof, folder, finished(runs)))
    marks = {finding.ok for finding in findings}
    state: State = "open" if False in marks else "skipped" if None in marks else "reached"
    return Reached(milestone, state, findings)


def keep(folder: Path, found: Reached, when: str) -> None:
    """Note a verdict with its day in the learner's folder, where paths and export read it."""
    if folder.is_dir():
        files.write_json(folder / NAME, kept(folder) | {found.milestone.id: {"state": found.state, "when": when}})


def kept(folder: Path) -> dict[str, dict[str, str]]:
    """The last verdict on each milestone: state and when."""
    return files.read_json(folder / NAME) if (folder / NAME).is_file() else {}


def waits(proof: Proof) -> Iterator[str]:
    """What the house has not yet, of what the milestone needs; it joins by itself when that is built."""
    for id in proof.needs:
        if not any(topic.source() for topic in resolve(id)):
            yield f"waits for {id}, which is not built yet"
    slots = known_slots()
    yield from (f"waits for the slot {id}" for id in {*proof.ran, *proof.called} - slots.keys())
    for asked in proof.exercises:
        if not _slots_of(asked):
            yield f"waits for exercises of {asked.removesuffix('.*')}, which are not written yet"
    if proof.lesson and proof.lesson not in [one.id for one in book.lessons()]:
        yield f"waits for the lesson {proof.lesson}, which is not written yet"
    if not any(getattr(proof, asked) for asked in OF_ITSELF.get(proof.check, ())):
        yield "waits for its proof, which is not written yet"


OF_ITSELF = {  # check -> what a row has to ask for, one at least, beside exercises that pass
    "function": ("exercises", "ran", "together"),
    "lesson": ("lesson",),
    "run": ("figure",),
    "equal": ("together",),
    "report": ("page",),
}


def finished(runs: Path) -> list[Run]:
    """The runs of a folder that have results, the newest first; the folder itself may be one."""
    ended = [*runs.glob("results.json"), *runs.glob("*/results.json")]
    newest = sorted(ended, key=lambda file: file.stat().st_mtime, reverse=True)
    return [(file.parent, results) for file in newest if (results := results_of(file.parent))]


# ───────── the five checks ─────────


def function(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """The learner's functions pass, ran in a run, and work together in one model."""
    yield from passing(proof, folder)
    if proof.ran:
        yield ran(proof, folder, runs)
    if proof.together:
        yield whole(proof, folder, runs)


def lesson(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """The learner's functions pass, and a lesson that works by them holds; it is read when they pass."""
    judged = list(passing(proof, folder))
    yield from judged
    if all(finding.ok for finding in judged):
        yield from read(proof, folder)
    else:
        yield Finding(False, f"the lesson {proof.lesson} is read when these pass")


def run(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """A run ended with the named figure reached, with the learner's functions in it where some are named."""
    yield from passing(proof, folder)
    chosen = [one for one in runs if not _not_run(proof, folder, one[1])]
    if proof.ran:
        yield ran(proof, folder, runs)
    if not proof.ran or chosen:
        yield figure(proof, chosen)


def equal(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """Two results are the same."""
    yield from passing(proof, folder)
    yield whole(proof, folder, runs)


def report(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """A page of the learner's exists, and each figure that it cites is the run's."""
    yield from passing(proof, folder)
    page = folder / proof.page
    cited = CITED.findall(page.read_text("utf-8", "replace")) if page.is_file() else []
    if not cited:
        yield Finding(False, f"{page} cites no figure; write one as `runs/demo#cost.seconds = 61.2`")
    known = {str(path): results for path, results in runs} | {path.name: results for path, results in runs}
    for place, key, number in cited:
        value = value_at(known.get(place, {}), key)
        same = value is not None and abs(value - float(number)) <= 0.5 * 10.0 ** -len(number.partition(".")[2])
        yield Finding(same, f"{place}#{key} = {number}" + ("" if same else f", where the run has {value}"))
    if proof.changed and cited:
        yield tried(
            proof, folder, {key: [known.get(at, {}) for at, of, _ in cited if of == key] for _, key, _ in cited}
        )


CHECKS: dict[str, Callable[[Proof, Path, Sequence[Run]], Iterator[Finding]]] = {
    "function": function,
    "lesson": lesson,
    "run": run,
    "equal": equal,
    "report": report,
}


# ───────── what the checks ask ─────────


def passing(proof: Proof, folder: Path) -> Iterator[Finding]:
    """The exercises of the milestone, judged now; a slot without an exercise on the shelf is judged by its run alone."""
    known = {one.id: one for one in shelf.exercises()}
    for exercise in (known[id] for id in proof.wanted() if id in known):
        verdict = checker.check_file(exercise, folder / f"{exercise.name}.py")
        sentence = "passes" if verdict.passed else verdict.text().splitlines()[0]
        yield Finding(verdict.passed, f"{exercise.name}: {sentence}")


def ran(proof: Proof, folder: Path, runs: Sequence[Run]) -> Finding:
    """Whether one run called all the functions through the learner's files, at about the reference's loss.

    The newest that did at that loss speaks, else the newest that called them: a later trial takes nothing back.
    """
    lacking = [(len(missing := _not_run(proof, folder, results)), path, missing) for path, results in runs]
    _, path, missing = min(lacking, key=lambda one: one[0], default=(0, None, list(proof.ran)))
    names = ", ".join(id.rpartition(".")[2] for id in missing)
    if path is None:
        return Finding(False, f"no run used your {names}; {_run_it(proof, folder)}")
    if missing:
        return Finding(False, f"{path} did not use your {names}; {_run_it(proof, folder)}")
    found = [_at_its_loss(proof, *one) for one in runs if not _not_run(proof, folder, one[1])]
    return next((finding for finding in found if finding.ok), found[0])


def _at_its_loss(proof: Proof, path: Path, results: dict[str, Any]) -> Finding:
    """A run that called all the functions: how often, and how far its loss is from the reference's where that is asked."""
    calls = {slot["id"]: slot["calls"] for slot in results["slots"]}
    said = ", ".join(f"{id.rpartition('.')[2]} {calls[id]:,} calls" for id in proof.ran)
    if proof.loss_within is None:
        return Finding(True, f"{path}: {said}")
    loss = next((slot["loss"] for slot in results["slots"] if slot["id"] in proof.ran and slot.get("loss")), None)
    if loss is None or None in (loss["mine"], loss["reference"]):
        return Finding(False, f"{path}: {said}; no loss was compared")
    return Finding(
        abs(loss["mine"] - loss["reference"]) <= proof.loss_within,
        f"{path}: {said}; loss {loss['mine']:.3f}, the reference's {loss['reference']:.3f} after {loss['steps']} steps",
    )


def _not_run(proof: Proof, folder: Path, results: dict[str, Any]) -> list[str]:
    """The slots that a run did not call through files of the folder."""
    called = {slot["id"] for slot in _called(folder, results)}
    return [id for id in proof.ran if id not in called]


def _called(folder: Path, results: dict[str, Any]) -> list[dict[str, Any]]:
    """The slots that a run called through files of the folder."""
    root = folder.resolve()
    return [
        slot
        for slot in results.get("slots", [])
        if slot["calls"] > 0 and Path(slot["file"].rpartition(":")[0]).resolve().is_relative_to(root)
    ]


def _run_it(proof: Proof, folder: Path) -> str:
    return f"run: groundup --mine {folder} {proof.command}"


def tried(proof: Proof, folder: Path, compared: dict[str, list[dict[str, Any]]]) -> Finding:
    """Whether a figure is cited of a run in which a function gave what the library's does not, and of one like it without.

    compared: key -> the runs whose figure is cited. Two runs are alike that have the recipe and the seed in common.
    """
    for key, results in compared.items():
        others = [(one.get("recipe"), one.get("seed")) for one in results if one and not _changes(proof, folder, one)]
        for one in results:
            if (changes := _changes(proof, folder, one)) and (one.get("recipe"), one.get("seed")) in others:
                names = ", ".join(id.rpartition(".")[2] for id in changes)
                return Finding(True, f"{_short(key)} is reported with your own {names} and without")
    return Finding(
        False,
        f"the page compares no run that has a function of {proof.changed} changed with one that has not, at one recipe, "
        f"seed and figure; change one in {folder}, {_run_it(proof, folder)}",
    )


def _changes(proof: Proof, folder: Path, results: dict[str, Any]) -> list[str]:
    """The slots of `changed` in which the learner's function gave something else than the library's."""
    called = _called(folder, results)
    return [slot["id"] for slot in called if slot["id"].startswith(f"{proof.changed}.") and slot.get("differs_at")]


def figure(proof: Proof, runs: Sequence[Run]) -> Finding:
    """Whether the newest run that has the figure reached it."""
    for path, results in runs:
        value, limit = value_at(results, proof.figure), bound(results, proof.below or proof.above)
        if value is None or limit is None:
            continue
        ok = value < limit if proof.below != "" else value > limit
        others = "".join(
            f"; {_short(key)} {other:.3g}" for key in proof.beside if (other := value_at(results, key)) is not None
        )
        sign = "below" if proof.below != "" else "above"
        return Finding(
            ok,
            f"{path}: {_short(proof.figure)} {value:.3g}, wanted {sign} {_named(proof.below or proof.above)}{limit:.3g}{others}",
        )
    first = f"groundup {proof.base}, then " if proof.base else ""
    return Finding(False, f"no run has {proof.figure}; run: {first}groundup {proof.command}")


def bound(results: dict[str, Any], limit: str | float) -> float | None:
    """A limit as a number: itself, or the run's own at a key."""
    return value_at(results, limit) if isinstance(limit, str) else limit


def value_at(results: Any, key: str) -> float | None:
    """The number at a dotted key; None where there is none.

    >>> value_at({"cost": {"seconds": 61.2}}, "cost.seconds")
    61.2
    """
    for part in key.split("."):
        results = results.get(part) if isinstance(results, dict) else None
    return results if isinstance(results, int | float) and not isinstance(results, bool) else None


def _named(limit: str | float) -> str:
    """What stands before a limit's number: its key, where it is the run's own."""
    return f"{_short(limit)} " if isinstance(limit, str) else ""


def _short(key: str) -> str:
    """A key without the words that say nothing.

    >>> _short("bits_per_byte.tinyworld.who.floor.value")
    'bits_per_byte.tinyworld.floor'
    """
    return ".".join(part for part in key.split(".") if part not in ("who", "value"))


def whole(proof: Proof, folder: Path, runs: Sequence[Run]) -> Finding:
    """A measure of `together.py` on the learner's functions."""
    model = next((path / "model" for path, _ in runs if (path / "model" / "config.json").is_file()), None)
    if proof.together != "gradients" and model is None:
        return Finding(False, f"no run has a model yet; {_run_it(proof, folder)}")
    found = _measured(proof, proof.together, folder, model)
    return found if isinstance(found, Finding) else SAID[proof.together](found)


def read(proof: Proof, folder: Path) -> Iterator[Finding]:
    """The lesson read with the learner's functions in it: what it called, whether the reference agrees, what was loaded."""
    found = _measured(proof, "lesson", folder, proof.lesson)
    if isinstance(found, Finding):
        yield found
        return
    said = ", ".join(f"{id.rpartition('.')[2]} {found['calls'][id]:,} calls" for id in proof.called)
    yield Finding(True, f"{proof.lesson} holds with your functions: {said}")
    apart = {id: found["differs"][id] for id in proof.called if id in found["differs"]}
    untold = [id.rpartition(".")[2] for id in proof.called if not found["compared"].get(id)]
    if untold:
        yield Finding(
            False, f"the results of your {', '.join(untold)} could not be compared; leave its arguments alone"
        )
    for id, call in apart.items():
        yield Finding(
            False, f"your {id.rpartition('.')[2]} gives another result than the reference, first at call {call}"
        )
    if not (untold or apart):
        yield Finding(True, "none of them gave another result than the reference")
    loaded = ", ".join(found["frameworks"])
    yield Finding(not loaded, f"{loaded} was loaded; do without" if loaded else "no framework was loaded")


def _measured(proof: Proof, name: str, folder: Path, given: Path | str | None) -> dict[str, Any] | Finding:
    """What a measure found, or what kept it from counting: a sentence of it, or a function that was not called."""
    try:
        found = together.measure(name, folder, given)
    except MissingExtra as error:
        return Finding(None, str(error))
    except GroundupError as error:
        return Finding(None if "is not installed" in str(error) else False, f"{name}: {error}")
    unused = [id.rpartition(".")[2] for id in proof.called if not found["calls"].get(id)]
    if unused:
        return Finding(False, f"{name}: your {', '.join(unused)} is not in it; put it into {folder}")
    return found


def _gradients(found: dict[str, Any]) -> Finding:
    apart = together.difference(found["values"], together.measure("gradients", None)["values"])
    return Finding(
        apart <= together.CLOSE, f"{len(found['values']):,} gradients, at most {apart:.1e} from the reference's"
    )


def _logits(found: dict[str, Any]) -> Finding:
    apart = found["difference"]
    return Finding(
        apart <= together.CLOSE, f"logits of {found['tokens']} tokens, at most {apart:.1e} from transformers'"
    )


def _conversation(found: dict[str, Any]) -> Finding:
    answer = " ".join(found["answer"].split())
    return Finding(bool(answer), f"asked {found['asked']!r}, your model says {answer!r}")


SAID = {"gradients": _gradients, "logits": _logits, "conversation": _conversation}
