"""A data folder, read: what `build` wrote, by world and split."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.build import NOTES
from groundup.data.documents import Document, read_documents
from groundup.errors import InputError


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Documents and instructions of a run. notes: the content of data.json."""

    path: Path
    notes: dict[str, Any]

    @staticmethod
    def open(path: str | Path) -> "DataFolder":
        """Open a folder; InputError when it is none."""
        if not (Path(path) / NOTES).is_file():
            raise InputError(f"{path} is not a data folder (it has no {NOTES}); `groundup data build` makes one")
        return DataFolder(Path(path), files.read_json(Path(path) / NOTES))

    @property
    def worlds(self) -> list[str]:
        """The worlds it holds: tinyworld and python, or text."""
        return list(self.notes["worlds"])

    def documents(self, world: str, split: str, most: int | None = None) -> Iterator[Document]:
        """The documents of a world, "train" or "heldout", in order."""
        return itertools.islice(read_documents(self.path / f"{world}-{split}.parquet"), most)

    def texts(self, world: str, split: str, most: int | None = None) -> list[str]:
        """Their texts."""
        return [document.text for document in self.documents(world, split, most)]

    def instructions(self, split: str) -> list[dict[str, Any]]:
        """The instructions of a split ("train", "heldout" or "unseen") as records; none where there are none."""
        path = self.path / f"instructions-{split}.jsonl"
        return files.read_jsonl(path) if path.exists() else []
