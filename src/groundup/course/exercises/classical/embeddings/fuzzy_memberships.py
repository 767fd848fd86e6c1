"""Exercise: how far each neighbour belongs to a point."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def array(values):
    """Numbers as an array of doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def distances(count=14, seed=0, size=1.0):
    """Distances in rising order, the same at every call."""
    import numpy

    return numpy.sort(numpy.random.default_rng(seed).uniform(0.5, 3, count)) * size


@check("shape")
def one_for_each_neighbour(mine):
    """Is not one membership for each neighbour."""
    shape(mine(distances()), (14,))


@check("finite")
def equal_points(mine):
    """Has no answer where all neighbours lie in the point itself: they belong to it wholly."""
    import numpy

    with numpy.errstate(all="ignore"):
        got = mine(array([0, 0, 0, 0]))
    finite(got)
    same(got, array([1, 1, 1, 1]))


@check("invariant")
def the_nearest_belongs_wholly(mine):
    """Gives the nearest neighbour less than 1: the distance rho to it is taken off all distances first, so that no point stands alone."""
    for seed in range(3):
        same(float(mine(distances(seed=seed))[0]), 1.0)


@check("invariant")
def scale_does_not_matter(mine):
    """Depends on the unit of the distances: the width sigma is found for each point, and the search must reach small and large ones."""
    for size in (1e-3, 1e4):
        same(mine(distances(size=size)), mine(distances()), rtol=1e-3, atol=1e-4)


@check("values")
def three_neighbours_by_hand(mine):
    """Is not 1, 0.618 and 0.382 for distances 1, 2, 3: with k = 4, the point counted, they sum to log2 4 = 2."""
    golden = (math.sqrt(5) - 1) / 2
    got = mine(array([1, 2, 3]))
    total = float(got.sum())
    that(
        abs(total - math.log2(3)) > 1e-3,
        "Counts k without the point itself: of 3 neighbours k is 4.",
        expected=2.0,
        got=total,
    )
    that(abs(total - math.log(4)) > 1e-3, "Sums to the natural logarithm of k: it is log2.", expected=2.0, got=total)
    same(got, array([1, golden, golden**2]), rtol=1e-4, mistakes={
        "Squares the distances: here they fall off as exp(-d / sigma).": array([1, 0.7549, 0.3247 - 0.0796]),
    })  # fmt: skip


@check("values")
def they_sum_to_log2_k(mine):
    """Does not sum to log2 k, within 1e-5, where that can be reached."""
    for count in (5, 14, 30):
        same(float(mine(distances(count)).sum()), math.log2(count + 1), rtol=1e-4)


@check("values")
def a_twin_is_not_the_nearest(mine):
    """Takes 0 for rho where a neighbour lies in the point itself: rho is the smallest distance above 0, and both belong wholly."""
    same(mine(array([0, 1, 2, 3, 4, 5, 6]))[:2], array([1, 1]))


@check("values")
def no_width_is_too_narrow(mine):
    """Lets sigma fall below 0.001 of the mean distance (the point's own 0 counted): many equals would cut the others off wholly."""
    got = mine(array([1] * 8 + [1.001]))
    same(float(got[-1]), math.exp(-0.001 / (0.001 * 9.001 / 10)), rtol=1e-3)


EXERCISE = Exercise(
    slot="classical.embeddings.fuzzy_memberships",
    title="UMAP's fuzzy neighbours",
    task="""
    A point has k - 1 nearest others, at `distances` in rising order. Neighbour j belongs to it by exp(-max(0, d_j - rho) / sigma).
    rho is the smallest distance above 0 (0 if there is none), so the nearest belongs wholly. sigma is chosen so that all memberships sum to
    log2 k, where k counts the point itself: find it by halving, from 1, doubling while no upper bound is known; 64 turns, or until
    the sum is right within 1e-5.

    Then sigma is at least 0.001 times the mean of the k distances (the point's own 0 among them), and at least 1e-12.
    """,
    difficulty=3,
    minutes=30,
    hints=(
        "The sum grows with sigma: too large a sum means sigma was too large.",
        "Sum too large: high = sigma, sigma = (low + high) / 2. Too small: low = sigma, and sigma doubles, or goes to the middle once high is finite.",
        "rho = distances[distances > 0].min(initial=numpy.inf), and 0 where that is infinite.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.evaluation.umap --run",
    checks=(
        one_for_each_neighbour,
        equal_points,
        the_nearest_belongs_wholly,
        scale_does_not_matter,
        three_neighbours_by_hand,
        they_sum_to_log2_k,
        a_twin_is_not_the_nearest,
        no_width_is_too_narrow,
    ),
    mutants=(
        Mutant(
            "rho not taken off", "the nearest neighbour less than 1", (("rho if np.isfinite(rho) else 0.0", "0.0"),)
        ),
        Mutant(
            "rho infinite",
            "no answer where all neighbours",
            (("rho if np.isfinite(rho) else 0.0", "rho"), ("np.maximum(0.0, distances - (rho))", "distances - rho")),
        ),
        Mutant("k without the point", "without the point itself", (("k = len(distances) + 1", "k = len(distances)"),)),
        Mutant(
            "natural logarithm",
            "it is log2",
            (
                ("if abs(total - np.log2(k)) < 1e-5:", "if abs(total - np.log(k)) < 1e-5:"),
                ("if total > np.log2(k):", "if total > np.log(k):"),
            ),
        ),
        Mutant(
            "never doubles",
            "unit of the distances",
            (
                (
                    "sigma * 2 if high == np.inf else (sigma + high) / 2",
                    "sigma if high == np.inf else (sigma + high) / 2",
                ),
            ),
        ),
        Mutant(
            "rho of a twin", "Takes 0 for rho", (("distances[distances > 0].min(initial=np.inf)", "distances.min()"),)
        ),
        Mutant("no floor", "below 0.001", (("NARROWEST * distances.sum() / k, ", ""),)),
    ),
)
