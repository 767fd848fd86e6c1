"""The rule added up over all guesses, texts equal to plain decoding, and frequencies against the model's own probabilities."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.decoding.constrained.masks import RegexConstraint, Vocabulary, constrained
from groundup.inference.decoding.drafts import ModelDraft, NGramDraft
from groundup.inference.decoding.medusa import MedusaDraft, MedusaHeads, train_heads
from groundup.inference.decoding.sampling import narrow
from groundup.inference.decoding.speculative import Acceptance, Proposal, accept_draft, settle, speculate
from groundup.inference.engine.batching import generate_batch
from groundup.model.architectures import build
from groundup.model.architectures.mistral import MistralConfig

PROMPTS = ([3], [5, 6, 7, 8, 5, 6])


class Fixed:
    """A draft that always says the same."""

    def __init__(self, ids=(), probabilities=None):
        self.ids, self.probabilities = list(ids), probabilities

    def start(self, module, prompt, limit):
        """Nothing to do."""

    def propose(self, ids, most, sampling, hidden):
        """The same again."""
        kept = None if self.probabilities is None else self.probabilities[:most]
        return Proposal(self.ids[:most], kept)


def joined(chunks):
    return list(itertools.chain.from_iterable(chunk.ids for chunk in chunks))


def result(target, draft, steps=400):
    """The distribution of what the rule gives, by the exact sum over guesses and a fine grid of its two numbers."""
    made = torch.zeros(len(target), dtype=torch.float64)
    grid = (np.arange(steps) + 0.5) / steps
    for token in range(len(target)):
        if draft[token]:
            stays = np.mean([accept_draft(target, draft, token, chance, 0.5) == token for chance in grid])
            made[token] += draft[token] * stays
            if stays < 1:
                drawn = [accept_draft(target, draft, token, 1 - 1e-12, number) for number in grid]
                share = np.bincount(drawn, minlength=len(target)) / steps
                made += draft[token] * (1 - stays) * torch.from_numpy(share)
    return made


def test_the_rule_gives_the_models_distribution_whatever_the_guess_was_drawn_from():
    """A draft of 0.8 0.2 taken greedily and a ratio with its softmax gave 0.75 0.25 (huggingface/transformers#32867)."""
    target = torch.tensor([0.6, 0.4], dtype=torch.float64)
    for draft in ([0.8, 0.2], [1.0, 0.0], [0.0, 1.0], [0.6, 0.4], [0.1, 0.9]):
        assert torch.allclose(result(target, torch.tensor(draft, dtype=torch.float64)), target, atol=0.004)


@settings(max_examples=10, deadline=None)
@given(some.lists(some.integers(0, 9), min_size=4, max_size=4), some.lists(some.integers(0, 9), min_size=4, max_size=4))
def test_the_rule_adds_up_for_any_two_distributions(p, q):
    p, q = (torch.tensor(one, dtype=torch.float64) + (0.0 if any(one) else 1.0) for one in (p, q))
    p, q = p / p.sum(), q / q.sum()
    assert torch.allclose(result(p, q, 200), p, atol=0.012)


def test_a_guess_less_likely_than_the_draft_thought_is_replaced_by_what_it_thought_too_unlikely():
    p, q = torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.3, 0.2])
    assert accept_draft(p, q, 0, 0.39, 0.9) == 0 and accept_draft(p, q, 0, 0.41, 0.0) == 2
    assert [accept_draft(p, q, token, 0.999, 0.0) for token in (1, 2)] == [1, 2]
    assert accept_draft(p, p.roll(1), 0, 0.99, 0.0) in (1, 2)
    assert accept_draft(p, torch.tensor([1.0, 0.0, 0.0]), 0, 0.2001, 0.999) == 2


SAMPLINGS = [
    dict(temperature=0.0),
    dict(),
    dict(temperature=0.7, top_p=0.9),
    dict(temperature=0.8, top_k=5, repetition_penalty=1.2, frequency_penalty=0.3, presence_penalty=0.2),
]


@pytest.mark.parametrize("asked", SAMPLINGS, ids=str)
def test_guesses_that_were_not_drawn_leave_the_text_as_it_is_seed_for_seed(tiny, asked):
    module = tiny()
    for prompt in PROMPTS:
        sampling = SamplingConfig(max_new_tokens=14, seed=5, **asked)
        (plain,) = generate_batch(module, [prompt], sampling, {11})
        for draft in (NGramDraft(shortest=1), Fixed(), Fixed([4, 4, 4]), Fixed(plain.ids[:3])):
            chunks = [*speculate(module, prompt, sampling, draft, {11})]
            assert joined(chunks) == plain.ids
            scores = list(itertools.chain.from_iterable(chunk.log_probabilities for chunk in chunks))
            assert scores == pytest.approx(plain.log_probabilities, abs=1e-4)


def test_a_draft_model_and_heads_leave_greedy_answers_as_they_are(tiny):
    module, small = tiny(), tiny(seed=3, num_hidden_layers=1)
    for prompt in PROMPTS:
        for asked in (dict(), dict(presence_penalty=0.7)):
            sampling = SamplingConfig(max_new_tokens=12, temperature=0.0, **asked)
            (plain,) = generate_batch(module, [prompt], sampling, {11})
            for draft in (ModelDraft(module), ModelDraft(small, count=3), MedusaDraft(MedusaHeads(32, 3))):
                assert joined(speculate(module, prompt, sampling, draft, {11})) == plain.ids


def test_the_model_as_its_own_draft_is_always_right(tiny):
    module = tiny()
    for asked in (dict(temperature=0.0), dict(), dict(temperature=0.8, top_p=0.8)):
        sampling = SamplingConfig(max_new_tokens=24, seed=2, **asked)
        found = Acceptance.of(speculate(module, [5, 6, 7], sampling, ModelDraft(module, count=3)))
        assert found == (24, 6, 18, 18) and found.rate == 1 and found.tokens_a_round == 4


class Chain:
    """A model whose next token depends on the last one alone, by a table: all it ever writes has known probabilities."""

    def __init__(self, table):
        self.table, self.lm_head, self.device = table, lambda states: states, torch.device("cpu")
        self.config = SimpleNamespace(max_position_embeddings=10**6, vocab_size=len(table), hidden_size=len(table))

    def empty_cache(self, rows, capacity):
        return KVCache(1, 1, 1, 1, 1, torch.float32)

    def hidden(self, ids, mask=None, positions=None, cache=None):
        if cache is not None:
            cache.length += ids.shape[1]
        return self.table[ids]


def unlike(text, chances):
    """The p-value of a text's transitions under these probabilities (tokens, next tokens)."""
    found = np.zeros(chances.shape)
    np.add.at(found, (text[:-1], text[1:]), 1)
    assert found[chances == 0].sum() == 0
    expected = chances * found.sum(1, keepdims=True)
    cells = expected > 0
    squares = ((found - expected)[cells] ** 2 / expected[cells]).sum()
    return stats.chi2.sf(squares, cells.sum() - (found.sum(1) > 0).sum())


@pytest.mark.parametrize("kind", ["model", "heads", "look-up", "fixed"])
@pytest.mark.parametrize(
    "asked", [dict(), dict(temperature=0.6, top_p=0.9), dict(top_k=3), dict(min_p=0.2), dict(typical_p=0.7)], ids=str
)
def test_sampled_answers_are_distributed_as_the_models_own(asked, kind):
    """The transitions of one long text, with a draft that is often wrong, against what the plain sampler draws from."""
    source = torch.Generator().manual_seed(4)
    model = Chain(torch.randn(5, 5, generator=source) * 1.5)
    chances = torch.softmax(narrow(model.table, SamplingConfig(**asked)), 1)
    off = (model.table + torch.randn(5, 5, generator=source)).softmax(1)
    heads = MedusaHeads(5, 2)
    torch.nn.init.normal_(heads.maps[1].weight)
    draft = {
        "model": lambda: ModelDraft(Chain(off.log()), 2),
        "heads": lambda: MedusaDraft(heads),
        "look-up": lambda: NGramDraft(2, shortest=1),
        "fixed": lambda: Fixed([2, 0], off[[1, 1]] * 0 + torch.eye(5)[[2, 0]]),
    }[kind]()
    sampling = SamplingConfig(max_new_tokens=400, seed=3, **asked)
    chunks = [*speculate(model, [1], sampling, draft)]
    text = np.array([1, *joined(chunks)])
    assert len(text) == 401 and 0.02 < Acceptance.of(chunks).rate < 0.98
    assert unlike(text, chances.double().numpy()) > 0.001


def test_a_rule_that_takes_every_guess_would_be_seen():
    """That the test above can fail: a text of the draft's own is not the model's."""
    source = torch.Generator().manual_seed(4)
    model = Chain(torch.randn(5, 5, generator=source) * 1.5)
    other = Chain(model.table + torch.randn(5, 5, generator=source))
    text = np.array(joined(speculate(other, [1], SamplingConfig(max_new_tokens=400), Fixed())))
    assert unlike(text, torch.softmax(model.table, 1).double().numpy()) < 1e-6


def test_a_window_does_not_stand_in_the_way(tiny):
    module = build(
        MistralConfig(
            vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=128, sliding_window=6,
        ),
        seed=1,
    )  # fmt: skip
    sampling = SamplingConfig(max_new_tokens=30, temperature=0.0)
    (plain,) = generate_batch(module, [[5, 6, 7]], sampling)
    for draft in (Fixed([1, 2, 3]), NGramDraft(shortest=1), ModelDraft(module)):
        assert joined(speculate(module, [5, 6, 7], sampling, draft)) == plain.ids


def test_a_constraint_holds_and_a_wrong_guess_is_not_asked_about(tiny):
    pieces = (b"", *(bytes([byte]) for byte in range(97, 107)))
    words = Vocabulary(pieces, frozenset({0}))
    module = tiny(vocab_size=len(pieces))
    for asked in (dict(), dict(temperature=0.0)):
        for draft in (Fixed([1, 2, 3]), ModelDraft(module, 4), NGramDraft(shortest=1)):
            order = (constrained(RegexConstraint("(?:ab|cd){2,5}e", words)), *OFF)
            sampling = SamplingConfig(max_new_tokens=14, seed=1, order=order, **asked)
            (plain,) = generate_batch(module, [[5]], sampling, {0})
            answer = joined(speculate(module, [5], sampling, draft, {0}))
            assert answer[-1] == 0 and (answer == plain.ids or (isinstance(draft, ModelDraft) and not asked))


def test_a_stop_token_among_the_guesses_ends_the_answer(tiny):
    module, sampling = tiny(), SamplingConfig(max_new_tokens=12, temperature=0.0)
    (plain,) = generate_batch(module, [[5, 6]], sampling)
    stop = plain.ids[3]
    chunks = [*speculate(module, [5, 6], sampling, Fixed(plain.ids[:8]), {stop})]
    assert joined(chunks) == plain.ids[: plain.ids.index(stop) + 1]
    assert sum(chunk.accepted for chunk in chunks) <= len(joined(chunks))


def test_the_context_and_the_limit_are_kept_to_the_token(tiny):
    module = tiny()
    for limit, length in ((1, 3), (2, 3), (100, 60), (100, 63)):
        sampling = SamplingConfig(max_new_tokens=limit, temperature=0.0)
        for draft in (ModelDraft(module), NGramDraft(shortest=1), Fixed([1, 1, 1])):
            assert len(joined(speculate(module, [5] * length, sampling, draft))) == min(limit, 64 - length)
    short = tiny(max_position_embeddings=16)
    sampling = SamplingConfig(max_new_tokens=30, temperature=0.0)
    (plain,) = generate_batch(module, [[5, 6, 7]], sampling)
    assert joined(speculate(module, [5, 6, 7], sampling, ModelDraft(short))) == plain.ids


def test_a_look_up_guesses_what_followed_the_longest_run():
    draft, sampling = NGramDraft(count=3, longest=3, shortest=2, reference=[7, 8, 9, 1, 2]), SamplingConfig()
    draft.start(None, [], 9)
    assert draft.propose([1, 2, 3, 4, 1, 2], 9, sampling, None).ids == [3, 4, 1]
    assert draft.propose([1, 2, 3, 4, 1, 2, 5, 1, 2], 9, sampling, None).ids == [5, 1, 2]  # the last time counts
    assert draft.propose([1, 2, 3, 4, 1, 2, 5, 1, 2, 7, 8], 2, sampling, None).ids == [9, 1]  # of the reference
    assert draft.propose([1, 2, 3, 4, 1, 2, 5, 1, 2, 7, 8, 8], 9, sampling, None).ids == []


def test_a_draft_that_is_unsure_guesses_nothing(tiny):
    module, sampling = tiny(), SamplingConfig(max_new_tokens=12)
    found = Acceptance.of(speculate(module, [5], sampling, ModelDraft(module, sure=0.9999)))
    assert found == (12, 12, 0, 0) and found.rate == 0


def test_heads_learn_the_tokens_further_ahead():
    """Of a model that counts 0 1 2 3 4 0 1 ..., a fresh head says the next token, and a trained one that behind it."""
    module = Chain(torch.eye(5).roll(1, 1) * 4)
    rows = (torch.arange(20)[None] + torch.arange(5)[:, None]) % 5
    heads, losses = train_heads(module, rows, 2, steps=60, batch=5, learning_rate=0.1)
    assert losses[0] > 3 > 0.3 > losses[-1]
    sampling = SamplingConfig(max_new_tokens=31, temperature=0.0)
    fresh, learned = (
        Acceptance.of(speculate(module, [0], sampling, MedusaDraft(one))) for one in (MedusaHeads(5, 2), heads)
    )
    assert fresh == (31, 31, 57, 0) and learned == (31, 11, 20, 20)


def test_what_cannot_be_is_said(tiny):
    module, sampling = tiny(), SamplingConfig()
    with pytest.raises(InputError, match="a prompt of 0 tokens cannot be continued in a context of 64"):
        speculate(module, [], sampling, NGramDraft())
    with pytest.raises(InputError, match="a prompt of 64 tokens .* at most 63"):
        speculate(module, [1] * 64, sampling, NGramDraft())
    with pytest.raises(ConfigError, match="the draft knows 12 tokens and the model 70"):
        speculate(module, [1], sampling, ModelDraft(tiny(vocab_size=12)))
    with pytest.raises(ConfigError, match="the heads read states of 8 numbers and the model has 32"):
        speculate(module, [1], sampling, MedusaDraft(MedusaHeads(8)))
    with pytest.raises(UnsupportedModel, match="cannot be set back to before a refused guess"):
        module.empty_cache = lambda rows, capacity: object()  # as a recurrent model has
        speculate(module, [1], sampling, NGramDraft())
    small = tiny()
    for wrong in (
        lambda: NGramDraft(0),
        lambda: NGramDraft(2, 2, 3),
        lambda: ModelDraft(small, 0),
        lambda: ModelDraft(small, 2, 1.0),
    ):
        with pytest.raises(ConfigError, match="guess nothing"):
            wrong()
    with pytest.raises(ConfigError, match="heads=0 guess nothing"):
        MedusaHeads(8, 0)
    with pytest.raises(InputError, match=r"rows of \(2, 3\) hold no token 4 places ahead"):
        train_heads(module, torch.zeros(2, 3, dtype=torch.long), 3)


def test_a_round_gives_the_guesses_that_stay_and_one_more():
    logits = torch.eye(4) * 30
    sampling = SamplingConfig(temperature=0.0)
    assert settle(logits, Proposal([0, 1, 2]), [9], 1, sampling) == [0, 1, 2, 3]
    assert settle(logits, Proposal([0, 3, 2]), [9], 1, sampling) == [0, 1]
    assert settle(logits[:1], Proposal([]), [9], 1, sampling) == [0]
