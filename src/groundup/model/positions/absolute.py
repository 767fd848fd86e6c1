"""Absolute positions: a vector for each place, added to the token that stands there.

    sinusoidal   (sin p f_0, cos p f_0, sin p f_1, cos p f_1, ...),  f_i = theta^(-2i/width)     nothing is learned
    learned      row p of a matrix                                                               and no row beyond its last

A pair (sin p f, cos p f) is the hand of a clock: the place p + k is a rotation of the place p, the same for every p, so a
linear layer can look k places back. Fast pairs tell neighbours apart, slow ones the beginning from the end. A learned
table finds its own vectors (and finds similar ones), but a text longer than the table has no vector to take.

Vaswani et al. 2017, arXiv:1706.03762, section 3.5 (both, and equal results); learned: BERT, GPT-2, OPT.
Sines and cosines alternate as in the paper; files of Marian have all sines first, the same numbers in another order.

Left out: positions in two axes (pictures), and scaling the token embedding by the root of the width, which is a family's.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError, InputError
from groundup.slots import slot


@slot
def sinusoidal(
    positions: Int[Tensor, "*batch seq"], width: int, theta: float = 10_000.0
) -> Float[Tensor, "*batch seq width"]:
    """Give each position its vector: sines at even coordinates, cosines at odd ones, frequency theta^(-2i/width) for pair i.

    fp32, and float64 inside: fp32 angles are already off by 0.004 radians at position 100,000.
    """
    if width < 2 or width % 2:
        raise ConfigError(f"width={width} cannot hold pairs of a sine and a cosine; use an even number")
    exponents = torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width
    angles = positions[..., None] * theta**-exponents
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).float()


def learned(
    positions: Int[Tensor, "*batch seq"], table: Float[Tensor, "places width"]
) -> Float[Tensor, "*batch seq width"]:
    """Look each position up in the table; InputError where it has no such row."""
    if not (positions.is_meta or torch.compiler.is_compiling()) and positions.numel():
        first, last = int(positions.min()), int(positions.max())
        if first < 0 or last >= len(table):
            raise InputError(
                f"position {first if first < 0 else last} has no row in a table of {len(table)} learned positions; "
                f"shorten the text to {len(table)} tokens, or use a model with rotary positions or ALiBi"
            )
    return functional.embedding(positions, table)


class LearnedPositions(nn.Module):
    """The table as weights: `wpe.weight` in GPT-2's files, `position_embeddings.weight` in BERT's.

    offset: rows that are skipped because the files begin counting later (OPT 2, RoBERTa's padding id + 1).
    """

    def __init__(self, max_position_embeddings: int, hidden: int, *, offset: int = 0):
        super().__init__()
        self.offset = offset
        self.weight = nn.Parameter(torch.empty(max_position_embeddings + offset, hidden))

    def forward(self, positions: Int[Tensor, "*batch seq"]) -> Float[Tensor, "*batch seq hidden"]:
        """The vectors to add to the tokens at these positions."""
        return learned(positions, self.weight[self.offset :])


class LearnedAxes(nn.Module):
    """Several numbers say where a token stands, each with a table of its own, one under the other; their vectors are added (GLM).

    rows: of all tables together.
    """

    def __init__(self, rows: int, hidden: int, axes: int):
        super().__init__()
        self.axes = axes
        self.weight = nn.Parameter(torch.empty(rows, hidden))

    def forward(
        self, positions: Int[Tensor, "batch seq axes"] | Int[Tensor, "batch seq"] | Int[Tensor, " seq"]
    ) -> Float[Tensor, "*batch hidden"]:
        """The vectors to add to the tokens; positions without their own axis are of the first one, with 0 in all others."""
        if positions.dim() < 3:
            positions = torch.stack((positions, *[torch.zeros_like(positions)] * (self.axes - 1)), dim=-1)
        tables = self.weight.chunk(self.axes)
        return torch.stack([learned(positions[..., axis], tables[axis]) for axis in range(self.axes)]).sum(0)
