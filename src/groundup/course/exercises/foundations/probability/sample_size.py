"""Exercise: how many users an A/B test needs."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

HALF, NINETY = 1.959963984540054, 1.2815515655446004  # of the normal: below them lie 97.5% and 90%
EIGHTY, ONE_SIDED = 0.8416212335729143, 1.6448536269514722  # 80% and 95%


def by_formula(p, q, line=HALF, strength=EIGHTY):
    """The formula, before it is rounded up."""
    middle = (p + q) / 2
    noise = line * math.sqrt(2 * middle * (1 - middle)) + strength * math.sqrt(p * (1 - p) + q * (1 - q))
    return noise**2 / (p - q) ** 2


@check("invariant")
def users_are_whole(mine):
    """Gives a fraction of a user, or one too few: round up, since the next smaller number misses the power."""
    for p, q in ((0.1, 0.12), (0.5, 0.6)):
        found = mine(p, q)
        exact = by_formula(p, q)
        that(found != math.floor(exact), expected=f"{exact:.2f}, rounded up", got=found)


@check("invariant")
def both_directions_cost_the_same(mine):
    """Needs another number when baseline and improved change places: the difference is squared."""
    for p, q in ((0.1, 0.12), (0.3, 0.5)):
        same(mine(q, p), mine(p, q))


@check("values")
def ten_to_twelve_percent(mine):
    """From 10% to 12% with a power of 80% are not 3,841 users a variant."""
    mistakes = {
        "Puts all of alpha on one side: a two-sided test leaves alpha / 2 on each, z of 1 - alpha / 2.": math.ceil(
            by_formula(0.1, 0.12, ONE_SIDED)
        ),
        "Forgets the square: n is the sum of both parts, squared, over the squared difference.": math.ceil(
            math.sqrt(by_formula(0.1, 0.12)) / 0.02
        ),
        "Counts both variants together: it is the number for each.": 2 * math.ceil(by_formula(0.1, 0.12)),
        "Takes the z of 1 - power, which is below 0: it is the z of power.": math.ceil(
            by_formula(0.1, 0.12, HALF, -EIGHTY)
        ),
        "Leaves out the power: with z of alpha alone the difference is found in half of the experiments.": math.ceil(
            by_formula(0.1, 0.12, HALF, 0.0)
        ),
        "Takes the noise of one variant only: the difference of two shares has both, 2 p q and p1 q1 + p2 q2.": 1921,
        "Forgets the difference: the noise is divided by its square.": 2,
    }
    same(mine(0.1, 0.12), 3841, mistakes=mistakes)


@check("values")
def alpha_and_power_are_the_callers(mine):
    """Does not follow alpha and power: 50% against 60% at 5% with a power of 90% are 519 users."""
    mistakes = {
        "Uses a power of 80% whatever is asked.": 388,
        "Swaps alpha and power.": math.ceil(by_formula(0.5, 0.6, 0.12566134685507402, -HALF)),
    }
    same(mine(0.5, 0.6, 0.05, 0.9), 519, mistakes=mistakes)
    same(
        mine(0.5, 0.6, 0.01, 0.8),
        math.ceil(by_formula(0.5, 0.6, 2.5758293035489004)),
        "Uses an alpha of 5% whatever is asked.",
    )


@check("values")
def each_root_has_its_own_noise(mine):
    """Uses one noise for both parts: without a difference it is 2 p q of the mean share, with one p1 q1 + p2 q2."""
    for p, q in ((0.05, 0.6), (0.1, 0.9)):
        same(mine(p, q), math.ceil(by_formula(p, q)))


WITHOUT = "math.sqrt(2 * middle * (1 - middle))"
WITH = "math.sqrt(baseline * (1 - baseline) + improved * (1 - improved))"
RETURN = "math.ceil((without + with_effect) ** 2 / (baseline - improved) ** 2)"

EXERCISE = Exercise(
    slot="foundations.probability.sample_size",
    title="How many users an A/B test needs",
    task="""
    10% of the users click; you hope for 12%. With too few users the test will see nothing even if you are right. How
    many does each variant need, so that a two-sided test at alpha finds the difference with the given power (a
    probability, 0.8)?

    n = (z_a sqrt(2 p q) + z_b sqrt(p1 q1 + p2 q2))^2 / (p1 - p2)^2, rounded up

    p1 and p2 are the two shares, p is their mean, and q is always 1 - p. z_a is the z below which 1 - alpha / 2 of the
    normal lies, z_b the one for power. The first root is the noise of the difference if there is none, the second if
    there is.

    normal_quantile(share) is given: the z below which this share lies. check_plan refuses impossible plans; you need
    not call it.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.probability.ab_testing",),
    hints=(
        "Compute the two parts first: normal_quantile(1 - alpha / 2) times the first root, normal_quantile(power) times the second.",
        "The mean share is (baseline + improved) / 2; the first root is math.sqrt(2 * middle * (1 - middle)).",
        "math.ceil((first + second) ** 2 / (baseline - improved) ** 2).",
    ),
    run="groundup --mine my learn lesson foundations.probability.ab_testing",
    checks=(
        users_are_whole,
        both_directions_cost_the_same,
        ten_to_twelve_percent,
        alpha_and_power_are_the_callers,
        each_root_has_its_own_noise,
    ),
    mutants=(
        Mutant(
            "rounded down", "Gives a fraction of a user", edits=((RETURN, RETURN.replace("math.ceil", "math.floor")),)
        ),
        Mutant(
            "the baseline's order",
            "change places",
            edits=(("middle = (baseline + improved) / 2", "middle = baseline"),),
        ),
        Mutant("one-sided", "all of alpha on one side", edits=(("1 - alpha / 2", "1 - alpha"),)),
        Mutant(
            "no square",
            "Forgets the square",
            edits=((RETURN, "math.ceil((without + with_effect) / abs(baseline - improved) / 0.02)"),),
        ),
        Mutant("both variants", "Counts both variants", edits=((RETURN, "2 * " + RETURN),)),
        Mutant("z of the miss", "z of 1 - power", edits=(("normal_quantile(power)", "normal_quantile(1 - power)"),)),
        Mutant("no power", "Leaves out the power", edits=(("(without + with_effect)", "(without)"),)),
        Mutant("always 80%", "a power of 80% whatever", edits=(("normal_quantile(power)", "normal_quantile(0.8)"),)),
        Mutant("always 5%", "an alpha of 5% whatever", edits=(("1 - alpha / 2", "0.975"),)),
        Mutant(
            "one variant's noise",
            "noise of one variant only",
            edits=(
                (WITHOUT, "math.sqrt(middle * (1 - middle))"),
                (WITH, "math.sqrt((baseline * (1 - baseline) + improved * (1 - improved)) / 2)"),
            ),
        ),
        Mutant(
            "one noise",
            "one noise for both",
            edits=(
                (
                    WITH,
                    "(math.sqrt(2 * middle * (1 - middle)) if abs(baseline - improved) > 0.3 else "
                    "math.sqrt(baseline * (1 - baseline) + improved * (1 - improved)))",
                ),
            ),
        ),
    ),
)
