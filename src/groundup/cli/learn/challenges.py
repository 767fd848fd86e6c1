"""`groundup learn challenge shapes|instability|memory`: three studies on a model, a run or a recipe of your own."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from groundup.cli.options import Set

Study = Annotated[Literal["shapes", "instability", "memory"], tyro.conf.Positional, tyro.conf.arg(metavar="STUDY")]
Subject = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL|RUN|RECIPE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeOptions:
    """study a model, run or recipe of your own: shapes, instability or memory"""

    study: Study
    """shapes: every tensor of a forward pass; instability: why a run does not learn; memory: why a run does not fit"""
    of: Subject = ""
    """shapes: a model folder; instability: a run folder, a recipe or a tiny broken run; memory: a recipe (none: demo)"""
    text: str = "The red ball is under the table."
    """shapes: the text that goes through the model"""
    quiz: bool = False
    """shapes: you say the shapes, one a line, and hear what is wrong"""
    steps: int = 60
    """instability: steps to train"""
    seed: int = 1
    """shapes, instability: where chance begins"""
    set: Set = ()
    """override a key of the recipe, for example train.batch_size=64 (repeatable)"""
    memory: str = ""
    """memory: what there is, for example 4GB; left out: what this machine has"""
    measure: bool = False
    """memory: also run three steps in a process of their own and show its peak"""
    json: bool = False
    """print the study as JSON on stdout"""
    out: Path | None = None
    """write the pictures as one HTML page that needs no network"""


def challenge(options: ChallengeOptions) -> int:
    """Carry the study out; 1 where the quiz was not all right, a run is ill or does not fit."""
    return {"shapes": shapes, "instability": instability, "memory": memory}[options.study](options)


def shapes(options: ChallengeOptions) -> int:
    """Print every tensor of a forward pass, or ask for it."""
    import torch

    from groundup.cli import running
    from groundup.course.challenges import shapes as study

    module, ids = _model(options)
    rows = study.trace(module, torch.tensor([ids]))
    known = study.sizes(module.config, 1, len(ids))
    if options.quiz:
        return _quiz(options, rows, known)
    _write(options, "Shapes", lambda: [study.picture(rows)])
    if options.json:
        running.print_json(study.as_json(rows))
    else:
        _print_shapes(*study.folded(rows))
    return 0


def _model(options: ChallengeOptions) -> tuple[Any, list[int]]:
    """The module with the text as ids; without a folder a new one of the demo's shape, which reads bytes."""
    from groundup.errors import InputError

    if options.of:
        from groundup.cli import loading
        from groundup.runs.settings import MachineConfig

        handle = loading.load(Path(options.of), MachineConfig(device="cpu"))
        module, ids = handle.module, handle.tokenizer.encode(options.text)
    else:
        from groundup.model.architectures import build
        from groundup.runs import recipe

        module = build(recipe.load("demo", options.set).configs["model"], seed=options.seed)
        ids = [byte % module.config.vocab_size for byte in options.text.encode()]
    if not 0 < len(ids) <= module.config.max_position_embeddings:
        most = module.config.max_position_embeddings
        raise InputError(f"--text has {len(ids)} tokens; give 1 to {most}, the model's context")
    return module, ids


def _print_shapes(rows: Sequence[Any], layers: int) -> None:
    from groundup.cli import show

    cells = [
        (row.path, " ".join(row.axes), " × ".join(map(str, row.shape)), row.dtype, show.size(row.size_bytes), row.about)
        for row in rows
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(5)]
    for line in cells:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)) + f"  {line[5]}")
    if layers > 1:
        print(f"blocks 1 to {layers - 1} have the same shapes; a fused kernel never holds the scores whole")


def _quiz(options: ChallengeOptions, rows: Sequence[Any], known: dict[str, int]) -> int:
    """Ask for one shape after another; answers are lines of stdin."""
    import dataclasses

    from groundup.cli import running
    from groundup.course.challenges import shapes as study

    page = sys.stderr if options.json else sys.stdout
    asked, judged = study.questions(rows), []
    print("sizes: " + ", ".join(f"{word}={size}" for word, size in known.items()), file=page)
    for number, row in enumerate(asked, 1):
        print(f"{number} of {len(asked)}: {row.path} ({row.about})? ", end="", file=page, flush=True)
        line = sys.stdin.readline()
        if not line:
            print("no answer", file=page)
            break
        judged.append(study.judge(row, line.strip(), known))
        print(f"{'✓' if judged[-1].right else '✗'} {judged[-1].sentence}", file=page)
    right = sum(one.right for one in judged)
    print(f"{right} of {len(asked)} right", file=page)
    if options.json:
        running.print_json(
            {"asked": len(asked), "right": right, "answers": [dataclasses.asdict(one) for one in judged]}
        )
    return 0 if right == len(asked) else 1


def instability(options: ChallengeOptions) -> int:
    """Name the likely cause of a run that does not learn; without a run, that of every tiny broken one."""
    from groundup import progress
    from groundup.cli import running
    from groundup.course.challenges import broken
    from groundup.course.challenges import instability as study

    if not options.of or options.of in broken.RUNS:
        names = [options.of] if options.of else list(broken.RUNS)
        found = {name: study.examine(broken.find(name, options.seed)) for name in names}
    else:
        progress.say(f"measuring the first {options.steps} steps of {options.of}")
        with study.opened(options.of, options.set, options.steps) as setup:
            found = {options.of: study.examine(setup)}
    _write(options, "Instability", lambda: [figure for one in found.values() for figure in study.pictures(one)])
    if options.json:
        running.print_json({name: study.as_json(one) for name, one in found.items()})
    else:
        for name, one in found.items():
            _print_diagnosis(name, one)
    return 0 if all(one.healthy for one in found.values()) or not options.of else 1


def _print_diagnosis(name: str, found: Any) -> None:
    from groundup.cli import show

    evidence = found.evidence
    print(f"{name}: {found.sentence}")
    rows = []
    for layer, start in zip(evidence.early, evidence.layers, strict=True):
        sizes = [f"{number:.3g}" for number in (layer.stream, layer.gradient_norm, start.score_spread)]
        rows.append([str(layer.index), *sizes, f"{100 * start.one_key:.0f} %", f"{100 * start.dead_units:.0f} %"])
    about = f"loss {evidence.start:.2f} -> {evidence.end:.2f} nats, a guess {evidence.uniform:.2f}"
    about += f"; rate {evidence.learning_rate:g}, largest stable {evidence.range_test.stable:.2g}"
    about += f"; a step moves {100 * evidence.update_ratio:.2g} % of a matrix, {100 * evidence.unmoved:.0f} % of weights stay"
    show.table(about, ["block", "stream", "gradient norm", "scores' spread", "one key", "dead units"], rows)


def memory(options: ChallengeOptions) -> int:
    """Say part by part what training needs, and what to change where it does not fit."""
    import dataclasses

    from groundup.cli import running
    from groundup.course.challenges import memory as study
    from groundup.runs import recipe, resources

    shape = study.of_recipe(recipe.load(options.of or "demo", options.set))
    available = study.parse_bytes(options.memory) if options.memory else resources.available_bytes()
    found = study.study(shape, available, study.program_bytes())
    if options.measure:
        found = dataclasses.replace(found, measured_bytes=study.measured_bytes(shape) + found.parts["program"])
    _write(options, "Memory", lambda: [study.picture(found)])
    if options.json:
        running.print_json(dataclasses.asdict(found) | {"sentence": found.sentence})
    else:
        _print_memory(found)
    return 0 if found.fits else 1


def _print_memory(found: Any) -> None:
    from groundup.cli import show

    rows = [[name, show.size(size)] for name, size in found.parts.items()]
    rows += [["all", show.size(found.total_bytes)]]
    rows += [["measured", show.size(found.measured_bytes)]] if found.measured_bytes else []
    show.table(f"memory {found.moment}", ["part", ""], rows)
    show.table(
        "of the activations", ["part", ""], [[name, show.size(size)] for name, size in found.activations.items()]
    )
    if found.changes:
        changes = [[one.name, show.size(one.total_bytes), "yes" if one.fits else "no"] for one in found.changes]
        show.table("what to change, first what changes the result least", ["change", "then", "fits"], changes)
        for one in found.changes:
            print(f"{one.name}: {' '.join(f'--set {setting}' for setting in one.settings)}   ({one.costs})")
    print(f"answering needs {show.size(found.inference_bytes)}, {show.size(found.cache_bytes)} of it cache")
    print(found.sentence)


def _write(options: ChallengeOptions, title: str, draw: Any) -> None:
    """The pictures as a page, where one was asked for."""
    if options.out is not None:
        from groundup import files, progress
        from groundup.plots import to_html

        files.write_text(options.out, to_html(draw(), title=title))
        progress.say(f"pictures: {options.out}")
