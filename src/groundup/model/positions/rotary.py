"""Rotary position embedding: a query and a key meet with the angle between their positions.

Each pair of coordinates (i, i + head_dim/2) is turned by position * theta^(-2i/head_dim). A dot product of two turned
vectors depends only on the difference of their positions, so nothing is added to the token and nothing is learned.
Su et al. 2021, arXiv:2104.09864, eq. 34; the pairs are (i, i + half) as in the Hugging Face files, not (2i, 2i + 1).

Some families turn only the first part of a head (GPT-NeoX a quarter): then `head_dim` here is what turns. Longer contexts
than trained on ask for other frequencies: `extension.py`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.model.positions import extension
from groundup.slots import slot


class Angles(NamedTuple):
    """Cosines and sines of every position, for one forward pass of all layers: (batch or 1, seq, 1, head_dim/2)."""

    cos: Tensor
    sin: Tensor


class Rotary:
    """The frequencies of one head size. Not a module: a buffer would be cast to bf16 together with the weights.

    scaling: `rope_parameters` of a config.json where they ask for other than the plain frequencies; trained: its
    max_position_embeddings.
    """

    def __init__(
        self,
        head_dim: int,
        theta: float = 10_000.0,
        scaling: Mapping[str, Any] | None = None,
        trained: int | None = None,
    ):
        assert head_dim % 2 == 0, f"head_dim={head_dim} must be even: coordinates turn in pairs"
        self.head_dim, self.theta, self.trained = head_dim, theta, trained
        self.scaling = None if scaling is None else {**scaling, "rope_theta": theta}
        if scaling is not None:
            with torch.device("cpu"):  # what is wrong with the scaling is said now and not at the first token
                self.scaled()

    def frequencies(self, device: torch.device | None = None) -> Float[Tensor, " half"]:
        """Radians a position, from 1 (first pair) down to about 1/theta (last pair)."""
        exponents = torch.arange(0, self.head_dim, 2, dtype=torch.float32, device=device) / self.head_dim
        return 1.0 / self.theta**exponents

    def scaled(self, device: torch.device | None = None, length: int | None = None) -> extension.Extended:
        """The same as the scaling wants them for a text of this length; and what cosines and sines are multiplied by."""
        if self.scaling is None:
            return extension.Extended(self.frequencies(device))
        return extension.rope_frequencies(
            self.head_dim, self.scaling, max_position_embeddings=self.trained, length=length, device=device
        )

    def angles(self, positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"], dtype: torch.dtype) -> Angles:
        """Turn positions into cosines and sines, cast to dtype at the very end."""
        length = None
        if self.scaling is not None and not positions.is_meta:  # some schemes ask how long the text is
            length = int(positions.max()) + 1
        frequencies, factor = self.scaled(positions.device, length)
        # fp32: in bf16 the positions 4,080 and 4,095 are the same number, and the angle is off by up to pi.
        angles = positions.float()[..., None] * frequencies
        angles = angles.unsqueeze(-2) if positions.dim() == 2 else angles[None, :, None]
        if factor != 1.0:
            return Angles((angles.cos() * factor).to(dtype), (angles.sin() * factor).to(dtype))
        return Angles(angles.cos().to(dtype), angles.sin().to(dtype))


@slot
def rotate(x: Float[Tensor, "batch seq heads head_dim"], angles: Angles) -> Float[Tensor, "batch seq heads head_dim"]:
    """Turn each coordinate pair (i, i + head_dim/2) of x by its position's angle, from the first towards the second."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
