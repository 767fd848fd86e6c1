from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.alignment.environments.rollouts import Environment
from groundup.alignment.rejection import trainer
from groundup.alignment.rejection.config import RejectionConfig
from groundup.errors import ConfigError, InputError, Interrupted
from groundup.inference.decoding.config import SamplingConfig
from groundup.training import loop

CONFIG = RejectionConfig(
    steps=4,
    prompts_per_step=8,
    samples_per_prompt=6,
    max_new_tokens=4,
    learning_rate=0.003,
    warmup_steps=0,
    checkpoint_every=1,
)
TEACHING = replace(
    CONFIG,
    steps=25,
    optimizer="muon",
    learning_rate=0.01,
    matrix_learning_rate=0.04,
    checkpoint_every=0,
    updates_per_step=1,
)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_model_learns_its_own_best_answers(module, tasks, reward, tokenizer, stops, tmp_path):
    lines = [loop.write_metrics(tmp_path / "metrics.jsonl")]
    trainer.fit(module, tokenizer, tasks, reward, TEACHING, folder=tmp_path, stop_ids=stops, listeners=lines)
    rewards = [record["reward"] for record in files.read_jsonl(tmp_path / "metrics.jsonl")]
    assert rewards[0] < 0.7 and min(rewards[-3:]) > 0.9
    learned = [line for line in files.read_jsonl(tmp_path / "rollouts.jsonl") if line["advantage"]]
    assert learned and all(line["reward"] == 1 for line in learned)


def test_a_stopped_run_goes_on_bit_for_bit(undecided, module, tasks, reward, tokenizer, stops, tmp_path):
    asked = {"tasks": tasks, "reward": reward, "config": CONFIG, "tokenizer": tokenizer, "stop_ids": stops}
    whole, again = deepcopy(undecided), deepcopy(undecided)
    trainer.fit(whole, folder=tmp_path / "whole", **asked)
    calls = iter(range(1, 100))
    with pytest.raises(Interrupted, match="after step 4 of 8"):
        trainer.fit(module, folder=tmp_path / "cut", stop=lambda: next(calls) == 2, **asked)
    trainer.fit(again, folder=tmp_path / "cut", **asked)
    assert same(whole, again)
    assert (tmp_path / "whole/rollouts.jsonl").read_bytes() == (tmp_path / "cut/rollouts.jsonl").read_bytes()


def test_where_all_answers_are_worth_the_same_nothing_moves(undecided, module, tasks, tokenizer, stops):
    trainer.fit(module, tokenizer, tasks, lambda item, text: 0.35, replace(CONFIG, max_new_tokens=40), stop_ids=stops)
    assert same(undecided, module)


def test_the_best_of_more_answers_is_better_and_in_the_order_of_the_tasks(undecided, tasks, reward, tokenizer, stops):
    environment = Environment(tasks, reward, tokenizer, stops)
    sampling = SamplingConfig(max_new_tokens=4, temperature=1.0, seed=1)
    best = trainer.best_answers(undecided, environment, 12, sampling)
    assert [one.text for one in best] == [task.item for task in tasks]


@pytest.mark.parametrize(
    "reward, sentence",
    [
        (lambda item, text: float("nan"), "the reward of the answer .* is nan; give every answer a finite"),
        (lambda item, text: float("inf"), "the reward of the answer .* is inf"),
        (lambda item, text: 1 / 0, "the reward raised ZeroDivisionError"),
        (lambda item, text: "good", "the reward raised ValueError"),
    ],
)
def test_a_reward_that_is_no_number_is_said(module, tasks, tokenizer, stops, reward, sentence):
    with pytest.raises(InputError, match=sentence):
        trainer.fit(module, tokenizer, tasks, reward, CONFIG, stop_ids=stops)


def test_bad_settings_are_said(module, reward, tokenizer, stops):
    with pytest.raises(InputError, match="no task to practise"):
        trainer.fit(module, tokenizer, [], reward, CONFIG, stop_ids=stops)
    for wrong in (
        {"samples_per_prompt": 1},
        {"kl_coefficient": 0.1},
        {"least": float("nan")},
        {"temperature": 0},
        {"updates_per_step": 99},
        {"steps": 0},
    ):
        with pytest.raises(ConfigError, match="use|leave it out"):
            RejectionConfig(**wrong)
