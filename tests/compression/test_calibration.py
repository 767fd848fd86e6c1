"""What goes into each matrix, and blocks that are changed in order."""

import pytest
import torch

from groundup.compression import calibration
from groundup.errors import InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict

QWEN = {
    "model_type": "qwen3", "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "tie_word_embeddings": True,
}  # fmt: skip
GPT2 = {"model_type": "gpt2", "vocab_size": 50, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
MISTRAL = QWEN | {"model_type": "mistral", "sliding_window": 8}
TEXTS = [
    list(range(1, 50)),
    list(range(40, 3, -1)),
    *[[n % 50 for n in range(k, k * 11, 3)][:60] for k in range(9, 19)],
]


@pytest.mark.parametrize("raw", [QWEN, GPT2, MISTRAL], ids=lambda raw: raw["model_type"])
def test_moments_are_the_sums_of_what_each_map_reads(raw):
    module = build(config_from_dict(raw), seed=1)
    found = calibration.moments(module, TEXTS)
    name, part = next((name, part) for name, part in calibration.linear_maps(module).items() if "layers.1" in name)
    read = []
    hook = part.register_forward_hook(
        lambda _part, given, _out: read.append(given[0].reshape(-1, given[0].shape[-1]).double())
    )
    with torch.inference_mode():
        for text in TEXTS:
            module(torch.tensor([text]))
    hook.remove()
    x = torch.cat(read)
    torch.testing.assert_close(found[name].double(), x.T @ x, rtol=1e-4, atol=1e-4)
    assert found.keys() == calibration.linear_maps(module).keys()


@pytest.mark.parametrize("raw", [QWEN, GPT2, MISTRAL], ids=lambda raw: raw["model_type"])
def test_a_block_reads_what_the_changed_ones_before_it_give(raw):
    module, seen = build(config_from_dict(raw), seed=1), {}

    def change(name, part, moments):
        seen[name] = moments
        part.weight.mul_(0.5)

    calibration.in_order(module, TEXTS, change)
    first = build(config_from_dict(raw), seed=1)
    unchanged = calibration.moments(first, TEXTS)
    for part in (part for name, part in calibration.linear_maps(first).items() if "layers.0." in name):
        part.weight.data.mul_(0.5)
    behind = calibration.moments(first, TEXTS)
    for name, moments in seen.items():
        if "layers.0." in name:
            torch.testing.assert_close(moments, unchanged[name], rtol=1e-4, atol=1e-3)
        elif "layers.1." in name:
            torch.testing.assert_close(moments, behind[name], rtol=1e-4, atol=1e-3)


def test_too_little_text_and_other_models_are_refused():
    module = build(config_from_dict(QWEN), seed=1)
    with pytest.raises(InputError, match="have 3 tokens; give at least 256"):
        calibration.moments(module, [[1, 2, 3], [4]])
    with pytest.raises(UnsupportedModel, match="a Linear is not compressed"):
        calibration.linear_maps(torch.nn.Linear(2, 2))
