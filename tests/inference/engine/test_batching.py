"""A row in a batch is the row alone: padding, companions, leaving rows and repeated prompts change nothing."""

import random
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import batching
from groundup.inference.engine.batching import generate_batch

SAMPLERS = [
    SamplingConfig(max_new_tokens=12, temperature=0),
    SamplingConfig(max_new_tokens=12, seed=3),
    SamplingConfig(max_new_tokens=12, seed=3, temperature=0.8, top_p=0.9, top_k=20),
    SamplingConfig(max_new_tokens=12, temperature=0, repetition_penalty=1.5),
]


def prompts(count, longest=20, seed=0):
    drawn = random.Random(seed)
    return [[drawn.randrange(70) for _ in range(drawn.randint(1, longest))] for _ in range(count)]


def by_definition(module, prompt, sampling, stop_ids=()):
    """Decode without cache, batch or padding, with transformers' words for the same steps."""
    from groundup.inference.decoding.sampling import sample
    from groundup.inference.decoding.streams import uniform

    ids = list(prompt)
    while len(ids) - len(prompt) < sampling.max_new_tokens:
        number = torch.from_numpy(uniform(sampling.seed, torch.zeros(1).numpy(), len(ids)))
        ids += sample(module(torch.tensor([ids]))[:, -1], sampling, number, torch.tensor([ids])).tolist()
        if ids[-1] in stop_ids:
            break
    return ids[len(prompt) :]


@pytest.mark.parametrize("sampling", SAMPLERS)
def test_cached_decoding_equals_computing_everything_again(tiny, sampling):
    module = tiny()
    for prompt in prompts(5):
        assert generate_batch(module, [prompt], sampling)[0].ids == by_definition(module, prompt, sampling)


def test_the_short_prompt_in_a_batch_equals_the_prompt_alone_at_every_step(tiny):
    """One shared position for all rows made the short row nonsense, without an error (unslothai/unsloth#3699)."""
    module, rows = tiny(), [[5, 6], [9, 8, 7, 6, 5, 4]]
    together = generate_batch(module, rows, SAMPLERS[0])
    for row, completion in zip(rows, together, strict=True):
        alone = generate_batch(module, [row], SAMPLERS[0])[0]
        assert completion.ids == alone.ids
        assert completion.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)


@pytest.mark.parametrize("sampling", SAMPLERS)
@pytest.mark.parametrize("rows_at_once", [3, pytest.param(64, marks=pytest.mark.slow)])
def test_a_rows_result_does_not_depend_on_the_batch(tiny, sampling, rows_at_once, monkeypatch):
    monkeypatch.setattr(batching, "READ_AT_ONCE", 40)  # several parts, also with few tokens
    module, rows, stops = tiny(), prompts(17) + [[1, 2, 3]] * 3, set(range(9))
    together = generate_batch(module, rows, sampling, stops, rows_at_once=rows_at_once)
    for index, row in enumerate(rows):
        alone = generate_batch(module, [row], sampling, stops, streams=[index])[0]
        assert (together[index].ids, together[index].finish_reason) == (alone.ids, alone.finish_reason)
    assert len({completion.finish_reason for completion in together}) == 2


def test_equal_prompts_draw_different_answers_but_are_read_once(tiny):
    module, read = tiny(), []
    hidden = module.hidden
    module.hidden = lambda ids, *rest: (read.append(tuple(ids.shape)), hidden(ids, *rest))[1]
    answers = generate_batch(module, [[4, 5, 6]] * 8, SAMPLERS[1])
    assert read[0] == (1, 3)
    assert len({tuple(answer.ids) for answer in answers}) == 8


def test_the_same_seed_gives_the_same_answers_and_another_seed_others(tiny):
    module, rows = tiny(), prompts(4)
    first, again = generate_batch(module, rows, SAMPLERS[1]), generate_batch(module, rows, SAMPLERS[1])
    other = generate_batch(module, rows, SamplingConfig(max_new_tokens=12, seed=4))
    assert first == again and first != other


@pytest.mark.parametrize("sampling", SAMPLERS)
def test_log_probabilities_equal_those_of_one_full_pass_at_temperature_one(tiny, sampling):
    """Taken after temperature and top-p they would not be those that training computes (huggingface/trl#2358)."""
    module, rows = tiny(), prompts(6)
    for row, answer in zip(rows, generate_batch(module, rows, sampling), strict=True):
        full = torch.log_softmax(module(torch.tensor([row + answer.ids]))[0], dim=-1)[len(row) - 1 : -1]
        expected = full[torch.arange(len(answer.ids)), torch.tensor(answer.ids)]
        assert answer.log_probabilities == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_stop_token_ends_the_row_and_is_reported(tiny):
    module, rows = tiny(), prompts(20)
    free = generate_batch(module, rows, SAMPLERS[1])
    stops = {free[0].ids[3]}
    stopped = generate_batch(module, rows, SAMPLERS[1], stops)
    for before, after in zip(free, stopped, strict=True):
        end = next((place + 1 for place, token in enumerate(before.ids) if token in stops), len(before.ids))
        assert after.ids == before.ids[:end]
        assert after.finish_reason == ("stop" if after.ids[-1] in stops else "length")
    assert len(stopped[0].ids) <= 4


def test_a_row_ends_at_the_end_of_the_context_and_its_companions_go_on(tiny):
    module = tiny(max_position_embeddings=16)
    lengths = [len(answer.ids) for answer in generate_batch(module, [[1] * 15, [1] * 10, [1] * 2], SAMPLERS[1])]
    assert lengths == [1, 6, 12]


def test_a_prompt_longer_than_the_context_is_refused_with_the_number_of_tokens_to_drop(tiny):
    with pytest.raises(
        InputError, match=r"prompt 1 has 70 tokens but the model's context is 64, .*; shorten it by at least 7 tokens"
    ):
        generate_batch(tiny(), [[1], [1] * 70], SAMPLERS[0])
    with pytest.raises(InputError, match="no token; give at least one"):
        generate_batch(tiny(), [[]], SAMPLERS[0])


def test_no_prompts_give_no_answers(tiny):
    assert generate_batch(tiny(), [], SAMPLERS[0]) == []


def test_bf16_rows_are_the_rows_alone_up_to_rounding(tiny):
    module = tiny()
    module.compute_dtype = torch.bfloat16
    rows = prompts(6)
    for row, answer in zip(
        rows, generate_batch(module, rows, SamplingConfig(max_new_tokens=1, temperature=0)), strict=True
    ):
        alone = torch.log_softmax(module(torch.tensor([row]))[0, -1].float(), dim=-1)
        assert answer.log_probabilities[0] == pytest.approx(alone[answer.ids[0]].item(), abs=0.1)


def test_decoding_leaves_no_gradient_behind_and_the_module_can_train_on(tiny):
    module = tiny()
    generate_batch(module, prompts(3), SAMPLERS[1])
    module(torch.tensor([[1, 2, 3]])).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


MINE = """
def scaled_dot_product_attention(query, key, value, mask=None):
    print("attention", flush=True)
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e30)
    return scores.softmax(-1) @ value

def top_p(logits, p):
    print("top_p", flush=True)
    return logits.masked_fill(logits < logits.amax(1, keepdim=True), -float("inf"))
"""
RUN = """
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
module = build(Qwen3Config(vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
    num_attention_heads=2, num_key_value_heads=1), seed=0, scheme="normal")
prompts = [[1, 2, 3], [4, 5, 6, 7, 8]]
drawn, greedy = (generate_batch(module, prompts, SamplingConfig(max_new_tokens=3, temperature=t, top_p=0.5)) for t in (1, 0))
print([row.ids for row in drawn] == [row.ids for row in greedy])
"""


def test_a_learners_attention_and_top_p_are_what_decoding_calls(tmp_path):
    """A top_p that keeps only the likeliest token makes every draw greedy; both functions say that they ran."""
    (tmp_path / "mine.py").write_text(MINE)
    environment = {"GROUNDUP_MINE": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True)
    assert ran.stdout.split()[-1] == "True", ran.stderr
    assert {"attention", "top_p"} <= set(ran.stdout.split())


def test_presence_counts_the_answer_and_not_the_prompt(tiny):
    """A penalty of 2 and a prompt that holds every token: the prompt changes nothing, what was written does."""
    module, prompt = tiny(), list(range(20))
    plain = SamplingConfig(max_new_tokens=6, temperature=0.0)
    (free,) = generate_batch(module, [prompt], plain)
    (held,) = generate_batch(module, [prompt], replace(plain, presence_penalty=2.0))
    assert held.ids[0] == free.ids[0]
    ids = list(prompt)
    for number, expected in enumerate(held.ids):
        logits = module(torch.tensor([ids]))[0, -1].detach().clone()
        logits[list(set(ids[20:]))] -= 2.0
        assert int(logits.argmax()) == expected, number
        ids.append(expected)
