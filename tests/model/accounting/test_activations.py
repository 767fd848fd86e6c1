"""What the way forward keeps, against the tensors that autograd holds: to the byte where nothing is left out."""

import pytest
import torch

from groundup.model.accounting import Training, activations, kept
from groundup.model.architectures import FAMILIES, build
from groundup.model.attention import scaled_dot_product, staircase
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


# left out are windows' masks and a few single numbers; of experts in bf16 the router's fp32 ones and the gate of the shared one;
# ALiBi's bias (heads x length^2, one for all blocks), which in a model of 32 is 3 %
COARSER = {"mixtral": 0.03, "qwen3_moe": 0.03, "qwen2_moe": 0.07, "deepseek_v3": 0.04, "bloom": 0.03}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_is_what_autograd_keeps(case, ids, dtype):
    use = Training(batch=4, seq_len=32, dtype=dtype)
    found = kept(case, use)
    real = kept_by_autograd(case, use, ids(4, 32))
    assert sum(found.values()) == pytest.approx(real, rel=COARSER.get(case.model_type, 0.01)), found


@pytest.mark.parametrize("family", ["llama", "qwen3", "groundup"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "changes", [{}, {"num_key_value_heads": 4, "tie_word_embeddings": True}, {"num_hidden_layers": 3}]
)
def test_without_windows_and_experts_it_is_that_to_the_byte(family, dtype, changes, ids):
    sizes = {
        "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    }  # fmt: skip
    config = FAMILIES[family][0](**sizes | changes)
    use = Training(batch=4, seq_len=32, dtype=dtype)
    assert sum(kept(config, use).values()) == kept_by_autograd(config, use, ids(4, 32))


def test_the_kernels_constants_are_the_kernels():
    assert (activations.WHOLE_SCORES_UP_TO, activations.STEP) == (
        scaled_dot_product.WHOLE_SCORES_UP_TO,
        staircase.STEP,
    )
    for seq in (64, 128, 256, 300, 1024):
        held = staircase.scores_held(seq) if staircase.fits(seq) else seq * seq
        assert activations.scores_kept(Training(seq_len=seq, dtype="bfloat16"), causal=True) * seq == 2 * held


@pytest.mark.parametrize("bias", [activations.FIXED, activations.LEARNED])
def test_with_a_bias_scores_are_held_of_all_keys_or_where_it_does_not_learn_as_without(bias):
    short, long = Training(seq_len=256, dtype="bfloat16"), Training(seq_len=256, dtype="float32")
    assert activations.scores_kept(short, True, bias) == 2 * 256
    assert activations.scores_kept(long, True, bias) == (4 * 256 if bias == activations.LEARNED else 4)
