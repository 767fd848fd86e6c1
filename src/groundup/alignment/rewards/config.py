"""What a reward model is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.alignment.config import warmed
from groundup.errors import ConfigError
from groundup.training.config import OptimizerName, TrackerName, TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardConfig:
    """The numbers of a reward model: pairs of answers, of which one was preferred."""

    data: str | None = None
    """a JSON-lines file of pairs; none: pairs of tinyworld, drawn from its written taste"""
    pairs: int = 8000
    """pairs of tinyworld"""
    heldout: int = 500
    """pairs that are kept back to measure; of a file at most a tenth"""
    epochs: float = 1.0
    """passes over the pairs"""
    batch_size: int = 32
    """pairs in a step"""
    score: Literal["head", "likelihood", "informed"] = "head"
    """what an answer's number is: read by a new head at its last token, how likely the model finds it (rewards/likelihood.py), or read by a
    head that is told how surprising the answer was (rewards/informed.py)"""
    strength: float = 0.2
    """likelihood: points for each nat"""
    language: float = 1.0
    """likelihood, informed: weight of the chosen answers' own loss, which teaches the model to read answers of every manner"""
    members: int = 1
    """models of an ensemble, each with a head and an order of its own"""
    margin: bool = False
    """whether a pair's own `margin` is asked between its scores (Llama 2)"""
    centre: float = 0.01
    """pull of the two scores' sum towards 0; 0: none"""
    optimizer: OptimizerName = "adamw"
    """muon: Muon for the matrices inside the blocks, AdamW for the rest; any other: that one for all"""
    learning_rate: float = 0.001
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.005
    """Muon's peak rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 10
    """steps over which the rate rises from 0 to its peak; at most half of all"""
    checkpoint_every: int = 100
    """steps between checkpoints; 0: only at the end"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl"""
    seed: int = 1
    """where the order of the pairs and the head begin"""

    def __post_init__(self) -> None:
        for name in ("pairs", "batch_size", "members"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        if not self.strength > 0 or self.language < 0:
            raise ConfigError(f"strength={self.strength} and language={self.language} cannot be; use 0.2 and 1")
        if not self.epochs > 0 or self.heldout < 0 or self.centre < 0:
            raise ConfigError(
                f"epochs={self.epochs}, heldout={self.heldout} and centre={self.centre} cannot be; use 1, 500 and 0.01"
            )
        self.training(self.warmup_steps + 1)  # checks the numbers that both have

    def training(self, steps: int) -> TrainConfig:
        """The training loop's configuration."""
        names = (
            "optimizer",
            "learning_rate",
            "matrix_learning_rate",
            "schedule",
            "trackers",
            "seed",
            "checkpoint_every",
        )
        return TrainConfig(
            steps=steps,
            warmup_steps=warmed(self.warmup_steps, steps),
            batch_size=self.batch_size,
            seq_len=1,
            weight_decay=0.0,
            validate_every=0,
            sample_every=0,
            **{name: getattr(self, name) for name in names},
        )
