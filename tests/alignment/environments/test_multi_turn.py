"""Tools in several turns: what is read pushes nothing, failures are words, and a model learns to ask."""

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch

from groundup import files
from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.alignment.config import GrpoConfig, PpoConfig
from groundup.alignment.environments.multi_turn import (
    CALCULATOR,
    Tools,
    demonstrations,
    own_tokens,
    read_call,
    result_ids,
    used,
)
from groundup.alignment.grpo import grpo
from groundup.alignment.ppo import PpoRounds
from groundup.inference.decoding.config import SamplingConfig
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, encode, fit
from groundup.tuning.supervised.tool_calls import as_words


def asks(text):
    """The call of a model of letters: "?" asks."""
    return ("letter", {}) if text == "?" else None


def talk(question, *said):
    roles = ("assistant", "tool", "assistant")
    return [{"role": "user", "content": question}, *({"role": role, "content": text} for role, text in zip(roles, said, strict=False))]


@pytest.fixture(scope="module")
def player(undecided, tokenizer, tmp_path_factory):
    """A model that guesses a, or asks and says what it was told: each as often."""
    talks = [
        as_words(talk("Which?", "?", "ab"[index % 2], "ab"[index % 2]) if index // 2 % 2 else talk("Which?", "a"))
        for index in range(160)
    ]
    module, folder = copy.deepcopy(undecided), tmp_path_factory.mktemp("player")
    tuning = TuneConfig(steps=150, batch_size=8, seq_len=128, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0)
    fit(module, conversations_to_shards(talks, tokenizer, folder / "shards"), tuning, folder)
    return module


def right(item, text):
    return float(text == item)


def played(module, tokenizer, stops, tool=lambda: "b", turns=3, most=6, reward=right):
    from groundup.alignment.environments.rollouts import task

    asked = Tools([task("Which?", "b", tokenizer)], reward, tokenizer, stops, {"letter": tool}, turns, asks)
    return asked.rollout(module, 0, 1, 24, SamplingConfig(max_new_tokens=most, seed=3))[0]


def test_what_a_tool_said_stands_in_the_context_and_not_under_the_loss(player, tokenizer, stops):
    group = played(player, tokenizer, stops)
    asked = [one for one in group.tries if one.text.startswith("?")]
    assert asked and len(asked) < 24
    for one in asked:
        assert len(one.ids) == len(one.own) and sum(one.own) == len(one.log_probabilities)
        assert "b" in tokenizer.decode([token for token, mine in zip(one.ids, one.own, strict=True) if not mine])
    batch = side_by_side([group.task.prompt_ids], [[one.ids for one in group.tries]], own=[[one.own for one in group.tries]])
    assert len(batch.targets) == sum(sum(one.own) for one in group.tries)
    with torch.no_grad():  # the trainer's numbers are those of the model that wrote turn by turn
        made = log_probabilities(player, batch)
    sampler = torch.tensor([number for one in group.tries for number in one.log_probabilities])
    torch.testing.assert_close(made, sampler, rtol=1e-4, atol=1e-4)


def test_another_result_moves_no_gradient_of_its_own(player, tokenizer, stops):
    """The gradient is that of the answers' tokens alone: with the tool's under the loss it would be another."""
    one = next(one for one in played(player, tokenizer, stops).tries if one.text.startswith("?"))
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Which?"}], add_generation_prompt=True)

    def gradient(own):
        module = copy.deepcopy(player)
        (-log_probabilities(module, side_by_side([prompt], [[one.ids]], own=[[own]])).sum()).backward()
        return next(module.parameters()).grad

    logits = player(torch.tensor([[*prompt, *one.ids]]))[0].log_softmax(-1)
    rows = [(place, token) for place, (token, mine) in enumerate(zip(one.ids, one.own, strict=True), len(prompt) - 1) if mine]
    (by_hand,) = torch.autograd.grad(-sum(logits[place, token] for place, token in rows), [next(player.parameters())])
    torch.testing.assert_close(gradient(one.own), by_hand, rtol=1e-3, atol=1e-4)
    assert (gradient(None) - by_hand).abs().max() > 0.01


def test_a_result_is_written_as_it_is_in_tuning(tokenizer, stops):
    """Question, call, result and answer as ids are those that `groundup tune` would read."""
    whole = encode([as_words(talk("Which?", "?", "b", "a"))], tokenizer).ids[0]
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Which?"}], add_generation_prompt=True)
    end = tokenizer.special_tokens["<|im_end|>"]
    mine = [*prompt, *tokenizer.encode("?"), end, *result_ids("b", tokenizer, stops), *tokenizer.encode("a"), end]
    assert list(whole)[: len(mine)] == mine


class Repeats(Tools):
    """Who asked and says what it heard is right; a guess never is."""

    __slots__ = ()

    def ended(self, episode):
        heard = len(episode.said) == 3 and episode.said[2] == episode.said[1]
        return replace(Tools.ended(self, episode), reward=float(heard))


def test_it_learns_to_ask(player, tokenizer, stops):
    from groundup.alignment.environments.rollouts import task

    module, tasks = copy.deepcopy(player), [task("Which?", "b", tokenizer) for _ in range(4)]
    environment = partial(Repeats, tools={"letter": lambda: "b"}, read=asks)
    config = GrpoConfig(steps=8, prompts_per_step=4, samples_per_prompt=8, max_new_tokens=4, learning_rate=0.003, checkpoint_every=0)
    before = sum(one.text.startswith("?") for one in played(module, tokenizer, stops).tries)
    grpo(module, tokenizer, tasks, lambda item, text: 0.0, config, stop_ids=stops, environment=environment)
    after = sum(one.text.startswith("?") for one in played(module, tokenizer, stops).tries)
    print(before, after)
    assert after > before + 4


def test_ppo_puts_the_reward_on_the_models_last_token(player, tokenizer, stops, tmp_path):
    from groundup.alignment.environments.rollouts import task

    config = PpoConfig(steps=1, prompts_per_step=8, max_new_tokens=4, updates_per_step=1, epochs=1, kl_coefficient=0.0, discount=0.5, decay=1.0, whiten=False)
    tasks = [task("Which?", "b", tokenizer) for _ in range(8)]
    environment = partial(Tools, tools={"letter": lambda: "b"}, read=asks)
    rounds = PpoRounds.begin(copy.deepcopy(player), environment(tasks, lambda item, text: len(text) + 1.0, tokenizer, stops), config, tmp_path)
    lesson, kept = rounds.batch(0), files.read_jsonl(tmp_path / "rollouts.jsonl")
    assert len(kept) == 8 and any(not all(one["own"]) for one in kept) and any(one["reward"] for one in kept)
    for place, one in enumerate(kept):
        mine = lesson.batch.answers == place
        wrote = [token for token, own in zip(one["ids"], one["own"], strict=True) if own]
        assert lesson.batch.targets[mine].tolist() == wrote and len(wrote) == len(one["log_probabilities"])
        # it comes with the last token, and those before look forward to it
        earned = [one["reward"] * 0.5**left for left in reversed(range(len(wrote)))]
        assert lesson.returns[mine].tolist() == pytest.approx(earned)


def test_a_tool_that_fails_or_is_none_answers_with_a_sentence():
    def broken():
        raise ValueError("it is closed")

    assert used({"letter": broken}, ("letter", {})) == "error: it is closed"
    assert used({"letter": broken}, ("number", {})).startswith("error: there is no tool number, but letter")
    assert used(CALCULATOR, ("add", {"a": 1})).startswith("error: ")
    assert used(CALCULATOR, ("add", {"a": 1, "c": 2})).startswith("error: ")


def test_the_arguments_of_a_call_go_by_their_names():
    assert used(CALCULATOR, ("subtract", {"b": 3, "a": 5})) == "2"


@pytest.mark.parametrize(
    "text",
    ["5", "<tool_call>add</tool_call>", '<tool_call>{"name": "add"}</tool_call>', '<tool_call>{"name": 3, "arguments": 4}</tool_call>'],
)
def test_what_is_no_call_is_an_answer(text):
    assert read_call(text) is None


def test_turns_and_room_end_an_episode(player, tokenizer, stops):
    short = played(player, tokenizer, stops, turns=1)
    assert all(one.own == [True] * len(one.ids) for one in short.tries)
    long = played(player, tokenizer, stops, tool=lambda: "b" * 200)
    cut = [one for one in long.tries if one.text.startswith("?")]
    assert cut and all(one.finish_reason == "length" and one.reward == 0 for one in cut)
    dear = played(player, tokenizer, stops, tool=lambda: "b" * 200, reward=lambda item, text: -2.0)
    assert {one.reward for one in dear.tries} == {-2.0}, "being cut is no way out of a reward below 0"


def test_the_demonstrations_call_the_calculator_and_say_what_it_gave():
    made = list(demonstrations(1, 6))
    called = [one for one in made if len(one) == 4]
    assert len(called) == 4
    for one in called:
        assert used(CALCULATOR, read_call(one[1]["content"])) == one[3]["content"]


def test_own_tokens_keeps_the_order():
    assert own_tokens([]) == ([], [])
    assert own_tokens([([1], True), ([], False), ([2, 3], False)]) == ([1, 2, 3], [True, False, False])
