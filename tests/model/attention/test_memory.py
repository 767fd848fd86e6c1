"""Relative shift and attention by the definition and by XLNet's module; segments equal one pass; exact search."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.attention import masks, memory
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
from groundup.model.positions.absolute import sinusoidal


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def case(queries, keys, seed=0):
    """query, key, value, distance_key, content_bias, distance_bias."""
    shapes = [(2, 3, queries, 4), (2, 3, keys, 4), (2, 3, keys, 4), (3, keys, 4), (3, 4), (3, 4)]
    return [draw(*shape, seed=seed + number) for number, shape in enumerate(shapes)]


def test_the_picture_in_the_docstring():
    scores = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])[None, None]
    assert memory.relative_shift(scores)[0, 0].tolist() == [[3, 0, 0], [5, 6, 0], [7, 8, 9]]


@settings(max_examples=25, deadline=None)
@given(some.integers(1, 7), some.integers(0, 6))
def test_the_shift_puts_each_distance_at_its_key(queries, kept):
    keys = queries + kept
    scores = draw(1, 2, queries, keys, seed=kept)
    shifted = memory.relative_shift(scores)
    for i in range(queries):
        for j in range(keys):
            distance = kept + i - j
            meant = scores[:, :, i, keys - 1 - distance] if distance >= 0 else torch.zeros(1, 2)
            assert torch.equal(shifted[:, :, i, j].double(), meant.double())


@settings(max_examples=20, deadline=None)
@given(some.integers(1, 7), some.integers(0, 6), some.booleans())
def test_relative_attention_equals_its_four_terms_pair_by_pair(queries, kept, masked):
    given_case = case(queries, queries + kept, seed=kept)
    mask = masks.sliding_window(queries, queries + kept, 2) if masked else None
    ours, meant = memory.relative_attention(*given_case, mask), memory.relative_attention_reference(*given_case, mask)
    assert torch.allclose(ours, meant, atol=1e-12)


def test_xlnets_attention_in_transformers_gives_the_same():
    """The same four terms; its distances run from keys down to 1 - queries, as it may look ahead."""
    xlnet = pytest.importorskip("transformers.models.xlnet.modeling_xlnet")
    config = xlnet.XLNetConfig(d_model=12, n_head=3, n_layer=1, d_inner=12, dropout=0.0)
    peer = xlnet.XLNetRelativeAttention(config).double()
    query, key, value, _, content_bias, distance_bias = case(5, 9)
    with torch.no_grad():
        peer.r_w_bias.copy_(content_bias)
        peer.r_r_bias.copy_(distance_bias)
    positions = torch.arange(9, -5, -1)
    table = draw(14, 3, 4, seed=9)  # a key for every distance of theirs
    hidden = (~masks.causal(5, 9)[0]).double()[:, :, None, None]
    order = (2, 0, 1, 3)
    theirs = peer.rel_attn_core(
        query.permute(order),
        key.permute(order),
        value.permute(order),
        table[:, None].expand(-1, 2, -1, -1),
        attn_mask=hidden,
    )
    distance_key = table[(positions >= 0) & (positions < 9)].transpose(0, 1)
    ours = memory.relative_attention(query, key, value, distance_key, content_bias, distance_bias)
    assert torch.allclose(ours.permute(order), theirs, atol=1e-12)


def layers(count=2):
    """A small stack of layers, double precision, all weights drawn."""
    stack = [memory.TransformerXLAttention(6, 2, 3).double() for _ in range(count)]
    with torch.no_grad():
        for number, layer in enumerate(stack):
            for place, weight in enumerate(layer.parameters()):
                weight.copy_(draw(*weight.shape, seed=50 * number + place))
    return stack


def by_segments(stack, x, length, capacity):
    """Read x in segments; each layer remembers what it was given."""
    kept, read = [None] * len(stack), []
    for segment in x.split(length, dim=1):
        for number, layer in enumerate(stack):
            out = segment + layer(segment, kept[number])
            kept[number] = memory.remembered(kept[number], segment, capacity)
            segment = out
        read.append(segment)
    return torch.cat(read, dim=1)


@pytest.mark.parametrize("length", [1, 3, 5])
def test_segments_with_a_memory_that_forgets_nothing_equal_one_pass(length):
    x, stack = draw(2, 11, 6, seed=1), layers()
    assert torch.allclose(by_segments(stack, x, length, 11), by_segments(stack, x, 11, 0), atol=1e-10)


def test_context_grows_by_one_memory_a_layer():
    """Dai et al., section 3.2: the longest dependency is layers x length."""
    x = draw(1, 24, 6, seed=1)
    louder = x.clone()
    louder[:, 0] += 3
    for count in (1, 2, 3):
        stack = layers(count)
        apart = (by_segments(stack, x, 4, 4) - by_segments(stack, louder, 4, 4)).abs().amax((0, 2))
        assert apart[4 * (count + 1) :].max() < 1e-12 < apart[4 * count : 4 * (count + 1)].max()


def test_the_module_is_its_weights_around_the_definition():
    layer = layers(1)[0]
    x, before = draw(2, 4, 6, seed=2), draw(2, 3, 6, seed=3)
    read = torch.cat([before, x], 1)

    def heads(x):
        return x.view(*x.shape[:-1], 2, 3).transpose(-3, -2)

    back = sinusoidal(torch.arange(6, -1, -1), 6).double()
    given_case = [
        heads(x @ layer.q_proj.weight.T),
        heads(read @ layer.k_proj.weight.T),
        heads(read @ layer.v_proj.weight.T),
    ]
    given_case += [heads(back @ layer.r_proj.weight.T), layer.r_w_bias, layer.r_r_bias]
    mixed = memory.relative_attention_reference(*given_case).transpose(1, 2).flatten(2)
    assert torch.allclose(layer(x, before), mixed @ layer.o_proj.weight.T, atol=1e-12)


def test_no_gradient_goes_into_the_memory():
    before, x = draw(1, 3, 6).requires_grad_(), draw(1, 2, 6, seed=1).requires_grad_()
    layers(1)[0](x, before).sum().backward()
    assert before.grad is None and x.grad is not None
    assert not memory.remembered(before, x, 4).requires_grad


def test_a_memory_keeps_the_last_tokens_in_order():
    tokens = torch.arange(10.0)[:, None]
    kept = None
    for segment in tokens.split(3):
        kept = memory.remembered(kept, segment, 5)
    assert kept[:, 0].tolist() == [5, 6, 7, 8, 9]
    assert memory.remembered(None, tokens, 0).shape == (0, 1)


# ───────── nearest neighbours ─────────


@settings(max_examples=25, deadline=None)
@given(some.integers(1, 30), some.integers(1, 12), some.integers(1, 9))
def test_the_search_by_blocks_finds_what_brute_force_finds(kept, count, block):
    query, keys = draw(2, 2, 3, 4, seed=kept), draw(2, 2, kept, 4, seed=count)
    products, places = memory.search_nearest(query, keys, count, block)
    every = torch.einsum("bhqd,bhkd->bhqk", query, keys).sort(-1, descending=True)
    assert torch.equal(places, every.indices[..., :count])
    assert torch.allclose(products, every.values[..., :count], atol=1e-12)


def test_the_search_agrees_with_scikit_learn():
    neighbors = pytest.importorskip("sklearn.neighbors")
    query, keys = draw(1, 1, 5, 4), torch.nn.functional.normalize(draw(1, 1, 40, 4, seed=1), dim=-1)
    _, places = memory.search_nearest(
        query, keys, 6, block=7
    )  # of keys of one length the nearest has the largest product
    found = neighbors.NearestNeighbors(n_neighbors=6, algorithm="brute").fit(keys[0, 0]).kneighbors(query[0, 0])[1]
    assert torch.equal(places[0, 0], torch.as_tensor(found))


def test_a_search_that_takes_all_is_full_attention_and_one_that_takes_one_copies():
    query, keys, values = draw(1, 2, 3, 4), draw(1, 2, 9, 4, seed=1), draw(1, 2, 9, 4, seed=2)
    whole = memory.knn_attention(query, keys, values, 9)
    assert torch.allclose(whole, scaled_dot_product_attention(query, keys, values), atol=1e-12)
    nearest = (query @ keys.mT).argmax(-1)
    copied = torch.gather(values, 2, nearest[..., None].expand(-1, -1, -1, 4))
    assert torch.allclose(memory.knn_attention(query, keys, values, 1), copied, atol=1e-12)


def test_the_gate_mixes_memory_and_segment_a_head():
    query, key, value = (draw(1, 2, 3, 4, seed=seed) for seed in range(3))
    kept = draw(1, 2, 9, 4, seed=3), draw(1, 2, 9, 4, seed=4)
    near = scaled_dot_product_attention(query, key, value, masks.causal(3))
    far = memory.knn_attention(query, *kept, 2)
    gate = torch.tensor([-40.0, 40.0], dtype=torch.float64)
    mixed = memory.memorizing_attention(query, key, value, kept, gate, 2)
    assert torch.allclose(mixed[:, 0], near[:, 0]) and torch.allclose(mixed[:, 1], far[:, 1])
    half = memory.memorizing_attention(query, key, value, kept, torch.zeros(2, dtype=torch.float64), 2)
    assert torch.allclose(half, (near + far) / 2)


def test_without_a_memory_attention_is_local():
    query, key, value = (draw(1, 2, 3, 4, seed=seed) for seed in range(3))
    near = scaled_dot_product_attention(query, key, value, masks.causal(3))
    empty = key[:, :, :0], value[:, :, :0]
    for nothing in (None, empty):
        assert torch.equal(memory.memorizing_attention(query, key, value, nothing, torch.ones(2).double()), near)


def test_what_does_not_fit_is_refused_with_the_way_out():
    query, key, value, distance_key, *biases = case(3, 5)
    with pytest.raises(InputError, match="a distance for each"):
        memory.relative_attention(query, key, value, distance_key[:, 1:], *biases)
    with pytest.raises(InputError, match="ask for 1 key or more"):
        memory.search_nearest(query, key, 0)
    with pytest.raises(InputError, match="give 0 or more"):
        memory.remembered(None, key, -1)
