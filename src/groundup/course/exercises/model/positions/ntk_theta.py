"""Exercise: the theta that slows the slowest clock only."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("invariant")
def no_stretch_no_change(mine):
    """Changes theta for a factor of 1: nothing is to be stretched."""
    for head_dim, theta in ((4, 16.0), (64, 1e4)):
        same(mine(head_dim, theta, 1.0), theta)


@check("invariant")
def a_longer_text_a_larger_theta(mine):
    """Makes theta smaller: a larger theta has slower clocks."""
    that(mine(4, 16.0, 2.0) > 16.0, expected="a theta over 16", got=mine(4, 16.0, 2.0))


@check("values")
def two_pairs(mine):
    """Is not theta * factor^2 for a head of four: its slow pair has theta^(-1/2), and that must become twice as slow."""
    mistakes = {
        "Multiplies theta by the factor: the slow pair then is only sqrt(factor) slower.": 32.0,
        "Turns the exponent round: it is d/(d-2), more than 1, as the slowest pair has the exponent (d-2)/d.": 16.0
        * 2.0**0.5,
        "Adds 2 to d where it should take it away.": 16.0 * 2.0 ** (4 / 6),
        "Raises theta as well: only the factor has the exponent.": 16.0**2 * 2.0**2,
        "Takes d/(d-1): a pair is two coordinates, so 2i/d ends at (d-2)/d.": 16.0 * 2.0 ** (4 / 3),
    }
    same(mine(4, 16.0, 2.0), 64.0, mistakes=mistakes)


@check("values")
def the_slowest_pair_is_slower_by_the_factor(mine):
    """Does not make the last pair's frequency theta^(-(d-2)/d) exactly `factor` times smaller."""
    for head_dim, theta, factor in ((8, 100.0, 3.0), (64, 1e4, 4.0), (128, 5e5, 8.0)):
        slowest = mine(head_dim, theta, factor) ** (-(head_dim - 2) / head_dim)
        same(slowest, theta ** (-(head_dim - 2) / head_dim) / factor)


POWER = "factor ** (head_dim / (head_dim - 2))"

EXERCISE = Exercise(
    slot="model.positions.ntk_theta",
    title="NTK-aware scaling: one number stretches a context",
    task="""
    Pair i of a rotary head with d coordinates has the frequency theta^(-2i/d), for i = 0 to d/2 - 1: the first is 1, whatever
    theta is, and the last theta^(-(d-2)/d). A text that is `factor` times longer than trained on shows the slow pairs angles
    that they never had. Position interpolation divides every frequency by the factor, and blurs neighbours with it.
    NTK-aware scaling takes another theta instead: the first pair stays, the last one becomes exactly `factor` times slower.

    Solve for that theta. No tensor is needed.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.positions.extension", "model.positions.rotate"),
    hints=(
        "Write down what you want: new^(-(d-2)/d) = theta^(-(d-2)/d) / factor.",
        "Raise both sides to the power -d/(d-2).",
        "theta * factor ** (head_dim / (head_dim - 2)).",
    ),
    run="groundup --mine my learn lesson model.positions.extension",
    checks=(
        no_stretch_no_change,
        a_longer_text_a_larger_theta,
        two_pairs,
        the_slowest_pair_is_slower_by_the_factor,
    ),
    mutants=(
        Mutant("always longer", "for a factor of 1", ((POWER, "(factor + 1) ** (head_dim / (head_dim - 2))"),)),
        Mutant("divided", "Makes theta smaller", ((f"theta * {POWER}", f"theta / {POWER}"),)),
        Mutant("times the factor", "by the factor", ((POWER, "factor"),)),
        Mutant("turned round", "Turns the exponent round", ((POWER, "factor ** ((head_dim - 2) / head_dim)"),)),
        Mutant("plus 2", "Adds 2 to d", (("head_dim - 2", "head_dim + 2"),)),
        Mutant("d - 1", "Takes d/(d-1)", (("head_dim - 2", "head_dim - 1"),)),
        Mutant(
            "only for a head of four", "Does not make the last pair's", ((POWER, "factor ** (2 + (head_dim > 4))"),)
        ),
    ),
)
