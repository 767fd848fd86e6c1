"""Exercise: the log-sum-exp of a row that is read a tile at a time."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

HIDDEN = -math.inf


def row(*values):
    """Single precision, as logits are."""
    import numpy as np

    return np.array(values, np.float32)


def a_number(got):
    """Fail where a result is infinite or NaN."""
    that(math.isfinite(got), expected="a finite number", got=got)


@check("finite")
def hundreds_do_not_overflow(mine):
    """Overflows: exp(1000) has no float, so take the largest value away first."""
    a_number(mine(row(1000.0, 999.0), 2))
    a_number(mine(row(-1000.0, -1000.0), 1))


@check("finite")
def a_tile_of_hidden_values_first(mine):
    """Gives NaN where the first tile is hidden (-inf): -inf less -inf has no value."""
    a_number(mine(row(HIDDEN, HIDDEN, 1.0, 2.0), 2))


@check("values")
def one_tile(mine):
    """Is not log(sum(exp(values))) in one tile."""
    mistakes = {
        "Forgets to add the largest value back at the end.": math.log(1.5),
        "Gives the sum, not its logarithm.": 1.5,
        "Gives the largest value: the others count too.": math.log(2),
    }
    same(mine(row(math.log(2), 0.0), 4), math.log(3), mistakes=mistakes)


@check("values")
def a_larger_one_comes_later(mine):
    """Does not shrink the sum so far when a larger value comes."""
    mistakes = {
        "Does not shrink the sum so far when a larger value comes: times exp(old - new).": math.log(8),
        "Lets the sum grow by exp(new - old) where it must shrink by exp(old - new).": math.log(4 * (4 + 1)),
        "Forgets the tiles before the last one.": math.log(4),
    }
    same(mine(row(0.0, math.log(4)), 1), math.log(5), mistakes=mistakes)


@check("values")
def a_smaller_one_comes_later(mine):
    """Takes each tile's own maximum for the largest so far: an earlier tile may have held a larger one."""
    same(mine(row(50.0, 0.0, 0.0), 1), 50.0 + 2 * math.exp(-50))
    same(mine(row(3.0, 1.0, 2.0, 0.0), 2), math.log(sum(math.exp(one) for one in (3.0, 1.0, 2.0, 0.0))))


@check("values")
def a_tile_that_is_not_full(mine):
    """Loses the last tile when it is not full."""
    same(mine(row(0.0, 0.0, 0.0), 2), math.log(3), mistakes={"Loses the last tile when it is not full: it counts as well.": math.log(2)})  # fmt: skip


@check("values")
def nothing_but_hidden_values(mine):
    """Is not -inf where every value is -inf."""
    same(mine(row(HIDDEN, HIDDEN), 1), HIDDEN)


@check("values")
def small_ones_add_up(mine):
    """Adds in single precision: ten thousand small terms beside a large one are lost; use float64 for the sum."""
    import numpy as np

    values = np.full(10_001, -17.0, np.float32)
    values[0] = 0.0
    same(mine(values, 7), math.log1p(10_000 * math.exp(-17.0)), rtol=1e-6, atol=1e-9)


SHRUNK = "total * np.exp(largest - new) + np.exp(part - new).sum()"
CUT = "total * np.exp(min(largest - new, 0.0)) + np.exp(part - new).sum()"
SKIP = "        if new == -np.inf:  # nothing yet, and -inf - -inf has no value\n            continue\n"

EXERCISE = Exercise(
    slot="machine.kernels.log_sum_exp_in_tiles",
    title="Log-sum-exp, a tile at a time",
    task="""
    The loss of a token needs log(sum(exp(logits))) over a vocabulary that no core can hold. So it is read a tile at a time, and two numbers
    are kept: the largest value so far, and the sum of exp(value - largest). When a larger value comes, the old sum is too large by
    exp(new - old): it shrinks by exp(old - new). At the end the answer is largest + log(sum).

    values is a vector of float32, tile the numbers read at once. Values may be -inf (hidden); where all are, the answer is -inf.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("model.attention.online_softmax_step",),
    hints=(
        "Begin with largest = -inf and total = 0; values[start : start + tile] may be shorter at the end.",
        "new = max(largest, part.max()); then total = total * exp(largest - new) + sum of exp(part - new).",
        "While new is still -inf there is nothing to add: continue. float64 for the part keeps small terms.",
    ),
    run="groundup --mine my learn lesson machine.kernels.triton.tiles",
    banned=("scipy.special.logsumexp", "torch.logsumexp", "numpy.logaddexp"),
    checks=(
        hundreds_do_not_overflow,
        a_tile_of_hidden_values_first,
        one_tile,
        a_larger_one_comes_later,
        a_smaller_one_comes_later,
        a_tile_that_is_not_full,
        nothing_but_hidden_values,
        small_ones_add_up,
    ),
    mutants=(
        Mutant(
            "without the largest",
            "Overflows",
            source="""
            import numpy as np

            def log_sum_exp_in_tiles(values, tile):
                parts = [np.exp(values[at : at + tile]).sum() for at in range(0, len(values), tile)]
                return float(np.log(sum(parts)))
            """,
        ),
        Mutant("nan", "Gives NaN", ((SKIP, ""),)),
        Mutant("not added back", "add the largest value back", (("float(largest + np.log(total))", "float(np.log(total))"),)),
        Mutant("the sum", "not its logarithm", (("float(largest + np.log(total))", "float(total)"),)),
        Mutant("the largest", "Gives the largest value", (("float(largest + np.log(total))", "float(largest)"),)),
        Mutant("not shrunk", "Does not shrink the sum so far when a larger value comes: times", ((SHRUNK, "total + np.exp(part - new).sum()"),)),
        Mutant("grown", "Lets the sum grow", ((SHRUNK, SHRUNK.replace("largest - new", "new - largest if total else 0.0")),)),
        Mutant("the last alone", "Forgets the tiles before", ((SHRUNK, "np.exp(part - new).sum()"),)),
        Mutant("its own maximum", "each tile's own maximum", (("max(largest, part.max())", "part.max()"), (SHRUNK, CUT))),
        Mutant("whole tiles", "when it is not full: it counts", (("range(0, len(values), tile)", "range(0, max(len(values) - tile + 1, 1), tile)"),)),
        Mutant("zero for nothing", "Is not -inf", (("if total else -np.inf", "if total else 0.0"),)),
        Mutant(
            "single precision",
            "single precision",
            (
                (".astype(np.float64)", ""),
                ("largest, total = -np.inf, 0.0", "largest, total = -np.inf, np.float32(0.0)"),
                (SHRUNK, f"np.float32({SHRUNK})"),
            ),
        ),
    ),
)  # fmt: skip
