"""Exercise: BERT's masking: which tokens are asked for, and what is read in their place."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

MASK = 3
IDS = [10, 11, 12, 13, 14, 15]
OTHERS = [20, 21, 22, 23, 24, 25]


def asked(mine, choice, fate, choosable=(True,) * 6, **rate):
    """What is read and what is chosen of the six tokens, as lists."""
    import torch

    given = (torch.tensor([row]) for row in (IDS, list(choosable), choice, fate, OTHERS))
    read, chosen = mine(*given, MASK, **rate)
    return read[0].tolist(), chosen[0].tolist()


@check("shape")
def two_tensors(mine):
    """Gives something else than (what is read, which are chosen), both of the shape of input_ids."""
    import torch

    zeros = torch.zeros(2, 3)
    got = mine(zeros.long(), zeros.bool(), zeros, zeros, zeros.long(), MASK)
    that(isinstance(got, tuple) and len(got) == 2, expected="(read, chosen)", got=type(got).__name__)
    for part in got:
        that(tuple(part.shape) == (2, 3), expected="shape (2, 3)", got=f"shape {tuple(part.shape)}")


@check("dtype")
def ids_and_truths(mine):
    """What is read are ids (int64), and chosen is true or false."""
    import torch

    zeros = torch.zeros(1, 2)
    read, chosen = mine(zeros.long(), zeros.bool(), zeros, zeros, zeros.long(), MASK)
    that(read.dtype == torch.int64, expected="int64", got=read.dtype)
    that(chosen.dtype == torch.bool, expected="bool", got=chosen.dtype)


@check("values")
def the_choice(mine):
    """Chooses other tokens than those whose choice is below rate (0.15 itself is not)."""
    choice = [0.0, 0.1, 0.1499, 0.15, 0.5, 0.99]
    got = asked(mine, choice, [0.0] * 6)[1]
    mistakes = {
        "Chooses where the draw is above the rate: below it, 15 of 100 are chosen.": [False] * 4 + [True] * 2,
        "Chooses also where the draw equals the rate: draws come from [0, 1), so a rate of 0 would choose some.": [True]
        * 4
        + [False] * 2,
        "Chooses every token.": [True] * 6,
    }
    same(got, [True] * 3 + [False] * 3, mistakes=mistakes)


@check("values")
def special_tokens_are_left_alone(mine):
    """Chooses a token that may not be chosen: special tokens and padding say nothing about the text."""
    choosable = [False, True, False, True, True, True]
    read, chosen = asked(mine, [0.0] * 6, [0.5] * 6, choosable)
    that(
        read[0] == IDS[0] and read[2] == IDS[2],
        "Hides a token that may not be chosen.",
        expected="10 and 12 as they are",
        got=read,
    )
    same(chosen, choosable)


@check("values")
def what_is_hidden(mine):
    """Reads something else than mask_id where fate is below 0.8."""
    same(asked(mine, [0.0] * 6, [0.0, 0.2, 0.4, 0.6, 0.7, 0.79])[0], [MASK] * 6)


@check("values")
def what_is_exchanged(mine):
    """Reads something else than the token in `others` where fate lies from 0.8 up to 0.9."""
    got = asked(mine, [0.0] * 6, [0.8, 0.82, 0.84, 0.86, 0.88, 0.89])[0]
    that(got != [MASK] * 6, "Hides all chosen tokens: one in ten is exchanged, and one in ten stays.")
    that(got != IDS, "Exchanges nothing: one in ten of the chosen becomes another token.")
    same(got, OTHERS)


@check("values")
def what_stays(mine):
    """Changes tokens whose fate is 0.9 or more: they are read as they are."""
    same(asked(mine, [0.0] * 6, [0.9, 0.92, 0.94, 0.96, 0.98, 0.99])[0], IDS)


@check("values")
def what_stays_is_asked_for(mine):
    """Leaves tokens out of `chosen` that are read as they are: they are asked for as well, so no token can be trusted."""
    same(asked(mine, [0.0] * 6, [0.95] * 6)[1], [True] * 6)
    same(asked(mine, [0.0] * 6, [0.85] * 6)[1], [True] * 6)


@check("values")
def what_is_not_chosen_stays(mine):
    """Changes tokens that are not chosen: what the model reads around the gaps is the text."""
    same(asked(mine, [0.9] * 6, [0.0, 0.5, 0.85, 0.85, 0.95, 0.1])[0], IDS)


@check("values")
def another_rate(mine):
    """Does not keep to the rate it was given."""
    same(asked(mine, [0.1, 0.2, 0.3, 0.39, 0.41, 0.9], [0.0] * 6, rate=0.4)[1], [True] * 4 + [False] * 2)


CHOSEN = "chosen = choosable & (choice < rate)"
EXCHANGED = "chosen & (fate >= HIDDEN) & (fate < HIDDEN + EXCHANGED)"

EXERCISE = Exercise(
    slot="training.objectives.mask_tokens",
    title="BERT's masking: 80, 10, 10",
    task="""
    Hide tokens so that a model which sees the whole text can still be asked for some of them. A token is chosen if it may be chosen and its
    draw `choice` is below the rate. Of the chosen ones 80 % are read as mask_id, 10 % as the token in `others`, 10 % as they are; `fate`
    says which. Asked for are all chosen ones, also those that are read as they are: the model has to doubt every token, or it would have
    nothing to say about a text without masks. All draws are given, so the same draws give the same masks.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("model.architectures.encoder_only",),
    hints=(
        "chosen is an `and` of two truths: choosable, and choice < rate.",
        "hidden = chosen & (fate < 0.8); the exchanged ones are chosen, from 0.8 up to 0.9.",
        "torch.where(exchanged, others, input_ids).masked_fill(hidden, mask_id), and chosen beside it.",
    ),
    run="groundup --mine my learn lesson training.objectives.masked --run",
    checks=(
        two_tensors,
        ids_and_truths,
        the_choice,
        special_tokens_are_left_alone,
        what_is_hidden,
        what_is_exchanged,
        what_stays,
        what_stays_is_asked_for,
        what_is_not_chosen_stays,
        another_rate,
    ),
    mutants=(
        Mutant("above the rate", "above the rate", ((CHOSEN, "chosen = choosable & (choice > rate)"),)),
        Mutant("the rate itself", "equals the rate", ((CHOSEN, "chosen = choosable & (choice <= rate)"),)),
        Mutant("special tokens", "may not be chosen", ((CHOSEN, "chosen = choice < rate"),)),
        Mutant("always the mask", "Hides all chosen", (("chosen & (fate < HIDDEN)", "chosen"),)),
        Mutant("never another", "Exchanges nothing", (("torch.where(exchanged, others, input_ids)", "input_ids"),)),
        Mutant("none stays", "fate is 0.9 or more", ((EXCHANGED, "chosen & (fate >= HIDDEN)"),)),
        Mutant("only changed ones asked", "Leaves tokens out", (("mask_id), chosen", "mask_id), hidden | exchanged"),)),
        Mutant("exchanged anywhere", "not chosen", ((EXCHANGED, EXCHANGED.removeprefix("chosen & ")),)),
        Mutant("a fixed rate", "the rate it was given", ((CHOSEN, "chosen = choosable & (choice < 0.15)"),)),
        Mutant(
            "half are hidden", "below 0.8", (("fate < HIDDEN)", "fate < 0.5)"), ("fate >= HIDDEN)", "fate >= 0.8)"))
        ),
    ),
)
