"""How much is measured. Needs no torch: recipes and the command line read it."""

from dataclasses import dataclass

from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    """The `[eval]` table of a recipe. Twice the number of items makes an interval 1.4 times narrower."""

    documents: int = 1000
    """held-out documents of each source that bits per byte are measured on"""
    instructions: int = 1000
    """instructions of each set (held out, unseen compositions); 0: ask none"""
    max_new_tokens: int = 0
    """tokens an answer may have; 0: eight more than the longest right answer"""
    rows_at_once: int = 256
    """prompts that are answered in one batch; more is faster and takes more memory"""
    ngram_order: int = 5
    """tokens of an n-gram, for the baseline; 0: no n-gram baseline"""
    preparation_bytes: int = 400_000
    """training text that xz and zstd may read first, for the fairer comparison; 0: leave it out"""
    confidence: float = 0.95
    """probability with which an interval holds the truth"""
    seed: int = 0
    """of the bootstrap's draws"""

    def __post_init__(self) -> None:
        checks = {
            "documents": (self.documents >= 1, "1 or more"),
            "instructions": (self.instructions >= 0, "0 for none, or 1000"),
            "max_new_tokens": (
                self.max_new_tokens >= 0,
                "0 for as many as the right answers need, or a number of tokens",
            ),
            "rows_at_once": (self.rows_at_once >= 1, "1 or more"),
            "ngram_order": (0 <= self.ngram_order <= 8, "0 for none, or 1 to 8"),
            "preparation_bytes": (self.preparation_bytes >= 0, "0 for none, or a number of bytes"),
            "confidence": (0 < self.confidence < 1, "a number between 0 and 1, such as 0.95"),
        }
        for name, (good, way_out) in checks.items():
            if not good:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not possible; use {way_out}")
