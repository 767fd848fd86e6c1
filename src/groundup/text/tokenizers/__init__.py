"""Tokenizers, in reading order; each file adds one idea.

The ladder
    `character`        every character a token               `word`       every word, and what to do with unknown ones
    `bpe`              byte pair encoding by its definition   `splitting`  the pieces a text falls into before any merge
    `unicode_classes`  letters, numbers, white space; `unicode_scripts`  Latin, Greek, Han
    `byte_level`       BPE over bytes: any text, and back
    `wordpiece`        BERT's longest match                   `unigram`    the most probable cut, found by Viterbi
    `character_bpe`    BPE over characters, bytes where one is missing (Llama 2)
    `charsmap`, `sentencepiece_normalizer`, `sentencepiece_tokenizer`  SentencePiece's own rules

The object and its files
    `tokenizer`        what every tokenizer is: text to ids and back, control tokens, chats, files
    `pipeline`         a tokenizer made of the parts of a tokenizer.json: `normalizers`, `pre_tokenizers`, `post_processors`,
                       `decoders`, `added_tokens`; `parts` reads and writes them, `aligned_text` remembers places
    `special_tokens`   control tokens and chat templates, run in `template_sandbox`; typed text never becomes a control token
    `new_tokens`       tokens added to a trained tokenizer
    `formats`          tokenizer.json; `vocabulary_files`, `tiktoken_ranks`, `sentencepiece_model` the others; `conversion`
    `gguf_vocabulary`  the tokenizer in a GGUF file, in and out    `llama2c_vocabulary`  llama2.c's tokenizer.bin
    `config`           what a byte-level tokenizer is trained with
    `streaming`        files larger than memory

What a choice costs
    `multilingual`     by language    `vocabulary_tradeoffs`  by vocabulary size    `impact`  by what a model can then learn

Fast forms (Numba) stand beside their definitions: `…_splitting`, `…_encoding`, `…_counting`, `…_training`, `double_array`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer, train_tokenizer
    from groundup.text.tokenizers.character import CharacterTokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.formats import load_tokenizer
    from groundup.text.tokenizers.new_tokens import add_tokens
    from groundup.text.tokenizers.pipeline import PipelineTokenizer
    from groundup.text.tokenizers.sentencepiece_tokenizer import SentencePieceTokenizer
    from groundup.text.tokenizers.sentencepiece_training import train_sentencepiece
    from groundup.text.tokenizers.streaming import encode_stream
    from groundup.text.tokenizers.tokenizer import Tokenizer
    from groundup.text.tokenizers.wordpiece_tokenizer import train_wordpiece_tokenizer

__all__ = [
    "ByteLevelTokenizer",
    "CharacterTokenizer",
    "PipelineTokenizer",
    "SentencePieceTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "add_tokens",
    "encode_stream",
    "load_tokenizer",
    "train_sentencepiece",
    "train_tokenizer",
    "train_wordpiece_tokenizer",
]

_HOME = {
    "ByteLevelTokenizer": "byte_level",
    "CharacterTokenizer": "character",
    "PipelineTokenizer": "pipeline",
    "SentencePieceTokenizer": "sentencepiece_tokenizer",
    "Tokenizer": "tokenizer",
    "TokenizerConfig": "config",
    "add_tokens": "new_tokens",
    "encode_stream": "streaming",
    "load_tokenizer": "formats",
    "train_sentencepiece": "sentencepiece_training",
    "train_tokenizer": "byte_level",
    "train_wordpiece_tokenizer": "wordpiece_tokenizer",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for: Numba is not loaded before that."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
