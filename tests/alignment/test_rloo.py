import types
from collections import defaultdict
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.alignment import grpo, reinforce, rloo
from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.alignment.config import GrpoConfig, ReinforceConfig, RlooConfig
from groundup.alignment.environments.rollouts import Environment
from groundup.alignment.rounds import Lesson, of_answers
from groundup.errors import ConfigError
from groundup.training import loop

REWARDS = st.lists(st.floats(-5, 5), min_size=2, max_size=8)
CONFIG = RlooConfig(
    steps=3, prompts_per_step=8, samples_per_prompt=4, updates_per_step=2, max_new_tokens=4, learning_rate=0.003,
    warmup_steps=0, checkpoint_every=1,
)  # fmt: skip
FAST = {
    "max_new_tokens": 4,
    "optimizer": "muon",
    "learning_rate": 0.01,
    "matrix_learning_rate": 0.04,
    "warmup_steps": 0,
}


# ── advantages ──


@given(REWARDS)
def test_each_answer_is_compared_with_the_mean_of_the_others(rewards):
    made = rloo.rloo_advantages(torch.tensor([rewards], dtype=torch.float64))[0]
    for index, reward in enumerate(rewards):
        others = rewards[:index] + rewards[index + 1 :]
        assert float(made[index]) == pytest.approx(reward - sum(others) / len(others), abs=1e-9)


@given(st.floats(-1e6, 1e6), st.integers(2, 16))
def test_equal_rewards_teach_exactly_nothing(value, size):
    for dtype in (torch.float32, torch.float64):
        assert not rloo.rloo_advantages(torch.full((1, size), value, dtype=dtype)).any()


def test_the_odd_one_among_rewards_that_floats_cannot_hold_stays_its_own_size():
    """Leave-one-out of 0.35 seven times and one 0 (trl#3857)."""
    made = rloo.rloo_advantages(torch.tensor([[0.35] * 7 + [0.0]]))[0]
    assert float(made[-1]) == pytest.approx(-0.35)
    assert made[:-1].tolist() == pytest.approx([0.05] * 7)


# ── TRL's own numbers ──


def rows(count=6, width=5, seed=0):
    """Answers of several lengths: log-probabilities now, then and of the reference, as TRL has them and as a lesson has them."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, width + 1, (count,), generator=generator)
    mask = torch.arange(width) < lengths[:, None]
    now, old, reference = (-torch.rand(count, width, generator=generator) * 3 for _ in range(3))
    old = now + 0.3 * (old - now)
    advantages = torch.randn(count, generator=generator)
    batch = side_by_side([[1]], [[[2] * int(length) for length in lengths]])
    lesson = Lesson(batch, advantages[batch.answers], old[mask], reference[mask])
    return types.SimpleNamespace(now=now, old=old, reference=reference, mask=mask, advantages=advantages, lesson=lesson)


def in_trl(trainer, given, **settings):
    """`_compute_loss` of a trainer of TRL on these numbers, in place of a model's."""
    alone = {name: lambda value, **more: value for name in ("gather", "reduce", "gather_for_metrics")}
    stub = types.SimpleNamespace(
        accelerator=types.SimpleNamespace(num_processes=1, **alone), _metrics=defaultdict(lambda: defaultdict(list)),
        _get_per_token_logps_and_entropies=lambda *args, **more: (given.now, torch.zeros_like(given.now), None),
        aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None, use_vllm=False,
        _entropy_bonus_enabled=False, args=types.SimpleNamespace(use_bias_correction_kl=False, delta=None),
        model=types.SimpleNamespace(training=False), **settings,
    )  # fmt: skip

    inputs = {
        "prompt_ids": torch.zeros(len(given.now), 1), "prompt_mask": torch.ones(len(given.now), 1),
        "completion_ids": torch.zeros(given.now.shape), "completion_mask": given.mask.float(),
        "advantages": given.advantages, "old_per_token_logps": given.old, "ref_per_token_logps": given.reference,
        "old_logps": (given.old * given.mask).sum(1), "num_items_in_batch": given.mask.sum(),
    }  # fmt: skip
    return trainer._compute_loss(stub, None, inputs)


def loss_of(lesson, now, rounds):
    """The mean loss as the training loop has it."""
    return rounds.losses(lesson, now, lesson.old).sum() / int(lesson.loss_mask.sum())


def made_of(kind, config):
    return kind(None, Environment([], float, None, ()), config)


@pytest.mark.parametrize("average, loss_type", [("answer", "grpo"), ("token", "dapo"), ("longest", "dr_grpo")])
@pytest.mark.parametrize("importance", ["token", "sequence"])
@pytest.mark.parametrize("price", [0.0, 0.1])
def test_every_form_of_grpo_is_trls(average, loss_type, importance, price, trl):
    given = rows()
    config = GrpoConfig(average=average, importance=importance, kl_coefficient=price, max_new_tokens=5)
    given.lesson.answers = 0 if average == "token" else 6
    if not price:
        given.lesson.reference = None
    ours = loss_of(given.lesson, given.now[given.mask], made_of(grpo.Rounds, config))
    theirs = in_trl(
        trl.GRPOTrainer, given, importance_sampling_level=importance, beta=price, loss_type=loss_type,
        epsilon_low=config.clip_low, epsilon_high=config.clip_high, max_completion_length=5,
    )  # fmt: skip
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


def test_rloos_loss_is_trls(trl):
    given = rows(seed=1)
    given.lesson.answers = 6
    ours = loss_of(given.lesson, given.now[given.mask], made_of(rloo.RlooRounds, RlooConfig()))
    theirs = in_trl(trl.RLOOTrainer, given, epsilon_low=0.2, epsilon_high=0.2)
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


# ── the same formulas in NumPy, where TRL is not installed ──


@pytest.mark.parametrize("average", ["token", "answer", "longest"])
@pytest.mark.parametrize("importance", ["token", "sequence"])
def test_every_form_of_grpo_is_its_papers_formula(average, importance):
    given = rows(seed=2)
    config = GrpoConfig(average=average, importance=importance, max_new_tokens=5)
    given.lesson.reference, given.lesson.answers = None, 0 if average == "token" else 6
    ours = loss_of(given.lesson, given.now[given.mask], made_of(grpo.Rounds, config))
    total, lengths = 0.0, given.mask.sum(1)
    for row, length in enumerate(lengths.tolist()):
        way = (given.now - given.old)[row, :length].double()
        ratio = (way if importance == "token" else way.mean().expand(length)).exp()
        advantage = float(given.advantages[row])
        loss = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.28) * advantage).sum()
        total += float(loss) / {"token": int(lengths.sum()), "answer": length * 6, "longest": 5 * 6}[average]
    assert float(ours) == pytest.approx(total, abs=1e-5)


def test_a_sequences_ratio_has_the_gradient_of_every_token_of_it():
    given = rows(seed=3)
    now = given.now[given.mask].clone().requires_grad_()
    config = GrpoConfig(importance="sequence", average="answer", clip_low=0.9, clip_high=9.0)
    given.lesson.reference, given.lesson.answers = None, 6
    loss_of(given.lesson, now, made_of(grpo.Rounds, config)).backward()
    lengths = given.mask.sum(1)
    way = ((given.now - given.old) * given.mask).sum(1) / lengths
    by_hand = (-given.advantages * way.exp() / lengths / 6)[given.lesson.batch.answers]  # Zheng et al. 2025, eq. 10
    torch.testing.assert_close(now.grad, by_hand)


# ── runs ──


@pytest.mark.slow
@pytest.mark.parametrize(
    "method, config",
    [
        (rloo.rloo, RlooConfig(steps=25, prompts_per_step=8, samples_per_prompt=8, **FAST)),
        (reinforce.reinforce, ReinforceConfig(steps=25, prompts_per_step=64, **FAST)),
        (grpo.grpo, GrpoConfig(steps=25, prompts_per_step=8, samples_per_prompt=8, average="longest", scale_advantages=False, **FAST)),
        (grpo.grpo, GrpoConfig(steps=25, prompts_per_step=8, samples_per_prompt=8, importance="sequence", average="answer", **FAST)),
    ],
)  # fmt: skip
def test_it_teaches_what_tuning_left_open(module, tasks, reward, tokenizer, stops, tmp_path, method, config):
    lines = [loop.write_metrics(tmp_path / "metrics.jsonl")]
    method(module, tokenizer, tasks, reward, config, stop_ids=stops, folder=tmp_path, listeners=lines)
    rewards = [record["reward"] for record in files.read_jsonl(tmp_path / "metrics.jsonl")]
    assert rewards[0] < 0.75
    assert min(rewards[-3:]) > 0.85


def test_where_all_answers_are_worth_the_same_nothing_moves(module, tasks, tokenizer, stops):
    before = [parameter.clone() for parameter in module.parameters()]
    rloo.rloo(module, tokenizer, tasks, lambda item, text: 0.35, replace(CONFIG, max_new_tokens=40), stop_ids=stops)
    assert all(torch.equal(one, other) for one, other in zip(before, module.parameters(), strict=True))


def test_the_price_of_the_way_is_taken_off_the_reward(undecided, module, tasks, reward, tokenizer, stops):
    with torch.no_grad():
        module.model.embed_tokens.weight.mul_(1.05)
    config = replace(CONFIG, kl_coefficient=0.5, updates_per_step=1)
    made = rloo.RlooRounds(module, Environment(tasks, reward, tokenizer, stops), config, reference=undecided)
    lesson = made.batch(0)
    away = of_answers(lesson.batch, log_probabilities(module, lesson.batch) - lesson.reference)
    assert made.numbers["kl"] == pytest.approx(float(away.detach().mean()), abs=1e-4)
    got = of_answers(lesson.batch, lesson.advantages) / of_answers(lesson.batch, torch.ones_like(lesson.advantages))
    torch.testing.assert_close(
        got.reshape(-1, 4).sum(1), torch.zeros(8), atol=1e-4, rtol=0
    )  # what some gain, others lose
    assert (got.reshape(-1, 4).std(1) > 0).all()  # equal rewards, unequal ways


@pytest.mark.parametrize(
    "kind, changes, way_out",
    [
        (RlooConfig, {"samples_per_prompt": 1}, "use 2 or more"),
        (ReinforceConfig, {"samples_per_prompt": 0}, "use 1 or more"),
    ],
)
def test_an_impossible_number_is_refused_with_the_way_out(kind, changes, way_out):
    with pytest.raises(ConfigError, match=way_out):
        kind(**changes)
