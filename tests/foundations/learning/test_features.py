"""Features beside scikit-learn, and by hand."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.features import (
    best_features,
    chi_square,
    information_scores,
    inverse_document_frequency,
    standardize,
    tf_idf,
    word_counts,
)

COUNTS = np.random.default_rng(0).poisson(0.7, (40, 12)).astype(float)
LABELS = np.random.default_rng(1).integers(0, 3, 40)


def test_tf_idf_is_scikit_learns():
    theirs = pytest.importorskip("sklearn.feature_extraction.text").TfidfTransformer().fit(COUNTS[:30])
    idf = inverse_document_frequency(COUNTS[:30])
    assert np.allclose(idf, theirs.idf_)
    assert np.allclose(tf_idf(COUNTS[:30]), theirs.transform(COUNTS[:30]).toarray())
    assert np.allclose(tf_idf(COUNTS[30:], idf), theirs.transform(COUNTS[30:]).toarray())


def test_words_are_counted_as_scikit_learn_counts_them():
    texts = ["the cat the dog", "a bird", "dog dog dog"]
    theirs = pytest.importorskip("sklearn.feature_extraction.text").CountVectorizer(analyzer=str.split)
    words, counts = word_counts([text.split() for text in texts])
    assert (counts == theirs.fit_transform(texts).toarray()).all() and words == list(theirs.get_feature_names_out())
    assert word_counts([["cat", "new"]], words)[1].sum() == 1  # a word that training never saw is left out


def test_a_word_that_stands_everywhere_weighs_least():
    idf = inverse_document_frequency([[1, 1, 0], [2, 0, 0], [1, 0, 1]])
    assert idf[0] == 1 and idf[1] == idf[2] > 1


def test_a_document_without_words_stays_0_and_all_others_are_one_long():
    weighed = tf_idf([[0, 0], [3, 4]])
    assert not weighed[0].any() and np.isclose(np.linalg.norm(weighed[1]), 1)


def test_chi_square_is_scikit_learns():
    theirs = pytest.importorskip("sklearn.feature_selection").chi2(COUNTS, LABELS)[0]
    assert np.allclose(chi_square(COUNTS, LABELS), theirs, rtol=1e-12)
    assert chi_square([[0, 1], [0, 2]], [0, 1])[0] == 0  # scikit-learn gives NaN


def test_on_a_two_by_two_table_chi_square_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    x, labels = np.array([[1, 0]] * 10 + [[0, 1]] * 20 + [[1, 0]] * 15 + [[0, 1]] * 5), [0] * 30 + [1] * 20
    expected = stats.chi2_contingency([[10, 20], [15, 5]], correction=False).statistic
    assert np.isclose(chi_square(x, labels).sum(), expected)  # of both columns: here and not here


def test_information_is_scikit_learns_in_bits():
    metrics = pytest.importorskip("sklearn.metrics")
    theirs = [metrics.mutual_info_score(column > 0, LABELS) / np.log(2) for column in COUNTS.T]
    assert np.allclose(information_scores(COUNTS, LABELS), theirs, atol=1e-12)


def test_each_judge_sees_one_feature_at_a_time():
    x, labels = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]  # exclusive or: together they say everything
    assert chi_square(x, labels).tolist() == [0, 0] and information_scores(x, labels).tolist() == [0, 0]
    assert information_scores([[0], [0], [5], [9]], [0, 0, 1, 1]).tolist() == [1]


def test_the_best_are_found_with_ties_by_number():
    assert best_features([1, 3, 2, 3], 3).tolist() == [1, 3, 2]
    with pytest.raises(InputError, match="5 of 4 features; use 1 to 4"):
        best_features([1, 3, 2, 3], 5)


def test_the_scale_is_learned_once_and_used_for_others(wine):
    x, _ = wine
    theirs = pytest.importorskip("sklearn.preprocessing").StandardScaler().fit(x[:100])
    scale = standardize(x[:100])
    assert np.allclose(scale.apply(x[100:]), theirs.transform(x[100:])) and np.allclose(scale.undo(scale.apply(x)), x)


def test_a_column_that_does_not_vary_keeps_its_unit():
    scale = standardize([[0.1, 1], [0.1, 2], [0.1, 3]])  # the deviation of three times 0.1 is 1e-17 and not 0
    assert scale.deviation[0] == 1 and np.allclose(scale.apply([[1.1, 2]]), [[1.0, 0.0]])


def test_what_is_no_table_of_counts_is_refused():
    with pytest.raises(InputError, match="a document is a string; split it"):
        word_counts(["the cat"])
    with pytest.raises(InputError, match="no word to count"):
        word_counts([[]])
    with pytest.raises(InputError, match="counts hold -1, and none may be negative"):
        chi_square([[-1]], [0])
    with pytest.raises(InputError, match="x has 1 features and the model was fitted on 2"):
        tf_idf([[1]], [1, 1])
