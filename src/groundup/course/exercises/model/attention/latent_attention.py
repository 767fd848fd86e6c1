"""Exercise: attention over latents, with the maps to keys and values absorbed."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, shape

SIZES = [(1, 1, 1), (1, 1, 2), (2, 1, 3), (3, 2, 4)]  # heads, queries, keys: the smallest first
NOPE, ROPE, RANK, VALUE = 1, 3, 2, 3


def case(heads, queries, keys, batch=1):
    """query, query_rope, latent, rope, up: the same at every call."""
    import torch

    source = torch.Generator().manual_seed(heads + 10 * queries + 100 * keys)
    sizes = (
        (batch, heads, queries, NOPE),
        (batch, heads, queries, ROPE),
        (batch, keys, RANK),
        (batch, keys, ROPE),
        (heads, NOPE + VALUE, RANK),
    )
    return [torch.randn(*size, generator=source, dtype=torch.float64) for size in sizes]


def expanded(*given, mask=None, causal=False):
    """By its definition: every head's keys and values are made, and torch attends."""
    import torch

    query, query_rope, latent, rope, up, scale = given

    made = torch.einsum("bkr,hdr->bhkd", latent, up)
    key = torch.cat((made[..., :NOPE], rope[:, None].expand(-1, len(up), -1, -1)), -1)
    asking = torch.cat((query, query_rope), -1)
    if causal:
        mask = torch.ones(query.shape[2], latent.shape[1], dtype=torch.bool).tril(latent.shape[1] - query.shape[2])
    return torch.nn.functional.scaled_dot_product_attention(asking, key, made[..., NOPE:], attn_mask=mask, scale=scale)


@check("shape")
def one_value_for_each_query_and_head(mine):
    """Gives another shape than (batch, heads, queries, value_dim): what was mixed are latents; the value's rows of `up` carry them up."""
    for heads, queries, keys in SIZES:
        shape(mine(*case(heads, queries, keys, 2), 0.5), (2, heads, queries, VALUE))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the query."""
    import torch

    dtype(mine(*(one.float() for one in case(1, 1, 2)), 0.5), torch.float32)


@check("invariant")
def without_a_rotary_part_and_with_one_key_the_value_comes_back(mine):
    """With a single key the weight is 1, so the result must be W_value latent, whatever was asked: take the rows of `up` after the key's."""
    import torch

    for heads in (1, 2):
        given = case(heads, 1, 1)
        up = given[4]
        mistakes = {
            "Carries the mixed latents up with the key's rows of `up`: the first rows make keys, the others values.": torch.einsum(
                "r,hdr->hd", given[2][0, 0], up[:, :VALUE]
            )[None, :, None]
        }
        oracle = torch.einsum("r,hdr->hd", given[2][0, 0], up[:, NOPE:])[None, :, None]
        same(mine(*given, 0.5), oracle, mistakes=mistakes)


@check("values")
def the_rotary_part_counts(mine):
    """The rotary part of the score is missing or wrong: query_rope meets the one rotary key that all heads share, and is not mapped."""
    import torch

    for heads in (1, 2):
        query, query_rope, latent, rope, up = case(heads, 1, 2)
        given = torch.zeros_like(query), query_rope, latent, rope, up
        mistakes = {
            "The scores are scaled by something of your own: multiply them by `scale`, and hand it on to attend.": expanded(
                *given, (RANK + ROPE) ** -0.5
            ),
            "The scores are divided by a square root besides: multiply them by `scale` alone.": expanded(
                *given, 0.5 * (RANK + ROPE) ** -0.5
            ),
        }
        same(mine(*given, 0.5), expanded(*given, 0.5), mistakes=mistakes)


@check("values")
def the_latents_part_counts(mine):
    """The latent's part of the score is wrong: carry the query down with the key's rows of `up`, each head with its own."""
    import torch

    for heads in (1, 2):
        query, query_rope, latent, rope, up = case(heads, 1, 2)
        given = query, torch.zeros_like(query_rope), latent, rope, up
        same(mine(*given, 0.5), expanded(*given, 0.5))


@check("values")
def as_the_definition(mine):
    """Differs from attention over the keys and values of every head, scores multiplied by `scale` and by nothing else."""
    for scale in (0.5, 1.0):
        for size in SIZES:
            given = case(*size, 2)
            same(mine(*given, scale), expanded(*given, scale))


@check("values")
def with_a_mask(mine):
    """Does not hand the mask, or `causal`, on to the attention."""
    import torch

    given, seen = case(1, 2, 3), torch.tensor([[True, False, True]])
    same(mine(*given, 0.5, seen), expanded(*given, 0.5, mask=seen))
    same(mine(*given, 0.5, causal=True), expanded(*given, 0.5, causal=True))


@check("gradient")
def the_gradients_are_the_definitions(mine):
    """The result is right and its gradient is not: leave nothing of it out of the graph."""
    gradients(lambda *leaves: mine(*leaves, 0.5), lambda *leaves: expanded(*leaves, 0.5), case(2, 2, 3))


@check("speed")
def no_key_of_any_head_is_made(mine):
    """Makes the keys or values of every head, which is what absorbing saves: only the query and the result are mapped."""
    import torch

    from groundup.model.attention.latent import latent_attention

    sizes = ((1, 16, 1, 64), (1, 16, 1, 16), (1, 2048, 64), (1, 2048, 16), (16, 128, 64))
    fast(mine, latent_attention, (*(torch.ones(size) for size in sizes), 0.1), times=6.0)


@check("speed")
def all_heads_at_once(mine):
    """Is far slower than the reference: all heads at once, no loop in Python over heads or queries."""
    from groundup.model.attention.latent import latent_attention

    fast(mine, latent_attention, (*case(16, 16, 64, 2), 0.5))


EXERCISE = Exercise(
    slot="model.attention.latent_attention",
    title="Multi-head latent attention, absorbed",
    task="""
    The cache holds a latent of `rank` numbers a token and one rotary key. Head i's key would be [W_key,i latent ; rope], its value
    W_value,i latent; `up` holds for each head the rows of W_key, then those of W_value. Never make them. A score
    n (W_key c) is (W_key^T n) c: carry the query down to the latents, attend there (one key [latent ; rope] for all heads,
    `attend` is given), mix latents, and carry what comes out up with W_value. That is how DeepSeek decodes.
    """,
    difficulty=4,
    minutes=35,
    prerequisites=("model.attention.multi_head",),
    hints=(
        "Three steps: the query down (heads, nope_dim) -> (heads, rank), attention with one key head, the mixed latents up.",
        "The key is cat((latent, rope)) with an axis of one head; the query is cat((the lowered one, query_rope)).",
        "attend takes values of another width than the keys: the value of a token is its latent alone, with an axis of one head.",
    ),
    run="groundup --mine my learn lesson model.attention.latent --run",
    checks=(
        one_value_for_each_query_and_head,
        the_dtype_stays,
        without_a_rotary_part_and_with_one_key_the_value_comes_back,
        the_rotary_part_counts,
        the_latents_part_counts,
        as_the_definition,
        with_a_mask,
        the_gradients_are_the_definitions,
        no_key_of_any_head_is_made,
        all_heads_at_once,
    ),
    mutants=(
        Mutant(
            "the key's rows for the values",
            "with the key's rows",
            (("up[:, nope_dim:])", "up[:, : up.shape[1] - nope_dim])"),),
        ),
        Mutant(
            "latents handed out",
            "Gives another shape",
            (
                (
                    'return torch.einsum("bhqr,hdr->bhqd", mixed, up[:, nope_dim:])',
                    "return mixed",
                ),
            ),
        ),
        Mutant("the rotary part forgotten", "The rotary part", (("query_rope), dim=-1)", "0 * query_rope), dim=-1)"),)),
        Mutant(
            "one head's map for all",
            "The latent's part",
            (("query, up[:, :nope_dim])", "query, up[:1, :nope_dim].expand(len(up), -1, -1))"),),
        ),
        Mutant("the scale left to attend", "something of your own", (("scale=scale", "scale=None"),)),
        Mutant(
            "divided by a root", "divided by a square root", (("scale=scale", "scale=scale / key.shape[-1] ** 0.5"),)
        ),
        Mutant(
            "the mask forgotten",
            "hand the mask",
            (("latent[:, None], mask, causal=causal", "latent[:, None], None, causal=causal"),),
        ),
        Mutant(
            "the definition",
            "Makes the keys or values of every head",
            source="""
            from groundup.model.attention.latent import latent_attention_reference


            def latent_attention(query, query_rope, latent, rope, up, scale, mask=None, causal=False):
                return latent_attention_reference(query, query_rope, latent, rope, up, scale, mask, causal)
            """,
        ),
    ),
)
