import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.training.step import cross_entropy as module
from groundup.training.step.cross_entropy import cross_entropy, cross_entropy_in_pieces


def problem(tokens, vocab, width, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, width, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(vocab, width, generator=generator).requires_grad_()
    return hidden, weight, torch.randint(0, vocab, (tokens,), generator=generator)


def gradients(function, hidden, weight, targets):
    loss = function(hidden, weight, targets)
    return [loss.detach(), *torch.autograd.grad(loss / 7, (hidden, weight))]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(2, 60), st.integers(1, 9), st.integers(0, 999))
def test_loss_and_gradients_equal_torchs_whatever_the_number_of_pieces(tokens, vocab, width, seed):
    made = problem(tokens, vocab, width, seed=seed)
    expected = gradients(cross_entropy, *made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST_ROWS", 3)
        patch.setattr(module, "PIECE", 1)
        for ours, theirs in zip(gradients(cross_entropy_in_pieces, *made), expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_bf16_is_as_near_to_fp32_as_torchs_own_bf16():
    hidden, weight, targets = problem(300, 500, 32, torch.bfloat16)
    exact = gradients(cross_entropy, hidden.detach().float().requires_grad_(), weight, targets)
    theirs, ours = (
        gradients(function, hidden, weight, targets) for function in (cross_entropy, cross_entropy_in_pieces)
    )
    for one, other, right in zip(ours, theirs, exact, strict=True):
        assert (one - right).abs().max() <= 1.5 * (other - right).abs().max() + 1e-6


def test_large_scores_do_not_overflow():
    hidden, weight, targets = torch.full((2, 1), 100.0), torch.tensor([[50.0], [-50.0]]), torch.tensor([0, 1])
    assert float(cross_entropy_in_pieces(hidden, weight, targets)) == 10_000.0


def test_a_frozen_head_and_a_frozen_body_get_no_gradient():
    hidden, weight, targets = problem(4, 5, 3)
    cross_entropy_in_pieces(hidden, weight.detach(), targets).backward()
    assert hidden.grad is not None
    cross_entropy_in_pieces(hidden.detach(), weight, targets).backward()
    assert weight.grad is not None


def test_no_token_at_all_has_loss_0():
    hidden, weight, targets = problem(0, 5, 3)
    cross_entropy_in_pieces(hidden, weight, targets).backward()
    assert not weight.grad.any()
