"""Exercise: the logarithm of a sum of exponentials that does not overflow."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape

LOG2, SHIFT = math.log(2), "largest = np.where(np.isfinite(largest), largest, 0.0)"
LARGEST = "largest = z.max(axis=axis, keepdims=True)"


def array(*numbers):
    """Numbers as a float64 array."""
    import numpy as np

    return np.array(numbers, dtype=np.float64)


@check("shape")
def the_axis_goes(mine):
    """The axis that is summed over disappears, and the others stay."""
    import numpy as np

    shape(mine(np.zeros((2, 3))), (2,))
    shape(mine(np.zeros((2, 3)), axis=0), (3,))
    shape(mine(np.zeros((2, 3, 4)), axis=1), (2, 4))


@check("dtype")
def in_double_precision(mine):
    """Computes in another precision than float64."""
    import numpy as np

    dtype(mine(np.zeros((1, 2), np.float32)), np.float64)


@check("finite")
def large_numbers_do_not_overflow(mine):
    """Overflows: exp(710) is too large for float64, so take the largest logit out of the sum first."""
    for row in ((1000.0, 1000.0), (0.0, 1000.0), (-1000.0, -1000.0)):
        finite(mine(array(row)))


@check("finite")
def each_row_has_its_own_largest(mine):
    """Takes one largest number for all rows: the exponentials of a row far below it are all 0."""
    finite(mine(array([1000.0, 1000.0], [-1000.0, -1000.0])))


@check("values")
def equal_logits(mine):
    """Two equal logits sum to that logit and log 2."""
    mistakes = {
        "Forgets to add the largest logit again: log(sum exp(z - m)) is m too small.": LOG2,
        "Gives the largest logit alone: the others add to it.": 3.0,
        "Subtracts the largest logit at the end where it has to be added.": LOG2 - 3.0,
        "Uses logarithms to base 2.": 4.0,
    }
    same(mine(array([3.0, 3.0])), array(3.0 + LOG2), mistakes={said: array(wrong) for said, wrong in mistakes.items()})


@check("values")
def different_logits(mine):
    """Differs from log(exp z1 + exp z2 + ...)."""
    z = array(0.5, -1.0, 2.0)
    right = math.log(sum(map(math.exp, z)))
    same(mine(array(z)), array(right), rtol=1e-12)
    same(mine(array([0.5, -1.0, 2.0], [0.0, 0.0, 0.0])), array(right, math.log(3)), rtol=1e-12)


@check("values")
def along_the_axis_that_is_asked_for(mine):
    """Sums along another axis than the one it is given."""
    import numpy as np

    z = array([0.0, 1.0], [2.0, 3.0])
    same(mine(z, axis=0), np.log(np.exp(z).sum(0)))


@check("values")
def masked_everywhere(mine):
    """Gives NaN for a row of -inf alone: -inf - (-inf) is NaN, so subtract 0 there; the answer is -inf."""
    import numpy as np

    same(mine(array([-np.inf, -np.inf], [-np.inf, 1.0])), array(-np.inf, 1.0))


@check("speed")
def a_vocabulary(mine):
    """Is far slower than the reference: let NumPy go through the rows."""
    import numpy as np

    from groundup.foundations.information.cross_entropy import log_sum_exp

    fast(mine, log_sum_exp, (np.zeros((400, 50)),), times=6)


EXERCISE = Exercise(
    slot="foundations.information.log_sum_exp",
    title="Log-sum-exp: a loss that does not overflow",
    task="""
    The logarithm of a softmax is z minus log(sum of exp z). Written as it stands, it fails for logits of some hundreds: exp(710) is
    more than a float64 can hold. But a number m may be taken out of the sum, log(sum of exp z) = m + log(sum of exp(z - m)). With m the
    largest logit no exponent is above 0 and one is exactly 0, so nothing overflows and the logarithm is never of 0.

    Compute it along one axis, in float64; the axis disappears. A row of -inf (all masked) gives -inf.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.information.cross_entropy",),
    hints=(
        "Each row has its own largest logit; keepdims=True keeps its axis, so that it can be subtracted from the row.",
        "At the end the axis must go: largest.squeeze(axis) has the shape of the sum. Do not forget to add it.",
        "For a row of -inf the largest is -inf, and -inf - (-inf) is NaN: replace it by np.where(np.isfinite(largest), largest, 0.0).",
    ),
    run="groundup --mine my learn lesson foundations.information.cross_entropy",
    checks=(
        the_axis_goes,
        in_double_precision,
        large_numbers_do_not_overflow,
        each_row_has_its_own_largest,
        equal_logits,
        different_logits,
        along_the_axis_that_is_asked_for,
        masked_everywhere,
        a_vocabulary,
    ),
    mutants=(
        Mutant(
            "the axis stays",
            "The axis that is summed over disappears",
            (
                (
                    "return np.log(np.exp(z - largest).sum(axis=axis)) + largest.squeeze(axis)",
                    "return np.log(np.exp(z - largest).sum(axis=axis, keepdims=True)) + largest",
                ),
            ),
        ),
        Mutant(
            "single precision",
            "another precision than float64",
            (("z = np.asarray(logits, np.float64)", "z = np.asarray(logits, np.float32)"),),
        ),
        Mutant("as it stands", "Overflows", ((SHIFT, "largest = np.zeros_like(largest)"),)),
        Mutant(
            "one largest",
            "Takes one largest number for all rows",
            ((SHIFT, "largest = np.full_like(largest, largest.max())"),),
        ),
        Mutant("not added again", "Forgets to add the largest logit", ((" + largest.squeeze(axis)", ""),)),
        Mutant(
            "subtracted at the end",
            "Subtracts the largest logit at the end",
            ((" + largest.squeeze(axis)", " - largest.squeeze(axis)"),),
        ),
        Mutant(
            "the largest alone",
            "Gives the largest logit alone",
            (("np.log(np.exp(z - largest).sum(axis=axis)) + ", "np.zeros_like(largest.squeeze(axis)) + "),),
        ),
        Mutant("base 2", "Uses logarithms to base 2", (("np.log(np.exp", "np.log2(np.exp"),)),
        Mutant(
            "a sum that doubles the largest",
            "Differs from log(exp z1",
            (("np.exp(z - largest).sum(axis=axis)", "(2 * np.exp((z - largest).max(axis=axis)))"),),
        ),
        Mutant(
            "the last axis of a square",
            "Sums along another axis",
            (
                (
                    "z = np.asarray(logits, np.float64)",
                    "z = np.asarray(logits, np.float64)\n    z = z.T if z.shape == (2, 2) and axis == 0 else z",
                ),
            ),
        ),
        Mutant("NaN for masked rows", "Gives NaN for a row of -inf alone", ((SHIFT, "largest = largest + 0.0"),)),
        Mutant(
            "a loop over rows",
            "far slower than the reference",
            source="""
            import math

            import numpy as np


            def log_sum_exp(logits, axis=-1):
                def one(row):
                    largest = max(row)
                    if largest == -math.inf:
                        return largest
                    return largest + math.log(sum(math.exp(number - largest) for number in row))

                z = np.asarray(logits, np.float64)
                return np.apply_along_axis(lambda row: one(row.tolist()), axis, z)
            """,
        ),
    ),
)
