import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment import reinforce, rloo
from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.alignment.environments.rollouts import Environment
from groundup.alignment.rounds import of_answers
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig


@given(st.floats(-1e6, 1e6), st.integers(2, 16))
def test_less_the_others_equal_rewards_are_exactly_nothing(value, size):
    assert not reinforce.less_the_others(torch.full((size,), value)).any()
    assert reinforce.less_the_others(torch.tensor([value])).tolist() == torch.tensor([value]).tolist()


def test_its_loss_has_the_gradient_of_the_log_probability_times_the_advantage():
    now = torch.tensor([-1.0, -2.0, -0.5]).requires_grad_()
    reinforce.policy_gradient_loss(now, torch.tensor([2.0, -1.0, 0.0])).sum().backward()
    assert now.grad.tolist() == [-2.0, 1.0, 0.0]


def test_in_the_first_update_rloos_gradient_is_reinforces(module):
    batch = side_by_side([[5, 6, 7]], [[[20, 21], [22]]])
    advantages = torch.tensor([0.5, -1.0])
    now = of_answers(batch, log_probabilities(module, batch))
    rloo.rloo_loss(now, now.detach(), advantages).sum().backward()
    ours = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    reinforce.policy_gradient_loss(log_probabilities(module, batch), advantages[batch.answers]).sum().backward()
    for one, parameter in zip(ours, module.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-5, atol=1e-7)


def test_a_baseline_changes_the_variance_and_not_the_mean_of_the_gradient(module, tasks, reward, tokenizer, stops):
    """Rewards of 10 and 11: almost all of the push is the 10 that every answer gets."""
    sampling = SamplingConfig(max_new_tokens=4, seed=1)
    groups = Environment(tasks, reward, tokenizer, stops).rollout(module, 0, 8, 8, sampling)
    batch = side_by_side([one.task.prompt_ids for one in groups], [[a.ids for a in one.tries] for one in groups])
    rewards = 10 + torch.tensor([a.reward for one in groups for a in one.tries])
    plain, noisy = reinforce.gradient_variance(module, batch, rewards)
    less, calm = reinforce.gradient_variance(module, batch, reinforce.less_the_others(rewards))
    assert calm < 0.05 * noisy
    assert (less - plain).norm() < 4 * (noisy / 64) ** 0.5  # no further than the noise of 64 answers


def test_the_variance_is_that_of_the_single_gradients(module):
    batch, advantages = side_by_side([[5, 6]], [[[20], [21, 22], [23]]]), torch.tensor([1.0, -2.0, 0.5])
    mean, variance = reinforce.gradient_variance(module, batch, advantages)
    single = []
    for index, answer in enumerate([[20], [21, 22], [23]]):
        module.zero_grad()
        (advantages[index] * log_probabilities(module, side_by_side([[5, 6]], [[answer]])).sum()).backward()
        single.append(torch.cat([parameter.grad.flatten() for parameter in module.parameters()]))
    stacked = torch.stack(single)
    torch.testing.assert_close(mean, stacked.mean(0), rtol=1e-4, atol=1e-6)
    assert variance == pytest.approx(float(stacked.var(0).sum()), rel=1e-4)


def test_the_least_variance_baseline_is_the_least():
    generator = torch.Generator().manual_seed(0)
    gradients, rewards = (
        torch.randn(50, 4, generator=generator) * torch.rand(50, 1, generator=generator),
        torch.rand(50),
    )
    best = reinforce.least_variance_baseline(gradients, rewards)

    def second_moment(baseline):
        return float(((rewards - baseline)[:, None] * gradients).square().sum())

    assert all(second_moment(best) <= second_moment(best + away) for away in (-0.2, -0.01, 0.01, 0.2))


def test_one_answer_has_no_variance(module):
    with pytest.raises(InputError, match="have no variance; give 2 or more"):
        reinforce.gradient_variance(module, side_by_side([[5]], [[[6]]]), torch.ones(1))
