"""What a run of Constitutional AI is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import TrackerName


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstitutionalConfig:
    """The numbers of Constitutional AI: what is shown first, how much the model revises, and how much it judges."""

    method: Literal["constitutional"] = "constitutional"
    """critique and revision, then the model's own preferences"""
    families: tuple[str, ...] = ("opposite", "plural", "kind", "add")
    """task families of tinyworld that are asked"""
    demonstrations: int = 6000
    """conversations learned before: answers of every manner, critiques, revisions and comparisons; 0: the model can do that already"""
    revisions: int = 600
    """questions whose answers the model criticises and revises"""
    comparisons: int = 600
    """questions of whose two answers the model says which breaks the constitution less"""
    held_out: int = 100
    """questions by which it is measured before and after each phase"""
    max_new_tokens: int = 32
    """tokens of an answer at most, in both phases and where it is measured"""
    batch_size: int = 16
    """conversations, or pairs, in a step of every phase"""
    demonstration_rate: float = 0.005
    """AdamW's peak rate while the demonstrations are learned"""
    learning_rate: float = 0.001
    """AdamW's peak rate of the first phase; the second (DPO) has half of it"""
    beta: float = 0.1
    """how hard the second phase (DPO) is held to the first"""
    trackers: tuple[TrackerName, ...] = ()
    """none is told anything: the metrics.jsonl of each phase has it (checkpoints/demonstrations, checkpoints/revisions, preferences)"""
    seed: int = 1
    """where chance begins"""

    def __post_init__(self) -> None:
        for name in ("revisions", "comparisons", "held_out", "max_new_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        if self.demonstrations < 0 or not self.beta > 0:
            raise ConfigError(f"demonstrations={self.demonstrations} and beta={self.beta} cannot be; use 6000 and 0.1")
        if self.trackers:
            raise ConfigError(f"trackers={self.trackers!r} would be told nothing by this method; leave them out")
