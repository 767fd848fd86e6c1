"""Exercise: the gradient of attention, by hand."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, same, shape

SIZES = [
    (1, 1, 1, 1),
    (1, 2, 1, 1),
    (2, 3, 4, 2),
    (3, 5, 4, 3),
]  # queries, keys, head_dim, value_dim: the smallest first
GRAD_SCORES = "weights * (grad_weights - (weights * grad_weights).sum(-1, keepdim=True))"


def case(queries, keys, head_dim, value_dim, *batch, seen=None):
    """query, key, value, mask, grad; and torch's three gradients."""
    import torch

    source = torch.Generator().manual_seed(queries + 10 * keys)
    sizes = ((queries, head_dim), (keys, head_dim), (keys, value_dim), (queries, value_dim))
    *leaves, grad = (torch.randn(*batch, *size, generator=source, dtype=torch.float64) for size in sizes)
    tracked = [one.clone().requires_grad_() for one in leaves]
    asked, answered, gave = tracked
    result = torch.nn.functional.scaled_dot_product_attention(asked, answered, gave, attn_mask=seen)
    return (*leaves, seen, grad), torch.autograd.grad(result, tracked, grad)


def lower(queries, keys):
    """Each query sees the keys up to its own place; the first one nothing."""
    import torch

    return torch.ones(queries, keys, dtype=torch.bool).tril(-1)


@check("shape")
def a_gradient_for_each_of_the_three(mine):
    """Gives other shapes than query, key and value have, in this order."""
    for size in SIZES:
        given, oracle = case(*size)
        for got, expected in zip(mine(*given), oracle, strict=True):
            shape(got, expected.shape)


@check("shape")
def batches_and_heads_stand_in_front(mine):
    """Cannot take a batch of heads: transpose(-2, -1) turns the last two axes only."""
    given, oracle = case(2, 3, 4, 2, 2, 3)
    for got, expected in zip(mine(*given), oracle, strict=True):
        shape(got, expected.shape)


@check("finite")
def a_query_with_nothing_to_look_at_is_finite(mine):
    """Gives NaN where a query may look at nothing: mask with the smallest finite number, then set the weights to 0."""
    for got in mine(*case(2, 2, 1, 1, seen=lower(2, 2))[0]):
        finite(got)


@check("invariant")
def equal_values_leave_the_scores_alone(mine):
    """Moves the scores though all values are equal: the softmax's gradient subtracts the weighted mean of the row."""
    import torch

    query, key, value, mask, grad = case(2, 3, 2, 1)[0]
    of_query, of_key, _ = mine(query, key, torch.ones_like(value), mask, grad)
    same(of_query, torch.zeros_like(query))
    same(of_key, torch.zeros_like(key))


@check("values")
def the_values_gradient(mine):
    """The gradient of the values is wrong: the weights turned over, times grad."""
    for size in SIZES:
        given, oracle = case(*size)
        same(mine(*given)[2], oracle[2])


@check("values")
def the_querys_gradient(mine):
    """The gradient of the query is wrong: the gradient of the scores times the keys, over the square root of head_dim."""
    given, oracle = case(2, 3, 4, 2)
    mistakes = {
        "The gradient of the query is not scaled: scores were divided by sqrt(head_dim), so their gradients are, too.": 2
        * oracle[0],
        "The gradient of the query is scaled twice.": oracle[0] / 2,
    }
    same(mine(*given)[0], oracle[0], mistakes=mistakes)
    for size in SIZES:
        given, oracle = case(*size)
        same(mine(*given)[0], oracle[0])


@check("values")
def the_keys_gradient(mine):
    """The gradient of the keys is wrong: the gradient of the scores, turned over, times the queries, over sqrt(head_dim)."""
    given, oracle = case(2, 3, 4, 2)
    mistakes = {
        "The gradient of the keys is not scaled: scores were divided by sqrt(head_dim), so their gradients are, too.": 2
        * oracle[1]
    }
    same(mine(*given)[1], oracle[1], mistakes=mistakes)
    for size in SIZES:
        given, oracle = case(*size, 2)
        same(mine(*given)[1], oracle[1])


@check("values")
def with_a_mask(mine):
    """Differs where a mask is given: a hidden key has the weight 0 and gets no gradient."""
    for size in ((2, 2, 1, 1), (3, 5, 4, 3)):
        given, oracle = case(*size, seen=lower(*size[:2]))
        for got, expected in zip(mine(*given), oracle, strict=True):
            same(got, expected)


@check("speed")
def all_queries_at_once(mine):
    """Is far slower than the reference: five matrix products, and no Jacobian of the softmax is ever built."""
    from groundup.model.attention.gradient import attention_backward

    fast(mine, attention_backward, case(64, 64, 16, 16, 2, 2)[0])


EXERCISE = Exercise(
    slot="model.attention.attention_backward",
    title="The gradient of attention",
    task="""
    Somebody tells attention how its result should have been different: grad, in the result's shape. Hand it on to query, key
    and value, by hand. Compute the weights again as the forward pass did (scaled, masked, softmax); then go back: through
    the product with the values, through the softmax, through the product of query and key.
    """,
    difficulty=4,
    minutes=40,
    prerequisites=("model.attention.scaled_dot_product",),
    hints=(
        "A product C = A B hands back dA = dC B^T and dB = A^T dC; there are two products in attention.",
        "The softmax of a row: dS = P * (dP - sum(P * dP)), the sum over the row, keepdim=True.",
        "dP = grad value^T; dV = P^T grad; dQ = dS key / sqrt(head_dim); dK = dS^T query / sqrt(head_dim).",
    ),
    run="groundup --mine my learn lesson model.attention.gradient --run",
    banned=("torch.autograd.grad", "torch.nn.functional.scaled_dot_product_attention"),
    checks=(
        a_gradient_for_each_of_the_three,
        batches_and_heads_stand_in_front,
        a_query_with_nothing_to_look_at_is_finite,
        equal_values_leave_the_scores_alone,
        the_values_gradient,
        the_querys_gradient,
        the_keys_gradient,
        with_a_mask,
        all_queries_at_once,
    ),
    mutants=(
        Mutant("the softmax taken for a product", "Moves the scores", ((GRAD_SCORES, "weights * grad_weights"),)),
        Mutant("the query not scaled", "query is not scaled", (("grad_scores @ key * scale", "grad_scores @ key"),)),
        Mutant("the key not scaled", "keys is not scaled", (("@ query * scale", "@ query"),)),
        Mutant(
            "minus infinity",
            "Gives NaN",
            (("torch.finfo(scores.dtype).min", "-math.inf"), ("hidden, 0.0", "hidden & False, 0.0")),
        ),
        Mutant("a hidden row averages", "Differs where a mask", (("hidden, 0.0", "hidden & False, 0.0"),)),
        Mutant(
            "the values scaled as well",
            "The gradient of the values",
            (("weights.transpose(-2, -1) @ grad", "weights.transpose(-2, -1) @ grad * scale"),),
        ),
        Mutant(
            "autograd",
            "the ready-made",
            source="""
            import torch


            def attention_backward(query, key, value, mask, grad):
                leaves = [one.detach().clone().requires_grad_() for one in (query, key, value)]
                result = torch.nn.functional.scaled_dot_product_attention(*leaves, attn_mask=mask)
                return torch.autograd.grad(result, leaves, grad)
            """,
        ),
    ),
)
