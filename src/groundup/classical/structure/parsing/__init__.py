"""A sentence's structure: phrases within phrases by a grammar, or arcs from word to word by a sequence of moves.

`trees`       constituency trees: brackets, cleaned, binarised, as text
`grammar`     a probabilistic grammar read off trees; unknown words; chains of unary rules; drawing a sentence
`cky`         the best tree and the sum over all trees, by definition and as `parse` uses it
`chart`       the same as compiled loops
`bracketing`  labelled precision, recall and F1
`pcfg`        all of these as one model that is trained, saved and asked
`conllu`      treebanks of dependencies: CoNLL-U in and out
`arc_eager`   the moves of a transition parser, and what each costs: the dynamic oracle
`perceptron`  learning from mistakes, averaged
`greedy`      features, parsing and learning as compiled loops
`dependency`  these as one model that is trained, saved and asked
`drawn`       arcs over words in a terminal
"""

import importlib
from typing import Any

_EXPORTS = {
    "PCFG": ("pcfg", "PCFG"),
    "PCFGConfig": ("pcfg", "PCFGConfig"),
    "train_pcfg": ("pcfg", "train"),
    "read_brackets": ("trees", "read_brackets"),
    "tree_text": ("trees", "tree_text"),
    "bracketing_f1": ("bracketing", "bracketing_f1"),
    "DependencyParser": ("dependency", "DependencyParser"),
    "ParserConfig": ("dependency", "ParserConfig"),
    "train_parser": ("dependency", "train"),
    "read_conllu": ("conllu", "read_conllu"),
    "write_conllu": ("conllu", "write_conllu"),
    "arcs_text": ("drawn", "arcs_text"),
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    """Import a part when it is first asked for: Numba is not loaded before that."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_EXPORTS)}")
    module, real = _EXPORTS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), real)
