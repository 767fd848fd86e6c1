import copy
import math
import types
from collections import defaultdict

import numpy as np
import pytest
import torch

from groundup.alignment.answers import side_by_side
from groundup.alignment.environments.rollouts import task
from groundup.alignment.preferences.data import Pair, bayes_limit, drawn, encoded
from groundup.alignment.rewards import reward_model
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.ensemble import Ensemble
from groundup.alignment.rewards.measure import calibration, measure
from groundup.errors import ConfigError, InputError, Interrupted
from groundup.inference.decoding.config import SamplingConfig
from groundup.model.architectures.heads import with_head
from groundup.model.formats.huggingface import save_model

CONFIG = RewardConfig(
    batch_size=16, epochs=4.0, optimizer="muon", learning_rate=0.01, matrix_learning_rate=0.02, warmup_steps=0,
    checkpoint_every=0,
)  # fmt: skip


def test_the_loss_is_bradley_and_terrys():
    generator = torch.Generator().manual_seed(0)
    chosen, rejected, margin = (torch.randn(50, generator=generator, dtype=torch.float64) * 3 for _ in range(3))
    a, b, m = chosen.numpy(), rejected.numpy(), margin.numpy()
    by_hand = -np.log(1 / (1 + np.exp(-(a - b - m)))) + 0.01 * (a + b) ** 2
    np.testing.assert_allclose(reward_model.bradley_terry_loss(chosen, rejected, margin, 0.01).numpy(), by_hand)
    assert reward_model.bradley_terry_loss(torch.tensor([0.0]), torch.tensor([200.0])).tolist() == [200.0]


@pytest.mark.parametrize("with_margin", [True, False])
def test_the_loss_is_trls(with_margin, trl):
    scores, margin = torch.randn(12), torch.rand(6)
    kept = {name: lambda value: value for name in ("gather", "gather_for_metrics")}
    stub = types.SimpleNamespace(
        model=types.SimpleNamespace(training=False), args=types.SimpleNamespace(center_rewards_coefficient=0.01),
        _metrics=defaultdict(lambda: defaultdict(list)), accelerator=types.SimpleNamespace(**kept),
        _total_train_tokens=0,
    )  # fmt: skip
    inputs = {"margin": margin} if with_margin else {}
    theirs = trl.RewardTrainer.compute_loss(
        stub, lambda **more: types.SimpleNamespace(logits=scores[:, None]), inputs
    )
    ours = reward_model.bradley_terry_loss(scores[:6], scores[6:], margin if with_margin else 0.0, 0.01).mean()
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


def test_an_answer_beside_others_has_the_score_that_the_model_folder_gives_it_alone(undecided):
    model = with_head(copy.deepcopy(undecided), "reward", seed=0)
    prompts, answers = [[5, 6, 7], [8]], [[[20, 21], [22]], [[23, 24, 25], [26]]]
    batch = side_by_side(prompts, answers)
    made = reward_model.scores(model, batch).tolist()
    alone = [
        float(model(torch.tensor([prompt + answer])))
        for prompt, group in zip(prompts, answers, strict=True)
        for answer in group
    ]
    assert made == pytest.approx(alone, abs=1e-5)


@pytest.fixture(scope="module")
def pairs(tokenizer):
    """Even numbers prefer a, odd ones b."""
    right = [(f"{n % 8}?", "ab"[n % 2], "ba"[n % 2]) for n in range(80)]
    return [encoded(Pair(({"role": "user", "content": q},), good, bad), tokenizer) for q, good, bad in right]


@pytest.fixture(scope="module")
def judge(undecided, pairs, tokenizer):
    module, _ = reward_model.fit(copy.deepcopy(undecided), pairs, CONFIG)
    return reward_model.RewardModel(module, tokenizer)


def test_it_learns_which_answer_is_preferred_and_says_so_of_texts(judge, pairs):
    assert measure(judge.score_pairs(pairs)).accuracy > 0.95
    a, b = judge.score("2?", "a", "b")
    assert a > b and judge.score("2?") == []


def test_a_text_is_scored_as_the_ids_that_training_makes_of_it(judge, tokenizer):
    """The answer ended in <|im_end|>, whatever token the template closes it with."""
    words = copy.copy(tokenizer)
    words.chat_template = tokenizer.chat_template.replace("<|im_end|>", "<|endoftext|>")
    pair = encoded(Pair(({"role": "user", "content": "2?"},), "a", "b"), words)
    assert pair.chosen_ids[-1] == tokenizer.special_tokens["<|endoftext|>"]
    told = reward_model.RewardModel(judge.module, words)
    assert told.score("2?", "a", "b") == pytest.approx(told.score_pairs([pair])[0].tolist())


@pytest.mark.slow
def test_a_saved_reward_model_is_transformers_own(judge, pairs, tmp_path):
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path / "judge", judge.module, judge.tokenizer)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "judge").eval()
    ids = torch.tensor([pairs[0].prompt_ids + pairs[0].chosen_ids])
    with torch.no_grad():
        assert float(theirs(ids).logits) == pytest.approx(float(judge.score_pairs(pairs[:1])[0, 0]), abs=1e-4)
    again = reward_model.RewardModel.load(tmp_path / "judge")
    assert torch.equal(again.score_pairs(pairs[:4]), judge.score_pairs(pairs[:4]))


@pytest.mark.slow
def test_a_stopped_run_goes_on_bit_for_bit(undecided, pairs, tmp_path):
    whole, _ = reward_model.fit(copy.deepcopy(undecided), pairs[:32], CONFIG, folder=tmp_path / "whole")
    calls = iter(range(1, 100))
    with pytest.raises(Interrupted):
        reward_model.fit(
            copy.deepcopy(undecided), pairs[:32], CONFIG, folder=tmp_path / "cut", stop=lambda: next(calls) == 3
        )
    again, _ = reward_model.fit(copy.deepcopy(undecided), pairs[:32], CONFIG, folder=tmp_path / "cut")
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def test_an_environment_is_judged_by_it_and_a_cut_answer_is_worth_the_least(judge, module, tokenizer, stops):
    tasks = [task(f"{number}?", "ab"[number % 2], tokenizer) for number in range(8)]
    asked = reward_model.Scored(tasks, lambda item, text: 0.0, tokenizer, stops, judge_model=judge)
    groups = asked.rollout(module, 0, 8, 2, SamplingConfig(max_new_tokens=4, seed=1))
    worth = judge.score_ids([one.task.prompt_ids for one in groups], [[a.ids for a in one.tries] for one in groups])
    assert [a.reward for one in groups for a in one.tries] == pytest.approx(torch.cat(worth).tolist())
    cut = asked.rollout(module, 0, 8, 2, SamplingConfig(max_new_tokens=1, seed=1))
    assert len({a.reward for one in cut for a in one.tries if a.finish_reason == "length"}) == 1
    some = [
        a
        for one in asked.rollout(module, 0, 8, 4, SamplingConfig(max_new_tokens=2, seed=1, temperature=3.0))
        for a in one.tries
    ]
    ended, late = ([a.reward for a in some if a.finish_reason == reason] for reason in ("stop", "length"))
    assert ended and set(late) == {min(0.0, *ended)}


# ── ensembles ──


def test_doubt_is_taken_off_the_mean(judge):
    rows = torch.tensor([[1.0, 2.0], [3.0, 2.0]])
    assert Ensemble([judge], pessimism=1.0).joined(rows).tolist() == [1.0, 2.0]  # mean 2 less deviation 1
    assert Ensemble([judge], pessimism=0.0).joined(rows).tolist() == [2.0, 2.0]
    assert Ensemble([judge], pessimism=float("inf")).joined(rows).tolist() == [1.0, 2.0]


def test_an_ensemble_of_one_is_the_model(judge, pairs):
    assert torch.equal(Ensemble([judge]).score_pairs(pairs[:3]), judge.score_pairs(pairs[:3]))


# ── quality ──


def test_who_says_70_percent_and_is_right_as_often_is_calibrated():
    logit = math.log(0.7 / 0.3)
    error, bins = calibration(torch.tensor([logit] * 7 + [-logit] * 3))
    assert error == pytest.approx(0, abs=1e-6) and len(bins) == 1 and bins[0].was == pytest.approx(0.7)
    assert calibration(torch.tensor([100.0, -100.0]))[0] == pytest.approx(0.5)


def test_the_taste_itself_reaches_the_limit_exactly():
    known = list(drawn(5, 300))
    logits = torch.tensor([[math.log(pair.probability / (1 - pair.probability)), 0.0] for pair in known])
    quality = measure(logits, known)
    assert quality.accuracy == pytest.approx(bayes_limit(known)) and quality.share_of_limit == pytest.approx(1)
    assert quality.calibration_error < 0.08


@pytest.mark.parametrize(
    "changes, way_out", [({"pairs": 0}, "use 1 or more"), ({"epochs": 0.0}, "use 1, 500 and 0.01")]
)
def test_an_impossible_number_is_refused_with_the_way_out(changes, way_out):
    with pytest.raises(ConfigError, match=way_out):
        RewardConfig(**changes)


def test_what_cannot_be_is_one_sentence(undecided, tokenizer, judge):
    with pytest.raises(InputError, match="no pair to learn from; give at least one"):
        reward_model.fit(undecided, [], CONFIG)
    with pytest.raises(InputError, match="no reward head; train one on it with `groundup align MODEL --method reward`"):
        reward_model.RewardModel(undecided, tokenizer)
    with pytest.raises(InputError, match="give at least one reward model"):
        Ensemble([])
    with pytest.raises(InputError, match="for the worst member"):
        Ensemble([judge], pessimism=-1)
