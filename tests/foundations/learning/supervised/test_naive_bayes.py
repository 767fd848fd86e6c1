"""Naive Bayes beside scikit-learn, and a textbook's numbers."""

from collections import Counter

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.features import best_features, chi_square, word_counts
from groundup.foundations.learning.supervised.naive_bayes import gaussian_naive_bayes, naive_bayes

# Manning, Raghavan & Schuetze, Introduction to Information Retrieval, example 13.1
DOCUMENTS = ["Chinese Beijing Chinese", "Chinese Chinese Shanghai", "Chinese Macao", "Tokyo Japan Chinese"]
CLASSES = ["china", "china", "china", "not"]


def test_the_textbooks_example_comes_out():
    words, counts = word_counts([document.split() for document in DOCUMENTS])
    model = naive_bayes(counts, CLASSES)
    china, japan = words.index("Chinese"), words.index("Japan")
    assert np.allclose(np.exp(model.log_likelihood[:, china]), [6 / 14, 2 / 9])
    assert np.allclose(np.exp(model.log_likelihood[:, japan]), [1 / 14, 2 / 9])
    query = word_counts([["Chinese", "Chinese", "Chinese", "Tokyo", "Japan"]], words)[1]
    weights = np.array([3 / 4 * (3 / 7) ** 3 / 14**2, 1 / 4 * (2 / 9) ** 5])
    assert np.allclose(np.exp(model.log_posterior(query)), weights / weights.sum())
    assert model.predict(query).tolist() == ["china"]


@pytest.mark.parametrize("smoothing", [1.0, 0.01])
def test_on_digits_the_counts_give_scikit_learns_probabilities(digits, smoothing):
    x, y = digits
    theirs = pytest.importorskip("sklearn.naive_bayes").MultinomialNB(alpha=smoothing).fit(x, y)
    ours = naive_bayes(x, y, smoothing)
    assert np.allclose(ours.log_posterior(x), theirs.predict_log_proba(x), atol=1e-9)
    assert np.allclose(np.exp(ours.log_likelihood).sum(axis=1), 1)


@pytest.mark.parametrize("table", ["iris", "wine", "digits"])
def test_the_bells_give_scikit_learns_probabilities(table, request):
    x, y = request.getfixturevalue(table)
    theirs = pytest.importorskip("sklearn.naive_bayes").GaussianNB().fit(x, y)
    ours = gaussian_naive_bayes(x, y)
    assert np.allclose(ours.means, theirs.theta_) and np.allclose(ours.variances, theirs.var_, rtol=1e-9)
    assert np.allclose(ours.log_posterior(x), theirs.predict_log_proba(x), rtol=1e-6, atol=1e-6)
    assert (ours.predict(x) == theirs.predict(x)).all()


def test_a_document_of_a_million_words_does_not_underflow():
    model = naive_bayes([[3, 1], [1, 3]], [0, 1])
    assert np.exp(model.log_posterior([[10**6, 10**6 - 10]])).round(2).tolist() == [[1, 0]]


def test_what_is_no_count_or_no_bell_is_refused():
    with pytest.raises(InputError, match="counts hold -1, and none may be negative; gaussian_naive_bayes takes"):
        naive_bayes([[-1, 2]], [0])
    with pytest.raises(InputError, match=r"smoothing=0: .*use e.g. 1 or 0.1"):
        naive_bayes([[1, 2]], [0], 0)
    with pytest.raises(InputError, match="leave constant columns out"):
        gaussian_naive_bayes([[1], [1]], [0, 1])


def test_on_film_reviews_the_counted_words_are_right_four_times_in_five(reviews):
    texts, labels = reviews
    seen = Counter(word for text in texts[:600] for word in set(text))
    words, counts = word_counts(texts, sorted(word for word, number in seen.items() if number >= 5))
    model = naive_bayes(counts[:600], labels[:600])
    right = (model.predict(counts[600:]) == labels[600:]).mean()
    telling = [words[place] for place in best_features(chi_square(counts[:600], labels[:600]), 12)]
    assert right > 0.7 and "bad" in telling
    sure = np.exp(model.log_posterior(counts[600:]).max(axis=1)).mean()
    assert sure > 0.95 > right  # far too sure: its words are not independent
