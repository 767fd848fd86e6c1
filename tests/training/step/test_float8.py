"""Float8: the cast against the number formats by hand, the three products against fp32, and what a run is told."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.machine.numbers.formats import FP8_E4M3, FP8_E5M2, decode_float, encode_float
from groundup.model.layers.linear import Linear
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.step import float8
from groundup.training.step.float8 import (
    BACKWARD,
    FORWARD,
    Float8Linear,
    both_ways,
    compute_in,
    float8_product,
    multiply_in_float8,
    scale_of,
    to_float8,
)

CUDA = torch.cuda.is_available()
FORMATS = {FORWARD: FP8_E4M3, BACKWARD: FP8_E5M2}
no_gpu = pytest.mark.skipif(
    not (CUDA and float8.has_float8(torch.device("cuda"))), reason="needs a card that multiplies float8"
)


def apart(ours, truth):
    return ((ours.double() - truth.double()).norm() / truth.double().norm()).item()


# ───────── the cast ─────────


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_values_are_those_of_the_format_written_by_hand(dtype):
    x = torch.randn(200, generator=torch.Generator().manual_seed(0)) * 1e-5
    values, scale = to_float8(x, dtype)
    by_hand = decode_float(encode_float((x / scale).numpy(), FORMATS[dtype]), FORMATS[dtype])
    assert torch.equal(values.float(), torch.from_numpy(by_hand).float())
    assert values.float().abs().max() == FORMATS[dtype].largest


@settings(max_examples=30, deadline=None)
@given(exponent=st.integers(-60, 60), dtype=st.sampled_from([FORWARD, BACKWARD]), seed=st.integers(0, 9))
def test_the_relative_error_does_not_depend_on_the_size(exponent, dtype, seed):
    """Half a step of the fraction for what is not lost below the smallest normal number."""
    x = torch.randn(64, generator=torch.Generator().manual_seed(seed)) * 2.0**exponent
    values, scale = to_float8(x, dtype)
    form = FORMATS[dtype]
    allowed = x.abs() * 2.0 ** -(form.fraction_bits + 1) + scale * form.smallest_normal * 2.0**-form.fraction_bits
    assert bool(((values.float() * scale - x).abs() <= allowed).all())


@pytest.mark.parametrize("dtype", FORMATS)
def test_zeros_stay_zeros_and_what_is_no_number_is_not_hidden(dtype):
    values, scale = to_float8(torch.zeros(4), dtype)
    assert not values.float().any() and scale > 0
    for wrong in (torch.inf, torch.nan):
        values, scale = to_float8(torch.tensor([1.0, wrong]), dtype)
        assert not (values.float() * scale).isfinite().any()
    assert to_float8(torch.zeros(0, 3), dtype)[0].shape == (0, 3)


def test_a_matrix_is_laid_down_both_ways():
    values, turned, scale = both_ways(torch.randn(5, 7, generator=torch.Generator().manual_seed(0)), FORWARD)
    assert torch.equal(values.t().float(), turned.float()) and turned.is_contiguous() and scale.dim() == 0


# ───────── the products ─────────


def given_(rows=40, inputs=64, outputs=32, device="cpu", dtype=torch.bfloat16):
    generator = torch.Generator().manual_seed(0)
    x, weight, push = (
        torch.randn(shape, generator=generator) * size
        for shape, size in (((2, rows // 2, inputs), 1.0), ((outputs, inputs), 0.02), ((2, rows // 2, outputs), 1e-7))
    )
    return x.to(device, dtype).requires_grad_(), weight.to(device).requires_grad_(), push.to(device, dtype)


def held(x, weight, push):
    """Our product and gradients, and those in float64."""
    ours = float8_product(x, weight)
    gradients = torch.autograd.grad(ours, (x, weight), push)
    exact = x.double() @ weight.double().t()
    wide = push.double().flatten(0, 1)
    return (ours, *gradients), (exact, push.double() @ weight.double(), wide.t() @ x.double().flatten(0, 1))


@pytest.mark.parametrize("rows", [32, 34, 2], ids=lambda rows: f"{rows} rows")
def test_product_and_gradients_are_right_to_the_formats_rounding(rows):
    """Rounding both sides to 3 bits of fraction leaves 4 %, to 2 and 3 bits 6 %; gradients of 1e-7 are not lost."""
    x, weight, push = given_(rows)
    for ours, truth, allowed in zip(*held(x, weight, push), (0.05, 0.07, 0.07), strict=True):
        assert apart(ours, truth) < allowed
    assert [one.dtype for one in held(x, weight, push)[0]] == [torch.bfloat16, torch.bfloat16, torch.float32]


def test_the_product_of_values_and_scales_is_the_definition():
    x, weight, push = given_(32)
    wide, tall, pull = (
        values.double() * scale.double()
        for values, scale in (to_float8(x.flatten(0, 1), FORWARD), to_float8(weight, FORWARD), to_float8(push.flatten(0, 1), BACKWARD))
    )  # fmt: skip
    ours, to_x, to_weight = held(x, weight, push)[0]
    for one, truth in (
        (ours.flatten(0, 1), wide @ tall.t()),
        (to_x.flatten(0, 1), pull @ tall),
        (to_weight, pull.t() @ wide),
    ):
        assert apart(one, truth) < 2**-8  # bf16's rounding


def test_only_the_gradients_that_are_wanted_are_made():
    x, weight, push = given_(32)
    assert torch.autograd.grad(float8_product(x.detach(), weight), weight, push)[0].shape == weight.shape
    assert torch.autograd.grad(float8_product(x, weight.detach()), x, push)[0].shape == x.shape


# ───────── a model ─────────


def test_the_matrices_of_the_blocks_change_and_change_back(tiny):
    module = tiny()
    names = list(module.state_dict())
    assert multiply_in_float8(module) == 14
    changed = [name for name, part in module.named_modules() if type(part) is Float8Linear]
    assert len(changed) == 14 and all(".layers." in name for name in changed)
    assert list(module.state_dict()) == names and type(module.lm_head) is Linear
    assert multiply_in_float8(module, on=False) == 14
    assert not any(type(part) is Float8Linear for part in module.modules())


def test_sides_that_no_tensor_core_takes_stay_as_they_are(tiny):
    assert multiply_in_float8(tiny(intermediate_size=40)) == 8


def losses(module, batches, steps):
    seen = []
    config = TrainConfig(steps=steps, batch_size=4, seq_len=16, optimizer="adamw", learning_rate=0.01, warmup_steps=2)
    loop.train(module, lambda step: batches(0), config, listeners=[lambda event: seen.append(event.loss)])
    return seen


def test_a_model_learns_as_in_bf16(tiny, batches):
    plain, short = tiny(), tiny()
    plain.compute_dtype = short.compute_dtype = torch.bfloat16
    multiply_in_float8(short)
    expected, found = losses(plain, batches, 30), losses(short, batches, 30)
    assert found != expected
    assert sum(found[-5:]) / 5 == pytest.approx(sum(expected[-5:]) / 5, abs=0.1)
    assert sum(found[-5:]) < sum(found[:5]) - 1.0


def test_a_device_without_it_is_refused_with_the_way_out(tiny):
    with pytest.raises(
        ConfigError, match="dtype float8 needs an NVIDIA card .* and this is the device 'cpu'; give --dtype bfloat16"
    ):
        compute_in(tiny(), "float8")


def test_a_model_without_fitting_matrices_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(float8, "check", lambda device: None)
    with pytest.raises(ConfigError, match="multiples of 16, and this model has none; give --dtype bfloat16"):
        compute_in(tiny(hidden_size=24, head_dim=8, intermediate_size=40), "float8")


def test_every_format_of_a_run_is_set(tiny, monkeypatch):
    monkeypatch.setattr(float8, "check", lambda device: None)
    module = tiny()
    compute_in(module, "float8")
    assert module.compute_dtype == torch.bfloat16 and type(module.model.layers[0].mlp.up_proj) is Float8Linear
    module = tiny()
    compute_in(module, "float16")
    assert module.compute_dtype == torch.float16 and type(module.model.layers[0].mlp.up_proj) is Linear


# ───────── on a card ─────────


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize("rows, inputs, outputs", [(40, 64, 32), (2, 16, 48), (2048, 1024, 512)])
def test_the_cards_products_are_those_of_the_processor(rows, inputs, outputs):
    on_card, here = given_(rows, inputs, outputs, "cuda"), given_(rows, inputs, outputs)
    for ours, truth in zip(held(*on_card)[0], held(*here)[0], strict=True):
        assert apart(ours.cpu(), truth) < 0.01  # the fast sums keep fewer bits
    for ours, truth, allowed in zip(*held(*on_card), (0.05, 0.07, 0.07), strict=True):
        assert apart(ours, truth) < allowed


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("given_in", [torch.bfloat16, torch.float32])
def test_the_kernel_casts_as_torch_does(dtype, given_in):
    x = torch.randn(130, 70, device="cuda", generator=torch.Generator("cuda").manual_seed(0)).to(given_in)
    for matrix in (x, x.t(), x[::2, 3:]):
        values, turned, scale = both_ways(matrix, dtype)
        expected, by = to_float8(matrix, dtype)
        assert torch.equal(scale, by) and torch.equal(scale, scale_of(matrix, dtype))
        assert torch.equal(values.float(), expected.float()) and torch.equal(turned.float(), expected.float().t())
    values, turned, scale = both_ways(torch.tensor([[1.0, torch.nan]], device="cuda"), dtype)
    assert (values.float() * scale).isnan().any()


@pytest.mark.gpu
@no_gpu
def test_a_model_learns_on_a_card_as_in_bf16(tiny, batches):
    plain, short = tiny().to("cuda"), tiny().to("cuda")
    compute_in(plain, "bfloat16")
    compute_in(short, "float8")
    expected, found = losses(plain, batches, 30), losses(short, batches, 30)
    assert sum(found[-5:]) / 5 == pytest.approx(sum(expected[-5:]) / 5, abs=0.1)
