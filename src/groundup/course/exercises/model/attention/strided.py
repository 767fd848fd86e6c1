"""Exercise: a mask that sees every so many-th token, counted from the query."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def seen(*rows):
    """A mask from lines such as "#..#": # where the query may look."""
    import torch

    return torch.tensor([[[mark == "#" for mark in row] for row in rows]])


def by_hand(queries, keys, stride):
    """The mask by asking every pair; the last query stands at the last key."""
    import torch

    first = keys - queries
    return torch.tensor([[[(i + first - j) % stride == 0 for j in range(keys)] for i in range(queries)]])


@check("shape")
def one_mask_for_every_row_of_the_batch(mine):
    """Gives another shape than (1, queries, keys): the leading 1 lets one mask serve every row of a batch."""
    for queries, keys in ((1, 1), (2, 2), (2, 5)):
        shape(mine(queries, keys, 2), (1, queries, keys))


@check("dtype")
def true_and_false(mine):
    """Is no mask of True and False: compare the remainder with 0."""
    import torch

    dtype(mine(2, 3, 2), torch.bool)


@check("invariant")
def everyone_sees_oneself(mine):
    """Hides a token from itself: the distance 0 is a multiple of every stride."""
    import torch

    for size in (1, 2, 5):
        same(mine(size, size, 3)[0].diagonal(), torch.ones(size, dtype=torch.bool))


@check("values")
def every_second(mine):
    """Does not see the tokens whose distance is a multiple of the stride."""
    mistakes = {
        "Sees the window and not the strides: only multiples of the stride, however far.": seen("##.", "###", ".##"),
        "Counts the stride from place 0 and not from the query: what counts is the distance.": seen(
            "#.#", "###", "#.#"
        ),
        "Looks back only: what comes later is hidden by the causal mask, which is joined with &.": seen(
            "#..", ".#.", "#.#"
        ),
    }
    same(mine(3, 3, 2), seen("#.#", ".#.", "#.#"), mistakes=mistakes)


@check("values")
def the_last_query_stands_at_the_last_key(mine):
    """Lets the first query stand at the first key: with a cache there are more keys, and the last query stands at the last key."""
    same(mine(1, 4, 2), seen(".#.#"))


@check("values")
def as_by_hand(mine):
    """Differs from asking every pair."""
    for queries, keys, stride in ((1, 5, 1), (3, 5, 2), (4, 9, 4), (7, 7, 3)):
        same(mine(queries, keys, stride), by_hand(queries, keys, stride))


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: subtract a row of places from a column of them, no loop in Python."""
    from groundup.model.attention.sparse import strided

    fast(mine, strided, (512, 512, 16), times=5)


RESULT = "return ((places[keys - queries :, None] - places) % stride == 0)[None]"

EXERCISE = Exercise(
    slot="model.attention.strided",
    title="The strided pattern of sparse attention",
    task="""
    A sparse transformer lets a token see its near past and, further away, every stride-th token only: with a stride of the root
    of the length, two layers reach everything at a small part of the cost. Make the second half of it: a mask that is True
    where the distance between query and key is a multiple of stride, in both directions. The last query stands at the last
    key, as it does with a cache. The near past and the causal mask are other masks, joined with | and &.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks", "model.attention.sparse"),
    hints=(
        "The keys stand at 0, 1, ... keys - 1; the queries at the last `queries` of these places.",
        "places[keys - queries :, None] - places is the distance of every pair.",
        "Compare distance % stride with 0 (in Python and torch -3 % 3 is 0 as well), and put an axis of size 1 in front: [None].",
    ),
    run="groundup --mine my learn lesson model.attention.sparse --run",
    checks=(
        one_mask_for_every_row_of_the_batch,
        true_and_false,
        everyone_sees_oneself,
        every_second,
        the_last_query_stands_at_the_last_key,
        as_by_hand,
        all_pairs_at_once,
    ),
    mutants=(
        Mutant("no leading axis", "another shape", ((RESULT, RESULT.replace("[None]", "")),)),
        Mutant("the remainder", "no mask of True and False", ((RESULT, RESULT.replace(" == 0", "")),)),
        Mutant("the wrong way round", "from itself", ((RESULT, RESULT.replace("==", "!=")),)),
        Mutant(
            "a window", "window and not the strides", ((RESULT, RESULT.replace(") % stride == 0", ").abs() < stride")),)
        ),
        Mutant(
            "counted from 0",
            "from place 0",
            (
                (
                    RESULT,
                    "return (places % stride == 0).expand(1, queries, keys) | (places[keys - queries :, None] == places)",
                ),
            ),
        ),
        Mutant("causal too", "Looks back only", ((RESULT, RESULT.replace("[None]", "[None].tril(keys - queries)")),)),
        Mutant("from the first", "first query stand", ((RESULT, RESULT.replace("keys - queries :", ": queries")),)),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import torch


            def strided(queries, keys, stride, device=None):
                first = keys - queries
                return torch.tensor([[[(i + first - j) % stride == 0 for j in range(keys)] for i in range(queries)]])
            """,
        ),
    ),
)
