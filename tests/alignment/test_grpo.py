import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.alignment import grpo
from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.alignment.config import GrpoConfig
from groundup.alignment.environments.rollouts import Environment
from groundup.errors import ConfigError, InputError, Interrupted
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.inference.handle import load
from groundup.model.formats.huggingface import save_model
from groundup.training import loop

CONFIG = GrpoConfig(
    steps=6, prompts_per_step=8, samples_per_prompt=6, updates_per_step=2, max_new_tokens=4, learning_rate=0.003,
    warmup_steps=0, checkpoint_every=2,
)  # fmt: skip
TEACHING = GrpoConfig(
    steps=25, prompts_per_step=8, samples_per_prompt=8, max_new_tokens=4, optimizer="muon", learning_rate=0.01,
    matrix_learning_rate=0.04, warmup_steps=0,
)  # fmt: skip
REWARDS = st.lists(st.floats(-5, 5), min_size=2, max_size=8)


def weights(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# ── advantages ──


@pytest.mark.parametrize("scaled", [True, False])
@given(value=st.floats(-1e6, 1e6), size=st.integers(2, 16))
def test_equal_rewards_teach_exactly_nothing(scaled, value, size):
    for dtype in (torch.float32, torch.float64):
        assert not grpo.group_advantages(torch.full((1, size), value, dtype=dtype), scaled).any()


def test_one_odd_reward_in_a_group_that_floats_cannot_hold_stays_its_own_size():
    """0.35 seven times and one 0: a deviation of rounding errors must not multiply it by thousands (trl#3857)."""
    rewards = torch.tensor([[0.35] * 7 + [0.0]])
    plain = grpo.group_advantages(rewards, False)[0]
    assert float(plain[-1]) == pytest.approx(-0.35 * 7 / 8)
    assert float(plain[0]) == pytest.approx(0.35 / 8)
    assert grpo.group_advantages(rewards).abs().max() <= math.sqrt(7) + 1e-5


def test_rewards_that_differ_by_rounding_alone_do_not_become_advantages():
    rewards = torch.tensor([[0.1 + 0.2, 0.3, 0.3, 0.3]], dtype=torch.float64)
    assert grpo.group_advantages(rewards).abs().max() < 1e-12


@given(REWARDS)
def test_advantages_are_the_rewards_in_deviations_from_the_groups_mean(rewards):
    array = np.array(rewards)
    ours = grpo.group_advantages(torch.tensor([rewards], dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(ours, (array - array.mean()) / max(array.std(), grpo.LEAST_DEVIATION), atol=1e-9)


def test_a_group_is_judged_by_itself_not_by_the_batch():
    rewards = torch.tensor([[0.0, 1.0], [10.0, 11.0]])
    assert grpo.group_advantages(rewards)[0].tolist() == grpo.group_advantages(rewards)[1].tolist()


# ── loss ──


@pytest.mark.parametrize(
    "ratio, advantage, loss, moves",
    [
        (1.0, 2.0, -2.0, True),
        (1.1, 2.0, -2.2, True),
        (1.5, 2.0, -2.56, False),  # far enough up: clipped at 1.28, no gradient
        (0.5, 2.0, -1.0, True),  # moved the wrong way: counts in full
        (0.5, -2.0, 1.6, False),  # far enough down: clipped at 0.8
        (1.5, -2.0, 3.0, True),  # the wrong way
    ],
)
def test_a_token_counts_until_it_moved_enough_in_the_right_direction(ratio, advantage, loss, moves):
    now = torch.tensor([math.log(ratio)], requires_grad=True)
    made = grpo.grpo_loss(now, torch.zeros(1), torch.tensor([advantage]))
    made.sum().backward()
    assert made.tolist() == pytest.approx([loss])
    assert bool(now.grad.any()) is moves


def test_at_ratio_1_the_gradient_is_the_policy_gradient(module):
    batch = side_by_side([[5, 6, 7]], [[[20, 21], [22]]])
    advantages = torch.tensor([0.5, -1.0])[batch.answers]
    now = log_probabilities(module, batch)
    grpo.grpo_loss(now, now.detach(), advantages).sum().backward()
    ours = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    (-advantages * log_probabilities(module, batch)).sum().backward()  # REINFORCE
    for one, parameter in zip(ours, module.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-5, atol=1e-7)


def test_the_estimate_of_the_divergence_is_never_negative_and_right_on_average():
    policy, reference = (torch.log_softmax(torch.randn(50, dtype=torch.float64), 0) for _ in range(2))
    estimate = grpo.kl_estimate(policy, reference)
    assert (estimate >= 0).all()
    exact = torch.nn.functional.kl_div(reference, policy, reduction="sum", log_target=True)
    assert float((policy.exp() * estimate).sum()) == pytest.approx(float(exact))
    assert not grpo.kl_estimate(policy, policy).any()


# ── the ratio before the first step ──


@pytest.mark.parametrize("temperature, top_p", [(1.0, 1.0), (0.7, 0.9)])
def test_sampler_and_trainer_agree_on_every_token_for_short_and_long_prompts(undecided, stops, temperature, top_p):
    """Otherwise the ratio is not 1 before the first step (huggingface/trl#454)."""
    prompts = [[5, 6], list(range(10, 40))]
    sampling = SamplingConfig(max_new_tokens=12, temperature=temperature, top_p=top_p, seed=1)
    made = generate_batch(undecided, prompts, sampling, stops)
    with torch.no_grad():
        trainer = log_probabilities(undecided, side_by_side(prompts, [[one.ids] for one in made]))
    ratio = torch.exp(trainer - torch.tensor([number for one in made for number in one.log_probabilities]))
    torch.testing.assert_close(ratio, torch.ones_like(ratio), rtol=1e-4, atol=1e-4)


def rounds(module, tasks, reward, tokenizer, stops, config=CONFIG, **more):
    return grpo.Rounds(module, Environment(tasks, reward, tokenizer, stops), config, **more)


def test_the_ratio_is_exactly_1_in_every_update_while_the_model_does_not_move(module, tasks, reward, tokenizer, stops):
    made = rounds(module, tasks, reward, tokenizer, stops)
    for update in range(2):
        lesson = made.batch(update)
        now = log_probabilities(module, lesson.batch)
        old = now if lesson.old is None else lesson.old
        assert (update == 0) == (lesson.old is None)
        assert torch.equal(torch.exp(now - old), torch.ones_like(now))


# ── a run ──


def test_reinforcement_teaches_what_tuning_left_open(module, tasks, reward, tokenizer, stops, tmp_path):
    lines = [loop.write_metrics(tmp_path / "metrics.jsonl")]
    grpo.grpo(module, tokenizer, tasks, reward, TEACHING, stop_ids=stops, folder=tmp_path, listeners=lines)
    rewards = [record["reward"] for record in files.read_jsonl(tmp_path / "metrics.jsonl")]
    assert rewards[0] < 0.7
    assert min(rewards[-3:]) > 0.9


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_a_stopped_run_goes_on_bit_for_bit(undecided, module, tasks, reward, tokenizer, stops, tmp_path, stopped_after):
    asked = {"tokenizer": tokenizer, "tasks": tasks, "reward": reward, "config": CONFIG, "stop_ids": stops}
    whole = deepcopy(undecided)
    grpo.grpo(whole, folder=tmp_path / "whole", **asked)
    calls = iter(range(1, 100))
    with pytest.raises(Interrupted, match=f"after step {2 * stopped_after} of 12"):  # never between updates of a step
        grpo.grpo(module, folder=tmp_path / "cut", stop=lambda: next(calls) == stopped_after, **asked)
    again = deepcopy(undecided)
    grpo.grpo(again, folder=tmp_path / "cut", **asked)
    assert same(weights(whole), weights(again))
    rollouts = [(tmp_path / name / "rollouts.jsonl").read_bytes() for name in ("whole", "cut")]
    assert rollouts[0] == rollouts[1]


def test_a_run_that_crashed_between_checkpoints_keeps_every_try_once(
    undecided, module, tasks, reward, tokenizer, stops, tmp_path
):
    def crash(event):
        if event.step == 7:
            raise RuntimeError

    asked = {"tokenizer": tokenizer, "tasks": tasks, "reward": reward, "config": CONFIG, "stop_ids": stops}
    with pytest.raises(RuntimeError):
        grpo.grpo(module, folder=tmp_path, listeners=[crash], **asked)
    grpo.grpo(deepcopy(undecided), folder=tmp_path, **asked)
    steps = [record["step"] for record in files.read_jsonl(tmp_path / "rollouts.jsonl")]
    assert steps == [step for step in (1, 3, 5, 7, 9, 11) for _ in range(48)]


def test_where_all_answers_are_worth_the_same_nothing_moves(module, tasks, tokenizer, stops):
    before = weights(module)
    grpo.grpo(module, tokenizer, tasks, lambda item, text: 0.35, replace(CONFIG, max_new_tokens=40), stop_ids=stops)
    assert same(before, weights(module))


def answer_scores(module, tasks):
    """Log-probabilities of every first token of an answer."""
    with torch.no_grad():
        return torch.stack([torch.log_softmax(module(torch.tensor([task.prompt_ids]))[0, -1], 0) for task in tasks])


def test_the_pull_keeps_the_model_near_to_what_it_was(undecided, module, tasks, reward, tokenizer, stops):
    free, held = module, deepcopy(undecided)
    for policy, pull in ((free, 0.0), (held, 2.0)):
        config = replace(TEACHING, steps=12, kl_coefficient=pull)
        grpo.grpo(policy, tokenizer, tasks, reward, config, stop_ids=stops)
    start = answer_scores(undecided, tasks)
    away = [float((start.exp() * (start - answer_scores(policy, tasks))).sum(1).mean()) for policy in (free, held)]
    assert away[1] < 0.5 * away[0]


def test_a_model_folder_becomes_a_better_one(module, tasks, tokenizer, tmp_path):
    save_model(
        tmp_path / "tuned", module, tokenizer, generation={"eos_token_id": tokenizer.special_tokens["<|im_end|>"]}
    )
    made = grpo.align(
        tmp_path / "tuned", tasks, lambda task, text: float(text == task.item), TEACHING, tmp_path / "out"
    )
    model = load(made)
    assert [model.chat(one.prompt, max_new_tokens=4) for one in tasks] == [one.item for one in tasks]


def test_a_model_without_a_chat_template_is_sent_to_tuning(module, tasks, reward, tokenizer, tmp_path):
    save_model(tmp_path / "base", module, tokenizer)
    for file in ("tokenizer_config.json", "chat_template.jinja"):
        path = tmp_path / "base" / file
        if path.suffix == ".json":
            files.write_json(
                path, {name: value for name, value in files.read_json(path).items() if name != "chat_template"}
            )
        else:
            path.unlink(missing_ok=True)
    with pytest.raises(InputError, match="tune it first with `groundup tune"):
        grpo.align(tmp_path / "base", tasks, reward, CONFIG, tmp_path / "out")


def test_no_task_is_said(module, reward, tokenizer, stops):
    with pytest.raises(InputError, match="no task to practise; give at least one"):
        grpo.grpo(module, tokenizer, [], reward, CONFIG, stop_ids=stops)


@pytest.mark.parametrize(
    "name, given",
    [
        ("trackers", ("wandb",)),
        ("environment", "tools"),
        ("demonstrations", 9),
        ("data", "asked.jsonl"),
        ("families", ("sort",)),
    ],
)
def test_align_by_itself_refuses_what_it_would_not_read(tmp_path, name, given):
    with pytest.raises(
        ConfigError, match=f"{name}=.* would change nothing.*; leave {name} out, or run `groundup align`"
    ):
        grpo.align(tmp_path / "base", [], lambda item, text: 0.0, replace(CONFIG, **{name: given}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
