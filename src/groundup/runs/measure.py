"""`groundup eval`: one model measured on the user's own text, or on held-out documents and questions of tinyworld."""

from pathlib import Path
from typing import Any


def text(handle: Any, path: Path) -> dict[str, Any]:
    """Bits per byte on every document under `path`, beside xz and zstd."""
    from groundup.data.sources import files as own

    return {
        "model": str(handle.folder),
        "bits_per_byte": {path.name: bits(handle, [document.text for document in own.documents(path)])},
    }


def world(handle: Any, count: int, seed: int) -> dict[str, Any]:
    """Bits per byte on held-out tinyworld beside its floor, and the share of its questions answered exactly."""
    from groundup.data.sources import tinyworld

    documents = list(tinyworld.sample(seed, count, "heldout"))
    entropy = tinyworld.entropy(count, seed)
    found = bits(handle, [document.text for document in documents])
    error = 2 * entropy.standard_error
    found["who"]["floor"] = {
        "value": entropy.bits_per_byte,
        "low": entropy.bits_per_byte - error,
        "high": entropy.bits_per_byte + error,
    }
    return {
        "model": str(handle.folder),
        "bits_per_byte": {"tinyworld": found},
        "accuracy": answers(handle, count, seed),
    }


def bits(handle: Any, texts: list[str]) -> dict[str, Any]:
    """Bits per byte of the model and of compressors."""
    from groundup.evaluation.metrics.compressors import compressors
    from groundup.evaluation.metrics.intrinsic import bits_per_byte, tokenize

    documents = tokenize(texts, handle.tokenizer)
    measured = bits_per_byte(handle.module, documents)
    who = {"model": measured.interval()._asdict() | {"bits_per_token": measured.per_token}}
    who |= {name: {"value": value} for name, value in compressors(texts).items()}
    return {"who": who, "documents": len(texts), "bytes": int(documents.sizes.sum()), "tokens": measured.tokens}


def answers(handle: Any, count: int, seed: int) -> dict[str, Any]:
    """Questions answered exactly, seen and unseen compositions; nothing for a model without a chat template."""
    from groundup.data.sources import tinyworld
    from groundup.evaluation.tasks.instructions import accuracy, answer_room, chat_answerer
    from groundup.evaluation.tasks.samples import answer_all

    if not handle.tokenizer.chat_template:
        return {}
    items = [item for split in ("heldout", "unseen") for item in tinyworld.instructions(seed, count, split)]
    return {"model": accuracy(answer_all(chat_answerer(handle, answer_room(handle.tokenizer, items)), items))}
