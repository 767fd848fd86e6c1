import pytest
import torch

from groundup.training.objectives.causal import causal_loss
from groundup.training.step.accumulation import accumulate


def gradients(module):
    return {name: parameter.grad.clone() for name, parameter in module.named_parameters()}


def test_accumulated_batches_of_3_and_9_targets_have_the_large_batchs_loss_and_gradient(tiny, make_batch):
    """The mean of two means would weigh the three tokens as much as the nine."""
    ids = torch.randint(0, 64, (2, 10))
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[0, 3:] = False
    large, parts = tiny(), tiny()
    whole = accumulate(large, [make_batch(ids[:, :-1], ids[:, 1:], mask)], causal_loss)
    rows = [make_batch(ids[row : row + 1, :-1], ids[row : row + 1, 1:], mask[row : row + 1]) for row in range(2)]
    summed = accumulate(parts, rows, causal_loss)
    assert summed == pytest.approx(whole, rel=1e-6)
    for name, gradient in gradients(large).items():
        torch.testing.assert_close(gradients(parts)[name], gradient, rtol=1e-4, atol=1e-6)


def test_an_objective_of_ones_own_is_accumulated_by_its_targets_too(tiny, make_batch):
    def doubled(module, batch):
        loss, count = causal_loss(module, batch)
        return 2 * loss, count

    ids = torch.randint(0, 64, (1, 9))
    batch = make_batch(ids[:, :-1], ids[:, 1:])
    assert accumulate(tiny(), [batch, batch], doubled) == pytest.approx(2 * accumulate(tiny(), [batch], causal_loss))


def test_a_batch_without_targets_adds_nothing(tiny, make_batch):
    ids = torch.randint(0, 64, (1, 9))
    empty = make_batch(ids[:, :-1], ids[:, 1:], torch.zeros(1, 8, dtype=torch.bool))
    assert accumulate(tiny(), [empty], causal_loss) == 0.0
