"""Attention of 2015: numbers by hand, torch's own attention, padding."""

import math

import pytest
import torch

from groundup.classical.recurrent.attention import attend, bahdanau_scores, luong_attention


def drawn(*shapes):
    source = torch.Generator().manual_seed(3)
    return [torch.randn(*shape, generator=source) for shape in shapes]


def test_additive_scores_by_hand():
    query, keys = torch.tensor([[1.0]]), torch.tensor([[[0.0], [-2.0], [1.0]]])
    scores = bahdanau_scores(query, keys, torch.tensor([[2.0]]), torch.tensor([3.0]))
    assert scores[0].tolist() == pytest.approx([3 * math.tanh(2), 0.0, 3 * math.tanh(3)])


def test_additive_scores_are_the_papers_sum_place_by_place():
    query, keys, weight, vector = drawn((2, 3), (2, 5, 4), (4, 3), (4,))
    scores = bahdanau_scores(query, keys, weight, vector)
    for row in range(2):
        for place in range(5):
            alone = sum(vector[i] * torch.tanh(weight[i] @ query[row] + keys[row, place, i]) for i in range(4))
            assert float(scores[row, place]) == pytest.approx(float(alone), abs=1e-5)


def test_the_product_by_hand():
    queries, memory = torch.tensor([[[math.log(3.0)]]]), torch.tensor([[[1.0], [0.0]]])
    context, weights = luong_attention(queries, memory, torch.ones(1, 1), torch.ones(1, 2, dtype=torch.bool))
    assert weights[0, 0].tolist() == pytest.approx([0.75, 0.25]) and float(context) == pytest.approx(0.75)


def test_the_product_is_torchs_attention_with_the_weight_in_the_query():
    queries, memory, weight = drawn((2, 4, 3), (2, 5, 6), (3, 6))
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    context, weights = luong_attention(queries, memory, weight, mask)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        torch.einsum("bth,hw->btw", queries, weight), memory, memory, attn_mask=mask[:, None], scale=1.0
    )
    assert torch.allclose(context, theirs, atol=1e-5) and torch.allclose(weights.sum(-1), torch.ones(2, 4))
    assert float(weights[1, :, 3:].abs().max()) == 0.0


def test_what_stands_at_padding_changes_nothing():
    queries, memory, weight = drawn((1, 2, 3), (1, 4, 3), (3, 3))
    mask = torch.tensor([[True, True, False, False]])
    other = memory.clone()
    other[:, 2:] = 99.0
    assert all(
        torch.equal(one, two)
        for one, two in zip(
            luong_attention(queries, memory, weight, mask), luong_attention(queries, other, weight, mask), strict=True
        )
    )
    context, weights = attend(queries @ memory.mT, memory, mask)
    alone, _ = attend(queries @ memory[:, :2].mT, memory[:, :2], mask[:, :2])
    assert torch.allclose(context, alone) and float(weights[..., 2:].sum()) == 0.0
