"""How models become one; importing it loads no torch."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from groundup.errors import ConfigError, did_you_mean

MergeMethod = Literal["average", "slerp", "ties", "dare"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeConfig:
    """How models become one."""

    method: MergeMethod = "average"
    """average and slerp need no base; ties and dare merge what the models changed of it"""
    weights: tuple[float, ...] = ()
    """average, ties, dare: of each model, in order; none: all alike. average: they are divided by their sum; ties, dare: a change is multiplied by its own"""
    t: float = 0.5
    """slerp: 0 the first model, 1 the second"""
    density: float = 0.2
    """ties: share of each change's numbers that are kept, the largest"""
    drop: float = 0.9
    """dare: share of each change's numbers that are dropped, by chance"""
    scale: float = 1.0
    """ties, dare: what the merged change is multiplied by before it is added to the base"""
    seed: int = 0
    """dare: where the draws begin"""

    def __post_init__(self) -> None:
        if self.method not in get_args(MergeMethod):
            raise ConfigError(
                f"method={self.method!r} is not known; {did_you_mean(str(self.method), get_args(MergeMethod))}"
            )
        if not 0 <= self.t <= 1:
            raise ConfigError(f"t={self.t} lies outside of the two models; use a number from 0 to 1")
        if not 0 < self.density <= 1:
            raise ConfigError(f"density={self.density} must be above 0 and at most 1; use 0.2")
        if not 0 <= self.drop < 1:
            raise ConfigError(f"drop={self.drop} must be at least 0 and below 1; use 0.9")
        if not all(map(math.isfinite, (*self.weights, self.scale))):
            raise ConfigError(
                f"weights={self.weights} and scale={self.scale} must be finite, or the merged weights were not; use 1"
            )
        if self.method == "slerp" and self.weights:
            raise ConfigError(
                f"weights={self.weights} are not for slerp, which goes from the first model to the second by t; use t=0.5"
            )
        if self.method == "average" and self.weights and sum(self.weights) == 0:
            raise ConfigError("weights add up to 0, so there is no average; give weights whose sum is not 0")
