import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.alignment.environments.rollouts import Environment, Group, Task, Try, chosen_tasks, keep_until, records
from groundup.inference.decoding.config import SamplingConfig


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 5), st.integers(0, 100))
def test_every_task_is_asked_once_before_any_comes_again(tasks, count, rounds, seed):
    asked = [index for number in range(rounds) for index in chosen_tasks(number, tasks, count, seed)]
    for start in range(0, len(asked) - tasks + 1, tasks):
        assert sorted(asked[start : start + tasks]) == list(range(tasks))


def test_the_tasks_of_a_round_depend_on_nothing_but_its_number_and_the_seed():
    assert chosen_tasks(7, 100, 8, 1) == chosen_tasks(7, 100, 8, 1)
    assert chosen_tasks(7, 100, 8, 1) != chosen_tasks(7, 100, 8, 2)


@pytest.fixture
def rollout(module, tasks, reward, tokenizer, stops):
    def make(number=0, reward=reward, **sampling):
        environment = Environment(tasks, reward, tokenizer, stops)
        return environment.rollout(
            module, number, 4, 3, SamplingConfig(**({"max_new_tokens": 6, "seed": 1} | sampling))
        )

    return make


def test_a_round_is_the_same_when_it_is_made_again_and_another_one_differs(rollout):
    assert rollout(3) == rollout(3)
    assert [one.ids for group in rollout(3) for one in group.tries] != [
        one.ids for group in rollout(4) for one in group.tries
    ]


def test_the_reward_sees_the_text_without_control_tokens(rollout):
    seen = []
    rollout(reward=lambda item, text: seen.append((item, text)) or 0.0)
    assert seen
    assert all(item in "ab" and "<|" not in text for item, text in seen)


def test_an_answer_that_was_cut_is_worth_nothing(rollout):
    groups = rollout(reward=lambda item, text: 1.0, max_new_tokens=1)
    cut = [one for group in groups for one in group.tries if one.finish_reason == "length"]
    assert cut
    assert all(one.reward == 0.0 for one in cut)


def test_being_cut_is_worth_no_more_than_the_worst_that_ended(rollout):
    groups = rollout(reward=lambda item, text: -len(text) - 1.0, max_new_tokens=2, temperature=3.0)
    tries = [one for group in groups for one in group.tries]
    ended, cut = ([one.reward for one in tries if one.finish_reason == reason] for reason in ("stop", "length"))
    assert cut and len(set(ended)) > 1
    assert set(cut) == {min(ended)}


def test_every_try_is_kept_as_a_line_and_those_of_later_steps_can_be_dropped(rollout, tmp_path):
    path = tmp_path / "rollouts.jsonl"
    for step in (1, 3, 5):
        groups = rollout(step)
        files.append_jsonl(path, *records(step, groups, [[0.5] * 3] * 4))
    keep_until(path, 3)
    kept = files.read_jsonl(path)
    assert [record["step"] for record in kept] == [1] * 12 + [3] * 12
    assert set(kept[0]) == {
        "step",
        "prompt",
        "answer",
        "reward",
        "advantage",
        "finish_reason",
        "ids",
        "log_probabilities",
    }
    keep_until(tmp_path / "none.jsonl", 3)  # nothing there, nothing to do


def test_a_try_with_words_that_were_read_keeps_which_were_its_own():
    mixed = Try([7, 8, 9], [-0.1, -0.2], "a", "stop", 1.0, own=[True, False, True])
    (line,) = records(1, [Group(Task("2?", [5], None), [mixed])], [[0.5]])
    assert [token for token, own in zip(line["ids"], line["own"], strict=True) if own] == [7, 9]
