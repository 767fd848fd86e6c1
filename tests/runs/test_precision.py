"""Which weights have a gradient while the number format is measured."""

from types import SimpleNamespace

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.runs import precision
from groundup.training.objectives.causal import causal_loss

SHAPE = {"vocab_size": 90, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def context(told):
    """What a stage tells, with every measurement made anew."""

    def measured(name, about, measure):
        told.append(about)
        return measure()

    made = {"dtype": lambda: None, "device": lambda: "cpu", "choose": lambda name, measure: measure(), "measured": measured}
    return SimpleNamespace(**made)


@pytest.mark.parametrize("frozen", [True, False])
def test_the_number_format_is_measured_with_the_gradients_that_the_step_will_have(frozen):
    module, told, seen = build(LlamaConfig(**SHAPE), seed=0), [], set()

    def objective(module, batch):
        seen.update(name for name, one in module.named_parameters() if one.requires_grad and one.dim() > 1)
        return causal_loss(module, batch)

    chosen = precision.decide(
        context(told), module, lambda: precision.synthetic_batch(module, 2, 8), objective, frozen=frozen
    )
    assert chosen in ("float32", "bfloat16")
    assert bool(seen) != frozen and told[0].get("frozen", False) == frozen
    assert all(one.requires_grad and one.grad is None for one in module.parameters())


def test_a_model_of_matrices_alone_is_measured_as_it_is():
    module = torch.nn.Linear(2, 2, bias=False)
    with precision.matrices_frozen(module):
        assert module.weight.requires_grad
