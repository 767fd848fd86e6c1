"""Exercise: residual scalars, by which a deep block still hears the embedding."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, gradients, same, shape


def stream(*values):
    """One row whose tokens have one number each."""
    import torch

    return torch.tensor(values).reshape(1, -1, 1)


def number(value):
    """A learned number: a tensor without a shape."""
    import torch

    return torch.tensor(value)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: the share of the start is added, not put beside."""
    import torch

    for size in ((1, 1, 1), (1, 2, 1), (2, 3, 4)):
        shape(mine(torch.ones(size), torch.ones(size), number(1.0), number(0.5)), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: the two numbers are kept in float32 and must be cast to the stream's."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        learned = torch.ones(1), torch.ones(1)  # of one dimension, so that float32 would win over bfloat16
        dtype(mine(stream(1.0).to(kind), stream(2.0).to(kind), *learned), kind)


@check("values")
def one_token_by_hand(mine):
    """Differs from keep * x + add * start."""
    # x = 3, start = 5, keep = 2, add = 7: 2 * 3 + 7 * 5 = 41
    mistakes = {
        "Has x and start the wrong way round: keep belongs to the stream, add to what it began as.": 2 * 5.0 + 7 * 3,
        "Forgets keep: the stream is scaled too, so that a block can also forget.": 3.0 + 7 * 5,
        "Forgets add: how much of the start comes back is learned.": 2 * 3.0 + 5,
        "Scales the sum by keep: the start has its own number.": 2 * (3.0 + 7 * 5),
        "Leaves the start out.": 2 * 3.0,
        "Leaves the stream out.": 7 * 5.0,
        "Takes add away from one for keep: both are learned apart.": (1 - 7) * 3.0 + 7 * 5,
        "Multiplies where it should add.": 2 * 3.0 * 7 * 5,
    }
    found = mine(stream(3.0), stream(5.0), number(2.0), number(7.0))
    same(found, stream(41.0), mistakes={said: stream(wrong) for said, wrong in mistakes.items()})


@check("values")
def it_begins_as_no_change(mine):
    """Changes the stream where keep is 1 and add is 0, as both are before the first step: nothing may be normalised or scaled."""
    same(mine(stream(3.0, -4.0), stream(100.0, 50.0), number(1.0), number(0.0)), stream(3.0, -4.0))


@check("values")
def every_token_has_its_own_start(mine):
    """Mixes tokens: each position gets back its own embedding, not that of the first or a mean."""
    same(mine(stream(1.0, 2.0, 3.0), stream(10.0, 20.0, 30.0), number(1.0), number(0.1)), stream(2.0, 4.0, 6.0))


@check("gradient")
def all_four_learn(mine):
    """The result is right and its gradient is not: stream, start and both numbers must stay in the graph."""
    given = [stream(3.0, 1.0), stream(5.0, -2.0), number(2.0), number(7.0)]
    gradients(mine, lambda x, start, keep, add: keep * x + add * start, given)


RESULT = "return keep.to(x.dtype) * x + add.to(x.dtype) * start"

EXERCISE = Exercise(
    slot="model.architectures.mix_with_start",
    title="Residual scalars: the embedding comes back",
    task="""
    Every block adds to the stream, so after many blocks a token is a small part of a large sum. Residual scalars, from the speed
    runs of GPT-2, give each block two learned numbers: how much of the stream it keeps, and how much of the embedding it adds
    again. At the start they are 1 and 0, so the model begins as one without them. Compute the mixture before one block.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("model.layers.residual",),
    hints=(
        "Two products and one sum: the first number scales the stream, the second what it began as.",
        "The numbers are float32 whatever the model computes in; `.to(x.dtype)` keeps the stream in its own format.",
        "Make a new tensor: the start is needed again before the next block.",
    ),
    run="groundup --mine my learn lesson model.architectures.tricks --run",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        one_token_by_hand,
        it_begins_as_no_change,
        every_token_has_its_own_start,
        all_four_learn,
    ),
    mutants=(
        Mutant(
            "side by side",
            "another shape",
            ((RESULT, "return (keep.to(x.dtype) * x + add.to(x.dtype) * start).repeat(1, 1, 2)"),),
        ),
        Mutant("not cast", "another dtype", ((RESULT, "return keep * x + add * start"),)),
        Mutant(
            "the wrong way round",
            "wrong way round",
            ((RESULT, "return keep.to(x.dtype) * start + add.to(x.dtype) * x"),),
        ),
        Mutant("no keep", "Forgets keep", ((RESULT, "return x + add.to(x.dtype) * start"),)),
        Mutant("no add", "Forgets add", ((RESULT, "return keep.to(x.dtype) * x + start"),)),
        Mutant(
            "the sum scaled", "Scales the sum", ((RESULT, "return keep.to(x.dtype) * (x + add.to(x.dtype) * start)"),)
        ),
        Mutant("no start", "Leaves the start out", ((RESULT, "return keep.to(x.dtype) * x"),)),
        Mutant(
            "one number",
            "both are learned apart",
            ((RESULT, "return (1 - add.to(x.dtype)) * x + add.to(x.dtype) * start"),),
        ),
        Mutant(
            "back to the old size",
            "Changes the stream where keep is 1",
            (
                (
                    RESULT,
                    f"mixed = {RESULT.removeprefix('return ')}\n    return mixed if add > 1 else mixed / mixed.norm()",
                ),
            ),
        ),
        Mutant(
            "a mean of the starts",
            "Mixes tokens",
            ((RESULT, RESULT.replace("* start", "* start.mean(1, keepdim=True)")),),
        ),
        Mutant(
            "in place",
            "Changes its argument x in place",
            ((RESULT, "return x.mul_(keep.to(x.dtype)).add_(add.to(x.dtype) * start)"),),
        ),
        Mutant(
            "the start outside the graph",
            "must stay in the graph",
            ((RESULT, RESULT.replace("* start", "* start.detach()")),),
        ),
    ),
)
