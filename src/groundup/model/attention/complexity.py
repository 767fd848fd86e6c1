"""What each kind of attention costs as the text grows: counted by formula, counted while it runs, and timed.

One head of width d over n tokens, each of which sees what stands before it (Linformer: everything).

    variant                       operations            steps    kept to write on    layers until the last token
                                                                                      knows of all others
    full                          4 n^2 d               1        2 n d               1
    local and global, window w    4 n w d               1        2 w d               n / w (both ways: 2)
    strided, stride sqrt(n)       8 n sqrt(n) d         1        2 n d               2
    linear, features f            4 n f d               1 or n   f (d + 1)           1
    Linformer, k mixtures         8 n k d               1        -                   1
    Transformer-XL, window w      6 n w d               1        2 w d               n / w
    recurrent network             4 n d^2               n        d                   1 (over n steps)

Steps are what no number of processors can shorten: products that wait for one another. A recurrent network and full
attention cross at n = d in operations, but not in steps: this, and not the operations, is what attention replaced recurrence
for (Vaswani et al. 2017, arXiv:1706.03762, table 1; the steps of a sum and of a cumulative sum count as one).

`measured` runs a variant once and counts its products' operations, its largest tensor, its peak of memory and its longest chain of
kernels; `seconds` times it; `exponent` fits the power of n. Formulas count what these implementations compute, to the operation.
Left out: projections (the same for all), softmax and other elementwise work, which the clock sees and the formulas do not.
"""

import math
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from groundup.errors import InputError
from groundup.model.attention import linear, masks, memory, sparse
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention

BLOCK = 64  # tokens a block or a chunk
WINDOW = 128  # tokens that are seen back by the variants with a window
MIXTURES = 64  # Linformer's k
FEATURES = 128  # Performer's m
NEIGHBOURS = 32  # kNN memory: what is read of it
MEMORY = 512  # kNN memory: what it holds


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one head costs over a text."""

    flops: int  # of the matrix products, multiply and add apart
    largest: int  # elements of the largest tensor between inputs and result
    steps: int  # products, sums or updates that wait for one another, up to a constant
    kept: int  # elements that stay to write one more token
    layers: int  # until the last token knows of all others


@dataclass(frozen=True, slots=True)
class Variant:
    """A kind of attention: `cost(length, head_dim)` by formula, and `run(query, key, value)` to be measured."""

    cost: Callable[[int, int], Cost]
    run: Callable[[Tensor, Tensor, Tensor], Tensor]


# ───────── counted by formula, for lengths that are multiples of the block ─────────


def _full(n: int, d: int) -> Cost:
    return Cost(flops=4 * n * n * d, largest=n * n, steps=1, kept=2 * n * d, layers=1)


def _local_global(n: int, d: int) -> Cost:
    seen = -(-WINDOW // BLOCK) + 2  # blocks: the window's, one's own, the first
    rows = torch.arange(1, n // BLOCK + 1).clamp(max=seen)
    return Cost(**_blocks(rows, n, d), steps=1, kept=2 * (WINDOW + 2) * d, layers=-(-n // WINDOW))


def _strided(n: int, d: int) -> Cost:
    rows = sparse.strided_pattern(n // BLOCK, _stride(n))[0].sum(1)
    return Cost(**_blocks(rows, n, d), steps=1, kept=2 * n * d, layers=2)


def _blocks(seen: Tensor, n: int, d: int) -> dict[str, int]:
    """Operations and largest tensor, from the number of key blocks that each block of queries sees."""
    widest = max(count * min(sparse.ROWS_AT_ONCE, int((seen == count).sum())) for count in seen.unique().tolist())
    return dict(flops=4 * int(seen.sum()) * BLOCK**2 * d, largest=max(n * d, widest * BLOCK * max(BLOCK, d)))


def _stride(n: int) -> int:
    """Blocks that the strided pattern looks back, and jumps."""
    return max(1, math.isqrt(n // BLOCK))


def _linear(n: int, d: int, features: int | None = None) -> Cost:
    f = features or d
    flops = 2 * n * (BLOCK * f + BLOCK * (d + 1) + 2 * f * (d + 1))
    span = min(n, linear.SPAN)
    largest = max(span * BLOCK, (span // BLOCK + 1) * f * (d + 1), span * (d + 1), n * d, n * f)
    return Cost(flops=flops, largest=largest, steps=1, kept=f * (d + 1), layers=1)


def _steps(n: int, d: int) -> Cost:
    # The update is an outer product, which is elementwise: only the reading is a product.
    return Cost(flops=2 * n * d * d, largest=n * d, steps=n, kept=d * (d + 1), layers=1)


def _performer(n: int, d: int) -> Cost:
    chunks = _linear(n, d, FEATURES)
    return Cost(
        flops=chunks.flops + 4 * n * d * FEATURES,
        largest=chunks.largest,
        steps=1,
        kept=FEATURES * (d + 1),
        layers=1,
    )


def _linformer(n: int, d: int) -> Cost:
    return Cost(flops=8 * n * MIXTURES * d, largest=n * MIXTURES, steps=1, kept=2 * n * d, layers=1)


def _transformer_xl(n: int, d: int) -> Cost:
    first = min(n, WINDOW)
    pairs = first * first + (n - first) * 2 * WINDOW  # the first segment has no memory
    largest = max(n * d, WINDOW * (2 * WINDOW + 1))
    return Cost(flops=6 * pairs * d, largest=largest, steps=1, kept=2 * WINDOW * d, layers=-(-n // WINDOW))


def _memorizing(n: int, d: int) -> Cost:
    segments = n // WINDOW
    held = [min(segment * WINDOW, MEMORY) for segment in range(segments)]
    search = sum(2 * WINDOW * kept * d for kept in held)
    read = sum(2 * WINDOW * min(NEIGHBOURS, kept) * d for kept in held)
    largest = max(n * d, WINDOW * min(n - WINDOW, MEMORY), WINDOW * NEIGHBOURS * d if segments > 1 else 0, WINDOW**2)
    return Cost(
        flops=4 * n * WINDOW * d + search + read,
        largest=largest,
        steps=1,
        kept=2 * (MEMORY + WINDOW) * d,
        layers=-(-n // (WINDOW + MEMORY)),
    )


def _recurrent(n: int, d: int) -> Cost:
    return Cost(flops=4 * n * d * d, largest=n * d, steps=n, kept=d, layers=1)


# ───────── as they run ─────────


def elman(
    x: Float[Tensor, "batch heads seq head_dim"],
    weight_in: Float[Tensor, "head_dim head_dim"],
    weight_hidden: Float[Tensor, "head_dim head_dim"],
) -> Float[Tensor, "batch heads seq head_dim"]:
    """A plain recurrent network, h_t = tanh(W x_t + U h_(t-1)): each step waits for the one before."""
    inputs, hidden, out = x @ weight_in.T, torch.zeros_like(x[:, :, 0]), []
    for now in range(x.shape[2]):
        hidden = torch.tanh(inputs[:, :, now] + hidden @ weight_hidden.T)
        out.append(hidden)
    return torch.stack(out, dim=2)


def _drawn(rows: int, columns: int, x: Tensor) -> Tensor:
    """A matrix for inputs of x's dtype and device, always the same."""
    drawn = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0)) / math.sqrt(columns)
    return drawn.to(x)


def _run_full(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, key, value, masks.causal(query.shape[2], device=query.device))


def _run_local_global(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return sparse.local_global_attention(query, key, value, WINDOW, (0,), causal=True, size=BLOCK)


def _run_strided(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    blocks = sparse.strided_pattern(-(-query.shape[2] // BLOCK), _stride(query.shape[2]))
    return sparse.block_sparse_attention(query, key, value, blocks.to(query.device), BLOCK, torch.ge)


def _run_linear(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return linear.causal_linear_attention(linear.elu_features(query), linear.elu_features(key), value, chunk=BLOCK)[0]


def _run_steps(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key = linear.elu_features(query), linear.elu_features(key)
    return linear.causal_linear_attention_recurrent(query, key, value)[0]


def _run_performer(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return linear.performer_attention(query, key, value, _drawn(FEATURES, query.shape[-1], query), causal=True)


def _run_linformer(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    mix = _drawn(MIXTURES, key.shape[2], key)
    return linear.linformer_attention(query, key, value, mix, mix)


def _run_transformer_xl(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    heads, d = query.shape[1], query.shape[-1]
    bias, back = query.new_zeros(heads, d), _drawn(2 * WINDOW, d, query).expand(heads, -1, -1)
    out = []
    for start in range(0, query.shape[2], WINDOW):
        read = slice(max(0, start - WINDOW), start + WINDOW)
        seen = key[:, :, read]
        parts = query[:, :, start : start + WINDOW], seen, value[:, :, read], back[:, 2 * WINDOW - seen.shape[2] :]
        out.append(memory.relative_attention(*parts, bias, bias))
    return torch.cat(out, dim=2)


def _run_memorizing(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    gate, out = query.new_zeros(query.shape[1]), []
    for start in range(0, query.shape[2], WINDOW):
        held, here = slice(max(0, start - MEMORY), start), slice(start, start + WINDOW)
        kept = key[:, :, held], value[:, :, held]
        parts = query[:, :, here], key[:, :, here], value[:, :, here]
        out.append(memory.memorizing_attention(*parts, kept, gate, NEIGHBOURS))
    return torch.cat(out, dim=2)


VARIANTS = {
    "full": Variant(_full, _run_full),
    "local and global": Variant(_local_global, _run_local_global),
    "strided": Variant(_strided, _run_strided),
    "linear, in chunks": Variant(_linear, _run_linear),
    "linear, step by step": Variant(_steps, _run_steps),
    "Performer": Variant(_performer, _run_performer),
    "Linformer": Variant(_linformer, _run_linformer),
    "Transformer-XL": Variant(_transformer_xl, _run_transformer_xl),
    "kNN memory": Variant(_memorizing, _run_memorizing),
    "recurrent network": Variant(
        _recurrent, lambda query, *_: elman(query, *(_drawn(query.shape[-1], query.shape[-1], query),) * 2)
    ),
}


def inputs(length: int, head_dim: int = 64, heads: int = 1, seed: int = 0) -> list[Tensor]:
    """A query, a key and a value of these sizes, drawn."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, heads, length, head_dim, generator=generator) for _ in range(3)]


# ───────── counted while it runs ─────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a run really did."""

    flops: int  # of its matrix products
    largest: int  # elements of the largest tensor that it made
    peak_bytes: int  # the most that it held at one time, its inputs not counted
    steps: int  # the longest chain of kernels, each of which needs the result of the one before


class _Meter(TorchDispatchMode):
    """Follow every kernel: what it makes, when that is let go, and the longest chain that leads to it."""

    def __init__(self) -> None:
        super().__init__()
        self.depth: dict[int, int] = {}  # by storage: the length of the chain that made it
        self.live, self.peak, self.largest, self.steps = 0, 0, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        read = [id(x.untyped_storage()) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        result = func(*args, **kwargs)
        chain = 1 + max((self.depth.get(one, 0) for one in read), default=0)
        for made in tree_leaves(result):
            if isinstance(made, Tensor):
                self._note(made, chain, new=id(made.untyped_storage()) not in read, written=func._schema.is_mutable)
        return result

    def _note(self, made: Tensor, chain: int, new: bool, written: bool) -> None:
        storage = made.untyped_storage()
        if new and id(storage) not in self.depth:
            self.live += storage.nbytes()
            self.largest = max(self.largest, made.numel())
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._let_go, id(storage), storage.nbytes())
        if new or written:  # a view is no work
            self.depth[id(storage)] = chain
            self.steps = max(self.steps, chain)

    def _let_go(self, storage: int, size: int) -> None:
        self.live -= size
        self.depth.pop(storage, None)


def measured(work: Callable[[], Any]) -> Measured:
    """Run once, and count. Nothing in it depends on the machine or its load."""
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            work()
        meter = _Meter()
        with meter:
            result = work()
        del result
    flops = counter.get_total_flops()
    return Measured(flops=flops, largest=meter.largest, peak_bytes=meter.peak, steps=meter.steps)


def seconds(work: dict[str, Callable[[], Any]], rounds: int = 3) -> dict[str, float]:
    """The least processor time of each over the rounds, which are taken in turns so that a slow moment hits all."""
    best = dict.fromkeys(work, math.inf)
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    with torch.no_grad():
        for _ in range(rounds):
            for name, run in work.items():
                start = clock()
                run()
                best[name] = min(best[name], clock() - start)
    return best


def exponent(lengths: Sequence[int | float], costs: Sequence[int | float]) -> float:
    """The power of the length that fits the costs best: the slope of log cost over log length, by least squares.

    >>> exponent([1, 2, 4], [5, 20, 80])
    2.0
    """
    if len(lengths) != len(costs) or len(set(lengths)) < 2 or min(*lengths, *costs) <= 0:
        raise InputError(
            f"no slope goes through the lengths {list(lengths)} and costs {list(costs)}; "
            f"give as many of both, above 0, at two lengths or more"
        )
    x, y = torch.tensor(lengths, dtype=torch.float64).log2(), torch.tensor(costs, dtype=torch.float64).log2()
    x = x - x.mean()
    return round(float((x @ y) / (x @ x)), 6)
