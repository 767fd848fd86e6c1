import numpy as np
import pytest
import torch

from groundup.errors import ConfigError
from groundup.machine.numbers import BF16, decode_float, encode_float, quantize
from groundup.training.config import TrainConfig
from groundup.training.loop import train
from groundup.training.optimizers.adamw import AdamW
from groundup.training.optimizers.low_memory import LowMemoryAdamW, pack, to_bf16, unpack


def numbers(*shape, seed=0):
    """Normal numbers, of very different size from block to block."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator) * torch.logspace(-6, 2, shape[0])[:, None]


def test_codes_are_those_of_machine_numbers():
    values = numbers(9, 256)
    codes, scale = pack(values, None, root=False)
    theirs = quantize(values.numpy(), 8, group_size=256)
    np.testing.assert_allclose(scale.numpy(), theirs.scale, rtol=1e-6)
    assert (np.abs(codes.numpy().astype(int) - theirs.codes) <= 1).all() and (
        codes.numpy() == theirs.codes
    ).mean() > 0.999
    square, high = pack(values.square(), None, root=True)
    theirs = quantize(values.abs().sqrt().numpy(), 8, symmetric=False, group_size=256)
    np.testing.assert_allclose(high.numpy(), theirs.scale, rtol=1e-5)
    assert (square.numpy() == np.maximum(theirs.codes, 1)).mean() > 0.999


def test_bf16_to_the_nearest_is_that_of_machine_numbers_and_at_random_its_neighbour():
    values = numbers(20, 50)
    nearest = decode_float(encode_float(values.numpy(), BF16), BF16)
    assert np.array_equal(to_bf16(values, None).float().numpy(), nearest)
    drawn = to_bf16(values, torch.rand(20, 50, generator=torch.Generator().manual_seed(1))).float()
    assert ((drawn - values).abs() <= values.abs() * 2**-7).all()
    assert torch.equal(
        to_bf16(torch.tensor([1.0, -2.0, 0.0]), torch.full((3,), 0.999)).float(), torch.tensor([1.0, -2, 0])
    )


@pytest.mark.parametrize("shape", [(5, 7), (256,), (3, 1000)])
def test_what_was_packed_comes_back_within_half_a_step(shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    back = unpack(*pack(values, None, root=False), values, root=False)
    assert (back - values).abs().max() <= 0.501 * values.abs().max() / 127
    square = unpack(*pack(values.square(), None, root=True), values, root=True)
    torch.testing.assert_close(
        square.sqrt().sqrt(), values.abs().sqrt(), rtol=0, atol=0.6 * float(values.abs().max()) ** 0.5 / 255
    )


def test_rounding_at_random_is_right_in_the_mean_where_the_nearest_is_stuck():
    value = torch.full((256,), 0.3)
    value[0] = 127.0  # a step is 1
    source = torch.Generator().manual_seed(0)
    drawn = [
        unpack(*pack(value, torch.rand(1, 256, generator=source), root=False), value, root=False) for _ in range(40)
    ]
    assert float(torch.stack(drawn)[:, 1:].mean()) == pytest.approx(0.3, abs=0.02)
    assert unpack(*pack(value, None, root=False), value, root=False)[1] == 0


def test_no_square_above_zero_becomes_zero_and_zeros_stay():
    values = torch.full((256,), 1e-20)
    values[0], values[1] = 1.0, 0.0
    for draws in (None, torch.full((1, 256), 0.999), torch.zeros(1, 256)):
        back = unpack(*pack(values, draws, root=True), values, root=True)
        assert back[1] == 0 and (back[2:] > 0).all()
    assert not unpack(*pack(torch.zeros(300), None, root=True), torch.zeros(300), root=True).any()


@pytest.mark.parametrize(("form", "bytes_a_number"), [("bf16", 4.0), ("8bit", 2 + 8 / 256)])
def test_the_state_has_the_bytes_it_promises(form, bytes_a_number):
    state = LowMemoryAdamW({"w": torch.ones(256, 64)}, form=form, learning_rate=0.1).state()
    del state["adamw.steps"]
    assert sum(value.numel() * value.element_size() for value in state.values()) == bytes_a_number * 256 * 64


@pytest.mark.parametrize("form", ["bf16", "8bit"])
def test_a_state_taken_back_goes_on_bit_for_bit(form):
    def gradients(number):
        return torch.randn(80, 70, generator=torch.Generator().manual_seed(number))

    def run(weight, optimizer, numbers):
        for number in numbers:
            weight.grad = gradients(number)
            optimizer.step()

    def make(weight):
        return LowMemoryAdamW({"w": weight}, form=form, learning_rate=0.01)

    whole, parts = torch.ones(80, 70), torch.ones(80, 70)
    run(whole, make(whole), range(6))
    first = make(parts)
    run(parts, first, range(3))
    second = make(parts)
    second.load({name: value.clone() for name, value in first.state().items()})
    run(parts, second, range(3, 6))
    assert torch.equal(whole, parts)


def test_small_tensors_move_as_adamw_moves_them(problem, run):
    (ours, gradients), (theirs, _) = problem(), problem()
    run(LowMemoryAdamW(ours, form="8bit", learning_rate=0.01), ours, gradients)
    run(AdamW(theirs, learning_rate=0.01), theirs, gradients)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_training_ends_as_with_fp32_states(tiny, batches, seed):
    """Every loss of 16 steps, from 4.3 nats to below 0.5, within 0.15 nats of the fp32 run's, and 0.05 in the mean."""
    curves = {}
    for form in (None, "bf16", "8bit"):
        module, losses = tiny(seed, hidden_size=64, intermediate_size=64), []
        numbers = {"optimizer": "adamw", "optimizer_state": form, "learning_rate": 0.01, "warmup_steps": 2}
        config = TrainConfig(steps=16, batch_size=4, seq_len=16, schedule="constant", **numbers)
        train(
            module, lambda number: batches(seed), config, listeners=[lambda event, kept=losses: kept.append(event.loss)]
        )
        curves[form] = np.array(losses)
    assert curves[None][-1] < 0.5
    for form in ("bf16", "8bit"):
        apart = np.abs(curves[form] - curves[None])
        assert apart.max() < 0.15 and apart.mean() < 0.05, (form, apart.max(), apart.mean())


@pytest.mark.parametrize("form", ["bf16", "8bit"])
def test_a_stopped_training_goes_on_bit_for_bit_from_its_checkpoint(tiny, batches, tmp_path, form):
    def weights(folder, *limits):
        for limit in limits:
            module = tiny(0, hidden_size=64, intermediate_size=64)
            numbers = {"optimizer_state": form, "optimizer": "adamw", "schedule": "constant"}
            train(
                module, batches, TrainConfig(steps=limit, batch_size=4, seq_len=16, **numbers), folder=tmp_path / folder
            )
        return dict(module.named_parameters())

    whole, parts = weights("whole", 4), weights("parts", 2, 4)
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_a_form_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(ConfigError, match="form='4bit' is not known; use one of bf16, 8bit"):
        LowMemoryAdamW({}, form="4bit", learning_rate=0.1)
