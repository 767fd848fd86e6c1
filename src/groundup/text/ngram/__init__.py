"""What counting alone can predict: the baseline that every neural model has to beat. In reading order:

`counts`          n-grams of a token stream, by their definition and as sorted arrays     `streamed`  larger than memory
`laws`            what counts of any language look like: Zipf and Heaps
`additive`        add-k and Witten-Bell          `good_turing`  the unseen from what was seen once, and Katz
`jelinek_mercer`  mixed orders                   `kneser_ney`   absolute discounting and Kneser-Ney
`combining`       who gets what a smoothing frees: interpolation or back-off
`smoothing`       all of them by name: probabilities for what was seen and for what was not
`model`           the back-off tree: scoring, distributions, generation
`arpa`            the file that KenLM and SRILM read
`language`        with a tokenizer: score a text, bits a byte, a folder to keep
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.text.ngram.language import NgramConfig, NgramLanguageModel, train
    from groundup.text.ngram.smoothing import KneserNey

__all__ = ["KneserNey", "NgramConfig", "NgramLanguageModel", "train"]

_HOME = {"KneserNey": "smoothing", "NgramConfig": "language", "NgramLanguageModel": "language", "train": "language"}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for: Numba is not loaded before that."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
