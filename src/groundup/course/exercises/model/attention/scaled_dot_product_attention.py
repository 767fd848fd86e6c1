"""Exercise: the attention of one head, by its definition."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape, that

SIZES = [(1, 1, 1), (1, 2, 1), (2, 2, 2), (3, 5, 4)]  # queries, keys, head_dim: the smallest first


def case(queries, keys, head_dim, value_dim=None, *batch):
    """Query, key and value of these sizes, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(queries + 10 * keys)
    sizes = ((queries, head_dim), (keys, head_dim), (keys, value_dim or head_dim))
    return [torch.randn(*batch, *size, generator=source) for size in sizes]


def torchs(*given, mask=None):
    """The same by torch's own kernel."""
    from torch.nn import functional

    query, key, value = given
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def lower(queries, keys):
    """Each query sees the keys up to its own place."""
    import torch

    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


@check("shape")
def one_value_for_each_query(mine):
    """Gives another shape than one value for each query: scores are (queries, keys), and weights times values (queries, value_dim)."""
    for queries, keys, head_dim in SIZES:
        shape(mine(*case(queries, keys, head_dim, 3)), (queries, 3))


@check("shape")
def batches_and_heads_stand_in_front(mine):
    """Cannot take a batch of heads: let transpose(-2, -1) and @ work on the last two axes."""
    shape(mine(*case(2, 2, 2, None, 1, 1)), (1, 1, 2, 2))
    shape(mine(*case(2, 3, 4, None, 2, 3)), (2, 3, 2, 4))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the values."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(*(one.to(kind) for one in case(2, 2, 2))), kind)


@check("finite")
def large_scores_do_not_overflow(mine):
    """Overflows for large scores: exp of a large number is infinite, so take torch.softmax, which subtracts the largest first."""
    for size in (1.0, 100.0, 1000.0):
        query, key, value = case(1, 2, 1)
        finite(mine(size * query, size * key, value))


@check("finite")
def a_query_with_nothing_to_look_at_is_finite(mine):
    """Gives NaN where a query may look at nothing: a softmax of only -inf is 0 / 0, so mask with the smallest finite number."""
    import torch

    finite(mine(*case(1, 2, 1), torch.zeros(1, 2, dtype=torch.bool)))


@check("invariant")
def equal_values_come_back(mine):
    """Does not average: the weights of a query must sum to 1 over its keys (softmax along the last axis)."""
    import torch

    for queries, keys, head_dim in SIZES:
        query, key, value = case(queries, keys, head_dim)
        same(mine(query, key, torch.ones_like(value)), torch.ones(queries, head_dim))


@check("invariant")
def what_is_masked_does_not_matter(mine):
    """Looks at what it may not: True in the mask means that the query may look there, False that it may not."""
    import torch

    query, key, value = case(1, 2, 1)
    other = torch.tensor([[0.0], [9.0]])
    mask = torch.tensor([[True, False]])
    alone = mine(query, key, value, mask)
    same(mine(query, key, value + other, mask), alone)


@check("values")
def the_scores_are_scaled(mine):
    """The scores are not scaled as they should be: divide them by the square root of head_dim."""
    import torch

    query, key, value = (
        torch.full((1, 4), 1.0),
        torch.stack([torch.ones(4), torch.zeros(4)]),
        torch.tensor([[1.0], [0.0]]),
    )
    mistakes = {
        "The scores are not divided by anything: divide them by the square root of head_dim.": 4.0,
        "The scores are divided by head_dim itself: take its square root.": 1.0,
        "The scores are divided by the root of the number of keys: what counts is the width of the vectors, head_dim.": 8
        ** 0.5,
    }
    same(
        mine(query, key, value),
        torch.sigmoid(torch.tensor([[2.0]])),  # (4 - 0) / sqrt(4) = 2
        mistakes={sentence: torch.sigmoid(torch.tensor([[score]])) for sentence, score in mistakes.items()},
    )


@check("values")
def as_torch_without_a_mask(mine):
    """Differs from softmax(query key^T / sqrt(head_dim)) value."""
    for queries, keys, head_dim in SIZES:
        given = case(queries, keys, head_dim)
        same(mine(*given), torchs(*given), rtol=1e-4)


@check("values")
def as_torch_with_a_mask(mine):
    """Differs where a mask is given: the weights of the visible keys must sum to 1, so mask the scores before the softmax."""
    for queries, keys, head_dim in ((2, 2, 1), (3, 5, 4)):
        given = case(queries, keys, head_dim)
        same(mine(*given, lower(queries, keys)), torchs(*given, mask=lower(queries, keys)), rtol=1e-4)


@check("values")
def a_bias_is_added(mine):
    """Differs where a bias is given: it is added to the scores when they are already scaled, before mask and softmax."""
    import torch

    query, key, value = (
        torch.full((1, 4), 1.0),
        torch.stack([torch.ones(4), torch.zeros(4)]),
        torch.tensor([[1.0], [0.0]]),
    )
    mistakes = {
        "The bias is left out: add it to the scores.": 2.0,
        "The bias is divided by sqrt(head_dim): add it to the scores when they are scaled.": 1.5,
        "The bias is taken away from the scores: add it.": 3.0,
    }
    same(
        mine(query, key, value, None, torch.tensor([[-1.0, 0.0]])),
        torch.sigmoid(torch.tensor([[1.0]])),  # 4 / sqrt(4) - 1
        mistakes={sentence: torch.sigmoid(torch.tensor([[score]])) for sentence, score in mistakes.items()},
    )
    masked = torch.tensor([[False, True]])
    same(mine(query, key, value, masked, torch.tensor([[50.0, 0.0]])), torch.zeros(1, 1))


@check("values")
def a_query_with_nothing_to_look_at_gives_zero(mine):
    """Gives the mean of values that a query may not see, where it may look at nothing: it must be 0, and the other rows as ever."""
    import torch

    query, key, value = case(2, 2, 1)
    mask = torch.tensor([[False, False], [True, False]])
    same(mine(query, key, value, mask), torch.stack([torch.zeros(1), value[0]]))


@check("gradient")
def the_gradients_are_torchs(mine):
    """The result is right and its gradient is not: leave nothing of it out of the graph, and round nothing on the way."""
    for queries, keys, head_dim in SIZES:
        gradients(mine, torchs, case(queries, keys, head_dim))
    given = case(2, 3, 2)
    gradients(lambda *leaves: mine(*leaves, lower(2, 3)), lambda *leaves: torchs(*leaves, mask=lower(2, 3)), given)


@check("gradient")
def a_hidden_row_has_finite_gradients(mine):
    """The gradient of a row that may look at nothing is NaN, and would spoil the whole model at the next step."""
    import torch

    leaves = [one.requires_grad_() for one in case(1, 2, 1)]
    result = mine(*leaves, torch.zeros(1, 2, dtype=torch.bool))
    that(result.requires_grad, "The result is cut off from its inputs where a mask is given.")
    for gradient in torch.autograd.grad(result.sum(), leaves):
        finite(gradient)


@check("speed")
def all_queries_at_once(mine):
    """Is far slower than the reference: two matrix products over all queries and heads at once, no loop in Python."""
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention

    fast(mine, scaled_dot_product_attention, case(128, 128, 16, None, 2, 2))


EXERCISE = Exercise(
    slot="model.attention.scaled_dot_product_attention",
    title="Scaled dot-product attention",
    task="""
    Let every query take a mean of the values, weighted by how well the keys answer it: softmax(query key^T / sqrt(head_dim))
    value. Without the division the scores grow with the width of the vectors, the softmax puts all weight on one key, and
    nothing more is learned. A mask says where a query may look (True); a query that may look at nothing gives 0, never NaN.
    Some models add a number of their own to each score (`bias`), such as how far apart the two tokens stand.
    Any number of batch axes may stand in front. This is the function every layer of the model calls.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("model.attention.scaled_dot_product",),
    hints=(
        "The scores of all queries and keys are one matrix product; key.transpose(-2, -1) turns the last two axes only.",
        "Mask the scores before the softmax, with torch.finfo(scores.dtype).min: -inf in a whole row would give NaN.",
        "A row that is masked throughout now has equal weights; set the masked weights to 0 after the softmax, then multiply "
        "by the values.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 0",
    banned=("torch.nn.functional.scaled_dot_product_attention", "torch.nn.functional.multi_head_attention_forward"),
    checks=(
        one_value_for_each_query,
        batches_and_heads_stand_in_front,
        the_dtype_stays,
        large_scores_do_not_overflow,
        a_query_with_nothing_to_look_at_is_finite,
        equal_values_come_back,
        what_is_masked_does_not_matter,
        the_scores_are_scaled,
        as_torch_without_a_mask,
        as_torch_with_a_mask,
        a_bias_is_added,
        a_query_with_nothing_to_look_at_gives_zero,
        the_gradients_are_torchs,
        a_hidden_row_has_finite_gradients,
        all_queries_at_once,
    ),
    mutants=(
        Mutant("not scaled", "not divided by anything", edits=((" / math.sqrt(query.shape[-1])", ""),)),
        Mutant(
            "scaled by head_dim",
            "divided by head_dim itself",
            edits=(("math.sqrt(query.shape[-1])", "query.shape[-1]"),),
        ),
        Mutant(
            "scaled by the keys", "number of keys", edits=(("math.sqrt(query.shape[-1])", "math.sqrt(key.shape[-2])"),)
        ),
        Mutant("no bias", "The bias is left out", edits=((" else scores + bias", " else scores"),)),
        Mutant(
            "the bias scaled",
            "The bias is divided",
            edits=((" else scores + bias", " else scores + bias / math.sqrt(query.shape[-1])"),),
        ),
        Mutant(
            "heads flattened",
            "Cannot take a batch of heads",
            edits=(
                (
                    "    scores = query",
                    "    query, key, value = (x.flatten(0, -2) for x in (query, key, value))\n    scores = query",
                ),
            ),
        ),
        Mutant(
            "softmax over the queries",
            "Does not average",
            edits=(("return torch.softmax(scores, dim=-1)", "return torch.softmax(scores, dim=-2)"),),
        ),
        Mutant(
            "exp without the largest",
            "Overflows",
            edits=(
                ("return torch.softmax(scores, dim=-1)", "return scores.exp() / scores.exp().sum(-1, keepdim=True)"),
            ),
        ),
        Mutant(
            "minus infinity",
            "Gives NaN where a query",
            edits=(("torch.finfo(scores.dtype).min", "-math.inf"), ("weights.masked_fill(~mask, 0.0)", "weights")),
        ),
        Mutant(
            "NaN taken away afterwards",
            "gradient of a row that may look at nothing",
            edits=(
                ("scores.masked_fill(~mask, torch.finfo(scores.dtype).min)", "scores + mask.log()"),
                ("weights.masked_fill(~mask, 0.0)", "weights.nan_to_num()"),
            ),
        ),
        Mutant(
            "mask the wrong way round",
            "Looks at what it may not",
            edits=(
                ("scores.masked_fill(~mask", "scores.masked_fill(mask"),
                ("weights.masked_fill(~mask", "weights.masked_fill(mask"),
            ),
        ),
        Mutant(
            "masked after the softmax",
            "mask the scores before the softmax",
            edits=(("scores.masked_fill(~mask, torch.finfo(scores.dtype).min)", "scores"),),
        ),
        Mutant(
            "a hidden row averages", "Gives the mean of values", edits=(("weights.masked_fill(~mask, 0.0)", "weights"),)
        ),
        Mutant(
            "weights outside the graph",
            "gradient is not",
            edits=(("    if mask is None:", "    scores = scores.detach()\n    if mask is None:"),),
        ),
        Mutant(
            "float32 inside",
            "another dtype",
            edits=(
                (
                    "return torch.softmax(scores, dim=-1) @ value",
                    "return torch.softmax(scores.float(), dim=-1) @ value.float()",
                ),
            ),
        ),
        Mutant(
            "torch's own",
            "the ready-made torch.nn.functional.scaled_dot_product_attention",
            edits=(
                (
                    "return torch.softmax(scores, dim=-1) @ value",
                    "return torch.nn.functional.scaled_dot_product_attention(query, key, value)",
                ),
            ),
        ),
        Mutant(
            "a loop over queries",
            "far slower than the reference",
            edits=(
                (
                    "return torch.softmax(scores, dim=-1) @ value",
                    "return torch.stack([sum(torch.softmax(row, -1)[..., i, None] * value[..., i, :] for i in range(row.shape[-1])) "
                    "for row in scores.unbind(-2)], -2)",
                ),
            ),
        ),
    ),
)
