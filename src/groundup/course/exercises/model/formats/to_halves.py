"""Exercise: put the rows of query and key back into the order in which Hugging Face turns them."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, same, shape

SIZES = [(1, 2, 1), (1, 4, 1), (2, 4, 3), (3, 8, 5)]  # heads, head_dim, inputs: the smallest first


def numbered(heads, head_dim, inputs):
    """A matrix whose rows are numbered in their first column, with random numbers beside."""
    import torch

    rows = torch.randn(heads * head_dim, inputs, generator=torch.Generator().manual_seed(heads))
    rows[:, 0] = torch.arange(heads * head_dim)
    return rows


def row_by_row(rows, heads):
    """The definition: coordinate i of a pair stands at 2i, its partner at 2i + 1; here at i and half + i."""
    import torch

    half = len(rows) // heads // 2
    return torch.stack(
        [rows[(2 * half) * head + 2 * i + side] for head in range(heads) for side in (0, 1) for i in range(half)]
    )


@check("shape")
def the_shape_stays(mine):
    """Gives another shape than that of rows: they only change places."""
    for heads, head_dim, inputs in SIZES:
        shape(mine(numbered(heads, head_dim, inputs), heads), (heads * head_dim, inputs))


@check("shape")
def a_bias_too(mine):
    """Stops at a bias, which is one number a row: split the first axis and leave what follows it, if anything does."""
    import torch

    try:
        got = mine(torch.arange(8.0), 2)
    except (RuntimeError, IndexError, ValueError) as error:
        raise Failed(expected="8 numbers for a bias of 8", got=str(error).split(". ")[0]) from error
    shape(got, (8,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype: nothing is reckoned, so what is stored in 16 bits stays in 16 bits."""
    import torch

    for kind in (torch.float16, torch.bfloat16, torch.float32):
        dtype(mine(numbered(2, 4, 3).to(kind), 2), kind)


@check("values")
def one_head_by_hand(mine):
    """Puts the rows of one head in the wrong order: a0 b0 a1 b1 becomes a0 a1 b0 b1."""
    import torch

    mistakes = {
        "Leaves the rows where they are: neighbours are a pair in the file, and here they stand half a head apart.": [
            0,
            1,
            2,
            3,
            4,
            5,
        ],
        "Goes the other way: that is how such a file is written, from halves to pairs.": [0, 3, 1, 4, 2, 5],
        "Puts the second of each pair first: a0 a1 a2, then b0 b1 b2.": [1, 3, 5, 0, 2, 4],
        "Turns the head upside down: the order within each half stays.": [4, 2, 0, 5, 3, 1],
    }
    wrong = {sentence: torch.tensor(rows, dtype=torch.float32) for sentence, rows in mistakes.items()}
    same(mine(torch.arange(6.0), 1), torch.tensor([0.0, 2, 4, 1, 3, 5]), mistakes=wrong)


@check("values")
def each_head_by_itself(mine):
    """Mixes the heads: rows 0 to 3 are head 0 and stay in it, rows 4 to 7 are head 1."""
    import torch

    mistakes = {"Sorts all rows as if they were one head.": torch.tensor([0.0, 2, 4, 6, 1, 3, 5, 7])}
    same(mine(torch.arange(8.0), 2), torch.tensor([0.0, 2, 1, 3, 4, 6, 5, 7]), mistakes=mistakes)


@check("values")
def whole_rows_move(mine):
    """Moves numbers within a row: the second axis, the inputs, stays as it is."""
    for heads, head_dim, inputs in SIZES:
        rows = numbered(heads, head_dim, inputs)
        same(mine(rows, heads), row_by_row(rows, heads), rtol=0.0, atol=0.0)


@check("values")
def as_the_rotation_needs_it(mine):
    """Turns other pairs than the file's model does: rotated here, the sorted vector must be the file's own, sorted."""
    import torch

    angles = torch.tensor([0.3, 1.1, 2.0])
    x = torch.randn(6, generator=torch.Generator().manual_seed(0))
    neighbours = torch.view_as_real(torch.view_as_complex(x.view(3, 2)) * torch.polar(torch.ones(3), angles)).flatten()
    first, second = mine(x, 1).chunk(2)
    halves = torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()])
    same(halves, row_by_row(neighbours, 1))


LINE = "return rows.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)"

EXERCISE = Exercise(
    slot="model.formats.to_halves",
    title="A model of llama.cpp's: sort the rows of query and key",
    task="""
    Rotary positions turn pairs of a head's coordinates. llama.cpp, llama2.c and the paper pair neighbours: 0 with 1, 2 with 3. Hugging
    Face's LLaMA pairs coordinate i with i + head_dim / 2. Both compute the same attention if the rows of the matrices
    that make query and key are sorted to fit, and every file of the one kind that is read by the other has to be.

    In the file the rows of each head stand a0 b0 a1 b1 ..., where a_i and b_i turn together. Give them as a0 a1 ... b0 b1 ...,
    each head by itself. rows is a matrix (heads * head_dim, inputs), or a bias (heads * head_dim,). For query `heads`
    is the number of query heads, for key that of key heads, which may be fewer: the famous mistake.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.formats.gguf", "model.positions.rotary"),
    hints=(
        "Write the six rows 0 to 5 of one head: 0 2 4 1 3 5 is what you want.",
        "Cut the first axis into (heads, pairs, 2): x.unflatten(0, (heads, -1, 2)) does it for a matrix and a bias alike.",
        "Then pairs and sides change places, transpose(1, 2), and flatten(0, 2) joins the three axes again.",
    ),
    run="groundup --mine my learn lesson model.formats.gguf --run",
    checks=(
        the_shape_stays,
        a_bias_too,
        the_dtype_stays,
        one_head_by_hand,
        each_head_by_itself,
        whole_rows_move,
        as_the_rotation_needs_it,
    ),
    mutants=(
        Mutant("not joined", "another shape than that of rows", ((".flatten(0, 2)", ""),)),
        Mutant(
            "matrices alone",
            "Stops at a bias",
            ((LINE, "return rows.reshape(heads, -1, 2, rows.shape[1]).transpose(1, 2).reshape(rows.shape)"),),
        ),
        Mutant("in float32", "Gives another dtype", ((LINE, LINE + ".float()"),)),
        Mutant("nothing", "Leaves the rows where they are", ((LINE, "return rows.clone()"),)),
        Mutant("the other way", "Goes the other way", (("(heads, -1, 2)", "(heads, 2, -1)"),)),
        Mutant("second first", "second of each pair first", ((".transpose(1, 2)", ".flip(2).transpose(1, 2)"),)),
        Mutant("upside down", "upside down", ((".transpose(1, 2)", ".flip(1).transpose(1, 2)"),)),
        Mutant("one head", "as if they were one head", (("(heads, -1, 2)", "(1, -1, 2)"),)),
        Mutant(
            "columns too",
            "Moves numbers within a row",
            (
                (
                    LINE,
                    "halves = rows.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)\n    return halves.flip(-1) if halves.dim() > 1 else halves",
                ),
            ),
        ),
    ),
)
