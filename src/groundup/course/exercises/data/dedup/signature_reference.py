"""Exercise: the MinHash signature of a text's shingles."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape, that

WRAP = 1 << 32


def arrays(*lists):
    """Lists of numbers as the function gets them."""
    import numpy

    return [numpy.array(numbers, dtype=numpy.uint32) for numbers in lists]


def by_hand(shingles, factors, summands):
    """Each order by itself, in whole numbers."""
    return [min((a * x + b) % WRAP for x in shingles) for a, b in zip(factors, summands, strict=True)]


@check("shape")
def a_place_for_every_order(mine):
    """Gives something else than one place for every order."""
    shape(mine(*arrays([4, 9, 2], [1, 3], [0, 5])), (2,))
    shape(mine(*arrays([4], [1, 3, 5], [0, 5, 1])), (3,))


@check("dtype")
def numbers_of_32_bits(mine):
    """Gives another dtype than uint32: 2^32 places are all that a shingle can have."""
    import numpy

    for shingles in ([4, 9], []):
        dtype(mine(*arrays(shingles, [1, 3], [0, 5])), numpy.dtype("uint32"))


@check("invariant")
def how_often_and_where_do_not_matter(mine):
    """Changes when a shingle comes twice, or in another order: a text is the set of its shingles."""
    once = mine(*arrays([8, 3, 11], [5, 7], [1, 2]))
    that((once == mine(*arrays([11, 3, 8, 3, 3], [5, 7], [1, 2]))).all(), expected="the same signature", got=once)


@check("invariant")
def equal_places_are_as_many_as_shared_shingles(mine):
    """Equal places do not estimate how much two sets share."""
    import numpy

    draw = numpy.random.default_rng(2)
    values = draw.integers(0, WRAP, 90, dtype=numpy.uint32)
    factors, summands = draw.integers(0, WRAP, (2, 2000), dtype=numpy.uint32)
    one = mine(values[:60], factors | 1, summands)
    other = mine(values[30:], factors | 1, summands)
    part = float((numpy.asarray(one) == numpy.asarray(other)).mean())
    that(0.27 < part < 0.4, expected="about a third: 30 of 90 shingles are shared", got=part)


@check("values")
def of_no_shingle_the_largest(mine):
    """Of no shingle the signature is not 2^32 - 1 everywhere, the value that any shingle beats."""
    same(mine(*arrays([], [1, 3], [0, 5])).tolist(), [WRAP - 1] * 2)


@check("values")
def orders_by_hand(mine):
    """Differs from the smallest of factor x + summand over the shingles x."""
    import numpy

    numpy.seterr(over="ignore")
    for case in (([5, 7], [1, 3], [0, 1]), ([10, 2, 6], [3, 1, 9], [4, 0, 7])):
        shingles, factors, summands = case
        mistakes = {
            "Takes the largest value of each order.": [
                max(a * x + b for x in shingles) for a, b in zip(factors, summands, strict=True)
            ],
            "Leaves the summands out: then a shingle of 0 comes first in every order.": [
                min(a * x for x in shingles) for a in factors
            ],
            "Takes the smallest over the orders instead of over the shingles.": [
                min(a * x + b for a, b in zip(factors, summands, strict=True)) for x in shingles
            ],
        }
        same(numpy.asarray(mine(*arrays(*case))).tolist(), by_hand(*case), mistakes=mistakes)


@check("values")
def it_wraps_at_32_bits(mine):
    """Does not wrap at 2^32: what is too large loses its upper bits, which is what mixes the order."""
    case = ([WRAP - 1, 3_000_000_000], [2_654_435_769, 3], [5, WRAP - 2])
    same([int(value) for value in mine(*arrays(*case))], by_hand(*case))


EXERCISE = Exercise(
    slot="data.dedup.signature_reference",
    title="MinHash: who comes first under k orders",
    task="""
    A text is a set of shingles, hashed to 32 bits. A factor (odd) and a summand put all 2^32 possible shingles into
    another order: x goes to factor x + summand, modulo 2^32. The signature holds, for each order, the smallest value
    that one of the text's shingles goes to. Two texts agree in a place with the probability of their Jaccard index.
    All arrays are uint32, in which NumPy wraps by itself. Of a text without a shingle every place is 2^32 - 1.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("data.dedup.minhash",),
    hints=(
        "A table with a row for each order and a column for each shingle holds all that is needed.",
        "factors[:, None] * shingles[None, :] is that table without the summands.",
        "Take the minimum along axis 1. np.full(len(factors), 2**32 - 1, dtype=np.uint32) where there is no column.",
    ),
    run="groundup --mine my learn lesson data.dedup.minhash --run",
    checks=(
        a_place_for_every_order,
        numbers_of_32_bits,
        how_often_and_where_do_not_matter,
        equal_places_are_as_many_as_shared_shingles,
        of_no_shingle_the_largest,
        orders_by_hand,
        it_wraps_at_32_bits,
    ),
    mutants=(
        Mutant(
            "over the orders",
            "one place for every order",
            ((".min(axis=1)", ".min(axis=0)"),),
        ),
        Mutant("as 64 bits", "another dtype than uint32", ((".min(axis=1)", ".min(axis=1).astype(np.int64)"),)),
        Mutant("the sum of all", "when a shingle comes twice", ((".min(axis=1)", ".sum(axis=1, dtype=np.uint32)"),)),
        Mutant(
            "one order for all",
            "do not estimate how much",
            (
                (
                    "(factors[:, None] * shingles[None, :] + summands[:, None])",
                    "(factors[:1, None] * shingles[None, :] + summands[:1, None] + 0 * factors[:, None])",
                ),
            ),
        ),
        Mutant("zero of none", "is not 2^32 - 1 everywhere", (("EMPTY, dtype", "0, dtype"),)),
        Mutant("the largest", "Takes the largest value", ((".min(axis=1)", ".max(axis=1)"),)),
        Mutant("no summands", "Leaves the summands out", ((" + summands[:, None]", ""),)),
        Mutant(
            "modulo a prime",
            "Does not wrap at 2^32",
            (
                (
                    "(factors[:, None] * shingles[None, :] + summands[:, None]).min(axis=1)",
                    "((factors.astype(object)[:, None] * shingles.astype(object)[None, :] + summands.astype(object)[:, None])"
                    " % 4294967291).min(axis=1).astype(np.uint32)",
                ),
            ),
        ),
    ),
)
