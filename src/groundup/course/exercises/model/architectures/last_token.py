"""Exercise: the vector of each text at its last real token, from which a reward or a label is read."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, shape

ROWS = ((1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1))  # 1: a token, 0: padding; right, left, a hole


def real_of(*rows):
    """Rows of 1 and 0 as the mask."""
    import torch

    return torch.tensor(rows, dtype=torch.bool)


def places(rows, width=1):
    """Hidden states whose number says where they stand: 10 * row + place, in every coordinate."""
    import torch

    batch, seq = len(rows), len(rows[0])
    numbers = 10.0 * torch.arange(batch)[:, None] + torch.arange(seq)
    return numbers[..., None].expand(batch, seq, width).clone()


def one_by_one(hidden, real):
    """Row by row in Python: the last of those that are real."""
    import torch

    return torch.stack([row[kept][-1] for row, kept in zip(hidden, real, strict=True)])


@check("shape")
def one_vector_a_text(mine):
    """Gives another shape than (batch, hidden): one vector is left of each text."""
    for rows, width in (((1,),), 1), (((1, 1),), 2), (((1, 0), (0, 1)), 3), (ROWS, 4):
        shape(mine(places(rows, width), real_of(*rows)), (len(rows), width))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the hidden states: a vector is taken, not computed."""
    import torch

    for kind in (torch.float64, torch.bfloat16):
        dtype(mine(places(((1, 0),)).to(kind), real_of((1, 0))), kind)


@check("values")
def without_padding_it_is_the_last_place(mine):
    """Of a text without padding it is not the vector at the last place."""
    rows = ((1, 1, 1),)
    mistakes = {
        "Takes the first token: in a decoder only the last one has seen the whole text.": places(rows)[:, 0],
        "Averages the tokens: the last one alone is taken.": places(rows).mean(dim=1),
    }
    same(mine(places(rows), real_of(*rows)), places(rows)[:, -1], mistakes=mistakes)


@check("values")
def padding_on_the_right_is_not_read(mine):
    """Of a text padded on the right it is not the last real token."""
    import torch

    rows = ((1, 1, 0, 0),)
    hidden = places(rows)
    mistakes = {
        "Takes the last place, which is padding: whoever is trained on it learns from nonsense.": hidden[:, -1],
        "Takes the place after the last real token: the count of tokens is one more than the place of the last.": hidden[
            :, 2
        ],
        "Takes the token before the last real one.": hidden[:, 0],
    }
    same(mine(hidden, real_of(*rows)), torch.tensor([[1.0]]), mistakes=mistakes)


@check("values")
def padding_on_the_left_moves_the_place(mine):
    """Of a text padded on the left it is not the last real token."""
    import torch

    rows = ((0, 0, 1, 1),)
    hidden = places(rows)
    mistakes = {
        "Counts the real tokens and takes that place, which holds only where padding stands on the right: look for the "
        "greatest place that is real.": hidden[:, 1],
        "Takes the first real token.": hidden[:, 2],
    }
    same(mine(hidden, real_of(*rows)), torch.tensor([[3.0]]), mistakes=mistakes)


@check("values")
def each_text_has_its_own_end(mine):
    """Takes one place for all texts, or the vector of another text: row i of the result is from row i."""
    rows = ((1, 0, 0), (1, 1, 0))
    same(mine(places(rows), real_of(*rows)), one_by_one(places(rows), real_of(*rows)))
    for row in ROWS:
        same(mine(places((row,)), real_of(row)), one_by_one(places((row,)), real_of(row)))
    same(mine(places(ROWS, 3), real_of(*ROWS)), one_by_one(places(ROWS, 3), real_of(*ROWS)))


@check("gradient")
def only_the_token_that_was_read_learns(mine):
    """The result is right and its gradient is not: it goes to the token that was taken, and to no other."""
    for rows in (((1, 0),), ROWS):
        real = real_of(*rows)
        gradients(lambda x, r=real: mine(x, r), lambda x, r=real: one_by_one(x, r), [places(rows, 2)])


@check("speed")
def all_texts_at_once(mine):
    """Is far slower than the reference: take all rows at once, no loop in Python."""
    import torch

    from groundup.model.architectures.heads import last_token

    real = torch.arange(64) < torch.arange(1, 513)[:, None] % 64 + 1
    fast(mine, last_token, (torch.zeros(512, 64, 8), real))


EXERCISE = Exercise(
    slot="model.architectures.last_token",
    title="Where a text ends",
    task="""
    A reward model gives a text one number, read from a single vector. In a decoder that is the vector of the last token,
    the only one that has seen the whole text. Texts of a batch have unequal lengths and are padded, on the right in training,
    on the left while answers are written: take from each row the vector at its last real token. `real` is True at tokens.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks",),
    hints=(
        "For each row find the greatest place (0, 1, 2, ...) at which `real` is True.",
        "Replace the places of padding by -1 (masked_fill with ~real) and take the maximum of each row.",
        "hidden[row numbers, last places] takes one vector a row; the row numbers are torch.arange(batch).",
    ),
    run="groundup --mine my learn lesson model.architectures.heads --run",
    checks=(
        one_vector_a_text,
        the_dtype_stays,
        without_padding_it_is_the_last_place,
        padding_on_the_right_is_not_read,
        padding_on_the_left_moves_the_place,
        each_text_has_its_own_end,
        only_the_token_that_was_read_learns,
        all_texts_at_once,
    ),
    mutants=(
        Mutant(
            "the last place",
            "Takes the last place, which is padding",
            (("places.masked_fill(~real, -1)", "places.expand_as(real)"),),
        ),
        Mutant(
            "the count of tokens",
            "one more than the place",
            (("places.masked_fill(~real, -1).amax(dim=1)", "real.sum(dim=1).clamp(max=real.shape[1] - 1)"),),
        ),
        Mutant(
            "count minus one",
            "only where padding stands on the right",
            (("places.masked_fill(~real, -1).amax(dim=1)", "real.sum(dim=1) - 1"),),
        ),
        Mutant(
            "the first real token",
            "Takes the first token",
            (("places.masked_fill(~real, -1).amax(dim=1)", "real.long().argmax(dim=1)"),),
        ),
        Mutant("one place for all", "one place for all texts", ((".amax(dim=1)", ".amax().expand(len(real))"),)),
        Mutant("outside the graph", "cut off from its inputs", (("return hidden[", "return hidden.detach()["),)),
    ),
)
