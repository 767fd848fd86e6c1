"""What a model folder is loaded onto and with: a device that exists here, and the tokenizer that stands in it."""

from pathlib import Path
from typing import Any

import torch

from groundup.errors import ConfigError, FormatError, UnsupportedModel


def device_of(name: str) -> torch.device:
    """Turn auto, cpu, cuda or mps into a device that exists here."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if not there.get(name.split(":")[0], False):
        usable = ", ".join(kind for kind, available in there.items() if available)
        raise ConfigError(f"device {name!r} is not available here; use auto, {usable}")
    return torch.device(name)


def tokenizer_of(folder: Path, vocab_size: int) -> Any:
    """The tokenizer of a model folder, which may know no more tokens than the model."""
    from groundup.text.tokenizers import load_tokenizer

    if not (folder / "tokenizer.json").is_file():
        raise FormatError(
            f"{folder} has no tokenizer.json; copy that of the model's training there, or load with tokenizer=False"
        )
    tokenizer = load_tokenizer(folder)
    if tokenizer.vocab_size > vocab_size:
        raise UnsupportedModel(
            f"{folder}: tokenizer.json has {tokenizer.vocab_size} tokens but the model only {vocab_size}; "
            "copy both files from one model"
        )
    return tokenizer
