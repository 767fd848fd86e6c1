import json

import pytest
import torch
from tests.tuning.efficient.conftest import CONFIGS, SHAPE, drawn

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats.huggingface import save_model
from groundup.tuning.efficient.config import AdaLoraConfig, BottleneckConfig, IA3Config, LoraConfig, PromptConfig
from groundup.tuning.efficient.many import apply
from groundup.tuning.efficient.peft_files import load_adapter, save_adapter

METHODS = {
    "lora": LoraConfig(r=4, lora_alpha=12),
    "rank-stabilised": LoraConfig(r=4, use_rslora=True, target_modules=("q_proj", "down_proj")),
    "dora": LoraConfig(r=4, use_dora=True),
    "all linear": LoraConfig(r=2, target_modules=("all-linear",)),
    "pissa": LoraConfig(r=4, init_lora_weights="pissa"),
    "olora": LoraConfig(r=4, init_lora_weights="olora"),
    "adalora": AdaLoraConfig(init_r=5, target_r=3),
    "ia3": IA3Config(),
    "prompt": PromptConfig(num_virtual_tokens=3),
    "prefix": PromptConfig(kind="prefix", num_virtual_tokens=3),
    "p_tuning": PromptConfig(kind="p_tuning", num_virtual_tokens=3, encoder_hidden_size=16),
}
SLOW = pytest.mark.slow  # each makes a model of transformers and loads its files


def pairs(names, plain):
    """Every family with every method; those that are not plain are slow."""
    every = [(family, name) for family in ("llama", "mistral") for name in names]
    return pytest.mark.parametrize(
        ("family", "name"), [pytest.param(*one, marks=() if one in plain else SLOW) for one in every]
    )


@pairs(METHODS, [("llama", "dora"), ("mistral", "lora"), ("mistral", "ia3")])
def test_peft_loads_what_is_written_here_with_the_same_logits(make, ids, tmp_path, family, name):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    module = make(family)
    save_model(tmp_path / "base", module)
    adapted = apply(module, METHODS[name])
    drawn(adapted, 2, 0.1)
    save_adapter(tmp_path / "adapter", adapted, base=str(tmp_path / "base"))
    theirs = peft.PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", attn_implementation="eager"),
        tmp_path / "adapter",
    ).eval()
    with torch.no_grad():
        logits = theirs(ids).logits
        expected = logits[:, -ids.shape[1] :]  # a prompt of PEFT has logits of its own
        assert (logits - theirs.base_model(ids).logits if name == "prefix" else logits).abs().max() > 0.01
        torch.testing.assert_close(adapted(ids), expected, rtol=1e-4, atol=2e-5)


@pairs(["lora", "dora", "adalora", "ia3", "prompt", "prefix"], [("llama", "lora")])
def test_what_peft_writes_is_loaded_here_with_the_same_logits(make, ids, tmp_path, family, name):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    save_model(tmp_path / "base", make(family))
    targets = ["q_proj", "v_proj", "down_proj"]
    config = {
        "lora": peft.LoraConfig(r=4, lora_alpha=9, target_modules=targets, task_type="CAUSAL_LM"),
        "dora": peft.LoraConfig(r=4, use_dora=True, target_modules=targets, task_type="CAUSAL_LM"),
        "adalora": peft.AdaLoraConfig(
            init_r=4, target_r=2, total_step=10, target_modules=targets, task_type="CAUSAL_LM"
        ),
        "ia3": peft.IA3Config(target_modules=targets, feedforward_modules=["down_proj"], task_type="CAUSAL_LM"),
        "prompt": peft.PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM"),
        "prefix": peft.PrefixTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM"),
    }[name]
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", attn_implementation="eager")
    theirs = peft.get_peft_model(base, config).eval()
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.1)
        expected = theirs(ids).logits[:, -ids.shape[1] :]
    theirs.save_pretrained(tmp_path / "adapter")
    adapted = load_adapter(tmp_path / "adapter", make(family))
    with torch.no_grad():
        torch.testing.assert_close(adapted(ids), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("config", [*METHODS.values(), BottleneckConfig(width=4)], ids=[*METHODS, "bottleneck"])
def test_an_adapter_comes_back_to_the_last_bit(make, ids, tmp_path, config):
    adapted = drawn(apply(make(), config), 2, 0.1).eval()
    save_adapter(tmp_path / "adapter", adapted)
    again = load_adapter(tmp_path / "adapter", make())
    with torch.no_grad():
        close = 1e-6 if getattr(config, "init_lora_weights", "kaiming") in ("pissa", "olora") else 0
        torch.testing.assert_close(again(ids), adapted(ids), rtol=close, atol=close)


@pytest.mark.parametrize("initial", ["pissa", "olora"])
@pytest.mark.parametrize("r", [9, 16])
def test_twice_a_large_rank_is_loaded_again(make, ids, tmp_path, initial, r):
    """The files of these have twice the rank, more than the matrix of 16 x 32 has, and were refused as if a user had asked for it."""
    adapted = drawn(apply(make(), LoraConfig(r=r, init_lora_weights=initial)), 2, 0.1).eval()
    save_adapter(tmp_path / "adapter", adapted)
    again = load_adapter(tmp_path / "adapter", make())
    with torch.no_grad():
        torch.testing.assert_close(again(ids), adapted(ids), rtol=1e-4, atol=1e-5)


OTHERS = {
    "gpt2": {"model_type": "gpt2", "vocab_size": 90, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "opt": {
        "model_type": "opt", "vocab_size": 90, "hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 64, "word_embed_proj_dim": 32,
    },
    "gpt_neox": {
        "model_type": "gpt_neox", "vocab_size": 90, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 64,
    },
}  # fmt: skip


@pytest.mark.parametrize("inside", [("down_proj",), ("o_proj", "down_proj")])
@pytest.mark.parametrize("family", OTHERS)
def test_ia3_comes_back_in_families_that_call_their_matrices_otherwise(family, inside, ids, tmp_path):
    """The file says c_proj, fc2 or dense_4h_to_h where we say down_proj, and none was found to be feed-forward."""
    config = IA3Config(target_modules=("up_proj", *inside), feedforward_modules=("down_proj",))
    module = drawn(build(config_from_dict(OTHERS[family]), seed=0))
    adapted = drawn(apply(module, config), 2, 0.1).eval()
    save_adapter(tmp_path / "adapter", adapted)
    again = load_adapter(tmp_path / "adapter", drawn(build(config_from_dict(OTHERS[family]), seed=0)))
    for (path, _, one), (_, _, other) in zip(adapted.around("default"), again.around("default"), strict=True):
        assert one.inside == other.inside == path.endswith("down_proj")
    with torch.no_grad():
        torch.testing.assert_close(again(ids), adapted(ids), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "inside"),
    [("gpt2", "mlp.c_proj"), ("opt", "fc2"), pytest.param("gpt_neox", "dense_4h_to_h", marks=SLOW)],
)
def test_pefts_ia3_of_other_families_is_loaded_here_and_the_reverse(family, inside, ids, tmp_path):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    module = drawn(build(config_from_dict(OTHERS[family]), seed=0))
    save_model(tmp_path / "base", module)

    def base():
        return transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", attn_implementation="eager")

    told = peft.IA3Config(target_modules=[inside], feedforward_modules=[inside], task_type="CAUSAL_LM")
    theirs = peft.get_peft_model(base(), told).eval()
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if "ia3_l" in name:
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.3)
        expected = theirs(ids).logits
    theirs.save_pretrained(tmp_path / "theirs")
    adapted = load_adapter(tmp_path / "theirs", module)
    save_adapter(tmp_path / "ours", adapted, base=str(tmp_path / "base"))
    back = peft.PeftModel.from_pretrained(base(), tmp_path / "ours").eval()
    with torch.no_grad():
        torch.testing.assert_close(adapted(ids), expected, rtol=1e-4, atol=2e-5)
        torch.testing.assert_close(back(ids).logits, expected, rtol=1e-4, atol=2e-5)


def test_an_adapter_for_another_base_is_refused_with_both_shapes(make, tmp_path):
    save_adapter(tmp_path / "adapter", apply(make(), LoraConfig(r=2)))
    wide = build(type(CONFIGS["llama"])(**(SHAPE | {"hidden_size": 64}), tie_word_embeddings=False), seed=0)
    with pytest.raises(FormatError, match=r"another base: .*\(2, 32\).*\(32, 64\)"):
        load_adapter(tmp_path / "adapter", wide)
    shallow = build(type(CONFIGS["llama"])(**(SHAPE | {"num_hidden_layers": 1}), tie_word_embeddings=False), seed=0)
    with pytest.raises(FormatError, match="no such layer"):
        load_adapter(tmp_path / "adapter", shallow)
    save_adapter(tmp_path / "prompt", apply(make(), PromptConfig()))
    with pytest.raises(FormatError, match=r"\(16, 32\).*\(16, 64\)"):
        load_adapter(tmp_path / "prompt", wide)


def test_folders_that_cannot_be_used_say_why(make, tmp_path):
    with pytest.raises(InputError, match="no adapter_config.json"):
        load_adapter(tmp_path, make())
    folder = tmp_path / "adapter"
    save_adapter(folder, apply(make(), LoraConfig(r=2)))
    told = json.loads((folder / "adapter_config.json").read_text())
    for change, sentence in (
        ({"peft_type": "VERA"}, "VERA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "biases"),
        ({"init_lora_weights": "pissa_niter_4"}, "base that PEFT changed"),  # its base is W less the first matrices
        ({"init_lora_weights": "olora"}, "base that PEFT changed"),
    ):
        (folder / "adapter_config.json").write_text(json.dumps(told | change))
        with pytest.raises(UnsupportedModel, match=sentence):
            load_adapter(folder, make())
    (folder / "adapter_config.json").write_text(json.dumps(told | {"r": 0}))
    with pytest.raises(FormatError, match="r=0"):
        load_adapter(folder, make())
    for count in ({}, {"num_virtual_tokens": "4"}):
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "PROMPT_TUNING"} | count))
        with pytest.raises(FormatError, match="num_virtual_tokens"):
            load_adapter(folder, make())
    (folder / "adapter_config.json").write_text(json.dumps(told | {"r": 3}))
    module = make()
    with pytest.raises(FormatError, match="is wanted"):
        load_adapter(folder, module)
    assert not any("base_layer" in name for name, _ in module.named_modules())  # nothing of it stays
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(FormatError, match="pickle"):
        load_adapter(folder, make())
