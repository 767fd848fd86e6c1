"""What to make smaller, and how: the settings of `groundup compress`."""

from dataclasses import dataclass, field
from typing import Literal

import tyro

from groundup.compression.distillation.config import DistillConfig
from groundup.errors import ConfigError

QUANTISE = ("gptq", "awq", "round", "smoothquant")
STRUCTURES = ("heads", "channels", "layers")
PATTERNED = ("magnitude", "wanda", "sparsegpt")
GROUP = 32  # neighbours, where nothing is said


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressConfig:
    """Make a model smaller: weights of fewer bits, weights that are zero, or fewer heads, channels and layers."""

    method: Literal[
        "gptq", "awq", "round", "smoothquant", "magnitude", "wanda", "sparsegpt", "heads", "channels", "layers", "distill"
    ] = "gptq"
    """gptq, awq, round: whole numbers of `bits` bits; smoothquant: 8 bits for weights and for what they read; magnitude, wanda, sparsegpt: `share` of the
    weights set to zero; heads, channels (of the feed-forward), layers: `share` of them taken out, in smaller shapes;
    distill: a --student learns from the model"""
    bits: int | None = None
    """gptq, awq, round: bits a weight, 4 or 8; left out: 4"""
    group_size: int = GROUP
    """gptq, awq, round: neighbours in a row that share a scale; 0: the whole row"""
    mean_bits: float = 0.0
    """gptq, awq, round: 8 bits for the matrices whose rounding costs most and 4 for the others, so many on average; 0: `bits` for all"""
    alpha: float = 0.5
    """smoothquant: how much of the range of what is read moves into the weights, 0 to 1"""
    share: float = 0.5
    """part of the weights, heads, channels or layers that go"""
    pattern: str = ""
    """magnitude, wanda, sparsegpt: 2:4 for two of every four neighbours; empty: freely"""
    calibration_tokens: int = 16384
    """tokens of text that say what counts"""
    held_out_tokens: int = 8192
    """tokens of other text on which the model is measured before and after, where it is a conversation by its answers; 0: not measured"""
    seq_len: int = 512
    """tokens of one text at most"""
    seed: int = 1
    """which texts calibrate: 1 the first after those held out, 2 the next as many, and so on"""

    distill: tyro.conf.OmitArgPrefixes[DistillConfig] = field(default_factory=DistillConfig)
    """what a student is told"""

    def __post_init__(self) -> None:
        if self.quantises and self.bits not in (None, 4, 8):
            raise ConfigError(f"bits={self.bits} is not stored by any format here; use 4 or 8")
        if self.group_size < 0:
            raise ConfigError(f"group_size={self.group_size} is not possible; use 32, 128 or 0 for the whole row")
        if self.mean_bits and not (4 <= self.mean_bits <= 8 and self.quantises and self.method != "smoothquant"):
            raise ConfigError(f"mean_bits={self.mean_bits} is for gptq, awq or round; use a number from 4 to 8, or 0")
        if not 0 <= self.alpha <= 1:
            raise ConfigError(f"alpha={self.alpha} is not possible; use a number from 0 to 1, such as 0.5")
        if not 0 < self.share < 1:
            raise ConfigError(f"share={self.share} is not possible; use a number between 0 and 1, such as 0.5")
        if self.method == "distill" and not self.distill.student:
            raise ConfigError(
                "distill needs a student to learn; make one with `groundup compress MODEL STUDENT --method layers` and pass --student STUDENT"
            )
        if self.seed < 1:
            raise ConfigError(f"seed={self.seed} is not possible; use 1 or more")
        if self.seq_len < 2 or self.calibration_tokens < 1 or self.held_out_tokens < 0:
            raise ConfigError("seq_len must be 2 or more, calibration_tokens 1 or more, held_out_tokens 0 or more")
        self._check_used()

    def _check_used(self) -> None:
        """Refuse what the method would not look at."""
        if self.neighbours() and self.method not in PATTERNED:
            raise ConfigError(f"pattern={self.pattern!r} is for {', '.join(PATTERNED)}, and method={self.method!r} has none; leave it out")
        if self.mean_bits and self.bits is not None:
            raise ConfigError(f"bits={self.bits} is for all matrices, and mean_bits={self.mean_bits} chooses 4 or 8 for each; leave one of them out")
        if self.method == "smoothquant" and self.bits == 4:
            raise ConfigError("bits=4 is for gptq, awq and round; smoothquant has 8 for weights and for what they read, so leave it out")
        if self.method == "smoothquant" and self.group_size not in (0, GROUP):
            raise ConfigError(f"group_size={self.group_size} is for gptq, awq and round; smoothquant has a scale a row, so leave it out")

    def neighbours(self) -> tuple[int, int] | None:
        """The pattern as two numbers."""
        if not self.pattern:
            return None
        parts = self.pattern.split(":")
        if len(parts) != 2 or not all(part.isdecimal() for part in parts) or not 0 < int(parts[0]) < int(parts[1]):
            raise ConfigError(
                f"pattern={self.pattern!r} is not possible; write 2:4 for two of every four, or leave it out"
            )
        return int(parts[0]), int(parts[1])

    @property
    def width(self) -> int:
        """Bits a weight where `mean_bits` does not say otherwise."""
        return self.bits or (8 if self.method == "smoothquant" else 4)

    @property
    def quantises(self) -> bool:
        """Whether weights get fewer bits."""
        return self.method in QUANTISE

    @property
    def looks_at_texts(self) -> bool:
        """Whether texts decide what is changed."""
        return self.method not in ("round", "magnitude") or self.mean_bits > 0
