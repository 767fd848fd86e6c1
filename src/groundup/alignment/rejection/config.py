"""What a run of rejection-sampling tuning is told; importing it loads no torch."""

import math
from dataclasses import dataclass
from typing import Literal

from groundup.alignment.config import RoundsConfig
from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionConfig(RoundsConfig):
    """The numbers of rejection-sampling tuning: a round asks tasks, takes several answers to each, and learns the best."""

    method: Literal["rejection"] = "rejection"
    """the best of several answers is learned, as if it had been given"""
    steps: int = 20
    """rounds of asking, choosing and learning"""
    prompts_per_step: int = 64
    """tasks asked in a round"""
    samples_per_prompt: int = 8
    """answers to each task; the best is kept"""
    updates_per_step: int = 2
    """moves of the weights made with a round's best answers, each with a part of them"""
    least: float = -math.inf
    """the least reward of an answer that is learned from"""

    def __post_init__(self) -> None:
        RoundsConfig.__post_init__(self)
        if math.isnan(self.least):
            raise ConfigError("least=nan is no reward; use a number, or leave it out")
        if self.kl_coefficient:
            raise ConfigError(
                f"kl_coefficient={self.kl_coefficient} would pull nothing: what is learned are the model's own answers; leave it out"
            )

    @property
    def least_samples(self) -> int:
        """Answers to a task among which there is a best."""
        return 2
