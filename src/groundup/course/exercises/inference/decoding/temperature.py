"""Exercise: sharpen or flatten a distribution before the draw."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape, that


def row(*numbers):
    """One row of logits."""
    import torch

    return torch.tensor([numbers])


@check("shape")
def the_shape_stays(mine):
    """Gives another shape than that of the logits: every token of every row has its logit."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(0, 1, rows * vocab).reshape(rows, vocab), 2.0), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(torch.tensor([[2.0, 1.0]], dtype=kind), 0.5), kind)


@check("finite")
def large_logits_do_not_overflow(mine):
    """Overflows for large logits: no exp is needed here, the softmax comes later."""
    for size in (10.0, 100.0, 1000.0):
        finite(mine(row(size, -size), 0.5))


@check("invariant")
def a_degree_of_one_changes_nothing(mine):
    """Changes the logits at temperature 1: that is the model's own distribution."""
    mistakes = {
        "Gives back probabilities: the filters and the draw that follow want logits, and take the softmax themselves.": row(
            1.0, 0.0
        ).softmax(1)
    }
    same(mine(row(1.0, 0.0), 1.0), row(1.0, 0.0), mistakes=mistakes)
    same(mine(row(-2.0, 3.0, 0.5), 1.0), row(-2.0, 3.0, 0.5))


@check("invariant")
def a_dropped_token_stays_dropped(mine):
    """Lets a token back in that may not be chosen: the logit -inf must stay -inf at every temperature."""
    for degree in (0.5, 2.0):
        got = mine(row(1.0, -math.inf), degree)
        that(got[0, 1] == -math.inf, expected="-inf for token 1", got=got)


@check("invariant")
def the_likeliest_stays_the_likeliest(mine):
    """Changes the order of the tokens: at every temperature the likeliest stays the likeliest."""
    for degree in (0.1, 0.5, 2.0, 10.0):
        got = mine(row(-1.0, 0.5), degree)
        that(got[0, 1] > got[0, 0], expected="token 1 before token 0", got=got)


@check("values")
def below_one_sharpens(mine):
    """Differs from the logits divided by the temperature."""
    mistakes = {
        "Multiplies where it should divide: below 1 the differences between logits grow.": row(1.0, 0.5),
        "Divides by the square of the temperature: the temperature itself is the divisor.": row(8.0, 4.0),
        "Divides by the root of the temperature: the temperature itself is the divisor.": row(2.0 * 2**0.5, 2**0.5),
        "Changes nothing below 1: a temperature of 0.5 doubles the differences between logits.": row(2.0, 1.0),
    }
    same(mine(row(2.0, 1.0), 0.5), row(4.0, 2.0), mistakes=mistakes)


@check("values")
def above_one_flattens(mine):
    """Does not flatten above 1: a temperature of 2 halves the differences between logits."""
    same(mine(row(2.0, 1.0), 2.0), row(1.0, 0.5))


@check("values")
def negative_logits_alike(mine):
    """Treats negative logits otherwise than positive ones: only differences between logits count, so divide all alike."""
    same(mine(row(-2.0, 1.0), 0.5), row(-4.0, 2.0))
    same(mine(row(-2.0, -1.0, 0.0), 2.0), row(-1.0, -0.5, 0.0))


@check("values")
def odds_are_raised_to_one_over_the_degree(mine):
    """The odds of two tokens are not raised to the power 1 / temperature: 4 to 1 must be 16 to 1 at 0.5, and 2 to 1 at 2."""
    import torch

    for degree in (0.25, 0.5, 2.0, 4.0):
        probabilities = torch.softmax(mine(row(math.log(4.0), 0.0), degree), dim=1)
        odds = 4.0 ** (1 / degree)
        same(probabilities, row(odds / (odds + 1), 1 / (odds + 1)))


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: the logits of one row have nothing to do with those of another."""
    import torch

    same(mine(torch.tensor([[1.0, 3.0], [8.0, -2.0]]), 2.0), torch.tensor([[0.5, 1.5], [4.0, -1.0]]))


@check("speed")
def all_logits_at_once(mine):
    """Is far slower than the reference: one division for all rows and tokens, no loop in Python."""
    import torch

    from groundup.inference.decoding.sampling import temperature

    fast(mine, temperature, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)), 0.7))


EXERCISE = Exercise(
    slot="inference.decoding.temperature",
    title="Temperature: how daring a draw is",
    task="""
    A model gives every next token a logit; softmax makes probabilities of them, and one is drawn. Dividing the logits by a
    temperature first decides how daring the draw is: below 1 the differences grow and the likeliest tokens take nearly
    all, above 1 they shrink and unlikely tokens get their chance. The odds of two tokens are raised to the power
    1 / temperature. Give back logits, not probabilities: more filters follow. (A temperature of 0 never arrives here: it
    means to take the likeliest token.)
    """,
    difficulty=1,
    minutes=5,
    prerequisites=("inference.decoding",),
    hints=(
        "What happens to exp(a) / exp(b) when both a and b are doubled? That is what a temperature of 0.5 does.",
        "No softmax is needed, nor a case for above and below 1: it is one operation on the whole tensor.",
        "The function is one line: the logits divided by the degree.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 0.5",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        large_logits_do_not_overflow,
        a_degree_of_one_changes_nothing,
        the_likeliest_stays_the_likeliest,
        a_dropped_token_stays_dropped,
        below_one_sharpens,
        above_one_flattens,
        negative_logits_alike,
        odds_are_raised_to_one_over_the_degree,
        every_row_is_its_own,
        all_logits_at_once,
    ),
    mutants=(
        Mutant("multiplied", "Multiplies where it should divide", (("logits / degree", "logits * degree"),)),
        Mutant("squared", "square of the temperature", (("logits / degree", "logits / degree**2"),)),
        Mutant("its root", "root of the temperature", (("logits / degree", "logits / degree**0.5"),)),
        Mutant("only above 1", "Changes nothing below 1", (("logits / degree", "logits / max(degree, 1.0)"),)),
        Mutant("only below 1", "Does not flatten above 1", (("logits / degree", "logits / min(degree, 1.0)"),)),
        Mutant(
            "probabilities given back",
            "Gives back probabilities",
            (("logits / degree", "(logits / degree).softmax(1).clamp(min=0)"),),
        ),
        Mutant(
            "exp of the logits",
            "Overflows for large logits",
            (("logits / degree", "(logits.exp() ** (1 / degree)).log()"),),
        ),
        Mutant(
            "negative logits multiplied",
            "Treats negative logits otherwise",
            (("logits / degree", "logits.relu() / degree - (-logits).relu() * degree"),),
        ),
        Mutant("subtracted", "Changes the logits at temperature 1", (("logits / degree", "logits - degree"),)),
        Mutant(
            "infinities tamed",
            "Lets a token back in",
            (("logits / degree", "logits.clamp(min=-1e4) / degree"),),
        ),
        Mutant(
            "turned round",
            "Changes the order",
            (("logits / degree", "logits / degree if degree == 1 else -logits / degree"),),
        ),
        Mutant(
            "the mean of the batch taken away",
            "Mixes the rows",
            (("logits / degree", "(logits + (logits.mean(0) - logits if len(logits) > 1 else 0)) / degree"),),
        ),
        Mutant("in place", "Changes its argument logits in place", (("logits / degree", "logits.div_(degree)"),)),
        Mutant("double inside", "Gives back another dtype", (("logits / degree", "logits.double() / degree"),)),
        Mutant("one row flat", "Gives another shape", (("logits / degree", "(logits / degree).flatten()"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def temperature(logits, degree):
                rows = [[number / degree for number in row] for row in logits.tolist()]
                return torch.tensor(rows, dtype=logits.dtype)
            """,
        ),
    ),
)
