"""Encoders: texts in, vectors or scores out.

pooling     one vector of a text's many: mean, last, first, max; what a folder of sentence-transformers says
sentences   `load_encoder(folder).embed(texts)`: an encoder for sentences, or a decoder that is pooled
judging     scores of whole texts and of pairs: classification, reward, cross-encoders
"""

import importlib
from typing import Any

_EXPORTS = {
    "Pooling": "pooling",
    "read_pooling": "pooling",
    "TextEncoder": "sentences",
    "load_encoder": "sentences",
    "Judge": "judging",
    "load_judge": "judging",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.serving.encoders has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
