"""A corpus becomes token ids: every document encoded, closed by the end-of-document token, written as shards."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.pipeline.formats import Shards, write_shards


def tokenize(texts: Iterable[str], tokenizer: Any, folder: str | Path) -> Shards:
    """Encode documents to shards. Text that spells a control token stays text."""
    texts = list(texts)
    ids, offsets = tokenizer.encode_packed(texts)
    closed, bounds = close_documents(ids, offsets, tokenizer.eos_token_id)
    size = sum(len(text.encode()) for text in texts)
    return write_shards(folder, closed, bounds, start_id=tokenizer.eos_token_id, text_bytes=size, vocab_size=tokenizer.vocab_size)


def close_documents(ids: np.ndarray, offsets: np.ndarray, end_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Put the end token after every document.

    >>> close_documents(np.array([5, 6, 7]), np.array([0, 2, 3]), 0)
    (array([5, 6, 0, 7, 0]), array([0, 3, 5]))
    """
    return np.insert(ids, offsets[1:], end_id), offsets + np.arange(len(offsets))
