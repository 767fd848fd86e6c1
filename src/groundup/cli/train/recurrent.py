"""`groundup train recurrent`: a network that reads a text character by character (`classical.recurrent`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from groundup.cli.train.making import Making


@dataclass(frozen=True, kw_only=True, slots=True)
class RecurrentOptions(Making):
    """train an RNN, LSTM or GRU to predict the next character"""

    text: Path
    """your own text: a file, a folder or JSON lines with the key text"""
    heldout: Path | None = None
    """text to measure on; left out: about a twenty-fifth of --text, which is not learned from"""
    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """what carries the state from character to character"""
    hidden_size: int = 256
    """width of the state and of the characters' vectors"""
    num_hidden_layers: int = 1
    """layers, one above the other"""
    steps: int = 1000
    """optimiser steps"""
    batch_size: int = 32
    """rows of text read side by side"""
    seq_len: int = 64
    """characters through which a gradient goes back"""
    learning_rate: float = 0.004
    """AdamW's peak rate"""
    seed: int = 1
    """where chance begins"""


SAME = ("hidden_size", "num_hidden_layers", "steps", "batch_size", "seq_len", "learning_rate", "seed")


def train_recurrent(options: RecurrentOptions) -> None:
    """Train, save, score the held-out text."""
    from groundup.classical.recurrent import char_lm
    from groundup.cli.train import making

    making.free(options.out)
    config = char_lm.CharacterConfig(kind=options.cell, **{name: getattr(options, name) for name in SAME})
    train, heldout = making.texts(options.text, options.heldout)
    text, other = ("\n\n".join(part) for part in (train, heldout))
    told = {"cell": options.cell, "steps": options.steps, "training_characters": len(text)}
    making.make(
        options, "recurrent", lambda: char_lm.train(text, config), lambda model: measured(model, other), **told,
        vocabulary=lambda model: model.tokenizer.vocab_size,
        parameters=lambda model: sum(one.numel() for one in model.module.parameters()),
    )  # fmt: skip


def measured(model: Any, text: str) -> dict[str, Any]:
    """Bits a byte and a character, and how many characters training never saw."""
    score = model.score(text)
    return {"bits_per_byte": score["bits_per_byte"], **score, "bytes": len(text.encode(errors="surrogatepass"))}
