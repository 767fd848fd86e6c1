"""Exercise: a vector for each place, made of sines and cosines."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def places(*numbers):
    """Positions as a tensor."""
    import torch

    return torch.tensor(numbers)


def rows(positions, width, theta=10_000.0):
    """The paper's formula, one number at a time."""
    import torch

    def number(p, column):
        angle = p * theta ** (-2 * (column // 2) / width)
        return math.cos(angle) if column % 2 else math.sin(angle)

    return torch.tensor([[number(p, column) for column in range(width)] for p in positions])


@check("shape")
def a_row_for_each_position(mine):
    """Gives another shape than that of positions with one axis more, of size width."""
    for numbers, width in (([0], 2), ([0, 1, 2], 4), ([[0, 1], [5, 6]], 6)):
        shape(mine(places(*numbers), width), (*places(*numbers).shape, width))


@check("dtype")
def single_precision(mine):
    """Does not give back float32."""
    import torch

    dtype(mine(places(3), 2), torch.float32)


@check("values")
def at_position_0(mine):
    """Is not sin 0 = 0 and cos 0 = 1 in turns at position 0."""
    import torch

    mistakes = {
        "Puts the cosine before the sine: even coordinates are sines.": torch.tensor([[1.0, 0.0, 1.0, 0.0]]),
        "Puts all sines first and then all cosines: they alternate, sin cos sin cos.": torch.tensor([[0.0, 0, 1, 1]]),
        "Counts positions from 1: position 0 has the angle 0.": rows([1], 4),
    }
    same(mine(places(0), 4), torch.tensor([[0.0, 1.0, 0.0, 1.0]]), mistakes=mistakes)


@check("values")
def the_second_pair_is_slower(mine):
    """Has not the angle position * theta^(-2i/width) in pair i."""
    import torch

    def pairs(*angles):
        return torch.tensor([[one for a in angles for one in (math.sin(a), math.cos(a))]])

    mistakes = {
        "Gives every coordinate a frequency of its own: the sine and the cosine of a pair share theta^(-2i/width).": torch.tensor(
            [[math.sin(2.0), math.cos(2.0 * 0.1), math.sin(2.0 * 0.01), math.cos(2.0 * 0.001)]]
        ),
        "Divides i by the width without doubling it: the exponent is 2i/width, so that it runs from 0 to nearly 1.": pairs(
            2, 0.2
        ),
        "Multiplies by theta^(2i/width) where it should divide: pairs get slower, not faster.": pairs(2, 200),
        "Spreads the exponents up to 1 itself (2i/(width - 2)): divide by the width.": pairs(2, 0.0002),
    }
    same(mine(places(2), 4), pairs(2, 0.02), mistakes=mistakes, atol=1e-5)


@check("values")
def another_theta(mine):
    """Does not use the theta it is given."""
    same(mine(places(3), 4, 100.0), rows([3], 4, 100.0), atol=1e-5)


@check("values")
def far_away(mine):
    """Is inexact far away: positions times frequencies must be taken in float64, as float32 has 24 bits for the whole angle."""
    same(mine(places(1_000_003), 4), rows([1_000_003], 4), atol=1e-5)


@check("values")
def as_the_formula_says(mine):
    """Differs from the formula taken one number at a time."""
    same(mine(places(0, 1, 7, 40), 8), rows([0, 1, 7, 40], 8), atol=1e-5)


TWO = "torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width"
STACK = "torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)"

EXERCISE = Exercise(
    slot="model.positions.sinusoidal",
    title="Sinusoidal positions: clocks in a vector",
    task="""
    The transformer of 2017 adds a vector to each token that says where it stands. Pair i of its coordinates is the hand of a
    clock with the frequency f_i = theta^(-2i/width): (sin(p f_i), cos(p f_i)) at position p, for i = 0, 1, ... width/2 - 1.
    The pairs follow one another: sin, cos, sin, cos. Nothing is learned, and any position has its vector.

    positions is a tensor of whole numbers of any shape; give back one axis more, of size width, in float32.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.positions.absolute",),
    hints=(
        "torch.arange(0, width, 2) is 2i for every pair; positions[..., None] makes room for the pairs.",
        "Both .sin() and .cos() of the angles have shape (..., width/2); they have to be interleaved.",
        "torch.stack([sines, cosines], dim=-1).flatten(-2) alternates them. Take the angles in float64, .float() at the end.",
    ),
    run="groundup --mine my learn lesson model.positions.absolute",
    checks=(
        a_row_for_each_position,
        single_precision,
        at_position_0,
        the_second_pair_is_slower,
        another_theta,
        far_away,
        as_the_formula_says,
    ),
    mutants=(
        Mutant("sines only", "another shape", ((STACK, "angles.sin()"),)),
        Mutant("double precision", "float32", ((f"{STACK}.float()", STACK),)),
        Mutant(
            "cosine first",
            "cosine before the sine",
            (("[angles.sin(), angles.cos()]", "[angles.cos(), angles.sin()]"),),
        ),
        Mutant("halves", "all sines first", ((STACK, "torch.cat([angles.sin(), angles.cos()], dim=-1)"),)),
        Mutant("from 1", "Counts positions from 1", (("positions[..., None]", "(positions[..., None] + 1)"),)),
        Mutant(
            "a frequency a coordinate",
            "share theta",
            (
                ("torch.arange(0, width, 2, dtype", "torch.arange(width, dtype"),
                (STACK, "torch.where(torch.arange(width) % 2 == 0, angles.sin(), angles.cos())"),
            ),
        ),
        Mutant("i over width", "without doubling", ((TWO, f"{TWO} / 2"),)),
        Mutant("faster", "Multiplies by theta", (("theta**-exponents", "theta**exponents"),)),
        Mutant("up to 1", "up to 1 itself", ((TWO, TWO.replace("/ width", "/ (width - 2 or 1)")),)),
        Mutant("always 10,000", "theta it is given", (("theta**-exponents", "10_000.0**-exponents"),)),
        Mutant("single precision inside", "inexact far away", (("dtype=torch.float64", "dtype=torch.float32"),)),
    ),
)
