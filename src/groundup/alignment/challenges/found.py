"""What a study of a challenge finds: numbers and curves, each beside the truth where that is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Curves over shared places. What is known without measuring: truth, curves (of a measured one under its name); levels of y; upright, places of x.

    names: of the places, where these are no numbers; bars are drawn then.
    """

    title: str
    x: str
    y: str
    places: Sequence[float]
    measured: Mapping[str, Sequence[float]]
    truth: Mapping[str, Sequence[float]] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    upright: Mapping[str, float] = field(default_factory=dict)
    log_x: bool = False
    names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What one seed gave. truths: of those numbers whose value is known beforehand, or by another way than measuring."""

    numbers: Mapping[str, float]
    truths: Mapping[str, float]
    pictures: Sequence[Picture]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeConfig:
    """The table [challenge] of a recipe: which study, from which seeds, on which model."""

    topic: str
    """reward_hacking, tax, oversight or deception"""
    seeds: tuple[int, ...] = (1, 2, 3)
    """where chance begins, once each; three give an interval"""
    model: str = ""
    """a tuned model folder; none: small models are made on the way"""
    steps: int = 0
    """training steps of the small models; 0: the study's usual number"""
    items: int = 0
    """questions or games that a number is measured on; 0: the study's usual number"""

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds={list(self.seeds)} cannot be; name each once, such as [1, 2, 3]")
        if self.steps < 0 or self.items < 0:
            raise ConfigError(
                f"steps={self.steps} and items={self.items} cannot be below 0; use 0 for the usual numbers"
            )


Study = Callable[[ChallengeConfig, int, Callable[[str], Any]], Found]  # configuration, seed, what to tell meanwhile
