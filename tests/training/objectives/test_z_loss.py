"""The z-loss against autograd on the formula, inside the chunked cross-entropy, and what it does to a head that drifts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import ConfigError
from groundup.model.layers.linear import Linear
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss, loss_of_targets
from groundup.training.objectives.z_loss import PALM, charged, drift, z_penalty
from groundup.training.step import cross_entropy as pieces


def drawn(seed, tokens=7, hidden=5, vocab=11, scale=1.0):
    source = torch.Generator().manual_seed(seed)
    states, weight = (torch.randn(*shape, generator=source) * scale for shape in ((tokens, hidden), (vocab, hidden)))
    return states, weight, torch.randint(vocab, (tokens,), generator=source)


def formula(states, weight, targets, z):
    """PaLM's loss, written out in fp64."""
    scores = states.double() @ weight.double().T
    log_z = scores.exp().sum(1).log()
    return (log_z - scores.gather(1, targets[:, None])[:, 0]).sum(), z * log_z.square().sum()


def test_the_penalty_by_hand():
    assert z_penalty(torch.tensor([[0.0, 0.0], [3.0, -float("inf")]])).item() == pytest.approx(0.6931472**2 + 9)


def test_scores_of_any_size_have_a_finite_penalty():
    assert z_penalty(torch.full((1, 4), 1e4)).item() == pytest.approx(1e8, rel=1e-3)
    assert drift(torch.tensor([[3.0, -float("inf")], [-4.0, -float("inf")]])) == pytest.approx((12.5**0.5, -0.5))


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 9999), some.sampled_from([0.0, 1e-4, 0.1]), some.sampled_from([0.3, 3.0]))
def test_the_gradient_in_pieces_is_that_of_the_formula(seed, z, scale):
    states, weight, targets = drawn(seed, scale=scale)
    ours = [states.clone().requires_grad_(), weight.clone().requires_grad_()]
    theirs = [states.double().requires_grad_(), weight.double().requires_grad_()]
    loss = pieces.cross_entropy_in_pieces(*ours, targets, z)
    surprise, charge = formula(*theirs, targets, z)
    torch.testing.assert_close(loss.double(), surprise, rtol=1e-4, atol=1e-4)  # the value stays the surprise
    for mine, other in zip(
        torch.autograd.grad(loss, ours), torch.autograd.grad(surprise + charge, theirs), strict=True
    ):
        torch.testing.assert_close(mine.double(), other, rtol=1e-4, atol=1e-4 * scale)


def test_many_pieces_give_what_one_gives(monkeypatch):
    states, weight, targets = drawn(0, tokens=700, hidden=8, vocab=50)
    results = []
    for piece in (1 << 20, 50 * 128):
        monkeypatch.setattr(pieces, "PIECE", piece)
        ours = [states.clone().requires_grad_(), weight.clone().requires_grad_()]
        results.append(torch.autograd.grad(pieces.cross_entropy_in_pieces(*ours, targets, 0.1), ours))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_a_head_of_any_kind_is_charged(bias):
    """One matrix goes through the pieces, anything else through autograd; both are the formula's."""
    states, weight, targets = drawn(1)
    head = Linear(5, 11, bias=bias)
    with torch.no_grad():
        head.weight.copy_(weight)
        if bias:
            head.bias.zero_()
    mine, theirs = states.clone().requires_grad_(), states.double().requires_grad_()
    loss = loss_of_targets(head, mine, targets, 0.1)
    surprise, charge = formula(theirs, weight, targets, 0.1)
    assert loss.item() == pytest.approx(surprise.item(), rel=1e-5)
    expected = torch.autograd.grad(surprise + charge, theirs)[0]
    torch.testing.assert_close(torch.autograd.grad(loss, mine)[0].double(), expected, rtol=1e-4, atol=1e-5)


def test_without_a_coefficient_nothing_changes(tiny, batches):
    one, other = tiny(), tiny()
    (plain, _), (off, _) = causal_loss(one, batches(0)), causal_loss(other, batches(0), z_loss=0.0)
    plain.backward(), off.backward()
    assert torch.equal(plain, off)
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    scores = torch.randn(3, 4, requires_grad=True)
    assert charged(scores.sum(), scores, 0.0).item() == scores.sum().item()


def test_it_takes_a_drift_back_that_the_surprise_does_not_see():
    """Scores that stand 30 too high are as good to a softmax; with the penalty they come down, and the surprise stays as it was."""
    ends = {}
    for z in (0.0, 0.01):
        shift = torch.tensor(30.0, requires_grad=True)
        scores = torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
        targets = scores.softmax(1).multinomial(1, generator=torch.Generator().manual_seed(1))[:, 0]
        optimizer = torch.optim.SGD([shift], 0.3)
        for _ in range(400):
            shifted = scores + shift
            loss = torch.nn.functional.cross_entropy(shifted, targets, reduction="sum")
            (charged(loss, shifted, z) / 64).backward()
            optimizer.step()
            optimizer.zero_grad()
        ends[z] = (drift(scores + shift.detach())[0], loss.item())
    assert ends[0.0][0] > 30 and ends[0.01][0] < 5
    assert ends[0.0][1] == pytest.approx(ends[0.01][1], rel=1e-4)


@pytest.mark.parametrize("value", [-1e-4, 1.0, float("nan")])
def test_a_coefficient_that_cannot_be_is_refused(value):
    with pytest.raises(ConfigError, match=r"z_loss=\S+ must be at least 0 and below 1; use 1e-4, or 0 for none"):
        TrainConfig(z_loss=value)
    assert TrainConfig(z_loss=PALM).z_loss == 1e-4
