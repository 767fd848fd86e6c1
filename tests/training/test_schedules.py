import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.training import schedules
from groundup.training.config import TrainConfig

STEPS = st.integers(2, 500)


@given(STEPS, st.integers(0, 50), st.sampled_from(sorted(schedules.SCHEDULES)))
def test_every_factor_lies_between_0_and_1_and_the_first_step_moves(steps, warmup, name):
    factors = [schedules.SCHEDULES[name](step, steps, warmup) for step in range(steps)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[0] > 0


@given(STEPS, st.integers(0, 50), st.sampled_from(["linear", "cosine", "wsd"]))
def test_after_the_warm_up_the_rate_never_rises_and_ends_near_0(steps, warmup, name):
    factors = [schedules.SCHEDULES[name](step, steps, warmup) for step in range(steps)]
    after = factors[warmup:]
    assert all(later <= earlier + 1e-12 for earlier, later in zip(after, after[1:], strict=False))
    assert schedules.SCHEDULES[name](steps, steps, warmup) == pytest.approx(0, abs=1e-12)


def test_cosine_equals_torchs_annealing_without_a_warm_up():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for step in range(20):
        assert schedules.cosine(step, 20) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_warmup_stable_decay_stays_at_the_peak_and_falls_in_its_last_part():
    factors = [schedules.warmup_stable_decay(step, 100, 10, 0.2) for step in range(100)]
    assert factors[9:81] == [1.0] * 72
    assert factors[90] == pytest.approx(0.5)


def test_cosine_is_half_way_down_in_the_middle():
    assert schedules.cosine(60, 110, 10) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)


def test_the_configuration_names_its_schedule():
    config = TrainConfig(steps=10, schedule="linear", warmup_steps=0)
    assert schedules.rate_factor(config, 5) == 0.5


@pytest.mark.parametrize("count, ramp", [(1, 0), (4, 0), (4, 8), (8, 3), (3, 100), (1, 10)])
def test_a_growing_batch_reads_every_batch_once_and_in_order(count, ramp):
    """What a step reads is known from its number alone, so a run can go on anywhere."""
    read = []
    for step in range(2 * ramp + 5):
        first, size = schedules.batches_before(step, count, ramp), schedules.batches_at(step, count, ramp)
        assert 1 <= size <= count
        read += range(first, first + size)
    assert read == list(range(len(read)))
    sizes = [schedules.batches_at(step, count, ramp) for step in range(2 * ramp + 5)]
    assert sizes == sorted(sizes) and sizes[ramp:] == [count] * (ramp + 5)
