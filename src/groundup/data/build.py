"""The data of a run: documents of each world for training and for measuring, instructions, and what is known about them.

    <world>-train.parquet  <world>-heldout.parquet      documents; tinyworld's carry their log-probability
    instructions-{train,heldout,unseen}.jsonl           of tinyworld, with answers that can be checked
    data.json                                           counts, bytes, and the exact floor of tinyworld's held-out set

Held-out documents share no paragraph (python), no text (tinyworld) and no block (files) with the training documents;
"unseen" instructions hold pairs of words or numbers that no training document has.
"""

import dataclasses
import hashlib
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.config import DataConfig
from groundup.data.documents import Document, write_documents
from groundup.errors import InputError

INSTRUCTION_SPLITS = ("train", "heldout", "unseen")
NOTES = "data.json"


def build(config: DataConfig, folder: str | Path) -> dict[str, Any]:
    """Write the data folder, whole or not at all; the content of its data.json."""
    makers: dict[str, Callable[[DataConfig], tuple[list[Document], list[Document]]]] = (
        {"text": _own_text} if config.text is not None
        else {name: make for name, make, size in (("tinyworld", _tinyworld, config.tinyworld_bytes),
                                                  ("python", _python, config.python_bytes)) if size}
    )
    with files.atomic_folder(folder) as temporary:
        notes: dict[str, Any] = {"worlds": {name: _write(temporary, name, *make(config)) for name, make in makers.items()}}
        if "tinyworld" in makers and config.instructions:
            notes["instructions"] = {split: _instructions(temporary, config, split) for split in INSTRUCTION_SPLITS}
        files.write_json(temporary / NOTES, notes)
        files.write_checksums(temporary)
    return notes


def _write(folder: Path, world: str, train: list[Document], heldout: list[Document]) -> dict[str, Any]:
    if not heldout:
        raise InputError(f"the {world} data is too short to hold any of it out for measuring; give a longer text")
    for split, documents in (("train", train), ("heldout", heldout)):
        write_documents(folder / f"{world}-{split}.parquet", documents)
    notes = {split: {"documents": len(documents), "bytes": _bytes(documents)}
             for split, documents in (("train", train), ("heldout", heldout))}
    return notes | ({"floor": floor(heldout)} if world == "tinyworld" else {})


def floor(documents: list[Document]) -> dict[str, float]:
    """The fewest bits a byte that any model can need for these documents, and the standard error of that as the world's.

    Each document's own -log2 p, end of document counted; as a ratio of sums, with the error of a ratio estimate.
    """
    bits = [-document.metadata["log_probability"] / math.log(2) for document in documents]
    sizes = [len(document.text.encode()) for document in documents]
    ratio = sum(bits) / sum(sizes)
    residuals = [bit - ratio * size for bit, size in zip(bits, sizes, strict=True)]
    error = statistics.pstdev(residuals) / math.sqrt(len(bits)) / statistics.mean(sizes)
    return {"bits_per_byte": ratio, "standard_error": error, "bits": sum(bits), "documents": len(bits)}


def _tinyworld(config: DataConfig) -> tuple[list[Document], list[Document]]:
    from groundup.data.sources import tinyworld

    def drawn(split: Any, seed: int, size: int) -> list[Document]:
        found = (Document(f"{split}/{number}", sample.text, "tinyworld", {"kind": sample.kind, "log_probability": sample.log_probability})
                 for number, sample in enumerate(tinyworld.sample(seed, 1 << 40, split)))
        return _up_to(found, size)

    return drawn("train", config.seed, config.tinyworld_bytes), drawn("heldout", config.seed + 1_000_003, config.heldout_bytes)


def _python(config: DataConfig) -> tuple[list[Document], list[Document]]:
    from groundup.data.sources import python

    train, heldout = python.split(python.documents(python.KINDS if config.python_source else ("documentation",)))
    return _up_to(_shuffled(train), config.python_bytes), _up_to(_shuffled(heldout), config.heldout_bytes)


def _own_text(config: DataConfig) -> tuple[list[Document], list[Document]]:
    from groundup.data.sources import files as own

    assert config.text is not None
    found = list(own.documents(config.text, config.text_key))
    if not found:
        raise InputError(f"{config.text} holds no document; give a file with text")
    return own.split(found)


def _shuffled(documents: list[Document]) -> list[Document]:
    """A fixed order that has nothing to do with names, so that a part of a corpus is a fair sample of it."""
    return sorted(documents, key=lambda document: hashlib.sha256(document.id.encode()).digest())


def _up_to(documents: Iterable[Document], size: int) -> list[Document]:
    """Documents until their text reaches `size` bytes."""
    total, kept = 0, []
    for document in documents:
        if total >= size:
            break
        kept.append(document)
        total += len(document.text.encode())
    return kept


def _bytes(documents: list[Document]) -> int:
    return sum(len(document.text.encode()) for document in documents)


def _instructions(folder: Path, config: DataConfig, split: Any) -> int:
    from groundup.data.sources import tinyworld

    count = config.instructions if split == "train" else config.heldout_instructions
    seed = config.seed + 2_000_003 + INSTRUCTION_SPLITS.index(split)
    found: Iterator[Any] = tinyworld.instructions(seed, 1 << 40, split)
    if split != "train":  # each question measured once
        seen: set[str] = set()
        found = (item for item in found if not (item.prompt in seen or seen.add(item.prompt)))  # type: ignore[func-returns-value]
    records = [dataclasses.asdict(item) for item in itertools.islice(found, count)]
    files.write_jsonl(folder / f"instructions-{split}.jsonl", records)
    return len(records)
