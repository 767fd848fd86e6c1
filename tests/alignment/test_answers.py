import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.model.architectures import build
from groundup.model.architectures.bloom import BloomConfig
from groundup.model.architectures.mistral import MistralConfig

PROMPTS = [[5, 6, 7], [8, 9, 10, 11, 12, 13]]
GROUPS = [[[20, 21, 22], [23], [20, 21]], [[24, 25], [26, 27, 28, 29]]]
TOKENS = st.lists(st.integers(3, 200), min_size=1, max_size=6)


def one_by_one(module, prompts, groups):
    """The log-probabilities with a row of its own for every answer."""
    scores = []
    for prompt, answers in zip(prompts, groups, strict=True):
        for answer in answers:
            logits = torch.log_softmax(module(torch.tensor([prompt + answer]))[0], dim=-1)
            scores += [logits[len(prompt) + place - 1, token] for place, token in enumerate(answer)]
    return torch.stack(scores)


def test_a_row_holds_the_prompt_once_and_every_answer_as_if_it_followed_at_once():
    batch = side_by_side(PROMPTS, GROUPS, pad_id=1)
    assert batch.input_ids.shape == (4, 16) and (batch.parts[:, 12:] == -1).all() and (batch.parts[2:] == -1).all()
    assert batch.input_ids[:2, :12].tolist() == [
        [5, 6, 7, 20, 21, 22, 23, 20, 21, 1, 1, 1],
        [8, 9, 10, 11, 12, 13, 24, 25, 26, 27, 28, 29],
    ]
    assert batch.positions[:2, :12].tolist() == [
        [0, 1, 2, 3, 4, 5, 3, 3, 4, 0, 0, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9],
    ]
    assert batch.parts[0, :12].tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 3, -1, -1, -1]
    assert batch.targets.tolist() == [20, 21, 22, 23, 20, 21, 24, 25, 26, 27, 28, 29]
    assert batch.answers.tolist() == [0, 0, 0, 1, 2, 2, 3, 3, 4, 4, 4, 4]


def test_answers_see_the_prompt_and_themselves_but_not_each_other():
    mask = side_by_side([[5, 6]], [[[7, 8], [9]]]).mask()[0].int()
    assert mask[:5, :5].tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]]
    assert not mask[:5, 5:].any() and not mask[5:, :5].any() and mask[5:].any(1).all()  # padding sees padding alone


SIZES = dict(vocab_size=270, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128)


@pytest.fixture(scope="session")
def readers(undecided):
    """A model that measures nothing by columns, one whose bias falls with the distance, and one that sees four tokens."""
    made = {
        "qwen3": undecided,
        "bloom": build(BloomConfig(**SIZES), seed=0),
        "mistral": build(MistralConfig(**SIZES, intermediate_size=64, sliding_window=4), seed=0),
    }
    generator = torch.Generator().manual_seed(0)
    for module in (made["bloom"], made["mistral"]):
        for _, parameter in sorted(module.named_parameters()):
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return made


@pytest.mark.parametrize("family", ["qwen3", "bloom", "mistral"])
@settings(max_examples=20, deadline=None)
@given(data=st.lists(st.tuples(TOKENS, st.lists(TOKENS, min_size=1, max_size=4)), min_size=1, max_size=3))
def test_log_probabilities_equal_those_of_each_answer_in_its_own_row(readers, family, data):
    prompts, groups, module = [prompt for prompt, _ in data], [answers for _, answers in data], readers[family]
    with torch.no_grad():
        together = log_probabilities(module, side_by_side(prompts, groups))
        torch.testing.assert_close(together, one_by_one(module, prompts, groups), rtol=1e-4, atol=1e-5)


def test_the_gradient_is_that_of_separate_rows_too(module):
    log_probabilities(module, side_by_side(PROMPTS, GROUPS)).sum().backward()
    together = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    one_by_one(module, PROMPTS, GROUPS).sum().backward()
    for one, parameter in zip(together, module.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-3, atol=1e-4)


def test_no_group_at_all_is_an_empty_batch():
    batch = side_by_side([], [])
    assert batch.input_ids.shape == (0, 0)
    assert len(batch.targets) == 0
