"""Patterns by the papers' definitions and by transformers' modules; what is computed sparsely equals masked full attention."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.attention import masks, sparse
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


def heads(seq, *, seed=0, head_dim=5, count=3):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 2, seq, head_dim, generator=generator, dtype=torch.float64) for _ in range(count)]


def by_hand(looks, queries, keys):
    """A mask by asking every pair; positions of queries end with the last key."""
    return torch.tensor([[[bool(looks(i + keys - queries, j)) for j in range(keys)] for i in range(queries)]])


@settings(max_examples=30, deadline=None)
@given(some.integers(1, 9), some.integers(0, 6), some.integers(1, 4), some.integers(1, 3))
def test_every_pattern_is_what_its_definition_says_of_each_pair(queries, more, stride, dilation):
    keys = queries + more
    cases = {
        lambda i, j: abs(i - j) <= stride * dilation and (i - j) % dilation == 0: sparse.local(
            queries, keys, stride, dilation
        ),
        lambda i, j: (i - j) % stride == 0: sparse.strided(queries, keys, stride),
        lambda i, j: i // stride == j // stride: sparse.same_stride(queries, keys, stride),
        lambda i, j: j % stride >= stride - 1: sparse.summaries(queries, keys, stride, 1),
        lambda i, j: i == keys - 1 or j == keys - 1: sparse.global_tokens(queries, keys, [keys - 1]),
    }
    for looks, mask in cases.items():
        assert torch.equal(mask, by_hand(looks, queries, keys))


def test_the_patterns_of_child_et_al_are_the_sets_of_their_section_4():
    length, l, c = 13, 4, 2
    strided = [{*range(max(0, i - l), i + 1)} | {j for j in range(i + 1) if (i - j) % l == 0} for i in range(length)]
    fixed = [{j for j in range(i + 1) if j // l == i // l or j % l in range(l - c, l)} for i in range(length)]
    for sets, mask in ((strided, sparse.strided_pattern(length, l)), (fixed, sparse.fixed_pattern(length, l, c))):
        assert [set(row.nonzero()[:, 0].tolist()) for row in mask[0]] == sets


def test_a_causal_window_is_the_sliding_window_of_the_masks():
    ours = sparse.local(4, 9, 2) & masks.causal(4, 9)
    assert torch.equal(ours, masks.sliding_window(4, 9, 3) & masks.causal(4, 9))


def test_strides_reach_every_earlier_token_in_two_layers_where_a_window_does_not():
    """Child et al.: with stride sqrt(n), two layers suffice."""
    step = sparse.strided_pattern(64, 8)[0].float()
    assert torch.equal(step @ step > 0, masks.causal(64)[0])
    window = (sparse.local(64, 64, 8) & masks.causal(64))[0].float()
    assert not torch.equal(window @ window > 0, masks.causal(64)[0])


def test_drawn_keys_are_new_as_many_as_asked_for_and_the_same_for_a_seed():
    near = sparse.local(20, 20, 1) | sparse.global_tokens(20, 20, [0])
    drawn = sparse.at_random(~near, 3, seed=5)
    assert not (drawn & near).any()
    assert drawn[0, 1:].sum(1).tolist() == [3] * 19 and drawn[0, 0].sum() == 0  # the global token sees all already
    assert torch.equal(drawn, sparse.at_random(~near, 3, seed=5))
    assert not torch.equal(drawn, sparse.at_random(~near, 3, seed=6))
    assert torch.equal(sparse.at_random(~near, 99), ~near)


def test_keys_are_drawn_evenly():
    times = torch.stack(
        [sparse.at_random(torch.ones(1, 1, 10, dtype=torch.bool), 3, seed)[0, 0] for seed in range(2000)]
    )
    assert (times.float().mean(0) - 0.3).abs().max() < 5 * (0.3 * 0.7 / 2000) ** 0.5


@settings(max_examples=25, deadline=None)
@given(
    some.integers(1, 40),
    some.integers(1, 8),
    some.sampled_from(["strided", "fixed", "longformer", "bigbird", "none"]),
    some.booleans(),
)
def test_blocks_computed_alone_equal_masked_full_attention(seq, size, kind, causal):
    count = -(-seq // size)
    blocks = {
        "strided": sparse.strided_pattern(count, 2),
        "fixed": sparse.fixed_pattern(count, 3),
        "longformer": sparse.longformer(count, 1, [count // 2]),
        "bigbird": sparse.bigbird(count, drawn=1, seed=seq),
        "none": torch.zeros(1, count, count, dtype=torch.bool),
    }[kind]
    query, key, value = heads(seq, seed=seq)
    mask = sparse.in_tokens(blocks, size, seq)
    mask = mask & masks.causal(seq) if causal else mask
    ours = sparse.block_sparse_attention(query, key, value, blocks, size, torch.ge if causal else None)
    assert torch.allclose(ours, scaled_dot_product_attention(query, key, value, mask), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    some.integers(1, 50),
    some.integers(0, 12),
    some.integers(1, 9),
    some.booleans(),
    some.sets(some.integers(0, 49), max_size=3),
)
@example(29, 0, 2, False, {0, 28})  # the last token as a global one once made all of them global
def test_local_and_global_attention_equals_masked_full_attention_to_the_token(seq, reach, size, causal, tokens):
    tokens = sorted(token for token in tokens if token < seq)
    query, key, value = heads(seq, seed=reach)
    mask = sparse.local(seq, seq, reach) | sparse.global_tokens(seq, seq, tokens)
    mask = mask & masks.causal(seq) if causal else mask
    ours = sparse.local_global_attention(query, key, value, reach, tokens, causal, size)
    assert torch.allclose(ours, scaled_dot_product_attention(query, key, value, mask), atol=1e-12)


def test_gradients_through_blocks_are_those_of_the_definition():
    def gradients(attention):
        leaves = [x.requires_grad_() for x in heads(21, seed=3)]
        (attention(*leaves) * torch.linspace(-1, 1, 5)).sum().backward()
        return torch.stack([x.grad for x in leaves])

    mask = (sparse.local(21, 21, 5) | sparse.global_tokens(21, 21, [7])) & masks.causal(21)
    ours = gradients(lambda *qkv: sparse.local_global_attention(*qkv, 5, [7], True, 4))
    assert torch.allclose(ours, gradients(lambda *qkv: scaled_dot_product_attention(*qkv, mask)), atol=1e-12)


def test_the_products_that_are_computed_grow_with_the_length_not_its_square():
    from torch.utils.flop_counter import FlopCounterMode

    def flops(seq):
        query, key, value = (torch.randn(1, 1, seq, 8) for _ in range(3))
        with FlopCounterMode(display=False) as counter:
            sparse.local_global_attention(query, key, value, 16, [0], size=16)
        return counter.get_total_flops()

    assert flops(2048) / flops(1024) == pytest.approx(2, abs=0.05)
    assert flops(2048) < 4 * 2048 * 2048 * 8 / 20


def test_longformers_module_of_transformers_gives_the_same():
    longformer = pytest.importorskip("transformers.models.longformer.modeling_longformer")
    config = longformer.LongformerConfig(
        hidden_size=16,
        num_attention_heads=2,
        num_hidden_layers=1,
        attention_window=[8],
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    peer = longformer.LongformerSelfAttention(config, 0).double().eval()
    for name in ("query", "key", "value"):  # the paper's second projection, which ours leaves out
        getattr(peer, f"{name}_global").load_state_dict(getattr(peer, name).state_dict())
    x = torch.randn(1, 32, 16, dtype=torch.float64)
    chosen = torch.zeros(1, 32, dtype=torch.bool)
    chosen[0, [0, 13]] = True
    theirs = peer(x, chosen.double() * 10_000, torch.zeros_like(chosen), chosen, is_global_attn=True)[0]
    query, key, value = (
        getattr(peer, name)(x).unflatten(-1, (2, 8)).transpose(1, 2) for name in ("query", "key", "value")
    )
    ours = sparse.local_global_attention(query, key, value, 4, [0, 13], size=8)
    assert torch.allclose(ours.transpose(1, 2).flatten(2), theirs, atol=1e-10)
    mask = sparse.longformer(32, 4, [0, 13])
    assert torch.allclose(scaled_dot_product_attention(query, key, value, mask), ours, atol=1e-12)


def test_bigbirds_module_of_transformers_gives_the_same(monkeypatch):
    """It takes the first and the last block as global, and is given our draw (its own may hit a row's window, and count twice)."""
    module = pytest.importorskip("transformers.models.big_bird.modeling_big_bird")
    config = module.BigBirdConfig(
        hidden_size=16,
        num_attention_heads=1,
        block_size=4,
        num_random_blocks=2,
        max_position_embeddings=64,
        use_bias=True,
    )
    torch.manual_seed(0)
    peer = module.BigBirdBlockSparseAttention(config).double().eval()
    seq, count = 48, 12
    near = sparse.local(count, count, 1) | sparse.global_tokens(count, count, [0, count - 1])
    drawn = sparse.at_random(~near, 2, seed=1)
    chosen = drawn[0, 1:-1].nonzero()[:, 1].view(1, count - 2, 2).numpy()
    monkeypatch.setattr(peer, "_bigbird_block_rand_mask_with_head", lambda **named: chosen)
    x, ones = torch.randn(1, seq, 16, dtype=torch.float64), torch.ones(1, seq, dtype=torch.float64)
    blocked, band, rows, columns = module.BigBirdModel.create_masks_for_block_sparse_attn(ones, 4)
    theirs = peer(x, band, rows, columns, blocked, blocked)[0]
    query, key, value = (getattr(peer, name)(x)[:, None] for name in ("query", "key", "value"))
    ours = sparse.block_sparse_attention(query, key, value, sparse.bigbird(count, 1, [0, count - 1], 2, seed=1), 4)
    assert torch.equal(sparse.bigbird(count, 1, [0, count - 1], 2, seed=1), near | drawn)
    assert torch.allclose(ours[:, 0], theirs.reshape(1, seq, 16), atol=1e-8)


def test_what_cannot_be_is_refused_with_the_way_out():
    query, key, value = heads(8)
    with pytest.raises(InputError, match="has 2 blocks of 4, and the pattern has \\(3, 3\\)"):
        sparse.block_sparse_attention(query, key, value, torch.ones(1, 3, 3, dtype=torch.bool), 4)
    with pytest.raises(InputError, match="use places from 0 to 7"):
        sparse.global_tokens(8, 8, [8])
    with pytest.raises(InputError, match="use a reach of 0 or more"):
        sparse.local(8, 8, -1)
