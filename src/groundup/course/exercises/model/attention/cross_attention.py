"""Exercise: the queries of one sequence, the keys and values of another."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, gradients, same, shape

SIZES = [(1, 1, 1, 1), (1, 1, 2, 2), (2, 2, 3, 2), (2, 3, 5, 4)]  # batch, queries, keys, heads: the smallest first
HEAD_DIM = 1


def case(batch, queries, keys, heads, source_hidden=None):
    """x, source, projections, heads: the same at every call."""
    import torch

    from groundup.model.attention.self_cross import Projections

    hidden = heads * HEAD_DIM
    width = hidden if source_hidden is None else source_hidden
    source = torch.Generator().manual_seed(queries + 10 * keys)
    made = [torch.randn(*size, generator=source) for size in ((batch, queries, hidden), (batch, keys, width))]
    maps = [torch.randn(hidden, wide, generator=source) for wide in (hidden, width, width, hidden)]
    return *made, Projections(*maps), heads


def torchs(*given, mask=None):
    """The same by torch's own function; its mask is True where one may not look."""
    import torch

    x, source, projections, heads = given
    hidden = x.shape[-1]
    return torch.nn.functional.multi_head_attention_forward(
        x.transpose(0, 1),
        source.transpose(0, 1),
        source.transpose(0, 1),
        hidden,
        heads,
        None,
        None,
        None,
        None,
        False,
        0.0,
        projections[3],
        None,
        training=False,
        need_weights=False,
        attn_mask=None if mask is None else ~mask.expand(-1, x.shape[1], -1).repeat_interleave(heads, 0),
        use_separate_proj_weight=True,
        q_proj_weight=projections[0],
        k_proj_weight=projections[1],
        v_proj_weight=projections[2],
    )[0].transpose(0, 1)


def padded(batch, keys):
    """The last key of the last row is padding."""
    import torch

    seen = torch.ones(batch, 1, keys, dtype=torch.bool)
    seen[-1, :, -1] = False
    return seen


@check("shape")
def one_state_for_each_query(mine):
    """Gives another shape than that of x: the source's length is gone, its states were mixed."""
    for size in SIZES:
        given = case(*size)
        shape(mine(*given), given[0].shape)


@check("shape")
def the_source_may_have_another_width(mine):
    """Cannot take a source of another width: key and value are made of the source by maps of their own, (hidden, source_hidden)."""
    given = case(2, 2, 3, 2, source_hidden=3)
    shape(mine(*given), given[0].shape)


@check("finite")
def a_source_of_padding_alone_is_finite(mine):
    """Gives NaN where the whole source is padding: leave the masking to scaled_dot_product_attention."""
    import torch

    finite(mine(*case(1, 1, 2, 1), torch.zeros(1, 1, 2, dtype=torch.bool)))


@check("invariant")
def what_is_padding_does_not_matter(mine):
    """Looks at padding: True in the mask means that the query may look there; the heads all get the same mask."""
    x, source, projections, heads = case(2, 2, 3, 2)
    other = source.clone()
    other[-1, -1] = 9.0
    same(mine(x, other, projections, heads, padded(2, 3)), mine(x, source, projections, heads, padded(2, 3)))


@check("values")
def keys_and_values_are_the_sources(mine):
    """Differs already with one head: queries are made of x, keys and values of the source; the output map comes last."""
    for size in ((1, 1, 1, 1), (1, 1, 2, 1), (2, 2, 3, 1)):
        given = case(*size)
        same(mine(*given), torchs(*given), rtol=1e-4, atol=1e-5)


@check("values")
def the_heads_are_apart(mine):
    """Right with one head, wrong with several: cut the vectors into heads before the attention and join them in order after it."""
    for size in SIZES:
        given = case(*size)
        same(mine(*given), torchs(*given), rtol=1e-4, atol=1e-5)


@check("values")
def with_a_mask(mine):
    """Differs where a mask is given: it says for each row of the batch which keys may be seen, by all of its heads."""
    for size in SIZES[2:]:
        given = case(*size)
        seen = padded(size[0], size[2])
        same(mine(*given, seen), torchs(*given, mask=seen), rtol=1e-4, atol=1e-5)


@check("gradient")
def the_gradients_are_torchs(mine):
    """The result is right and its gradient is not: leave nothing of it out of the graph."""
    x, source, projections, heads = case(2, 2, 3, 2)
    gradients(
        lambda *leaves: mine(*leaves, projections, heads),
        lambda *leaves: torchs(*leaves, projections, heads),
        (x, source),
    )


@check("speed")
def all_heads_at_once(mine):
    """Is far slower than the reference: all heads at once, no loop in Python over queries."""
    from groundup.model.attention.self_cross import cross_attention

    fast(mine, cross_attention, case(2, 64, 64, 4))


EXERCISE = Exercise(
    slot="model.attention.cross_attention",
    title="Cross-attention: one sequence asks another",
    task="""
    A decoder that translates asks its source. Make the queries of x, the keys and values of `source`, with the maps in
    `projections` (each as a Linear keeps it: outputs x inputs), cut all three into heads, attend, join the heads, and apply the
    output map. The mask hides the source's padding, for all heads of a row alike. With source = x it is self-attention.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.attention.self_cross",),
    hints=(
        "functional.linear(x, weight) is x @ weight.T; split_heads, merge_heads and scaled_dot_product_attention are given.",
        "Only the query is made of x. Keys and values are made of the source, so there are as many as the source is long.",
        "The mask has no axis for the heads, the scores have: mask[:, None]. None stays None.",
    ),
    run="groundup --mine my learn lesson model.attention.self_cross --run",
    banned=("torch.nn.functional.multi_head_attention_forward",),
    checks=(
        one_state_for_each_query,
        the_source_may_have_another_width,
        a_source_of_padding_alone_is_finite,
        what_is_padding_does_not_matter,
        keys_and_values_are_the_sources,
        the_heads_are_apart,
        with_a_mask,
        the_gradients_are_torchs,
        all_heads_at_once,
    ),
    mutants=(
        Mutant(
            "queries of the source",
            "Gives another shape",
            (("functional.linear(x, projections.query)", "functional.linear(source, projections.query)"),),
        ),
        Mutant("keys of x", "cannot be multiplied", (("functional.linear(source, one)", "functional.linear(x, one)"),)),
        Mutant(
            "no output map",
            "with one head",
            (("return functional.linear(merge_heads(mixed), projections.output)", "return merge_heads(mixed)"),),
        ),
        Mutant(
            "one head of all",
            "wrong with several",
            (
                (
                    "split_heads(functional.linear(x, projections.query), heads)",
                    "split_heads(functional.linear(x, projections.query), 1)",
                ),
                (
                    "split_heads(functional.linear(source, one), heads)",
                    "split_heads(functional.linear(source, one), 1)",
                ),
            ),
        ),
        Mutant("the mask turned round", "Looks at padding", (("mask[:, None]", "~mask[:, None]"),)),
        Mutant(
            "the values outside the graph",
            "its gradient is not",
            (("(query, key, value, None", "(query, key, value.detach(), None"),),
        ),
    ),
)
