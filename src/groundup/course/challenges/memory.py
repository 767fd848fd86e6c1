"""Why a run does not fit, and what to change, said before it starts: the memory of training, part by part.

`model.accounting` counts the parts at the two moments at which the peak can stand: when the way back begins (all
activations) and in the optimiser's step (all gradients). What is added here is seen and not counted: the allocator does not
give back all that comes and goes, and in bf16 torch compiles a kernel for every product's shape.
`groundup plan` measures the same peak by running a few steps: more exact, and it does not say why.

Against the peak of a process on Linux the sum was 3 to 9 % low in six runs of 210 to 540 MB (fp32 with both optimisers, and the
demo in bf16) and 3 % high in another in bf16. It was 33 % low where gradients of several batches are summed, as the allocator
then holds more. Larger tensors are not held: in a run of 3.5 GB an earlier count of the same parts was 15 % high.

Left out: an accelerator's kernels, tokens and tokenizer (tens of MB), samples and validation.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from groundup import files
from groundup.errors import ConfigError, GroundupError, InputError
from groundup.model.accounting import Training, count, kept
from groundup.model.accounting import memory as counted
from groundup.model.accounting.budget import cache_bytes
from groundup.model.architectures.configuration import ModelConfig
from groundup.plots import style
from groundup.runs import estimate, resources
from groundup.runs.recipe import Recipe
from groundup.training.config import TrainConfig

KNOWN = ("llama", "qwen3", "groundup")  # the families of which every change below is tried
HELD = 0.25  # of gradients, activations and working space: what the allocator has and nobody uses
KERNELS_BYTES = 26_000_000  # about 1 MB for each of the shapes that a model multiplies in bf16
COMING = ("gradients", "activations", "working space")  # parts that come and go in each step
SHORTEST = 32  # tokens in a row below which no advice is given


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """All that the count reads: the model, the loop's numbers, the number format of the products."""

    model: ModelConfig
    train: TrainConfig
    dtype: str = "float32"

    @property
    def use(self) -> Training:
        """The same in accounting's words."""
        return estimate.step_of(self.train, self.dtype)


def of_recipe(recipe: Recipe) -> Shape:
    """What a recipe's [model], [train] and [machine] say; dtype "auto" counts as float32, the larger one."""
    if "model" not in recipe.configs or "train" not in recipe.configs:
        raise InputError(f"{recipe.source} trains no model; name a recipe with the stage train, such as demo")
    family = recipe.configs["model"].model_type
    if family not in KNOWN:
        raise InputError(f"{recipe.source} trains a {family}; the memory challenge counts {', '.join(KNOWN)}")
    dtype = recipe.configs["machine"].dtype
    return Shape(
        model=recipe.configs["model"],
        train=recipe.configs["train"],
        dtype="float32" if dtype == "auto" else dtype,
    )


# ───────── the parts ─────────


def moments(shape: Shape) -> dict[str, dict[str, int]]:
    """Part by part what is held at the two moments of a step at which the peak can stand, with what is held besides."""
    kernels = KERNELS_BYTES if shape.dtype == "bfloat16" else 0
    found = counted(shape.model, shape.use).moments
    return {
        moment: parts | {"held besides": round(HELD * sum(parts.get(name, 0) for name in COMING)) + kernels}
        for moment, parts in found.items()
    }


def total_bytes(shape: Shape) -> int:
    """The peak of training, without the program itself."""
    return max(sum(parts.values()) for parts in moments(shape).values())


# ───────── against what there is ─────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing to change. settings: as `--set` takes them; costs: what it does to the result."""

    name: str
    settings: tuple[str, ...]
    costs: str
    total_bytes: int
    fits: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What a run needs, against what there is."""

    moment: str
    parts: dict[str, int]
    activations: dict[str, int]
    total_bytes: int
    available_bytes: int
    fits: bool
    largest: str
    cache_bytes: int  # keys and values of one full context, when the model answers
    inference_bytes: int
    changes: tuple[Change, ...] = ()
    measured_bytes: int | None = None

    @property
    def sentence(self) -> str:
        """The study in one sentence."""
        need, have = f"{self.total_bytes / 1e6:,.0f} MB", f"{self.available_bytes / 1e6:,.0f} MB"
        share = self.parts[self.largest] / self.total_bytes
        largest = f"most of it {self.largest}" if share > 0.5 else f"the largest part {self.largest}"
        told = f"it needs {need} {self.moment}, {largest} ({100 * share:.0f} %), and there are {have}"
        if self.fits:
            return f"it fits: {told}"
        helps = next((change for change in self.changes if change.fits), None)
        return f"it does not fit: {told}; " + (f"{_flags(helps)} makes it fit" if helps else "no change here is enough")


def _flags(change: Change) -> str:
    return " ".join(f"--set {setting}" for setting in change.settings)


def study(shape: Shape, available: int, program: int = 0) -> Study:
    """Explain the memory of a run. program: what Python and its libraries hold already."""
    moment, parts = max(moments(shape).items(), key=lambda item: sum(item[1].values()))
    parts = parts | {"program": program}
    cache = cache_bytes(shape.model, shape.model.max_position_embeddings, dtype=shape.dtype)
    total = sum(parts.values())
    return Study(
        moment=moment,
        parts=parts,
        activations=kept(shape.model, shape.use),
        total_bytes=total,
        available_bytes=available,
        fits=total <= available,
        largest=max(parts, key=lambda name: parts[name]),
        cache_bytes=cache,
        inference_bytes=cache + count(shape.model).weight_bytes() + program,
        changes=() if total <= available else tuple(changes(shape, available - program, program)),
    )


# ───────── what to change, first what changes the result least ─────────


@dataclass(frozen=True, slots=True)
class Move:
    """A way to need less: `smaller` gives ever stronger forms of it, the weakest first."""

    name: str
    costs: str
    smaller: Callable[[Shape], Iterator[Shape]]


def _trained(shape: Shape, **settings: Any) -> Shape:
    return dataclasses.replace(shape, train=dataclasses.replace(shape.train, **settings))


def _modelled(shape: Shape, **settings: Any) -> Shape:
    return dataclasses.replace(shape, model=dataclasses.replace(shape.model, **settings))


def _smaller_batch(shape: Shape) -> Iterator[Shape]:
    batch, parts = shape.train.batch_size, shape.train.gradient_accumulation_steps
    for divisor in range(2, batch + 1):
        if batch % divisor == 0:
            yield _trained(shape, batch_size=batch // divisor, gradient_accumulation_steps=parts * divisor)


def _short_numbers(shape: Shape) -> Iterator[Shape]:
    if shape.dtype == "float32":
        yield dataclasses.replace(shape, dtype="bfloat16")


def _other_optimizer(shape: Shape) -> Iterator[Shape]:
    if shape.train.optimizer == "adamw":
        yield _trained(shape, optimizer="muon")


def _shorter_rows(shape: Shape) -> Iterator[Shape]:
    length, parts = shape.train.seq_len, shape.train.gradient_accumulation_steps
    factor = 2
    while length // factor >= SHORTEST:
        yield _trained(shape, seq_len=length // factor, gradient_accumulation_steps=parts * factor)
        factor *= 2


def _fewer_layers(shape: Shape) -> Iterator[Shape]:
    fewest = 3 if shape.train.initialization == "look_back" else 1  # its heads stand in the first three blocks
    for layers in range(shape.model.num_hidden_layers - 1, fewest - 1, -1):
        yield _modelled(shape, num_hidden_layers=layers)


def _narrower(shape: Shape) -> Iterator[Shape]:
    model = shape.model
    for factor in (2, 4, 8):
        if model.hidden_size // factor >= 16:
            yield _modelled(
                shape, hidden_size=model.hidden_size // factor, intermediate_size=model.intermediate_size // factor
            )


MOVES = (
    Move("smaller batch, gradients summed", "the same result to rounding, in about the same time", _smaller_batch),
    Move("products in bf16", "nearly the same result: the weights stay fp32", _short_numbers),
    Move("Muon instead of AdamW", "other steps; one number of state less for each weight in a block", _other_optimizer),
    Move("shorter rows", "the model learns from less context", _shorter_rows),
    Move("fewer blocks", "a smaller model, and a worse one", _fewer_layers),
    Move("a narrower model", "a much smaller model", _narrower),
)


def changes(shape: Shape, available: int, program: int = 0) -> Iterator[Change]:
    """Each move alone, only as strong as it must be; then, where none is enough, one after another until they are."""
    found = False
    for move in MOVES:
        if (tried := _weakest(move, shape, available)) is not None:
            change = _change(move.name, move.costs, shape, tried, available, program)
            found = found or change.fits
            yield change
    if not found:
        yield from _together(shape, available, program)


def _weakest(move: Move, shape: Shape, available: int) -> Shape | None:
    """The first form of a move that fits, else its strongest; None where it would save nothing."""
    last = None
    for tried in move.smaller(shape):
        if total_bytes(tried) < total_bytes(shape if last is None else last):
            last = tried
        if total_bytes(tried) <= available:
            return tried
    return last


def _together(shape: Shape, available: int, program: int) -> Iterator[Change]:
    """The moves one on top of another, as many as it takes."""
    now = shape
    names: list[str] = []
    for move in MOVES:
        tried = _weakest(move, now, available)
        if tried is None:
            continue
        now, names = tried, [*names, move.name]
        if total_bytes(now) <= available:
            break
    if len(names) > 1:
        yield _change(" + ".join(names), "all of these costs", shape, now, available, program)


def _change(name: str, costs: str, before: Shape, after: Shape, available: int, program: int) -> Change:
    total = total_bytes(after)
    return Change(
        name=name,
        settings=tuple(_settings(before, after)),
        costs=costs,
        total_bytes=total + program,
        fits=total <= available,
    )


def _settings(before: Shape, after: Shape) -> Iterator[str]:
    """The keys of a recipe in which two shapes differ."""
    for table in ("train", "model"):
        old, new = getattr(before, table), getattr(after, table)
        for field in dataclasses.fields(new):
            if getattr(old, field.name) != getattr(new, field.name):
                yield f"{table}.{field.name}={getattr(new, field.name)}"
    if before.dtype != after.dtype:
        yield f"machine.dtype={after.dtype}"


# ───────── what there is, and the proof ─────────

UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "": 1, "b": 1}


def parse_bytes(text: str) -> int:
    """A size as people write it; ConfigError when it is none.

    >>> parse_bytes("4GB"), parse_bytes("512 MiB")
    (4000000000, 536870912)
    """
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text.strip()[len(number) :].strip().lower()
    try:
        size = float(number) * UNITS[unit]
        assert 0 < size < 2**63
        return round(size)
    except (ValueError, KeyError, AssertionError):
        raise ConfigError(f"{text!r} is no amount of memory; write for example 4GB or 512MB") from None


def program_bytes() -> int:
    """What this process holds with torch loaded, before there is a model."""
    import torch  # noqa: F401

    return resources.memory_bytes()


def measured_bytes(shape: Shape, steps: int = 3) -> int:
    """The peak of a few steps on random tokens, over what the process held before, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        told = Path(folder) / "shape.json"
        model = {"model_type": shape.model.model_type, "fields": dataclasses.asdict(shape.model)}
        train = dataclasses.asdict(dataclasses.replace(shape.train, steps=steps))
        files.write_json(told, {"model": model, "train": train, "dtype": shape.dtype})
        command = [sys.executable, "-m", "groundup.course.challenges.memory", folder]
        environment = os.environ | {"GROUNDUP_QUIET": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise GroundupError(
                f"the measurement ended with status {done.returncode}: {(done.stderr.strip() or 'killed')[-300:]}; "
                "measure a smaller batch"
            )
        return int(files.read_json(Path(folder) / "measured.json")["bytes"])


def main(folder: str) -> None:
    """The measuring process: a small model first, so that the libraries' own memory is there before the count begins."""
    from groundup.model.architectures import FAMILIES
    from groundup.runs import settings

    settings.apply(settings.MachineConfig())
    told = files.read_json(Path(folder) / "shape.json")
    model = FAMILIES[told["model"]["model_type"]][0](**told["model"]["fields"])
    shape = Shape(model=model, train=TrainConfig(**told["train"]), dtype=told["dtype"])
    _run(_trained(_modelled(shape, num_hidden_layers=3), batch_size=1, seq_len=8, gradient_accumulation_steps=1))
    meter = resources.Meter()
    _run(shape)
    cost = meter.stop()
    files.write_json(Path(folder) / "measured.json", {"bytes": cost.peak_memory_bytes - cost.start_memory_bytes})


def _run(shape: Shape) -> None:
    import torch

    from groundup.model.architectures import build
    from groundup.training import loop

    module = build(shape.model, seed=1, scheme=shape.train.initialization)
    module.compute_dtype = getattr(torch, shape.dtype)
    loop.train(module, lambda step: random_batch(shape, step), shape.train)


def random_batch(shape: Shape, seed: int) -> Any:
    """A batch of random tokens in the run's shape."""
    import torch

    from groundup.data.pipeline.streaming import Batch

    rows, length = shape.train.batch_size, shape.train.seq_len
    ids = torch.randint(shape.model.vocab_size, (rows, length + 1), generator=torch.Generator().manual_seed(seed))
    one = torch.zeros(rows, length, dtype=torch.long)
    positions = torch.arange(length).expand(rows, length).contiguous()
    return Batch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), one == 0, one, positions)


# ───────── the picture ─────────


def picture(found: Study, title: str = "Where the memory of training goes") -> go.Figure:
    """Draw the parts on top of another beside each change's total, with what there is as a line."""
    totals = [found.total_bytes, found.available_bytes, *(change.total_bytes for change in found.changes)]
    sizes, unit = style.scaled([*totals, *found.parts.values()], "B")
    made = style.figure(title, y=unit, height=460)
    names = ["as it is", *(style.escape(change.name) for change in found.changes)]
    for number, (part, size) in enumerate(zip(found.parts, sizes[len(totals) :], strict=True)):
        made.add_bar(x=names[:1], y=[size], name=part, marker={"color": style.colour(number)})
    made.add_bar(
        x=names[1:], y=sizes[2 : len(totals)], name="after the change",
        marker={"color": style.INK, "pattern": {"shape": "/"}},
    )  # fmt: skip
    made.update_layout(
        barmode="stack", legend={"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"}
    )
    style.reference_line(made, "there are", sizes[1] or 0.0, colour=style.FLOOR)
    return made


if __name__ == "__main__":
    main(sys.argv[1])
