"""Naive Bayes: count what each class looks like, and turn it round with Bayes' theorem.

    P(class | x)  is proportional to  P(class) times the product over features of P(feature | class)

The product is the naive part: inside a class the features are taken as independent. Words are not, so the probabilities
come out far too sure; which class is largest is right surprisingly often. Two forms: counted words (multinomial) with
something added to each count, so that a word that a class never showed does not veto everything (Laplace), and numbers
with a bell for each (Gaussian). Products of thousands of probabilities underflow, so all of it is sums of logarithms.

Sources: Maron 1961; Manning, Raghavan & Schuetze, Introduction to Information Retrieval, chapter 13. A unigram language
model a class, in other words. Left out: the Bernoulli form, which also counts absent words; complement naive Bayes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import log_softmax
from groundup.foundations.learning.samples import one_hot, same_features, with_classes
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.slots import slot


class WordModel(NamedTuple):
    """Logarithms: log_prior[class] and log_likelihood[class, word], each class's words a distribution."""

    classes: NDArray
    log_prior: Array
    log_likelihood: Array

    def log_posterior(self, counts: ArrayLike) -> Array:
        """log P(class | words) for every row of counts."""
        table = as_matrix(counts, "counts")
        same_features(table, self.log_likelihood.shape[1])
        return log_softmax(table @ self.log_likelihood.T + self.log_prior)

    def predict(self, counts: ArrayLike) -> NDArray:
        """The likeliest class for every row of counts."""
        return self.classes[self.log_posterior(counts).argmax(axis=1)]


@slot
def naive_bayes(counts: ArrayLike, labels: ArrayLike, smoothing: float = 1.0) -> WordModel:
    """Fit the multinomial form: counts[document, word], one label a document.

    P(word | class) = (its count in the class's documents + smoothing) / (all counts there + smoothing * words);
    P(class) is its share of the documents.
    """
    table, classes, codes = with_counts(counts, labels, smoothing)
    member = one_hot(codes, len(classes))
    seen = member.T @ table + smoothing
    log_likelihood = np.log(seen) - np.log(seen.sum(axis=1, keepdims=True))
    return WordModel(classes, np.log(member.mean(axis=0)), log_likelihood)


def with_counts(counts: ArrayLike, labels: ArrayLike, smoothing: float) -> tuple[Array, NDArray, NDArray[np.int64]]:
    """The table and its classes; negative counts and no smoothing are refused."""
    table, classes, codes = with_classes(counts, labels)
    if table.min() < 0:
        raise InputError(
            f"counts hold {table.min():g}, and none may be negative; gaussian_naive_bayes takes any numbers"
        )
    if not 0 < smoothing < np.inf:
        raise InputError(
            f"smoothing={smoothing:g}: a word unseen in a class would rule it out for ever; use e.g. 1 or 0.1"
        )
    return table, classes, codes


class BellModel(NamedTuple):
    """For each class and feature the mean and the variance of a bell."""

    classes: NDArray
    log_prior: Array
    means: Array
    variances: Array

    def log_posterior(self, x: ArrayLike) -> Array:
        """log P(class | x) for every row of x."""
        table = as_matrix(x, "x")
        same_features(table, self.means.shape[1])
        standard = (table[:, None] - self.means) ** 2 / self.variances
        log_density = -0.5 * (standard + np.log(2 * np.pi * self.variances)).sum(axis=2)
        return log_softmax(log_density + self.log_prior)

    def predict(self, x: ArrayLike) -> NDArray:
        """The likeliest class for every row of x."""
        return self.classes[self.log_posterior(x).argmax(axis=1)]


def gaussian_naive_bayes(x: ArrayLike, labels: ArrayLike, floor: float = 1e-9) -> BellModel:
    """Fit the Gaussian form. floor: this part of the largest variance of any feature is added to each, so that none is 0."""
    table, classes, codes = with_classes(x, labels)
    groups = [table[codes == code] for code in range(len(classes))]
    added = floor * table.var(axis=0).max()
    variances = np.stack([group.var(axis=0) for group in groups]) + added
    if not (variances > 0).all():
        raise InputError("no feature varies, so a bell has no width; leave constant columns out")
    means = np.stack([group.mean(axis=0) for group in groups])
    return BellModel(classes, np.log(one_hot(codes, len(classes)).mean(axis=0)), means, variances)
