"""What to make smaller, and how: the settings of `groundup compress`."""

from dataclasses import dataclass
from typing import Literal

from groundup.compression.quantization import grid
from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressConfig:
    """Make a model smaller: weights of fewer bits, or weights that are zero."""

    method: Literal["gptq", "round", "magnitude", "wanda", "sparsegpt"] = "gptq"
    """gptq, round: whole numbers of `bits` bits; magnitude, wanda, sparsegpt: `share` of the weights set to zero"""
    bits: int = 4
    """bits a weight, 4 or 8"""
    group_size: int = 32
    """neighbours in a row that share a scale; 0: the whole row"""
    share: float = 0.5
    """part of the weights that go"""
    pattern: str = ""
    """2:4 for two of every four neighbours; empty: freely"""
    calibration_tokens: int = 16384
    """tokens of text that say what counts"""
    held_out_tokens: int = 8192
    """tokens of other text on which the model is measured before and after; 0: not measured"""
    seq_len: int = 512
    """tokens of one text at most"""

    def __post_init__(self) -> None:
        if self.method in ("gptq", "round") and self.bits not in (4, 8):
            raise ConfigError(f"bits={self.bits} is not stored by any format here; use 4 or 8")
        if self.group_size < 0:
            raise ConfigError(f"group_size={self.group_size} is not possible; use 32, 128 or 0 for the whole row")
        if not 0 < self.share < 1:
            raise ConfigError(f"share={self.share} is not possible; use a number between 0 and 1, such as 0.5")
        if self.seq_len < 2 or self.calibration_tokens < 1 or self.held_out_tokens < 0:
            raise ConfigError("seq_len must be 2 or more, calibration_tokens 1 or more, held_out_tokens 0 or more")
        assert self.bits in grid.BITS or self.method not in ("gptq", "round")
        self.neighbours()

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
    def quantises(self) -> bool:
        """Whether weights get fewer bits."""
        return self.method in ("gptq", "round")
