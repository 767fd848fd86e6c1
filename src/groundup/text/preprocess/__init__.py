"""Before a tokenizer sees it: one spelling for equal texts, damage mended, sentences, words, and words as numbers.

`normalize`  Unicode normalisation by hand: decomposition, order of marks, composition; case folding
`cleaning`   what the web did to a text, mended: controls, zero width, white space, quotes, surrogates, mojibake
`sentences`  where a sentence ends: rules against the naive full stop
`words`      words, numbers, contractions, addresses, hashtags and emoji
`one_hot`    vocabularies; a one-hot row times a matrix is a row of the matrix
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.text.preprocess.cleaning import clean
    from groundup.text.preprocess.normalize import fold_case
    from groundup.text.preprocess.one_hot import Vocabulary
    from groundup.text.preprocess.sentences import split_sentences
    from groundup.text.preprocess.words import split_words

__all__ = ["fold_case", "clean", "split_sentences", "split_words", "Vocabulary"]

_HOME = {
    "fold_case": "normalize",
    "clean": "cleaning",
    "split_sentences": "sentences",
    "split_words": "words",
    "Vocabulary": "one_hot",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
