"""What instruction tuning is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneConfig:
    """The numbers of instruction tuning. Rates are lower than in pretraining: the model should change, not start again."""

    steps: int = 200
    """optimiser steps"""
    batch_size: int = 16
    """rows of packed conversations that go through the model at once"""
    seq_len: int = 256
    """tokens in a row; a longer conversation is cut"""
    optimizer: Literal["muon", "adamw"] = "muon"
    """as in pretraining"""
    learning_rate: float = 0.002
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.01
    """Muon's peak rate"""
    weight_decay: float = 0.0
    """decoupled decay of the matrices"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 10
    """steps over which the rate rises"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    checkpoint_every: int = 50
    """steps between checkpoints; 0: only at the end"""
    families: tuple[str, ...] = ()
    """families of instructions to learn from; none named: all"""
    seed: int = 2
    """where the order of the conversations begins"""

    def __post_init__(self) -> None:
        try:
            self.training()
        except ConfigError as error:
            raise ConfigError(str(error).replace("train.", "tune.")) from error

    def training(self) -> TrainConfig:
        """The same numbers for the training loop."""
        names = ("steps", "batch_size", "seq_len", "optimizer", "learning_rate", "matrix_learning_rate", "weight_decay",
                 "schedule", "warmup_steps", "max_grad_norm", "checkpoint_every", "seed")
        return TrainConfig(**{name: getattr(self, name) for name in names})
