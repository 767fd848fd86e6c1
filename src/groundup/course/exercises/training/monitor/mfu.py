"""Exercise: which part of the machine's best goes into the model."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def the_matrices(mine):
    """Differs from 6 operations a weight and token, over the peak."""
    mistakes = {
        "Counts the way forward alone: 2 operations a weight; the way back needs twice as many again.": 0.2,
        "Counts one operation a weight: each is multiplied and added.": 0.3,
        "Leaves the way forward out: 4 operations a weight are those of the way back.": 0.4,
        "Turns it round: the share is what is done over what could be done.": 1 / 0.6,
    }
    same(mine(100, 0, 8, 1000.0, 1e6), 0.6, mistakes=mistakes)


@check("values")
def attention(mine):
    """Does not count `pair_flops` for each of the seq_len tokens that a token looks at, forward and back."""
    mistakes = {
        "Leaves attention out: looking at a token costs pair_flops.": 0.6,
        "Counts one pair a token: it looks at seq_len tokens.": 0.6 + 3 * 5 * 1e-3,
        "Trains the matrices and not attention, whose products have gradients as well.": 0.6 + 5 * 8 * 1e-3,
        "Doubles the pairs: pair_flops counts operations already.": 0.6 + 2 * 3 * 5 * 8 * 1e-3,
    }
    same(mine(100, 5, 8, 1000.0, 1e6), 0.6 + 3 * 5 * 8 * 1e-3, mistakes=mistakes)


@check("values")
def a_large_model(mine):
    """Differs on a model of 175 billion weights, by PaLM's formula 6 N + 12 L H Q T."""
    layers, width, context, weights = 96, 12288, 2048, 175_000_000_000
    expected = 1000.0 * (6 * weights + 12 * layers * width * context) / 312e12
    same(mine(weights, 4 * layers * width, context, 1000.0, 312e12), expected)


@check("invariant")
def twice_as_fast(mine):
    """Is not twice as large at twice the tokens a second, or half at twice the peak."""
    once = mine(1000, 7, 16, 500.0, 1e8)
    same(mine(1000, 7, 16, 1000.0, 1e8), 2 * once)
    same(mine(1000, 7, 16, 500.0, 2e8), once / 2)


EXERCISE = Exercise(
    slot="training.monitor.mfu",
    title="MFU: how much of the machine goes into the model",
    task="""
    A run trains so many tokens a second. Is that much, for this model on this machine? Count the operations that the model needs for
    a token (every weight of its matrices is multiplied and added; each of the seq_len tokens that it looks at costs pair_flops), three times
    that in training, as every product is made twice more on the way back. Divide what is done in a second by what the machine could do.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.accounting.accounting",),
    hints=(
        "How many operations does one token need on the way forward, and how many in all?",
        "forward = 2 * weights + pair_flops * seq_len; training needs three times as many.",
        "tokens_per_second * 3 * forward / peak_flops",
    ),
    run="groundup --mine my learn lesson training.monitor.monitoring --run",
    checks=(the_matrices, attention, a_large_model, twice_as_fast),
    mutants=(
        Mutant("forward alone", "Counts the way forward alone", (("* 3 * forward", "* forward"),)),
        Mutant("back alone", "Leaves the way forward out", (("* 3 * forward", "* 2 * forward"),)),
        Mutant("one a weight", "Counts one operation a weight", (("2 * weights", "weights"),)),
        Mutant("no attention", "Leaves attention out", ((" + pair_flops * seq_len", ""),)),
        Mutant("one pair", "Counts one pair a token", (("pair_flops * seq_len", "pair_flops"),)),
        Mutant("pairs twice", "Doubles the pairs", (("+ pair_flops", "+ 2 * pair_flops"),)),
        Mutant(
            "attention learns nothing",
            "not attention, whose products",
            (("* 3 * forward", "* (forward + 4 * weights)"),),
        ),
    ),
)
