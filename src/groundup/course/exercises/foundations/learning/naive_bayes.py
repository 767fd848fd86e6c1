"""Exercise: count what each class looks like."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    COUNTS = np.array([[2.0, 1.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 3.0]])  # documents, words
    LABELS = np.array([0, 0, 1])
    return COUNTS, LABELS


def by_hand(counts, labels, smoothing):
    """log P(class) and log P(word | class), number by number."""
    import numpy as np

    classes = sorted(set(labels.tolist()))
    prior = [math.log(labels.tolist().count(one) / len(labels)) for one in classes]
    words = []
    for one in classes:
        seen = [
            sum(row[word] for row, label in zip(counts, labels, strict=True) if label == one)
            for word in range(counts.shape[1])
        ]
        words.append([math.log((number + smoothing) / (sum(seen) + smoothing * len(seen))) for number in seen])
    return np.array(prior), np.array(words)


@check("shape")
def a_row_of_words_for_each_class(mine):
    """Gives tables of another shape: log_prior has one number a class, log_likelihood one row a class and one column a word."""
    COUNTS, LABELS = given()
    for words in (2, 3):
        model = mine(COUNTS[:, :words], LABELS)
        shape(model.log_prior, (2,))
        shape(model.log_likelihood, (2, words))


@check("finite")
def an_unseen_word_is_not_impossible(mine):
    """Makes a word impossible that a class never showed: its logarithm is -inf, and one such word outvotes all others. Add smoothing to every count."""
    import numpy as np

    COUNTS, LABELS = given()

    with np.errstate(all="ignore"):
        finite(mine(COUNTS, LABELS).log_likelihood)


@check("invariant")
def the_words_of_a_class_are_a_distribution(mine):
    """Gives words that do not sum to 1 in each class: what was added to every count is also added to their sum, once a word."""
    import numpy as np

    COUNTS, LABELS = given()

    model = mine(COUNTS, LABELS)
    that(
        np.all(model.log_likelihood <= 0),
        "Gives probabilities: their logarithms are wanted.",
        expected="logarithms, none above 0",
        got=model.log_likelihood,
    )
    sums, columns = (np.exp(model.log_likelihood).sum(axis=axis) for axis in (1, 0))
    sentence = ""
    if np.allclose(columns, 1):
        sentence = (
            "Divides by how often the word stands in all classes: P(word | class) divides by all words of the class."
        )
    elif np.allclose((2.0**model.log_likelihood).sum(axis=1), 1):
        sentence = "Gives bits: the logarithms are natural ones."
    that(np.allclose(sums, 1), sentence, expected="each row of exp(log_likelihood) sums to 1", got=sums)


@check("values")
def the_prior_is_the_share_of_the_documents(mine):
    """Gets P(class) wrong: it is the part of the documents that have the class."""
    import numpy as np

    _, LABELS = given()

    mistakes = {
        "Takes the class's share of the words as its prior: a long document is still one document.": np.log([0.6, 0.4]),
        "Takes all classes as equally likely: P(class) is its share of the documents.": np.log([0.5, 0.5]),
    }
    counts = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    same(mine(counts, LABELS).log_prior, np.log([2 / 3, 1 / 3]), mistakes=mistakes)


@check("values")
def every_occurrence_counts(mine):
    """Gets P(word | class) wrong: occurrences in the class's documents plus smoothing, over all of them plus smoothing times the words."""
    import numpy as np

    COUNTS, LABELS = given()

    mistakes = {
        "Counts in how many documents a word stands: in this form every occurrence counts.": np.log(
            [[3 / 7, 2 / 7, 2 / 7], [1 / 5, 2 / 5, 2 / 5]]
        ),
    }
    same(mine(COUNTS, LABELS).log_likelihood, np.log([[5 / 9, 2 / 9, 2 / 9], [1 / 7, 2 / 7, 4 / 7]]), mistakes=mistakes)


@check("values")
def smoothing_may_be_any_number(mine):
    """Adds 1 whatever `smoothing` is."""
    COUNTS, LABELS = given()
    same(mine(COUNTS, LABELS, 0.1).log_likelihood, by_hand(COUNTS, LABELS, 0.1)[1])


@check("values")
def classes_in_sorted_order(mine):
    """Mixes the classes' rows: they stand in sorted order, whatever order the documents have."""
    import numpy as np

    COUNTS, _ = given()

    same(mine(COUNTS, np.array([1, 1, 0])).log_likelihood, by_hand(COUNTS, np.array([1, 1, 0]), 1.0)[1])


LOGS = "np.log(seen) - np.log(seen.sum(axis=1, keepdims=True))"

EXERCISE = Exercise(
    slot="foundations.learning.naive_bayes",
    title="Naive Bayes: count, and turn it round",
    task="""
    Is this review good? Bayes' theorem turns the question round: how likely are these words in a good review, and how
    common are good ones? With the words taken as independent, P(word | class) is all that has to be learned, by
    counting. A word that never stood in a class would get probability 0 and veto everything, so `smoothing` is added to
    every count.

    Give back WordModel(classes, log_prior, log_likelihood), as natural logarithms. `with_counts` gives the table, the
    classes in sorted order, and each document's place among them; `one_hot` makes rows with one 1 of such places.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("foundations.learning.supervised", "foundations.probability.bayes"),
    hints=(
        "For each class: add up the rows of its documents. With member[document, class] = 1 or 0 that is one matrix product.",
        "Add smoothing to every sum, then divide each row by its own sum: so it is a distribution again.",
        "seen = member.T @ table + smoothing; log_likelihood = log(seen) - log(seen.sum(axis=1, keepdims=True)); the prior is log(member.mean(axis=0)).",
    ),
    run="groundup --mine my learn lesson foundations.learning.supervised.naive_bayes --run",
    checks=(
        a_row_of_words_for_each_class,
        an_unseen_word_is_not_impossible,
        the_words_of_a_class_are_a_distribution,
        the_prior_is_the_share_of_the_documents,
        every_occurrence_counts,
        smoothing_may_be_any_number,
        classes_in_sorted_order,
    ),
    mutants=(
        Mutant("without smoothing", "Makes a word impossible", (("@ table + smoothing", "@ table + 0 * smoothing"),)),
        Mutant(
            "a sum that is not smoothed",
            "words that do not sum to 1",
            ((LOGS, "np.log(seen) - np.log((member.T @ table).sum(axis=1, keepdims=True) + 1)"),),
        ),
        Mutant("over the classes", "in all classes", ((LOGS, "np.log(seen) - np.log(seen.sum(axis=0))"),)),
        Mutant("no logarithms", "Gives probabilities", ((LOGS, "seen / seen.sum(axis=1, keepdims=True)"),)),
        Mutant(
            "the share of the words",
            "share of the words as its prior",
            (("np.log(member.mean(axis=0))", "np.log((member.T @ table).sum(axis=1) / table.sum())"),),
        ),
        Mutant(
            "equal priors",
            "equally likely",
            (("np.log(member.mean(axis=0))", "np.log(np.full(len(classes), 1 / len(classes)))"),),
        ),
        Mutant(
            "documents that have it", "in how many documents", (("member.T @ table +", "member.T @ (table > 0) +"),)
        ),
        Mutant("bits", "Gives bits", ((LOGS, "np.log2(seen / seen.sum(axis=1, keepdims=True))"),)),
        Mutant("always 1", "Adds 1 whatever", (("@ table + smoothing", "@ table + 1"),)),
        Mutant(
            "words for rows",
            "tables of another shape",
            (
                (
                    "WordModel(classes, np.log(member.mean(axis=0)), log_likelihood)",
                    "WordModel(classes, np.log(member.mean(axis=0)), log_likelihood.T)",
                ),
            ),
        ),
    ),
)
