"""Exercise: keep the tokens whose surprise is nearest to the expected one."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, that

FIVE = [
    0.4,
    0.3,
    0.15,
    0.1,
    0.05,
]  # surprises 0.92 1.20 1.90 2.30 3.00, entropy 1.39 nats: 0.3 is nearest, then 0.4, then 0.15


def logits_of(probabilities):
    """One row of logits with these probabilities."""
    import torch

    return torch.tensor([probabilities]).log()


def kept(narrowed):
    """Which tokens may still be chosen, as lists of ids."""
    return [[place for place, number in enumerate(numbers) if number > -math.inf] for numbers in narrowed.tolist()]


def by_hand(logits, p):
    """The ids that stay, in plain Python: the nearest to the entropy until their sum reaches p."""
    stay = []
    for numbers in logits.double().tolist():
        whole = sum(math.exp(number) for number in numbers)
        likely = [math.exp(number) / whole for number in numbers]
        entropy = -sum(one * math.log(one) for one in likely)
        ids, mass = [], 0.0
        for place in sorted(range(len(likely)), key=lambda place: abs(-math.log(likely[place]) - entropy)):
            if mass < p:
                ids.append(place)
            mass += likely[place]
        stay.append(sorted(ids))
    return stay


@check("shape")
def the_shape_stays(mine):
    """Gives back only the tokens that are kept; keep every place, and write -inf where a token is dropped."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(0, 9, rows * vocab).reshape(rows, vocab), 0.5), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[2.0, 1.0, 0.0]], dtype=kind), 0.5), kind)


@check("invariant")
def something_is_always_kept(mine):
    """Leaves no token to choose: the one that crosses p belongs to those that are kept, so there is always one."""
    for p in (0.01, 0.2, 0.9):
        that(kept(mine(logits_of(FIVE), p))[0], expected="one token at least", got="nothing is kept")


@check("invariant")
def kept_logits_are_untouched(mine):
    """Changes the logits that are kept; they pass as they came."""
    import torch

    logits = torch.tensor([[1.0, 3.0, 2.0]])
    got = mine(logits, 0.6)
    same(torch.where(torch.isinf(got), logits, got), logits)


@check("values")
def the_entropy_is_the_measure(mine):
    """Keeps other tokens than those whose surprise -log p is nearest to the entropy."""
    mistakes = {
        "Takes the likeliest first, as top-p does: the first is the one whose surprise is nearest to the entropy.": [
            [0]
        ],
        "Takes the entropy in bits and the surprise in nats: both need the same logarithm.": [[2]],
        "Takes the least typical first: sort by the distance from the entropy, smallest first.": [[4]],
    }
    same(kept(mine(logits_of(FIVE), 0.03)), [[1]], mistakes=mistakes)


@check("values")
def the_one_that_crosses_is_kept(mine):
    """Drops the token with which the sum passes p: a token stays while the sum before it is below p."""
    same(kept(mine(logits_of(FIVE), 0.5)), [[0, 1]])
    same(kept(mine(logits_of(FIVE), 0.75)), [[0, 1, 2]])


@check("values")
def the_entropy_is_in_the_unit_of_the_surprise(mine):
    """Draws the line elsewhere than by |-log p - entropy|: both in nats, the distance on either side."""
    same(kept(mine(logits_of([0.7, 0.1, 0.1, 0.06, 0.04]), 0.3)), [[0]])
    same(kept(mine(logits_of([0.5, 0.26, 0.14, 0.07, 0.03]), 0.2)), [[1]])


@check("values")
def what_was_dropped_before_stays_dropped(mine):
    """Stumbles over a token that an earlier filter dropped: its logit is -inf, and 0 times -inf is NaN; count its share of the entropy as 0."""
    import torch

    same(kept(mine(torch.tensor([[-math.inf, 2.0, 3.0, -math.inf]]), 0.7)), [[2]])


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each has an entropy of its own."""
    import torch

    logits = torch.cat([logits_of(FIVE), logits_of([0.96, 0.01, 0.01, 0.01, 0.01])])
    same(kept(mine(logits, 0.35)), [[0, 1], [0]])


@check("values")
def as_by_hand_on_random_logits(mine):
    """Differs from the definition on random logits; compute entropy, distances and sums by hand for one row."""
    import torch

    source = torch.Generator().manual_seed(3)
    for vocab in (3, 8, 12):
        logits = 2 * torch.randn(2, vocab, generator=source)
        for p in (0.1, 0.5, 0.9):
            same(kept(mine(logits, p)), by_hand(logits, p))


@check("speed")
def a_vocabulary_is_narrowed_at_once(mine):
    """Is far slower than the reference: one sort for all rows in place of a Python loop over tokens."""
    import torch

    from groundup.inference.decoding.sampling import typical_p

    fast(mine, typical_p, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)), 0.5))


EXERCISE = Exercise(
    slot="inference.decoding.typical_p",
    title="Typical sampling: neither the obvious nor the absurd",
    task="""
    People do not write the likeliest word each time: a text carries about as much information a word as its readers
    expect. How surprising a token is, -log p, has a mean: the entropy of the distribution. Typical sampling sorts the
    tokens by how far their surprise is from the entropy, nearest first, and keeps them until their probabilities sum to p,
    the one that crosses included; all others get the logit -inf. The likeliest token may go as well. Of tokens that are
    equally near, the lower id comes first.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("inference.decoding",),
    hints=(
        "Log-probabilities by torch.log_softmax, probabilities by exp; the entropy is minus the sum of p log p, where a p of 0 "
        "counts 0.",
        "Sort |log p + entropy| with stable=True, bring the probabilities into that order with gather, and take cumsum minus the "
        "probability itself: the mass before each token.",
        "Drop where the mass before is at least p, never the first; scatter brings these marks back to the places of the tokens. "
        "torch.special.entr(p) is -p log p with 0 at 0.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --typical-p 0.5",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        something_is_always_kept,
        kept_logits_are_untouched,
        the_entropy_is_the_measure,
        the_one_that_crosses_is_kept,
        the_entropy_is_in_the_unit_of_the_surprise,
        what_was_dropped_before_stays_dropped,
        every_row_is_its_own,
        as_by_hand_on_random_logits,
        a_vocabulary_is_narrowed_at_once,
    ),
    mutants=(
        Mutant(
            "p log p with NaN",
            "0 times -inf is NaN",
            (("torch.special.entr(probabilities).sum", "(-probabilities * log_probabilities).sum"),),
        ),
        Mutant(
            "the likeliest first",
            "Takes the likeliest first",
            (("(log_probabilities + entropy).abs()", "(-log_probabilities)"),),
        ),
        Mutant(
            "the least typical first",
            "Takes the least typical first",
            (("sort(dim=1, stable=True)", "sort(dim=1, stable=True, descending=True)"),),
        ),
        Mutant(
            "the crossing one dropped",
            "Drops the token with which the sum passes p",
            (("ordered.cumsum(1) - ordered", "ordered.cumsum(1)"),),
        ),
        Mutant("nothing left", "Leaves no token to choose", (("mass_before[:, 0] = -1.0", "mass_before += ordered"),)),
        Mutant(
            "entropy in bits",
            "Takes the entropy in bits",
            (("(log_probabilities + entropy)", "(log_probabilities + 1.4427 * entropy)"),),
        ),
        Mutant(
            "one entropy for all rows", "Mixes the rows", ((".sum(1, keepdim=True)", ".sum(1, keepdim=True).mean()"),)
        ),
        Mutant(
            "probabilities given back",
            "Changes the logits that are kept",
            (("return logits.masked_fill", "return log_probabilities.masked_fill"),),
        ),
        Mutant("in place", "Changes its argument logits in place", (("logits.masked_fill(", "logits.masked_fill_("),)),
        Mutant("double inside", "Gives back another dtype", (("return logits", "return logits.double()"),)),
    ),
)
