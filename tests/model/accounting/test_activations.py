"""What the way forward keeps, to the byte, against the tensors that autograd holds."""

import pytest
import torch

from groundup.model.accounting import Training, kept
from groundup.model.architectures import build
from groundup.training.objectives.causal import loss_of_targets


def kept_by_autograd(config, use, text):
    """Bytes of all tensors that the way forward leaves, weights themselves left out."""
    module = build(config, seed=1)
    module.compute_dtype = getattr(torch, use.dtype)
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    found: dict[int, int] = {}
    held = []  # so that no address is used twice

    def pack(tensor):
        held.append(tensor)
        found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        positions = torch.arange(use.seq_len).expand(use.batch, -1)  # a row's own, as in training
        loss_of_targets(module.lm_head, module.hidden(text, positions=positions).flatten(0, 1), text.flatten())
    return sum(size for address, size in found.items() if address not in weights)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_is_what_autograd_keeps(case, ids, dtype):
    use = Training(batch=4, seq_len=32, dtype=dtype)
    found = kept(case, use)
    real = kept_by_autograd(case, use, ids(4, 32))
    # left out are windows' masks and a few single numbers; of experts in bf16 the router's fp32 ones as well
    assert sum(found.values()) == pytest.approx(real, rel=0.03 if case.model_type == "mixtral" else 0.01), found
