"""Sparse attention: each query looks at a few keys, chosen by where they stand, and only those are computed.

Full attention compares n queries with n keys. A pattern keeps some of the n^2 pairs; with few layers one on another, every
token still reaches every other. Patterns are masks (True: may look), joined with | and cut with &:

    local          | distance | <= reach           # # . . . .     global_tokens   some tokens see all,   # # # # # #
                   (dilation d: every d-th)        # # # . . .                     and all see them       # # . . . .
                                                   . # # # . .                                            # . # . . .

    strided        distance is a multiple of       # . . # . .     summaries       the last columns of    . . # . . #
                   stride                          . # . . # .                     each stride, for all   . . # . . #

    strided pattern   (local | strided) & causal         Child et al. 2019, arXiv:1904.10509, section 4.2
    fixed pattern     (same_stride | summaries) & causal           the same, section 4.3
    longformer        local | global_tokens              Beltagy et al. 2020, arXiv:2004.05150, section 3.1
    bigbird           local | global_tokens | random     Zaheer et al. 2020, arXiv:2007.14062, section 2

A mask alone saves nothing: `scaled_dot_product_attention` computes all pairs and hides most. `block_sparse_attention` gathers,
for each block of queries, the blocks of keys that it may see, and computes only these. The same pattern functions, given
numbers of blocks instead of tokens, say which; `looks` cuts single pairs inside them. `local_global_attention` is exact to the token.
Time and memory grow with the visible pairs; the list of blocks itself has (n / size)^2 bits, 8 KB at 16,384 tokens.

Left out: factorised heads (a pattern a head; the union is used here), Longformer's second projection for global tokens.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.errors import InputError
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
from groundup.slots import slot

ROWS_AT_ONCE = 32  # block rows: what is gathered for them stays in the cache (at 16,384 tokens all 256 at once took over twice as long)
Looks = Callable[[Tensor, Tensor], Tensor]  # positions of queries and of keys, broadcast -> True where a query may look


def distances(queries: int, keys: int, device: torch.device | str | None = None) -> Int[Tensor, "1 queries keys"]:
    """How far back each key stands from each query, negative ahead; the last query stands at the last key."""
    places = torch.arange(keys, device=device)
    return (places[keys - queries :, None] - places)[None]


def local(
    queries: int, keys: int, reach: int, dilation: int = 1, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """See `reach` tokens to either side and oneself; with a dilation every so many-th token, as many of them."""
    if reach < 0 or dilation < 1:
        raise InputError(
            f"reach={reach}, dilation={dilation} is no window; use a reach of 0 or more and a dilation of 1 or more"
        )
    apart = distances(queries, keys, device).abs()
    return (apart <= reach * dilation) & (apart % dilation == 0)


def global_tokens(
    queries: int, keys: int, tokens: Sequence[int], device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """Let the tokens at these places see every key and be seen by every query."""
    chosen = _chosen(keys, tokens, device)
    return (chosen[keys - queries :, None] | chosen)[None]


def _chosen(keys: int, tokens: Sequence[int], device: torch.device | str | None) -> Bool[Tensor, " keys"]:
    """True at the tokens."""
    if any(not 0 <= token < keys for token in tokens):
        raise InputError(
            f"global tokens {list(tokens)} do not all stand in a text of {keys}; use places from 0 to {keys - 1}"
        )
    chosen = torch.zeros(keys, dtype=torch.bool, device=device)
    chosen[list(tokens)] = True
    return chosen


@slot
def strided(
    queries: int, keys: int, stride: int, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """See every `stride`-th token, counted from oneself, before and after; the last query stands at the last key."""
    places = torch.arange(keys, device=device)
    return ((places[keys - queries :, None] - places) % stride == 0)[None]


def same_stride(
    queries: int, keys: int, stride: int, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """See the tokens of one's own stretch of `stride` tokens, the stretches being counted from place 0."""
    stretch = torch.arange(keys, device=device) // stride
    return (stretch[keys - queries :, None] == stretch)[None]


def summaries(
    queries: int, keys: int, stride: int, columns: int, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """Let everyone see the last `columns` tokens of each stretch of `stride`: there the stretch can be summed up."""
    last = torch.arange(keys, device=device) % stride >= stride - columns
    return last.expand(1, queries, keys)


def strided_pattern(length: int, stride: int) -> Bool[Tensor, "1 length length"]:
    """The strided pattern of Child et al.: the last `stride` tokens, and every stride-th before; causal."""
    return (local(length, length, stride) | strided(length, length, stride)) & masks.causal(length)


def fixed_pattern(length: int, stride: int, columns: int = 1) -> Bool[Tensor, "1 length length"]:
    """The fixed pattern of Child et al.: one's own stretch so far, and the last columns of each stretch before; causal."""
    seen = same_stride(length, length, stride) | summaries(length, length, stride, columns)
    return seen & masks.causal(length)


def longformer(
    length: int, reach: int, tokens: Sequence[int] = (0,), dilation: int = 1
) -> Bool[Tensor, "1 length length"]:
    """Longformer's pattern, in both directions. Its `attention_window` is 2 * reach."""
    return local(length, length, reach, dilation) | global_tokens(length, length, tokens)


def bigbird(
    length: int, reach: int = 1, tokens: Sequence[int] = (0,), drawn: int = 3, seed: int = 0
) -> Bool[Tensor, "1 length length"]:
    """BigBird's pattern, in both directions; the paper counts blocks: a reach of 1, two global ones, three drawn."""
    seen = local(length, length, reach) | global_tokens(length, length, tokens)
    return seen | at_random(~seen, drawn, seed)


def at_random(among: Bool[Tensor, "1 queries keys"], count: int, seed: int = 0) -> Bool[Tensor, "1 queries keys"]:
    """Let each query see `count` keys drawn, without replacement, from those where `among` is True; all where there are fewer.

    The draw is the same for a seed on every device.
    """
    chance = torch.rand(among.shape, generator=torch.Generator().manual_seed(seed)).to(among.device)
    places = chance.masked_fill(~among, -1.0).topk(min(count, among.shape[-1]), dim=-1).indices
    return torch.zeros_like(among).scatter_(-1, places, True) & among


def in_tokens(blocks: Bool[Tensor, "1 queries keys"], size: int, length: int) -> Bool[Tensor, "1 length length"]:
    """Write a pattern of blocks out as one of tokens: the meaning of `block_sparse_attention`."""
    return blocks.repeat_interleave(size, 1).repeat_interleave(size, 2)[:, :length, :length]


def block_sparse_attention(
    query: Float[Tensor, "batch heads seq head_dim"],
    key: Float[Tensor, "batch heads seq head_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    blocks: Bool[Tensor, "1 query_blocks key_blocks"],
    size: int,
    looks: Looks | None = None,
) -> Float[Tensor, "batch heads seq value_dim"]:
    """Attend to the blocks of `size` tokens that `blocks` shows, computing no others.

    looks: cuts single pairs inside the blocks by their positions (`torch.ge` is causal); None keeps all.
    Equal to `scaled_dot_product_attention` with `in_tokens(blocks, size, seq)` and what `looks` says. The last block may be short.
    """
    seq, needed = query.shape[2], -(-query.shape[2] // size)
    if blocks.shape[1:] != (needed, needed):
        raise InputError(
            f"a text of {seq} tokens has {needed} blocks of {size}, and the pattern has {tuple(blocks.shape[1:])}"
        )
    rows_of = [
        functional.pad(x, (0, 0, 0, needed * size - seq)).unflatten(2, (needed, size)) for x in (query, key, value)
    ]
    mixed, order, visible = [], [], blocks[0].sum(1)
    for (
        count
    ) in visible.unique().tolist():  # rows that see equally many blocks are one matrix product: nothing is padded
        for rows in (visible == count).nonzero()[:, 0].split(ROWS_AT_ONCE):
            columns = blocks[0, rows].nonzero()[:, 1].view(len(rows), count)
            mixed.append(_attend_rows(rows_of, rows, columns, seq, looks))
            order.append(rows)
    return torch.cat(mixed, dim=2)[:, :, torch.cat(order).argsort()].flatten(2, 3)[:, :, :seq]


def _attend_rows(blocked: list[Tensor], rows: Tensor, columns: Tensor, seq: int, looks: Looks | None) -> Tensor:
    """Attend from the blocks `rows` (r) of queries, each to its own `columns` (r, c) of keys."""
    query, key, value = blocked
    inside = torch.arange(query.shape[3], device=query.device)
    stands = (rows[:, None] * len(inside) + inside)[:, :, None]
    read = (columns[:, :, None] * len(inside) + inside).flatten(1)[:, None, :]
    mask = read < seq if looks is None else looks(stands, read) & (read < seq)
    key, value = (x[:, :, columns].flatten(3, 4) for x in (key, value))
    return scaled_dot_product_attention(query[:, :, rows], key, value, mask)


def local_global_attention(
    query: Float[Tensor, "batch heads seq head_dim"],
    key: Float[Tensor, "batch heads seq head_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    reach: int,
    tokens: Sequence[int] = (),
    causal: bool = False,
    size: int = 64,
) -> Float[Tensor, "batch heads seq value_dim"]:
    """Attend to `reach` tokens on either side and to the global tokens, at a cost that grows with the length, not its square.

    Equal to the definition with the mask `local | global_tokens` (& causal); size: tokens a block, which changes the speed alone.
    """
    seq, device = query.shape[2], query.device
    count = -(-seq // size)
    chosen = _chosen(seq, tokens, device)

    def looks(stands: Tensor, read: Tensor) -> Tensor:
        last = stands.clamp(max=seq - 1), read.clamp(max=seq - 1)  # padding of the last block
        seen = ((stands - read).abs() <= reach) | chosen[last[0]] | chosen[last[1]]
        return seen & (read <= stands) if causal else seen

    blocks = local(count, count, -(-reach // size), device=device)
    if len(tokens):
        blocks = blocks | global_tokens(count, count, sorted({token // size for token in tokens}), device)
    return block_sparse_attention(
        query, key, value, blocks & masks.causal(count, device=device) if causal else blocks, size, looks
    )
