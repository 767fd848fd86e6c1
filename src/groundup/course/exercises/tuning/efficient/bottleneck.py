"""Exercise: what a bottleneck adapter adds."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def drawn(*shapes):
    """Normal numbers of these shapes, always the same."""
    import torch

    source = torch.Generator().manual_seed(0)
    return [torch.randn(one, generator=source) for one in shapes]


def numbers(*values):
    """A tensor of these."""
    import torch

    return torch.tensor(values)


@check("shape")
def as_wide_as_before(mine):
    """Gives another shape than it was given: a bottleneck goes down and up again."""
    x, down, low, up, high = drawn((2, 1, 3), (2, 3), (2,), (3, 2), (3,))
    shape(mine(x, down, low, up, high), (2, 1, 3))


@check("values")
def by_hand(mine):
    """Is wrong for x = (1, 2), one coordinate in the middle: down (1, 1), up (2, 0), no biases. 1 + 2 = 3, and up that is (6, 0)."""
    import torch

    zero = torch.zeros
    got = mine(numbers([1.0, 2.0]), numbers([1.0, 1.0]), zero(1), numbers([2.0], [0.0]), zero(2))
    same(
        got,
        numbers([6.0, 0.0]),
        mistakes={"Adds the input: only what is to be added is asked for.": numbers([7.0, 2.0])},
    )


@check("values")
def what_is_negative_is_dropped(mine):
    """Lets a negative middle through: relu drops it, otherwise the two matrices would be one."""
    import torch

    zero = torch.zeros
    mistakes = {
        "Lets a negative middle through: relu is missing.": numbers([-6.0, 0.0]),
        "Makes a negative middle positive: relu drops it.": numbers([6.0, 0.0]),
    }
    same(
        mine(numbers([-1.0, -2.0]), numbers([1.0, 1.0]), zero(1), numbers([2.0], [0.0]), zero(2)),
        zero(1, 2),
        mistakes=mistakes,
    )


@check("values")
def biases_in_their_places(mine):
    """Adds a bias at the wrong place: the lower one before relu, the upper one at the end."""
    import torch

    x, down, up = numbers([1.0, 1.0]), numbers([1.0, 1.0]), numbers([1.0], [1.0])
    mistakes = {
        "Adds the lower bias behind relu.": numbers([-0.5, -0.5]),
        "Leaves the lower bias out.": numbers([2.5, 2.5]),
        "Leaves the upper bias out.": numbers([0.0, 0.0]),
    }
    same(mine(x, down, numbers(-3.0), up, torch.full((2,), 0.5)), numbers([0.5, 0.5]), mistakes=mistakes)


@check("values")
def for_any_numbers(mine):
    """Differs from the formula computed number by number."""
    import torch

    x, down, low, up, high = drawn((4, 3), (2, 3), (2,), (3, 2), (3,))
    middle = torch.stack(
        [torch.stack([(row * one).sum() + bias for one, bias in zip(down, low, strict=True)]) for row in x]
    ).clamp_min(0)
    expected = torch.stack(
        [torch.stack([(row * one).sum() + bias for one, bias in zip(up, high, strict=True)]) for row in middle]
    )
    same(mine(x, down, low, up, high), expected, rtol=1e-4, atol=1e-5)


EXERCISE = Exercise(
    slot="tuning.efficient.bottleneck",
    title="A bottleneck: down, bend, up",
    task="""
    A bottleneck adapter reads what a part of a block gives, takes it down to a few coordinates by `down` (width, hidden) and `down_bias`, drops what is
    negative there, and takes it up again by `up` (hidden, width) and `up_bias`. Give what it adds; the caller adds it to what there was.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("tuning.efficient.adapters",),
    hints=(
        "x @ down.T has the last axis width.",
        "torch.relu, after the lower bias.",
        "Then @ up.T and the upper bias; nothing else is added.",
    ),
    run="groundup --mine my tune runs/demo/model --method bottleneck",
    checks=(as_wide_as_before, by_hand, what_is_negative_is_dropped, biases_in_their_places, for_any_numbers),
    mutants=(
        Mutant(
            "with the input",
            "Adds the input",
            (("return middle @ up.T + up_bias", "return x + middle @ up.T + up_bias"),),
        ),
        Mutant("no bend", "relu is missing", (("torch.relu(x @ down.T + down_bias)", "(x @ down.T + down_bias)"),)),
        Mutant(
            "folded",
            "Makes a negative middle positive",
            (("torch.relu(x @ down.T + down_bias)", "(x @ down.T + down_bias).abs()"),),
        ),
        Mutant("no lower bias", "Leaves the lower bias out", (("x @ down.T + down_bias", "x @ down.T"),)),
        Mutant("no upper bias", "Leaves the upper bias out", ((" + up_bias", ""),)),
        Mutant("wide", "another shape", (("return middle @ up.T + up_bias", "return middle"),)),
    ),
)
