"""Features: which numbers a model gets to see, and which of them say something about the class.

Texts become counts of words. A word that stands everywhere says nothing about any text, so TF-IDF weighs each count by
how rare the word is:

    tf-idf       count * idf,  idf = ln((1 + n) / (1 + df)) + 1      df: in how many of n documents it stands; +1: as if one
                                                                    more document had every word (Sparck Jones 1972)

and makes every document one long, so that length does not count. Which words to keep is asked of the labels:

    chi-square   sum over classes of (observed - expected)^2 / expected       how far the counts are from "the same in every class"
    information  bits that knowing whether the word is there says about the class (`information.mutual_information`)

Both judge one feature at a time: two that only say something together get 0, and two copies are both kept. Selection
learns from labels, so it belongs inside the fold (`cross_validation.py`). Numbers of different units are brought to one
scale by mean and deviation of the training part. The conventions are scikit-learn's (TfidfTransformer, chi2). Left out:
p-values, sparse tables, hashing, interactions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.information.entropy import mutual_information
from groundup.foundations.learning.samples import one_hot, same_features, with_classes
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector
from groundup.slots import slot


def word_counts(documents: Sequence[Sequence[str]], vocabulary: Sequence[str] | None = None) -> tuple[list[str], Array]:
    """The vocabulary (sorted, unless given) and how often each word of it stands in each document; other words are left
    out.

    >>> words, counts = word_counts([["a", "b", "a"], ["b"]])
    >>> words, counts.tolist()
    (['a', 'b'], [[2.0, 1.0], [0.0, 1.0]])
    """
    if any(isinstance(document, str) for document in documents):
        raise InputError("a document is a string; split it into a list of words first")
    words = sorted({word for document in documents for word in document}) if vocabulary is None else list(vocabulary)
    if not words or not len(documents):
        raise InputError("there is no word to count; give at least one document with words")
    column = {word: place for place, word in enumerate(words)}
    counts = np.zeros((len(documents), len(words)))
    for row, document in zip(counts, documents, strict=True):
        np.add.at(row, [column[word] for word in document if word in column], 1)
    return words, counts


def as_counts(values: ArrayLike) -> Array:
    """A table without negative numbers."""
    table = as_matrix(values, "counts")
    if table.min() < 0:
        raise InputError(
            f"counts hold {table.min():g}, and none may be negative; give how often each word stands in a document"
        )
    return table


def inverse_document_frequency(counts: ArrayLike) -> Array:
    """ln((1 + n) / (1 + df)) + 1 for each column; learned from the training documents, used for all."""
    table = as_counts(counts)
    return np.log((1 + len(table)) / (1 + (table > 0).sum(axis=0))) + 1


@slot
def tf_idf(counts: ArrayLike, idf: ArrayLike | None = None) -> Array:
    """Counts weighed by how rare each word is, every row made one long; a row without words stays 0.

    counts: (documents, words). idf: one weight a word, learned from other documents; without it that of these:
    ln((1 + n) / (1 + df)) + 1, where df is the number of documents that have the word.
    """
    table = as_counts(counts)
    weights = inverse_document_frequency(table) if idf is None else as_vector(idf, "idf")
    same_features(table, len(weights))
    weighed = table * weights
    lengths = np.sqrt((weighed**2).sum(axis=1, keepdims=True))
    return weighed / np.where(lengths > 0, lengths, 1.0)


def chi_square(counts: ArrayLike, labels: ArrayLike) -> Array:
    """For each feature how far its counts are from the classes' own shares, as a chi-square statistic; 0 where it never occurs."""
    table, classes, codes = with_classes(as_counts(counts), labels)
    member = one_hot(codes, len(classes))
    observed = member.T @ table
    expected = np.outer(member.mean(axis=0), table.sum(axis=0))
    return ((observed - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum(axis=0)


def information_scores(counts: ArrayLike, labels: ArrayLike) -> Array:
    """For each feature the bits that knowing whether it is there (above 0) says about the class."""
    table, classes, codes = with_classes(as_counts(counts), labels)
    member = one_hot(codes, len(classes))
    there, absent = (table > 0).T @ member / len(table), (table == 0).T @ member / len(table)
    return np.array([mutual_information(joint) for joint in np.stack([there, absent], axis=1)])


def best_features(scores: ArrayLike, count: int) -> NDArray[np.int64]:
    """The numbers of the features with the highest scores, the highest first; of equal ones the lower number first.

    >>> best_features([0.1, 0.9, 0.9], 2).tolist()
    [1, 2]
    """
    numbers = as_vector(scores, "scores")
    if not 1 <= count <= len(numbers):
        raise InputError(f"{count} of {len(numbers)} features; use 1 to {len(numbers)}")
    return np.argsort(-numbers, kind="stable")[:count]


class Scale(NamedTuple):
    """Mean and deviation of each column, learned from one table and used for others."""

    mean: Array
    deviation: Array

    def apply(self, x: ArrayLike) -> Array:
        """Every column less its mean, over its deviation."""
        table = as_matrix(x, "x")
        same_features(table, len(self.mean))
        return (table - self.mean) / self.deviation

    def undo(self, x: ArrayLike) -> Array:
        """Back to the columns' own units."""
        table = as_matrix(x, "x")
        same_features(table, len(self.mean))
        return table * self.deviation + self.mean


def standardize(x: ArrayLike) -> Scale:
    """Learn the scale of every column from the training part; a column that does not vary keeps its unit."""
    table = as_matrix(x, "x")
    constant = (table == table[0]).all(axis=0)  # by value: rounding leaves a deviation of 1e-17
    return Scale(table.mean(axis=0), np.where(constant, 1.0, table.std(axis=0)))
