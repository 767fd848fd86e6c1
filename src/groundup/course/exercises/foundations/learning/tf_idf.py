"""Exercise: weigh words by how rare they are."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    COUNTS = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    return COUNTS


def by_hand(counts, idf=None):
    """Number by number."""
    import numpy as np

    rows = counts.tolist()
    if idf is None:
        there = [sum(row[word] > 0 for row in rows) for word in range(counts.shape[1])]
        idf = [math.log((1 + len(rows)) / (1 + number)) + 1 for number in there]
    weighed = [[count * weight for count, weight in zip(row, idf, strict=True)] for row in rows]
    lengths = [math.sqrt(sum(one**2 for one in row)) or 1.0 for row in weighed]
    return np.array([[one / length for one in row] for row, length in zip(weighed, lengths, strict=True)])


def ratio(got):
    """Word 1 over word 0 of the first document, which no length changes: 2 idf_1 / idf_0."""
    return float(got[0, 1] / got[0, 0])


@check("shape")
def a_number_for_each_count(mine):
    """Gives a table of another shape than the counts."""
    COUNTS = given()
    for words in (2, 3):
        shape(mine(COUNTS[:, :words]), (3, words))


@check("finite")
def a_document_without_words_stays_0(mine):
    """Divides by a length of 0: a document without any of the words stays a row of zeros."""
    import numpy as np

    with np.errstate(all="ignore"):
        got = mine(np.array([[0.0, 0.0], [1.0, 1.0]]))
    finite(got)
    that(not got[0].any(), expected="a first row of zeros", got=got)


@check("invariant")
def every_document_is_one_long(mine):
    """Does not make every document one long: the root of the sum of its squares is 1."""
    import numpy as np

    COUNTS = given()

    got = mine(COUNTS)
    sums = "Makes the numbers of a document sum to 1: it is their squares that do."
    columns = "Makes every word one long: a document is a row."
    one_long = np.allclose((got**2).sum(axis=0), 1)
    sentence = sums if np.allclose(got.sum(axis=1), 1) else columns if one_long else ""
    that(np.allclose((got**2).sum(axis=1), 1), sentence, expected="rows of length 1", got=got)


@check("values")
def rare_words_weigh_more(mine):
    """Weighs the words otherwise: the idf is ln((1 + n) / (1 + df)) + 1, here ln(4 / 2) + 1 = 1.693 for the second word and 1 for the first."""
    COUNTS = given()
    mistakes = {
        "Leaves the words unweighed.": 2.0,
        "Counts how often a word occurs where it should count in how many documents it does.": 2
        * (math.log(4 / 3) + 1)
        / (math.log(4 / 6) + 1),
        "Forgets one of the ones: ln(n / df) + 1 is the form without the document that has every word.": 2
        * (math.log(3) + 1),
        "Weighs common words more: the number of documents stands below the line.": 2 * (math.log(2 / 4) + 1),
    }
    same(ratio(mine(COUNTS)), 2 * (math.log(2) + 1), mistakes=mistakes)


@check("values")
def a_word_that_stands_everywhere_still_counts(mine):
    """Gives 0 to a word that stands in every document: 1 is added to the logarithm, so that it counts once."""
    import numpy as np

    same(mine(np.array([[1.0], [2.0]])), np.array([[1.0], [1.0]]))


@check("values")
def counts_count(mine):
    """Only looks whether a word is there: the weight is multiplied by how often."""
    import numpy as np

    same(ratio(mine(np.array([[1.0, 3.0]]))), 3.0)


@check("values")
def an_idf_that_is_given_is_used(mine):
    """Computes weights of its own where `idf` is given: they were learned from the training documents."""
    import numpy as np

    COUNTS = given()

    same(mine(COUNTS, np.array([1.0, 5.0, 2.0])), by_hand(COUNTS, [1.0, 5.0, 2.0]))


@check("values")
def as_by_hand(mine):
    """Differs from the definition, number by number."""
    import numpy as np

    source = np.random.default_rng(0)
    for documents in (2, 5):
        counts = source.poisson(1.0, (documents, 4)).astype(float)
        same(mine(counts), by_hand(counts))


IDF = "np.log((1 + len(table)) / (1 + (table > 0).sum(axis=0))) + 1"
LENGTHS = "np.sqrt((weighed**2).sum(axis=1, keepdims=True))"

EXERCISE = Exercise(
    slot="foundations.learning.tf_idf",
    title="TF-IDF: what a word says about a text",
    task="""
    "The" stands in every text and says nothing about any. Weigh each count by how rare the word is among the n
    documents: idf = ln((1 + n) / (1 + df)) + 1, where df is the number of documents that have the word. The ones are as
    if one more document had every word, so nothing is divided by 0. Then make every document one long, so that a long
    text is not nearer to everything. Search engines rank with this, and it is still the baseline that neural retrieval
    has to beat.

    Give back a table of the counts' shape. Where `idf` is given it is used instead. `inverse_document_frequency` is
    yours too, if you want to use it; `as_counts`, `as_vector` and `same_features` check the input.
    """,
    difficulty=1,
    minutes=20,
    prerequisites=("foundations.learning.features",),
    hints=(
        "df comes from counts > 0: a table of yes and no, summed down each column.",
        "Multiply every row by the weights; its length is the root of the sum of its squares, along axis 1, with keepdims=True so that it divides.",
        "A row of zeros has length 0: divide by np.where(lengths > 0, lengths, 1.0).",
    ),
    run="groundup --mine my learn lesson foundations.learning.features --run",
    written=("inverse_document_frequency",),
    checks=(
        a_number_for_each_count,
        a_document_without_words_stays_0,
        every_document_is_one_long,
        rare_words_weigh_more,
        a_word_that_stands_everywhere_still_counts,
        counts_count,
        an_idf_that_is_given_is_used,
        as_by_hand,
    ),
    mutants=(
        Mutant("a length of 0", "Divides by a length of 0", (("np.where(lengths > 0, lengths, 1.0)", "lengths"),)),
        Mutant(
            "no length",
            "Does not make every document one long",
            (("return weighed / np.where(lengths > 0, lengths, 1.0)", "return weighed"),),
        ),
        Mutant("sums", "numbers of a document sum to 1", ((LENGTHS, "weighed.sum(axis=1, keepdims=True)"),)),
        Mutant(
            "columns", "Makes every word one long", ((LENGTHS, "np.sqrt((weighed**2).sum(axis=0, keepdims=True))"),)
        ),
        Mutant("unweighed", "Leaves the words unweighed", (("table * weights", "table * (weights > 0)"),)),
        Mutant("occurrences", "in how many documents it does", (("(table > 0).sum(axis=0)", "table.sum(axis=0)"),)),
        Mutant(
            "without the extra document",
            "Forgets one of the ones",
            ((IDF, "np.log(len(table) / np.maximum((table > 0).sum(axis=0), 1)) + 1"),),
        ),
        Mutant(
            "upside down",
            "Weighs common words more",
            ((IDF, "1 - np.log((1 + len(table)) / (1 + (table > 0).sum(axis=0)))"),),
        ),
        Mutant(
            "yes or no",
            "Only looks whether a word is there",
            (("table * weights", "(table > 0) * weights * np.where(table == 2, 2, 1)"),),
        ),
        Mutant(
            "weights of its own",
            "Computes weights of its own",
            (
                (
                    'inverse_document_frequency(table) if idf is None else as_vector(idf, "idf")',
                    "inverse_document_frequency(table)",
                ),
            ),
        ),
        Mutant(
            "one row",
            "another shape",
            (
                (
                    "return weighed / np.where(lengths > 0, lengths, 1.0)",
                    "return (weighed / np.where(lengths > 0, lengths, 1.0))[:1]",
                ),
            ),
        ),
    ),
)
