"""Contrastive search against its definition, token by token without a cache, and at its ends."""

import math

import pytest
import torch

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.contrastive import contrastive_choice, contrastive_search
from groundup.inference.engine.batching import generate_batch


@torch.no_grad()
def by_definition(module, prompt, tokens, k, alpha):
    """Equation 5 in plain Python: every candidate's whole text is read anew."""
    ids = list(prompt)
    for _ in range(tokens):
        probabilities = module(torch.tensor([ids]))[0, -1].softmax(0).tolist()
        likeliest = sorted(range(len(probabilities)), key=lambda token: -probabilities[token])[:k]
        scores = {}
        for token in likeliest:
            *before, new = module.hidden(torch.tensor([[*ids, token]]))[0].double().tolist()
            cosines = [
                sum(a * b for a, b in zip(new, old, strict=True)) / math.hypot(*new) / math.hypot(*old)
                for old in before
            ]
            scores[token] = (1 - alpha) * probabilities[token] - alpha * max(cosines)
        ids.append(max(scores, key=scores.__getitem__))
    return ids[len(prompt) :]


@pytest.mark.parametrize("k, alpha", [(2, 0.3), (5, 0.6), (8, 1.0)])
def test_every_token_is_that_of_the_definition(tiny, k, alpha):
    module = tiny()
    for prompt in ([3], [5, 6, 7, 8]):
        assert contrastive_search(module, prompt, 8, k=k, alpha=alpha) == by_definition(module, prompt, 8, k, alpha)


def test_without_a_penalty_or_with_one_candidate_it_is_greedy(tiny):
    (greedy,) = generate_batch(tiny(), [[5, 6, 7]], SamplingConfig(max_new_tokens=10, temperature=0.0))
    assert contrastive_search(tiny(), [5, 6, 7], 10, k=5, alpha=0.0) == greedy.ids
    assert contrastive_search(tiny(), [5, 6, 7], 10, k=1, alpha=0.9) == greedy.ids


def test_a_choice_by_hand():
    """0.6 - 0.4 cos: the likeliest points where the text already was, the second stands across it."""
    probabilities, context = torch.tensor([0.7, 0.3]), torch.tensor([[2.0, 0.0], [0.0, -1.0]])
    candidates = torch.tensor([[5.0, 0.0], [-1.0, 0.0]])
    assert contrastive_choice(probabilities, candidates, context, 0.6) == 1  # 0.28 - 0.6 against 0.12 - 0
    assert contrastive_choice(probabilities, candidates, context, 0.1) == 0  # 0.63 - 0.1 against 0.27 - 0


def test_it_leaves_a_circle_that_greedy_decoding_runs_in(tiny):
    module = tiny(seed=1)
    (greedy,) = generate_batch(module, [[1]], SamplingConfig(max_new_tokens=60, temperature=0.0))
    assert len(set(contrastive_search(module, [1], 60, k=8, alpha=0.7))) > len(set(greedy.ids))


def test_a_stop_id_ends_it_and_the_contexts_end_too(tiny):
    answer = contrastive_search(tiny(), [3], 12)
    assert contrastive_search(tiny(), [3], 12, {answer[2]}) == answer[: answer.index(answer[2]) + 1]
    assert len(contrastive_search(tiny(max_position_embeddings=16), [3, 4], 100)) == 14


def test_bad_input(tiny):
    for alpha in (-0.1, 1.5, math.nan):
        with pytest.raises(ConfigError, match=r"^alpha=.* is not possible; use 0 for greedy"):
            contrastive_search(tiny(), [3], 5, alpha=alpha)
    with pytest.raises(ConfigError, match=r"^k=0 leaves nothing to choose from; use a few"):
        contrastive_search(tiny(), [3], 5, k=0)
    for prompt, room in (([], 5), ([3], 0), (list(range(64)), 5)):
        with pytest.raises(InputError, match="leaves no answer; give at least one token"):
            contrastive_search(tiny(), prompt, room)
