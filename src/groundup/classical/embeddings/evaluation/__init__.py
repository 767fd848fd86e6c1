"""What vectors of words are worth: scores beside people's judgement, and pictures of where words stand.

`scores`      similarity (Spearman's rank correlation), analogies (3CosAdd, 3CosMul), the word that does not belong
`neighbours`  the exact nearest neighbours of all points at once; whether neighbours are of one kind
`t_sne`       a map in two or three dimensions that keeps neighbours together; principal components, where it begins
`umap`        another, by a fuzzy graph of neighbours that pulls and random pairs that push
"""

import importlib
from typing import Any

_EXPORTS = {
    "spearman": "scores",
    "score_similarity": "scores",
    "score_analogies": "scores",
    "odd_one_out": "scores",
    "read_pairs": "scores",
    "read_questions": "scores",
    "nearest_neighbours": "neighbours",
    "purity": "neighbours",
    "principal_map": "t_sne",
    "tsne_map": "t_sne",
    "umap_map": "umap",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.classical.embeddings.evaluation has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
