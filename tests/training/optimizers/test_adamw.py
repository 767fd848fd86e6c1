import pytest
import torch

from groundup.training.optimizers.adamw import AdamW, fastest, fused, one_by_one


@pytest.fixture(params=[one_by_one, fused], ids=["reference", "fused"])
def make(request):
    """Build an AdamW that moves by one of the two forms."""

    def build(named, **numbers):
        optimizer = AdamW(named, **numbers)
        optimizer.move = request.param
        return optimizer

    return build


def test_ten_steps_give_torchs_numbers(make, problem, run):
    named, gradients = problem()
    theirs = {name: value.clone().requires_grad_() for name, value in named.items()}
    ours = make(named, learning_rate=0.03, beta1=0.8, beta2=0.97, eps=1e-8, weight_decay=0.1)
    groups = [{"params": [theirs["matrix"]], "weight_decay": 0.1}, {"params": [theirs["gain"]], "weight_decay": 0.0}]
    peer = torch.optim.AdamW(groups, lr=0.03, betas=(0.8, 0.97), eps=1e-8, foreach=False)
    run(ours, named, gradients)
    run(peer, theirs, gradients)
    for name in named:
        torch.testing.assert_close(named[name], theirs[name].detach(), rtol=1e-6, atol=1e-6)


def test_fifty_steps_of_a_network_give_torchs_numbers(make, beside_torch):
    beside_torch(
        lambda named: make(named, learning_rate=0.02, beta1=0.8, beta2=0.97, weight_decay=0.2),
        lambda groups: torch.optim.AdamW(groups, lr=0.02, betas=(0.8, 0.97), foreach=False),
        0.2,
    )


def test_a_factor_of_the_rate_scales_the_step_and_the_decay(make, problem, run):
    (named, gradients), (half, _) = problem(), problem()
    run(make(named, learning_rate=0.02, weight_decay=0.1), named, gradients, [0.5] * 10)
    run(make(half, learning_rate=0.01, weight_decay=0.1), half, gradients)
    torch.testing.assert_close(named["matrix"], half["matrix"])


def test_vectors_do_not_decay(make):
    named = {"matrix": torch.ones(2, 2), "gain": torch.ones(2)}
    make(named, learning_rate=0.1, weight_decay=0.5).step()  # without a gradient
    assert named["matrix"].unique().tolist() == pytest.approx([0.95])
    assert named["gain"].unique().tolist() == [1.0]


def test_a_state_taken_back_goes_on_bit_for_bit(make, problem, run):
    named, gradients = problem()
    whole = {name: value.clone() for name, value in named.items()}
    run(make(whole, learning_rate=0.01), whole, gradients)
    first = make(named, learning_rate=0.01)
    run(first, named, gradients[:4])
    second = make(named, learning_rate=0.01)
    second.load({name: tensor.clone() for name, tensor in first.state().items()})
    run(second, named, gradients[4:])
    assert torch.equal(named["matrix"], whole["matrix"])


def test_bf16_weights_never_move_but_fp32_masters_do(make):
    """A weight of 1.0 and 100 updates of 6e-4: each rounds back in bf16, the sum is -0.06 in fp32 (pytorch/ao#1124)."""
    stuck = torch.ones(1, dtype=torch.bfloat16)
    for _ in range(100):
        stuck -= 6e-4
    assert float(stuck) == 1.0
    named = {"gain": torch.ones(1)}
    optimizer = make(named, learning_rate=6e-4, weight_decay=0)
    for _ in range(100):
        named["gain"].grad = torch.ones(1, dtype=torch.bfloat16).float()
        optimizer.step()
    assert float(named["gain"]) == pytest.approx(0.94, abs=1e-3)


def test_the_fused_form_is_taken_for_fp32_weights_only():
    assert fastest([torch.zeros(2)]) is fused
    assert fastest([torch.zeros(2), torch.zeros(2, dtype=torch.float64)]) is one_by_one
