"""Exercise: how much a point belongs to each bell."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def bells(weights, means, variances):
    """A mixture on a line."""
    import numpy as np

    from groundup.foundations.learning.unsupervised.mixture import Mixture

    return Mixture(np.array(weights), np.array(means, float)[:, None], np.array(variances, float)[:, None, None])


def by_hand(x, weights, means, variances):
    """Densities and their shares, number by number."""
    import numpy as np

    shares, total = [], 0.0
    for (point,) in x.tolist():
        joint = [
            weight * math.exp(-((point - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
            for weight, mean, variance in zip(weights, means, variances, strict=True)
        ]
        shares.append([one / sum(joint) for one in joint])
        total += math.log(sum(joint))
    return np.array(shares), total / len(x)


def given():
    """The numbers of the cases."""
    import numpy as np

    X = np.array([[0.0], [1.0], [3.0]])
    return X


TWO = ([0.5, 0.5], [0.0, 2.0], [1.0, 1.0])
UNEVEN = ([0.9, 0.1], [0.0, 2.0], [1.0, 1.0])
WIDE = ([0.3, 0.7], [0.0, 2.0], [1.0, 9.0])


@check("shape")
def a_row_a_point_and_a_column_a_bell(mine):
    """Gives a table of another shape than (points, bells)."""
    X = given()
    for points in (1, 3):
        shape(mine(X[:points], bells(*TWO))[0], (points, 2))


@check("finite")
def a_far_point_belongs_to_the_nearest(mine):
    """Underflows far from all bells: every density is 0 there and 0 / 0 is no share; normalise the logarithms (log_sum_exp) before exp."""
    import numpy as np

    with np.errstate(all="ignore"):
        shares, likelihood = mine(np.array([[100.0]]), bells(*TWO))
    finite(shares)
    that(math.isfinite(likelihood), expected="a finite mean log-density", got=likelihood)


@check("invariant")
def every_point_belongs_wholly_to_all_of_them(mine):
    """Gives shares that do not sum to 1 over the bells, for each point."""
    import numpy as np

    X = given()

    shares = mine(X, bells(*TWO))[0]
    columns = "Normalises over the points: the shares of one point, over the bells, sum to 1."
    logs = "Gives logarithms: the shares themselves are wanted."
    sentence = (
        columns if np.allclose(shares.sum(axis=0), 1) else logs if np.allclose(np.exp(shares).sum(axis=1), 1) else ""
    )
    that(np.allclose(shares.sum(axis=1), 1), sentence, expected="rows that sum to 1", got=shares)


@check("values")
def a_point_may_belong_to_several(mine):
    """Gets the shares wrong where two bells of equal weight and width overlap."""
    import numpy as np

    X = given()

    hard = "Gives every point to one bell: that is k-means; here it belongs to each by its share of the density."
    same(mine(X, bells(*TWO))[0], by_hand(X, *TWO)[0], mistakes={hard: np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])})


@check("values")
def a_heavy_bell_gets_more(mine):
    """Gets the shares wrong where the weights differ."""
    import numpy as np

    X = given()

    mistakes = {"Leaves out the weights: a bell that made more points is the likelier origin.": by_hand(X, *TWO)[0]}
    logits = np.log(by_hand(X, *TWO)[0]) + np.array(UNEVEN[0])
    mistakes["Adds the weights to logarithms: it is their logarithm that is added."] = np.exp(logits) / np.exp(
        logits
    ).sum(1, keepdims=True)
    same(mine(X, bells(*UNEVEN))[0], by_hand(X, *UNEVEN)[0], mistakes=mistakes)


@check("values")
def the_likelihood_is_a_mean(mine):
    """Gets the mean log-density wrong: the logarithm of each point's density (the weighted sum of the bells'), averaged over the points."""
    X = given()
    joint = mine(X, bells(*UNEVEN))[1]
    expected = by_hand(X, *UNEVEN)[1]
    mistakes = {
        "Adds the points up: the log-density is wanted for a point, on average.": 3 * expected,
        "Gives the negative: it is a likelihood, so larger is better.": -expected,
        "Gives bits: the logarithms are natural ones.": expected / math.log(2),
    }
    same(joint, expected, mistakes=mistakes)


@check("values")
def as_by_hand(mine):
    """Differs from dividing densities by hand."""
    import numpy as np

    X = given()

    for mixture in (TWO, UNEVEN, WIDE):
        same(mine(X, bells(*mixture)), by_hand(X, *mixture))
    same(
        mine(np.array([[100.0]]), bells(*TWO))[0],
        np.array([[0.0, 1.0]]),
        "Gives a far point to another bell than the nearest.",
    )


SHARES = "np.exp(log_joint - log_density[:, None])"

EXERCISE = Exercise(
    slot="foundations.learning.expectation_step",
    title="Expectation: whose point is this?",
    task="""
    Points were drawn from k bells, and nobody says from which. Given the bells, how much does each point belong to each
    of them? By Bayes' theorem its share is weight times density, over the sum of that for all bells. A point far from
    all of them has a density that underflows to 0 everywhere, so work with logarithms, and subtract their log-sum-exp
    before exp.

    Give back the shares, shape (points, bells), and the mean over points of the log-density of the whole mixture, in
    nats: what EM makes larger with every step. log_gaussian(x, mean, covariance) gives one bell's log-density at all
    points; log_sum_exp works along the last axis.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=(
        "foundations.learning.unsupervised",
        "foundations.learning.kmeans_step",
        "foundations.information.log_sum_exp",
    ),
    hints=(
        "For every bell: log weight + log density of all points. Stack them as columns: the logarithm of the joint probability of point and bell.",
        "log_sum_exp over the bells is the log-density of each point; its mean is the second answer.",
        "The share is exp(log joint - log density of the point): a logarithm of at most 0, so nothing overflows, and the nearest bell's is about 0.",
    ),
    run="groundup --mine my learn lesson foundations.learning.unsupervised.mixture --run",
    checks=(
        a_row_a_point_and_a_column_a_bell,
        a_far_point_belongs_to_the_nearest,
        every_point_belongs_wholly_to_all_of_them,
        a_point_may_belong_to_several,
        a_heavy_bell_gets_more,
        the_likelihood_is_a_mean,
        as_by_hand,
    ),
    mutants=(
        Mutant("bells for rows", "another shape", ((SHARES, SHARES + ".T"),)),
        Mutant(
            "densities divided",
            "Underflows far from all bells",
            ((SHARES, "np.exp(log_joint) / np.exp(log_joint).sum(axis=1, keepdims=True)"),),
        ),
        Mutant(
            "over the points", "Normalises over the points", ((SHARES, "np.exp(log_joint - log_sum_exp(log_joint.T))"),)
        ),
        Mutant("logarithms", "Gives logarithms", ((SHARES, "np.maximum(log_joint - log_density[:, None], -1e9)"),)),
        Mutant(
            "one bell each",
            "that is k-means",
            ((SHARES, "np.eye(len(mixture.weights))[log_joint.argmax(axis=1)]"),),
        ),
        Mutant(
            "without weights",
            "Leaves out the weights",
            (("log_joint + np.log(mixture.weights)", "log_joint - np.log(len(mixture.weights))"),),
        ),
        Mutant(
            "weights added",
            "Adds the weights to logarithms",
            (("log_joint + np.log(mixture.weights)", "log_joint + mixture.weights"),),
        ),
        Mutant("a sum", "Adds the points up", (("log_density.mean()", "log_density.sum()"),)),
        Mutant("negative", "Gives the negative", (("float(log_density.mean())", "-float(log_density.mean())"),)),
        Mutant(
            "the nearest bell's",
            "the weighted sum of the bells'",
            (("float(log_density.mean())", "float(log_joint.max(axis=1).mean())"),),
        ),
    ),
)
