"""A reward model without a head: scores are the model's own log-probabilities, and pairs teach which are high."""

import copy
from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.alignment.rewards import likelihood
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.ensemble import Ensemble
from groundup.alignment.rewards.likelihood import LikelihoodModel, load_judge
from groundup.errors import ConfigError, InputError
from groundup.model.formats.huggingface import save_model

CONFIG = RewardConfig(score="likelihood", epochs=3.0, batch_size=8, learning_rate=0.005, checkpoint_every=0)


def test_a_score_is_the_models_own_log_probability(undecided, tokenizer, pairs):
    judge, pair = LikelihoodModel(undecided, tokenizer, 0.5), pairs[3]
    with torch.no_grad():
        logits = undecided(torch.tensor([[*pair.prompt_ids, *pair.chosen_ids]]))[0].log_softmax(-1)
    start = len(pair.prompt_ids) - 1
    alone = 0.5 * sum(float(logits[start + place, token]) for place, token in enumerate(pair.chosen_ids))
    assert float(judge.score_ids([pair.prompt_ids], [[pair.chosen_ids, pair.rejected_ids]])[0][0]) == pytest.approx(alone, abs=1e-4)
    assert judge.score_pairs(pairs[:5]).shape == (5, 2)


def test_pairs_teach_what_is_preferred_and_its_folder_judges_alike(module, tokenizer, pairs, tmp_path):
    before = LikelihoodModel(copy.deepcopy(module), tokenizer, CONFIG.strength).score_pairs(pairs)
    made, result = likelihood.fit(module, pairs, CONFIG)
    after = LikelihoodModel(made, tokenizer, CONFIG.strength).score_pairs(pairs)
    share = [(one[:, 0] > one[:, 1]).double().mean() for one in (before, after)]
    assert share[1] > 0.9 and share[1] > share[0]
    save_model(tmp_path / "judge", made, tokenizer)
    likelihood.keep(tmp_path / "judge", made, CONFIG)
    assert files.read_json(tmp_path / "judge" / "reward.json")["strength"] == CONFIG.strength
    torch.testing.assert_close(load_judge(tmp_path / "judge").score_pairs(pairs[:4]), after[:4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(Ensemble.load(tmp_path / "judge").score_pairs(pairs[:4]), after[:4], rtol=1e-4, atol=1e-4)
    assert result.loss > 0


def test_the_pull_of_the_sum_towards_0_counts(module, pairs):
    def loss(centre):
        found = []
        config = replace(CONFIG, centre=centre, epochs=0.25)
        likelihood.fit(copy.deepcopy(module), pairs, config, listeners=[lambda event: found.append(event.loss)])
        return found[0]

    with torch.no_grad():
        sums = LikelihoodModel(module, None, CONFIG.strength).score_pairs(pairs).sum(1)
    assert len(set(sums.tolist())) > 1 and min(sums.square()) > 0
    assert loss(0.0) < loss(1.0) <= loss(0.0) + float(sums.square().max()) + 1e-4


def test_a_folder_without_a_head_that_does_not_say_so_is_refused(module, tokenizer, tmp_path):
    save_model(tmp_path / "model", module, tokenizer)
    with pytest.raises(InputError, match="has no reward head"):
        load_judge(tmp_path / "model")


def test_what_cannot_be_is_one_sentence(module):
    with pytest.raises(InputError, match="no pair to learn from"):
        likelihood.fit(module, [], CONFIG)
    with pytest.raises(ConfigError, match="use 0.2 and 1"):
        RewardConfig(strength=0.0)
