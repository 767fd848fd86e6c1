"""A cell along a text: by its definition, step by step, and the same in one large product, fused steps and a gradient written out.

    reference   state_t = cell(x_t, state_t-1)                      torch remembers every operation and goes back through them
    fast        W_ih x of all steps at once; a step is W_hh h and one kernel; back through time by hand, and the gradients of
                the weights are products over all steps at once, where torch's loop adds up one a step

RNN and GRU train at 1.2 to 2.3 times the speed of torch's networks so, an LSTM at 0.7 (128 units), 0.85 (256), 0.9 (512), 1.05 (768) and 1.1 (1,024),
as torch has a fused LSTM from oneDNN; below 640 units that one is taken, where nothing is asked of it that it cannot do (`LIBRARY_BELOW`).
What is left of the difference at 128 units: products of 32 rows a step (a quarter of the time), and pages of memory touched for the first time.

The chain cannot be cut: step t needs the state of t - 1. What can be taken out of it is taken out. The fast form runs in float32 on a CPU, where
no learner's cell is in the slot; anywhere else (a GPU, float64, torch.func) the reference does. Left out: a second derivative through the
fast form, and cuDNN's kernels on a GPU, where the reference is many times slower than they are.

A text's beginning inside a row (documents packed one behind the other) empties the state: keep[t] = 0 multiplies it away.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from groundup.model.layers import product
from groundup.slots import filled

ROWS_STEP, LEAST = 16, 1 << 20  # from so many rows and multiplications a step on oneDNN's product is the faster one
# from so many steps on it pays to put the weight into oneDNN's own order: a step then takes 0.65 to 0.9 of the time
STEPS = 16
# units: a narrower LSTM trains at 0.7 to 0.9 of the speed of torch's own by our kernels, one of 768 as fast
LIBRARY_BELOW = 640

_ROOM = threading.local()

States = tuple[Tensor, ...]  # (hidden,), and of an LSTM (hidden, memory)
Weights = tuple[Tensor, Tensor, Tensor, Tensor]  # weight_ih, weight_hh, bias_ih, bias_hh


@dataclass(frozen=True)
class Cell:
    """A kind of recurrent network: its definition, and the kernels that are its fast form."""

    name: str
    gates: int  # rows of a weight are gates * hidden_size
    states: int  # 1: hidden; 2: hidden and memory
    function: Callable[..., Any]  # (inputs, *states, *weights) -> the new states
    slots: tuple[str, ...]  # ids: a learner's function in one of them switches the kernels off
    forward: Any
    backward: Any
    through_time: Callable[..., Tensor] | None = (
        None  # the gradient's definition, which runs where a learner's is in its slot
    )
    through_time_slot: str = ""

    def step(self, inputs: Tensor, state: States, weights: Weights) -> States:
        """The states after one input."""
        after = self.function(inputs, *state, *weights)
        return after if isinstance(after, tuple) else (after,)


def scan(
    cell: Cell,
    inputs: Float[Tensor, "seq batch inputs"],
    state: States,
    weights: Weights,
    keep: Float[Tensor, "seq batch"] | None = None,
    last_memory: bool = False,
) -> States:
    """The states after each of the inputs, each (seq, batch, hidden). keep: 0 where a text begins and the state before is not its own.

    last_memory: of an LSTM's memory only the last one is asked for, and may come alone.
    """
    fits = all(one.dtype == torch.float32 and one.device.type == "cpu" for one in (inputs, *state, *weights))
    fast = fits and not any(map(filled, cell.slots)) and not product.somebody_looks_on(inputs, *state)
    small = cell.states == 2 and weights[1].shape[1] < LIBRARY_BELOW
    if fast and small and last_memory and keep is None:
        return torchs_lstm(inputs, state, weights)
    return (scan_fast if fast else scan_reference)(cell, inputs, state, weights, keep)


def scan_reference(cell: Cell, inputs: Tensor, state: States, weights: Weights, keep: Tensor | None = None) -> States:
    """The definition: one cell after the other."""
    seen: list[States] = []
    for t in range(len(inputs)):
        before = state if keep is None else tuple(part * keep[t, :, None] for part in state)
        state = cell.step(inputs[t], before, weights)
        seen.append(state)
    return tuple(torch.stack(parts) for parts in zip(*seen, strict=True))


def scan_fast(cell: Cell, inputs: Tensor, state: States, weights: Weights, keep: Tensor | None = None) -> States:
    """The same by the kernels; float32 on a CPU."""
    memory = state[1] if cell.states == 2 else state[0].new_empty(0)
    hidden, kept = _Scan.apply(cell, inputs.contiguous(), state[0], memory, keep, *weights)
    return (hidden, kept)[: cell.states]


def torchs_lstm(inputs: Tensor, state: States, weights: Weights) -> States:
    """The same by the LSTM that torch has from oneDNN: all hidden states, and the last memory alone."""
    begin, trains = [part[None] for part in state], torch.is_grad_enabled()
    hidden, _, memory = torch._VF.lstm(inputs, begin, list(weights), True, 1, 0.0, trains, False, False)
    return hidden, memory


class _Scan(torch.autograd.Function):
    """All steps of one layer in one direction."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, inputs: Tensor, start: Tensor, memory: Tensor, keep: Tensor | None, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        steps, (rows, width) = len(inputs), start.shape
        gates = product.kernel(inputs, weight_ih)(inputs, weight_ih, bias_ih)
        hidden, kept = inputs.new_empty(steps + 1, rows, width), inputs.new_empty(steps + 1, rows, width)
        hidden[0] = start
        if cell.states == 2:
            kept[0] = memory
        keeps = torch.ones(steps + 1, rows)
        if keep is not None:
            keeps[:steps] = keep
        times = _times(rows, weight_hh.detach(), steps)
        arrays = [one.numpy() for one in (bias_hh.detach(), keeps, gates, hidden, kept)]
        for t, before in enumerate(hidden.unbind(0)[:-1]):
            cell.forward(t, times(before).numpy(), *arrays)
        ctx.cell, ctx.cut = cell, keep is not None
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(inputs, weight_ih, weight_hh, keeps, gates, hidden, kept)
        after, remembered = hidden[1:], kept[1:]
        if cell.states == 1:
            ctx.mark_non_differentiable(remembered)
        return after, remembered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        cell, (inputs, weight_ih, weight_hh, keeps, gates, hidden, kept) = ctx.cell, ctx.saved_tensors
        outer, inner, flow, rest = _through_time(cell, upstream, weight_hh, (keeps, gates, hidden, kept))
        before = hidden[:-1] * keeps[:-1, :, None] if ctx.cut else hidden[:-1]
        need = ctx.needs_input_grad
        first = keeps[0, :, None]
        of_weights = _of_weights(outer, inner, inputs, before)
        return (
            None,
            product.kernel(outer, weight_ih.t())(outer, weight_ih.t()) if need[1] else None,
            first * flow + (rest if cell.states == 1 else 0),
            rest if cell.states == 2 else None,
            None,
            *of_weights,
            bias := outer.sum((0, 1)),
            bias if inner is outer else inner.sum((0, 1)),
        )


def _room(gates: Tensor, parts: int) -> tuple[Tensor, Tensor]:
    """Where the gradients of the two products go, which no one sees after the backward pass; with one part they go into one sum.

    The memory is kept for this thread's next pass: a page that is touched for the first time costs 2.5 us, at 32 x 64 x 128 a tenth of a step.
    """
    held = getattr(_ROOM, "held", None)
    if held is None or held.numel() < parts * gates.numel():
        held = _ROOM.held = gates.new_empty(parts * gates.numel())
    outer, *others = held[: parts * gates.numel()].view(parts, *gates.shape).unbind(0)
    return outer, others[0] if others else outer


def _through_time(
    cell: Cell, upstream: tuple[Tensor | None, ...], weight_hh: Tensor, saved: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of both products at every step, from the last to the first, and what reaches the first state by either way."""
    keeps, gates, hidden, kept = saved
    steps, rows, width = len(hidden) - 1, *hidden.shape[1:]
    given = torch.zeros_like(hidden[1:]) if upstream[0] is None else upstream[0].contiguous()
    if cell.through_time is not None and filled(cell.through_time_slot) and bool(keeps.all()):
        outer = cell.through_time(given, hidden[1:], weight_hh)
        return outer, outer, outer[0] @ weight_hh, torch.zeros(rows, width)
    outer, inner = _room(gates, 2 if cell.name == "gru" else 1)
    flow, rest = torch.zeros(rows, width), torch.zeros(rows, width)
    times = _times(rows, weight_hh.t(), steps)
    arrays = [one.numpy() for one in (keeps, gates, hidden, kept, outer, inner)]
    given_array, rest_array, parts = given.numpy(), rest.numpy(), inner.unbind(0)
    for t in range(steps - 1, -1, -1):
        if len(upstream) > 1 and upstream[1] is not None:
            rest += upstream[1][t]
        cell.backward(t, given_array, flow.numpy(), rest_array, *arrays)
        flow = times(parts[t])
    return outer, inner, flow, rest


def _of_weights(outer: Tensor, inner: Tensor, inputs: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of both weights; where both products go into one sum, by one product, which reads that sum once."""
    if inner is not outer:
        return _outer_product(outer, inputs), _outer_product(inner, before)
    both = _outer_product(outer, torch.cat([inputs, before], dim=-1))
    return both[:, : inputs.shape[-1]], both[:, inputs.shape[-1] :]


def _outer_product(left: Tensor, right: Tensor) -> Tensor:
    """The sum over all steps and rows of left right^T."""
    rows, columns = left.flatten(0, 1).t(), right.flatten(0, 1).t()
    return product.kernel(rows, columns)(rows, columns)


def _times(rows: int, weight: Tensor, steps: int) -> Callable[[Tensor], Tensor]:
    """The product of a few rows with one weight, x W^T, that every step makes; oneDNN is given the weight in the order it likes, once."""
    worth_it = rows % ROWS_STEP == 0 and rows * weight.numel() >= LEAST
    if not (worth_it and product.one_dnn_is_faster()):
        return lambda x: functional.linear(x, weight)
    weight, one_dnn = weight.contiguous(), torch.ops.mkldnn
    if steps >= STEPS and hasattr(one_dnn, "_reorder_linear_weight"):
        weight = one_dnn._reorder_linear_weight(weight, rows)
    return lambda x: one_dnn._linear_pointwise(x, weight, None, "none", [], "")
