"""Exercise: the targets of multi-token prediction, and where there are none."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


def moved(mine, targets, further, documents=None, counts=None):
    """What comes back for one row, as lists."""
    import torch

    ids = torch.tensor([targets])
    mask = torch.ones_like(ids).bool() if counts is None else torch.tensor([counts])
    numbers = torch.zeros_like(ids) if documents is None else torch.tensor([documents])
    got, kept = mine(ids, mask, numbers, further)
    return got[0].tolist(), kept[0].tolist()


@check("shape")
def two_tensors(mine):
    """Gives something else than (targets, which of them count), both of the shape of targets."""
    import torch

    zeros = torch.zeros(2, 5, dtype=torch.long)
    got = mine(zeros, zeros == 0, zeros, 2)
    that(isinstance(got, tuple) and len(got) == 2, expected="(targets, loss_mask)", got=type(got).__name__)
    for part in got:
        that(
            tuple(part.shape) == (2, 5),
            "Shortens the row: the last places stay, and do not count.",
            expected="shape (2, 5)",
            got=f"shape {tuple(part.shape)}",
        )
    that(got[1].dtype == torch.bool, expected="a mask of bool", got=got[1].dtype)


@check("values")
def nothing_further(mine):
    """Changes the targets where further is 0: that is next-token prediction as it was."""
    same(moved(mine, [1, 2, 3], 0), ([1, 2, 3], [True] * 3))


@check("values")
def the_target_further_on(mine):
    """Gives at a place another target than the one that stands `further` places on."""
    mistakes = {
        "Looks back: the targets come from further on in the row.": ([0, 0, 1, 2, 3], [False, False, True, True, True]),
        "Goes round: the last places get the targets of the first; nothing stands behind them, so they do not count.": (
            [3, 4, 5, 1, 2],
            [True] * 5,
        ),
        "Goes one place too far.": ([4, 5, 0, 0, 0], [True, True, False, False, False]),
        "Goes one place too few: targets are already one ahead of the inputs, and `further` is counted from them.": (
            [2, 3, 4, 5, 0],
            [True, True, True, True, False],
        ),
    }
    got = moved(mine, [1, 2, 3, 4, 5], 2)
    for sentence, wrong in mistakes.items():
        that(got != wrong, sentence, expected=[3, 4, 5, 0, 0], got=got[0])
    same(got[1], [True, True, True, False, False], "Counts other places than those with a target so far on in the row.")
    same(got[0], [3, 4, 5, 0, 0], "Leaves something else than 0 where there is no target.")


@check("values")
def documents_end(mine):
    """Asks for a token of the next document: nothing in this one says which text was packed behind it."""
    got = moved(mine, [1, 2, 3, 11, 12, 13], 1, [0, 0, 0, 1, 1, 1])
    same(got[1], [True, True, False, True, True, False])
    same(got[0], [2, 3, 0, 12, 13, 0], "Leaves something else than 0 where there is no target.")


@check("values")
def a_short_document_between(mine):
    """Reaches over a document that is shorter than the way: what counts is the document of the target."""
    same(moved(mine, [1, 2, 11, 21, 22], 2, [0, 0, 1, 2, 2])[1], [False] * 5)


@check("values")
def what_does_not_count(mine):
    """Counts a target that is left out of the loss where it stands."""
    got = moved(mine, [1, 2, 3, 4], 1, counts=[True, True, False, True])[1]
    that(
        got != [True, True, False, False],
        "Takes the mask of the place instead of the target's: whether a target counts is said where it stands.",
        expected=[True, False, True, False],
        got=got,
    )
    same(got, [True, False, True, False])


@check("values")
def beyond_the_row(mine):
    """Fails or counts something where no place of the row is so far on."""
    for further in (3, 4, 9):
        try:
            got = moved(mine, [1, 2, 3], further)
        except (RuntimeError, IndexError) as error:
            raise Failed(expected="nothing that counts", got=f"{type(error).__name__}: {error}") from None
        same(got, ([0] * 3, [False] * 3))


SAME = "same = document_ids[:, further:] == document_ids[:, : seq - further]"
KEPT = "loss_mask[:, further:] & same"

EXERCISE = Exercise(
    slot="training.objectives.targets_ahead",
    title="Multi-token prediction: what is asked further on",
    task="""
    Besides the next token a model is asked for those after it. `targets` holds at each place the next token; give at each place the
    target that stands `further` places on, and a mask of where it counts: in the same row, in the same document (document_ids says which), and
    counted itself by loss_mask. Where it does not count the target is 0. The shapes stay.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("training.objectives.causal", "data.pipeline.packing"),
    hints=(
        "targets[:, further:] are the targets wanted at the first seq - further places; begin with zeros and fill those.",
        "A place counts if loss_mask[:, further:] does and document_ids[:, further:] == document_ids[:, :seq - further].",
        "Hold further at seq at most, so that seq - further is never below 0; at the end masked_fill(~kept, 0).",
    ),
    run="groundup --mine my learn lesson training.objectives.multi_token --run",
    checks=(
        two_tensors,
        nothing_further,
        the_target_further_on,
        documents_end,
        a_short_document_between,
        what_does_not_count,
        beyond_the_row,
    ),
    mutants=(
        Mutant(
            "a short row",
            "Shortens the row",
            (
                (
                    "return moved.masked_fill(~kept, 0), kept",
                    "return moved[:, : seq - further], kept[:, : seq - further]",
                ),
            ),
        ),
        Mutant(
            "looks back",
            "Looks back",
            source="""
            import torch

            def targets_ahead(targets, loss_mask, document_ids, further):
                kept = torch.zeros_like(loss_mask)
                moved = torch.zeros_like(targets)
                kept[:, further:] = loss_mask[:, : targets.shape[1] - further]
                moved[:, further:] = targets[:, : targets.shape[1] - further]
                return moved, kept
            """,
        ),
        Mutant(
            "goes round",
            "Goes round",
            source="""
            import torch

            def targets_ahead(targets, loss_mask, document_ids, further):
                same = document_ids.roll(-further, 1) == document_ids
                kept = loss_mask.roll(-further, 1) & same
                return targets.roll(-further, 1).masked_fill(~kept, 0), kept
            """,
        ),
        Mutant("one too far", "one place too far", (("min(further, seq)", "min(further + (further > 1), seq)"),)),
        Mutant("one too few", "one place too few", (("min(further, seq)", "min(further - (further > 1), seq)"),)),
        Mutant("over the edge", "the next document", ((KEPT, "loss_mask[:, further:]"),)),
        Mutant(
            "only the neighbour's document",
            "shorter than the way",
            (
                (
                    SAME,
                    "one = min(further, 1)\n    same = document_ids[:, one : seq - further + one] == document_ids[:, : seq - further]",
                ),
            ),
        ),
        Mutant("the mask of the place", "mask of the place", ((KEPT, "loss_mask[:, : seq - further] & same"),)),
        Mutant("all count", "left out of the loss", ((KEPT, "same"),)),
        Mutant("no bound", "Fails or counts", (("min(further, seq)", "further"),)),
        Mutant(
            "not cleared",
            "something else than 0",
            (("return moved.masked_fill(~kept, 0), kept", "return moved, kept"),),
        ),
    ),
)
