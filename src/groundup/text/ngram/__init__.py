"""What counting alone can predict: the baseline that every neural model has to beat.

`counts`     n-grams of a token stream, by their definition and as sorted arrays (Numba)
`smoothing`  interpolated modified Kneser-Ney: probabilities for what was seen and for what was not
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.text.ngram.smoothing import KneserNey

__all__ = ["KneserNey"]


def __getattr__(name: str) -> Any:
    """Import the model when it is first asked for: Numba is not loaded before that."""
    if name == "KneserNey":
        return importlib.import_module("groundup.text.ngram.smoothing").KneserNey
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
