"""Floating-point operations by part: which matrix, which direction, and what of attention is computed in vain.

    a matrix of n weights          2n a token forward, 2n for its input's gradient and 2n for its own
    scores, values                 2 * heads * head_dim for each pair of query and key, forward; twice that backward
    LoRA                           the matrix is frozen, so its own gradient is not made: 4n in place of 6n, and the thin ones' 6 a weight
    checkpointing                  each block's forward once more
    Muon                           Newton-Schulz on each matrix (r x c, r <= c), five times 2 (2 r^2 c + r^3), whatever the batch

A causal mask hides nearly half of all pairs. Kernels that are given it as a mask compute them all the same; a tiled one skips what
is hidden whole. `causal=True` counts only what is seen (so does Chowdhery et al. 2022, arXiv:2204.02311, appendix B, where
it divides by two); a window of w then leaves each query at most w keys.
An encoder hides no pair. Of an encoder-decoder the source is read once (the parts "encoder ..."), and the decoder asks it
("cross ..."), whose keys and values are made once too.
Counting after Hoffmann et al. 2022, arXiv:2203.15556, appendix F. Left out: norms, softmax, activations, the optimiser's
other arithmetic, which take time (they wait for memory) and next to no operations.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from groundup.errors import ConfigError
from groundup.model.accounting.accounting import matrices_of
from groundup.model.accounting.use import Inference, Layout, Lora, Training
from groundup.model.architectures.configuration import ModelConfig
from groundup.slots import slot

NEWTON_SCHULZ = 5  # iterations of Muon
Parts = dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """Operations by part. again: what checkpointing computes a second time. optimizer: products of its own, once a step."""

    forward: Parts
    backward: Parts = field(default_factory=dict)
    again: Parts = field(default_factory=dict)
    optimizer: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(sum(parts.values()) for parts in (self.forward, self.backward, self.again)) + self.optimizer

    def by_part(self) -> Parts:
        """Forward, backward and again added up."""
        found: Parts = {}
        for parts in (self.forward, self.backward, self.again):
            _add(found, parts)
        return found | ({"optimizer": self.optimizer} if self.optimizer else {})


def flops(
    config: ModelConfig, use: Inference | Training, layout: Layout | None = None, *, causal: bool = False
) -> Operations:
    """What one training step, or the reading and continuing of a batch of texts, computes; with a layout, on one device of it.

    causal: only the pairs of query and key that are seen. On a device of a layout: an even share of the blocks and matrices.
    """
    whole = _training(config, use, causal) if isinstance(use, Training) else _inference(config, use, causal)
    share = 1 if layout is None else layout.tensor * layout.pipeline
    return whole if share == 1 else _shared(whole, share)


def forward(
    config: ModelConfig, queries: int, keys: int | None = None, *, causal: bool = False, source: int | None = None
) -> Parts:
    """Operations of one row's way forward: `queries` new tokens that look at `keys` (None: at themselves), each scored by the head.

    source: how many tokens an encoder-decoder reads before (None: as many as queries).
    """
    shape, keys, source = config.blueprint(), queries if keys is None else keys, queries if source is None else source
    found: Parts = {}
    for block in shape.encoder:
        _add(found, _block(block, shape.hidden, source, source), "encoder ")
    for block in shape.blocks:
        _add(found, _block(block, shape.hidden, queries, keys, causal))
        _add(found, _asking(block.cross, shape.hidden, queries, source, remember=source), "cross ")
    return found | {"head": _head(shape, queries)}


@dataclass(frozen=True, kw_only=True, slots=True)
class RowWork:
    """`forward` as a polynomial of a row's lengths, so that rows of many lengths are counted at once; operations each."""

    token: int  # a token of the row, but for the head
    target: int  # a token that the head scores
    pair: int  # a query and a key of the row
    source: int = 0  # a token that an encoder-decoder reads
    source_pair: int = 0  # two tokens of the source
    crossed: int = 0  # a token of the row and one of the source


def row_work(config: ModelConfig) -> RowWork:
    """The coefficients, read off `forward` at the shortest rows: q, s for lengths of row and source, it is a q + b s + c q^2 + d s^2 + e q s."""
    shape = config.blueprint()

    def body(queries: int, source: int) -> int:
        return sum(number for name, number in forward(config, queries, source=source).items() if name != "head")

    pair, source_pair = ((body(2 * row, 2 * source) - 2 * body(row, source)) // 2 for row, source in ((1, 0), (0, 1)))
    return RowWork(
        token=body(1, 0) - pair,
        target=2 * shape.head_counted().weights,
        pair=pair,
        source=body(0, 1) - source_pair,
        source_pair=source_pair,
        crossed=body(1, 1) - body(1, 0) - body(0, 1),
    )


def _block(block: Any, hidden: int, queries: int, keys: int, causal: bool = False) -> Parts:
    """One block but for its cross-attention."""
    found = {name: 2 * queries * weights for name, weights in _weights(block, hidden).items()}
    hides = causal and getattr(block.attention, "causal", True)
    return found | _looking(block.attention, pairs(queries, keys, block.attention.window, hides))


def _looking(attention: Any, seen: int) -> Parts:
    """Scores and mixing of so many pairs."""
    score, value = attention.pair_products
    return {"scores": 2 * score * seen, "values": 2 * value * seen}


def _asking(cross: Any, hidden: int, queries: int, source: int, remember: int = 0) -> Parts:
    """Cross-attention of `queries` tokens to a source. remember: of how many of its tokens keys and values are made now."""
    if cross is None:
        return {}
    tokens = {"q_proj": queries, "k_proj": remember, "v_proj": remember, "o_proj": queries}
    sides = cross.matrices(hidden)
    found = {name.removesuffix("_proj"): 2 * tokens[name] * rows * wide for name, (rows, wide) in sides.items()}
    return found | _looking(cross, queries * source)


def _head(shape: Any, tokens: int) -> int:
    """The head on so many tokens; what judges a text by one token meets each row once."""
    judged = shape.head_counted()
    once = judged.idle + (shape.hidden**2 if shape.pooler and shape.head is not None else 0)
    return 2 * (tokens * judged.weights + once)


@slot
def pairs(queries: int, keys: int, window: int | None = None, causal: bool = False) -> int:
    """Pairs of query and key that a head computes; the last query stands at the last key.

    causal: only those that are seen. Otherwise all of the keys that some query's window reaches.

    >>> pairs(4, 4), pairs(4, 4, causal=True), pairs(4, 4, window=2, causal=True), pairs(1, 100, window=10)
    (16, 10, 7, 10)
    """
    reach = keys if window is None else min(window, keys)
    if not causal:
        return queries * min(keys, queries + reach - 1)
    first = keys - queries + 1  # keys that the first query sees, without a window
    rising = max(0, min(reach, keys) - first + 1)  # queries that see fewer than the window, or just as many
    rising = min(rising, queries)
    return rising * first + rising * (rising - 1) // 2 + (queries - rising) * reach


def _weights(block: Any, hidden: int) -> dict[str, int]:
    """Weights of a block that multiply a token, by part."""
    named = matrices_of(block.attention, hidden)
    attention = {name.removesuffix("_proj"): rows * columns for name, (rows, columns) in named.items()}
    attention = attention or {"attention": block.attention.counted(hidden).weights}
    return attention | {"feed-forward": block.feed_forward.counted(hidden).weights}


def _inference(config: ModelConfig, use: Inference, causal: bool) -> Operations:
    """Read the prompts, then one token after another; the head scores each row's last token only, an encoder's all."""
    shape, read, source = config.blueprint(), read_at_once(config, use), use.source or use.context
    parts, steps = forward(config, read, causal=causal, source=source), use.context - read
    if writes(config):
        parts["head"] = _head(shape, 1 + steps)
    for block in shape.blocks:
        _add(parts, {name: 2 * steps * weights for name, weights in _weights(block, shape.hidden).items()})
        seen = sum(pairs(1, keys, block.attention.window) for keys in range(read + 1, use.context + 1))
        _add(parts, _looking(block.attention, seen))
        _add(parts, _asking(block.cross, shape.hidden, steps, source), "cross ")
    return Operations(forward={name: use.batch * number for name, number in parts.items()})


def writes(config: ModelConfig) -> bool:
    """Whether a text can be continued: its blocks see only what came before."""
    return all(getattr(block.attention, "causal", True) for block in config.blueprint().blocks)


def read_at_once(config: ModelConfig, use: Inference) -> int:
    """Tokens of each row that go through the blocks together."""
    if not writes(config):
        return use.context
    return (use.prompt or 1) if config.blueprint().encoder else use.read


def _training(config: ModelConfig, use: Training, causal: bool) -> Operations:
    rows = use.batch * use.gradient_accumulation_steps
    row = forward(config, use.seq_len, causal=causal, source=use.source or use.seq_len)
    ahead = {name: rows * number for name, number in row.items()}
    again = {name: number for name, number in ahead.items() if name != "head"} if use.checkpointing else {}
    if use.lora is not None:
        thin = 2 * rows * _thin(config, use)
        back = _lora_backward(config, use.lora, ahead, rows) | {"lora": 2 * thin}
        again = again | ({"lora": thin} if use.checkpointing else {})
        return Operations(forward=ahead | {"lora": thin}, backward=back, again=again)
    back = {name: 2 * number for name, number in ahead.items()}
    muon = newton_schulz(config) if use.optimizer == "muon" else 0
    return Operations(forward=ahead, backward=back, again=again, optimizer=muon)


def _thin(config: ModelConfig, use: Training) -> int:
    """Weights of thin matrices, each as often as tokens of one row meet it."""
    assert use.lora is not None
    lora_parameters(config, use.lora)  # refuses names that no matrix has
    shape, source, found = config.blueprint(), use.source or use.seq_len, 0
    for tokens, blocks in ((source, shape.encoder), (use.seq_len, shape.blocks)):
        for block in blocks:
            found += tokens * _adapters(block_matrices_of(block, shape.hidden), use.lora)
            cross = matrices_of(block.cross, shape.hidden)
            for name, sides in cross.items():
                met = source if name in ("k_proj", "v_proj") else tokens
                found += met * _adapters({name: sides}, use.lora)
    return found


def _adapters(matrices: dict[str, tuple[int, int]], lora: Lora) -> int:
    """Numbers of the thin matrices beside those that are chosen."""
    return sum(lora.rank * (rows + wide) for name, (rows, wide) in matrices.items() if name in lora.targets)


def _lora_backward(config: ModelConfig, lora: Lora, ahead: Parts, rows: int) -> Parts:
    """Frozen matrices hand the gradient on and make none of their own; below the first adapter there is nothing to hand it to."""
    back = {name: 2 * number if name.endswith(("scores", "values")) else number for name, number in ahead.items()}
    shape = config.blueprint()
    for prefix, blocks in (("encoder ", shape.encoder), ("", shape.blocks)):
        first = blocks[0] if blocks else None
        if first is None or not set(lora.targets) & matrices_of(first.attention, shape.hidden).keys():
            continue
        for name in ("q", "k", "v"):  # what they read, the normed embedding, does not learn
            if prefix + name in back:
                back[prefix + name] -= ahead[prefix + name] // len(blocks)
    return back


def lora_parameters(config: ModelConfig, lora: Lora) -> int:
    """Numbers in all thin matrices; ConfigError where a target is no matrix of the blocks."""
    found, missing = 0, set(lora.targets)
    for matrices in block_matrices(config):
        missing -= matrices.keys()
        found += _adapters(matrices, lora)
    if missing:
        there = sorted({name for matrices in block_matrices(config) for name in matrices})
        raise ConfigError(
            f"targets name {', '.join(sorted(missing))}, and the blocks have {', '.join(there)}; use these"
        )
    return found


def newton_schulz(config: ModelConfig) -> int:
    """Operations of one step of Muon over the matrices inside the blocks."""
    found = 0
    for matrices in block_matrices(config):
        for rows, columns in (sorted(sides) for sides in matrices.values()):
            found += NEWTON_SCHULZ * 2 * (2 * rows * rows * columns + rows**3)
    return found


def block_matrices(config: ModelConfig) -> Iterator[dict[str, tuple[int, int]]]:
    """Each block's matrices by name, an encoder's too; those of a cross-attention for themselves."""
    shape = config.blueprint()
    for block in shape.encoder + shape.blocks:
        yield block_matrices_of(block, shape.hidden)
        if block.cross is not None:
            yield matrices_of(block.cross, shape.hidden)


def block_matrices_of(block: Any, hidden: int) -> dict[str, tuple[int, int]]:
    """The matrices of one block by name, but for its cross-attention."""
    return matrices_of(block.attention, hidden) | matrices_of(block.feed_forward, hidden)


def _shared(whole: Operations, share: int) -> Operations:
    parts = (
        {name: number // share for name, number in each.items()}
        for each in (whole.forward, whole.backward, whole.again)
    )
    ahead, back, again = parts
    return Operations(forward=ahead, backward=back, again=again, optimizer=whole.optimizer // share)


def _add(found: Parts, more: Parts, prefix: str = "") -> None:
    for name, number in more.items():
        found[prefix + name] = found.get(prefix + name, 0) + number
