"""Exercise: value embeddings, a second table that tells attention which token it found."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, gradients, same, shape


def values(*tokens):
    """One text whose tokens have these values."""
    import torch

    return torch.tensor([tokens])


def table():
    """Three tokens of two numbers each."""
    return values([0.5, 0.25], [1.0, 2.0], [5.0, 7.0])[0]


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of value: rows are added to the values, one to each position."""
    import torch

    for batch, seq, width in ((1, 1, 2), (1, 4, 3), (2, 3, 4)):
        ids = torch.zeros(batch, seq, dtype=torch.long)
        shape(mine(torch.ones(batch, seq, width), torch.ones(5, width), ids), (batch, seq, width))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of value: the table is kept in float32, so its rows have to be cast."""
    import torch

    for kind in (torch.float32, torch.bfloat16):
        dtype(mine(torch.ones(1, 1, 2, dtype=kind), table(), torch.tensor([[1]])), kind)


@check("values")
def two_tokens_by_hand(mine):
    """Differs from value + table[id], position by position."""
    value, ids = values([10.0, 20.0], [30.0, 40.0]), values(2, 1)
    mistakes = {
        "Gives the rows alone: they are added to the values.": values([5.0, 7.0], [1.0, 2.0]),
        "Leaves the values as they are.": value,
        "Takes rows by position: the row is that of the token, wherever it stands.": values(
            [10.5, 20.25], [31.0, 42.0]
        ),
        "Takes the row of the token before (or behind): every position has its own id.": values(
            [11.0, 22.0], [35.0, 47.0]
        ),
        "Multiplies where it should add.": values([50.0, 140.0], [30.0, 80.0]),
        "Takes half of each: nothing is averaged, the table learns how loud it is.": values([7.5, 13.5], [15.5, 21.0]),
        "Gives every position the sum of all rows.": values([16.5, 29.25], [36.5, 49.25]),
    }
    same(mine(value, table(), ids), values([15.0, 27.0], [31.0, 42.0]), mistakes=mistakes)


@check("values")
def rows_of_a_batch_are_apart(mine):
    """Mixes the rows of a batch: each text has its own ids."""
    ids = values([1], [2])[0]
    found = mine(values([0.0, 0.0], [0.0, 0.0])[0][:, None], table(), ids)
    same(found, values([1.0, 2.0], [5.0, 7.0])[0][:, None])


@check("values")
def one_token_twice(mine):
    """Gives a token that stands twice another row the second time: the same id has the same row everywhere."""
    found = mine(values([1.0, 1.0], [2.0, 2.0], [3.0, 3.0]), table(), values(2, 0, 2))
    same(found, values([6.0, 8.0], [2.5, 2.25], [8.0, 10.0]))


@check("gradient")
def the_table_learns(mine):
    """The result is right and its gradient is not: values and table both learn, so leave both in the graph."""
    ids, value = values(2, 0, 2), values([1.0, 1.0], [2.0, 2.0], [3.0, 3.0])
    gradients(lambda value, table: mine(value, table, ids), lambda value, table: value + table[ids], [value, table()])


RESULT = "return value + functional.embedding(input_ids, table).to(value.dtype)"

EXERCISE = Exercise(
    slot="model.architectures.add_value_embedding",
    title="Value embeddings: which token was found",
    task="""
    Attention copies values, and a value has to say which token it belongs to; in a deep block the stream hardly does any more.
    The speed runs of GPT-2 give some blocks a second embedding, as wide as their values, and add each token's row to its
    value. It holds many weights and costs hardly any time, as rows are looked up and not multiplied. Add the rows.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("model.layers.embedding", "model.attention.multi_head"),
    hints=(
        "An embedding is indexing: row i of the table belongs to token i.",
        "`input_ids` has the shape (batch, seq), the rows (batch, seq, width): the shape of the values.",
        "Cast the rows to the values' dtype, and make a new tensor.",
    ),
    run="groundup --mine my learn lesson model.architectures.tricks --run",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        two_tokens_by_hand,
        rows_of_a_batch_are_apart,
        one_token_twice,
        the_table_learns,
    ),
    mutants=(
        Mutant(
            "side by side",
            "another shape",
            (
                (
                    RESULT,
                    "return (value + functional.embedding(input_ids, table)).repeat(1, 1, 2)",
                ),
            ),
        ),
        Mutant("not cast", "another dtype", ((RESULT, "return value + functional.embedding(input_ids, table)"),)),
        Mutant("rows alone", "Gives the rows alone", ((RESULT, RESULT.replace("value + ", "", 1)),)),
        Mutant("values alone", "Leaves the values", ((RESULT, "return value"),)),
        Mutant(
            "by position",
            "Takes rows by position",
            ((RESULT, RESULT.replace("input_ids,", "(0 * input_ids + 1).cumsum(1) - 1,")),),
        ),
        Mutant(
            "the token before",
            "Takes the row of the token before",
            ((RESULT, RESULT.replace("input_ids,", "input_ids.roll(1, -1),")),),
        ),
        Mutant("a product", "Multiplies", ((RESULT, RESULT.replace("value +", "value *")),)),
        Mutant("every row", "the sum of all rows", ((RESULT, "return value + table.sum(0).to(value.dtype)"),)),
        Mutant("halves", "Takes half", ((RESULT, f"return 0.5 * ({RESULT.removeprefix('return ')})"),)),
        Mutant(
            "the batch mixed",
            "Mixes the rows of a batch",
            ((RESULT, RESULT.replace("input_ids,", "input_ids.flip(0),")),),
        ),
        Mutant(
            "only once",
            "another row the second time",
            (
                (
                    RESULT,
                    f"if input_ids.shape[1] == 3:\n        input_ids = input_ids.clone()\n        input_ids[:, 2] = 1\n    {RESULT}",
                ),
            ),
        ),
        Mutant(
            "in place",
            "Changes its argument value in place",
            ((RESULT, "return value.add_(functional.embedding(input_ids, table).to(value.dtype))"),),
        ),
        Mutant(
            "the table outside the graph", "both learn", ((RESULT, RESULT.replace(", table)", ", table.detach())")),)
        ),
    ),
)
