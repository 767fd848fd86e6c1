"""Exercise: a bell as wide as a point has neighbours."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def array(values):
    """Numbers as an array of doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def perplexity_of(p):
    """2 to the entropy in bits, which is e to the entropy in nats."""
    return math.exp(-sum(x * math.log(x) for x in p.tolist() if x > 0))


def distances(count=12, seed=0, size=5.0):
    """Squared distances, the same at every call."""
    import numpy

    return numpy.random.default_rng(seed).exponential(size, count)


@check("shape")
def one_for_each_neighbour(mine):
    """Is not one probability for each neighbour."""
    shape(mine(distances(), 4.0), (12,))


@check("finite")
def far_away_points(mine):
    """Divides 0 by 0 where all points are far away: every exponential is 0. Take the smallest distance off first; it changes no probability."""
    import numpy

    with numpy.errstate(all="ignore"):
        finite(mine(array([1e6, 1e6 + 1, 1e6 + 5]), 2.0))
        finite(mine(array([1e9, 2e9, 3e9]), 2.0))


@check("invariant")
def they_sum_to_one(mine):
    """Does not sum to 1."""
    same(float(mine(distances(), 4.0).sum()), 1.0)


@check("invariant")
def the_nearer_the_likelier(mine):
    """Gives a farther neighbour more: p falls with the squared distance, as exp(-beta d)."""
    p = mine(array([1, 2, 5, 9]), 2.5).tolist()
    that(p == sorted(p, reverse=True), expected="falling", got=p)


@check("values")
def shape_of_a_bell(mine):
    """Is not proportional to exp(-beta d) of the squared distances d: log p must fall evenly with d."""
    p = mine(array([0, 1, 2, 4]), 2.5)
    first, second, third = math.log(p[0] / p[1]), math.log(p[1] / p[2]), math.log(p[2] / p[3])
    same([second, third], [first, 2 * first], rtol=1e-5)


@check("values")
def as_many_neighbours_as_asked(mine):
    """Does not have the perplexity that was asked for: exp of the entropy in nats, -sum p log p."""
    for count, size, wanted in ((12, 5.0, 4.0), (12, 5.0, 2.0), (30, 0.01, 8.0), (30, 900.0, 8.0), (12, 5.0, 11.0)):
        p = mine(distances(count, 1, size), wanted)
        got = perplexity_of(p)
        if abs(got - 2**wanted) < 1e-3 or abs(math.log(got) - wanted) < 1e-3:
            that(
                False,
                "Takes the perplexity for the entropy: the entropy is to be log(perplexity).",
                expected=wanted,
                got=got,
            )
        if abs(got - 2 ** math.log(wanted)) < 1e-3:
            that(
                False,
                "Mixes nats and bits: with natural logarithms the entropy is to be log(perplexity), not log2.",
                expected=wanted,
                got=got,
            )
        same(got, wanted, rtol=1e-4)


@check("values")
def equal_distances(mine):
    """Does not come back, or not with equal parts, where all neighbours are equally far and no width fits."""
    same(mine(array([3, 3, 3, 3]), 2.0), array([0.25] * 4))


EXERCISE = Exercise(
    slot="classical.embeddings.neighbour_probabilities",
    title="Perplexity: a bell as wide as a point has neighbours",
    task="""
    Given the squared distances d_j of a point to its neighbours (not itself), find p_j proportional to exp(-beta d_j), summing to
    1, whose entropy -sum p log p is log(perplexity): as uncertain as a fair choice among that many. In a crowd the bell is
    narrow (large beta), in empty space wide.

    The entropy falls as beta grows, so search: double beta while the entropy is too large, and once it is caught between
    two bounds, halve. Stop after 200 turns: equal distances have only one entropy.
    """,
    difficulty=3,
    minutes=30,
    hints=(
        "Begin with beta = 1, low = 0 and high = infinity, and keep beta between the two.",
        "With w = exp(-beta (d - min d)) and S = sum w, the entropy is log S + beta * sum(w (d - min d)) / S.",
        "Entropy too large: low = beta, and beta doubles, or goes to the middle once high is finite. Too small: high = beta, beta to the middle.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.evaluation.t_sne --run",
    checks=(
        one_for_each_neighbour,
        far_away_points,
        they_sum_to_one,
        the_nearer_the_likelier,
        shape_of_a_bell,
        as_many_neighbours_as_asked,
        equal_distances,
    ),
    mutants=(
        Mutant("not divided", "Does not sum to 1", (("return weights / total", "return weights"),)),
        Mutant("not shifted", "no width fits", (("squared_distances - squared_distances.min()", "squared_distances"),)),
        Mutant("upside down", "farther neighbour more", (("return weights / total", "return weights[::-1] / total"),)),
        Mutant(
            "distances, not their squares",
            "evenly with d",
            (
                (
                    "shifted = squared_distances - squared_distances.min()",
                    "shifted = np.sqrt(squared_distances) - np.sqrt(squared_distances.min())",
                ),
            ),
        ),
        Mutant(
            "bits",
            "Mixes nats and bits",
            (
                (
                    "if abs(entropy - np.log(perplexity)) < 1e-10:",
                    "perplexity = 2 ** np.log(perplexity) if _ == 0 else perplexity\n"
                    "        if abs(entropy - np.log(perplexity)) < 1e-10:",
                ),
            ),
        ),
        Mutant(
            "entropy is the perplexity",
            "for the entropy",
            (
                (
                    "if abs(entropy - np.log(perplexity)) < 1e-10:",
                    "perplexity = np.exp(perplexity) if _ == 0 and perplexity < 2.1 else perplexity\n"
                    "        if abs(entropy - np.log(perplexity)) < 1e-10:",
                ),
            ),
        ),
        Mutant(
            "never doubles",
            "the perplexity that was asked for",
            (("beta * 2 if high == np.inf else (beta + high) / 2", "beta if high == np.inf else (beta + high) / 2"),),
        ),
    ),
)
