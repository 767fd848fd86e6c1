"""Exercise: the sliding window, in which a token sees only the last few before it."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def seen(*rows):
    """A mask from lines such as "1.": 1 where the query may look."""
    import torch

    return torch.tensor([[[mark == "1" for mark in row] for row in rows]])


def by_hand(queries, keys, window):
    """The mask by its definition, pair by pair."""
    import torch

    first = keys - queries
    return torch.tensor([[[(first + query) - key < window for key in range(keys)] for query in range(queries)]])


@check("shape")
def a_row_for_each_query(mine):
    """Gives another shape than (1, queries, keys): a row for each query, a column for each key, and one mask for every batch."""
    for queries, keys in ((1, 1), (2, 2), (2, 5)):
        likely = {
            (queries, keys): "Has no batch axis: masks have three axes, and 1 broadcasts over the batch.",
            (1, keys, queries): "Has queries and keys the wrong way round: queries are the rows.",
        }
        got = mine(queries, keys, 2)
        shape(got, (1, queries, keys), likely.get(tuple(getattr(got, "shape", ())), ""))


@check("dtype")
def true_and_false(mine):
    """Is no mask of True and False: masks are bool, so that they can be joined with &."""
    import torch

    for size in (1, 3):
        dtype(mine(size, size, 2), torch.bool)


@check("values")
def a_window_of_one(mine):
    """Does not let a query with a window of 1 see itself and nothing before."""
    mistakes = {
        "Admits window + 1 keys: a window of 1 is the token itself and nothing before it.": seen("11", "11"),
        "Hides the token itself: it is one of the window's tokens.": seen(".1", ".."),
        "Is the wrong way round: True means that the query may look there.": seen("..", "1."),
        "Also hides what comes after: that is the causal mask, which is joined with &.": seen("1.", ".1"),
    }
    same(mine(2, 2, 1), seen("11", ".1"), mistakes=mistakes)


@check("values")
def a_window_of_two(mine):
    """Does not let a query with a window of 2 see itself and the one before (and all after it)."""
    mistakes = {
        "Hides what comes after instead of what lies far before: turn the triangle over.": seen("11.", "111", "111"),
    }
    same(mine(3, 3, 2), seen("111", "111", ".11"), mistakes=mistakes)


@check("values")
def the_last_query_stands_at_the_last_key(mine):
    """Counts from the first key: with earlier keys in a cache the last query stands at the last key, keys - queries further on."""
    mistakes = {
        "Counts from the first key: the last query stands at the last key.": seen("1111"),
    }
    same(mine(1, 4, 2), seen("..11"), mistakes=mistakes)
    same(mine(2, 5, 3), seen(".1111", "..111"))


@check("values")
def as_by_hand(mine):
    """Differs from asking pair by pair whether the key lies less than `window` tokens before the query."""
    for queries, keys in ((1, 1), (3, 3), (2, 6), (6, 6)):
        for window in (1, 2, 5, 6, 7):
            same(mine(queries, keys, window), by_hand(queries, keys, window))


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: make the whole mask at once, no loop in Python."""
    from groundup.model.attention.masks import sliding_window

    fast(mine, sliding_window, (256, 256, 16))


RESULT = "return torch.ones(1, queries, keys, dtype=torch.bool, device=device).triu(keys - queries - window + 1)"

EXERCISE = Exercise(
    slot="model.attention.sliding_window",
    title="The sliding window: look only a little way back",
    task="""
    Full attention reads every earlier token at every step, so a step grows dearer with the text. With a window of w tokens a
    query sees itself and the w - 1 tokens before it; what lies further back reaches it through the layers, w tokens a layer.
    Give the mask that hides what lies too far back, and only that: the causal mask hides what comes after, and the two are
    joined with &. There may be more keys than queries, those of a cache: the last query stands at the last key.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks",),
    hints=(
        "Query i stands at position keys - queries + i. It sees key j when the distance between them is less than the window.",
        "What is hidden is a triangle at the lower left: triu(d) keeps column - row >= d.",
        "column - row >= keys - queries - window + 1, on torch.ones(1, queries, keys, dtype=torch.bool, device=device).",
    ),
    run="groundup --mine my learn lesson model.architectures.decoder --run",
    checks=(
        a_row_for_each_query,
        true_and_false,
        a_window_of_one,
        a_window_of_two,
        the_last_query_stands_at_the_last_key,
        as_by_hand,
        all_pairs_at_once,
    ),
    mutants=(
        Mutant("no batch axis", "no batch axis", ((RESULT, RESULT + "[0]"),)),
        Mutant("turned over", "queries are the rows", ((RESULT, RESULT + ".transpose(1, 2)"),)),
        Mutant("zeros and ones", "no mask of True and False", ((RESULT, RESULT + ".float()"),)),
        Mutant("one key too many", "window + 1 keys", (("window + 1", "window"),)),
        Mutant("one key too few", "Hides the token itself", (("window + 1", "window + 2"),)),
        Mutant("causal too", "Also hides what comes after", ((RESULT, RESULT + ".tril(keys - queries)"),)),
        Mutant(
            "the wrong way round", "True means that the query may look there", ((RESULT, f"return ~({RESULT[7:]})"),)
        ),
        Mutant("from the first key", "Counts from the first key", (("keys - queries - window", "-window"),)),
        Mutant("at most three", "pair by pair", (("- window + 1", "- min(window, 3) + 1"),)),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import torch


            def sliding_window(queries, keys, window, device=None):
                rows = [[keys - queries + i - j < window for j in range(keys)] for i in range(queries)]
                return torch.tensor([rows])
            """,
        ),
    ),
)
