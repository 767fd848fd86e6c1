"""Layers of one cell, one above the other, in one direction or both; rows of unequal length; the state an argument.

The parameters have the names, shapes and order of torch.nn.RNN, LSTM and GRU, so that weights go over by load_state_dict in either direction.
Their first values are torch's too: uniform within 1 / sqrt(hidden_size).

A row's padding stands behind its tokens. Backwards means from a row's own last token: each row is turned around within its length, read forwards
and turned back, so padding never enters a state. What stands at padding is 0, and the last state is that after the row's last token, as with
torch's packed sequences. Left out: dropout between the layers, projections, weights without bias.
"""

import math
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.classical.recurrent.scan import Cell, States, Weights, scan
from groundup.errors import ConfigError, InputError


class Recurrent(nn.Module):
    """Base of `RNN`, `LSTM` and `GRU`; a subclass says which `cell`."""

    cell: ClassVar[Cell]

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False):
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        for name, size in sizes.items():
            if size < 1:
                raise ConfigError(f"{name}={size} leaves a recurrent network without numbers; use 1 or more")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size * self.directions
            for direction in range(self.directions):
                for name, shape in _shapes(self.cell.gates * hidden_size, inputs, hidden_size).items():
                    self.register_parameter(_name(name, layer, direction), nn.Parameter(torch.empty(shape)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every weight evenly from within 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def begin(self, batch: int) -> States:
        """The state before anything was read: zeros, (layers * directions, batch, hidden) each."""
        shape = (self.num_layers * self.directions, batch, self.hidden_size)
        like = self._weights(0, 0)[0]
        return tuple(like.new_zeros(shape) for _ in range(self.cell.states))

    def forward(
        self,
        inputs: Float[Tensor, "batch seq inputs"],
        state: States | None = None,
        mask: Bool[Tensor, "batch seq"] | None = None,
        begins: Bool[Tensor, "batch seq"] | None = None,
    ) -> tuple[Float[Tensor, "batch seq out"], States]:
        """The last layer's states at every token, and the state after the last one, to go on from.

        mask: where there are tokens; padding stands behind them. begins: where a text begins, so that the state before is not its own (one direction).
        """
        self._check(inputs, begins)
        self._check_beside(inputs, state, mask, begins)
        lengths = None if mask is None else lengths_of(mask)
        state = self.begin(len(inputs)) if state is None else state
        keep = None if begins is None or not bool(begins.any()) else (~begins).t().to(inputs.dtype)
        outputs, last = inputs.transpose(0, 1), []
        for layer in range(self.num_layers):
            read = [self._read(outputs, state, layer, direction, lengths, keep) for direction in range(self.directions)]
            outputs = read[0][0] if len(read) == 1 else torch.cat([states for states, _ in read], dim=-1)
            last += [after for _, after in read]
        return outputs.transpose(0, 1), tuple(torch.stack(parts) for parts in zip(*last, strict=True))

    def _read(
        self, inputs: Tensor, state: States, layer: int, direction: int, lengths: Tensor | None, keep: Tensor | None
    ) -> tuple[Tensor, States]:
        """One layer in one direction: hidden states in the order of the text, and the states after the last token read."""
        own = tuple(part[layer * self.directions + direction] for part in state)
        turned = inputs if direction == 0 else turn(inputs, lengths)
        states = scan(self.cell, turned, own, self._weights(layer, direction), keep, last_memory=lengths is None)
        after = tuple(_last(part, lengths) for part in states)
        hidden = states[0] if direction == 0 else turn(states[0], lengths)
        return (hidden if lengths is None else hidden * _real(lengths, len(hidden))[..., None]), after

    def _weights(self, layer: int, direction: int) -> Weights:
        first, second, third, fourth = (getattr(self, _name(name, layer, direction)) for name in NAMES)
        return first, second, third, fourth

    def _check_beside(self, inputs: Tensor, state: States | None, mask: Tensor | None, begins: Tensor | None) -> None:
        """What is given beside the input has to fit it: the kernels do not look whether they write within bounds."""
        wanted = (self.num_layers * self.directions, len(inputs), self.hidden_size)
        for one in state or ():
            if tuple(one.shape) != wanted:
                raise InputError(f"the state is {tuple(one.shape)}, not {wanted}; begin with begin({len(inputs)})")
        for name, flags in (("mask", mask), ("begins", begins)):
            if flags is not None and flags.shape != inputs.shape[:2]:
                raise InputError(
                    f"{name} is {tuple(flags.shape)}, not {tuple(inputs.shape[:2])}; give one truth value a token"
                )

    def _check(self, inputs: Tensor, begins: Tensor | None) -> None:
        if inputs.dim() != 3 or inputs.shape[-1] != self.input_size:
            raise InputError(
                f"the input is {tuple(inputs.shape)}, not (batch, seq, {self.input_size}); give one row of numbers a token"
            )
        if not inputs.shape[0] or not inputs.shape[1]:
            raise InputError(
                f"the input is {tuple(inputs.shape)}: nothing to read; give at least one row and one token"
            )
        if begins is not None and self.directions == 2:
            raise InputError(
                "texts one behind the other in a row cannot be read in both directions; give each a row of its own"
            )

    def extra_repr(self) -> str:
        """What printing the module shows."""
        return (
            f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, bidirectional={self.directions == 2}"
        )


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _shapes(rows: int, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
    return {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}


def _name(name: str, layer: int, direction: int) -> str:
    return f"{name}_l{layer}{'_reverse' if direction else ''}"


def lengths_of(mask: Bool[Tensor, "batch seq"]) -> Int[Tensor, " batch"]:
    """How many tokens each row has; InputError where padding stands before a token, or alone."""
    lengths = mask.sum(1)
    wrong = (mask != _real(lengths, mask.shape[1]).t()).any(1) | (lengths == 0)
    if bool(wrong.any()):
        raise InputError(
            f"row {int(wrong.int().argmax())} of the mask has padding before a token, or no token; put padding behind, and leave empty rows out"
        )
    return lengths


def _real(lengths: Tensor, steps: int) -> Bool[Tensor, "seq batch"]:
    return torch.arange(steps, device=lengths.device)[:, None] < lengths


def _last(states: Tensor, lengths: Tensor | None) -> Tensor:
    """The state after each row's last token."""
    return states[-1] if lengths is None else states[lengths - 1, torch.arange(len(lengths), device=states.device)]


def turn(
    values: Float[Tensor, "seq batch width"], lengths: Int[Tensor, " batch"] | None
) -> Float[Tensor, "seq batch width"]:
    """Every row from its last token to its first; padding stays behind. Twice is as before."""
    if lengths is None:
        return values.flip(0)
    place = torch.arange(len(values), device=values.device)[:, None]
    turned = torch.where(place < lengths, lengths - 1 - place, place)
    return values[turned, torch.arange(len(lengths), device=values.device)]
