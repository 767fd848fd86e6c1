"""Exercise: the probability that two of many fall into the same place."""

import math
from fractions import Fraction

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


def exact(items, places):
    """The product in fractions, which loses no digit."""
    apart = Fraction(1)
    for earlier in range(items):
        apart *= Fraction(places - earlier, places)
    return float(1 - apart)


@check("finite")
def more_items_than_places(mine):
    """Stumbles where there are more items than places: then two are in one place for certain, probability 1."""
    for items, places in ((3, 2), (9, 3), (400, 365)):
        same(mine(items, places), 1.0)


@check("invariant")
def alone_there_is_no_collision(mine):
    """One item, or none, collides with nothing: probability 0."""
    for items in (1, 0):
        same(mine(items, 365), 0.0, atol=0)


@check("values")
def two_items(mine):
    """Two items are in one place with probability 1/N."""
    mistakes = {
        "Gives the probability that all are apart: 1 minus that is asked for.": 0.75,
        "Counts one item too many: the first is never in anybody's way, so the factors are for 1 to n - 1.": exact(
            3, 4
        ),
        "Gives the approximation 1 - exp(-pairs / N): multiply the exact factors 1 - i/N.": 1 - math.exp(-1 / 4),
        "Divides n by N: that is the share of places that are taken.": 0.5,
        "Asks for one given item's collision: any two may meet, so there are n(n - 1)/2 pairs.": 1 - 0.75**2,
    }
    same(mine(2, 4), 0.25, mistakes=mistakes)


@check("values")
def twenty_three_people(mine):
    """Differs from 1 - (1 - 1/N)(1 - 2/N) ... (1 - (n - 1)/N)."""
    for items, places in ((3, 4), (23, 365), (5, 5)):
        mistakes = {
            "Takes each factor for 1 - 1/N: the later an item comes, the more places are taken.": 1
            - (1 - 1 / places) ** (items - 1),
            "Takes pairs for independent: (1 - 1/N) to the number of pairs is only near.": 1
            - (1 - 1 / places) ** (items * (items - 1) // 2),
            "Adds the pairs' probabilities up: n(n - 1)/2N counts some collisions twice.": items
            * (items - 1)
            / 2
            / places,
        }
        same(mine(items, places), exact(items, places), rtol=1e-9, mistakes=mistakes)


@check("values")
def hashes_of_64_bits(mine):
    """Loses its digits where the probability is tiny: 1 - (a product near 1) is 0. Sum log1p(-i/N) and take -expm1 of it."""
    for items, places in ((2, 2**64), (1000, 2**64)):
        expected = items * (items - 1) / 2 / places
        that(abs((got := mine(items, places)) / expected - 1) < 1e-6, expected=f"{expected:.6g}", got=f"{got:.6g}")


@check("speed")
def a_million_documents(mine):
    """Is far slower than the reference: NumPy makes and sums all factors at once."""
    from groundup.foundations.discrete.combinatorics import birthday_collision

    fast(mine, birthday_collision, (20_000, 2**32), times=10)


PRODUCT = "0.0 - np.expm1(np.log1p(-earlier).sum())"

EXERCISE = Exercise(
    slot="foundations.discrete.birthday_collision",
    title="The birthday bound: when two hashes collide",
    task="""
    n documents get a hash each, one of N numbers. How likely is it that two get the same? The first has all places free, the second avoids it
    with probability 1 - 1/N, the third avoids both with 1 - 2/N, and so on: 1 - (1 - 1/N)(1 - 2/N) ... (1 - (n - 1)/N). With 23 people
    two share a birthday more likely than not, and 77,000 documents are enough for 32 bits of hash.

    Give this probability as a float; it is 1 if there are more items than places. For 64 bits it is about 1e-14, and 1 minus a product so
    near 1 has no digit left: sum the logarithms, log1p(-i/N), and use expm1 for the way back.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.discrete.combinatorics",),
    hints=(
        "np.arange(1, items) / places are the i/N of all factors; for one item there is none, and the empty product is 1.",
        "log1p(x) is log(1 + x) and expm1(y) is exp(y) - 1, both exact for tiny numbers. 1 - exp(y) is -expm1(y).",
        "if items > places: return 1.0; then float(0.0 - np.expm1(np.log1p(-earlier).sum())).",
    ),
    run="groundup --mine my learn lesson foundations.discrete.combinatorics",
    checks=(
        more_items_than_places,
        alone_there_is_no_collision,
        two_items,
        twenty_three_people,
        hashes_of_64_bits,
        a_million_documents,
    ),
    mutants=(
        Mutant(
            "more than places forgotten",
            "Stumbles where there are more items",
            (("if items > places:", "if False:"),),
        ),
        Mutant("apart", "One item, or none, collides with nothing", ((PRODUCT, "np.exp(np.log1p(-earlier).sum())"),)),
        Mutant(
            "apart, guarded",
            "Gives the probability that all are apart",
            ((PRODUCT, "np.exp(np.log1p(-earlier).sum()) if items > 1 else 0"),),
        ),
        Mutant(
            "one too many",
            "Counts one item too many",
            (("np.arange(1, items)", "np.arange(1, items + (1 < items < places))"),),
        ),
        Mutant(
            "approximated", "Gives the approximation", ((PRODUCT, "1 - np.exp(-items * (items - 1) / 2 / places)"),)
        ),
        Mutant("the share taken", "Divides n by N", ((PRODUCT, "items / places if items > 1 else 0"),)),
        Mutant(
            "one factor for all",
            "Takes each factor for 1 - 1/N",
            ((PRODUCT, "1 - (1 - 1 / places) ** max(items - 1, 0)"),),
        ),
        Mutant(
            "independent pairs",
            "Takes pairs for independent",
            ((PRODUCT, "1 - (1 - 1 / places) ** (items * (items - 1) // 2)"),),
        ),
        Mutant(
            "the sum over pairs", "Adds the pairs' probabilities up", ((PRODUCT, "items * (items - 1) / 2 / places"),)
        ),
        Mutant("one minus a product", "Loses its digits", ((PRODUCT, "1 - np.prod(1 - earlier)"),)),
        Mutant(
            "a loop over items",
            "far slower than the reference",
            source="""
            import math


            def birthday_collision(items, places):
                if items > places:
                    return 1.0
                return 0.0 - math.expm1(sum(math.log1p(-earlier / places) + 0 * math.sin(earlier) * math.cos(earlier) for earlier in range(1, items)))
            """,
        ),
    ),
)
