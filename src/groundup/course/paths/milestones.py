"""Whether a milestone is reached: not by what was said or ticked, but by the learner's own files and runs.

    reached(milestone, folder, runs)    `folder`: the learner's; `runs`: where run folders stand
    kept(folder)                        the last verdicts with their day, as `keep` noted them

What is asked for stands in `milestones.toml`. The exercises are judged anew; a run counts by its results.json, and a function
in it only if it came from the learner's folder. Not held: that the run had today's version of a function, and that nobody
wrote a results.json by hand.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from groundup import files
from groundup.course import checker, shelf
from groundup.course.exercise import known_slots
from groundup.course.paths import together
from groundup.course.paths.steps import Milestone
from groundup.course.topics import resolve
from groundup.errors import GroundupError, MissingExtra
from groundup.runs.shelf import results_of

NAME = "milestones.json"  # of the learner's folder
State = Literal["reached", "open", "waits", "skipped"]
Run = tuple[Path, dict[str, Any]]  # a run folder and its results.json
CITED = re.compile(r"`([\w./-]+)#([\w., -]+) = (-?[\d.]+)`")  # `runs/demo#cost.seconds = 61.2` in a page


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A row of `milestones.toml`: what is asked for."""

    id: str
    needs: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    loss_within: float | None = None
    together: str = ""
    called: tuple[str, ...] = ()
    figure: str = ""
    below: str | float = ""
    above: str | float = ""
    beside: tuple[str, ...] = ()
    page: str = ""

    def wanted(self) -> list[str]:
        """The slots of its exercises, with every `.*` as those that are on the shelf."""
        known = [one.id for one in shelf.exercises()]
        lists = (
            [one for one in known if one.startswith(id[:-1])] if id.endswith(".*") else [id] for id in self.exercises
        )
        return list(dict.fromkeys(id for ids in lists for id in ids))


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
    rows = tomllib.loads((Path(__file__).parent / "milestones.toml").read_text("utf-8"))
    return {id: Proof(id=id, **{key: _plain(value) for key, value in row.items()}) for id, row in rows.items()}


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
    if not (proof.wanted() or proof.figure or proof.together or proof.page):
        yield "what proves it is not written yet"


def finished(runs: Path) -> list[Run]:
    """The runs of a folder that have results, the newest first; the folder itself may be one."""
    ended = [*runs.glob("results.json"), *runs.glob("*/results.json")]
    newest = sorted(ended, key=lambda file: file.stat().st_mtime, reverse=True)
    return [(file.parent, results) for file in newest if (results := results_of(file.parent))]


# ───────── the four checks ─────────


def function(proof: Proof, folder: Path, runs: Sequence[Run]) -> Iterator[Finding]:
    """The learner's functions pass, ran in a run, and work together in one model."""
    yield from passing(proof, folder)
    if proof.ran:
        yield ran(proof, folder, runs)
    if proof.together:
        yield whole(proof, folder, runs)


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


CHECKS: dict[str, Callable[[Proof, Path, Sequence[Run]], Iterator[Finding]]] = {
    "function": function,
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
    """Whether one run called all the functions through the learner's files, at about the reference's loss."""
    lacking = [(len(missing := _not_run(proof, folder, results)), path, missing) for path, results in runs]
    _, path, missing = min(lacking, key=lambda one: one[0], default=(0, None, list(proof.ran)))
    names = ", ".join(id.rpartition(".")[2] for id in missing)
    if path is None:
        return Finding(False, f"no run used your {names}; {_run_it(folder)}")
    if missing:
        return Finding(False, f"{path} did not use your {names}; {_run_it(folder)}")
    results = next(found for place, found in runs if place == path)
    calls = {slot["id"]: slot["calls"] for slot in results["slots"]}
    said = ", ".join(f"{id.rpartition('.')[2]} {calls[id]:,} calls" for id in proof.ran)
    loss = next((slot["loss"] for slot in results["slots"] if slot["id"] in proof.ran and slot.get("loss")), None)
    if proof.loss_within is None or loss is None:
        return Finding(
            proof.loss_within is None,
            f"{path}: {said}" + ("" if proof.loss_within is None else "; no loss was compared"),
        )
    return Finding(
        abs(loss["mine"] - loss["reference"]) <= proof.loss_within,
        f"{path}: {said}; loss {loss['mine']:.3f}, the reference's {loss['reference']:.3f} after {loss['steps']} steps",
    )


def _not_run(proof: Proof, folder: Path, results: dict[str, Any]) -> list[str]:
    """The slots that a run did not call through files of the folder."""
    root = folder.resolve()
    called = {
        slot["id"]
        for slot in results.get("slots", [])
        if slot["calls"] > 0 and Path(slot["file"].rpartition(":")[0]).resolve().is_relative_to(root)
    }
    return [id for id in proof.ran if id not in called]


def _run_it(folder: Path) -> str:
    return f"run: groundup --mine {folder} demo --fast"


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
            f"{path}: {_short(proof.figure)} {value:.3g}, wanted {sign} {_short(proof.below or proof.above)} {limit:.3g}{others}",
        )
    return Finding(False, f"no run has {proof.figure}; run: groundup demo --fast")


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


def _short(key: str | float) -> str:
    """A key without the words that say nothing.

    >>> _short("bits_per_byte.tinyworld.who.floor.value")
    'bits_per_byte.tinyworld.floor'
    """
    return ".".join(part for part in str(key).split(".") if part not in ("who", "value"))


def whole(proof: Proof, folder: Path, runs: Sequence[Run]) -> Finding:
    """A measure of `together.py` on the learner's functions."""
    model = next((path / "model" for path, _ in runs if (path / "model" / "config.json").is_file()), None)
    if proof.together != "gradients" and model is None:
        return Finding(False, f"no run has a model yet; {_run_it(folder)}")
    try:
        found = together.measure(proof.together, folder, model)
        unused = [id.rpartition(".")[2] for id in proof.called if not found["calls"].get(id)]
        if unused:
            return Finding(False, f"{proof.together}: your {', '.join(unused)} is not in it; put it into {folder}")
        return SAID[proof.together](found)
    except MissingExtra as error:
        return Finding(None, str(error))
    except GroundupError as error:
        return Finding(None if "is not installed" in str(error) else False, f"{proof.together}: {error}")


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
