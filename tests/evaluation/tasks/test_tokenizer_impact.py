"""The study of cuts: it learns, it is the same twice, and what is there already is not trained again."""

import pytest

from groundup import files
from groundup.errors import ConfigError
from groundup.evaluation.tasks import tokenizer_impact
from groundup.evaluation.tasks.tokenizer_impact import IGNORED, ImpactConfig, known_words, measure, rows, train, ways
from groundup.text.tokenizers.impact import Example

SMALL = ImpactConfig(steps=10, digits=1, problems=48, words=60, hidden_size=16, num_hidden_layers=1)


def test_only_the_answer_and_its_end_are_targets():
    inputs, targets = rows([Example((5, 6), (7, 8, 1)), Example((5,), (7, 1))], 6)
    assert inputs.tolist() == [[5, 6, 2, 7, 8], [5, 2, 7, 0, 0]]
    assert targets.tolist() == [[IGNORED, IGNORED, 7, 8, 1], [IGNORED, 7, 1, IGNORED, IGNORED]]


def test_every_way_has_the_same_number_of_examples_and_none_is_trained_on_and_asked():
    for task in tokenizer_impact.TASKS:
        made = ways(task, SMALL)
        assert len(made) == tokenizer_impact.WAYS[task]
        assert len({(len(one.train), len(one.test)) for one in made.values()}) == 1
        assert all(not set(one.train) & set(one.test) and one.test for one in made.values())
    assert len(set(known_words(50))) == 50


def test_a_model_learns_one_digit_sums():
    task = ways("arithmetic", ImpactConfig(digits=1, problems=80))["digits"]
    config = ImpactConfig(steps=150, digits=1, problems=80, hidden_size=32, num_hidden_layers=1)
    told = tokenizer_impact.Task(task.train, task.train[:30], task.vocabulary)
    assert train(told, 0, config) > 0.8 > 0.3 > train(told, 0, SMALL)


def test_what_was_trained_is_kept_and_the_rest_goes_on(tmp_path, monkeypatch):
    kept, calls = tmp_path / "deep" / "models.jsonl", []

    def counted(task, seed, config):
        calls.append(seed)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return seed / 10

    monkeypatch.setattr(tokenizer_impact, "train", counted)
    with pytest.raises(KeyboardInterrupt):
        measure(["spelling"], 2, SMALL, kept)
    assert len(files.read_jsonl(kept)) == 4
    said = []
    results = measure(["spelling"], 2, SMALL, kept, lambda *one: said.append(one))
    assert len(calls) == 7 and len(said) == 6 and said[1] == ("spelling", "letters", 1, 0.1)
    assert [one.accuracies for one in results["spelling"].values()] == [(0.0, 0.1)] * 3
    measure(["spelling"], 2, ImpactConfig(steps=11, words=60), kept)
    assert len(calls) == 13  # other settings are another study


def test_what_teaches_nothing_is_refused():
    with pytest.raises(ConfigError, match="use arithmetic or spelling"):
        measure(["sums"], 1, SMALL)
    with pytest.raises(ConfigError, match="use 3"):
        measure(["spelling"], 0, SMALL)
    with pytest.raises(ConfigError, match="steps=1 is too few to learn from; use 10"):
        ImpactConfig(steps=1)
