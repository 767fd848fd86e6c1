"""What a run is measured on: the held-out text of each of its worlds, and the instructions it never saw.

A world whose documents carry their log-probability has an exact floor: on average no model can need fewer bits for them
than the source that drew them. The training text comes along for the baselines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.documents import Document
from groundup.data.folder import DataFolder
from groundup.errors import InputError
from groundup.evaluation.metrics.intrinsic import Bits, TokenDocuments, tokenize

QUESTION_SPLITS = ("heldout", "unseen")

Training = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class World:
    """One source of text: what is held out of it, as text and as tokens, and what its best possible model needs."""

    name: str
    texts: list[str]
    documents: TokenDocuments
    floor: Bits | None  # -log2 P of each held-out document under the source itself, where that is known
    training: Training  # read from the disk when it is needed

    @staticmethod
    def of(name: str, held_out: Iterable[Document], tokenizer: Any, training: Training = tuple) -> "World":
        """The world of some held-out documents; their metadata may hold `log_probability` in nats, end included."""
        held_out = list(held_out)
        texts = [document.text for document in held_out]
        documents = tokenize(texts, tokenizer)
        nats = [document.metadata.get("log_probability") for document in held_out]
        floor = None if None in nats else Bits(-np.array(nats), documents.sizes, documents.count)
        return World(name, texts, documents, floor, training)


@dataclass(frozen=True, slots=True)
class Question:
    """An instruction with its right answer. composition: "unseen" if it joins what training never joined."""

    prompt: str
    answer: str
    family: str
    composition: str


def read_worlds(folder: str | Path, tokenizer: Any, most: int | None = None) -> list[World]:
    """Every world of a data folder, with at most `most` held-out documents each."""
    data = DataFolder.open(folder)
    return [_read_world(data, name, tokenizer, most) for name in data.worlds]


def _read_world(data: DataFolder, name: str, tokenizer: Any, most: int | None) -> World:
    def training() -> Iterator[str]:
        return (document.text for document in data.documents(name, "train"))

    world = World.of(name, data.documents(name, "heldout", most), tokenizer, training)
    if not world.texts:
        raise InputError(f"{data.path} holds no {name} text to measure on; make it again with heldout_bytes above 0")
    return world


def read_questions(folder: str | Path, split: str, most: int | None = None) -> list[Question]:
    """The first instructions of a split: "train", "heldout" or "unseen"; none where the data has none."""
    records = DataFolder.open(folder).instructions(split)[:most]
    return [Question(**{name: record[name] for name in Question.__slots__}) for record in records]
