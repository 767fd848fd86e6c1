"""Exercise: the mask of a prefix LM, whose beginning sees itself both ways."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def lengths(*numbers):
    """Prefix lengths of a batch."""
    import torch

    return torch.tensor(numbers)


def seen(*rows):
    """Masks from lines such as "1.": 1 where the query may look; a list of lines for each row of the batch."""
    import torch

    return torch.tensor([[[mark == "1" for mark in line] for line in row] for row in rows])


def by_hand(prefix, queries, keys):
    """The mask by its definition, pair by pair."""
    import torch

    first = keys - queries
    return torch.tensor(
        [
            [[key <= first + query or key < length for key in range(keys)] for query in range(queries)]
            for length in prefix
        ]
    )


@check("shape")
def a_mask_for_each_row(mine):
    """Gives another shape than (batch, queries, keys): every row of the batch has a prefix of its own length."""
    shape(mine(lengths(0), 1), (1, 1, 1))
    shape(mine(lengths(1, 2), 3), (2, 3, 3))
    shape(mine(lengths(1, 2), 2, 5), (2, 2, 5))


@check("dtype")
def true_and_false(mine):
    """Is no mask of True and False: masks are bool, so that they can be joined with & and |."""
    import torch

    dtype(mine(lengths(1), 2), torch.bool)


@check("values")
def no_prefix_is_causal(mine):
    """Is not the causal mask where the prefix is empty: each query sees the keys up to itself."""
    mistakes = {
        "Hides every key from all: without a prefix what is left is the causal mask.": seen(["..", ".."]),
        "Hides a query from itself: it sees the keys up to itself, itself included.": seen(["..", "1."]),
        "Lets all see all: only what is in the prefix is seen by everybody.": seen(["11", "11"]),
    }
    same(mine(lengths(0), 2), seen(["1.", "11"]), mistakes=mistakes)


@check("values")
def a_prefix_sees_itself_both_ways(mine):
    """Differs where the prefix has three of five tokens: they see each other, and the last two see what came before."""
    mistakes = {
        "Is causal throughout: the tokens of the prefix see each other both ways.": seen(
            ["1....", "11...", "111..", "1111.", "11111"]
        ),
        "Ends the prefix one too late: of three tokens the places 0, 1 and 2 are inside.": seen(
            ["1111.", "1111.", "1111.", "1111.", "11111"]
        ),
        "Ends the prefix one too early: of three tokens the places 0, 1 and 2 are inside.": seen(
            ["11...", "11...", "111..", "1111.", "11111"]
        ),
        "Hides the prefix from the answer: what follows sees all that came before.": seen(
            ["111..", "111..", "111..", "...1.", "...11"]
        ),
        "Lets the prefix see the answer: nobody in it looks past its end.": seen(
            ["11111", "11111", "11111", "1111.", "11111"]
        ),
    }
    same(mine(lengths(3), 5), seen(["111..", "111..", "111..", "1111.", "11111"]), mistakes=mistakes)


@check("values")
def each_row_its_own(mine):
    """Uses one length for all rows: each row of the batch has its own."""
    same(mine(lengths(0, 2), 2), seen(["1.", "11"], ["11", "11"]))


@check("values")
def the_last_query_stands_at_the_last_key(mine):
    """Counts the queries from the first key: with earlier keys in a cache the last query stands at the last key."""
    same(mine(lengths(1), 1, 3), seen(["111"]))
    same(mine(lengths(1), 2, 4), seen(["111.", "1111"]))


@check("values")
def as_by_hand(mine):
    """Differs from asking pair by pair whether the key is in the prefix or not after the query."""
    for queries, keys in ((1, 1), (3, 3), (2, 6), (6, 6)):
        for prefix in ((0, 1), (3, 9)):
            same(mine(lengths(*prefix), queries, keys), by_hand(prefix, queries, keys))


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: make the whole mask at once, no loop in Python."""
    from groundup.model.architectures.prefix_lm import prefix_mask

    fast(mine, prefix_mask, (lengths(10, 200), 256, 256))


RESULT = "return masks.causal(queries, keys, prefix.device) | inside"
INSIDE = "inside = torch.arange(keys, device=prefix.device) < prefix[:, None, None]"

EXERCISE = Exercise(
    slot="model.architectures.prefix_mask",
    title="The prefix mask: read the question whole, answer token by token",
    task="""
    A causal decoder reads a question as if it came word by word, though all of it is there. A prefix LM lets the tokens of the prefix see
    each other both ways; whatever follows sees the prefix and, of the rest, only what came before. Give that mask for a batch whose rows
    have prefixes of different lengths. There may be more keys than queries, those of a cache: the last query stands at the last key.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks", "model.architectures.prefix_lm"),
    hints=(
        "Two reasons let a query see a key: the key is not after it, or the key is in the prefix. Join two masks with |.",
        "masks.causal(queries, keys) knows that the last query stands at the last key; it is given.",
        "Inside the prefix: torch.arange(keys) < prefix[:, None, None], one row of the batch for each length.",
    ),
    run="groundup --mine my learn lesson model.architectures.prefix_lm --run",
    checks=(
        a_mask_for_each_row,
        true_and_false,
        no_prefix_is_causal,
        a_prefix_sees_itself_both_ways,
        each_row_its_own,
        the_last_query_stands_at_the_last_key,
        as_by_hand,
        all_pairs_at_once,
    ),
    mutants=(
        Mutant("one axis too few", "Gives another shape", ((RESULT, f"return ({RESULT[7:]})[0]"),)),
        Mutant("numbers", "no mask of True and False", ((RESULT, f"return ({RESULT[7:]}).float()"),)),
        Mutant("only the prefix", "Hides every key", ((RESULT, "return inside.expand(-1, queries, -1)"),)),
        Mutant("all see all", "Lets all see all", ((RESULT, f"return ({RESULT[7:]}) | True"),)),
        Mutant("causal", "Is causal throughout", ((RESULT, "return masks.causal(queries, keys) & (inside | True)"),)),
        Mutant(
            "one too late",
            "one too late",
            ((INSIDE, INSIDE.replace("prefix[:, None, None]", "(prefix + (prefix > 0))[:, None, None]")),),
        ),
        Mutant(
            "one too early",
            "one too early",
            ((INSIDE, INSIDE.replace("prefix[:, None, None]", "(prefix - (prefix > 0).long())[:, None, None]")),),
        ),
        Mutant(
            "the prefix sees all",
            "Lets the prefix see the answer",
            (
                (
                    RESULT,
                    "rows = (torch.arange(queries) + keys - queries)[:, None] < prefix[:, None, None]\n"
                    "    return masks.causal(queries, keys) | inside | rows",
                ),
            ),
        ),
        Mutant(
            "the answer sees no prefix",
            "Hides the prefix from the answer",
            (
                (
                    RESULT,
                    "rows = (torch.arange(queries) + keys - queries)[:, None] < prefix[:, None, None]\n"
                    "    return torch.where(rows, inside, masks.causal(queries, keys) & ~inside)",
                ),
            ),
        ),
        Mutant(
            "the first row's length",
            "one length for all",
            (("prefix[:, None, None]", "prefix[:1, None, None].expand(len(prefix), 1, 1)"),),
        ),
        Mutant(
            "from the first key",
            "Counts the queries from the first key",
            (
                (
                    RESULT,
                    "return torch.ones(queries, keys, dtype=torch.bool).tril() | inside",
                ),
            ),
        ),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import torch


            def prefix_mask(prefix, queries, keys=None):
                keys = queries if keys is None else keys
                return torch.tensor(
                    [
                        [[k <= keys - queries + q or k < int(p) for k in range(keys)] for q in range(queries)]
                        for p in prefix
                    ]
                )
            """,
        ),
    ),
)
