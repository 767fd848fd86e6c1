"""What a tuning run is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneConfig:
    """Instruction tuning: which conversations, how often, how fast. The loop's numbers mean what they mean there."""

    data: str | None = None
    """the user's own conversations (JSON lines with messages, or prompt and answer); none: tinyworld's instructions"""
    turns: int = 1
    """questions of tinyworld in one conversation at most: half have one, the others 2 to this many; the user's own conversations stay as they are"""
    epochs: float = 3.0
    """how often every conversation is seen"""
    steps: int = 0
    """optimiser steps; 0: as many as the epochs take"""
    batch_size: int = 16
    """rows that go through the model at once; a row holds several conversations"""
    seq_len: int = 256
    """tokens in a row; a longer conversation is cut"""
    gradient_accumulation_steps: int = 1
    """batches whose gradients are summed before one step"""
    optimizer: Literal["muon", "adamw"] = "muon"
    """muon: Muon for the matrices inside the blocks, AdamW for embedding, head and gains; adamw: AdamW for all"""
    learning_rate: float = 0.002
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.01
    """Muon's peak rate"""
    weight_decay: float = 0.0
    """decoupled decay of the matrices, a fraction of the learning rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 5
    """steps over which the rate rises from 0 to its peak"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    validate_every: int = 50
    """steps between validations; 0: only at the end"""
    checkpoint_every: int = 50
    """steps between checkpoints; 0: only at the end"""
    keep_checkpoints: int = 2
    """how many checkpoints stay"""
    seed: int = 1
    """where the order of the conversations begins"""

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ConfigError(f"steps={self.steps} is below 0; use 0 to go by epochs, or 1 or more")
        if self.turns < 1:
            raise ConfigError(f"turns={self.turns} would ask nothing; use 1, or 3 for conversations of up to three questions")
        if not self.epochs > 0:
            raise ConfigError(f"epochs={self.epochs} would tune nothing; use a number above 0, such as 3")
        self.training(self.steps or 1)  # checks the numbers that both have

    def training(self, steps: int) -> TrainConfig:
        """The training loop's configuration for so many steps."""
        shared = {name: getattr(self, name) for name in SHARED}
        return TrainConfig(steps=steps, sample_every=0, **shared)


SHARED = (
    "batch_size", "seq_len", "gradient_accumulation_steps", "optimizer", "learning_rate", "matrix_learning_rate",
    "weight_decay", "schedule", "warmup_steps", "max_grad_norm", "validate_every", "checkpoint_every",
    "keep_checkpoints", "seed",
)  # fmt: skip
