"""Exercise: the best size and tokens for a budget."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def terms(size, tokens, A, B, alpha, beta):
    """What can be mended of the loss."""
    return A / size**alpha + B / tokens**beta


@check("shape")
def two_numbers_come_back(mine):
    """Does not give back two numbers, size and tokens."""
    got = mine(6e6, 1.0, 1.0, 0.5, 0.5)
    that(isinstance(got, tuple) and len(got) == 2, expected="(size, tokens)", got=got)


@check("invariant")
def the_budget_is_spent_and_not_more(mine):
    """Does not spend the budget: 6 size tokens must be flops."""
    for flops in (6e6, 1e12, 5.76e23):
        size, tokens = mine(flops, 482.0, 2085.0, 0.35, 0.37)
        same(
            6 * size * tokens / flops,
            1.0,
            mistakes={"Leaves out the 6: a token costs 6 operations a parameter, so size * tokens = flops / 6.": 6.0},
        )


@check("values")
def equal_terms_share_equally(mine):
    """Is not 1,000 and 1,000 for 6e6 operations and two equal terms."""
    size, tokens = mine(6e6, 1.0, 1.0, 0.5, 0.5)
    same((size, tokens), (1000.0, 1000.0))


@check("values")
def a_larger_factor_wants_more(mine):
    """Is not 4,000 where A is four times B and both exponents are 0.5."""
    mistakes = {
        "Gives size and tokens in each other's place, or turns the ratio round: the larger A, the larger the model.": 250.0,
        "Takes the root of the ratio: the power is 1 / (alpha + beta).": 2000.0,
        "Leaves out the ratio G: it only is 1 where both terms are alike.": 1000.0,
    }
    same(mine(6e6, 4.0, 1.0, 0.5, 0.5)[0], 4000.0, mistakes=mistakes)


@check("values")
def the_exponents_are_in_the_ratio(mine):
    """Leaves the exponents out of the ratio: G is alpha A / (beta B), raised to 1 / (alpha + beta)."""
    size, _ = mine(6.0, 1.0, 1.0, 0.8, 0.2)
    mistakes = {
        "Leaves the exponents out of the ratio: G is alpha A / (beta B).": 1.0,
        "Divides beta by alpha in the ratio: it is alpha A / (beta B).": 0.25,
    }
    same(size, 4.0, mistakes=mistakes)


@check("values")
def the_smaller_exponent_gets_more_of_the_growth(mine):
    """Grows with the wrong power: size goes with (flops / 6)^(beta / (alpha + beta))."""
    grown = math.log(mine(6e20, 1.0, 1.0, 0.8, 0.2)[0] / mine(6e10, 1.0, 1.0, 0.8, 0.2)[0]) / math.log(1e10)
    mistakes = {
        "Takes alpha / (alpha + beta) for the size: that is the tokens' power.": 0.8,
        "Lets both grow alike whatever the exponents.": 0.5,
    }
    same(grown, 0.2, mistakes=mistakes, rtol=1e-6)


@check("values")
def no_neighbour_is_better(mine):
    """Is not the least: a neighbouring size with the same operations has a lower loss."""
    law = (482.0, 2085.0, 0.35, 0.37)
    for flops in (1e18, 1e22):
        size, tokens = mine(flops, *law)
        here = terms(size, tokens, *law)
        for factor in (0.97, 1.03):
            that(here < terms(size * factor, tokens / factor, *law), expected="the lowest loss", got=(size, tokens))


RATIO = "ratio = (alpha * A / (beta * B)) ** (1 / both)"
SIZE = "size = ratio * (flops / FLOPS) ** (beta / both)"
BACK = "return float(size), float(flops / FLOPS / size)"

EXERCISE = Exercise(
    slot="training.scaling.allocate",
    title="How large a model for a budget",
    task="""
    A model of size N that reads D tokens costs about 6 N D operations and ends at E + A / N^alpha + B / D^beta. Give back the (N, D) with
    6 N D = flops for which the loss is least. Put D = flops / (6 N) in, let the derivative by N be 0:

    N = G (flops / 6)^(beta / (alpha + beta)),   G = (alpha A / (beta B))^(1 / (alpha + beta))

    FLOPS is 6. E has no part in it.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.optimize.lagrange", "training.scaling.power_laws"),
    hints=(
        "With D = flops / (6 N) there is one unknown left. alpha A / N^(alpha + 1) = beta B N^(beta - 1) (6 / flops)^beta.",
        "both = alpha + beta; ratio = (alpha * A / (beta * B)) ** (1 / both); size = ratio * (flops / FLOPS) ** (beta / both).",
        "The tokens are what is left: flops / FLOPS / size.",
    ),
    run="groundup --mine my learn lesson training.scaling.compute_optimal --run",
    checks=(
        two_numbers_come_back,
        the_budget_is_spent_and_not_more,
        equal_terms_share_equally,
        a_larger_factor_wants_more,
        the_exponents_are_in_the_ratio,
        the_smaller_exponent_gets_more_of_the_growth,
        no_neighbour_is_better,
    ),
    mutants=(
        Mutant("one number", "Returns float where tuple is expected", edits=((BACK, "return float(size)"),)),
        Mutant(
            "without the 6",
            "Leaves out the 6",
            edits=((SIZE, SIZE.replace("flops / FLOPS", "flops")), (BACK, "return float(size), float(flops / size)")),
        ),
        Mutant("no ratio", "Leaves out the ratio G", edits=((RATIO, "ratio = 1.0"),)),
        Mutant(
            "turned round", "turns the ratio round", edits=((RATIO, "ratio = (beta * B / (alpha * A)) ** (1 / both)"),)
        ),
        Mutant("a root", "Takes the root of the ratio", edits=((RATIO, "ratio = (alpha * A / (beta * B)) ** 0.5"),)),
        Mutant(
            "bare factors", "Leaves the exponents out of the ratio", edits=((RATIO, "ratio = (A / B) ** (1 / both)"),)
        ),
        Mutant(
            "beta over alpha",
            "Divides beta by alpha",
            edits=((RATIO, "ratio = (beta * A / (alpha * B)) ** (1 / both)"),),
        ),
        Mutant(
            "the tokens' power",
            "that is the tokens' power",
            edits=((SIZE, SIZE.replace("beta / both", "alpha / both")),),
        ),
        Mutant("alike", "grow alike", edits=((SIZE, SIZE.replace("beta / both", "0.5")),)),
    ),
)
