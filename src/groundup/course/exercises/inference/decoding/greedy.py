"""Exercise: take the likeliest token."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def by_hand(logits):
    """The first place of the largest number, in plain Python."""
    return [row.index(max(row)) for row in logits.double().tolist()]


@check("shape")
def one_id_a_row(mine):
    """Gives another shape than one id a row: look for the largest along the vocabulary (dim 1), and let that dimension go."""
    import torch

    for rows, vocab in ((1, 2), (3, 2), (2, 5)):
        shape(mine(torch.arange(1.0, rows * vocab + 1).reshape(rows, vocab)), (rows,))


@check("dtype")
def ids_are_whole_numbers(mine):
    """Gives something else than ids (int64): the place of the largest logit is asked for, not the logit itself."""
    import torch

    dtype(mine(torch.tensor([[0.5, 1.5]])), torch.int64)


@check("values")
def the_likeliest_is_taken(mine):
    """Takes another token than the one with the largest logit."""
    import torch

    sentence = "Takes the least likely token: the largest logit is the likeliest."
    for row in ([1.0, 0.0], [0.0, 1.0], [2.0, 1.0, 3.0]):
        logits = torch.tensor([row])
        same(mine(logits), torch.tensor(by_hand(logits)), mistakes={sentence: logits.argmin(1)})


@check("values")
def below_zero_too(mine):
    """Loses the sign of a logit: -1 is likelier than -3, however large the number is without its sign."""
    import torch

    for row in ([-3.0, -1.0], [-3.0, -math.inf], [-2.0, 1.0, -5.0]):
        logits = torch.tensor([row])
        same(mine(logits), torch.tensor(by_hand(logits)))


@check("values")
def small_differences_count(mine):
    """Finds two logits equal that are not: exp and softmax round and overflow, so compare the logits themselves."""
    import torch

    for row in ([0.0, 1e-9], [200.0, 300.0]):
        same(mine(torch.tensor([row])), torch.tensor([1]))


@check("values")
def of_ties_the_lowest_id(mine):
    """Of equally likely tokens it takes another than the one with the lowest id."""
    import torch

    for row in ([1.0, 1.0], [0.0, 2.0, 2.0], [0.0] * 50):
        logits = torch.tensor([row])
        same(mine(logits), torch.tensor(by_hand(logits)))


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each text has a next token of its own."""
    import torch

    same(mine(torch.tensor([[2.0, 0.0], [0.0, 3.0]])), torch.tensor([0, 1]))
    logits = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    same(mine(logits), torch.tensor(by_hand(logits)))


@check("speed")
def the_vocabulary_at_once(mine):
    """Is far slower than the reference: torch finds the largest of a whole row, without a Python loop over its tokens."""
    import torch

    from groundup.inference.decoding.sampling import greedy

    fast(mine, greedy, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)),))


EXERCISE = Exercise(
    slot="inference.decoding.greedy",
    title="Greedy: take the likeliest token",
    task="""
    A model gives every token of the vocabulary a number, its logit; the larger, the likelier. The simplest way to write
    with it takes the likeliest token every time. Nothing is drawn, so the same prompt always gives the same text: right
    where there is one good answer, dull where there are many. Give the id of the largest logit of every row; where
    several are equally large, the lowest id.
    """,
    difficulty=1,
    minutes=5,
    prerequisites=("inference.decoding",),
    hints=(
        "Every row of the batch is another text; the vocabulary lies along dim 1.",
        "The place of the largest number is asked for, not the number: torch has a function for each.",
        "argmax along dim 1 gives the places, and of equal numbers the first.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 0",
    checks=(
        one_id_a_row,
        ids_are_whole_numbers,
        the_likeliest_is_taken,
        below_zero_too,
        small_differences_count,
        of_ties_the_lowest_id,
        every_row_is_its_own,
        the_vocabulary_at_once,
    ),
    mutants=(
        Mutant("along the batch", "another shape", (("argmax(1)", "argmax(0)"),)),
        Mutant("the logit itself", "something else than ids", (("argmax(1)", "amax(1)"),)),
        Mutant("the least likely", "Takes the least likely token", (("argmax(1)", "argmin(1)"),)),
        Mutant("without the sign", "Loses the sign", (("argmax(1)", "abs().argmax(1)"),)),
        Mutant("as probabilities", "Finds two logits equal", (("argmax(1)", "softmax(1).argmax(1)"),)),
        Mutant(
            "the last of ties",
            "Of equally likely tokens",
            (("logits.argmax(1)", "logits.shape[1] - 1 - logits.flip(1).argmax(1)"),),
        ),
        Mutant(
            "one token for all rows",
            "Mixes the rows",
            (("logits.argmax(1)", "logits.sum(0, keepdim=True).argmax(1).expand(len(logits))"),),
        ),
        Mutant(
            "a draw",
            "Draws random numbers from torch's global generator",
            (("logits.argmax(1)", "logits.softmax(1).multinomial(1)[:, 0]"),),
        ),
        Mutant(
            "in place",
            "Changes its argument logits in place",
            (("logits.argmax(1)", "logits.sub_(logits.amax(1, keepdim=True)).argmax(1)"),),
        ),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def greedy(logits):
                return torch.tensor([max(range(len(row)), key=lambda place: row[place].item()) for row in logits])
            """,
        ),
    ),
)
