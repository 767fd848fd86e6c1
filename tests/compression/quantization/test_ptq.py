"""A finished model with fewer bits: in place, by method, and which matrices mind."""

import pytest
import torch
from tests.compression.test_calibration import QWEN, TEXTS
from torch.nn import functional

from groundup.compression import calibration
from groundup.compression.quantization import gptq, ptq
from groundup.errors import ConfigError
from groundup.model.architectures import build, config_from_dict


def qwen():
    """A model in which every matrix does something: a new one's blocks begin by adding nothing."""
    module = build(config_from_dict(QWEN), seed=1)
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for part in calibration.linear_maps(module).values():
            part.weight += 0.2 * torch.randn(part.weight.shape, generator=draw)
    return module


@pytest.mark.parametrize("method", ["round", "gptq"])
def test_the_module_holds_what_the_codes_stand_for_and_all_else_is_untouched(method):
    module, before = qwen(), qwen().state_dict()
    made = ptq.quantize(module, method, 4, 16, TEXTS)
    maps = calibration.linear_maps(module)
    assert made.keys() == maps.keys()
    for name, tensor in module.state_dict().items():
        if (stem := name.removesuffix(".weight")) in made:
            assert tensor.equal(made[stem].numbers()) and made[stem].codes.abs().max() <= 8
        else:
            assert tensor.equal(before[name])


@pytest.mark.parametrize(("method", "most"), [("awq", 8), ("smoothquant", 128)])
def test_methods_with_scales_change_norms_as_well_and_nothing_else(method, most):
    module, before = qwen(), qwen().state_dict()
    made = ptq.quantize(module, method, 4, 16, TEXTS)
    for name, tensor in module.state_dict().items():
        if (stem := name.removesuffix(".weight")) in made:
            assert tensor.equal(made[stem].numbers()) and made[stem].codes.short().abs().max() <= most
        else:
            assert tensor.equal(before[name]) != name.endswith("layernorm.weight"), name


def test_passing_errors_on_keeps_the_outputs_of_a_matrix_closer():
    moments = calibration.moments(qwen(), TEXTS)
    maps = calibration.linear_maps(qwen())
    ratios = []
    for name, part in maps.items():
        errors = [
            gptq.output_error(one.numbers() - part.weight.detach(), moments[name])
            for one in (gptq.gptq(part.weight.detach(), moments[name], 3, 16), ptq.rounded(part.weight, 3, 16))
        ]
        ratios.append(errors[0] / max(errors[1], 1e-30))
    assert sum(ratios) / len(ratios) < 0.8


def test_more_bits_lose_less():
    ids = torch.tensor([TEXTS[0]])
    with torch.inference_mode():
        whole, errors = qwen()(ids), []
        for bits in (8, 4, 2):
            module = qwen()
            ptq.quantize(module, "round", bits, 16)
            errors.append(float((module(ids) - whole).square().mean()))
    assert errors[0] < errors[1] < errors[2]


def test_bits_go_to_those_that_mind_and_the_module_is_left_as_it_was():
    module, before = qwen(), {name: one.clone() for name, one in qwen().state_dict().items()}
    ids = torch.tensor([TEXTS[0]])

    def loss(module):
        return float(functional.cross_entropy(module(ids)[0, :-1], ids[0, 1:]))

    rises = ptq.sensitivity(module, 2, 16, loss)
    assert all(tensor.equal(before[name]) for name, tensor in module.state_dict().items())
    sizes = {name: part.weight.numel() for name, part in calibration.linear_maps(module).items()}
    bits = ptq.choose_bits(rises, sizes, mean_bits=5.0)
    assert sum(bits[name] * sizes[name] for name in sizes) <= 5 * sum(sizes.values())
    most = max(rises, key=lambda name: rises[name] / sizes[name])
    assert bits[most] == 8 and set(bits.values()) == {4, 8}
    ptq.quantize(module, "round", bits, 16)


def test_what_cannot_be_is_refused_before_anything_is_changed():
    with pytest.raises(ConfigError, match="is not known; use round, gptq, awq"):
        ptq.quantize(qwen(), "best")
    with pytest.raises(ConfigError, match="groups of 5"):
        ptq.quantize(qwen(), "round", 4, 5)
    with pytest.raises(ConfigError, match="mean_bits=9.0"):
        ptq.choose_bits({}, {}, 9.0)
