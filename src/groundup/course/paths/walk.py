"""A learner who passes: the eight chapters with the library's own solutions, every milestone checked, every model talked to.

    python -m groundup.course.paths.walk FOLDER             one run with everything serves all chapters (about a minute)
    python -m groundup.course.paths.walk FOLDER --each      the folder grows chapter by chapter, with a run for each
    python -m groundup.course.paths.walk FOLDER --projects  the projects of the phases instead, those that do not wait
    python -m groundup.course.paths.walk FOLDER --hands-on  the hands-on steps instead, those that do not wait

Into FOLDER/my go the solutions, into FOLDER/runs the runs. Without --each every chapter's files are put down first, so that
the first chapter's run holds the functions of all; with it a chapter's run has what a learner would have by then. A slot
that has no exercise yet gets the library's own text as well. Of the projects, the domain's text is tinyworld's documents in a
file of the learner's, and the architecture that is tried is a SwiGLU whose gate is a squared ReLU. This proves that the
path can be walked, not that it teaches.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from groundup import files, slots
from groundup.course import excerpt, shelf
from groundup.course.exercise import solution
from groundup.course.paths import milestones, steps
from groundup.slots import known_slots

PROMPT = "What is 2 + 3?"
DOMAIN_BYTES = 1_500_000  # the world of demo-fast
FAMILIES, INSTRUCTIONS = ("opposite", "plural", "past", "caption"), 500
TRIED = """import torch


def swiglu(x, gate_proj, up_proj, down_proj):
    return down_proj(torch.relu(gate_proj(x)).square() * up_proj(x))
"""
FIGURE = "bits_per_byte.tinyworld.who.train.value"


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
        make(place, proof, run.name)
        found = milestones.reached(step.milestone, folder, runs)
    newest = next(path for path, _ in milestones.finished(runs) if (path / "model").is_dir())
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


# ───────── the projects ─────────


def projects(place: Path) -> bool:
    """Walk the projects of the phases and print a line each; whether none stayed open."""
    return walk_works(place, [work for works in steps.path("phases").projects.values() for work in works])


def hands_on(place: Path, first: int | None = None) -> bool:
    """Walk the hands-on steps, only the first so many where that is said."""
    return walk_works(place, [work for _, work in steps.path("hands-on").milestones()][:first])


def walk_works(place: Path, works: Sequence[steps.Milestone]) -> bool:
    """Walk works that stand each for itself and print a line each; whether none stayed open."""
    proofs = [milestones.proofs()[work.id] for work in works]
    put(place / "my", [slot for proof in proofs if not list(milestones.waits(proof)) for slot in wanted(proof)])
    states = []
    for work in works:
        state, sentence = project(place, work)
        states.append(state)
        mark = {"reached": "✓", "skipped": "?", "waits": "–"}.get(state, "✗")
        print(f"{mark} {work.goal}: {state}; {sentence}", flush=True)
    return "open" not in states


def project(place: Path, work: steps.Milestone) -> tuple[str, str]:
    """Walk one project: its state, and what was seen."""
    folder, runs, proof = place / "my", place / "runs", milestones.proofs()[work.id]
    found = milestones.reached(work, folder, runs)
    if found.state == "open":
        MADE[work.check](place, proof)
        found = milestones.reached(work, folder, runs)
    seen = [one.sentence for one in found.findings if one.ok is not True] or [
        one.sentence for one in found.findings if not one.sentence.endswith(": passes")
    ]
    return found.state, "; ".join(seen)


def make_run(place: Path, proof: milestones.Proof) -> None:
    """The run that a project asks for, made small."""
    make(place, proof, proof.id.removeprefix("project-"))


def make(place: Path, proof: milestones.Proof, name: str) -> None:
    """Carry out the command of a proof; a whole run is made small, by the learner's functions, under this name."""
    words = proof.command.replace("YOUR_TEXT", "domain.txt").replace("YOUR_INSTRUCTIONS", "said.jsonl").split()
    if "domain.txt" in words:
        write_domain(place / "domain.txt")
    if "said.jsonl" in words:
        write_instructions(place / "said.jsonl")
    if proof.base and not (place / "runs" / "base").is_dir():
        call(place, *proof.base.split())
    if "--out" in words:  # a model on its own says where it goes, and no function of the learner's is asked for in it
        call(place, *words)
        return
    fast = [] if "--fast" in words else ["--fast"]
    call(place, "--mine", "my", *words, *fast, "--out", f"runs/{name}")


def write_domain(file: Path) -> None:
    """The learner's own text: documents of tinyworld as one file."""
    from groundup.data.build import tinyworld_documents, up_to

    documents = up_to(tinyworld_documents(7, "train"), DOMAIN_BYTES)
    files.write_text(file, "\n\n".join(document.text for document in documents))


def write_instructions(file: Path) -> None:
    """An instruction data set of the learner's: four families of tinyworld, in answers of another form than the world's own."""
    from groundup.data.sources import tinyworld

    drawn = (one for one in tinyworld.instructions(5, 20 * INSTRUCTIONS, "train") if one.family in FAMILIES)
    rows = ({"instruction": one.prompt, "input": "", "output": f"Answer: {one.answer}"} for one in drawn)
    files.write_jsonl(file, list(itertools.islice(rows, INSTRUCTIONS)))


def report(place: Path, proof: milestones.Proof) -> None:
    """A run with a function changed beside one with all of them as they were, and the page that compares them."""
    put(place / "my", ["model.layers.swiglu"])
    if not (place / "runs" / "transformer").is_dir():
        call(place, "--mine", "my", "demo", "--fast", "--out", "runs/transformer")
    files.write_text(place / "my" / "swiglu.py", TRIED)
    call(place, "--mine", "my", "demo", "--fast", "--out", "runs/tried")
    put(place / "my", ["model.layers.swiglu"])
    results = dict(milestones.finished(place / "runs"))
    cited = {
        name: f"`{name}#{FIGURE} = {milestones.value_at(results[place / 'runs' / name], FIGURE):.3f}`"
        for name in ("transformer", "tried")
    }
    page = f"# A gate of squared ReLU\n\nBits a byte: {cited['tried']}, with SwiGLU {cited['transformer']}.\n"
    files.write_text(place / "my" / proof.page, page)


MADE: dict[str, Callable[[Path, milestones.Proof], None]] = {
    "function": make_run,
    "run": make_run,
    "equal": make_run,
    "report": report,
    "lesson": lambda place, proof: None,  # the functions are all that it asks for
}


WALKS: dict[str, Callable[[Path], bool]] = {
    "--each": lambda place: walk(place, each=True),
    "--projects": projects,
    "--hands-on": hands_on,
}


if __name__ == "__main__":
    flags = [word for word in sys.argv[1:] if word in WALKS]
    arguments = [word for word in sys.argv[1:] if word not in flags]
    if len(arguments) != 1 or len(flags) > 1 or arguments[0].startswith("-"):
        sys.exit(f"usage: python -m groundup.course.paths.walk FOLDER [{' | '.join(WALKS)}]")
    sys.exit(0 if (WALKS[flags[0]] if flags else walk)(Path(arguments[0])) else 1)
