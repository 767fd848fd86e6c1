import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.compression.quantization.nf4 import NF4Linear, quantize, quantized_bytes
from groundup.errors import InputError
from groundup.machine.probe.allocation import peak_bytes
from groundup.model.accounting import Lora, Training, count, memory
from groundup.model.accounting.use import NF4
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.layers.linear import Linear
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import loss_of_targets
from groundup.training.optimizers import build_optimizer
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.many import apply, merge
from groundup.tuning.efficient.qlora import bytes_of


def test_double_quantised_weights_take_the_bytes_that_the_accounting_says(make):
    module = make()
    whole, matrices = count(module.config).parameters, [
        one.weight.shape for path, one in module.named_modules() if type(one) is Linear and ".layers." in path
    ]  # fmt: skip
    quantize(module)
    expected = 4 * (whole - sum(rows * columns for rows, columns in matrices)) + sum(
        quantized_bytes(shape) for shape in matrices
    )
    assert bytes_of(module) == expected


def test_a_quantised_model_is_trained_merged_and_not_quantised_twice(make, ids):
    module = make()
    quantize(module)
    with pytest.raises(InputError, match="quantised already"):
        quantize(module)
    adapted = drawn(apply(module, LoraConfig(r=2, target_modules=("all-linear",))), 2, 0.1)
    adapted(ids).square().mean().backward()
    assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in adapted.parameters())
    with torch.no_grad():
        before = adapted(ids)
        merged = merge(adapted)
        torch.testing.assert_close(merged(ids), before, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(one, NF4Linear) for one in merged.modules())


@pytest.mark.parametrize("rows", [1, 8])
def test_a_step_holds_what_the_accounting_says_within_a_tenth(rows):
    config = LlamaConfig(
        vocab_size=2048, hidden_size=256, intermediate_size=704, num_hidden_layers=4, num_attention_heads=4, tie_word_embeddings=True
    )  # fmt: skip
    module = build(config, seed=0)
    targets = tuple({path.rpartition(".")[2]: 0 for path, one in module.named_modules() if type(one) is Linear and ".layers." in path})
    quantize(module)
    adapted = apply(module, LoraConfig(r=8, target_modules=targets))
    optimizer = build_optimizer(adapted, TrainConfig(optimizer="adamw"))
    text = torch.randint(0, 2048, (rows, 256), generator=torch.Generator().manual_seed(0))

    def step():
        loss = loss_of_targets(adapted.lm_head, adapted.hidden(text).flatten(0, 1), text.flatten())
        (loss / text.numel()).backward()
        optimizer.step()
        adapted.zero_grad(set_to_none=True)

    step()  # the optimiser's numbers are there
    learned = sum(one.numel() for one in adapted.parameters())
    found = memory(config, Training(batch=rows, seq_len=256, lora=Lora(rank=8, targets=targets, nf4=True)))
    decoded = 4 * 704 * 256  # by NumPy, so not seen by torch's allocator
    assert bytes_of(adapted.base) + 12 * learned + peak_bytes(step) + decoded == pytest.approx(found.total, rel=0.1), found


def test_the_accounting_counts_a_quantised_weight_as_it_is_held():
    assert NF4 * 1024**2 == quantized_bytes((1024, 1024))
