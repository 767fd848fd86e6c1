"""A corpus becomes token ids: every document encoded, closed by the end-of-document token, written as shards.

Text that spells a control token stays text, so no document can end another. Empty documents are left out: all that they
could teach is to say nothing.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.pipeline.formats import Part, Shards, write_parts
from groundup.errors import InputError
from groundup.progress import progress
from groundup.slots import slot

PART_CHARACTERS = 1 << 24  # encoded at once: enough work for every thread, little memory


def tokenize(texts: Iterable[str], tokenizer: Any, folder: str | Path, *, text_bytes: int = 0) -> Shards:
    """Encode documents to a folder of shards. text_bytes: how much is coming, for the progress bar."""
    if tokenizer.eos_token_id is None:
        raise InputError(
            "this tokenizer has no end-of-text token, so no document would have an end; "
            "name one as eos_token in tokenizer_config.json"
        )
    start_id = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    with progress(text_bytes, "tokenizing", "B") as bar:
        parts = _encoded(texts, tokenizer, bar.update)
        return write_parts(folder, parts, start_id=start_id, vocab_size=tokenizer.vocab_size)


def _encoded(texts: Iterable[str], tokenizer: Any, advance: Any) -> Iterator[Part]:
    for batch in batches(texts):
        ids, offsets = tokenizer.encode_packed(batch)
        size = sum(len(text.encode()) for text in batch)
        yield Part(*close_documents(np.asarray(ids), np.asarray(offsets), tokenizer.eos_token_id), size)
        advance(size)


def batches(texts: Iterable[str], characters: int = PART_CHARACTERS) -> Iterator[list[str]]:
    """Group texts that are not empty until a group has so many characters.

    >>> list(batches(["ab", "", "c", "def", "g"], 3))
    [['ab', 'c'], ['def'], ['g']]
    """
    batch: list[str] = []
    size = 0
    for text in texts:
        if not text:
            continue
        batch.append(text)
        size += len(text)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@slot
def close_documents(ids: np.ndarray, offsets: np.ndarray, end_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Put the end token after every document: the ids, and where each document begins now (one more at the end).

    ids: of all documents in a row. offsets: where each begins, and the number of ids; equal ones are an empty document.

    >>> close_documents(np.array([5, 6, 7]), np.array([0, 2, 3]), 0)
    (array([5, 6, 0, 7, 0]), array([0, 3, 5]))
    """
    return np.insert(ids, offsets[1:], end_id), offsets + np.arange(len(offsets))
