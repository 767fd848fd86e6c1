"""Exercise: which clocks keep their pace, which are slowed, and those between."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that

L = 628  # 100 radians and a little: the first pair turns 99.95 times
TURNS = L / (2 * math.pi)


def shares(*numbers):
    """What each pair keeps."""
    import torch

    return torch.tensor(numbers)


@check("shape")
def one_for_each_pair(mine):
    """Gives another number of shares than pairs: head_dim/2."""
    for head_dim in (4, 16):
        shape(mine(head_dim, 1e4, L), (head_dim // 2,))


@check("invariant")
def between_0_and_1(mine):
    """Leaves the range from 0 to 1: clamp the line on both sides."""
    got = mine(16, 1e4, L, TURNS / 10, TURNS / 100, False)
    that(0 <= got.min() and got.max() <= 1, expected="shares from 0 to 1", got=got)


@check("invariant")
def fast_pairs_keep_theirs(mine):
    """Stands upside down: 1 is for the fast pairs, which come first, and 0 for the slow ones."""
    got = mine(16, 1e4, L)
    that(got[0] > got[-1], expected="shares that fall", got=got)


@check("values")
def by_hand(mine):
    """Does not fall from pair 2 to pair 4, where theta is 10,000, d is 16, and pair i turns L / (2 pi) * 10^(-i/2) times."""
    mistakes = {
        "Leaves 2 pi out: a turn is 2 pi radians.": shares(1.0, 1.0, 1.0, 1.0, 0.7982, 0.2982, 0.0, 0.0),
        "Counts coordinates instead of pairs: the pair that turns r times is d log(L / (2 pi r)) / (2 log theta).": shares(
            1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25
        ),
        "Rounds the ends though truncate is False.": shares(1.0, 1.0, 0.6667, 0.3333, 0.0, 0.0, 0.0, 0.0),
    }
    same(
        mine(16, 1e4, L, TURNS / 10 * 1.0001, TURNS / 100, False),
        shares(1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0),
        rtol=1e-3,
        atol=1e-3,
        mistakes=mistakes,
    )


@check("values")
def whole_pairs(mine):
    """Does not round the ends outwards where truncate is True: the first down, the last up."""
    # unrounded, the ends are at the pairs 2.4 and 4.6
    ends = TURNS / 10**1.2, TURNS / 10**2.3
    mistakes = {
        "Leaves the ends as they are: truncate is True unless something else is said.": shares(
            1.0, 1.0, 1.0, 1.6 / 2.2, 0.6 / 2.2, 0.0, 0.0, 0.0
        ),
        "Rounds the ends inwards: the first goes down and the last up.": shares(1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0),
        "Rounds both ends down.": shares(1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0),
    }
    third = 1 / 3
    same(mine(16, 1e4, L, *ends), shares(1.0, 1.0, 1.0, 2 * third, third, 0.0, 0.0, 0.0), rtol=1e-3, mistakes=mistakes)


@check("values")
def a_step_where_both_ends_meet(mine):
    """Divides by 0 where both ends are the same pair: let the line be 0.001 wide there."""
    same(mine(4, 1e4, 1), shares(1.0, 0.0))


@check("values")
def the_papers_numbers(mine):
    """Does not use 32 and 1 turns unless others are given: a head of 16 trained on 4,096 then keeps pairs 0 to 2."""
    same(mine(16, 1e4, 4096), shares(1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0), rtol=1e-3)


CLAMP = "((torch.arange(head_dim // 2, dtype=torch.float32) - first) / (last - first)).clamp(0, 1)"
ROUND = "first, last = math.floor(first), math.ceil(last)"

EXERCISE = Exercise(
    slot="model.positions.yarn_ramp",
    title="YaRN's ramp: which frequencies to stretch",
    task="""
    In the trained length L pair i of a rotary head turns L * theta^(-2i/d) / (2 pi) times. Pairs that turned often have shown
    every angle, and tell neighbours apart: YaRN leaves them. Pairs that never went once round would meet new angles in a longer
    text: they are slowed. Say for each pair how much of its frequency it keeps: 1 up to the pair that turns beta_fast times, 0
    from the pair that turns beta_slow times on, and a straight line over the pairs between.

    Solved for i: the pair that turns r times is d * log(L / (2 pi r)) / (2 * log(theta)), a number with a fraction. truncate:
    round the first end down and the last up. Then keep both within 0 and d - 1, and where they are equal, add 0.001 to the last.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("model.positions.extension", "model.positions.ntk_theta"),
    hints=(
        "A function of r for the pair that turns r times, called for beta_fast and for beta_slow, gives both ends.",
        "math.floor and math.ceil round outwards; max(first, 0) and min(last, head_dim - 1) keep them inside.",
        "1 - ((torch.arange(head_dim // 2) - first) / (last - first)).clamp(0, 1).",
    ),
    run="groundup --mine my learn lesson model.positions.extension",
    checks=(
        one_for_each_pair,
        between_0_and_1,
        fast_pairs_keep_theirs,
        by_hand,
        whole_pairs,
        a_step_where_both_ends_meet,
        the_papers_numbers,
    ),
    mutants=(
        Mutant(
            "a share a coordinate",
            "another number of shares",
            (("torch.arange(head_dim // 2", "torch.arange(head_dim"),),
        ),
        Mutant("no clamp", "Leaves the range", ((".clamp(0, 1)", ""),)),
        Mutant("upside down", "upside down", (("return 1 - (", "return ("),)),
        Mutant("no 2 pi", "Leaves 2 pi out", (("(times * 2 * math.pi)", "times"),)),
        Mutant("coordinates", "Counts coordinates", (("/ (2 * math.log(theta))", "/ math.log(theta)"),)),
        Mutant(
            "always rounded",
            "though truncate is False",
            (("if truncate:", "if True:"), (ROUND, "first, last = math.floor(first - 0.01), math.ceil(last - 0.01)")),
        ),
        Mutant("never rounded", "Leaves the ends as they are", (("if truncate:", "if False:"),)),
        Mutant("inwards", "inwards", ((ROUND, "first, last = math.ceil(first), math.floor(last)"),)),
        Mutant("down", "both ends down", ((ROUND, "first, last = math.floor(first), math.floor(last)"),)),
        Mutant("no step", "Divides by 0", (("last += 0.001", "pass"),)),
        Mutant("from 16 turns on", "32 and 1 turns", (("beta_fast: float = 32.0", "beta_fast: float = 1000.0"),)),
    ),
)
