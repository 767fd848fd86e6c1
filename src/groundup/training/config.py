"""What a training run is told; importing it loads no torch, so recipes and the command line can read it at once."""

import difflib
from dataclasses import dataclass
from typing import Literal, get_args

from groundup.errors import ConfigError

OptimizerName = Literal[
    "muon", "adamw", "adam", "lion", "adafactor", "rmsprop", "nesterov", "momentum", "sgd"
]  # groundup.training.optimizers


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """The loop's numbers. One step is gradient_accumulation_steps * batch_size rows of seq_len tokens."""

    steps: int = 1000
    """optimiser steps"""
    batch_size: int = 16
    """rows that go through the model at once"""
    seq_len: int = 256
    """tokens in a row"""
    gradient_accumulation_steps: int = 1
    """batches whose gradients are summed before one step"""
    optimizer: OptimizerName = "muon"
    """muon: Muon for the matrices inside the blocks, AdamW for embedding, head and gains; any other: that one for all"""
    optimizer_state: Literal["bf16", "8bit"] | None = None
    """AdamW's two means in 4 or 2 bytes a weight instead of 8, rounded at random; none: fp32"""
    learning_rate: float = 0.006
    """peak rate of all that Muon does not move; lion wants a fifth of AdamW's, sgd tens of times as much"""
    matrix_learning_rate: float = 0.02
    """Muon's peak rate"""
    weight_decay: float = 0.05
    """decay of the matrices, a fraction of the learning rate; part of the gradient for adam, rmsprop, nesterov, momentum, sgd"""
    beta1: float = 0.9
    """share of itself that the mean of the gradients, or the velocity, keeps a step"""
    beta2: float = 0.95
    """share that the mean of the squares keeps; lion: that its mean keeps"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "wsd"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 20
    """steps over which the rate rises from 0 to its peak"""
    decay_fraction: float = 0.6
    """wsd: the last part of the run in which the rate falls to 0"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    validate_every: int = 200
    """steps between validations; 0: only at the end"""
    sample_every: int = 200
    """steps between samples of the model's text; 0: only at the end"""
    checkpoint_every: int = 100
    """steps between checkpoints; 0: only at the end"""
    keep_checkpoints: int = 2
    """how many checkpoints stay"""
    initialization: Literal["scaled", "normal", "look_back"] = "scaled"
    """first weights; look_back: heads that copy from the start, for small budgets (a qwen3 with a tied head)"""
    seed: int = 1
    """where the order of the data and the first weights begin"""

    def __post_init__(self) -> None:
        self._check_optimizer()
        for name in ("steps", "batch_size", "seq_len", "gradient_accumulation_steps", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        for name in ("learning_rate", "matrix_learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"{name}={getattr(self, name)} would train nothing; use a number above 0, such as 0.006"
                )
        for name in (
            "warmup_steps",
            "weight_decay",
            "max_grad_norm",
            "validate_every",
            "sample_every",
            "checkpoint_every",
        ):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)} is below 0; use 0 or more")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} must be at least 0 and below 1; use 0.9 and 0.95")
        if not 0 < self.decay_fraction <= 1:
            raise ConfigError(f"decay_fraction={self.decay_fraction} must be above 0 and at most 1; use 0.6")

    def _check_optimizer(self) -> None:
        known = get_args(OptimizerName)
        if self.optimizer not in known:
            near = difflib.get_close_matches(str(self.optimizer), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
            raise ConfigError(f"optimizer={self.optimizer!r} is not known; {hint}")
        if self.optimizer_state not in (None, "bf16", "8bit"):
            raise ConfigError(f"optimizer_state={self.optimizer_state!r} is not known; use 'bf16', '8bit', or none")
        if self.optimizer_state and self.optimizer not in ("adamw", "muon"):
            raise ConfigError(
                f"optimizer_state={self.optimizer_state!r} is for AdamW's means, and {self.optimizer} keeps others; "
                "use optimizer = 'adamw' or 'muon', or leave optimizer_state out"
            )

    @property
    def last_steps(self) -> int:
        """The last tenth of the run, whose mean loss is the run's result."""
        return max(1, self.steps // 10)

    @property
    def tokens_per_step(self) -> int:
        """Positions that one optimiser step sees, padding included."""
        return self.batch_size * self.seq_len * self.gradient_accumulation_steps
