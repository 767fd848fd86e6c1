"""Exercise: keep the documents of a packed row apart."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def ids(*rows):
    """Document ids, a list a row."""
    import torch

    return torch.tensor(rows)


def seen(*rows):
    """A mask of one row of a batch, from lines such as "1.": 1 where the query may look."""
    import torch

    return torch.tensor([[[mark == "1" for mark in row] for row in rows]])


def by_hand(document_ids):
    """The mask by its definition, pair by pair."""
    import torch

    return torch.tensor(
        [[[query == key and key >= 0 for key in row] for query in row] for row in document_ids.tolist()]
    )


@check("shape")
def a_row_for_each_query(mine):
    """Gives another shape than (batch, seq, seq): every token, as a query, has a row with a place for every token, as a key."""
    for batch, seq in ((1, 2), (2, 3)):
        got = mine(ids(*[[0] * seq] * batch))
        likely = {
            (batch, seq): "Compares each token with itself only: put document_ids once as a column and once as a row.",
            (
                seq,
                seq,
            ): "Gives one mask for the whole batch: each row is packed in its own way, so each has its own mask.",
        }
        shape(got, (batch, seq, seq), likely.get(tuple(getattr(got, "shape", ())), ""))


@check("dtype")
def true_and_false(mine):
    """Is no mask of True and False: compare with == and join with &; what is added to the scores is made of it later."""
    import torch

    for rows in ([[0]], [[0, 1]]):
        dtype(mine(ids(*rows)), torch.bool)


@check("values")
def no_document_looks_into_another(mine):
    """Does not go by the documents: a token sees the tokens of its own document."""
    mistakes = {
        "Lets documents look into each other: only equal ids may see each other.": seen("11", "11"),
        "Is the wrong way round: True means that the query may look there, and it may where the ids are equal.": seen(
            ".1", "1."
        ),
        "Hides every token from itself: a token belongs to its own document.": seen("..", ".."),
    }
    same(mine(ids([3, 8])), seen("1.", ".1"), mistakes=mistakes)


@check("values")
def a_document_sees_all_of_itself(mine):
    """Hides a document from itself: all its tokens see each other, in both directions."""
    mistakes = {
        "Hides what comes later: that is the causal mask, which stands for itself and is joined with &.": seen(
            "1.", "11"
        ),
    }
    same(mine(ids([4, 4])), seen("11", "11"), mistakes=mistakes)


@check("values")
def document_zero_is_a_document(mine):
    """Takes document 0 for padding: the ids begin at 0, and only -1 is padding."""
    same(mine(ids([0, 0])), seen("11", "11"))


@check("values")
def padding_is_seen_by_nobody(mine):
    """Treats padding (-1) as it should not: nobody sees it, and it sees nobody."""
    mistakes = {
        "Lets padding see padding, since -1 equals -1: also ask that the key's id is 0 or more.": seen(
            "1..", ".11", ".11"
        ),
        "Lets padding see the documents: also as a query it has nothing to look at.": seen("1..", "1..", "1.."),
        "Lets the documents see padding: its keys stay hidden from every query.": seen("111", "...", "..."),
        "Lets each padding token see itself: its row is empty.": seen("1..", ".1.", "..1"),
    }
    same(mine(ids([0, -1, -1])), seen("1..", "...", "..."), mistakes=mistakes)


@check("values")
def the_ids_decide(mine):
    """Goes by the borders between neighbours: tokens of one id belong together wherever they stand."""
    same(mine(ids([5, 3, 5])), seen("1.1", ".1.", "1.1"))


@check("values")
def each_row_has_its_documents(mine):
    """Mixes the rows of a batch: compare the tokens of one row with each other, along axis 1 only."""
    import torch

    same(mine(ids([0, 0], [0, 1])), torch.cat([seen("11", "11"), seen("1.", ".1")]))


@check("values")
def as_by_hand(mine):
    """Differs from comparing every pair of tokens by hand."""
    import torch

    source = torch.Generator().manual_seed(1)
    for batch, seq in ((1, 4), (2, 5), (3, 6)):
        document_ids = torch.randint(-1, 3, (batch, seq), generator=source)
        same(mine(document_ids), by_hand(document_ids))


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: compare all pairs at once by broadcasting, no loop in Python."""
    import torch

    from groundup.model.attention.masks import documents

    fast(mine, documents, (torch.arange(128).div(20, rounding_mode="floor").expand(4, 128).contiguous(),))


SAME = "same = document_ids[:, :, None] == document_ids[:, None, :]"
RUNS = """runs = (document_ids.diff(dim=1, prepend=document_ids[:, :1]) != 0).cumsum(1)
    same = runs[:, :, None] == runs[:, None, :]"""
RESULT = "return same & (document_ids >= 0)[:, None, :]"

EXERCISE = Exercise(
    slot="model.attention.documents",
    title="The packing mask: documents that do not see each other",
    task="""
    Short texts are packed behind one another into rows of full length, so that no computation is spent on padding. Without
    a mask, the story at the end of a row would read the recipe at its beginning and learn from noise. Each token comes with
    the id of its document, 0 or more; -1 is padding. Say for each row which token (as a query) may look at which (as a key):
    True where both have the same id, in both directions; padding sees nobody and is seen by nobody. That nothing looks ahead
    is the business of another mask, joined with &.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks", "data.pipeline.packing"),
    hints=(
        "Compare every token of a row with every other: a column against a row of the same ids gives a square.",
        "document_ids[:, :, None] is the column and document_ids[:, None, :] the row; == between them broadcasts.",
        "-1 equals -1, so padding would see padding: join with & the keys whose id is at least 0, as a row [:, None, :].",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        a_row_for_each_query,
        true_and_false,
        no_document_looks_into_another,
        a_document_sees_all_of_itself,
        document_zero_is_a_document,
        padding_is_seen_by_nobody,
        the_ids_decide,
        each_row_has_its_documents,
        as_by_hand,
        all_pairs_at_once,
    ),
    mutants=(
        Mutant("each with itself", "with itself only", ((SAME, "return document_ids == document_ids"),)),
        Mutant("one mask for the batch", "one mask for the whole batch", ((RESULT, "return same[0]"),)),
        Mutant("an axis for the heads", "another shape than (batch, seq, seq)", ((RESULT, "return same[:, None]"),)),
        Mutant("zeros and ones", "no mask of True and False", ((RESULT, "return same.float()"),)),
        Mutant("everything is seen", "look into each other", ((SAME, "same = document_ids[:, :, None] >= -1"),)),
        Mutant("the wrong way round", "wrong way round", (("None] == ", "None] != "),)),
        Mutant("causal too", "the causal mask", ((RESULT, f"same = same.tril()\n    {RESULT}"),)),
        Mutant("not itself", "from itself", ((RESULT, f"same = same ^ same.tril().triu()\n    {RESULT}"),)),
        Mutant("zero is padding", "document 0 for padding", ((">= 0", "> 0"),)),
        Mutant("padding sees padding", "since -1 equals -1", ((RESULT, "return same"),)),
        Mutant(
            "padding sees the documents",
            "also as a query",
            ((SAME, f"{SAME}\n    same = same | (document_ids < 0)[:, :, None]"),),
        ),
        Mutant("the runs of ids", "borders between neighbours", ((SAME, RUNS),)),
        Mutant("the first row for all", "Mixes the rows", ((SAME, SAME.replace("[:, None, :]", "[:1, None, :]")),)),
        Mutant(
            "padding renamed in place",
            "Changes its argument document_ids in place",
            ((RESULT, f"document_ids[document_ids < 0] = 99\n    {RESULT}"),),
        ),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import torch


            def documents(document_ids):
                return torch.tensor(
                    [[[one == other and other >= 0 for other in row] for one in row] for row in document_ids.tolist()]
                )
            """,
        ),
    ),
)
