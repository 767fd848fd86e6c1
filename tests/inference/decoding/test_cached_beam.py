"""Beam search with a decoder: against transformers', greedy decoding, and all answers there are."""

import itertools
from dataclasses import replace

import pytest
import torch
import transformers

from groundup.errors import InputError
from groundup.inference.decoding.beam import BeamConfig
from groundup.inference.decoding.cached_beam import beam_answers
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.model.formats.huggingface import load_model


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A tiny random Llama of transformers, and the same weights here."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.35,
        pad_token_id=0,
        eos_token_id=[2, 3],
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    folder = tmp_path_factory.mktemp("llama")
    theirs.save_pretrained(folder)
    return theirs, load_model(folder).eval()


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("beams", [2, 5])
def test_the_best_answers_and_their_scores_are_those_of_transformers(pair, beams, alpha):
    theirs, ours = pair
    for prompt in ([5], [7, 1, 30, 12], [9, 9, 21]):
        expected = theirs.generate(
            torch.tensor([prompt]),
            num_beams=beams,
            num_return_sequences=beams,
            do_sample=False,
            max_new_tokens=9,
            length_penalty=alpha,
            early_stopping="never",
            return_dict_in_generate=True,
            output_scores=True,
        )
        found = beam_answers(ours, prompt, 9, {2, 3}, BeamConfig(beams=beams, length_penalty=alpha))
        answers = [row[len(prompt) :].tolist() for row in expected.sequences]  # filled up with end tokens
        ends = [next((n for n, one in enumerate(row, 1) if one in (2, 3)), len(row)) for row in answers]
        assert [list(one.ids) for one in found] == [row[:end] for row, end in zip(answers, ends, strict=True)]
        assert torch.allclose(torch.tensor([one.score for one in found]), expected.sequences_scores, atol=1e-5)


def test_one_beam_is_greedy_decoding(tiny):
    module, sampling = tiny(), SamplingConfig(max_new_tokens=12, temperature=0.0)
    for prompt in ([3], [5, 6, 7, 8], list(range(20, 40))):
        (greedy,) = generate_batch(module, [prompt], sampling, {11, 12})
        (found,) = beam_answers(module, prompt, 12, {11, 12}, BeamConfig(beams=1))
        assert list(found.ids) == greedy.ids
        assert found.log_probability == pytest.approx(sum(greedy.log_probabilities), abs=1e-4)


def test_a_beam_as_wide_as_the_tree_finds_the_likeliest_of_all_answers(tiny):
    module, prompt = tiny(vocab_size=5), [1, 3]
    every = [*itertools.product(range(5), repeat=3)]
    logits = module(torch.tensor([[*prompt, *answer] for answer in every])).log_softmax(-1)
    sums = sum(logits[torch.arange(125), 1 + place, torch.tensor(every)[:, place]] for place in range(3))
    found = beam_answers(module, prompt, 3, (), BeamConfig(beams=25, length_penalty=0.0))
    best = sums.sort(descending=True)
    assert [one.ids for one in found] == [every[i] for i in best.indices[:25]]
    assert torch.allclose(torch.tensor([one.score for one in found]), best.values[:25], atol=1e-4)


def test_the_answer_ends_at_the_contexts_end(tiny):
    module = tiny(max_position_embeddings=16)
    found = beam_answers(module, list(range(10)), 100, (), BeamConfig(beams=3))
    assert [len(one.ids) for one in found] == [6, 6, 6]
    ids = torch.tensor([[*range(10), *found[0].ids]])
    true = module(ids).detach().log_softmax(-1)[0, 9:-1].gather(1, ids[0, 10:, None]).sum()
    assert found[0].log_probability == pytest.approx(float(true), abs=1e-4)


@pytest.mark.parametrize("prompt, room", [([], 5), ([1, 2], 0), (list(range(64)), 5)])
def test_a_search_without_room_says_so(tiny, prompt, room):
    with pytest.raises(InputError, match="leave nothing to search for in a context of 64; give at least one token"):
        beam_answers(tiny(), prompt, room)


def test_the_prompt_counts_in_no_length(tiny):
    found = beam_answers(tiny(), list(range(30)), 4, (), replace(BeamConfig(beams=2), length_penalty=1.0))
    assert all(one.score == pytest.approx(one.log_probability / 4) for one in found)


def test_a_recurrent_models_state_is_searched_with_as_a_cache_is():
    from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM

    module = RecurrentLM(RecurrentConfig(model_type="gru_lm", vocab_size=5, hidden_size=12))
    every = [*itertools.product(range(5), repeat=3)]
    logits = module(torch.tensor([[1, 3, *answer] for answer in every])).detach().log_softmax(-1)
    sums = sum(logits[torch.arange(125), 1 + place, torch.tensor(every)[:, place]] for place in range(3))
    found = beam_answers(module, [1, 3], 3, (), BeamConfig(beams=25, length_penalty=0.0))
    assert [one.ids for one in found] == [every[i] for i in sums.sort(descending=True).indices[:25]]
