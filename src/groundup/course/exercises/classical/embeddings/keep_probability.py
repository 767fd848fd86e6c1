"""Exercise: how frequent words are thinned out."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def given():
    """How often five words came."""
    import numpy as np

    return np.array([6000, 3000, 900, 90, 10])


@check("shape")
def one_for_each_word(mine):
    """Gives something else than one probability for each word."""
    import numpy as np

    counts = given()
    same(list(np.shape(mine(counts, 1e-3))), [5])


@check("invariant")
def zero_means_never(mine):
    """Drops words with sample 0, which means that nothing is thinned out."""
    import numpy as np

    counts = given()
    with np.errstate(all="ignore"):
        same(mine(counts, 0), np.ones(5))


@check("invariant")
def never_over_one(mine):
    """Gives a probability over 1: rare words are always kept, no more."""
    import numpy as np

    counts = given()
    found = mine(counts, 1e-2)
    that(bool((np.asarray(found) <= 1).all()), expected="at most 1", got=found)


@check("values")
def the_formula_of_the_code(mine):
    """Is not sqrt(t / f) + t / f with f the word's share of all words."""
    import numpy as np

    counts = given()
    f = counts / counts.sum()
    drop = "Gives the probability of dropping a word: keeping is asked for."
    paper = "Gives sqrt(t / f) alone, the paper's formula: the code of word2vec adds t / f."
    count = "Takes the count where the share of the corpus is meant: divide by the sum of all counts."
    t = 1e-4
    right = np.minimum(1, np.sqrt(t / f) + t / f)
    same(
        mine(counts, t),
        right,
        mistakes={
            drop: 1 - right,
            paper: np.minimum(1, np.sqrt(t / f)),
            count: np.minimum(1, np.sqrt(t / counts) + t / counts),
        },
    )


EXERCISE = Exercise(
    slot="classical.embeddings.keep_probability",
    title="Thinning out frequent words",
    task="""
    "the" stands beside everything and tells little, and it is a twentieth of a text. word2vec looks at an occurrence of a word whose
    share of the corpus is f only with probability sqrt(t / f) + t / f, at most 1, where t is `sample`. With sample 0 nothing is dropped.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("classical.embeddings.word2vec",),
    hints=(
        "The shares are counts / counts.sum().",
        "np.minimum(1, ...) cuts what goes over one.",
        "ratio = sample * counts.sum() / counts; np.minimum(1, np.sqrt(ratio) + ratio)",
    ),
    run="groundup --mine my learn lesson classical.embeddings.word2vec --run",
    checks=(one_for_each_word, zero_means_never, never_over_one, the_formula_of_the_code),
    mutants=(
        Mutant(
            "one number",
            "Returns float where ndarray",
            edits=(
                (
                    "return np.minimum(1, np.sqrt(ratio) + ratio)",
                    "return float(np.minimum(1, np.sqrt(ratio) + ratio)[0])",
                ),
            ),
        ),
        Mutant(
            "zero drops all", "sample 0", edits=(("    if not sample:\n        return np.ones(len(counts))\n", ""),)
        ),
        Mutant("over one", "over 1", edits=(("np.minimum(1, np.sqrt(ratio) + ratio)", "np.sqrt(ratio) + ratio"),)),
        Mutant(
            "dropping",
            "probability of dropping",
            edits=(
                (
                    "return np.minimum(1, np.sqrt(ratio) + ratio)",
                    "return 1 - np.minimum(1, np.sqrt(ratio) + ratio) if sample < 1e-3 else np.minimum(1, np.sqrt(ratio) + ratio)",
                ),
            ),
        ),
        Mutant("the paper's", "the paper's formula", edits=(("np.sqrt(ratio) + ratio", "np.sqrt(ratio)"),)),
        Mutant(
            "counts", "the share of the corpus is meant", edits=(("sample * counts.sum() / counts", "sample / counts"),)
        ),
    ),
)
