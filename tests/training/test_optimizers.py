import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.training import optimizers
from groundup.training.config import TrainConfig


def problem(seed=0):
    """A matrix and a vector, and gradients for ten steps."""
    generator = torch.Generator().manual_seed(seed)
    named = {"matrix": torch.randn(5, 3, generator=generator), "gain": torch.randn(4, generator=generator)}
    gradients = [
        {name: torch.randn(value.shape, generator=generator) for name, value in named.items()} for _ in range(10)
    ]
    return named, gradients


def run(optimizer, named, gradients, factors=None):
    for index, table in enumerate(gradients):
        for name, parameter in named.items():
            parameter.grad = table[name].clone()
        optimizer.step(*([] if factors is None else [factors[index]]))


def test_adamw_equals_torchs_numbers_after_ten_steps():
    named, gradients = problem()
    theirs = {name: value.clone().requires_grad_() for name, value in named.items()}
    ours = optimizers.AdamW(named, learning_rate=0.03, beta1=0.8, beta2=0.97, eps=1e-8, weight_decay=0.1)
    peer = torch.optim.AdamW(
        [{"params": [theirs["matrix"]], "weight_decay": 0.1}, {"params": [theirs["gain"]], "weight_decay": 0.0}],
        lr=0.03,
        betas=(0.8, 0.97),
        eps=1e-8,
    )
    run(ours, named, gradients)
    run(peer, theirs, gradients)
    for name in named:
        torch.testing.assert_close(named[name], theirs[name].detach(), rtol=1e-6, atol=1e-6)


def test_a_factor_of_the_rate_scales_the_step_and_the_decay():
    named, gradients = problem()
    half, _ = problem()
    run(optimizers.AdamW(named, learning_rate=0.02, weight_decay=0.1), named, gradients, [0.5] * 10)
    run(optimizers.AdamW(half, learning_rate=0.01, weight_decay=0.1), half, gradients)
    torch.testing.assert_close(named["matrix"], half["matrix"])


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 1000))
def test_orthogonalised_matrices_keep_their_singular_vectors_and_get_values_near_1(rows, columns, seed):
    matrix = torch.randn(1, rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    u, values, vt = torch.linalg.svd(matrix[0], full_matrices=False)
    inside = u.mT @ optimizers.orthogonalize(matrix, torch.float64)[0] @ vt.mT
    diagonal = inside.diagonal()
    assert (inside - torch.diag(diagonal)).abs().max() < 1e-6
    assert ((diagonal > 0.6) & (diagonal < 1.25))[values / values.norm() > 0.02].all()


def test_the_first_muon_step_moves_every_matrix_by_an_orthogonal_one():
    named = {"a": torch.zeros(6, 3), "b": torch.zeros(6, 3)}
    for parameter in named.values():
        parameter.grad = torch.randn(parameter.shape)
    optimizers.Muon(named, learning_rate=0.1).step()
    for parameter in named.values():
        values = torch.linalg.svdvals(parameter) / (0.1 * 2**0.5)  # twice as tall as wide
        assert ((values > 0.6) & (values < 1.25)).all()


def test_matrices_of_one_shape_do_not_mix():
    alone, together = {"a": torch.ones(4, 4)}, {"a": torch.ones(4, 4), "b": torch.ones(4, 4)}
    gradient = torch.randn(4, 4)
    for named in (alone, together):
        named["a"].grad = gradient.clone()
        optimizers.Muon(named, learning_rate=0.1).step()
    torch.testing.assert_close(alone["a"], together["a"])


@pytest.mark.parametrize(
    "make",
    [
        lambda named: optimizers.AdamW(named, learning_rate=0.01),
        lambda named: optimizers.Muon({"matrix": named["matrix"]}, learning_rate=0.01),
    ],
)
def test_a_state_taken_back_goes_on_bit_for_bit(make):
    named, gradients = problem()
    whole = {name: value.clone() for name, value in named.items()}
    run(make(whole), whole, gradients)
    first = make(named)
    run(first, named, gradients[:4])
    state = {name: tensor.clone() for name, tensor in first.state().items()}
    second = make(named)
    second.load(state)
    run(second, named, gradients[4:])
    assert torch.equal(named["matrix"], whole["matrix"])


def test_bf16_weights_never_move_but_fp32_masters_do():
    """A weight of 1.0 and 100 updates of 6e-4: each rounds back in bf16, the sum is -0.06 in fp32."""
    stuck = torch.ones(1, dtype=torch.bfloat16)
    for _ in range(100):
        stuck -= 6e-4
    assert float(stuck) == 1.0
    named = {"gain": torch.ones(1)}
    optimizer = optimizers.AdamW(named, learning_rate=6e-4, weight_decay=0)
    for _ in range(100):
        named["gain"].grad = torch.ones(1, dtype=torch.bfloat16).float()
        optimizer.step()
    assert float(named["gain"]) == pytest.approx(0.94, abs=1e-3)


def test_muon_takes_the_matrices_inside_the_blocks_and_adamw_the_rest(tiny):
    module = tiny()
    muon, adam = optimizers.build_optimizer(module, TrainConfig()).parts
    assert all(".layers." in name for name in muon.parameters)
    assert set(muon.parameters) | set(adam.names) == set(dict(module.named_parameters()))
    assert {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"} <= set(adam.names)
