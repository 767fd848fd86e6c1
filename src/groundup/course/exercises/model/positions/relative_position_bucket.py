"""Exercise: distances sorted into buckets, exact where they are short and ever wider where they are long."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def numbers(*values):
    """A tensor of whole numbers."""
    import torch

    return torch.tensor(values)


def back(*distances):
    """Keys that came so many tokens earlier."""
    return -numbers(*distances)


@check("shape")
def a_bucket_for_each(mine):
    """Gives another shape than that of relative_position."""
    for values in ([0], [[0, -1, 2], [1, 0, -3]]):
        shape(mine(numbers(*values)), tuple(numbers(*values).shape))


@check("dtype")
def whole_numbers(mine):
    """Does not give whole numbers (int64): the buckets look rows up in a table."""
    import torch

    dtype(mine(back(0, 3, 40)), torch.int64)


@check("values")
def nobody_is_beyond_the_last(mine):
    """Gives a distance beyond max_distance a bucket of its own: all of them share the last, num_buckets - 1."""
    same(mine(back(17, 60, 5000), False, 8, 16), numbers(7, 7, 7))


@check("values")
def short_distances_have_their_own(mine):
    """Does not give each short distance a bucket of its own, 0 to num_buckets/2 - 1 in one direction."""
    mistakes = {
        "Counts keys that come earlier as distance 0: relative_position is key minus query, so they are negative.": numbers(
            0, 0, 0, 0
        ),
        "Takes logarithms of short distances too: half of the buckets hold one distance each.": numbers(0, 1, 3, 4),
    }
    same(mine(back(0, 1, 2, 3), False, 8, 16), numbers(0, 1, 2, 3), mistakes=mistakes)


@check("values")
def long_distances_share(mine):
    """Does not give distance d >= n bucket n + floor(n log(d / n) / log(max_distance / n)), n = num_buckets/2 in one direction."""
    mistakes = {
        "Widens the buckets evenly: they grow with the logarithm, so that 8 to 11 share one and 4 and 5 do.": numbers(
            4, 4, 4, 5, 6, 6
        ),
        "Rounds where it should cut off what follows the point.": numbers(4, 5, 5, 6, 7, 7),
        "Lets the logarithms start at bucket 0: the first long bucket is n.": numbers(0, 0, 1, 2, 2, 3),
        "Divides the logarithm by log(max_distance): the last bucket should begin near max_distance, so / n there too.": numbers(
            4, 4, 4, 5, 5, 5
        ),
    }
    same(mine(back(4, 5, 6, 8, 11, 12), False, 8, 16), numbers(4, 4, 5, 6, 6, 7), mistakes=mistakes)


@check("values")
def one_direction(mine):
    """Mistakes keys that come later for distant ones: without bidirectional they count as distance 0."""
    same(mine(numbers(1, 5, 100), False, 8, 16), numbers(0, 0, 0))


@check("values")
def both_directions(mine):
    """Does not give half of the buckets to each direction, the second half to keys that come later."""
    mistakes = {
        "Gives the second half to keys that come earlier: it belongs to those that come later (positive).": numbers(
            7, 5, 0, 1, 3
        ),
        "Gives both directions the same buckets: later keys have those from num_buckets/2 on.": numbers(3, 1, 0, 1, 3),
        "Counts a token itself among those that come later: only > 0 is later.": numbers(3, 1, 4, 5, 7),
    }
    same(mine(numbers(-9, -1, 0, 1, 9), True, 8, 16), numbers(3, 1, 0, 5, 7), mistakes=mistakes)


@check("values")
def t5s_own(mine):
    """Differs from T5's buckets: 32, of which 16 for each direction, up to distance 128."""
    distances = (0, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 127, 128)
    buckets = (0, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15)
    same(mine(back(*distances)), numbers(*buckets))


EXERCISE = Exercise(
    slot="model.positions.relative_position_bucket",
    title="T5's buckets: how far, roughly",
    task="""
    T5 adds a learned number to each score, chosen by how far the key stands from the query. A number for every distance
    would be too many, and some would hardly be trained; so distances are sorted into buckets. With n = half of a
    direction's buckets: a distance d < n has bucket d, a longer one n + floor(n * log(d / n) / log(max_distance / n)), and
    whatever lies beyond shares the last bucket.

    relative_position is key position minus query position, of any shape. bidirectional: each direction gets half of the
    buckets, the second half is for keys that come later (positive). Otherwise later keys count as distance 0.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("model.positions.relative",),
    hints=(
        "First make a distance of it (never negative), and for both directions remember num_buckets/2 for the later keys.",
        "torch.where(distance < n, distance, long): the logarithm of 0 is computed too and then not taken, so clamp it away.",
        "long = n + (log(distance / n) / math.log(max_distance / n) * n).long(), clamped to the last bucket of the direction.",
    ),
    run="groundup --mine my learn lesson model.positions.relative",
    checks=(
        a_bucket_for_each,
        whole_numbers,
        short_distances_have_their_own,
        long_distances_share,
        nobody_is_beyond_the_last,
        one_direction,
        both_directions,
        t5s_own,
    ),
    mutants=(
        Mutant(
            "flattened",
            "another shape",
            (
                ("return later + torch.where(", "return later.flatten() + torch.where("),
                ("num_buckets - 1))", "num_buckets - 1)).flatten()"),
            ),
        ),
        Mutant("floats", "whole numbers (int64)", (("return later +", "return 0.0 + later +"),)),
        Mutant("no last bucket", "beyond max_distance", (("long.clamp(max=num_buckets - 1)", "long"),)),
        Mutant(
            "the sign",
            "as distance 0: relative_position is key",
            (("-relative_position.clamp(max=0)", "relative_position.clamp(min=0)"),),
        ),
        Mutant(
            "evenly",
            "Widens the buckets evenly",
            (
                (
                    "growth = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)",
                    "growth = (distance - exact) / (max_distance - exact)",
                ),
            ),
        ),
        Mutant(
            "rounded",
            "Rounds where",
            (("(growth * (num_buckets - exact)).long()", "(growth * (num_buckets - exact)).round().long()"),),
        ),
        Mutant("from 0", "start at bucket 0", (("long = exact + (", "long = ("),)),
        Mutant(
            "log of the end", "by log(max_distance)", (("math.log(max_distance / exact)", "math.log(max_distance)"),)
        ),
        Mutant(
            "later keys are far",
            "later for distant ones",
            (("-relative_position.clamp(max=0)", "relative_position.abs()"),),
        ),
        Mutant("earlier above", "to keys that come earlier", (("(relative_position > 0)", "(relative_position < 0)"),)),
        Mutant("one table", "the same buckets", (("(relative_position > 0).long() * num_buckets", "later"),)),
        Mutant("itself is later", "Counts a token itself", (("(relative_position > 0)", "(relative_position >= 0)"),)),
        Mutant(
            "max distance of half",
            "Differs from T5's",
            (
                (
                    "        num_buckets //= 2\n",
                    "        num_buckets //= 2\n        max_distance = min(max_distance, 64)\n",
                ),
            ),
        ),
    ),
)
