"""Exercise: random features whose products estimate the softmax's exponential, the heart of Performer."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape, that


def drawn(*size, scale=1.0):
    """Normal numbers of this size, the same at every call."""
    import torch

    return scale * torch.randn(*size, generator=torch.Generator().manual_seed(sum(size)))


def numpys(x, projection):
    """The formula, one pair at a time, by Python's own exp."""
    import math

    import torch

    rows = [
        [
            math.exp(sum(a * b for a, b in zip(w, one, strict=True)) - sum(a * a for a in one) / 2)
            for w in projection.tolist()
        ]
        for one in x.tolist()
    ]
    return torch.tensor(rows) / math.sqrt(len(projection))


@check("shape")
def a_feature_for_each_row_of_the_projection(mine):
    """Gives another shape than (..., features): a number for each row of the projection, for each vector of x."""
    shape(mine(drawn(1, 1), drawn(2, 1)), (1, 2))
    shape(mine(drawn(2, 3), drawn(5, 3)), (2, 5))
    shape(mine(drawn(1, 2, 4, 3), drawn(5, 3)), (1, 2, 4, 5))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x."""
    import torch

    dtype(mine(drawn(1, 2).double(), drawn(2, 2).double()), torch.float64)


@check("finite")
def what_is_stable_does_not_overflow(mine):
    """Overflows where stable_over is given: take the largest exponent away before exp, not a factor after it."""
    x, projection = 40 * drawn(1, 1, 2), 40 * drawn(2, 2)
    finite(mine(x, projection, (-1,)))


@check("invariant")
def every_feature_is_positive(mine):
    """Is negative somewhere: exp is positive, and the weights of attention must be (sine and cosine features are not, and fail)."""
    features = mine(drawn(2, 2), drawn(3, 2))
    that((features > 0).all(), expected="numbers above 0", got=features)


@check("values")
def by_one_row(mine):
    """Is not exp(w . x - |x|^2 / 2) for one row w."""
    import math

    import torch

    x, w = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.5, 0.0]])
    mistakes = {
        "Leaves out |x|^2 / 2: without it the products overestimate, the more the longer x is.": [[math.exp(0.5)]],
        "Takes |x|^2 away whole: half of it belongs to each side.": [[math.exp(0.5 - 2)]],
        "Takes the length and not its square: |x|^2 is the sum of the squares.": [[math.exp(0.5 - 2**0.5 / 2)]],
        "Gives the exponent itself: exp is missing.": [[-0.5]],
        "Divides by the root of head_dim: what counts is the number of rows.": [[math.exp(-0.5) / 2**0.5]],
    }
    same(
        mine(x, w),
        torch.tensor([[math.exp(-0.5)]]),
        mistakes={said: torch.tensor(wrong) for said, wrong in mistakes.items()},
    )


@check("values")
def the_mean_over_the_rows(mine):
    """Does not divide as it should: the products are to be a mean over the rows, so each side takes the root of their number."""
    import torch

    x, nothing = torch.zeros(1, 2), torch.zeros(4, 2)
    mistakes = {
        "Is not divided at all: four rows give four times the product.": torch.ones(1, 4),
        "Divides each side by the number of rows: the product is divided twice, so take the root.": torch.full(
            (1, 4), 0.25
        ),
    }
    same(mine(x, nothing), torch.full((1, 4), 0.5), mistakes=mistakes)


@check("values")
def as_the_formula_says(mine):
    """Differs from the formula taken one pair at a time."""
    for size in ((1, 1, 1), (2, 3, 4), (4, 5, 2)):
        x, projection = drawn(size[0], size[2], scale=0.7), drawn(size[1], size[2])
        same(mine(x, projection), numpys(x, projection), rtol=1e-4)


@check("values")
def the_estimate_has_no_bias(mine):
    """Is biased: the mean of the products over very many rows must be exp(x . y)."""
    import torch

    x, y = torch.tensor([[0.5, 0.2]]), torch.tensor([[-0.1, 0.4]])
    rows = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    same(mine(x, rows) @ mine(y, rows).T, torch.exp(x @ y.T), rtol=0.01)


@check("values")
def the_largest_is_taken_away(mine):
    """Does not take the largest exponent away over the axes of stable_over: over all of them together, before exp."""
    import torch

    x, projection = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[1.0], [0.0]])  # exponents (0.5, -0.5), (0, -2)
    apart = torch.tensor([[[0.0, -1.0], [0.0, -2.0]]]).exp() / 2**0.5
    together = torch.tensor([[[0.0, -1.0], [-0.5, -2.5]]]).exp() / 2**0.5
    same(
        mine(x, projection, (-1,)),
        apart,
        mistakes={"Takes the largest of all away where only one axis is named.": together},
    )
    same(
        mine(x, projection, (-2, -1)),
        together,
        mistakes={"Takes the largest of each vector away where both axes are named.": apart},
    )


@check("gradient")
def the_gradients_are_those_of_the_formula(mine):
    """The numbers are right and the gradient is not: nothing may leave the graph."""

    def formula(x, projection):
        return (x @ projection.T - (x * x).sum(-1, keepdim=True) / 2).exp() / len(projection) ** 0.5

    gradients(mine, formula, [drawn(2, 3), drawn(4, 3)])


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: one matrix product for all vectors and rows."""
    from groundup.model.attention.linear import positive_features

    fast(mine, positive_features, (drawn(2, 64, 16, scale=0.3), drawn(64, 16)))


EXPONENTS = "x @ projection.T - x.square().sum(-1, keepdim=True) / 2"
RESULT = "return exponents.exp() / math.sqrt(len(projection))"
STABLE = "exponents = exponents - exponents.amax(stable_over, keepdim=True)"

EXERCISE = Exercise(
    slot="model.attention.positive_features",
    title="Positive random features: attention without pairs",
    task="""
    Softmax attention weighs a key by exp(query . key), which has to be computed for every pair. But for a normal vector w the
    mean of exp(w . x - |x|^2 / 2) exp(w . y - |y|^2 / 2) is exactly exp(x . y). So give each vector x one feature for each of
    m drawn rows w, exp(w . x - |x|^2 / 2) / sqrt(m): the product of two vectors' features then estimates exp(x . y), and the sum
    over all keys can be made before any query comes.

    stable_over names axes of the result: the largest exponent over these axes together is taken away before exp, so that
    nothing overflows. In attention this factor stands above and below the line, and cancels.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("model.attention.linear",),
    hints=(
        "x @ projection.T holds w . x for all vectors and rows; x.square().sum(-1, keepdim=True) holds |x|^2.",
        "amax takes a tuple of axes: exponents.amax(stable_over, keepdim=True). An empty tuple means: take nothing away.",
        "Divide by math.sqrt(len(projection)) after exp: the product of two sides is then divided by m, a mean.",
    ),
    run="groundup --mine my learn lesson model.attention.linear --run",
    checks=(
        a_feature_for_each_row_of_the_projection,
        the_dtype_stays,
        what_is_stable_does_not_overflow,
        every_feature_is_positive,
        by_one_row,
        the_mean_over_the_rows,
        as_the_formula_says,
        the_estimate_has_no_bias,
        the_largest_is_taken_away,
        the_gradients_are_those_of_the_formula,
        all_at_once,
    ),
    mutants=(
        Mutant("one feature", "another shape", ((RESULT, "return exponents.exp().sum(-1, keepdim=True)"),)),
        Mutant(
            "single precision",
            "another dtype",
            ((RESULT, "return exponents.float().exp() / math.sqrt(len(projection))"),),
        ),
        Mutant(
            "scaled after exp",
            "Overflows",
            (
                (
                    STABLE,
                    "return exponents.exp() / exponents.exp().amax(stable_over, keepdim=True) / math.sqrt(len(projection))",
                ),
            ),
        ),
        Mutant("cosines", "negative somewhere", ((RESULT, RESULT.replace("exp()", "cos()")),)),
        Mutant("no square", "Leaves out", ((EXPONENTS, "x @ projection.T"),)),
        Mutant("the whole square", "away whole", ((EXPONENTS, EXPONENTS.replace(" / 2", "")),)),
        Mutant(
            "the length", "the length and not", ((EXPONENTS, "x @ projection.T - x.norm(dim=-1, keepdim=True) / 2"),)
        ),
        Mutant("not divided", "not divided at all", ((RESULT, "return exponents.exp()"),)),
        Mutant("divided twice", "divided twice", ((RESULT, "return exponents.exp() / len(projection)"),)),
        Mutant("by the width", "root of head_dim", ((RESULT, "return exponents.exp() / math.sqrt(x.shape[-1])"),)),
        Mutant("always each apart", "each vector away", ((STABLE, STABLE.replace("stable_over,", "-1,")),)),
        Mutant("always all together", "largest of all away", ((STABLE, "exponents = exponents - exponents.max()"),)),
        Mutant(
            "outside the graph",
            "gradient is not",
            ((STABLE, STABLE), (EXPONENTS, f"({EXPONENTS.replace('x.square', 'x.detach().square')})")),
        ),
    ),
)
