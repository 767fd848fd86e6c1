"""Exercise: the average surprise of a distribution."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that

HALF = "seen * np.log2(seen)"


def nats(p):
    """The entropy by another unit."""
    return -sum(one * math.log(one) for one in p if one)


@check("shape")
def a_table_has_one_entropy(mine):
    """A joint distribution has one entropy for all its numbers together: sum over all of them."""
    that(isinstance(got := mine([[0.25, 0.25], [0.25, 0.25]]), float), expected="one number", got=got)


@check("finite")
def what_never_happens_adds_nothing(mine):
    """Gives NaN where a probability is 0: 0 · log 0 counts as 0, so leave those out before the logarithm."""
    for p in ([1.0, 0.0], [0.5, 0.0, 0.5]):
        that(math.isfinite(got := mine(p)), expected="a number", got=got)


@check("values")
def it_is_exact_for_what_is_certain(mine):
    """Is a little off where a probability is 0: nothing is added to the probabilities, the zeros are left out."""
    same(mine([1.0, 0.0]), 0.0, rtol=0, atol=1e-12)
    same(mine([0.0, 0.5, 0.0, 0.5]), 1.0, rtol=0, atol=1e-12)


@check("values")
def coins_and_dice(mine):
    """Differs from the sum of p · log2(1 / p)."""
    for p, bits in (([0.5, 0.5], 1.0), ([0.25] * 4, 2.0), ([0.5, 0.25, 0.125, 0.125], 1.75)):
        mistakes = {
            "Gives nats: one bit is 0.693 of them, so take the logarithm to base 2.": nats(p),
            "Gives a negative number: the logarithm of a probability is below 0, its surprise is minus that.": -bits,
            "Divides by the number of possibilities: the probabilities are weights enough.": bits / len(p),
            "Does not weigh the surprises: what is seldom surprises much, but seldom.": -sum(map(math.log2, p)),
            "Takes the plain mean of the surprises: weigh each by its probability.": -sum(map(math.log2, p)) / len(p),
            "Gives the largest surprise instead of the average one.": -math.log2(min(p)),
        }
        same(mine(p), bits, mistakes={said: wrong for said, wrong in mistakes.items() if abs(wrong - bits) > 1e-3})


@check("values")
def a_biased_coin(mine):
    """Differs for a coin that falls on one side nine times in ten: 0.469 bits."""
    same(mine([0.9, 0.1]), 0.46899559358928133, rtol=1e-12)


@check("speed")
def a_whole_vocabulary(mine):
    """Is far slower than the reference: NumPy takes all logarithms at once, without a Python loop."""
    import numpy

    from groundup.foundations.information.entropy import entropy

    fast(mine, entropy, (numpy.full(40_000, 1 / 40_000),))


EXERCISE = Exercise(
    slot="foundations.information.entropy",
    title="Entropy: how surprised one is on average",
    task="""
    That something of probability p happens is a surprise of log2(1 / p) bits: one bit for a coin, three for one of eight
    horses, none for what is certain. The entropy is the average surprise, H = -sum of p · log2 p. It says how many bits
    a symbol costs at least, whoever encodes it, and so how low the loss of any language model can go.

    You get probabilities as a list or an array of any shape; `distribution` checks them and gives a float64 array. Give
    the entropy of all of them in bits, as a float.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.information.entropy",),
    hints=(
        "One multiplication, one sum, one minus. What could go wrong is a probability of 0: what does its logarithm do?",
        "p log p goes to 0 as p does. Choose the probabilities above 0 first, p[p > 0], and the rest never reaches the logarithm.",
        "seen = p[p > 0]; then float(-(seen * np.log2(seen)).sum()).",
    ),
    run="groundup --mine my learn lesson foundations.information.entropy",
    checks=(
        a_table_has_one_entropy,
        what_never_happens_adds_nothing,
        coins_and_dice,
        a_biased_coin,
        it_is_exact_for_what_is_certain,
        a_whole_vocabulary,
    ),
    mutants=(
        Mutant(
            "of each row",
            "Returns ndarray where float is expected",
            (("float(0.0 - (seen * np.log2(seen)).sum())", "-(p * np.log2(p)).sum(-1)"),),
        ),
        Mutant("zeros kept", "Gives NaN where a probability is 0", (("seen = p[p > 0]", "seen = p"),)),
        Mutant("a little added", "Is a little off where", (("seen = p[p > 0]", "seen = p + 1e-9"),)),
        Mutant("nats", "Gives nats", ((HALF, "seen * np.log(seen)"),)),
        Mutant("negative", "Gives a negative number", (("0.0 - (", "("),)),
        Mutant("a mean", "Divides by the number of possibilities", ((f"({HALF}).sum()", f"({HALF}).mean()"),)),
        Mutant("without weights", "Does not weigh the surprises", ((f"({HALF}).sum()", "np.log2(seen).sum()"),)),
        Mutant("the largest", "Gives the largest surprise", ((f"({HALF}).sum()", "np.log2(seen).min()"),)),
        Mutant("the smallest", "Differs from the sum of p", ((f"({HALF}).sum()", "np.log2(seen).max()"),)),
        Mutant(
            "three digits",
            "falls on one side nine times in ten",
            (("float(0.0 - (seen * np.log2(seen)).sum())", "round(float(0.0 - (seen * np.log2(seen)).sum()), 3)"),),
        ),
        Mutant(
            "a loop over the vocabulary",
            "far slower than the reference",
            (("(seen * np.log2(seen)).sum()", "sum(float(one) * np.log2(one) for one in seen)"),),
        ),
    ),
)
