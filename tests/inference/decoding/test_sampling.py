"""Filters by hand, against transformers' processors, and the draw against the distribution it should follow."""

import math

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from groundup.inference.decoding import sampling
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.streams import uniform

LOGITS = some.lists(some.integers(-40, 40).map(lambda tenth: tenth / 10), min_size=2, max_size=12)


def of(*probabilities):
    return torch.tensor([probabilities]).log()


def kept(logits):
    return torch.nonzero(logits[0] > -math.inf)[:, 0].tolist()


def test_the_token_that_crosses_top_p_is_kept():
    """Kept where the sum with the token was at most p: only the first (rasbt/reasoning-from-scratch#164)."""
    assert kept(sampling.top_p(of(0.5, 0.41, 0.09), 0.9)) == [0, 1]
    assert kept(sampling.top_p(of(0.1, 0.2, 0.3, 0.4), 0.8)) == [1, 2, 3]


def test_top_p_below_the_largest_probability_keeps_one_token():
    assert kept(sampling.top_p(of(0.3, 0.7), 0.1)) == [1]


def test_of_tokens_that_tie_top_p_keeps_the_lower_id():
    assert kept(sampling.top_p(of(0.25, 0.25, 0.25, 0.25), 0.5)) == [0, 1]


def test_the_repetition_penalty_multiplies_a_negative_logit():
    """-2 / 1.5 = -1.33 made a seen token more likely (huggingface/transformers#2302)."""
    logits = torch.tensor([[-2.0, 3.0, -2.0, 3.0]])
    assert sampling.repetition_penalty(logits, 1.5, torch.tensor([[0, 1]])).tolist() == [[-3.0, 2.0, -2.0, 3.0]]


def test_the_repetition_penalty_counts_a_token_once_and_padding_never():
    logits = torch.tensor([[-2.0, 3.0, 1.0]])
    assert sampling.repetition_penalty(logits, 1.5, torch.tensor([[-1, -1, 0, 0, 0]])).tolist() == [[-3.0, 3.0, 1.0]]


def test_top_k_keeps_what_ties_with_the_last_and_more_than_all_is_all():
    assert kept(sampling.top_k(torch.tensor([[1.0, 5.0, 3.0, 3.0]]), 2)) == [1, 2, 3]
    assert kept(sampling.top_k(torch.tensor([[1.0, 5.0]]), 99)) == [0, 1]


def test_min_p_is_relative_to_the_likeliest():
    assert kept(sampling.min_p(of(0.5, 0.3, 0.04, 0.16), 0.3)) == [0, 1, 3]


@settings(max_examples=60, deadline=None)
@given(LOGITS, some.floats(0.05, 0.95), some.integers(1, 12), some.floats(0.1, 3.0), some.floats(0.5, 2.0))
def test_every_filter_equals_that_of_transformers(row, fraction, k, degree, penalty):
    logits = torch.tensor([row]) + torch.arange(len(row)) * 1e-4  # no ties: their rules are tested above
    previous = torch.tensor([[0, len(row) - 1, 0]])
    pairs = [
        (sampling.top_k(logits, k), transformers.TopKLogitsWarper(k)),
        (sampling.top_p(logits, fraction), transformers.TopPLogitsWarper(fraction)),
        (sampling.min_p(logits, fraction), transformers.MinPLogitsWarper(fraction)),
        (sampling.temperature(logits, degree), transformers.TemperatureLogitsWarper(degree)),
        (
            sampling.repetition_penalty(logits, penalty, previous),
            transformers.RepetitionPenaltyLogitsProcessor(penalty),
        ),
    ]
    for ours, oracle in pairs:
        assert torch.equal(ours, oracle(previous, logits.clone())), oracle


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("scale", [0.0, 1.0, 6.0])
def test_the_fast_nucleus_equals_top_p_also_where_it_must_sort_or_tokens_tie(p, scale):
    logits = torch.randn(16, 600, generator=torch.Generator().manual_seed(0)) * scale
    assert torch.equal(sampling.nucleus(logits, p, within=64), sampling.top_p(logits, p))
    tied = logits.round()
    assert torch.equal(sampling.nucleus(tied, p, within=64), sampling.top_p(tied, p))


@given(LOGITS, some.floats(0.0, 1.0, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_a_draw_never_takes_a_token_that_was_filtered_out(row, number):
    logits = sampling.top_k(torch.tensor([row]), 2)
    assert int(sampling.draw(logits, torch.tensor([number], dtype=torch.float64))) in kept(logits)


@pytest.mark.parametrize("number, token", [(0.0, 1), (0.24999, 1), (0.25001, 2), (np.nextafter(1.0, 0), 2)])
def test_a_draw_inverts_the_cumulative_distribution_to_its_very_ends(number, token):
    logits = torch.tensor([[-math.inf, math.log(1.0), math.log(3.0), -math.inf]])
    assert int(sampling.draw(logits, torch.tensor([number], dtype=torch.float64))) == token


@pytest.mark.parametrize("vocab", [5, 64, 65, 700])
def test_a_draw_by_blocks_equals_one_long_cumulative_sum(vocab):
    logits = torch.randn(300, vocab, dtype=torch.float64) * 4
    logits[:, 1] = -math.inf
    numbers = torch.rand(300, dtype=torch.float64)
    plain = (torch.softmax(logits, dim=1).cumsum(1) <= numbers[:, None]).sum(1)
    assert torch.equal(sampling.draw(logits, numbers), plain)


def test_frequencies_follow_the_filtered_distribution():
    config = SamplingConfig(temperature=0.7, top_p=0.9, seed=11)
    logits = torch.tensor([[1.0, 0.5, 0.0, -3.0]])
    expected = torch.softmax(sampling.narrow(logits, config), dim=1)[0].double()
    numbers = torch.from_numpy(uniform(config.seed, np.arange(20_000), 0))
    drawn = sampling.sample(logits.expand(20_000, 4), config, numbers).bincount(minlength=4)
    assert drawn[3] == 0
    assert stats.chisquare(drawn[:3].numpy(), (expected[:3] / expected[:3].sum()).numpy() * 20_000).pvalue > 0.001


def test_temperature_zero_takes_the_likeliest_and_of_ties_the_lowest_id():
    assert sampling.sample(torch.tensor([[1.0, 4.0, 4.0]]), SamplingConfig(temperature=0)).tolist() == [1]


def test_the_penalty_reaches_greedy_decoding_too():
    greedy = SamplingConfig(temperature=0, repetition_penalty=2.0)
    assert sampling.sample(torch.tensor([[1.0, 1.5]]), greedy, previous=torch.tensor([[1]])).tolist() == [0]


def test_log_probabilities_are_the_models_own_whatever_the_sampler_does():
    logits, ids = torch.randn(3, 9), torch.tensor([0, 4, 8])
    expected = torch.log_softmax(logits, dim=1)[torch.arange(3), ids]
    assert torch.allclose(sampling.log_probability(logits, ids), expected, atol=1e-6)
    assert sampling.log_probability(logits.bfloat16(), ids).dtype == torch.float32


def test_a_filled_top_p_replaces_the_fast_one(monkeypatch):
    monkeypatch.setattr(sampling, "filled", lambda slot: slot == "inference.decoding.top_p")
    monkeypatch.setattr(
        sampling, "top_p", lambda logits, p: logits.masked_fill(torch.arange(logits.shape[1]) != 3, -math.inf)
    )
    logits = torch.randn(2, 600)
    assert sampling.sample(logits, SamplingConfig(top_p=0.5), torch.tensor([0.1, 0.9])).tolist() == [3, 3]
