"""What `groundup compress --method distill` is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillConfig:
    """A student learns from the model: with --method distill."""

    student: str = ""
    """folder of the smaller model that learns, such as one that --method layers made; it has the same tokenizer"""
    way: Literal["logits", "features", "sequences"] = "logits"
    """what the student is told: how likely every token is, hidden states, or texts that the teacher wrote"""
    steps: int = 200
    """optimiser steps"""
    batch_size: int = 8
    """rows at once"""
    learning_rate: float = 0.001
    """AdamW's peak rate; it falls to 0 along a cosine"""
    temperature: float = 2.0
    """logits: above 1 shows the small probabilities"""
    weight: float = 0.9
    """logits, features: the teacher's part of the loss; the text itself has the rest"""
    prompts: int = 128
    """sequences: texts that the teacher writes, from the first words of as many"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.prompts < 1:
            raise ConfigError("steps, batch_size and prompts must be 1 or more")
        if not self.learning_rate > 0 or not self.temperature > 0 or not 0 <= self.weight <= 1:
            raise ConfigError("learning_rate and temperature must be above 0, weight from 0 to 1, such as 0.9")
