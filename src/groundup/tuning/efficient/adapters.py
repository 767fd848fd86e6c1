"""Adapters of other shapes: a bottleneck after or beside a part of the block, and IA3, which only multiplies.

    bottleneck   y + s U relu(D y)      after attention or feed-forward      Houlsby et al. 2019, arXiv:1902.00751, section 2.1
    parallel     y + s U relu(D x)      beside it: reads what enters it      He et al. 2022, arXiv:2110.04366, section 3.3
    IA3          l * (W x), W (l * x)   keys, values and the feed-forward's middle      Liu et al. 2022, arXiv:2205.05638, eq. 1-3

U begins as 0 and l as 1, so the first output is the model's own. A bottleneck bends (relu), so it stays beside the model for good and costs time
with each token; IA3 goes into its matrix: l multiplies its rows, or its columns. IA3's files are PEFT's, a bottleneck's are our own.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.errors import ConfigError
from groundup.slots import slot
from groundup.tuning.efficient.config import BottleneckConfig, IA3Config
from groundup.tuning.efficient.lora import dense


class IA3Part(nn.Module):
    """The numbers by which one matrix's outputs, or its inputs, are multiplied."""

    def __init__(self, layer: Any, config: IA3Config, generator: torch.Generator, path: str = ""):
        super().__init__()
        outputs, inputs = dense(layer).shape
        self.config = config
        self.inside = not {path, path.rpartition(".")[2]}.isdisjoint(config.feedforward_modules)
        self.ia3_l = nn.Parameter(torch.ones((1, inputs) if self.inside else (outputs, 1)))

    def forward(self, x: Tensor, layer: Any) -> Tensor:
        """The layer's output, scaled, or that of scaled inputs."""
        scale = self.ia3_l.flatten().to(x.dtype)
        return layer(x * scale) if self.inside else layer(x) * scale

    @torch.no_grad()
    def merged(self, weight: Tensor) -> Tensor:
        """One matrix in fp32: its columns or its rows multiplied."""
        return weight.float() * self.ia3_l.float()

    @torch.no_grad()
    def merged_bias(self, bias: Tensor) -> Tensor:
        """A bias is an output too."""
        return bias if self.inside else (bias.float() * self.ia3_l.flatten().float()).to(bias.dtype)


@slot
def bottleneck(
    x: Float[Tensor, "*batch hidden"],
    down: Float[Tensor, "width hidden"],
    down_bias: Float[Tensor, " width"],
    up: Float[Tensor, "hidden width"],
    up_bias: Float[Tensor, " hidden"],
) -> Float[Tensor, "*batch hidden"]:
    """What a bottleneck adds: down to a few coordinates, what is negative dropped, and up again."""
    middle = torch.relu(x @ down.T + down_bias)
    return middle @ up.T + up_bias


class BottleneckPart(nn.Module):
    """Down to a few coordinates, what is negative dropped, and up again."""

    def __init__(self, layer: Any, config: BottleneckConfig, generator: torch.Generator, path: str = ""):
        super().__init__()
        width = hidden_of(layer)
        if config.width > width:
            raise ConfigError(f"width={config.width} is wider than the model ({width}); use at most that, often 16")
        self.config = config
        reach = 1 / math.sqrt(width)
        self.down = nn.Parameter(torch.empty(config.width, width).uniform_(-reach, reach, generator=generator))
        self.up = nn.Parameter(torch.zeros(width, config.width))
        self.down_bias, self.up_bias = nn.Parameter(torch.zeros(config.width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, layer: Any) -> Tensor:
        """What the part gives, with what the bottleneck adds."""
        y = layer(x)
        down, up, low, high = (one.to(y.dtype) for one in (self.down, self.up, self.down_bias, self.up_bias))
        return y + self.config.scaling * bottleneck(x if self.config.parallel else y, down, low, up, high)


def hidden_of(part: Any) -> int:
    """The width of what a part of a block writes: that of its last matrix."""
    last = getattr(part, "o_proj", None) or getattr(part, "down_proj", None)
    if last is None:
        raise ConfigError(
            f"{type(part).__name__} is no attention or feed-forward; target_modules are self_attn and mlp"
        )
    return dense(getattr(last, "base_layer", last)).shape[0]
