import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.lora import Fused, LoraPart, dora_gain, first_matrices, fits, lora_linear


def layer_of(outputs=6, inputs=5, seed=0, bias=False):
    layer = Linear(inputs, outputs, bias=bias)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(generator=draw)
    return layer.requires_grad_(False)


def part_of(layer, config, seed=1):
    part = LoraPart(layer, config, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)) * 0.3)
    return part


def test_numbers_by_hand():
    x, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    a, b = torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0], [0.0]])
    torch.testing.assert_close(lora_linear(x, weight, a, b, 0.5), torch.tensor([[4.0, 2.0]]))
    torch.testing.assert_close(dora_gain(weight, a, b, 0.5, torch.tensor([5**0.5, 2.0])), torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 64])
def test_the_one_product_and_the_thin_ones_give_the_same_numbers_and_gradients(bias, rows):
    layer, draw = layer_of(bias=bias), torch.Generator().manual_seed(2)
    x, dy = torch.randn(rows, 5, generator=draw), torch.randn(rows, 6, generator=draw)
    found = []
    for way in ("reference", "part", "fused"):
        part, seen = part_of(layer, LoraConfig(r=3, lora_alpha=5)), x.clone().requires_grad_()
        if way == "reference":
            y = lora_linear(seen, layer.weight, part.lora_A, part.lora_B, part.scaling) + (layer.bias if bias else 0)
        elif way == "part":
            y = part(seen, layer)
        else:
            y = Fused.apply(seen, layer, layer.bias, part.lora_A, part.lora_B, part.scaling)
        y.backward(dy)
        found.append((y, seen.grad, part.lora_A.grad, part.lora_B.grad))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=2e-5, atol=2e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.sampled_from(["kaiming", "gaussian", "pissa", "olora"]), st.booleans(), st.integers(0, 99))
def test_every_beginning_leaves_the_layer_as_it_was(r, initial, dora, seed):
    layer = layer_of(seed=seed)
    part = LoraPart(
        layer, LoraConfig(r=r, init_lora_weights=initial, use_dora=dora), torch.Generator().manual_seed(seed)
    )
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(part(x, layer), layer(x), rtol=1e-4, atol=1e-5)


def test_pissa_takes_the_largest_singular_directions_out_and_olora_those_of_qr():
    weight, config = layer_of(8, 7).weight, LoraConfig(r=3, init_lora_weights="pissa")
    a, b = first_matrices(weight, config, torch.Generator())
    left = torch.linalg.svdvals(weight - config.scaling * b @ a)
    torch.testing.assert_close(left[:4], torch.linalg.svdvals(weight)[3:], rtol=1e-4, atol=1e-5)
    config = LoraConfig(r=3, init_lora_weights="olora")
    a, b = first_matrices(weight, config, torch.Generator())
    torch.testing.assert_close(b.T @ b, torch.eye(3), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close((weight - config.scaling * b @ a)[:, :3], torch.zeros(8, 3), rtol=0, atol=1e-5)


def test_the_length_of_a_row_is_learned_and_its_norm_is_a_constant():
    layer = layer_of()
    part = part_of(layer, LoraConfig(r=2, use_dora=True))
    whole = part.merged(layer.weight)
    torch.testing.assert_close(torch.linalg.vector_norm(whole, dim=1), part.lora_magnitude_vector.detach())
    gain = dora_gain(layer.weight, part.lora_A, part.lora_B, part.scaling, part.lora_magnitude_vector)
    gain.sum().backward()
    assert part.lora_A.grad is None and part.lora_magnitude_vector.grad is not None


def test_a_row_of_zeros_stays_a_row_of_zeros_with_dora():
    layer = layer_of()
    layer.weight[2] = 0
    part = LoraPart(layer, LoraConfig(r=2, use_dora=True), torch.Generator().manual_seed(0))
    assert torch.isfinite(part(torch.ones(3, 5), layer)).all()


def test_rank_stabilised_scaling_falls_with_the_root_of_the_rank():
    assert LoraConfig(r=16, lora_alpha=8).scaling == 0.5
    assert LoraConfig(r=16, lora_alpha=8, use_rslora=True).scaling == 2


def test_dropout_only_while_training_and_only_before_the_thin_matrices():
    layer, x = layer_of(), torch.ones(4, 5)
    part = part_of(layer, LoraConfig(r=2, lora_dropout=0.5))
    plain = part_of(layer, LoraConfig(r=2))(x, layer)
    assert not torch.equal(part(x, layer), plain)
    torch.testing.assert_close(part.eval()(x, layer), plain)
    with torch.no_grad():
        part.lora_B.zero_()
    torch.testing.assert_close(part.train()(x, layer), layer(x))


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="r=6 is larger than the matrix 6 x 5"):
        fits(6, (6, 5))
    for wrong in (
        {"r": 0},
        {"lora_alpha": 0},
        {"lora_dropout": 1.0},
        {"init_lora_weights": "pisa"},
        {"target_modules": "q_proj"},
    ):
        with pytest.raises(ConfigError):
            LoraConfig(**wrong)
