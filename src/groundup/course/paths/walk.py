"""A learner who passes: the eight chapters with the library's own solutions, every milestone checked, every model talked to.

    python -m groundup.course.paths.walk FOLDER          one run with everything serves all chapters (about a minute)
    python -m groundup.course.paths.walk FOLDER --each   the folder grows chapter by chapter, with a run for each

Into FOLDER/my go the solutions, into FOLDER/runs the runs. Without --each every chapter's files are put down first, so that
the first chapter's run holds the functions of all; with it a chapter's run has what a learner would have by then. A slot
that has no exercise yet gets the library's own text as well. This proves that the path can be walked, not that it teaches.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from groundup import files, slots
from groundup.course import excerpt, shelf
from groundup.course.exercise import known_slots, solution
from groundup.course.paths import milestones, steps

PROMPT = "What is 2 + 3?"


def wanted(proof: milestones.Proof) -> list[str]:
    """Every slot that a milestone asks for."""
    return list(dict.fromkeys([*proof.wanted(), *proof.ran, *proof.called]))


def text_of(slot: str) -> str:
    """What the learner of this walk writes: the exercise's solution, or the library's function cut out of its file."""
    exercise = next((one for one in shelf.exercises() if one.id == slot), None)
    if exercise is not None:
        return solution(exercise)
    path = known_slots()[slot]
    module = ".".join(["groundup", *path.with_suffix("").parts])
    return excerpt.excerpt((slots.HOUSE / path).read_text("utf-8"), slot.rpartition(".")[2], module, ()).solution


def put(folder: Path, wanted_slots: Iterable[str]) -> None:
    """Write the solutions into the learner's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for slot in wanted_slots:
        files.write_text(folder / f"{slot.rpartition('.')[2]}.py", text_of(slot))


def call(place: Path, *words: str, said: str = "") -> str:
    """One `groundup` command inside the walk's folder; its output."""
    environment = {key: value for key, value in os.environ.items() if key != slots.VARIABLE} | {"GROUNDUP_QUIET": "1"}
    command = [sys.executable, "-m", "groundup.cli", *words]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, input=said)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def chapter(place: Path, number: int, step: steps.Step) -> tuple[bool, str]:
    """Walk one chapter; whether nothing is open, and a line that says what was seen."""
    assert step.milestone is not None
    folder, runs, proof = place / "my", place / "runs", milestones.proofs()[step.milestone.id]
    title = f"{number}. {step.title}"
    if missing := list(milestones.waits(proof)):
        return True, f"– {title}: {missing[0]}"
    put(folder, wanted(proof))
    found = milestones.reached(step.milestone, folder, runs)
    run = runs / f"chapter-{number}"
    if found.state == "open" or not milestones.finished(runs):
        call(place, "--mine", "my", "demo", "--fast", "--out", f"runs/{run.name}")
        found = milestones.reached(step.milestone, folder, runs)
    newest = milestones.finished(runs)[0][0]
    answer = " ".join(call(place, "--mine", "my", "chat", f"runs/{newest.name}/model", said=PROMPT + "\n").split())
    last = next((one for one in found.findings if not one.ok), found.findings[-1])
    mark = {"reached": "✓", "skipped": "?"}.get(found.state, "✗")
    return found.state != "open", f"{mark} {title}: {found.state}; {last.sentence}; {PROMPT!r} -> {answer!r}"


def walk(place: Path, each: bool = False) -> bool:
    """Walk the eight chapters and print a line each; whether none stayed open."""
    chapters = steps.path("chapters").steps
    known = [milestones.proofs()[step.milestone.id] for step in chapters if step.milestone]
    if not each:
        put(place / "my", [slot for proof in known if not list(milestones.waits(proof)) for slot in wanted(proof)])
    fine = True
    for number, step in enumerate(chapters, 1):
        reached, line = chapter(place, number, step)
        fine &= reached
        print(line, flush=True)
    return fine


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--each"]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit("usage: python -m groundup.course.paths.walk FOLDER [--each]")
    sys.exit(0 if walk(Path(arguments[0]), each="--each" in sys.argv) else 1)
