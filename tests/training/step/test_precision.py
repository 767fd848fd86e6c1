import torch

from groundup.training.objectives.causal import causal_loss
from groundup.training.step import accumulate, choose_dtype


def test_the_choice_of_a_number_format_leaves_the_model_as_it_was(tiny, batches):
    module = tiny()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    assert choose_dtype(module, batches(0), causal_loss, repeats=1) in ("float32", "bfloat16")
    assert module.compute_dtype == torch.float32
    assert all(
        parameter.grad is None and torch.equal(parameter, before[name]) for name, parameter in module.named_parameters()
    )


def test_bf16_compute_keeps_fp32_weights_and_gradients(tiny, batches):
    module = tiny()
    module.compute_dtype = torch.bfloat16
    accumulate(module, [batches(0)], causal_loss)
    assert all(parameter.dtype == parameter.grad.dtype == torch.float32 for parameter in module.parameters())
