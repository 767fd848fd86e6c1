"""`groundup eval`: one model measured on the user's own text, or on held-out documents and questions of tinyworld."""

import itertools
from pathlib import Path
from typing import Any


def text(handle: Any, path: Path) -> dict[str, Any]:
    """Bits per byte on every document under `path`, beside xz and zstd."""
    from groundup.data.sources import files as own

    return {"model": str(handle.folder), "bits_per_byte": {path.name: bits(handle, path.name, own.documents(path))}}


def world(handle: Any, count: int, seed: int) -> dict[str, Any]:
    """Bits per byte on held-out tinyworld beside the floor of the same documents, and the share of questions answered exactly."""
    from groundup.data.build import tinyworld_documents

    documents = itertools.islice(tinyworld_documents(seed, "heldout"), count)
    return {
        "model": str(handle.folder),
        "bits_per_byte": {"tinyworld": bits(handle, "tinyworld", documents)},
        "accuracy": answers(handle, count, seed),
    }


def bits(handle: Any, name: str, documents: Any) -> dict[str, Any]:
    """The table of one model on some documents."""
    from groundup.evaluation.chain import text_table
    from groundup.evaluation.config import EvalConfig
    from groundup.evaluation.held_out import World

    return text_table(World.of(name, documents, handle.tokenizer), {"model": handle}, EvalConfig(ngram_order=0))


def answers(handle: Any, count: int, seed: int) -> dict[str, Any]:
    """Questions answered exactly, seen and unseen compositions; nothing for a model without a chat template."""
    from groundup.data.sources import tinyworld
    from groundup.evaluation.tasks.instructions import accuracy, answer_room, chat_answerer
    from groundup.evaluation.tasks.samples import answer_all

    if not handle.tokenizer.chat_template:
        return {}
    items = [item for split in ("heldout", "unseen") for item in tinyworld.instructions(seed, count, split)]
    return {"model": accuracy(answer_all(chat_answerer(handle, answer_room(handle.tokenizer, items)), items))}
