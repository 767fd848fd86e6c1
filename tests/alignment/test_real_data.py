"""Real preferences and real questions through the same readers, rewards and methods: HH-RLHF and GSM8K, where they are here."""

import copy
from pathlib import Path

import pytest
import torch

from groundup.alignment.dpo import pairs
from groundup.alignment.dpo.config import DpoConfig
from groundup.alignment.dpo.trainer import fit as prefer
from groundup.alignment.preferences.data import encoded, read_pairs, that_fit
from groundup.alignment.rewards import reward_model
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.measure import measure
from groundup.alignment.rewards.verifiable import last_number, number
from groundup.runs.stages.align import questions

DATA = Path(__file__).parents[3] / "shared" / "data"
HH, GSM8K, RASBT = (
    DATA / "hh-rlhf" / "harmless-base-test.jsonl.gz",
    DATA / "gsm8k",
    DATA / "rasbt-instruct" / "instruction-data-with-preference.json",
)


def there(path):
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return path


def test_every_answer_of_gsm8k_is_worth_1_and_the_next_number_0():
    path = next(there(GSM8K).glob("*test*.jsonl"), None)
    rows = questions(str(there(path or GSM8K / "test.jsonl")))
    assert len(rows) == 1319
    assert all(number(row, row.answer) == 1 for row in rows)
    assert all(number(row, f"so it is {last_number(row.answer) + 1:g}") == 0 for row in rows)
    assert number(rows[0], f"The answer is ${last_number(rows[0].answer):,.0f}.") == 1


@pytest.mark.parametrize("path, count", [(HH, 2308), (RASBT, 1000)])
def test_real_pairs_are_encoded_and_what_does_not_fit_is_counted(tokenizer, path, count):
    read = read_pairs(there(path))
    assert len(read.pairs) >= count
    some = read.pairs[:200]
    made = pairs.encode(some, tokenizer, 1500, "drop")
    assert len(made.pairs) + sum(made.counts.values()) == 200 and len(made.pairs) > 100
    cut = pairs.encode(some, tokenizer, 1500, "cut")
    assert len(cut.pairs) > len(made.pairs) or not made.counts


@pytest.mark.slow
def test_a_reward_model_and_dpo_learn_real_preferences_without_an_error(undecided, tokenizer, tmp_path):
    """A model of 30,000 parameters: it must go through, and what it learns of 64 pairs it must have learned."""
    undecided = copy.deepcopy(undecided)
    read = read_pairs(there(RASBT))
    fitting, too_long = that_fit([encoded(pair, tokenizer) for pair in read.pairs], 128)
    assert fitting and too_long
    config = RewardConfig(epochs=6.0, batch_size=8, checkpoint_every=0)
    model, _ = reward_model.fit(copy.deepcopy(undecided), fitting[:16], config)
    quality = measure(reward_model.RewardModel(model, tokenizer).score_pairs(fitting[:16]))
    assert quality.accuracy > 0.8 and quality.limit is None
    before = [parameter.clone() for parameter in undecided.parameters()]
    result = prefer(undecided, read.pairs, DpoConfig(steps=4, batch_size=4, checkpoint_every=0), tmp_path, tokenizer=tokenizer)
    assert torch.isfinite(torch.tensor(result.loss))
    assert any(not torch.equal(one, other) for one, other in zip(before, undecided.parameters(), strict=True))
