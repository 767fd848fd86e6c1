"""The data of a run: documents of each world for training and measuring, instructions, and what is known about them.

    <world>-train.parquet  <world>-heldout.parquet      documents; tinyworld's carry their log-probability
    instructions-{train,heldout,unseen}.jsonl           of tinyworld, with answers that can be checked
    data.json                                           counts, bytes, and the exact floor of tinyworld's held-out set

Held-out documents share no paragraph (python), no text (tinyworld) and no block (files) with the training documents;
"unseen" instructions hold pairs of words or numbers that no training document has.
"""

import dataclasses
import itertools
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.config import DataConfig
from groundup.data.documents import Document, write_documents
from groundup.errors import InputError
from groundup.progress import progress

INSTRUCTION_SPLITS = ("train", "heldout", "unseen")
NOTES = "data.json"
ENDLESS = 1 << 40
HELDOUT_SEED, INSTRUCTION_SEED = 1_000_003, 2_000_003  # added to the configuration's, so that no two draws begin alike

World = tuple[list[Document], list[Document]]


def build(config: DataConfig, folder: str | Path, cleaned: Iterable[Document] | None = None) -> dict[str, Any]:
    """Write the data folder, whole or not at all; the content of its data.json.

    cleaned: the documents of the user's own text after the pipeline that `config` names; left out: they are read as they are.
    """
    notes: dict[str, Any] = {"worlds": {}}
    makers = _makers(config, cleaned)
    with files.atomic_folder(folder) as temporary, progress(len(makers) + 1, "data") as bar:
        for world, make in makers.items():
            notes["worlds"][world] = _write(temporary, world, *make(config))
            bar.update(1)
        if "tinyworld" in makers and config.instructions:
            notes["instructions"] = {split: _instructions(temporary, config, split) for split in INSTRUCTION_SPLITS}
        bar.update(1)
        if "python" in makers:
            notes["python_version"] = sys.version.split()[0]
        files.write_json(temporary / NOTES, notes)
        files.write_checksums(temporary)
    return notes


def _makers(config: DataConfig, cleaned: Iterable[Document] | None) -> dict[str, Callable[[DataConfig], World]]:
    """What makes the documents of each world that is asked for."""
    own: dict[str, Callable[[DataConfig], World]] = {"text": lambda asked: _own_text(asked, cleaned)}
    if config.text is not None and not config.beside_worlds:
        return own
    if config.algorithmic is not None:
        return {"algorithmic": _algorithmic}
    sizes = {"tinyworld": config.tinyworld_bytes, "python": config.python_bytes}
    worlds = {world: make for world, make in {"tinyworld": _tinyworld, "python": _python}.items() if sizes[world]}
    return worlds | (own if config.text is not None else {})


def _write(folder: Path, world: str, train: list[Document], heldout: list[Document]) -> dict[str, Any]:
    """Write a world's documents; their numbers and sizes, and the floor where it is known."""
    notes: dict[str, Any] = {}
    for split, documents in (("train", train), ("heldout", heldout)):
        if not documents:
            raise InputError(f"no document of {world} is there for {split}; raise --set data.{world}_bytes")
        write_documents(folder / f"{world}-{split}.parquet", documents)
        notes[split] = {
            "documents": len(documents),
            "bytes": sum(len(document.text.encode()) for document in documents),
        }
    return notes | ({"floor": floor(heldout)} if world == "tinyworld" else {})


def floor(documents: list[Document]) -> dict[str, float]:
    """The bits a byte that the true distribution needs for these documents, which no model can be expected to beat.

    Exact: each document's own -log2 p, its end counted, as a ratio of sums. standard_error: how far another such set's
    floor may lie (of a ratio estimate: Cochran 1977, section 2.11).
    """
    bits = [-document.metadata["log_probability"] / math.log(2) for document in documents]
    sizes = [len(document.text.encode()) for document in documents]
    ratio = sum(bits) / sum(sizes)
    residuals = [bit - ratio * size for bit, size in zip(bits, sizes, strict=True)]
    spread = math.sqrt(sum(residual**2 for residual in residuals) / max(1, len(bits) - 1))
    error = spread / math.sqrt(len(bits)) / statistics.mean(sizes)
    return {"bits_per_byte": ratio, "standard_error": error, "bits": sum(bits), "documents": len(bits)}


def _tinyworld(config: DataConfig) -> World:
    def drawn(split: Any, seed: int, size: int) -> list[Document]:
        return up_to(tinyworld_documents(seed, split), size)

    return drawn("train", config.seed, config.tinyworld_bytes), drawn(
        "heldout", config.seed + HELDOUT_SEED, config.heldout_bytes
    )


def tinyworld_documents(seed: int, split: Any) -> Iterator[Document]:
    """Tinyworld's documents without end; metadata: kind, log_probability (nats, end of document counted)."""
    from groundup.data.sources import tinyworld

    for number, drawn in enumerate(tinyworld.sample(seed, ENDLESS, split)):
        metadata = {"kind": drawn.kind, "log_probability": drawn.log_probability}
        yield Document(f"{split}/{number}", drawn.text, "tinyworld", metadata)


def _python(config: DataConfig) -> World:
    from groundup.data.dedup.exact import Seen
    from groundup.data.sources import python

    kinds, seen = python.KINDS if config.python_source else ("documentation",), Seen()
    train = up_to(python.read("train", kinds, seen), config.python_bytes)
    return train, up_to(python.read("heldout", kinds, seen), config.heldout_bytes)


def _own_text(config: DataConfig, cleaned: Iterable[Document] | None) -> World:
    from groundup.data import splits
    from groundup.data.sources import files as own

    assert config.text is not None
    found = own.documents(config.text, config.text_key, config.text_encoding) if cleaned is None else cleaned
    return splits.hold_out(found, most_bytes=config.heldout_bytes)


def _algorithmic(config: DataConfig) -> World:
    from groundup.data.sources import algorithmic

    assert config.algorithmic is not None
    size, share = config.algorithmic_size, config.algorithmic_share
    return algorithmic.documents(config.algorithmic, size, share, config.algorithmic_problems, config.seed)


def up_to(documents: Iterable[Document], size_bytes: int) -> list[Document]:
    """Documents until their text reaches a size."""
    total, kept = 0, []
    for document in documents:
        kept.append(document)
        total += len(document.text.encode())
        if total >= size_bytes:
            break
    return kept


def _instructions(folder: Path, config: DataConfig, split: Any) -> int:
    """Write a split's instructions; how many."""
    from groundup.data.sources import tinyworld

    count = config.instructions if split == "train" else config.heldout_instructions
    seed = config.seed + INSTRUCTION_SEED + INSTRUCTION_SPLITS.index(split)
    found = tinyworld.instructions(seed, ENDLESS, split)
    chosen = itertools.islice(found if split == "train" else _distinct(found), count)
    records = [dataclasses.asdict(instruction) for instruction in chosen]
    files.write_jsonl(folder / f"instructions-{split}.jsonl", records)
    return len(records)


def _distinct(instructions: Iterable[Any]) -> Iterator[Any]:
    """Each question once: one that is measured twice tells nothing new."""
    seen: set[str] = set()
    for instruction in instructions:
        if instruction.prompt not in seen:
            seen.add(instruction.prompt)
            yield instruction
