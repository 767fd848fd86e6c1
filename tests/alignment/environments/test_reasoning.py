"""Thoughts before an answer: written ones that are true, a budget that is kept, a vote that is one."""

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.environments.reasoning import (
    answer_of,
    budgeted,
    by_budget,
    demonstrations,
    environment,
    majority,
    room,
    thoughts,
)
from groundup.alignment.rewards.verifiable import right
from groundup.data.sources.tinyworld import instructions
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import Completion

MODEL = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=256))


@given(st.integers(0, 99999), st.integers(0, 99999))
def test_the_last_digits_of_the_thoughts_are_the_sum(first, second):
    steps = thoughts(first, second).split(", ")
    for step in steps:
        left, total = step.split("=")
        assert sum(map(int, left.split("+"))) == int(total)
    totals = [int(step.split("=")[1]) for step in steps]
    assert int("".join([str(totals[-1]), *(str(one % 10) for one in reversed(totals[:-1]))])) == first + second


def test_the_demonstrations_are_right_by_the_tasks_own_check():
    items = list(instructions(3, 12, "train", ("sum_long",)))
    for item, talk in zip(items, demonstrations(3, 12), strict=True):
        assert right(item, answer_of(talk[1]["content"])) == 1 and talk[0]["content"] == item.prompt
        asked = environment(None)([], right, None, {1})
        assert asked.reward(item, talk[1]["content"]) == 1 and asked.reward(item, item.answer) == 0


@given(st.lists(st.sampled_from(["1", "2", None]), max_size=9))
def test_a_vote_is_won_by_no_fewer_than_any_other(answers):
    won = majority(answers)
    counted = {one: answers.count(one) for one in answers if one is not None}
    assert (won is None) == (not counted)
    if won is not None:
        assert counted[won] == max(counted.values())
        assert won == next(one for one in answers if one is not None and counted[one] == counted[won])


class Letters:
    """A tokenizer of letters."""

    pad_token_id, chat_template = 0, None

    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, ids, skip_special_tokens=True):
        return "".join(chr(one) for one in ids if one > 1)


@pytest.fixture
def writer(monkeypatch):
    """Stands in for the model: writes a fixed thought, then whatever answer it was forced to; keeps what it was asked."""
    asked = []

    def made(module, rows, sampling, stop_ids, pad_id=0):
        asked.append((rows, sampling.max_new_tokens))
        whole = "1+2=3</think><answer>3</answer>"
        texts = ["4</answer>" if "".join(map(chr, row)).endswith("<answer>") else whole for row in rows]
        return [Completion([ord(one) for one in text[: sampling.max_new_tokens]], [], "stop") for text in texts]

    monkeypatch.setattr("groundup.alignment.environments.reasoning.generate_batch", made)
    return asked


@pytest.mark.parametrize(
    "budget, said",
    [
        (0, "<think></think><answer>4</answer>"),
        (3, "<think>1+2</think><answer>4</answer>"),
        (7, "<think>1+2=3</think><answer>4</answer>"),
        (64, "<think>1+2=3</think><answer>3</answer>"),
    ],
)
def test_who_still_thinks_when_the_budget_is_spent_must_answer(writer, budget, said):
    drawn = SamplingConfig(max_new_tokens=12, temperature=0.0)
    assert budgeted(MODEL, Letters(), [[65], [66]], budget, drawn, {1}) == [said, said]
    if budget == 64:
        assert len(writer) == 1  # nobody had to be forced


def test_a_thought_ends_where_the_context_leaves_room_for_its_answer_alone(writer):
    """The row that was forced to answer was as long as the context, so that every run of the stage failed at the same place."""
    context = 7 + 16 + 12 + 1 + 3  # tags, an answer, a prompt, a thought of three
    small = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=context))
    assert room(small, Letters(), 12) == 4
    drawn = SamplingConfig(max_new_tokens=12, temperature=0.0)
    assert budgeted(small, Letters(), [[65], [66, 67]], 7, drawn, {1}) == [
        f"<think>{one}</think><answer>4</answer>" for one in ("1+2", "1+")
    ]
    assert max(map(len, writer[-1][0])) == context - 12


def test_a_budget_below_zero_is_a_sentence():
    with pytest.raises(InputError, match="use 0 for no thought, or more"):
        budgeted(MODEL, Letters(), [[65]], -1, SamplingConfig(max_new_tokens=1), {1})


def test_scores_by_budget_count_tokens_and_right_answers(writer):
    from groundup.alignment.environments.rollouts import Task

    asked = environment(None)([Task("q", [65], "3"), Task("q", [66], "4")], right, Letters(), {1})
    none, enough = by_budget(MODEL, asked, ["3", "4"], [0, 64])
    assert (none.score, enough.score) == (0.5, 0.5) and none.tokens < enough.tokens  # forced it says 4, by itself 3
    voted = by_budget(MODEL, asked, ["3", "3"], [64], votes=3)[0]
    assert voted.score == 1 and voted.tokens == pytest.approx(3 * enough.tokens)
    assert re.match("<think>", budgeted(MODEL, Letters(), [[65]], 4, SamplingConfig(max_new_tokens=2), {1})[0])
