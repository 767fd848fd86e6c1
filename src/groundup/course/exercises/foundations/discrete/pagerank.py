"""Exercise: who is central, by a random walk along the arrows."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    STAR = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0]], dtype=float)  # 1 and 2 point at 0, from which no arrow leaves
    FORK = np.array([[0, 3, 1], [1, 0, 0], [1, 1, 0]], dtype=float)
    return STAR, FORK


def solved(edges, damping=0.85):
    """The ranks as the solution of their linear equations."""
    import numpy as np

    edges = np.asarray(edges, float)
    out = edges.sum(1, keepdims=True)
    steps = np.where(out > 0, edges / np.where(out > 0, out, 1), 1 / len(edges))
    return np.linalg.solve(np.eye(len(edges)) - damping * steps.T, np.full(len(edges), (1 - damping) / len(edges)))


@check("shape")
def a_rank_a_node(mine):
    """Gives another number of ranks than there are nodes."""
    import numpy as np

    for nodes in (1, 3):
        shape(mine(np.ones((nodes, nodes))), (nodes,))


@check("finite")
def where_no_arrow_leaves(mine):
    """Divides by 0 at a node without arrows: from there the walk jumps to any node alike, 1/n each."""
    STAR, _ = given()
    finite(mine(STAR))


@check("invariant")
def shares_sum_to_one(mine):
    """The ranks are shares of time: they are to sum to 1."""
    import numpy as np

    STAR, FORK = given()

    for edges in (np.ones((2, 2)), FORK, STAR):
        that(abs(float(np.sum(got := mine(edges))) - 1) < 1e-9, expected="a sum of 1", got=got)


@check("values")
def all_alike(mine):
    """Where every node is like every other, all ranks are equal."""
    import numpy as np

    same(mine(np.array([[0, 1], [1, 0]])), np.array([0.5, 0.5]))


@check("values")
def heavier_arrows_are_taken_more_often(mine):
    """Differs from the share of time that the walk spends at each node."""
    import numpy as np

    _, FORK = given()

    turned = solved(FORK.T)
    mistakes = {
        "Goes against the arrows: edges[i, j] leads from i to j, so a row is what may be taken from i.": turned,
        "Makes damping the probability of the jump: with 0.85 the walk goes on along an arrow.": solved(FORK, 0.15),
        "Takes every arrow alike: in proportion to its weight is asked for.": solved(FORK > 0),
        "Leaves out the jump: with probability 1 - damping the walk begins anywhere.": solved(FORK, 1 - 1e-7),
        "Ends after one step: go on until the ranks no longer change.": 0.05 + 0.85 / 3 * np.array([1.5, 1.25, 0.25]),
        "Counts the weights of the arrows that point at a node: who points counts as well.": FORK.sum(0) / FORK.sum(),
    }
    same(mine(FORK), solved(FORK), mistakes=mistakes)


@check("values")
def from_a_dead_end_to_anywhere(mine):
    """Loses the walks at a node without arrows, or keeps them there: they jump to any node alike."""
    STAR, _ = given()
    same(mine(STAR), solved(STAR))


@check("values")
def the_damping_that_is_given(mine):
    """Ignores the damping that it is given."""
    _, FORK = given()
    for damping in (0.5, 0.0, 0.99):
        same(mine(FORK, damping), solved(FORK, damping))


@check("values")
def to_nine_digits(mine):
    """Stops too early: the ranks still change in the seventh digit; go on until the change is below the tolerance."""
    import numpy as np

    ring = np.roll(np.eye(5), 1, axis=1) + np.diag([1, 0, 0, 0, 0])
    same(mine(ring, 0.95), solved(ring, 0.95), rtol=1e-9, atol=1e-10)


EXERCISE = Exercise(
    slot="foundations.discrete.pagerank",
    title="PageRank: who is looked at by those who are looked at",
    task="""
    A walker follows arrows, each in proportion to its weight: edges[i, j] leads from i to j. With probability 1 - damping, and always where
    no arrow leaves, it jumps to any of the n nodes alike. The share of its time that it spends at a node is the node's rank. On a matrix of
    attention weights it says where what is looked at comes from in the end.

    Begin with 1/n everywhere and take steps: new = damping · (ranks times the matrix of steps) + (1 - damping) / n, until the
    sum of the changes is no more than `tolerance`. The ranks sum to 1. `square` checks the matrix.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.discrete.graphs",),
    hints=(
        "Make the matrix of steps first: each row of the edges divided by its sum; a row of zeros becomes 1/n everywhere.",
        "The share of time at j comes from all i that lead there: (ranks @ steps)[j] is the sum of ranks[i] · steps[i, j].",
        "while change > tolerance: new = damping * (ranks @ steps) + (1 - damping) / n; change = np.abs(new - ranks).sum(); ranks = new.",
    ),
    run="groundup --mine my learn lesson foundations.discrete.graphs",
    checks=(
        a_rank_a_node,
        where_no_arrow_leaves,
        shares_sum_to_one,
        all_alike,
        heavier_arrows_are_taken_more_often,
        from_a_dead_end_to_anywhere,
        the_damping_that_is_given,
        to_nine_digits,
    ),
    mutants=(
        Mutant(
            "a table of ranks", "Gives another number of ranks", (("return ranks", "return np.outer(ranks, ranks)"),)
        ),
        Mutant(
            "divided by zero",
            "Divides by 0 at a node without arrows",
            (
                (", where=out > 0)", ")"),
                ("while change > tolerance:", "for _ in range(300):"),
                ("steps = np.divide", "np.seterr(invalid='ignore')\n    steps = np.divide"),
            ),
        ),
        Mutant("not shares", "they are to sum to 1", (("return ranks", "return ranks * len(a)"),)),
        Mutant("against the arrows", "Goes against the arrows", (("a = square(edges)", "a = square(edges).T"),)),
        Mutant(
            "damping the other way",
            "Makes damping the probability of the jump",
            (("a = square(edges)", "a = square(edges)\n    damping = 1 - damping"),),
        ),
        Mutant("weights ignored", "Takes every arrow alike", (("a = square(edges)", "a = (square(edges) > 0) * 1.0"),)),
        Mutant(
            "no jump",
            "Leaves out the jump",
            (
                ("damping * (ranks @ steps) + (1 - damping) / len(a)", "ranks @ steps"),
                ("while change > tolerance:", "for _ in range(1000):"),
            ),
        ),
        Mutant("one step", "Ends after one step", (("while change > tolerance:", "for _ in range(1):"),)),
        Mutant(
            "arrows counted",
            "Counts the weights of the arrows that point",
            (("return ranks", "return a.sum(0) / a.sum() if (out > 0).all() else ranks"),),
        ),
        Mutant(
            "dead ends lose",
            "Loses the walks at a node without arrows",
            (
                ("np.full_like(a, 1 / len(a))", "np.zeros_like(a)"),
                ("(1 - damping) / len(a)", "(1 - damping) / len(a)\n        new = new / new.sum()"),
            ),
        ),
        Mutant("always 0.85", "Ignores the damping", (("a = square(edges)", "a = square(edges)\n    damping = 0.85"),)),
        Mutant("too early", "Stops too early", (("change > tolerance", "change > 1e-7"),)),
    ),
)
