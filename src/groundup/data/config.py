"""What the data stage is told; importing it loads nothing heavy."""

from dataclasses import dataclass

from groundup.errors import ConfigError, InputError

COUNTS = (
    "algorithmic_problems",
    "tinyworld_bytes",
    "python_bytes",
    "heldout_bytes",
    "instructions",
    "heldout_instructions",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """Which documents a run learns from: the two embedded worlds, or the user's own text, instead or beside them, or a task."""

    text: str | None = None
    """the user's own text: a file, a folder, JSON lines or Parquet; none: the embedded worlds"""
    text_key: str = "text"
    """the field of JSON lines, or the column of Parquet, that holds the text"""
    text_encoding: str = "utf-8"
    """how the text's characters are written"""
    pipeline: str | None = None
    """steps that the own text goes through first: plain, web, pages, code, mathematics or a TOML file"""
    beside_worlds: bool = False
    """whether the embedded worlds are read too, beside the own text: tinyworld has the questions and answers that a chat model learns"""
    algorithmic: str | None = None
    """a task with one right answer instead: copy, reverse, sort, addition, modular_addition, _subtraction, _multiplication or _division"""
    algorithmic_size: int = 47
    """its digits at most, or its modulus"""
    algorithmic_share: float = 0.5
    """the part of its questions that is trained; the rest is held out"""
    algorithmic_problems: int = 20_000
    """how many different questions are drawn; a modular task has modulus^2"""
    tinyworld_bytes: int = 6_000_000
    """training text sampled from tinyworld; 0: none"""
    python_bytes: int = 1_600_000
    """training text from the standard library's documentation; 0: none"""
    python_source: bool = False
    """whether the standard library's source is read too, after its documentation"""
    heldout_bytes: int = 150_000
    """held-out text of each world, at most about so much"""
    instructions: int = 20_000
    """training instructions of tinyworld; 0: none"""
    heldout_instructions: int = 1_000
    """held-out instructions, and as many with unseen compositions"""
    seed: int = 1
    """where the sampling of tinyworld begins"""

    def __post_init__(self) -> None:
        """Refuse what gives no data, and say what does."""
        for name in COUNTS:
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)} is below 0; use 0 or more")
        if self.heldout_bytes == 0:
            raise ConfigError("heldout_bytes=0 leaves nothing to measure a model on; use 10000 or more")
        if self.algorithmic is not None:
            _check_algorithmic(self)
        elif self.text is None and not self.tinyworld_bytes and not self.python_bytes:
            raise ConfigError(
                "tinyworld_bytes and python_bytes are both 0, so there is no text; raise one of them or set text"
            )


def _check_algorithmic(config: DataConfig) -> None:
    """The task's own checks, as those of a configuration."""
    from groundup.data.sources import algorithmic

    if config.text is not None:
        raise ConfigError("text and algorithmic both say what is read; leave one of them out")
    try:
        algorithmic.check(str(config.algorithmic), config.algorithmic_size, config.algorithmic_share)
    except InputError as error:
        raise ConfigError(str(error)) from None
