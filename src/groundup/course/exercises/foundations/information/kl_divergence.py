"""Exercise: what believing the wrong probabilities costs."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

P, Q = [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]
BITS = "(p[seen] * (np.log2(p[seen]) - np.log2(q[seen]))).sum()"


@check("finite")
def what_never_happens_costs_nothing(mine):
    """Gives NaN where the first probability is 0: what never happens costs nothing, so leave it out before the logarithm."""
    that(not math.isnan(got := mine([1.0, 0.0], [0.5, 0.5])), expected="1", got=got)
    that(not math.isnan(got := mine([1.0, 0.0], [1.0, 0.0])), expected="0", got=got)


@check("invariant")
def the_same_costs_nothing(mine):
    """Gives something for two equal distributions: their logarithms cancel."""
    for p in ([1.0], [0.5, 0.5], [0.9, 0.1]):
        same(mine(p, p), 0.0, rtol=0, atol=1e-12)


@check("invariant")
def rounding_leaves_no_minus(mine):
    """Gives a negative number: rounding may leave -1e-17, so return the larger of it and 0."""
    import numpy as np

    for seed in range(40):
        p = np.random.default_rng(seed).dirichlet(np.ones(5))
        q = p * (1 + 1e-16 * np.arange(5))
        q[0] += 1e-13
        that((got := mine(p, q)) >= 0, expected="0 or more", got=got)


@check("values")
def who_believes_in_a_coin(mine):
    """Believing in a fair coin costs a whole bit where only heads come."""
    mistakes = {
        "Gives nats: take logarithms to base 2.": math.log(2),
        "Is infinite: what the truth excludes costs nothing; only what the model excludes does.": math.inf,
    }
    same(mine([1.0, 0.0], [0.5, 0.5]), 1.0, mistakes=mistakes)


@check("values")
def the_direction_counts(mine):
    """Differs from the sum of p · log2(p / q)."""
    p, q = [0.75, 0.25], [0.5, 0.5]
    forward = 0.75 * math.log2(1.5) + 0.25 * math.log2(0.5)
    backward = 0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)
    mistakes = {
        "Exchanges the two: the truth, the first, gives the weights and stands above.": backward,
        "Takes both directions and their mean: D(p || q) alone is asked for.": (forward + backward) / 2,
        "Divides by the number of possibilities: the probabilities are weights enough.": forward / 2,
        "Sums the sizes of the terms: a term may be negative, only the sum may not.": 0.75 * math.log2(1.5) + 0.25,
        "Weighs by the second distribution: how often something happens is said by the truth.": 0.5 * math.log2(1.5)
        - 0.5,
        "Turns the quotient over: p stands above q.": -forward,
    }
    same(mine(p, q), forward, mistakes=mistakes)
    same(mine(P, Q), 0.25)


@check("values")
def what_the_model_excludes_and_happens(mine):
    """Is finite where something happens that the model excludes: no number of bits is enough for it, so inf."""
    same(mine([0.5, 0.5], [1.0, 0.0]), math.inf)


EXERCISE = Exercise(
    slot="foundations.information.kl_divergence",
    title="KL divergence: what a wrong belief costs",
    task="""
    Who believes q pays log2(1 / q) bits for what happens, where log2(1 / p) would be enough. On average over what
    really happens the difference is D(p || q) = sum of p · log2(p / q), in bits. Training on text makes it small;
    training by rewards holds a model near the one it began as by it.

    `two_distributions` checks both and gives float64 arrays. Where p is 0 nothing is added; where q is 0 and p is not, the
    answer is inf, without a warning. Rounding may leave -1e-17: give 0 for it.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.information.kl", "foundations.information.entropy"),
    hints=(
        "Only places with p > 0 count: choose them first, in both arrays.",
        "The difference of two logarithms does not overflow where the quotient would. np.errstate(divide='ignore') silences log2(0).",
        "seen = p > 0; then max(float((p[seen] * (np.log2(p[seen]) - np.log2(q[seen]))).sum()), 0.0).",
    ),
    run="groundup --mine my learn lesson foundations.information.kl",
    checks=(
        what_never_happens_costs_nothing,
        the_same_costs_nothing,
        rounding_leaves_no_minus,
        who_believes_in_a_coin,
        the_direction_counts,
        what_the_model_excludes_and_happens,
    ),
    mutants=(
        Mutant(
            "zeros kept",
            "Gives NaN where the first probability is 0",
            (
                ("seen = p > 0", "seen = p >= 0"),
                ('np.errstate(divide="ignore")', 'np.errstate(divide="ignore", invalid="ignore")'),
            ),
        ),
        Mutant("cross-entropy", "Gives something for two equal", ((BITS, "(p[seen] * -np.log2(q[seen])).sum()"),)),
        Mutant("minus left", "Gives a negative number", (("max(bits, 0.0)", "bits"),)),
        Mutant("nats", "Gives nats", ((BITS, f"{BITS} * np.log(2)"),)),
        Mutant(
            "exchanged",
            "Is infinite: what the truth excludes",
            (("p, q = two_distributions(truth, model)", "q, p = two_distributions(truth, model)"),),
        ),
        Mutant(
            "exchanged, guarded",
            "Exchanges the two",
            (
                (
                    BITS,
                    "(q[seen] * (np.log2(q[seen]) - np.log2(p[seen]))).sum() if (p > 0).all() and (q > 0).all() else "
                    + BITS,
                ),
            ),
        ),
        Mutant(
            "both directions",
            "Takes both directions",
            (
                (
                    BITS,
                    "((p - q)[seen] * (np.log2(p[seen]) - np.log2(q[seen]))).sum() / 2 if (p > 0).all() and (q > 0).all() else "
                    + BITS,
                ),
            ),
        ),
        Mutant("a mean", "Divides by the number of possibilities", ((BITS, BITS.replace(".sum()", ".mean()")),)),
        Mutant("sizes", "Sums the sizes of the terms", ((BITS, BITS.replace("(p[seen] *", "abs(p[seen] *")),)),
        Mutant(
            "infinity hidden",
            "Is finite where something happens",
            (("np.log2(q[seen])", "np.log2(np.maximum(q[seen], 1e-12))"),),
        ),
    ),
)
