"""Each part of a model on this machine's roofline: operations and bytes by formula, seconds as measured, share of the roof.

    train     the way forward of the parts on a batch, the optimiser's step, and the whole step with its way back
    decode    the same parts for one new token that looks at a full cache, and the whole step

The bytes are the least that a part must move (`model.accounting.traffic`), and its roof is that of the innermost level that
holds them, since the parts are timed again and again on the same arrays. The whole steps move more than a cache holds. A part far
beneath its roof moves more than the least, or waits for Python: a decoding step is made of calls of some microseconds.
Experts are a part of their own (in decoding each token reads its own few). An encoder is timed under the head of its masked
pretraining, all places asked; it does not decode. Left out: an encoder with a decoder.

Williams et al. 2009; with a line for each level of the caches: Ilic et al. 2014, "Cache-aware roofline model".
"""

import dataclasses
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.cache.kv_cache import KVCache
from groundup.machine.probe.limits import Limits
from groundup.machine.probe.roofline import attainable
from groundup.machine.probe.timing import in_turns
from groundup.model.accounting.accounting import count
from groundup.model.accounting.operations import writes
from groundup.model.accounting.steps import STATE_BYTES
from groundup.model.accounting.traffic import Part, optimizer, parts
from groundup.model.architectures import build
from groundup.model.architectures.blueprint import Attention, Experts, FeedForward
from groundup.model.architectures.labels import MASKED
from groundup.model.attention.scaled_dot_product import attend
from groundup.runs.resources import available_bytes
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.objectives.masked import masked_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step import accumulate

Work = dict[str, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A part as it ran. seconds: one figure a repeat. roof: operations a second at best, at its intensity, from `level`."""

    kind: str
    name: str
    flops: float
    moved_bytes: float
    seconds: list[float]
    roof: float
    level: str
    moved_roof: float

    @property
    def speed(self) -> float:
        """Operations a second: the median."""
        return self.flops / statistics.median(self.seconds)

    @property
    def share(self) -> float:
        """Of the roof: of its operations, or of its bytes where it only moves."""
        if self.flops:
            return self.speed / self.roof
        return self.moved_bytes / statistics.median(self.seconds) / self.moved_roof


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of random tokens in the loader's form."""

    input_ids: Tensor
    targets: Tensor
    loss_mask: Tensor
    document_ids: Tensor
    positions: Tensor

    @classmethod
    def random(cls, vocab: int, batch: int, seq_len: int) -> "Rows":
        """Rows of one document each."""
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(vocab, (batch, seq_len + 1), generator=generator)
        whole = torch.ones(batch, seq_len, dtype=torch.bool)
        places = torch.arange(seq_len).expand(batch, seq_len)
        return cls(ids[:, :-1], ids[:, 1:], whole, torch.zeros(batch, seq_len, dtype=torch.int64), places)


def check(config: Any) -> None:
    """InputError for a model whose parts `place` cannot time, or whose training does not fit the memory that is free."""
    shape, numbers = config.blueprint(), count(config).parameters
    plain = all(
        isinstance(block.attention, Attention) and isinstance(block.feed_forward, FeedForward | Experts)
        for block in shape.blocks
    )
    if shape.encoder or not plain:
        raise InputError(
            f"{config.model_type} cannot be timed part by part here; use 3m, 10m, 124m, or a decoder or an encoder with plain attention"
        )
    if STATE_BYTES * numbers > available_bytes():
        raise InputError(
            f"a model of {numbers / 1e9:.1f} billion weights cannot be timed part by part here: its training needs "
            f"{STATE_BYTES * numbers / 1e9:,.0f} GB; use 3m, 10m, 124m, or a model that fits"
        )


def place(
    config: Any,
    limits: Limits,
    *,
    batch: int = 8,
    seq_len: int = 256,
    dtype: str = "float32",
    rounds: int = 3,
    repeats: int = 3,
) -> list[Placed]:
    """Time every part of a model of this configuration, with random weights, and put it under the roof of `limits`."""
    config = config if writes(config) else dataclasses.replace(config, head=MASKED)
    module = build(config, seed=0)
    module.compute_dtype = getattr(torch, dtype)
    size = torch.finfo(getattr(torch, dtype)).bits // 8
    found = []
    kinds = [("train", batch, seq_len, seq_len), ("decode", 1, 1, seq_len)]
    for kind, rows, queries, keys in kinds if writes(config) else kinds[:1]:
        work = _parts(module, rows, queries, keys) | _whole(module, kind, rows, seq_len)
        counted = {part.name: part for part in _counted(config, kind, rows, queries, keys, size)}
        taken: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(repeats):
            for name, seconds in in_turns(work, rounds, warm=1).items():
                taken[name].append(statistics.median(seconds))
        found += [_under(limits, kind, counted[name], seconds, dtype) for name, seconds in taken.items()]
    return found


def _counted(config: Any, kind: str, rows: int, queries: int, keys: int, size: float) -> list[Part]:
    """Formulas of the parts that are timed: one block's share of each, the optimiser, and a whole step."""
    every = parts(config, rows, queries, keys, size=size)
    back = 3 if kind == "train" else 1
    flops = back * sum(part.times * part.flops for part in every)
    moved = back * sum(part.times * part.moved_bytes for part in every)
    if kind == "decode":
        return [*every, Part("whole step", flops, moved)]
    learns = optimizer(config)
    return [*every, learns, Part("whole step", flops + learns.flops, moved + learns.moved_bytes)]


def _under(limits: Limits, kind: str, part: Part, seconds: list[float], dtype: str) -> Placed:
    """The roof over a part. The optimiser computes in fp32 whatever the products do."""
    level = limits.level_of(part.moved_bytes)
    peak = limits.peak("float32" if part.name in ("optimizer", "norm") else dtype).flops
    roof = attainable(part.intensity, peak, level.speed)
    return Placed(kind, part.name, part.flops, part.moved_bytes, seconds, roof, level.name, level.speed)


def _parts(module: Any, rows: int, queries: int, keys: int) -> Work:
    """The parts of the first block, and embedding and head, each on tokens of its own."""
    block, config, dtype = module.model.layers[0], module.config, module.compute_dtype
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(config.vocab_size, (rows, queries), generator=generator)
    x = torch.randn(rows, queries, config.hidden_size, generator=generator).to(dtype)
    attention, shape = block.self_attn, config.blueprint().blocks[0].attention
    query = torch.randn(rows, shape.heads, queries, shape.head_dim, generator=generator).to(dtype)
    key, value = (
        torch.randn(rows, shape.kv_heads, keys, shape.head_dim, generator=generator).to(dtype) for _ in range(2)
    )
    mixed = query.transpose(1, 2).flatten(2)
    norm = next(part for name, part in block.named_children() if "norm" in name)

    def projections() -> None:
        for one in (attention.q_proj, attention.k_proj, attention.v_proj):
            one(x)
        attention.o_proj(mixed)

    work: Work = {
        "embedding": lambda: module.model.embed_tokens(ids),
        "norm": lambda: norm(x),
        "attention products": projections,
        "scores and values": lambda: attend(query, key, value, None, causal=shape.causal, scale=attention.scale),
        **_feeding(module, x),
        "head": lambda: module.lm_head(x),
    }
    return {name: _without_gradients(run) for name, run in work.items()}


def _feeding(module: Any, x: Tensor) -> Work:
    """The first dense feed-forward and the first with experts, as `model.accounting.traffic` names them."""
    found: Work = {}
    for block, planned in zip(module.model.layers, module.config.blueprint().blocks, strict=True):
        name = "experts" if isinstance(planned.feed_forward, Experts) else "feed-forward"
        found.setdefault(name, partial(block.mlp, x))
    return found


def _whole(module: Any, kind: str, rows: int, seq_len: int) -> Work:
    """The whole step, and in training the optimiser alone."""
    if kind == "decode":
        cache, token = KVCache.of(module, rows, seq_len + 1), torch.zeros(rows, 1, dtype=torch.int64)

        def decode() -> None:
            cache.length = seq_len - 1  # the same place of the full cache each time
            module(token, cache=cache)

        return {"whole step": _without_gradients(decode)}
    config, made = (
        TrainConfig(optimizer="adamw", steps=1, batch_size=rows, seq_len=seq_len),
        Rows.random(module.config.vocab_size, rows, seq_len),
    )
    learning, loss = build_optimizer(module, config), causal_loss if writes(module.config) else masked_loss

    def step() -> None:
        accumulate(module, [made], loss)
        learning.step(0.0)

    return {"whole step": step, "optimizer": lambda: learning.step(0.0)}


def _without_gradients(run: Callable[[], object]) -> Callable[[], object]:
    def quietly() -> None:
        with torch.no_grad():
            run()

    return quietly


# ───────── as a table and as a picture ─────────


def spread(values: list[float], scale: float = 1.0) -> str:
    """The median, and the least and the most of the repeats.

    >>> spread([1.0, 3.0, 2.0])
    '2 (1 to 3)'
    """
    least, middle, most = (short(value / scale) for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({least} to {most})" if len(values) > 1 else middle


def short(value: float) -> str:
    """Three digits, or all before the point.

    >>> short(0.12345), short(12345.6)
    ('0.123', '12,346')
    """
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def machine_rows(limits: Limits) -> list[list[str]]:
    """What the machine can do, a line a figure: name, median with least and most, remark."""
    rows = [
        [f"{peak.dtype} product", f"{spread(peak.repeats, 1e9)} billion op/s", f"side {peak.side}, {peak.kernel}"]
        for peak in limits.peaks
    ]
    rows += [[f"memory, {kind}", f"{spread(speeds, 1e9)} GB/s", ""] for kind, speeds in limits.moved.items()]
    for level in limits.levels:
        sizes = [
            f"{size / 1024:,.0f} KB {word}" for size, word in ((level.stated, "stated"), (level.found, "seen")) if size
        ]
        figures = f"{spread(level.latency_ns)} ns, {spread(level.bytes_per_s, 1e9)} GB/s"
        rows.append([level.name, figures, ", ".join(sizes)])
    return rows


PLACED_HEAD = ["part", "op/byte", "ms", "billion op/s", "GB/s", "of its roof", "roof"]


def placed_rows(found: list[Placed], *, whole: bool = True) -> list[list[str]]:
    """One line a part, under PLACED_HEAD. whole: with the least and the most of the repeats."""
    rows = []
    for one in found:
        middle = statistics.median(one.seconds)
        bound = "multiplying" if one.roof < one.flops / one.moved_bytes * one.moved_roof else one.level
        rows.append([
            f"{one.kind}, {one.name}",
            short(one.flops / one.moved_bytes),
            spread(one.seconds if whole else [middle], 1e-3),
            short(one.speed / 1e9),
            short(one.moved_bytes / middle / 1e9),
            f"{one.share:.0%}",
            bound,
        ])  # fmt: skip
    return rows


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


WRITING = "- **Writing one token waits for memory.** The {matrices} do about {one_token:.2g} operations a byte then.\n"

PAGE = """# The roofline of this machine

```bash
{command}
```

What the machine can do at best, and what each part of a model makes of it. Operations and bytes are counted by formula
(`src/groundup/model/accounting/traffic.py`), seconds are measured; a part's roof is the lower of the peak of its products and of its
operations a byte times the bandwidth of the innermost level that holds what it works on. The command writes this page, the
picture (`roofline.html`) and all figures (`roofline.json`).

{processor}, {cores} cores, {threads} threads, torch {torch}. Each figure is the median of {repeats} repeats, with the least and the most
of them in brackets.

{machine}
{model}, {dtype}:

{parts}
{writing}- **Training multiplies.** The {matrices}, met by all tokens of a batch, do {many_tokens:,.0f} operations a byte; the ridge of
  this machine is at {ridge:,.0f}.
- A part far beneath its roof moves more than the least that was counted, or waits for calls: the smaller the part, the more.
- More than 100 %: the roof is the bandwidth of our reading loop, and another loop may be faster.
- The memory is read from by all threads together; "seen" is where a chase through memory saw a level end. Under a hypervisor a
  level may be shared with others, and end earlier than is stated.
"""


def page(limits: Limits, found: list[Placed], model: str, dtype: str, command: str) -> str:
    """What the page holds: the machine's table, the parts' table, how they were made."""
    fed = [one for one in found if one.name in ("feed-forward", "experts")]
    matrices = f"matrices of the {fed[0].name}"
    intensity = {one.kind: one.flops / one.moved_bytes for one in fed if one.name == fed[0].name}
    one_token = intensity.get("decode")
    return PAGE.format(
        command=command,
        processor=limits.processor,
        cores=limits.cores,
        threads=limits.threads,
        torch=torch.__version__,
        repeats=len(limits.moved["read"]),
        machine=markdown(["limit", "measured", "size, kernel"], machine_rows(limits)),
        model=model,
        dtype=dtype,
        parts=markdown(PLACED_HEAD, placed_rows(found)),
        writing=WRITING.format(matrices=matrices, one_token=one_token) if one_token else "",
        matrices=matrices,
        many_tokens=intensity["train"],
        ridge=limits.peak(dtype).flops / limits.levels[-1].speed,
    )


def picture(limits: Limits, found: list[Placed], title: str, dtype: str) -> Any:
    """The roofline of this machine with every part that computes."""
    from groundup import plots

    peaks = {peak.dtype: peak.flops for peak in limits.peaks if peak.dtype in (dtype, "float32")}
    bandwidths = {level.name: level.speed for level in limits.levels}
    points = [(one.name, one.kind, one.flops / one.moved_bytes, one.speed) for one in found if one.flops]
    return plots.roofline(peaks, bandwidths, points, title=title)


def as_json(limits: Limits, found: list[Placed]) -> dict[str, Any]:
    """Everything as plain values."""
    placed = [asdict(one) | {"speed": one.speed, "share": one.share} for one in found]
    return {"machine": asdict(limits), "parts": placed}


def named(config: Any) -> str:
    """A configuration in a few words."""
    shape = config.blueprint()
    return f"{config.model_type} of {count(config).parameters / 1e6:,.1f} million weights ({len(shape.blocks)} blocks of width {shape.hidden})"
