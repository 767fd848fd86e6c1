"""Exercise: give new tokens an embedding that the model already understands."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape


def small():
    """Four rows of three numbers."""
    import numpy as np

    return np.array([[0.0, 2.0, 1.0], [2.0, 4.0, 1.0], [9.0, 9.0, 1.0], [1.0, 5.0, 1.0]])


@check("shape")
def a_row_for_each_new_token(mine):
    """Gives another number of rows: the old ones come first, then one for each new token, also when there is none."""
    shape(mine(small(), [[0, 1]]), (5, 3))
    shape(mine(small(), [[0], [1, 2, 3]]), (6, 3))
    shape(mine(small(), []), (4, 3))


@check("dtype")
def the_type_stays(mine):
    """Changes the type of the numbers: a model in float32 gets float32 back."""
    import numpy as np

    dtype(mine(small().astype(np.float32), [[0, 1]]), np.float32)


@check("finite")
def a_token_without_pieces_has_a_row(mine):
    """Gives NaN for a token that no piece spelled: the mean of nothing; take the mean of all rows there."""
    finite(mine(small(), [[]]))


@check("invariant")
def the_old_rows_stay(mine):
    """Changes the old rows, or what it was given: they are copied as they are."""
    import numpy as np

    rows = small()
    same(np.asarray(mine(rows, [[0, 1]]))[:4], small())
    same(rows, small())


@check("values")
def the_mean_of_the_pieces(mine):
    """Differs from the mean of the rows of the pieces that spelled the token."""
    import numpy as np

    first = "Takes the first piece's row: a token means all of its pieces."
    added = "Adds the rows up: a long token would then begin with a row longer than any other."
    everything = "Takes the mean of all rows: that is one and the same beginning for every new token."
    got = np.asarray(mine(small(), [[0, 1]]))[4:]
    wrong = {first: [[0.0, 2.0, 1.0]], added: [[2.0, 6.0, 2.0]], everything: [[3.0, 5.0, 1.0]]}
    same(got, np.array([[1.0, 3.0, 1.0]]), mistakes={sentence: np.array(row) for sentence, row in wrong.items()})


@check("values")
def a_piece_that_comes_twice_counts_twice(mine):
    """Counts a piece once that the token holds twice: `<<` is two of the same, beside another it has two thirds."""
    import numpy as np

    same(np.asarray(mine(small(), [[0, 0, 2]]))[4:], np.array([[3.0, 13 / 3, 1.0]]))


@check("values")
def each_token_its_own(mine):
    """Mixes up the new tokens: their rows stand in the order in which they came."""
    import numpy as np

    same(
        np.asarray(mine(small(), [[2], [0, 1], []]))[4:], np.array([[9.0, 9.0, 1.0], [1.0, 3.0, 1.0], [3.0, 5.0, 1.0]])
    )


@check("speed")
def one_mean_a_token(mine):
    """Is far slower than the reference: let the array library take the mean of all pieces at once."""
    import numpy as np

    from groundup.text.tokenizers.new_tokens import grow_rows

    rows = np.random.default_rng(0).normal(size=(2000, 64))
    fast(mine, grow_rows, (rows, [list(range(k, k + 20)) for k in range(60)]), times=30)


_MEAN = "wide[list(pieces)].mean(axis=0) if len(pieces)"
EXERCISE = Exercise(
    slot="text.tokenizers.grow_rows",
    title="New tokens: begin where the model already is",
    task="""
    A token added to a trained tokenizer needs a row in the embedding table, and training would have to find it from
    nothing. But the model has read the token before, in pieces: `<think>` was `<`, `th`, `ink`, `>`. Give each new token
    the mean of the rows of its pieces, behind the old rows, which stay as they are. A token that no piece spelled gets the
    mean of all old rows.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("text.tokenizers.new_tokens",),
    hints=(
        "rows[[4, 7, 7]] takes three rows at once, one of them twice; .mean(axis=0) makes one row of them.",
        "np.concatenate puts new rows behind the old ones; for no new token it needs an array of shape (0, hidden).",
        "Calculate in float64 and turn the new rows back with .astype(rows.dtype); `if len(pieces)` guards the mean of nothing.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.new_tokens --run",
    checks=(
        a_row_for_each_new_token,
        the_type_stays,
        a_token_without_pieces_has_a_row,
        the_old_rows_stay,
        the_mean_of_the_pieces,
        a_piece_that_comes_twice_counts_twice,
        each_token_its_own,
        one_mean_a_token,
    ),
    mutants=(
        Mutant("new rows alone", "another number of rows", (("np.concatenate([rows, ", "np.concatenate([rows[:0], "),)),
        Mutant("in double precision", "type of the numbers", ((".astype(rows.dtype)", ""),)),
        Mutant("the mean of nothing", "Gives NaN", ((" if len(pieces) else wide.mean(axis=0)", ""),)),
        Mutant("the first piece", "first piece's row", ((_MEAN, "wide[pieces[0]] if len(pieces)"),)),
        Mutant("a sum", "Adds the rows up", ((_MEAN, "wide[list(pieces)].sum(axis=0) if len(pieces)"),)),
        Mutant("all rows", "mean of all rows: that is", ((_MEAN, "wide.mean(axis=0) if len(pieces)"),)),
        Mutant(
            "each piece once",
            "Counts a piece once",
            ((_MEAN, "wide[sorted(set(pieces))].mean(axis=0) if len(pieces)"),),
        ),
        Mutant(
            "in another order", "Mixes up the new tokens", (("for pieces in spelled]", "for pieces in spelled[::-1]]"),)
        ),
    ),
)
