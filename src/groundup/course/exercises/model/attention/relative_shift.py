"""Exercise: Transformer-XL's shift, from scores by distance to scores by key."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, gradients, same, shape


def scores(*rows):
    """One batch, one head."""
    import torch

    return torch.tensor([[[float(one) for one in row] for row in rows]])[None]


def case(batch, heads, queries, keys):
    """Different numbers, none of them 0."""
    import torch

    return torch.arange(1.0, 1 + batch * heads * queries * keys).view(batch, heads, queries, keys)


def by_hand(given):
    """One pair at a time: key j and query i are keys - queries + i - j apart."""
    import torch

    queries, keys = given.shape[2:]
    columns = []
    for i in range(queries):
        row = [keys - 1 - (keys - queries + i - j) if j <= keys - queries + i else None for j in range(keys)]
        columns.append([given[:, :, i, c] if c is not None else given[:, :, i, 0] * 0 for c in row])
    return torch.stack([torch.stack(row, dim=-1) for row in columns], dim=-2)


@check("shape")
def the_shape_stays(mine):
    """Gives another shape: as many keys as there were distances."""
    for size in ((1, 1, 1, 1), (1, 1, 2, 2), (1, 1, 1, 3), (2, 3, 2, 4)):
        shape(mine(case(*size)), size)


@check("invariant")
def one_query_at_the_end_moves_nothing(mine):
    """Changes the row of the last query: it stands at the last key, where distance and place count down alike."""
    mistakes = {"Turns the order of the distances round: they come largest first, as the keys do.": scores([3, 2, 1])}
    same(mine(scores([1, 2, 3])), scores([1, 2, 3]), mistakes=mistakes)


@check("values")
def two_by_two(mine):
    """Does not move the rows as it should: row i to the left by (queries - 1 - i), and 0 for what lies ahead."""
    mistakes = {
        "Leaves everything where it is: column 0 of a row is the largest distance, not key 0.": scores([1, 2], [3, 4]),
        "Moves to the right: the first rows lose their largest distances, so they move to the left.": scores(
            [1, 0], [3, 4]
        ),
        "Rolls in a circle: what leaves on the left does not come back on the right.": scores([2, 1], [3, 4]),
    }
    same(mine(scores([1, 2], [3, 4])), scores([2, 0], [3, 4]), mistakes=mistakes)


@check("values")
def three_by_three(mine):
    """Is right for two queries and not for three: row i moves by (queries - 1 - i), each by another number."""
    mistakes = {
        "Leaves scores of the next row where nothing belongs: what lies ahead is 0.": scores(
            [3, 0, 4], [5, 6, 0], [7, 8, 9]
        ),
    }
    same(mine(scores([1, 2, 3], [4, 5, 6], [7, 8, 9])), scores([3, 0, 0], [5, 6, 0], [7, 8, 9]), mistakes=mistakes)


@check("values")
def with_a_memory_before(mine):
    """Is wrong where there are more keys than queries: the keys of the memory come first, and the last query stands at the last key."""
    mistakes = {
        "Hides what the first query may see: it stands at key (keys - queries), so tril takes that as its diagonal.": scores(
            [2, 0, 0, 0], [5, 6, 0, 0]
        ),
    }
    same(mine(scores([1, 2, 3, 4], [5, 6, 7, 8])), scores([2, 3, 4, 0], [5, 6, 7, 8]), mistakes=mistakes)


@check("values")
def batches_and_heads_apart(mine):
    """Mixes batches or heads: pad and reshape the last two axes only."""
    for size in ((1, 2, 2, 2), (2, 1, 2, 3), (2, 3, 4, 6)):
        same(mine(case(*size)), by_hand(case(*size)))


@check("gradient")
def the_gradient_moves_back(mine):
    """The gradient is not right: move the tensor itself, and leave nothing out of the graph."""
    gradients(mine, by_hand, [case(1, 2, 3, 5)])


@check("speed")
def without_a_loop(mine):
    """Is far slower than the reference: pad each row by one and read the numbers as rows of another length."""
    from groundup.model.attention.memory import relative_shift

    fast(mine, relative_shift, (case(1, 2, 96, 128),))


PADDED = "padded = torch.cat([scores.new_zeros(batch, heads, queries, 1), scores], dim=-1)"
SHIFTED = "shifted = padded.view(batch, heads, keys + 1, queries)[:, :, 1:].reshape(scores.shape)"
RESULT = "return shifted.tril(keys - queries)"

EXERCISE = Exercise(
    slot="model.attention.relative_shift",
    title="The relative shift of Transformer-XL",
    task="""
    How much a query minds a distance is one product for each distance. But scores are wanted for each key, and key j is another
    distance away for every query. So a row has to be moved: column c of the scores holds the distance keys - 1 - c (the largest
    first, 0 last). The last query stands at the last key and its row is right as it is; the row before it moves to the left by
    one, the next by two. What lies ahead of a query has no distance: 0.

    There are at least as many keys as queries: those of the memory come first. No loop is needed, and no index: pad and reshape.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("model.attention.memory",),
    hints=(
        "Put one column of zeros before the scores: each row now has keys + 1 numbers.",
        "Read the same numbers as keys + 1 rows of `queries`, drop the first row, and read the rest in the old shape: each row has "
        "moved one further than the row below it.",
        "tensor.tril(k) keeps column j of row i where j - i <= k; the first query sees keys 0 to keys - queries.",
    ),
    run="groundup --mine my learn lesson model.attention.memory --run",
    checks=(
        the_shape_stays,
        one_query_at_the_end_moves_nothing,
        two_by_two,
        three_by_three,
        with_a_memory_before,
        batches_and_heads_apart,
        the_gradient_moves_back,
        without_a_loop,
    ),
    mutants=(
        Mutant("one column more", "another shape", ((RESULT, "return padded.tril(keys - queries)"),)),
        Mutant("one to the left", "the row of the last query", ((SHIFTED, "shifted = scores.roll(-1, -1)"),)),
        Mutant("nothing moved", "Leaves everything", ((RESULT, "return scores"),)),
        Mutant("nothing moved, ahead hidden", "Moves to the right", ((SHIFTED, "shifted = scores"),)),
        Mutant("ahead is left", "scores of the next row", ((RESULT, "return shifted"),)),
        Mutant(
            "rolled",
            "Rolls in a circle",
            (
                (
                    RESULT,
                    "rows = torch.arange(queries)[:, None]\n    return scores.gather(-1, ((torch.arange(keys) + queries - 1 - rows) % keys).expand_as(scores))",
                ),
            ),
        ),
        Mutant("turned round", "Turns the order", ((PADDED, PADDED.replace(", scores]", ", scores.flip(-1)]")),)),
        Mutant(
            "the diagonal of a square",
            "Hides what the first query",
            ((RESULT, "return shifted.tril() if queries > 1 else shifted"),),
        ),
        Mutant(
            "outside the graph",
            "gradient is not",
            ((RESULT, "return shifted.detach().tril(keys - queries) + 0 * scores"),),
        ),
        Mutant(
            "heads mixed",
            "Mixes batches or heads",
            ((SHIFTED, SHIFTED.replace("padded.view", "padded.transpose(1, 0).contiguous().view")),),
        ),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import torch


            def relative_shift(scores):
                queries, keys = scores.shape[2:]
                rows = []
                for i in range(queries):
                    row = [scores[:, :, i, queries - 1 - i + j] if j <= keys - queries + i else 0 * scores[:, :, i, 0] for j in range(keys)]
                    rows.append(torch.stack(row, dim=-1))
                return torch.stack(rows, dim=-2)
            """,
        ),
    ),
)
