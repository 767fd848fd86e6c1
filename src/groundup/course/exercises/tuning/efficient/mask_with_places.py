"""Exercise: who may look at whom when learned places stand before the text."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def causal(*shape):
    """Each query sees itself and what stands before it."""
    import torch

    return torch.ones(shape, dtype=torch.bool).tril()


def packed():
    """A row of two documents of two tokens each."""
    import torch

    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    for start in (0, 2):
        mask[:, start : start + 2, start : start + 2] = causal(2, 2)
    return mask


@check("shape")
def longer_on_both_sides(mine):
    """Gives another shape: the places are queries and keys too, so both axes grow."""
    shape(mine(causal(2, 3, 3), 4), (2, 7, 7))


@check("dtype")
def yes_or_no(mine):
    """Gives numbers where a mask of True and False is wanted."""
    import torch

    that(mine(causal(1, 2, 2), 2).dtype == torch.bool)


@check("values")
def one_token_and_two_places(mine):
    """Is wrong for one token behind two places: the first place sees itself, the second both, the token all three."""
    import torch

    right = torch.tensor([[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]).bool()
    mistakes = {
        "Hides the places from the text: then they change nothing.": torch.tensor(
            [[[1, 0, 0], [1, 1, 0], [0, 0, 1]]]
        ).bool(),
        "Lets every place see every other: they stand in order.": torch.tensor(
            [[[1, 1, 0], [1, 1, 0], [1, 1, 1]]]
        ).bool(),
        "Lets the places see the text behind them.": torch.tensor([[[1, 0, 1], [1, 1, 1], [1, 1, 1]]]).bool(),
    }
    same(mine(causal(1, 1, 1), 2), right, mistakes=mistakes)


@check("values")
def every_document_sees_the_places_and_no_other_document(mine):
    """Changes who sees whom inside the text: documents of a packed row stay apart, and each sees all places."""
    got = mine(packed(), 3)
    same(got[:, 3:, 3:], packed(), "Changes who sees whom inside the text: the mask that was given holds there.")
    that(got[:, 3:, :3].all(), "Shows the places to the first document alone: each of a packed row sees them.")


@check("invariant")
def no_place_no_change(mine):
    """Changes a mask that has no place before it."""
    same(mine(packed(), 0), packed())


@check("invariant")
def each_row_its_own(mine):
    """Gives every row of a batch the mask of the first."""
    import torch

    both = torch.cat((packed(), causal(1, 4, 4)))
    same(mine(both, 2)[1], mine(both[1:], 2)[0])
    same(mine(both, 2)[0], mine(both[:1], 2)[0])


EXERCISE = Exercise(
    slot="tuning.efficient.mask_with_places",
    title="Learned places before a text: who sees whom",
    task="""
    `mask` (batch, seq, seq) says which key (column) a query (row) of the text may look at. Before the text come so many learned `places`. Give the mask
    of both together: every token of the text sees all places, the text's own mask holds as it was, the places see each other in order (each itself and
    those before it) and nothing of the text.
    """,
    difficulty=2,
    minutes=12,
    prerequisites=("tuning.efficient.prompts",),
    hints=(
        "torch.nn.functional.pad(mask, (places, 0), value=True) puts True columns before each row.",
        "The places' own rows: a lower triangle, and False for all columns of the text.",
        "torch.cat((first, text), dim=1), with first expanded to the batch.",
    ),
    run="groundup --mine my tune runs/demo/model --method prompt",
    checks=(
        longer_on_both_sides,
        yes_or_no,
        one_token_and_two_places,
        every_document_sees_the_places_and_no_other_document,
        no_place_no_change,
        each_row_its_own,
    ),
    mutants=(
        Mutant("keys only", "both axes grow", (("return torch.cat((first, text), dim=1)", "return text"),)),
        Mutant(
            "numbers",
            "Gives numbers",
            (("return torch.cat((first, text), dim=1)", "return torch.cat((first, text), dim=1).int()"),),
        ),
        Mutant("hidden", "Hides the places", (("value=True", "value=False"),)),
        Mutant(
            "all at once",
            "Lets every place see",
            (
                (
                    "masks.causal(places, device=mask.device)",
                    "masks.causal(places, device=mask.device).new_ones(1, places, places)",
                ),
            ),
        ),
        Mutant(
            "ahead", "Lets the places see the text", (("(0, mask.shape[-1]))", "(0, mask.shape[-1]), value=True)"),)
        ),
        Mutant(
            "first document",
            "Shows the places to the first document",
            (
                (
                    "text = functional.pad(mask, (places, 0), value=True)",
                    "text = functional.pad(mask, (places, 0), value=True)\n    text[..., :places] &= mask[..., :1]",
                ),
            ),
        ),
        Mutant(
            "first row",
            "the mask of the first",
            (
                (
                    "return torch.cat((first, text), dim=1)",
                    "return torch.cat((first, text), dim=1)[:1].expand(len(mask), -1, -1)",
                ),
            ),
        ),
    ),
)
