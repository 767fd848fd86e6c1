"""Tokenizers, in reading order.

`bpe`              byte pair encoding by its definition: what is merged, in which order, and how a piece is encoded
`splitting`        which pieces a text falls into before any merge (the Qwen 2, Llama 3 and GPT-2 patterns)
`unicode_classes`  what those patterns call a letter, a number and white space
`byte_level`       the tokenizer object: text to ids and back, for any Unicode text
`special_tokens`   control tokens and chat templates; typed text never becomes a control token
`formats`          tokenizer.json and tokenizer_config.json, as the whole ecosystem reads them
`config`           what a tokenizer is trained with

The fast forms stand beside them: `byte_level_splitting`, `byte_level_encoding`, `byte_level_counting`,
`byte_level_training` (Numba).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer, train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.formats import load_tokenizer

__all__ = ["ByteLevelTokenizer", "TokenizerConfig", "load_tokenizer", "train_tokenizer"]

_HOME = {
    "ByteLevelTokenizer": "byte_level",
    "TokenizerConfig": "config",
    "load_tokenizer": "formats",
    "train_tokenizer": "byte_level",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for: Numba is not loaded before that."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
