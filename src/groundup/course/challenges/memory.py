"""Why a run does not fit, and what to change, said before it starts: the memory of training by formula, part by part.

    weights       4 bytes a parameter (fp32 masters)      gradients    4 more, from the way back until the step
    optimiser     AdamW two more numbers a parameter, Muon one for each matrix inside the blocks
    activations   what the way forward keeps for the way back, for every token (T = batch * seq) and block:

        e * (4 hidden + 2 query + 2 key + [query + key with QK-norm] + 4 intermediate (2 without gate)) + a few bytes
        + e * heads * seq where the scores are held whole (on a CPU in bf16 up to 1,024 tokens)

    with e = 4 bytes in fp32 and 2 in bf16, query = heads * head_dim, key = kv_heads * head_dim; and once: the embedding's
    vocab * hidden gradient of the head, which is made on the way forward; in bf16 a short copy of each matrix.

The peak stands at one of two moments: when the way back begins (all activations) or in the optimiser's step (all
gradients). The activations are exact to the byte for the three families, counted by the tensors that autograd keeps; see the
test. `groundup plan` measures the same peak by running a few steps: more exact, and it does not say why.
Counting after Korthikanti et al. 2022, arXiv:2205.05198, section 4.1, for this house's kernels.

Two parts are no formula but were seen here: the allocator does not give back all that comes and goes (about a quarter more),
and in bf16 torch compiles a kernel for every product's shape. Against the peak of a process on Linux the sum was 1 to 10 % low in
four runs of 200 to 540 MB. It was 28 % low where gradients of several batches are summed, as the allocator then holds more, and
15 % high in a run of 3.5 GB, whose tensors are too large to be held.

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
from groundup.model.accounting import Accounting, count
from groundup.model.architectures.decoder import DecoderConfig
from groundup.plots import style
from groundup.runs import resources
from groundup.runs.recipe import Recipe
from groundup.training.config import TrainConfig

FULL = 4  # bytes of weights, gradients and optimiser state a number
KNOWN = ("llama", "qwen3", "groundup")  # the families whose every kept tensor the formula counts
BYTES = {"float32": 4, "bfloat16": 2}
WHOLE_SCORES_UP_TO = 1024  # keys; beyond, the kernel keeps one number a row
HELD = 0.25  # of gradients, activations and working space: what the allocator has and nobody uses
KERNELS_BYTES = 26_000_000  # about 1 MB for each of the shapes that a model multiplies in bf16
SHORTEST = 32  # tokens in a row below which no advice is given


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """All that the formula reads: the model, the loop's numbers, the number format of the products."""

    model: DecoderConfig
    train: TrainConfig
    dtype: str = "float32"

    @property
    def tokens(self) -> int:
        """Tokens that go through the model at once."""
        return self.train.batch_size * self.train.seq_len


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


# ───────── the formula ─────────


def activation_bytes(shape: Shape) -> dict[str, int]:
    """What the way forward keeps for the way back: in the blocks, around them, and for the head."""
    model, tokens, e = shape.model, shape.tokens, BYTES[shape.dtype]
    around = tokens * (8 + e * (2 * model.hidden_size + model.head_dim) + FULL)  # ids, last norm, head's input, angles
    short = 2 * (count(model).matrix_parameters - count(model).embedding_parameters) if e < FULL else 0
    return {
        "attention": model.num_hidden_layers * tokens * _attention_bytes(shape),
        "feed-forward": model.num_hidden_layers * tokens * _feed_forward_bytes(shape),
        "around the blocks": around,
        "head": FULL * model.vocab_size * model.hidden_size,
        "short copies of the matrices": short,
    }


def _attention_bytes(shape: Shape) -> int:
    """A block's attention with its norm, for one token."""
    model, e = shape.model, BYTES[shape.dtype]
    heads, kv_heads = model.num_attention_heads, model.num_key_value_heads
    query, key = heads * model.head_dim, kv_heads * model.head_dim
    numbers = 2 * model.hidden_size + 2 * query + 2 * key  # stream, its norm; query, mixed; key, value
    scales = FULL  # one of the norm
    if model.normalizes_heads:
        numbers, scales = numbers + query + key, scales + FULL * (heads + kv_heads)
    whole = shape.dtype == "bfloat16" and shape.train.seq_len <= WHOLE_SCORES_UP_TO
    return e * numbers + scales + (e * heads * shape.train.seq_len if whole else FULL * heads)


def _feed_forward_bytes(shape: Shape) -> int:
    """A block's feed-forward with its norm, for one token: gate, its silu, up and their product; or relu and its square."""
    held = 4 if shape.model.gated else 2
    return BYTES[shape.dtype] * (2 * shape.model.hidden_size + held * shape.model.intermediate_size) + FULL


def optimizer_bytes(shape: Shape) -> int:
    """AdamW: mean and mean square of each gradient; Muon: one momentum for each matrix inside the blocks."""
    accounting = count(shape.model)
    inside = _matrices(shape.model, accounting) if shape.train.optimizer == "muon" else 0
    return FULL * (2 * (accounting.parameters - inside) + inside)


def _matrices(model: DecoderConfig, accounting: Accounting) -> int:
    return accounting.matrix_parameters - accounting.embedding_parameters


def _way_back_bytes(shape: Shape) -> int:
    """Working space of the widest step back: gradients of the feed-forward's units, and the stream's."""
    model = shape.model
    return shape.tokens * BYTES[shape.dtype] * (3 * model.intermediate_size + 2 * model.hidden_size)


def _step_bytes(shape: Shape) -> int:
    """Working space of the optimiser: Muon stacks matrices of one shape, with about four more of their size; AdamW none."""
    if shape.train.optimizer != "muon":
        return 0
    model = shape.model
    alike = (2 if model.gated else 1) * model.hidden_size * model.intermediate_size
    return 4 * FULL * model.num_hidden_layers * alike


def _held(parts: dict[str, int], shape: Shape) -> dict[str, int]:
    """The parts with what the allocator and the compiled kernels hold besides."""
    kernels = KERNELS_BYTES if shape.dtype == "bfloat16" else 0
    comes_and_goes = sum(parts[name] for name in ("gradients", "activations", "working space"))
    return parts | {"held besides": round(HELD * comes_and_goes) + kernels}


def moments(shape: Shape) -> dict[str, dict[str, int]]:
    """Part by part what is held at the two moments of a step at which the peak can stand."""
    weights, accounting = count(shape.model).weight_bytes(FULL), count(shape.model)
    always = {"weights": weights, "optimiser state": optimizer_bytes(shape)}
    summed = shape.train.gradient_accumulation_steps > 1
    head = FULL * accounting.embedding_parameters
    way_back = {
        "gradients": weights if summed else head,
        "activations": sum(activation_bytes(shape).values()),
        "working space": _way_back_bytes(shape),
    }
    step = {"gradients": weights, "activations": 0, "working space": _step_bytes(shape)}
    return {
        "when the way back begins": _held(always | way_back, shape),
        "in the optimiser's step": _held(always | step, shape),
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
    accounting, context = count(shape.model), shape.model.max_position_embeddings
    cache = accounting.kv_cache_bytes_per_token(BYTES[shape.dtype]) * context
    total = sum(parts.values())
    return Study(
        moment=moment,
        parts=parts,
        activations=activation_bytes(shape),
        total_bytes=total,
        available_bytes=available,
        fits=total <= available,
        largest=max(parts, key=lambda name: parts[name]),
        cache_bytes=cache,
        inference_bytes=cache + accounting.weight_bytes(FULL) + program,
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

MEMINFO, LIMITS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "": 1, "b": 1}


def available_bytes() -> int:
    """Memory that this machine can still give, with what this process holds already; less where its container says less."""
    mine = resources.memory_bytes()
    try:
        line = next(line for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable"))
        free = int(line.split()[1]) * 1024 + mine
    except (OSError, StopIteration):
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit, used = (int((LIMITS / name).read_text()) for name in ("memory.max", "memory.current"))
        return min(free, limit - used + mine)
    except (OSError, ValueError):  # no such file, or "max"
        return free


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
