"""Word vectors as the first embedding of a language model: rows for the tokens that are words, and quiet draws for the rest.

A transformer's embedding is a table of one row a token, drawn from N(0, std^2) when training begins. Vectors that were trained on more
text than the model will see give it a start in which words of one kind are near each other (Collobert et al. 2011, section 4.5; Kim 2014,
arXiv:1408.5882, section 3.1). They are brought to the model's width where it is another:
to their principal directions where the model is narrower, turned at random into the wider space (angles stay) where it is wider. Then
one number scales them all, so that the root of their mean square is std, which is what the model's layers expect.

    model.get_parameter("model.embed_tokens.weight").data.copy_(torch.from_numpy(initial_embedding(vectors, tokenizer, 256)))
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from groundup.classical.embeddings.vectors import WordVectors
from groundup.errors import ConfigError, InputError

WORD_BEGINS = ("Ġ", "▁")  # how tokenizers write the space in front of a word


def initial_embedding(
    vectors: WordVectors, tokens: Any, hidden_size: int | None = None, std: float = 0.02, seed: int = 0
) -> np.ndarray:
    """The matrix for a model's `embed_tokens`, float32[vocab_size, hidden_size].

    tokens: a tokenizer, or its vocabulary {token: id}. A token's word is its text without the space in front of it, as it is or in
    small letters; tokens that are no known word get draws of N(0, std^2).
    """
    vocabulary = tokens if isinstance(tokens, Mapping) else tokens.vocabulary
    if not vocabulary:
        raise InputError("the vocabulary is empty, so there is no row to fill; give a trained tokenizer or {token: id}")
    width = vectors.dimension if hidden_size is None else hidden_size
    if width < 1 or not std > 0:
        raise ConfigError(f"hidden_size={width} with std={std} makes no embedding; use numbers above 0")
    generator = np.random.default_rng(seed)
    size = max(max(vocabulary.values()) + 1, getattr(tokens, "vocab_size", 0))
    matrix = generator.normal(0, std, (size, width)).astype(np.float32)
    known = known_tokens(vectors, vocabulary)
    if not known:
        raise InputError(
            f"none of the {len(vocabulary):,} tokens is one of the {len(vectors):,} words; train the vectors on words split and "
            "written as the tokenizer has them"
        )
    rows = to_width(vectors.vectors[[vectors.index[word] for word in known.values()]], width, generator)
    length = float(
        np.sqrt(np.mean(rows.astype(np.float64) ** 2))
    )  # not their deviation, which is 0 for rows of one number
    matrix[list(known)] = rows * (std / max(length, 1e-12))
    return matrix


def known_tokens(vectors: WordVectors, vocabulary: Mapping[str, int]) -> dict[int, str]:
    """The tokens that are words with a vector: id and word.

    >>> known_tokens(WordVectors(["cat"], np.ones((1, 2))), {"Ġcat": 0, "Cat": 1, "c": 2})
    {0: 'cat', 1: 'cat'}
    """
    known = {}
    for token, id in vocabulary.items():
        bare = token[1:] if token.startswith(WORD_BEGINS) else token
        word = next((form for form in (bare, bare.lower()) if form in vectors), None)
        if word is not None:
            known[id] = word
    return known


def to_width(rows: np.ndarray, width: int, generator: np.random.Generator) -> np.ndarray:
    """Rows with another number of columns: their principal directions, or all of them turned in a wider space; angles stay."""
    columns = rows.shape[1]
    if width == columns:
        return rows
    if width < columns:
        _, directions = np.linalg.eigh(rows.T.astype(np.float64) @ rows)  # rising: the last hold most
        return (rows @ directions[:, ::-1][:, :width]).astype(np.float32)
    rotation, _ = np.linalg.qr(generator.normal(size=(width, columns)))
    return (rows @ rotation.T).astype(np.float32)
