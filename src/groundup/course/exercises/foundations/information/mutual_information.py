"""Exercise: how much one variable tells about another."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def given():
    """The numbers of the cases."""
    import numpy as np

    TABLE = np.array([[0.3, 0.1], [0.2, 0.4]])
    return TABLE


SUM = "(p[x, y] * bits).sum()"
BITS = "np.log2(p[x, y]) - np.log2(p.sum(1)[x]) - np.log2(p.sum(0)[y])"


def entropy(p):
    """In bits, for probabilities above 0."""
    import numpy as np

    return float(-(p * np.log2(p)).sum())


def told(p):
    """Shannon's sum of entropies: another way to the same number."""
    return entropy(p.sum(0)) + entropy(p.sum(1)) - entropy(p)


@check("finite")
def what_never_happens_together(mine):
    """Gives NaN where two values never come together: leave the zeros out before the logarithm."""
    import numpy as np

    for joint in ([[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.25, 0.25]]):
        that(np.isfinite(got := mine(joint)), expected="a number", got=got)


@check("invariant")
def independence_is_zero(mine):
    """Gives something for independent variables: where p(x, y) = p(x) p(y), the logarithm is of 1."""
    for joint in ([[0.25, 0.25], [0.25, 0.25]], [[0.09, 0.21], [0.21, 0.49]]):
        same(mine(joint), 0.0, atol=1e-12)


@check("values")
def the_same_thing_twice(mine):
    """Where y is x again, it tells all there is to know of x: its entropy."""
    import numpy as np

    p = np.array([0.75, 0.25])
    mistakes = {
        "Gives nats: take logarithms to base 2.": entropy(p) * float(np.log(2)),
        "Adds up the logarithms without weights: each counts as often as its pair happens, p(x, y).": -float(
            np.log2(p).sum()
        ),
        "Takes the mean over the pairs: sum them, the weights are in p(x, y) already.": entropy(p) / 2,
        "Multiplies by p(x) p(y) as weights: how often a pair happens is p(x, y).": -float((p * p * np.log2(p)).sum()),
    }
    same(mine(np.diag(p)), entropy(p), mistakes=mistakes)
    same(mine(np.eye(4) / 4), 2.0)


@check("values")
def a_table_by_hand(mine):
    """Differs from the sum of p(x, y) · log2(p(x, y) / (p(x) p(y)))."""
    import numpy as np

    TABLE = given()

    p, chance, turned = TABLE, np.outer(TABLE.sum(1), TABLE.sum(0)), np.outer(TABLE.sum(0), TABLE.sum(1))
    mistakes = {
        "Takes the margins the wrong way round: p(x) is the sum of row x, p(y) that of column y.": float(
            (p * np.log2(p / turned)).sum()
        ),
        "Drops what is negative: a pair that happens less often than by chance counts with its minus.": float(
            (p * np.log2(p / chance)).clip(0).sum()
        ),
    }
    same(mine(p), told(p), mistakes=mistakes)


@check("values")
def more_columns_than_rows(mine):
    """Is wrong where x and y have different numbers of values."""
    import numpy as np

    p = np.array([[0.1, 0.2, 0.15], [0.25, 0.05, 0.25]])
    same(mine(p), told(p))
    same(mine(p.T), told(p))


EXERCISE = Exercise(
    slot="foundations.information.mutual_information",
    title="Mutual information: what one thing tells about another",
    task="""
    joint[x, y] is how often x and y come together; all its numbers sum to 1. If they had nothing to do with each other, the
    pair would come as often as p(x) · p(y), where p(x) is the sum of row x and p(y) that of column y. How far the truth is from that, on
    average and in bits, is what x tells about y:

    I = sum of p(x, y) · log2(p(x, y) / (p(x) · p(y)))

    `joint_table` checks the matrix and gives it as float64. Pairs that never come together add nothing. Rounding may leave
    a number like -1e-16: give 0 for it.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.information.entropy",),
    hints=(
        "Begin with the margins: p.sum(1) has a number for each row, p.sum(0) one for each column.",
        "x, y = np.nonzero(p) gives the places above 0 as two lists of numbers; p.sum(1)[x] is then p(x) at each of these places.",
        "bits = log2(p[x, y]) - log2(p.sum(1)[x]) - log2(p.sum(0)[y]); weighed by p[x, y] and summed; max(..., 0.0).",
    ),
    run="groundup --mine my learn lesson foundations.information.entropy",
    checks=(
        what_never_happens_together,
        independence_is_zero,
        the_same_thing_twice,
        a_table_by_hand,
        more_columns_than_rows,
    ),
    mutants=(
        Mutant(
            "zeros kept", "Gives NaN where two values never", (("x, y = np.nonzero(p)", "x, y = np.indices(p.shape)"),)
        ),
        Mutant("the joint entropy", "Gives something for independent variables", ((BITS, "-np.log2(p[x, y])"),)),
        Mutant("nats", "Gives nats", ((SUM, f"{SUM} * np.log(2)"),)),
        Mutant("without weights", "Adds up the logarithms without weights", ((SUM, "bits.sum()"),)),
        Mutant(
            "margins exchanged",
            "Takes the margins the wrong way round",
            (("p.sum(1)[x]", "p.sum(0)[x]"), ("p.sum(0)[y]", "p.sum(1)[y]")),
        ),
        Mutant("a mean", "Takes the mean over the pairs", ((SUM, "(p[x, y] * bits).mean()"),)),
        Mutant(
            "weights of chance",
            "Multiplies by p(x) p(y) as weights",
            ((SUM, "(p.sum(1)[x] * p.sum(0)[y] * bits).sum()"),),
        ),
        Mutant("negative pairs dropped", "Drops what is negative", ((SUM, "(p[x, y] * bits.clip(0)).sum()"),)),
        Mutant(
            "only square tables",
            "different numbers of values",
            (("np.log2(p.sum(0)[y])", "np.log2(p[:, : len(p)].sum(0)[y % len(p)])"),),
        ),
    ),
)
