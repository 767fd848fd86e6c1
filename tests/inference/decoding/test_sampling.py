"""Filters by hand, against transformers' processors, and the draw against the distribution it should follow."""

import math

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from groundup.errors import InputError
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


def plain(logits, config):
    """The probabilities a configuration of one step leaves, in plain Python from its definition."""
    z = [float(number) / config.temperature for number in logits]
    p = [math.exp(number) / sum(math.exp(other) for other in z) for number in z]
    entropy = -sum(one * math.log(one) for one in p)
    rank = {
        "top_p": sorted(range(len(p)), key=lambda i: -p[i]),
        "typical_p": sorted(range(len(p)), key=lambda i: abs(-math.log(p[i]) - entropy)),
    }
    kept = set(range(len(p)))
    for name, ids in rank.items():
        mass = np.cumsum([p[i] for i in ids])
        kept &= set(ids[: 1 + int((mass < getattr(config, name)).sum())]) if getattr(config, name) < 1 else kept
    kept &= {i for i in kept if p[i] >= config.min_p * max(p)}
    kept &= set(rank["top_p"][: config.top_k]) if config.top_k else kept
    return np.array([p[i] if i in kept else 0.0 for i in range(len(p))]) / sum(p[i] for i in kept)


@pytest.mark.parametrize(
    "asked",
    [
        dict(),
        dict(temperature=0.7),
        dict(temperature=1.6),
        dict(top_k=3),
        dict(top_p=0.9),
        dict(min_p=0.2),
        dict(typical_p=0.6),
        dict(temperature=0.7, top_p=0.9),
    ],
    ids=str,
)
def test_frequencies_follow_the_distribution_of_every_sampler(asked):
    config = SamplingConfig(**asked, seed=11)
    logits = torch.tensor([[1.0, 0.5, 0.0, -3.0, 2.0, 0.9]])
    expected = plain(logits[0], config)
    numbers = torch.from_numpy(uniform(config.seed, np.arange(20_000), 0))
    drawn = sampling.sample(logits.expand(20_000, -1), config, numbers).bincount(minlength=6).numpy()
    assert drawn[expected == 0].sum() == 0
    possible = expected > 0
    assert stats.chisquare(drawn[possible], expected[possible] * 20_000).pvalue > 0.001


def test_frequencies_follow_the_penalties():
    config = SamplingConfig(repetition_penalty=1.5, frequency_penalty=0.4, presence_penalty=0.3, seed=3)
    logits, text = torch.tensor([[1.0, 0.5, -1.0, 0.2]]), torch.tensor([[-1, 2, 3, 0, 0]])
    by_hand = torch.tensor(
        [1.0 / 1.5 - 2 * 0.4 - 0.3, 0.5, -1.0 * 1.5, 0.2 / 1.5]
    )  # the prompt -1 2 3 counts for repetition alone
    numbers = torch.from_numpy(uniform(config.seed, np.arange(20_000), 0))
    drawn = sampling.sample(logits.expand(20_000, -1), config, numbers, text.expand(20_000, -1), prompt=3)
    expected = torch.softmax(by_hand.double(), 0).numpy() * 20_000
    assert stats.chisquare(drawn.bincount(minlength=4).numpy(), expected).pvalue > 0.001


def test_frequency_counts_each_time_and_presence_once_and_neither_counts_padding():
    logits, sampled = torch.zeros(2, 3), torch.tensor([[1, 1, 2], [-1, -1, 0]])
    assert sampling.frequency_penalty(logits, 0.5, sampled).tolist() == [[0, -1.0, -0.5], [-0.5, 0, 0]]
    assert sampling.presence_penalty(logits, 0.5, sampled).tolist() == [[0, -0.5, -0.5], [-0.5, 0, 0]]
    assert torch.equal(sampling.presence_penalty(logits, -0.5, sampled[:, :0]), logits)


def test_typical_sampling_drops_a_token_that_is_too_likely_to_say_anything():
    """Entropy 1.40 nats; surprises 0.92, 1.20 x2, 2.30, 2.99: with p = 0.5 the two of 0.3 are nearest."""
    logits = of(0.4, 0.3, 0.15, 0.1, 0.05)
    assert kept(sampling.typical_p(logits, 0.2)) == [1] and kept(sampling.typical_p(logits, 0.5)) == [0, 1]
    assert kept(sampling.typical_p(logits, 0.01)) == [1]


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 10**6), some.integers(3, 40), some.floats(0.05, 0.95), some.floats(0.2, 5.0))
def test_typical_sampling_equals_that_of_transformers(seed, vocab, p, spread):
    """Random logits in float64: no two are equally near to the entropy, where the rules differ (the oracle keeps both)."""
    logits = torch.randn(3, vocab, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
    assert torch.equal(sampling.typical_p(logits, p), transformers.TypicalLogitsWarper(p)(None, logits.clone()))


def test_typical_sampling_passes_by_what_was_already_dropped():
    narrowed = sampling.top_k(torch.tensor([[3.0, 2.0, 1.0, 0.0]]), 2)
    assert kept(sampling.typical_p(narrowed, 0.999)) == [0, 1]


def test_the_order_of_the_steps_is_the_users():
    """Top-p of 0.5 0.3 0.2 with 0.6 keeps two; at temperature 3 first, it keeps more (0.41 0.32 0.27 -> 0.6 after two)."""
    logits = of(0.6, 0.25, 0.15)
    default = SamplingConfig(temperature=4.0, top_p=0.5)
    other = SamplingConfig(temperature=4.0, top_p=0.5, order=("top_p", "temperature"))
    assert kept(sampling.narrow(logits, default)) == [0, 1] and kept(sampling.narrow(logits, other)) == [0]
    swapped = sampling.temperature(sampling.top_p(logits, 0.5), 4.0)
    assert torch.equal(sampling.narrow(logits, other), swapped)


def test_a_function_of_the_users_stands_in_the_order_and_sees_the_ids():
    seen = []

    def never_twice(logits, ids):
        seen.append(ids.tolist())
        return logits.index_fill(1, ids[0], -math.inf)

    config = SamplingConfig(temperature=0, order=(never_twice, "temperature"))
    assert sampling.sample(torch.tensor([[3.0, 2.0, 1.0]]), config, previous=torch.tensor([[0]])).tolist() == [1]
    assert seen == [[[0]]]


def test_a_users_function_that_gives_no_logits_is_told_so():
    logits = torch.zeros(1, 3)
    with pytest.raises(InputError, match=r"gave NoneType; it must return logits of \(1, 3\)"):
        sampling.narrow(logits, SamplingConfig(order=(lambda scores, ids: None,)))
    with pytest.raises(InputError, match=r"gave \(1, 2\); it must return"):
        sampling.narrow(logits, SamplingConfig(order=(lambda scores, ids: scores[:, 1:],)))
    for broken in (-math.inf, math.nan, math.inf):
        with pytest.raises(InputError, match="keep one finite logit a row"):
            sampling.narrow(logits, SamplingConfig(order=(lambda scores, ids, broken=broken: scores + broken,)))


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


def test_the_likeliest_tokens_come_with_their_log_probabilities():
    logits = torch.randn(3, 9)
    values, ids = sampling.top_log_probabilities(logits, 4)
    expected = torch.log_softmax(logits, dim=1).sort(1, descending=True)
    assert torch.equal(ids, expected.indices[:, :4]) and torch.allclose(values, expected.values[:, :4], atol=1e-6)
    assert [part.shape[1] for part in sampling.top_log_probabilities(logits, 99)] == [9, 9]
    assert [part.shape[1] for part in sampling.top_log_probabilities(logits, 0)] == [0, 0]


def test_a_filled_top_p_replaces_the_fast_one(monkeypatch):
    monkeypatch.setattr(sampling, "filled", lambda slot: slot == "inference.decoding.top_p")
    monkeypatch.setattr(
        sampling, "top_p", lambda logits, p: logits.masked_fill(torch.arange(logits.shape[1]) != 3, -math.inf)
    )
    logits = torch.randn(2, 600)
    assert sampling.sample(logits, SamplingConfig(top_p=0.5), torch.tensor([0.1, 0.9])).tolist() == [3, 3]
