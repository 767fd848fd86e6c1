"""Equal problems, cut differently."""

import pytest

from groundup.errors import ConfigError
from groundup.text.tokenizers.impact import (
    Cut,
    additions,
    arithmetic,
    cut,
    from_left,
    from_right,
    pieces,
    spelled,
    spelling,
    study,
)


@pytest.mark.parametrize("text", ["", "1", "123", "1234", "123456", "1234567"])
def test_chunks_join_to_the_number(text):
    for chunks in (from_left(text), from_right(text)):
        assert "".join(chunks) == text and all(1 <= len(chunk) <= 3 for chunk in chunks)
    assert [len(chunk) for chunk in from_left(text)[:-1]] == [3] * (len(from_left(text)) - 1)
    assert [len(chunk) for chunk in from_right(text)[1:]] == [3] * (len(from_right(text)) - 1)


def test_sums_are_right_different_and_the_same_for_a_seed():
    found = additions(300, 3, seed=4)
    assert all(int(one) + int(other) == int(total) for (one, other), total in found)
    assert len({tuple(parts) for parts, _ in found}) == 300 and found == additions(300, 3, seed=4) != additions(300, 3)
    with pytest.raises(ConfigError, match="there are not 200 different sums of up to 1 digits"):
        additions(200, 1)


def test_a_problem_is_cut_as_its_way_says():
    problem = [(["1234", "9"], "1243")]
    shown = {}
    for name, way in arithmetic().items():
        task = cut(problem, problem, way)
        one = task.train[0]
        shown[name] = task.vocabulary.decode([*one.question, 2, *one.answer])
        assert task.longest == len(shown[name])
    assert shown["digits"] == [*"1234+9=1243", "<end>"]
    assert shown["digits, last first"] == [*"1234+9=3421", "<end>"]
    assert shown["chunks from the left"] == ["123", "4", "+", "9", "=", "124", "3", "<end>"]
    assert shown["chunks from the right"] == ["1", "234", "+", "9", "=", "1", "243", "<end>"]


def test_what_training_did_not_see_is_unknown():
    task = cut(spelled(["ab"]), spelled(["ba"]), Cut(lambda word: [word], list))
    assert task.vocabulary.decode(task.test[0].question) == ["<unk>"]
    assert task.vocabulary.decode(task.test[0].answer) == ["b", "a", "<end>"]


def test_words_are_shown_as_letters_pieces_or_one_token():
    words = ["walking", "talking", "walked", "talked"] * 3
    ways = spelling(words, merges=8)
    assert ways["letters"].question("walk") == [*"walk"] and ways["one token a word"].question("walk") == ["walk"]
    assert 1 < len(pieces(words, 8)("walking")) < 7 and "".join(ways["pieces"].question("walking")) == "walking"


def test_every_task_is_trained_with_every_seed():
    calls = []

    def train(task, seed):
        calls.append((len(task.vocabulary), seed))
        return seed / 10

    problems = additions(20, 2)
    tasks = {name: cut(problems[:15], problems[15:], way) for name, way in arithmetic().items()}
    results = study(train, tasks, seeds=(1, 2, 3))
    assert len(calls) == 12 and {seed for _, seed in calls} == {1, 2, 3}
    assert results["digits"].mean == pytest.approx(0.2) and results["digits"].spread == (0.1, 0.3)
    assert results["digits"].vocab_size == 15 and results["digits"].tokens_per_example > 5
