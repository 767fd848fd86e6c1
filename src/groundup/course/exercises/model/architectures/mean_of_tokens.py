"""Exercise: one vector for a text, the mean over its real tokens."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape

ROWS = ((1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1))  # 1: a token, 0: padding


def real_of(*rows):
    """Rows of 1 and 0 as the mask."""
    import torch

    return torch.tensor(rows, dtype=torch.bool)


def numbers(*values):
    """One text, one coordinate: a number a token."""
    import torch

    return torch.tensor(values).reshape(1, -1, 1)


def case(rows, width=3):
    """Random hidden states, the same at every call."""
    import torch

    return torch.randn(
        len(rows), len(rows[0]), width, generator=torch.Generator().manual_seed(len(rows)), dtype=torch.float64
    )


def one_by_one(hidden, real):
    """Row by row in Python: the mean of those that are real."""
    import torch

    return torch.stack([row[kept].mean(dim=0) for row, kept in zip(hidden, real, strict=True)])


@check("shape")
def one_vector_a_text(mine):
    """Gives another shape than (batch, hidden): one vector is left of each text."""
    for rows, width in (((1,),), 1), (((1, 1),), 2), (ROWS, 4):
        shape(mine(case(rows, width), real_of(*rows)), (len(rows), width))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the hidden states: bring the mask to their dtype, not them to float32."""
    import torch

    for kind in (torch.float64, torch.bfloat16):
        dtype(mine(case(((1, 0),)).to(kind), real_of((1, 0))), kind)


@check("values")
def without_padding_it_is_the_mean(mine):
    """Of a text without padding it is not the mean of its tokens."""
    import torch

    mistakes = {
        "Adds the tokens up and does not divide: a long text would have a long vector.": torch.tensor([[6.0]]),
        "Takes one token: all of them count alike.": torch.tensor([[3.0]]),
    }
    same(mine(numbers(1.0, 2.0, 3.0), real_of((1, 1, 1))), torch.tensor([[2.0]]), mistakes=mistakes)


@check("values")
def padding_counts_neither_above_nor_below_the_line(mine):
    """Padding has a part in the mean: it belongs neither into the sum nor into the number that divides it."""
    import torch

    mistakes = {
        "Averages over all places: what stands at padding is no part of the text.": torch.tensor([[27.0]]),
        "Leaves padding out of the sum but divides by all places: divide by the number of real tokens.": torch.tensor(
            [[1.0]]
        ),
        "Leaves padding in the sum but divides by the real tokens alone.": torch.tensor([[54.0]]),
        "Averages the padding: `real` is True at the tokens.": torch.tensor([[52.0]]),
    }
    same(mine(numbers(1.0, 3.0, 100.0, 4.0), real_of((1, 1, 0, 0))), torch.tensor([[2.0]]), mistakes=mistakes)


@check("values")
def each_text_has_its_own_number_of_tokens(mine):
    """Divides all texts by one number, or mixes their rows: every row has its own count."""
    rows = ((1, 0), (1, 1))
    same(mine(case(rows), real_of(*rows)), one_by_one(case(rows), real_of(*rows)))
    same(mine(case(ROWS), real_of(*ROWS)), one_by_one(case(ROWS), real_of(*ROWS)))


@check("finite")
def one_token_is_enough(mine):
    """Gives NaN or infinity for a text of a single token."""
    rows = ((0, 0, 1),)
    finite(mine(case(rows), real_of(*rows)))


@check("gradient")
def every_real_token_learns_its_share(mine):
    """The result is right and its gradient is not: every real token has an equal share, padding none."""
    for rows in (((1, 1, 0),), ROWS):
        real = real_of(*rows)
        gradients(lambda x, r=real: mine(x, r), lambda x, r=real: one_by_one(x, r), [case(rows)])


@check("speed")
def all_texts_at_once(mine):
    """Is far slower than the reference: all rows at once, no loop in Python."""
    import torch

    from groundup.model.architectures.heads import mean_of_tokens

    real = torch.arange(64) < torch.arange(1, 513)[:, None] % 64 + 1
    fast(mine, mean_of_tokens, (torch.zeros(512, 64, 8), real))


EXERCISE = Exercise(
    slot="model.architectures.mean_of_tokens",
    title="One vector for a text",
    task="""
    To compare two texts one vector each is enough: the mean of their tokens' vectors, as in sentence encoders. A batch is padded,
    and padding must not count: neither in the sum nor in the number that divides it, or the same text would have another vector in
    longer company. `real` is True at the text's tokens.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.masks",),
    hints=(
        "Multiply the vectors by 1 at tokens and 0 at padding, add up over the sequence, divide by how many tokens there are.",
        "real.to(hidden.dtype)[..., None] has the shape (batch, seq, 1), so that it multiplies every coordinate.",
        "(hidden * counted).sum(dim=1) / counted.sum(dim=1)",
    ),
    run="groundup --mine my learn lesson model.architectures.heads --run",
    checks=(
        one_vector_a_text,
        the_dtype_stays,
        without_padding_it_is_the_mean,
        padding_counts_neither_above_nor_below_the_line,
        each_text_has_its_own_number_of_tokens,
        one_token_is_enough,
        every_real_token_learns_its_share,
        all_texts_at_once,
    ),
    mutants=(
        Mutant(
            "padding averaged too",
            "Averages over all places",
            (("(hidden * counted).sum(dim=1) / counted.sum(dim=1)", "hidden.mean(dim=1)"),),
        ),
        Mutant("divided by all places", "divides by all places", (("counted.sum(dim=1)", "hidden.shape[1]"),)),
        Mutant("padding in the sum", "Leaves padding in the sum", (("(hidden * counted)", "hidden"),)),
        Mutant(
            "the mask turned round",
            "Averages the padding",
            (("real.to(", "(~real | real.all(dim=1, keepdim=True)).to("),),
        ),
        Mutant("not divided", "does not divide", ((" / counted.sum(dim=1)", ""),)),
        Mutant(
            "one count for all",
            "Divides all texts by one number",
            (("/ counted.sum(dim=1)", "/ (counted.sum() / len(real))"),),
        ),
        Mutant(
            "float32",
            "another dtype",
            (
                (
                    "return (hidden * counted).sum(dim=1) / counted.sum(dim=1)",
                    "return ((hidden * counted).sum(dim=1) / counted.sum(dim=1)).float()",
                ),
            ),
        ),
        Mutant(
            "outside the graph", "cut off from its inputs", (("(hidden * counted)", "(hidden.detach() * counted)"),)
        ),
    ),
)
