"""Words as vectors: what a word means is read off the words around it, by counting them or by predicting them.

`vocabulary`      the words of a corpus with their counts, and sentences as ids
`vectors`         words with one vector each: neighbours, similarity, a folder of its own
`word2vec_files`  the files that word2vec.c and gensim write and read, text and binary
`cooccurrence`    counts of pairs within a window, PPMI, truncated SVD; `sparse` holds them
`sampling`        which words training looks at, and which stand in for all that are not there
`hierarchical_softmax`  a Huffman tree of questions in place of one output a word
`word2vec`        skip-gram and CBOW, with either of them (`prediction`, `prediction_kernel`, `rows`: the same, fast)
`fasttext`        the same over pieces of words, so that words never seen have vectors too
`glove`           vectors whose dot products are logarithms of counts
`evaluation`      similarity, analogies, neighbours; maps by principal components, t-SNE and UMAP
`initial`         vectors of words as the first embedding of a transformer
"""

import importlib
from typing import Any

_EXPORTS = {
    "WordVectors": "vectors",
    "Word2VecConfig": "word2vec",
    "train_word2vec": "word2vec",
    "FastTextConfig": "fasttext",
    "FastTextVectors": "fasttext",
    "train_fasttext": "fasttext",
    "CooccurrenceConfig": "cooccurrence",
    "train_cooccurrence": "cooccurrence",
    "GloveConfig": "glove",
    "train_glove": "glove",
    "initial_embedding": "initial",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.classical.embeddings has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
