"""FlashAttention as Triton kernels: what `flash.py` says in words, where a tile lives in the core's own memory.

A GPU's core multiplies far faster than it reads. Attention by its definition writes the scores out, reads them for the
softmax, writes the weights, reads them again; here a program owns one block of queries, walks over the keys, and only its
inputs and its result ever cross the memory bus. The way back is two kernels, so that no two programs add to one number:
one owns a block of queries (the gradient of the query), one a block of keys (of key and value, over all heads that share them).

Same names, same arguments, same meaning as in `flash.py`, which is the definition. Weights are rounded to the inputs' dtype
before they meet the values, as the tensor cores want it. Dao 2023, arXiv:2307.08691, algorithms 1 and 2; the language:
Tillet et al. 2019, doi:10.1145/3315508.3329973.

Without a GPU the kernels run in Triton's interpreter, on NumPy: set TRITON_INTERPRET=1 before this file is imported.
Left out: what makes a kernel the fastest on one card (tuned blocks, pipelining by hand, splitting the keys of a short query).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError, MissingExtra
from groundup.model.attention import flash

try:
    import triton
    from triton import language as tl
except ImportError:  # the kernels can then be read and not run
    triton = tl = None

BLOCKS = {
    2: (64, 64),
    4: (32, 32),
    8: (16, 16),
}  # bytes of a number: queries and keys of a tile that most cards can hold
SMALLEST = tl and tl.constexpr(-1e30)  # the maximum before the first key; finite, or a hidden tile would be inf - inf


def _jit(kernel: Callable[..., Any]) -> Any:
    """Make a function a kernel, where Triton is."""
    return kernel if triton is None else triton.jit(kernel)


# ───────── what all three kernels do ─────────


@_jit
def _load(matrix, places, length, width, WIDTH: tl.constexpr):
    """Rows of a matrix that lies densely in memory; 0 beyond its edges."""
    inside = tl.arange(0, WIDTH)
    there = (places[:, None] < length) & (inside[None, :] < width)
    return tl.load(matrix + places[:, None] * width + inside[None, :], mask=there, other=0.0)


@_jit
def _store(matrix, tile, places, length, width, WIDTH: tl.constexpr):
    """Write rows, in the matrix's own dtype."""
    inside = tl.arange(0, WIDTH)
    there = (places[:, None] < length) & (inside[None, :] < width)
    tl.store(matrix + places[:, None] * width + inside[None, :], tile.to(matrix.dtype.element_ty), mask=there)


@_jit
def _visible(mask, by_row, by_column, rows, columns, queries, keys, CAUSAL: tl.constexpr, MASKED: tl.constexpr):
    """Who sees whom in a tile; by_row, by_column: the mask's strides, 0 where it is the same for all."""
    seen = (rows[:, None] < queries) & (columns[None, :] < keys)
    if CAUSAL:
        seen = seen & (columns[None, :] <= rows[:, None] + (keys - queries))
    if MASKED:
        seen = seen & (tl.load(mask + rows[:, None] * by_row + columns[None, :] * by_column, mask=seen, other=0) != 0)
    return seen


@_jit
def _grad_scores(asking, answers, gifts, told, lse, row_dot, seen, SCALE: tl.constexpr):
    """The weights of a tile, computed again from the log-sum-exp, and the gradient of its scores."""
    scores = tl.dot(asking, tl.trans(answers), input_precision="ieee") * SCALE
    weights = tl.where(seen, tl.exp(tl.where(seen, scores, SMALLEST) - lse[:, None]), 0.0)
    felt = tl.dot(told, tl.trans(gifts), input_precision="ieee")
    return weights, weights * (felt - row_dot[:, None]) * SCALE


# ───────── the kernels ─────────


@_jit
def _forward(
    query, key, value, mask, result, log_sum_exp,
    heads, groups, queries, keys, head_dim, value_dim, by_batch, by_head, by_row, by_column,
    SCALE: tl.constexpr, CAUSAL: tl.constexpr, MASKED: tl.constexpr, WIDE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, VALUE_DIM: tl.constexpr,
):  # fmt: skip
    """One block of queries of one head: walk over its keys, keep the largest score, the sum and the mixed values."""
    head = tl.program_id(1).to(tl.int64)  # of all rows of the batch; 64 bits, as an offset may pass 2^31
    shared = head // groups
    mask += (head // heads) * by_batch + (head % heads) * by_head
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    asking = _load(query + head * queries * head_dim, rows, queries, head_dim, HEAD_DIM)
    largest = tl.full((ROWS,), SMALLEST, WIDE)
    total = tl.zeros((ROWS,), WIDE)
    mixed = tl.zeros((ROWS, VALUE_DIM), WIDE)
    end = keys
    if CAUSAL:  # tiles that lie wholly after the queries are never read
        end = tl.minimum(keys, tl.program_id(0) * ROWS + ROWS + keys - queries)
    for start in range(0, end, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        answers = _load(key + shared * keys * head_dim, columns, keys, head_dim, HEAD_DIM)
        seen = _visible(mask, by_row, by_column, rows, columns, queries, keys, CAUSAL, MASKED)
        scores = tl.where(seen, tl.dot(asking, tl.trans(answers), input_precision="ieee") * SCALE, SMALLEST)
        new_largest = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.where(seen, tl.exp(scores - new_largest[:, None]), 0.0)
        shrink = tl.exp(largest - new_largest)
        gifts = _load(value + shared * keys * value_dim, columns, keys, value_dim, VALUE_DIM)
        total = total * shrink + tl.sum(weights, 1)
        mixed = mixed * shrink[:, None] + tl.dot(weights.to(gifts.dtype), gifts, input_precision="ieee")
        largest = new_largest
    divisor = tl.where(total == 0.0, 1.0, total)
    _store(result + head * queries * value_dim, mixed / divisor[:, None], rows, queries, value_dim, VALUE_DIM)
    kept = tl.where(total == 0.0, float("inf"), largest + tl.log(divisor))
    tl.store(log_sum_exp + head * queries + rows, kept, mask=rows < queries)


@_jit
def _backward_query(
    query, key, value, mask, grad, log_sum_exp, row_dot, grad_query,
    heads, groups, queries, keys, head_dim, value_dim, by_batch, by_head, by_row, by_column,
    SCALE: tl.constexpr, CAUSAL: tl.constexpr, MASKED: tl.constexpr, WIDE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, VALUE_DIM: tl.constexpr,
):  # fmt: skip
    """One block of queries of one head: walk over its keys once more and add up the gradient of the query."""
    head = tl.program_id(1).to(tl.int64)
    shared = head // groups
    mask += (head // heads) * by_batch + (head % heads) * by_head
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    asking = _load(query + head * queries * head_dim, rows, queries, head_dim, HEAD_DIM)
    told = _load(grad + head * queries * value_dim, rows, queries, value_dim, VALUE_DIM)
    lse = tl.load(log_sum_exp + head * queries + rows, mask=rows < queries, other=0.0)
    dot = tl.load(row_dot + head * queries + rows, mask=rows < queries, other=0.0)
    total = tl.zeros((ROWS, HEAD_DIM), WIDE)
    end = keys
    if CAUSAL:
        end = tl.minimum(keys, tl.program_id(0) * ROWS + ROWS + keys - queries)
    for start in range(0, end, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        answers = _load(key + shared * keys * head_dim, columns, keys, head_dim, HEAD_DIM)
        gifts = _load(value + shared * keys * value_dim, columns, keys, value_dim, VALUE_DIM)
        seen = _visible(mask, by_row, by_column, rows, columns, queries, keys, CAUSAL, MASKED)
        _, of_scores = _grad_scores(asking, answers, gifts, told, lse, dot, seen, SCALE)
        total += tl.dot(of_scores.to(answers.dtype), answers, input_precision="ieee")
    _store(grad_query + head * queries * head_dim, total, rows, queries, head_dim, HEAD_DIM)


@_jit
def _backward_key_value(
    query, key, value, mask, grad, log_sum_exp, row_dot, grad_key, grad_value,
    heads, groups, queries, keys, head_dim, value_dim, by_batch, by_head, by_row, by_column,
    SCALE: tl.constexpr, CAUSAL: tl.constexpr, MASKED: tl.constexpr, WIDE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, VALUE_DIM: tl.constexpr,
):  # fmt: skip
    """One block of keys of one shared head: walk over the queries of every head that shares it."""
    shared = tl.program_id(1).to(tl.int64)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    answers = _load(key + shared * keys * head_dim, columns, keys, head_dim, HEAD_DIM)
    gifts = _load(value + shared * keys * value_dim, columns, keys, value_dim, VALUE_DIM)
    of_keys = tl.zeros((COLUMNS, HEAD_DIM), WIDE)
    of_values = tl.zeros((COLUMNS, VALUE_DIM), WIDE)
    first = 0
    if CAUSAL:  # the first query that sees any of these keys, down to a whole block
        first = tl.maximum(0, tl.program_id(0) * COLUMNS - (keys - queries)) // ROWS * ROWS
    for head in range(shared * groups, shared * groups + groups):
        looks = mask + (head // heads) * by_batch + (head % heads) * by_head
        for start in range(first, queries, ROWS):
            rows = start + tl.arange(0, ROWS)
            asking = _load(query + head * queries * head_dim, rows, queries, head_dim, HEAD_DIM)
            told = _load(grad + head * queries * value_dim, rows, queries, value_dim, VALUE_DIM)
            lse = tl.load(log_sum_exp + head * queries + rows, mask=rows < queries, other=0.0)
            dot = tl.load(row_dot + head * queries + rows, mask=rows < queries, other=0.0)
            seen = _visible(looks, by_row, by_column, rows, columns, queries, keys, CAUSAL, MASKED)
            weights, of_scores = _grad_scores(asking, answers, gifts, told, lse, dot, seen, SCALE)
            of_keys += tl.dot(tl.trans(of_scores.to(asking.dtype)), asking, input_precision="ieee")
            of_values += tl.dot(tl.trans(weights.to(told.dtype)), told, input_precision="ieee")
    _store(grad_key + shared * keys * head_dim, of_keys, columns, keys, head_dim, HEAD_DIM)
    _store(grad_value + shared * keys * value_dim, of_values, columns, keys, value_dim, VALUE_DIM)


# ───────── their use ─────────


def _sizes(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[int, ...]:
    """What every kernel is told in numbers: heads, how many share, lengths, widths, the mask's strides."""
    queries, keys = query.shape[2], key.shape[2]
    strides = (0, 0, 0, 0) if mask is None else mask.expand(*query.shape[:2], queries, keys).stride()
    return query.shape[1], query.shape[1] // key.shape[1], queries, keys, query.shape[3], value.shape[3], *strides


def _constants(
    query: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float | None, blocks: tuple[int, int]
) -> dict[str, Any]:
    """What every kernel is compiled for."""
    return dict(
        SCALE=query.shape[-1] ** -0.5 if scale is None else scale,
        CAUSAL=causal,
        MASKED=mask is not None,
        WIDE=tl.float64 if query.dtype == torch.float64 else tl.float32,
        ROWS=blocks[0],
        COLUMNS=blocks[1],
        HEAD_DIM=max(16, triton.next_power_of_2(query.shape[-1])),
        VALUE_DIM=max(16, triton.next_power_of_2(value.shape[-1])),
    )


class _Flash(torch.autograd.Function):
    """Forward and backward as autograd calls them."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *how: Any) -> Tensor:
        query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
        batch, heads, queries, _ = query.shape
        result = query.new_empty(batch, heads, queries, value.shape[-1])
        wide = torch.promote_types(query.dtype, torch.float32)
        log_sum_exp = query.new_empty(batch, heads, queries, dtype=wide)
        sizes, constants = _sizes(query, key, value, mask), _constants(query, value, mask, *how)
        grid = (triton.cdiv(queries, constants["ROWS"]), batch * heads)
        seen = query if mask is None else mask  # a pointer that is never read
        _forward[grid](query, key, value, seen, result, log_sum_exp, *sizes, **constants)
        ctx.save_for_backward(query, key, value, result, log_sum_exp)
        ctx.mask, ctx.sizes, ctx.constants = seen, sizes, constants
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, result, log_sum_exp = ctx.saved_tensors
        grad = grad.contiguous()
        row_dot = (grad.to(log_sum_exp.dtype) * result).sum(-1)
        grads = torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
        given = (query, key, value, ctx.mask, grad, log_sum_exp, row_dot)
        rows, columns = ctx.constants["ROWS"], ctx.constants["COLUMNS"]
        by_rows = (triton.cdiv(query.shape[2], rows), query.shape[0] * query.shape[1])
        by_columns = (triton.cdiv(key.shape[2], columns), key.shape[0] * key.shape[1])
        _backward_query[by_rows](*given, grads[0], *ctx.sizes, **ctx.constants)
        _backward_key_value[by_columns](*given, *grads[1:], *ctx.sizes, **ctx.constants)
        return *grads, None, None, None, None


def _check_machine(query: Tensor) -> None:
    """Refuse what neither a GPU nor the interpreter can compute."""
    if query.is_cuda:
        return
    if isinstance(_forward, triton.JITFunction):
        raise InputError(
            "the kernels run on a GPU and the query is not on one; move it there, or set TRITON_INTERPRET=1 before anything "
            "imports triton, or call flash.flash_attention"
        )
    if query.dtype == torch.bfloat16:  # its dot takes the bits of a bf16 for whole numbers (seen in triton 3.9)
        raise InputError("Triton's interpreter cannot multiply bfloat16; give float32 or float16, or use a GPU")


def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: flash.Mask = None,
    causal: bool = False,
    scale: float | None = None,
    blocks: tuple[int, int] | None = None,
) -> Tensor:
    """Attend by kernels, forward and backward; arguments and meaning as in `flash.flash_attention`.

    A mask that is a function of places is asked once for all of them: a kernel reads a mask from memory. blocks: powers
    of 2, at least 16, as a tensor core wants them; None: by the size of the inputs' numbers.
    """
    if triton is None:
        raise MissingExtra("the GPU kernels need triton, which is not here; pip install 'groundup[kernels]'")
    blocks = BLOCKS[query.element_size()] if blocks is None else blocks
    if mask is not None and not isinstance(mask, Tensor):
        places = [torch.arange(x.shape[2], device=query.device) for x in (query, key)]
        mask = mask(*places)
    flash.check(query, key, value, mask, blocks)
    _check_machine(query)
    if min(blocks) < 16 or any(block & (block - 1) for block in blocks):
        raise InputError(f"blocks={blocks} is no tile for a kernel; give two powers of 2 from 16 on, such as (64, 64)")
    if mask is not None:
        mask = mask[(None,) * (4 - mask.dim())]
    return _Flash.apply(query, key, value, mask, causal, scale, blocks)
