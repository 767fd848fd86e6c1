import math
from dataclasses import replace

import pytest
import torch

from groundup.errors import Interrupted
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step import accumulate, choose_dtype
from groundup.training.step.precision import LossScaler, next_scale, unscale_

CONFIG = TrainConfig(steps=12, batch_size=4, seq_len=16, checkpoint_every=4, warmup_steps=2, optimizer="adamw")


def test_the_choice_of_a_number_format_leaves_the_model_as_it_was(tiny, batches):
    module = tiny()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    assert choose_dtype(module, batches(0), causal_loss, repeats=1) in ("float32", "bfloat16")
    assert module.compute_dtype == torch.float32
    assert all(
        parameter.grad is None and torch.equal(parameter, before[name]) for name, parameter in module.named_parameters()
    )


@pytest.mark.parametrize("enough, passes", [(0.0, 4), (1e9, 8)])
def test_long_passes_are_not_repeated(tiny, batches, monkeypatch, enough, passes):
    calls = []
    monkeypatch.setattr("groundup.training.step.precision.ENOUGH_S", enough)
    choose_dtype(tiny(), batches(0), lambda module, batch: calls.append(1) or causal_loss(module, batch))
    assert len(calls) == passes


def test_bf16_compute_keeps_fp32_weights_and_gradients(tiny, batches):
    module = tiny()
    module.compute_dtype = torch.bfloat16
    accumulate(module, [batches(0)], causal_loss)
    assert all(parameter.dtype == parameter.grad.dtype == torch.float32 for parameter in module.parameters())


# ───────── fp16 ─────────


def test_scales_and_moves_are_those_of_torchs_gradscaler():
    """Every third gradient overflows; four good steps in a row double the scale."""
    theirs = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=4)
    weight, optimizer = torch.zeros(3, requires_grad=True), None
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scale, good, expected = 1024.0, 0, torch.zeros(3)
    for step in [1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]:
        gradient = torch.tensor([1.0, 2.0, 3.0]) if step else torch.tensor([1.0, math.inf, 1.0])
        theirs.scale(torch.zeros(()))  # makes its tensors
        weight.grad = gradient * theirs.get_scale()
        ours = [gradient * scale]
        theirs.step(optimizer)
        theirs.update()
        overflowed = unscale_(ours, scale)
        if not overflowed:
            expected -= ours[0]
        scale, good = next_scale(scale, good, overflowed, 4)
        assert scale == theirs.get_scale()
        assert torch.equal(weight.detach(), expected)


def test_fp16_gradients_are_those_of_fp32_and_too_small_without_a_scale(tiny, batches):
    exact, half, lost = tiny(), tiny(), tiny()
    half.compute_dtype = lost.compute_dtype = torch.float16

    def small(module, batch):
        loss, count = causal_loss(module, batch)
        return 1e-6 * loss, count

    wanted = accumulate(exact, [batches(0)], small)
    loss = LossScaler().accumulate(half, [batches(0)], small, list(half.parameters()))
    accumulate(lost, [batches(0)], small)
    assert loss == pytest.approx(wanted, rel=2e-3)
    flat = [torch.cat([p.grad.flatten() for p in module.parameters()]) for module in (exact, half, lost)]
    assert torch.nn.functional.cosine_similarity(flat[0], flat[1], dim=0) > 0.999
    assert flat[1].norm() == pytest.approx(float(flat[0].norm()), rel=0.01)
    assert (flat[2] == 0).float().mean() > 2 * (flat[1] == 0).float().mean()


def test_an_overflow_leaves_the_step_out_halves_the_scale_and_the_run_goes_on(tiny, batches):
    module, seen = tiny(), []
    module.compute_dtype = torch.float16
    loop.train(
        module, lambda step: batches(step % 4), replace(CONFIG, steps=30), listeners=[seen.append], objective=large
    )
    assert [event.skipped for event in seen[:3]] == [True, True, True], "a gradient of thousands times 65536 is no fp16"
    scales = [event.loss_scale for event in seen]
    assert scales[0] == 32768.0 and scales[1] == 16384.0 and min(scales) >= 1.0
    assert seen[-1].loss < 0.8 * seen[0].loss and not seen[-1].skipped
    assert "skipped" in seen[0].numbers and "skipped" not in seen[-1].numbers


def large(module, batch):
    """A loss whose gradient fits fp16 only with a small scale."""
    loss, count = causal_loss(module, batch)
    return 3000 * loss, count


def test_fp16_goes_on_bit_for_bit_with_its_scale(tiny, batches, tmp_path):
    def half(seed=0):
        module = tiny(seed)
        module.compute_dtype = torch.float16
        return module

    whole, resumed, calls, config = half(), half(9), iter(range(1, 99)), replace(CONFIG, steps=24)
    seen: list = []
    loop.train(whole, batches, config, objective=large, listeners=[seen.append])
    assert seen[10].skipped and not (seen[17].skipped or seen[-1].skipped), "the scale is found, and the weights move"
    with pytest.raises(Interrupted):
        loop.train(half(), batches, config, objective=large, folder=tmp_path, stop=lambda: next(calls) == 18)
    loop.train(resumed, batches, config, objective=large, folder=tmp_path)
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_a_scaler_that_was_restored_goes_on_where_it_was():
    scaler, other = LossScaler(), LossScaler()
    scaler.scale, scaler.good_steps = 2.0**20, 1999
    other.load(scaler.state())
    assert next_scale(other.scale, other.good_steps, False) == (2.0**21, 0)


# ───────── weights that never move (workofart/ml-by-hand#85) ─────────


@pytest.mark.parametrize("state", [None, "bf16", "8bit"])
def test_a_weight_of_one_feels_a_hundred_updates_of_six_ten_thousandths(tiny, state, tmp_path):
    """bf16 alone rounds each of them back; fp32 masters move by 0.06 whatever the model computes in, after a resume too."""
    rounded = torch.ones(1, dtype=torch.bfloat16)
    for _ in range(100):
        rounded -= 6e-4
    assert rounded == 1.0
    config = replace(CONFIG, steps=100, schedule="constant", warmup_steps=0, learning_rate=6e-4, weight_decay=0.0,
                     max_grad_norm=0.0, optimizer_state=state)  # fmt: skip
    calls = iter(range(1, 999))
    with pytest.raises(Interrupted):
        loop.train(
            ones(tiny), one_batch, config, objective=mean_of_gain, folder=tmp_path, stop=lambda: next(calls) == 50
        )
    module = ones(tiny)
    loop.train(module, one_batch, config, objective=mean_of_gain, folder=tmp_path)
    assert module.compute_dtype == torch.bfloat16
    torch.testing.assert_close(module.model.norm.weight.mean().item(), 0.94, rtol=0, atol=2e-3)


def ones(tiny):
    """A model that computes in bf16 and whose last gain is 1."""
    module = tiny()
    module.compute_dtype = torch.bfloat16
    for parameter in module.parameters():
        parameter.requires_grad_(parameter is module.model.norm.weight)
    with torch.no_grad():
        module.model.norm.weight.fill_(1.0)
    return module


def one_batch(number):
    from types import SimpleNamespace

    return SimpleNamespace(loss_mask=torch.ones(1, 1, dtype=torch.bool))


def mean_of_gain(module, batch):
    """A loss whose gradient is the same in each step, computed in the model's format: Adam moves by its rate."""
    return module.model.norm.weight.to(module.compute_dtype).sum(), 1


def test_fp32_weights_are_what_is_optimised_whatever_the_model_computes_in(tiny):
    module = tiny()
    module.compute_dtype = torch.bfloat16
    assert all(
        tensor.dtype == torch.float32
        for name, tensor in build_optimizer(module, CONFIG).state().items()
        if "." in name and "steps" not in name
    )
