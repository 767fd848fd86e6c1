"""What a byte-level tokenizer is trained with. Light: recipes and the command line build it without loading Numba."""

from dataclasses import dataclass

from groundup.errors import ConfigError

END_OF_TEXT = "<|endoftext|>"  # ends a document, stands before its first token as context, and pads
_PATTERNS = ("qwen2", "llama3", "gpt2", "cl100k", "o200k")  # splitting.PATTERNS, which would load NumPy
MASK = "[MASK]"  # where a token is hidden, for objectives that hide some
TURN_START, TURN_END = "<|im_start|>", "<|im_end|>"  # ChatML's two marks


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerConfig:
    """Vocabulary size, split pattern and control tokens of a byte-level BPE tokenizer.

    Ids: the special tokens first, then the 256 bytes, then one token a merge in the order learned.
    """

    vocab_size: int = 4096  # all ids: special tokens, 256 bytes and merges
    pattern: str = "qwen2"  # a name in splitting.PATTERNS
    special_tokens: tuple[str, ...] = (END_OF_TEXT, TURN_START, TURN_END)
    sample_bytes: int = 1 << 25  # merges are learned from the first this many bytes of the texts

    def __post_init__(self) -> None:
        """Refuse what cannot be trained, and say what can."""
        object.__setattr__(self, "special_tokens", tuple(self.special_tokens))  # a recipe's TOML gives a list
        if self.pattern not in _PATTERNS:
            names = ", ".join(map(repr, _PATTERNS))
            raise ConfigError(f"pattern={self.pattern!r} is not a split pattern; use one of {names}")
        if len(set(self.special_tokens)) < len(self.special_tokens) or not all(self.special_tokens):
            raise ConfigError(
                f"special_tokens={list(self.special_tokens)} must be distinct and not empty; remove the repeated one"
            )
        least = 256 + len(self.special_tokens)
        if self.vocab_size < least:
            raise ConfigError(
                f"vocab_size={self.vocab_size} is smaller than the 256 bytes and {len(self.special_tokens)} special "
                f"tokens that every text needs; use at least {least}"
            )
        if self.vocab_size >= 1 << 20:
            raise ConfigError(f"vocab_size={self.vocab_size} is more than the encoder holds; use less than {1 << 20}")
        if self.sample_bytes < 1:
            raise ConfigError(f"sample_bytes={self.sample_bytes} leaves nothing to train on; use at least 1")
