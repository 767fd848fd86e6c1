"""Exercise: narrow the choice of the next token to the nucleus."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, that

KEPT = [  # probabilities, p, how many of the likeliest stay
    ([0.6, 0.4], 0.5, 1),
    ([0.6, 0.4], 0.7, 2),
    ([0.5, 0.41, 0.09], 0.9, 2),
    ([0.4, 0.3, 0.2, 0.1], 0.8, 3),
    ([0.4, 0.3, 0.2, 0.1], 0.05, 1),
]


def logits_of(probabilities):
    """One row of logits with these probabilities."""
    import torch

    return torch.tensor([probabilities]).log()


def kept(narrowed):
    """Which tokens may still be chosen, as lists of ids."""
    return [[place for place, number in enumerate(row) if number > -math.inf] for row in narrowed.tolist()]


def by_hand(logits, p):
    """The nucleus by its definition, in plain Python and double precision."""
    rows = []
    for row in logits.double().tolist():
        largest = max(row)
        weights = [math.exp(number - largest) for number in row]
        mass = 0.0
        chosen: set[int] = set()
        for place in sorted(range(len(row)), key=lambda place: (-row[place], place)):
            if chosen and mass >= p * sum(weights):
                break
            chosen.add(place)
            mass += weights[place]
        rows.append(sorted(chosen))
    return rows


@check("shape")
def the_shape_stays(mine):
    """Gives back only the tokens that are kept; keep every place, and write -inf where a token is dropped."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(0, 1, rows * vocab).reshape(rows, vocab), 0.5), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[2.0, 1.0, 0.0]], dtype=kind), 0.5), kind)


@check("invariant")
def something_is_always_kept(mine):
    """Leaves no token to choose: when p is below the first probability, the likeliest must still stay."""
    for p in (0.3, 1e-6, 0.0):
        that(kept(mine(logits_of([0.6, 0.4]), p))[0], expected="token 0 is kept", got="nothing is kept")


@check("invariant")
def kept_logits_are_untouched(mine):
    """Changes the logits that are kept; they pass as they came, not as probabilities, and in their own places."""
    import torch

    logits = torch.tensor([[1.0, 3.0, 2.0]])
    same(mine(logits, 1.0), logits)
    got = mine(logits, 0.9)
    same(torch.where(torch.isinf(got), logits, got), logits)


@check("values")
def what_crosses_is_kept(mine):
    """Draws the line at the wrong token: the one with which the sum reaches p is kept, so the mass before it decides."""
    for probabilities, p, count in KEPT:
        same(kept(mine(logits_of(probabilities), p)), [list(range(count))])


@check("values")
def the_order_of_the_vocabulary_does_not_matter(mine):
    """Keeps the wrong places: what was found on sorted tokens has to go back to where the tokens stood."""
    for probabilities, expected in (([0.4, 0.6], [1]), ([0.1, 0.6, 0.3], [1, 2]), ([0.2, 0.1, 0.4, 0.3], [0, 2, 3])):
        p = 0.5 if len(probabilities) == 2 else 0.8
        same(kept(mine(logits_of(probabilities), p)), [expected])


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each has a nucleus of its own, so sort and sum along the vocabulary."""
    import torch

    logits = torch.cat([logits_of([0.9, 0.06, 0.04]), logits_of([0.3, 0.4, 0.3])])
    same(kept(mine(logits, 0.8)), by_hand(logits, 0.8))


@check("values")
def of_ties_the_lower_id_stays(mine):
    """Of equally likely tokens the wrong ones are kept: the lower id comes first, so the sort must be stable."""
    import torch

    for vocab, p, count in ((2, 0.4, 1), (4, 0.4, 2), (64, 0.24, 16)):
        same(kept(mine(torch.zeros(1, vocab), p)), [list(range(count))])


@check("values")
def as_by_hand_on_random_logits(mine):
    """Differs from the definition on random logits; compare with sorting and summing by hand."""
    import torch

    source = torch.Generator().manual_seed(3)
    for vocab in (3, 8, 40):
        logits = 2 * torch.randn(2, vocab, generator=source)
        for p in (0.2, 0.55, 0.83):
            same(kept(mine(logits, p)), by_hand(logits, p))


@check("speed")
def a_vocabulary_is_narrowed_at_once(mine):
    """Is far slower than the reference: let torch sort and sum whole rows, instead of a Python loop over tokens."""
    import torch

    from groundup.inference.decoding.sampling import top_p

    fast(mine, top_p, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)), 0.9), times=8)


EXERCISE = Exercise(
    slot="inference.decoding.top_p",
    title="Top-p: choose from the nucleus",
    task="""
    A model gives every token of the vocabulary some chance, also the thousands that make no sense here; together they are
    drawn often enough to derail a text. Keep the likeliest tokens until their probabilities sum to p, the one that crosses
    p included, and give all others the logit -inf, so that no draw can take them. When the model is sure, one token is
    left; when it is not, many are: that is the advantage over a fixed number k.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("inference.decoding",),
    hints=(
        "Three steps: sort each row from the likeliest down, turn it into probabilities, look at their running sum.",
        "A token is dropped when the mass *before* it has reached p already: running sum minus its own probability. The "
        "first token has nothing before it, and stays even when p is 0.",
        "torch.sort(..., stable=True) also gives the ids; `torch.zeros_like(logits, dtype=torch.bool).scatter(1, ids, drop)` "
        "brings the marks back to the order of the vocabulary, and masked_fill writes -inf.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 1 --top-p 0.9",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        something_is_always_kept,
        kept_logits_are_untouched,
        what_crosses_is_kept,
        the_order_of_the_vocabulary_does_not_matter,
        every_row_is_its_own,
        of_ties_the_lower_id_stays,
        as_by_hand_on_random_logits,
        a_vocabulary_is_narrowed_at_once,
    ),
    mutants=(
        Mutant(
            "the sum with the token decides",
            "the mass before it decides",
            edits=(
                ("mass_before = probabilities.cumsum(1) - probabilities", "mass_before = probabilities.cumsum(1)"),
                ("mass_before >= p", "mass_before > p"),
            ),
        ),
        Mutant(
            "nothing kept for a small p",
            "no token to choose",
            (("mass_before[:, 0] = -1.0", "mass_before[:, 0] = 0.0"),),
        ),
        Mutant(
            "marks not brought back",
            "Keeps the wrong places",
            (("scatter(1, ids, mass_before >= p)", "logical_or(mass_before >= p)"),),
        ),
        Mutant(
            "an unstable sort",
            "the sort must be stable",
            (
                ("logits, dim=1, descending=True, stable=True", "logits.flip(1), dim=1, descending=True, stable=True"),
                ("probabilities = torch", "ids = logits.shape[1] - 1 - ids\n    probabilities = torch"),
            ),
        ),
        Mutant(
            "summed over the batch",
            "Mixes the rows",
            (("probabilities.cumsum(1)", "probabilities.cumsum(1).mean(0, keepdim=True)"),),
        ),
        Mutant(
            "probabilities given back",
            "Changes the logits that are kept",
            (("logits.masked_fill(torch", "torch.softmax(logits, dim=1).masked_fill(torch"),),
        ),
        Mutant(
            "only the kept given back",
            "Gives back only the tokens that are kept",
            (("return logits", "return ordered[:, : int((mass_before < p).sum())]\n    return logits"),),
        ),
        Mutant(
            "in place",
            "Changes its argument logits in place",
            (("logits.masked_fill(torch", "logits.masked_fill_(torch"),),
        ),
        Mutant("half precision inside", "Gives back another dtype", (("return logits", "return logits.double()"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import math

            import torch


            def top_p(logits, p):
                rows = []
                for row in logits:
                    order = sorted(range(len(row)), key=lambda place: -float(row[place]))
                    probabilities = torch.softmax(row, dim=0)
                    mass, kept = 0.0, []
                    for place in order:
                        if kept and mass >= p:
                            break
                        kept.append(place)
                        mass += float(probabilities[place])
                    mask = torch.ones(len(row), dtype=torch.bool)
                    mask[kept] = False
                    rows.append(row.masked_fill(mask, -math.inf))
                return torch.stack(rows)
            """,
        ),
    ),
)
