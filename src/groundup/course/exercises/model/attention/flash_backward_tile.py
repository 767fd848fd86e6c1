"""Exercise: the gradients of one tile of attention, from nothing but the row's log-sum-exp."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, same, shape

SIZES = [
    (1, 1, 1, 1),
    (1, 2, 1, 1),
    (2, 3, 2, 2),
    (3, 5, 4, 2),
]  # queries, keys, head_dim, value_dim: the smallest first
HIDE = "weights = weights.masked_fill(~visible, 0.0)"
GRAD_SCORES = "grad_scores = weights * (grad @ value.transpose(-2, -1) - row_dot) * scale"


def case(queries, keys, head_dim, value_dim, *batch, seen=None):
    """A whole attention as one tile: query, key, value, grad, log_sum_exp, row_dot, visible, scale; and torch's gradients."""
    import torch

    source = torch.Generator().manual_seed(queries + 10 * keys)
    sizes = ((queries, head_dim), (keys, head_dim), (keys, value_dim), (queries, value_dim))
    query, key, value, grad = (torch.randn(*batch, *size, generator=source, dtype=torch.float64) for size in sizes)
    leaves = [one.clone().requires_grad_() for one in (query, key, value)]
    asked, answered, gave = leaves
    result = torch.nn.functional.scaled_dot_product_attention(asked, answered, gave, attn_mask=seen, scale=0.5)
    oracle = torch.autograd.grad(result, leaves, grad)
    scores = 0.5 * query @ key.mT
    scores = scores if seen is None else scores.masked_fill(~seen, -torch.inf)
    kept = scores.logsumexp(-1, keepdim=True)
    kept = kept.masked_fill(kept == -torch.inf, torch.inf)
    return (query, key, value, grad, kept, (grad * result.detach()).sum(-1, keepdim=True), seen, 0.5), oracle


def some(queries, keys):
    """Each query sees the keys before its own place; the first one nothing."""
    import torch

    return torch.ones(queries, keys, dtype=torch.bool).tril(-1)


@check("shape")
def a_gradient_for_each_of_the_three(mine):
    """Gives other shapes than query, key and value have, in this order: turn the tile over for key and value."""
    for size in SIZES:
        given, oracle = case(*size)
        for got, expected in zip(mine(*given), oracle, strict=True):
            shape(got, expected.shape)


@check("finite")
def a_query_that_sees_nothing_is_finite(mine):
    """Gives NaN where a query sees nothing: its log-sum-exp is +inf, so exp(score - inf) is 0 by itself; divide by nothing."""
    for got in mine(*case(2, 2, 1, 1, seen=some(2, 2))[0]):
        finite(got)


@check("values")
def the_values_gradient(mine):
    """The gradient of the values is wrong: each value is told the gradients of the queries, by the weights they gave it."""
    for size in SIZES:
        given, oracle = case(*size)
        same(mine(*given)[2], oracle[2])


@check("values")
def the_weights_are_those_of_the_whole_row(mine):
    """Makes a softmax of the tile alone: other tiles share the row, so the weights are exp(scores - log_sum_exp)."""
    given, oracle = case(1, 4, 1, 1)
    query, key, value, *rest = given
    halves = [mine(query, key[part], value[part], *rest) for part in (slice(0, 2), slice(2, 4))]
    same(halves[0][2], oracle[2][:2])
    same(halves[1][2], oracle[2][2:])


@check("values")
def the_querys_gradient(mine):
    """The gradient of the query is wrong: it is weights * (grad value^T - row_dot) * scale, times the keys."""
    import torch

    given, oracle = case(1, 2, 1, 1)
    query, key, value, grad, kept, dot, _, scale = given
    weights = torch.exp(scale * query @ key.mT - kept)
    felt = grad @ value.mT
    mistakes = {
        "The gradient of the scores lacks the scale: they were multiplied by it, so their gradient is, too.": (
            weights * (felt - dot)
        )
        @ key,
        "The softmax's own gradient is missing: subtract row_dot, the mean that was taken, before the weights.": (
            scale * weights * felt
        )
        @ key,
        "Lacks the weights: a key that was not looked at has no say.": scale * (felt - dot) @ key,
    }
    same(mine(*given)[0], oracle[0], mistakes=mistakes)
    for size in SIZES:
        given, oracle = case(*size)
        same(mine(*given)[0], oracle[0])


@check("values")
def the_keys_gradient(mine):
    """The gradient of the keys is wrong: the tile of the scores' gradients, turned over, times the queries."""
    for size in SIZES:
        given, oracle = case(*size, 2)
        same(mine(*given)[1], oracle[1])


@check("values")
def what_is_hidden_gets_nothing(mine):
    """Lets a hidden pair take part: where `visible` is False the weight is 0, whatever the score."""
    for size in ((2, 2, 1, 1), (3, 5, 4, 2)):
        given, oracle = case(*size, seen=some(*size[:2]))
        for got, expected in zip(mine(*given), oracle, strict=True):
            same(got, expected)


@check("speed")
def a_tile_at_once(mine):
    """Is far slower than the reference: five matrix products on the whole tile."""
    from groundup.model.attention.flash import flash_backward_tile

    fast(mine, flash_backward_tile, case(64, 64, 16, 16, 2, 2)[0])


EXERCISE = Exercise(
    slot="model.attention.flash_backward_tile",
    title="The way back, without the weights",
    task="""
    Attention's backward pass needs the softmax's weights, and FlashAttention has thrown them away. It kept one number a query,
    the log of the sum of exp(score) over all its keys: with it the weights of any tile can be computed again by themselves,
    weights = exp(scores - log_sum_exp). Give what this tile adds to the gradients of its queries, keys and values. What the
    softmax's gradient needs of the whole row, the sum of weight times its gradient, is given: row_dot.
    """,
    difficulty=4,
    minutes=35,
    prerequisites=("model.attention.flash",),
    hints=(
        "Scores and weights first; the value's gradient is then weights turned over, times grad.",
        "The weights' gradient is grad value^T; the scores' is weights * (that - row_dot), times the scale.",
        "The query's gradient is the scores' gradient times the keys, the keys' is it turned over times the queries. Hide with "
        "weights.masked_fill(~visible, 0.0).",
    ),
    run="groundup --mine my learn lesson model.attention.flash --run",
    checks=(
        a_gradient_for_each_of_the_three,
        a_query_that_sees_nothing_is_finite,
        the_values_gradient,
        the_weights_are_those_of_the_whole_row,
        the_querys_gradient,
        the_keys_gradient,
        what_is_hidden_gets_nothing,
        a_tile_at_once,
    ),
    mutants=(
        Mutant(
            "a softmax of the tile",
            "softmax of the tile alone",
            (("torch.exp(scores - log_sum_exp)", "torch.softmax(scores, -1)"),),
        ),
        Mutant(
            "the scale forgotten on the way back",
            "lacks the scale",
            ((GRAD_SCORES, GRAD_SCORES.removesuffix(" * scale")),),
        ),
        Mutant("no row_dot", "softmax's own gradient is missing", ((" - row_dot", ""),)),
        Mutant("no weights", "Lacks the weights", (("grad_scores = weights * ", "grad_scores = "),)),
        Mutant("the mask turned round", "Lets a hidden pair take part", (("~visible", "visible"),)),
        Mutant(
            "divided by the sum again",
            "Gives NaN",
            ((HIDE, f"{HIDE}\n        weights = weights / weights.sum(-1, keepdim=True)"),),
        ),
        Mutant(
            "key and value exchanged",
            "gradient of the values",
            (
                (
                    "return grad_scores @ key, grad_scores.transpose(-2, -1) @ query, weights.transpose(-2, -1) @ grad",
                    "return grad_scores @ key, grad_scores.transpose(-2, -1) @ query, grad_scores.transpose(-2, -1) @ grad",
                ),
            ),
        ),
        Mutant(
            "the tile not turned over",
            "other shapes",
            (("grad_scores.transpose(-2, -1) @ query", "grad_scores @ key"),),
        ),
    ),
)
