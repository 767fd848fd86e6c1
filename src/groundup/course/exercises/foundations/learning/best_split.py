"""Exercise: the question that sorts the examples best."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


def column(*values):
    """A table with one feature."""
    import numpy as np

    return np.array([[float(value)] for value in values])


def gini_of(codes):
    """1 - sum of p^2."""
    import numpy as np

    return 1 - sum((np.asarray(codes) == one).mean() ** 2 for one in set(codes))


def by_trying(x, codes, min_leaf=1):
    """The best (feature, threshold, gain) by trying all, with the rule for ties."""
    found = []
    for feature in range(x.shape[1]):
        values = sorted(set(x[:, feature].tolist()))
        for low, high in zip(values, values[1:], strict=False):
            left = x[:, feature] <= (low + high) / 2
            if min(left.sum(), (~left).sum()) >= min_leaf:
                mixed = sum(side.mean() * gini_of(codes[side].tolist()) for side in (left, ~left))
                found.append((-round(gini_of(codes.tolist()) - mixed, 12), feature, (low + high) / 2))
    gain, feature, threshold = min(found)
    return feature, threshold, -gain


def asked(got):
    """A split as a plain tuple; None is not one."""
    if got is None:
        raise Failed(
            "Finds no question where there is one: None is only for tables that no question splits.",
            expected="a Split",
            got="None",
        )
    return int(got.feature), float(got.threshold), float(got.gain)


@check("invariant")
def equal_values_stay_together(mine):
    """Puts a threshold on a value between rows that have it: equal values cannot be separated, so only places between different ones count."""
    import numpy as np

    gain = asked(mine(column(1, 1, 2), np.array([0, 1, 1])))[2]
    that(abs(gain - 4 / 9) > 1e-9, expected=(0, 1.5, 1 / 9), got=f"a gain of {gain:.4g}, which no question has")


@check("invariant")
def where_nothing_splits_there_is_none(mine):
    """Asks a question that nothing answers differently: where no feature has two values, the answer is None."""
    import numpy as np

    for rows in (1, 2):
        same(mine(column(*[3] * rows), np.arange(rows)), None)


@check("values")
def two_classes_apart(mine):
    """Does not separate two classes that lie apart."""
    import numpy as np

    x, codes = column(1, 2, 4, 6), np.array([0, 0, 1, 1])
    mistakes = {
        "Puts the threshold on the value below the gap: half way to the next one, a new example has equal room on both sides.": (
            0,
            2.0,
            0.5,
        ),
        "Puts the threshold on the value above the gap: rows at most the threshold go left, so that row would go left.": (
            0,
            4.0,
            0.5,
        ),
        "Gives the impurity that is left in place of the gain: the gain is the examples' impurity less that.": (
            0,
            3.0,
            0.0,
        ),
    }
    same(asked(mine(x, codes)), (0, 3.0, 0.5), mistakes=mistakes)
    same(
        asked(mine(column(4, 1, 6, 2), np.array([1, 0, 1, 0]))),
        (0, 3.0, 0.5),
        "Takes the rows as sorted: they come in any order, and their classes with them.",
    )


@check("values")
def of_equal_gains_the_first(mine):
    """Decides equal gains otherwise: the lower feature wins, then the lower threshold."""
    import numpy as np

    x = np.array([[1.0, 1.0], [2.0, 2.0]])
    same(asked(mine(x, np.array([0, 1])))[0], 0, "Decides equal gains otherwise: the lower feature wins.")
    same(
        asked(mine(column(1, 2, 3), np.array([0, 1, 0])))[1],
        1.5,
        "Decides equal gains otherwise: the lower threshold wins.",
    )


@check("values")
def the_halves_count_by_size(mine):
    """Takes both halves as equally important: each counts by the part of the rows in it."""
    import numpy as np

    x, codes = column(1, 2, 3, 4, 5, 6), np.array([0, 1, 1, 0, 1, 0])
    same(asked(mine(x, codes)), by_trying(x, codes))
    x, codes = column(1, 2, 3, 4), np.array([0, 1, 1, 1])
    same(asked(mine(x, codes)), (0, 1.5, 0.375))
    x, codes = column(1, 2, 3, 4, 5, 6, 7, 8), np.array([0, 1, 0, 1, 0, 1, 1, 1])
    same(asked(mine(x, codes)), by_trying(x, codes))


@check("values")
def every_feature_is_tried(mine):
    """Does not find the best of all features."""
    import numpy as np

    x, codes = np.array([[1.0, 7.0], [2.0, 9.0], [3.0, 7.0], [4.0, 9.0]]), np.array([0, 1, 0, 1])
    same(asked(mine(x, codes)), (1, 8.0, 0.5), mistakes={"Tries the first feature only.": by_trying(x[:, :1], codes)})


@check("values")
def a_question_without_gain_is_a_question(mine):
    """Refuses a question that gains nothing by itself: the next one may, as in an exclusive or."""
    import numpy as np

    x, codes = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    got = mine(x, codes)
    that(got is not None, expected=(0, 0.5, 0.0), got=got)
    same(asked(got), (0, 0.5, 0.0))


@check("values")
def each_half_keeps_min_leaf_rows(mine):
    """Leaves fewer than min_leaf rows in a half."""
    import numpy as np

    x, codes = column(1, 2, 3, 4, 5), np.array([0, 1, 1, 1, 1])
    same(asked(mine(x, codes, min_leaf=2)), by_trying(x, codes, 2))
    same(mine(column(1, 2, 3), np.array([0, 0, 1]), min_leaf=2), None)


@check("values")
def the_impurity_is_the_callers(mine):
    """Measures with Gini whatever `impurity` is."""
    import numpy as np

    from groundup.foundations.learning.supervised.tree import entropy_impurity

    same(asked(mine(column(1, 2), np.array([0, 1]), entropy_impurity)), (0, 1.5, 1.0))


@check("values")
def as_by_trying(mine):
    """Differs from trying every question."""
    import numpy as np

    source = np.random.default_rng(2)
    for rows in (4, 7, 10):
        x, codes = source.integers(0, 5, (rows, 2)).astype(float), source.integers(0, 3, rows)
        same(asked(mine(x, codes)), by_trying(x, codes))


MIXED = "(places * impurity(left) + (count - places) * impurity(total - left)) / count"

EXERCISE = Exercise(
    slot="foundations.learning.best_split",
    title="A decision tree's best question",
    task="""
    A decision tree asks "is feature j at most t?", and the answer should leave two halves that are as pure as can be.
    Try every feature and every place between two different values. The gain is the impurity of all examples less the
    mean of the halves' impurities, each weighted by its size. Give back the best as Split(feature, threshold, gain),
    with the threshold half way between the two values, or None where no question leaves min_leaf rows on both sides. Of
    equal gains the lower feature wins, then the lower threshold; round gains to 12 digits before you compare them, or
    rounding decides.

    `codes` are the classes as numbers 0, 1, 2, ...; impurity(counts) turns counts of the classes (along the last axis)
    into a number. `gini`, `half_way` and `one_hot` are given.
    """,
    difficulty=3,
    minutes=45,
    prerequisites=("foundations.learning.supervised",),
    hints=(
        "Sort the rows by the feature. Then a question is a place in that order: so many rows go left, the others right.",
        "One pass is enough: the running sum of the one-hot classes gives the counts on the left of every place, and the total less it those on the right.",
        "places = np.flatnonzero(values[1:] > values[:-1]) + 1; left = one_hot(codes[order], classes).cumsum(axis=0)[places - 1]; weigh "
        "impurity(left) by places and impurity(total - left) by the rest; argmax is the first largest.",
    ),
    run="groundup --mine my learn lesson foundations.learning.supervised.tree --run",
    checks=(
        equal_values_stay_together,
        where_nothing_splits_there_is_none,
        two_classes_apart,
        of_equal_gains_the_first,
        the_halves_count_by_size,
        every_feature_is_tried,
        a_question_without_gain_is_a_question,
        each_half_keeps_min_leaf_rows,
        the_impurity_is_the_callers,
        as_by_trying,
    ),
    mutants=(
        Mutant(
            "between equal values",
            "equal values cannot be separated",
            (("values[1:] > values[:-1]", "values[1:] >= values[:-1]"),),
        ),
        Mutant(
            "on the value below",
            "on the value below",
            (("half_way(values[place - 1], values[place])", "float(values[place - 1])"),),
        ),
        Mutant(
            "on the value above",
            "on the value above",
            (("half_way(values[place - 1], values[place])", "float(values[place])"),),
        ),
        Mutant(
            "what is left",
            "in place of the gain",
            (
                (
                    "half_way(values[place - 1], values[place]), float(gains.max()))",
                    "half_way(values[place - 1], values[place]), float(mixed.min()))",
                ),
            ),
        ),
        Mutant("rows taken as sorted", "Takes the rows as sorted", (("codes[order]", "codes"),)),
        Mutant(
            "halves of equal weight",
            "Takes both halves as equally important",
            ((MIXED, "(impurity(left) + impurity(total - left)) / 2"),),
        ),
        Mutant("one feature", "first feature only", (("range(x.shape[1])", "range(1)"),)),
        Mutant(
            "the last feature", "the lower feature wins.", (("gains.max() > best.gain", "gains.max() >= best.gain"),)
        ),
        Mutant(
            "the last threshold",
            "the lower threshold wins.",
            (("places[gains.argmax()]", "places[len(gains) - 1 - gains[::-1].argmax()]"),),
        ),
        Mutant(
            "only with a gain",
            "gains nothing by itself",
            (("    return best", "    return best if best is not None and best.gain > 0 else None"),),
        ),
        Mutant(
            "small leaves",
            "fewer than min_leaf",
            (("places[(places >= min_leaf) & (places <= count - min_leaf)]", "places[places >= 1]"),),
        ),
        Mutant(
            "always Gini",
            "Measures with Gini",
            ((MIXED, MIXED.replace("impurity", "gini")), ("(impurity(total) - mixed)", "(gini(total) - mixed)")),
        ),
    ),
)
