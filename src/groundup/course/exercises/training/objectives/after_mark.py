"""Exercise: which places of packed documents are asked for, when only what follows a mark is."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that

MARK = 9


def asked(mine, ids, documents=None):
    """What comes back for one row, as a list of 0 and 1."""
    import torch

    numbers = [0] * len(ids) if documents is None else documents
    return mine(torch.tensor([ids]), torch.tensor([numbers]), MARK)[0].int().tolist()


@check("shape")
def a_mask(mine):
    """Gives something else than a mask of bool of the shape of input_ids."""
    import torch

    ids = torch.tensor([[1, 9, 3], [4, 5, 9]])
    got = mine(ids, torch.zeros_like(ids), MARK)
    that(
        isinstance(got, torch.Tensor) and got.shape == ids.shape,
        expected="shape (2, 3)",
        got=getattr(got, "shape", got),
    )
    that(got.dtype == torch.bool, expected="torch.bool", got=got.dtype)


@check("values")
def from_the_mark_on(mine):
    """Asks at other places than from the mark on to the end of the document."""
    got = asked(mine, [1, 2, 9, 4, 5])
    mistakes = {
        "Leaves the mark's own place out: there the first token of the answer is the target, because targets are one ahead.": [
            0,
            0,
            0,
            1,
            1,
        ],
        "Asks at the mark alone; an answer may have several tokens.": [0, 0, 1, 0, 0],
        "Asks for the question, before the mark.": [1, 1, 0, 0, 0],
    }
    for sentence, wrong in mistakes.items():
        that(got != wrong, sentence, expected=[0, 0, 1, 1, 1], got=got)
    same(got, [0, 0, 1, 1, 1])


@check("values")
def without_a_mark(mine):
    """Asks for something in a text that has no mark."""
    same(asked(mine, [1, 2, 3]), [0, 0, 0])


@check("values")
def a_second_mark(mine):
    """Begins anew, or stops, at a second mark: after the first all is answer, marks too."""
    same(asked(mine, [1, 9, 3, 9, 5]), [0, 1, 1, 1, 1])


@check("values")
def the_next_document(mine):
    """Carries the mark of one document into the next one of the same row, whose question is then asked for."""
    same(asked(mine, [1, 9, 3, 4, 9, 6], [0, 0, 0, 1, 1, 1]), [0, 1, 1, 0, 1, 1])


@check("values")
def a_mark_at_the_beginning(mine):
    """Misses a mark that is a document's first token."""
    same(asked(mine, [1, 2, 9, 4], [0, 0, 1, 1]), [0, 0, 1, 1])


@check("values")
def a_document_without_marks_between(mine):
    """Forgets marks, or keeps them, over a document that has none."""
    same(asked(mine, [9, 2, 3, 4, 9, 6], [0, 0, 1, 1, 2, 2]), [1, 1, 0, 0, 1, 1])


@check("values")
def padding(mine):
    """Asks for something on padding, where document_ids is -1."""
    same(asked(mine, [1, 9, 3, 9, 9], [0, 0, 0, -1, -1]), [0, 1, 1, 0, 0])


@check("values")
def rows_apart(mine):
    """Lets one row of a batch change what is asked for in another."""
    import torch

    ids, zeros = torch.tensor([[9, 2, 3], [1, 2, 9]]), torch.zeros(2, 3, dtype=torch.long)
    try:
        got = mine(ids, zeros, MARK).int().tolist()
    except RuntimeError as error:
        raise Failed(expected="a mask", got=str(error)) from None
    same(got, [[1, 1, 1], [0, 0, 1]])


RESULT = "return (before + marks > at_beginning) & (document_ids >= 0)"

EXERCISE = Exercise(
    slot="training.objectives.after_mark",
    title="Asking for answers alone",
    task="""
    Documents `question = answer` are packed into rows. Only the answers are to be learned. Say at each place whether the mark (the id of `=`) has been read
    when the model stands there: at the place itself or before it, in the same document. The places of a document stand together and have one number in
    document_ids; -1 is padding, where nothing is asked. No loop over places is needed.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("training.objectives.causal", "data.pipeline.packing"),
    hints=(
        "Count marks: (input_ids == mark).long().cumsum(1) says how many of the row have been read, other documents' included.",
        "Take off those that were read before the document began: the count just before its first place, carried along by cummax(1), since counts only grow.",
        "A document begins where document_ids differs from the place before it, and at the first place.",
    ),
    run="groundup --mine my learn lesson training.objectives.algorithmic --run",
    checks=(
        a_mask,
        from_the_mark_on,
        without_a_mark,
        a_second_mark,
        the_next_document,
        a_mark_at_the_beginning,
        a_document_without_marks_between,
        padding,
        rows_apart,
    ),
    mutants=(
        Mutant(
            "counts",
            "something else than a mask",
            ((RESULT, "return (before + marks - at_beginning) * (document_ids >= 0)"),),
        ),
        Mutant(
            "behind the mark",
            "mark's own place out",
            ((RESULT, "return (before > at_beginning) & (document_ids >= 0)"),),
        ),
        Mutant("the mark alone", "at the mark alone", ((RESULT, "return (marks > 0) & (document_ids >= 0)"),)),
        Mutant(
            "the question",
            "Asks for the question",
            ((RESULT, "return (before + marks <= at_beginning) & (document_ids >= 0)"),),
        ),
        Mutant(
            "odd marks",
            "second mark",
            ((RESULT, "return ((before + marks - at_beginning) % 2 == 1) & (document_ids >= 0)"),),
        ),
        Mutant("the whole row", "Carries the mark", ((RESULT, "return (before + marks > 0) & (document_ids >= 0)"),)),
        Mutant(
            "counts the mark at the beginning away",
            "Misses a mark",
            (("torch.where(begins, before, 0)", "torch.where(begins, before + marks, 0)"),),
        ),
        Mutant("padding too", "on padding", ((RESULT, "return before + marks > at_beginning"),)),
        Mutant(
            "over rows",
            "one row of a batch",
            source="""
            import torch

            def after_mark(input_ids, document_ids, mark):
                said, read = torch.zeros_like(input_ids).bool(), False
                for row in range(len(input_ids)):
                    for place in range(input_ids.shape[1]):
                        if place and document_ids[row, place] != document_ids[row, place - 1]:
                            read = False
                        read = read or bool(input_ids[row, place] == mark)
                        said[row, place] = read and bool(document_ids[row, place] >= 0)
                return said
            """,
        ),
    ),
)
