import pytest
import torch

from groundup.training.objectives.causal import causal_loss
from groundup.training.step import accumulate, choose_dtype, clip_


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


def test_clipping_equals_torchs_and_leaves_short_gradients_alone():
    for limit in (0.5, 100.0, 0.0):
        ours, theirs = ([torch.zeros(3, 2), torch.zeros(4)] for _ in range(2))
        for index in range(2):
            ours[index].grad = torch.randn(ours[index].shape)
            theirs[index].grad = ours[index].grad.clone()
        expected = torch.nn.utils.clip_grad_norm_(theirs, limit or float("inf"))
        assert clip_(ours, limit) == pytest.approx(float(expected))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-6)


def test_gradients_that_are_not_there_have_norm_0():
    assert clip_([torch.zeros(2)], 1.0) == 0.0


def test_the_choice_of_a_number_format_leaves_the_model_as_it_was(tiny, batches):
    module = tiny()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    assert choose_dtype(module, batches(0), causal_loss, repeats=1) in ("float32", "bfloat16")
    assert module.compute_dtype == torch.float32
    assert all(parameter.grad is None and torch.equal(parameter, before[name]) for name, parameter in module.named_parameters())


def test_bf16_compute_keeps_fp32_weights_and_gradients(tiny, batches):
    module = tiny()
    module.compute_dtype = torch.bfloat16
    accumulate(module, [batches(0)], causal_loss)
    assert all(parameter.dtype == parameter.grad.dtype == torch.float32 for parameter in module.parameters())
