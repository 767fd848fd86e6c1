"""`groundup tokenizer train`: a byte-level vocabulary from your text or from the embedded worlds."""

from dataclasses import dataclass
from pathlib import Path

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerOptions(Running):
    """train a tokenizer that transformers reads too"""

    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""
    vocab_size: int | None = None
    """tokens in the vocabulary, special ones included; left out: the recipe's"""


def train(options: TokenizerOptions) -> None:
    """Run the stages data and tokenizer."""
    from groundup.cli import running, show

    changes: dict = {"name": "tokenizer", "description": "a tokenizer", "stages": ["data", "tokenizer"]}
    changes |= {"data": {"text": str(options.text)}} if options.text else {}
    changes |= {"tokenizer": {"vocab_size": options.vocab_size}} if options.vocab_size is not None else {}
    show.stage_result(running.carry_out("text" if options.text else "demo", options, changes), options.json)
