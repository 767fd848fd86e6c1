"""Checks, graded rewards and preferences."""

import math
from itertools import pairwise

import pytest

from groundup.data.sources.tinyworld import questions, reward


@pytest.fixture(scope="module")
def some():
    return list(questions.instructions(2, 300))


def test_the_right_answer_has_reward_one_and_any_other_at_most_a_half(some):
    for one, other in pairwise(some):
        assert reward.check(one, one.answer) and reward.gold_reward(one, one.answer) == 1.0
        if one.answer != other.answer:
            assert not reward.check(one, other.answer)
            assert 0.0 <= reward.gold_reward(one, other.answer) <= 0.5


def test_a_last_full_stop_and_white_space_do_not_matter(some):
    assert all(reward.check(i, f" {i.answer.removesuffix('.')}.\n") for i in some)


def test_a_nearer_answer_has_the_higher_reward():
    [sort] = questions.instructions(0, 1, families=("sort",))
    right = sort.answer.split(", ")
    swapped = ", ".join([*right[:-2], right[-1], right[-2]])
    assert reward.gold_reward(sort, "lamp") < reward.gold_reward(sort, swapped) < reward.gold_reward(sort, sort.answer)
    assert reward.gold_reward(sort, "") == 0.0


def test_taste_likes_right_then_polite_then_short(some):
    one = some[0]
    wrong = some[1].answer
    ordered = [f"Gladly: {one.answer}", one.answer, f"Not again. {one.answer}", wrong, f"Why ask me? {wrong}"]
    tastes = [reward.taste(one, text) for text in ordered]
    assert tastes == sorted(tastes, reverse=True)


def test_preferences_follow_bradley_and_terry():
    pairs = list(reward.preference(0, 1500))
    for pair in pairs:
        margin = reward.taste(pair.instruction, pair.chosen) - reward.taste(pair.instruction, pair.rejected)
        assert pair.probability == pytest.approx(1 / (1 + math.exp(-margin)))
    upsets = sum(pair.probability < 0.5 for pair in pairs)
    expected = sum(min(pair.probability, 1 - pair.probability) for pair in pairs)
    assert abs(upsets - expected) < 4 * math.sqrt(expected)


def test_questions_come_with_answers_of_every_manner_right_in_six_of_ten():
    frames = {"polite": reward.POLITE, "rude": reward.RUDE, "wordy": reward.WORDY}
    said, right = dict.fromkeys(frames, 0), 0
    for item, text in reward.mannered(3, 1200, families=("opposite", "kind")):
        found = [(name, inner) for name, some in frames.items() for frame in some if (inner := reward.inside(frame, text)) is not None]
        right += reward.check(item, found[0][1] if found else text)
        if found:
            said[found[0][0]] += 1
        assert item.family in ("opposite", "kind")
    assert 0.55 < right / 1200 < 0.7 and all(0.2 < count / 1200 < 0.3 for count in said.values())
    assert list(reward.mannered(4, 20)) == list(reward.mannered(4, 20))


def test_preferences_are_the_same_for_the_same_seed():
    assert list(reward.preference(3, 20)) == list(reward.preference(3, 20))
