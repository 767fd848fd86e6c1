"""Exercise: where one document ends and the next begins."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

DOCUMENTS: tuple[list[int], ...] = ([5, 6], [7], [], [300, 9, 8])


def packed(documents):
    """Documents as ids in a row, and their offsets."""
    import numpy as np

    ids = np.array([id for document in documents for id in document], dtype=np.int64)
    return ids, np.cumsum([0, *map(len, documents)])


def by_hand(documents, end):
    """The same with the end after each."""
    return packed([[*document, end] for document in documents])


@check("shape")
def one_more_for_each(mine):
    """Gives another number of ids: each document gets exactly one end, the last one and empty ones too."""
    for documents in (([5, 6], [7], [300, 9, 8]), DOCUMENTS, ([], [])):
        ids, offsets = packed(documents)
        got = mine(ids.copy(), offsets.copy(), 0)
        wanted = len(ids) + len(documents)
        mistakes = {
            "Gives no end to the last document: then the next part of the corpus goes on in the middle of it.": wanted
            - 1,
            "Gives documents that end at one place a single end: an empty document would be gone.": len(ids)
            + len({*offsets[1:].tolist()}),
        }
        same(len(got[0]), wanted, mistakes={text: count for text, count in mistakes.items() if count != wanted})


@check("shape")
def as_many_offsets(mine):
    """Gives another number of offsets: as many as before, the beginning of each document and the number of ids."""
    ids, offsets = packed(DOCUMENTS)
    that(len(mine(ids, offsets, 0)[1]) == len(offsets), expected=len(offsets), got=len(mine(ids, offsets, 0)[1]))


@check("values")
def the_ids(mine):
    """Differs in the ids: the end stands after its document."""
    ids, offsets = packed(DOCUMENTS[:2] + DOCUMENTS[3:])
    wanted = by_hand(DOCUMENTS[:2] + DOCUMENTS[3:], 1)[0].tolist()
    before = packed([[1, *document] for document in (DOCUMENTS[:2] + DOCUMENTS[3:])])[0].tolist()
    got = mine(ids, offsets, 1)[0].tolist()
    same(
        got,
        wanted,
        mistakes={"Puts the end before its document: that is a beginning, and the last document has no end.": before},
    )


@check("values")
def the_offsets(mine):
    """Differs in the offsets: every document moves by one for each end that stands before it, so the k-th by k."""
    ids, offsets = packed(DOCUMENTS)
    mistakes = {
        "Leaves the offsets as they were: from the second document on they point one, two, three ids too early.": offsets.tolist(),
        "Moves every document by one: the first does not move, and the third moves by two.": (offsets + 1).tolist(),
    }
    same(mine(ids, offsets, 0)[1].tolist(), by_hand(DOCUMENTS, 0)[1].tolist(), mistakes=mistakes)


@check("values")
def every_document_is_found_again(mine):
    """Does not give each document back with its end: cut the ids at the offsets and look."""
    ids, offsets = packed(DOCUMENTS)
    closed, edges = mine(ids, offsets, 2)
    got = [closed[edges[at] : edges[at + 1]].tolist() for at in range(len(DOCUMENTS))]
    same(got, [[*document, 2] for document in DOCUMENTS])


EXERCISE = Exercise(
    slot="data.pipeline.close_documents",
    title="Where a document ends",
    task="""
    A corpus is one long row of ids; `offsets` says where each document begins, with the number of all ids as its last entry. Two equal offsets are an
    empty document. A model must learn where a text ends, so put `end_id` after every document, the last and the empty ones too, and give the new
    row and the new offsets. Both are NumPy arrays; do it without a loop if you can: a corpus has millions of documents.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("data.pipeline.tokenize",),
    hints=(
        "Document k ends where document k + 1 begins: at offsets[k + 1].",
        "np.insert(array, places, value) puts a value before each place of the old array, and takes many places at once.",
        "Before document k now stand k ends more than before: offsets + np.arange(len(offsets)).",
    ),
    run="groundup --mine my learn lesson data.pipeline.tokenize --run",
    checks=(one_more_for_each, as_many_offsets, the_ids, the_offsets, every_document_is_found_again),
    mutants=(
        Mutant("the last is left open", "Gives no end to the last document", (("offsets[1:]", "offsets[1:-1]"),)),
        Mutant("one end for several", "a single end", (("offsets[1:]", "np.unique(offsets[1:])"),)),
        Mutant("before", "Puts the end before its document", (("offsets[1:]", "offsets[:-1]"),)),
        Mutant("no move", "Leaves the offsets as they were", (("offsets + np.arange(len(offsets))", "offsets"),)),
        Mutant("all by one", "Moves every document by one", (("offsets + np.arange(len(offsets))", "offsets + 1"),)),
        Mutant(
            "offsets without the end",
            "Gives another number of offsets",
            (("offsets + np.arange(len(offsets))", "(offsets + np.arange(len(offsets)))[:-1]"),),
        ),
    ),
)
