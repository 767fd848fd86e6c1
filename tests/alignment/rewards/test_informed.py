"""A reward model whose head is told the answer's own log-probabilities: they are the model's, and pairs teach what they mean."""

import copy

import pytest
import torch

from groundup import files
from groundup.alignment.answers import side_by_side
from groundup.alignment.rewards import informed
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.ensemble import Ensemble
from groundup.alignment.rewards.likelihood import load_judge
from groundup.errors import InputError
from groundup.model.formats.huggingface import save_model

CONFIG = RewardConfig(score="informed", epochs=4.0, batch_size=8, learning_rate=0.005, checkpoint_every=0)


def by_hand(module, pair, answer):
    with torch.no_grad():
        logits = module(torch.tensor([[*pair.prompt_ids, *answer]]))[0].log_softmax(-1)
    start = len(pair.prompt_ids) - 1
    return [float(logits[start + place, token]) for place, token in enumerate(answer)]


@pytest.mark.parametrize("place, expected", [(0, lambda said: 0.1 * sum(said)), (1, lambda said: 0.25 * min(said)), (2, lambda said: 0.1 * len(said))])
def test_the_head_is_told_the_sum_the_least_and_the_length(module, pairs, place, expected):
    model, pair = informed.Informed(module), pairs[3]
    longer = [*pair.chosen_ids[:-1], *pair.rejected_ids]
    with torch.no_grad():
        for weight in model.first.parameters():
            weight.zero_()
        model.first.weight[0, module.config.hidden_size + place] = 1
        model.second.weight.zero_()
        model.second.weight[0, 0] = 1
        made, spoken = model(side_by_side([pair.prompt_ids], [[pair.chosen_ids, longer]]), 2)
    for found, mean, answer in zip(made.tolist(), spoken.tolist(), (pair.chosen_ids, longer), strict=True):
        said = by_hand(module, pair, answer)
        assert found == pytest.approx(float(torch.tensor(expected(said)).tanh()), abs=1e-5)
        assert mean == pytest.approx(sum(said) / len(said), abs=1e-4)


def test_the_state_that_is_read_is_that_before_the_answers_last_token(module, pairs):
    model, pair = informed.Informed(module), pairs[3]
    with torch.no_grad():
        model.first.weight[:, module.config.hidden_size :] = 0
        made, _ = model(side_by_side([pair.prompt_ids], [[pair.chosen_ids, pair.rejected_ids]]), 2)
        ids = torch.tensor([[*pair.prompt_ids, *pair.rejected_ids]])
        state = module.hidden(ids)[0, -2]
        alone = model.second(torch.tanh(state @ model.first.weight[:, : len(state)].T + model.first.bias))
    assert float(made[1]) == pytest.approx(float(alone), abs=1e-5)


def test_pairs_teach_what_is_preferred_and_its_folder_judges_alike(module, tokenizer, pairs, tmp_path):
    made, result = informed.fit(module, pairs, CONFIG)
    after = informed.InformedModel(made, tokenizer).score_pairs(pairs)
    assert (after[:, 0] > after[:, 1]).double().mean() > 0.9 and result.loss > 0
    save_model(tmp_path / "judge", made.module, tokenizer)
    informed.keep(tmp_path / "judge", made, CONFIG)
    torch.testing.assert_close(load_judge(tmp_path / "judge").score_pairs(pairs[:4]), after[:4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(Ensemble.load(tmp_path / "judge").score_pairs(pairs[:4]), after[:4], rtol=1e-4, atol=1e-4)


def test_members_of_an_ensemble_begin_apart(undecided, pairs):
    config = RewardConfig(score="informed", epochs=0.25, batch_size=8, learning_rate=1e-9, checkpoint_every=0)
    one, same, other = (informed.fit(copy.deepcopy(undecided), pairs, config, member=member)[0] for member in (0, 0, 1))
    assert torch.equal(one.first.weight, same.first.weight) and not torch.equal(one.first.weight, other.first.weight)


def test_a_head_of_another_shape_is_one_sentence(module, tokenizer, pairs, tmp_path):
    save_model(tmp_path / "judge", module, tokenizer)
    for head in ({"first.bias": [1.0]}, None, {"first.bias": "x"}):
        files.write_json(tmp_path / "judge" / "reward.json", {"score": "informed", "head": head})
        with pytest.raises(InputError, match="holds no head for this model; learn one with `groundup align MODEL --method reward`"):
            load_judge(tmp_path / "judge")
    with pytest.raises(InputError, match="no pair to learn from"):
        informed.fit(module, [], CONFIG)
