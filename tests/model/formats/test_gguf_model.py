"""Models in GGUF files: transformers reads what is written here with equal logits, names are ggml's, what is lost is refused."""

import dataclasses

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.model.architectures import FAMILIES, build
from groundup.model.formats import gguf
from groundup.model.formats.gguf import Outgoing, read
from groundup.model.formats.gguf_config import ARCHITECTURES, WRITTEN_AS, config_of
from groundup.model.formats.gguf_model import load_gguf, save_gguf, to_halves, to_pairs

SIZES = dict(
    vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=8, max_position_embeddings=48
)  # fmt: skip
WIDE = dict(
    head_dim=256, query_pre_attn_scalar=256, num_attention_heads=2, num_key_value_heads=1
)  # what transformers assumes
CASES = {
    "llama": dict(num_key_value_heads=2),
    "mistral": dict(num_key_value_heads=2),
    "qwen2": dict(num_key_value_heads=2, tie_word_embeddings=True),
    "qwen3": dict(num_key_value_heads=4, head_dim=16),
    "gpt2": dict(),
    "gemma": dict(num_key_value_heads=2, head_dim=16),
    "gemma2": dict(sliding_window=4) | WIDE,
    "gemma3_text": dict(sliding_window=4, num_hidden_layers=6) | WIDE,
    "phi3": dict(num_key_value_heads=2),
    "starcoder2": dict(num_key_value_heads=2, tie_word_embeddings=False),
    "stablelm": dict(num_key_value_heads=8, partial_rotary_factor=0.25, use_qkv_bias=True),
    "olmo2": dict(num_key_value_heads=2, rms_norm_eps=1e-6),
}
# transformers' reader knows no gemma and olmo2; of qwen3 it takes a head_dim of its own, of starcoder2 a theta
READ_BY_TRANSFORMERS = ("llama", "mistral", "qwen2", "gpt2", "gemma2", "gemma3_text", "phi3", "stablelm")


def randomly(family, **changes):
    """A tiny module with every parameter random, gains included."""
    module = build(FAMILIES[family][0](**SIZES | CASES[family] | changes), seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.2 if parameter.dim() > 1 or "bias" in name else 1 + noise * 0.2)
    return module.eval()


def text(*shape):
    return torch.randint(0, 96, shape, generator=torch.Generator().manual_seed(1))


def read_by_transformers(path):
    """The model as transformers' own reader makes it; from_pretrained would ask for accelerate first."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    said = load_gguf_checkpoint(path)["config"]
    said |= {"pad_token_id": None, "eos_token_id": None}  # Phi-3's own are beyond a small vocabulary
    if "n_ctx" in said:  # GPT-2's, which it reads in part
        said |= {
            "n_positions": said["n_ctx"],
            "n_inner": said["feed_forward_length"],
            "vocab_size": SIZES["vocab_size"],
        }
    config = transformers.AutoConfig.for_model(**said)
    oracle = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    tensors = load_gguf_checkpoint(path, return_tensors=True, model_to_load=oracle)["tensors"]
    missing, unexpected = oracle.load_state_dict(tensors, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}
    if config.tie_word_embeddings:
        oracle.tie_weights()
    return oracle


@pytest.mark.parametrize("family", CASES)
def test_a_model_that_was_written_is_read_with_equal_logits(family, tmp_path):
    module = randomly(family)
    save_gguf(tmp_path / "m.gguf", module, kind="F32")
    loaded = load_gguf(tmp_path / "m.gguf")
    assert (loaded(text(2, 9)) - module(text(2, 9))).abs().max() < 1e-5
    assert loaded.config.blueprint() == module.config.blueprint()
    assert loaded.config.max_position_embeddings == 48


@pytest.mark.parametrize("family", READ_BY_TRANSFORMERS)
def test_transformers_reads_the_file_with_equal_logits(family, tmp_path):
    module = randomly(family)
    save_gguf(tmp_path / "m.gguf", module, kind="F32")
    oracle = read_by_transformers(tmp_path / "m.gguf")
    with torch.no_grad():
        assert (module(text(2, 9)) - oracle(text(2, 9)).logits).abs().max() < 2e-4


@pytest.fixture(scope="module")
def tokenizer():
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    line = "The cat sat on the mat in 1984, didn't it?  A dog ran 12 miles to the red house.\n"
    return train_tokenizer([line * 20], TokenizerConfig(vocab_size=290, pattern="gpt2"))


@pytest.mark.parametrize("family", CASES)
def test_llama_cpp_reads_the_file_with_equal_logits_and_ids(family, tokenizer, tmp_path):
    """Its cache of keys and values is FP16, so logits agree to about a thousandth."""
    llama_cpp = pytest.importorskip("llama_cpp")
    module = randomly(family, vocab_size=290)
    save_gguf(tmp_path / "m.gguf", module, tokenizer, kind="F32")
    theirs = llama_cpp.Llama(str(tmp_path / "m.gguf"), n_ctx=48, logits_all=True, verbose=False, n_threads=1)
    words = "The cat's 2024  dogs\n\n ran é"
    assert theirs.tokenize(words.encode(), add_bos=False) == tokenizer.encode(words)
    ids = tokenizer.encode("The cat sat on")
    theirs.eval(ids)
    with torch.no_grad():
        ours = module(torch.tensor([ids]))[0].numpy()
    assert np.abs(np.array(theirs.scores[: len(ids)]) - ours).max() < 3e-3 * np.abs(ours).max()


@pytest.mark.parametrize("family", [family for family in CASES if family != "mistral"])
def test_every_name_is_the_one_that_ggmls_package_maps_the_familys_name_to(family):
    theirs = pytest.importorskip("gguf")
    number = next(arch for arch, name in theirs.MODEL_ARCH_NAMES.items() if name == WRITTEN_AS[family])
    table = theirs.get_tensor_name_map(number, 6)
    module = randomly(family)
    names = [name for name, _ in module.named_parameters() if name != "lm_head.weight" or family != "gpt2"]
    ours = ARCHITECTURES[WRITTEN_AS[family]].names().matched(names)
    for name, rule in module.config.weight_names().matched(names).items():
        mapped = table.get_name(rule.theirs, try_suffixes=(".weight", ".bias"))
        assert mapped in (ours[name].theirs, None) and (mapped or "norm" not in name), name


def test_query_rows_are_sorted_by_query_heads_and_key_rows_by_key_heads(tmp_path):
    """The key's rows were sorted by heads / key heads, which only fits 64 and 8 (ggml-org/llama.cpp#3364)."""
    module = randomly("llama")
    save_gguf(tmp_path / "m.gguf", module, kind="F32")
    stored = read(tmp_path / "m.gguf").tensors
    for name, heads in (("q", 8), ("k", 2)):
        ours = module.get_parameter(f"model.layers.0.self_attn.{name}_proj.weight").detach().numpy()
        theirs = stored[f"blk.0.attn_{name}.weight"].numbers()
        width = 8
        for head in range(heads):
            for i in range(width // 2):
                for half in (0, 1):
                    row = theirs[head * width + 2 * i + half]
                    assert np.array_equal(row, ours[head * width + half * (width // 2) + i])
    other = randomly("qwen2")
    save_gguf(tmp_path / "q.gguf", other, kind="F32")
    same = read(tmp_path / "q.gguf").tensors["blk.0.attn_q.weight"].numbers()
    assert np.array_equal(same, other.get_parameter("model.layers.0.self_attn.q_proj.weight").detach().numpy())


def test_halves_and_pairs_are_inverses_for_matrices_and_biases():
    rows = torch.arange(8.0)
    assert to_halves(rows, 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    matrix = torch.randn(24, 3)
    assert torch.equal(to_pairs(to_halves(matrix, 3), 3), matrix)


@pytest.mark.parametrize(
    "kind, embedding", [("F16", "F16"), ("BF16", "BF16"), ("Q8_0", "Q8_0"), ("Q4_0", "Q8_0"), ("Q4_1", "Q8_0")]
)
def test_matrices_are_stored_in_the_kind_that_was_asked_for_and_vectors_as_f32(kind, embedding, tmp_path):
    module = randomly("llama")
    save_gguf(tmp_path / "m.gguf", module, kind=kind)
    stored = read(tmp_path / "m.gguf").tensors
    assert stored["blk.1.ffn_up.weight"].kind == kind and stored["token_embd.weight"].kind == embedding
    assert stored["blk.1.attn_norm.weight"].kind == stored["output_norm.weight"].kind == "F32"
    loaded = load_gguf(tmp_path / "m.gguf")
    up = loaded.get_parameter("model.layers.1.mlp.up_proj.weight")
    assert up.dtype == {"F16": torch.float16, "BF16": torch.bfloat16}.get(kind, torch.float32)
    exact = module.get_parameter("model.layers.1.mlp.up_proj.weight").detach().numpy()
    block = gguf.Stored(exact.shape, kind, gguf.encode(exact, kind).view(np.uint8).ravel()).numbers()
    assert np.array_equal(up.detach().float().numpy(), block)


def test_rows_that_do_not_fill_blocks_are_f16(tmp_path):
    save_gguf(tmp_path / "m.gguf", randomly("llama", intermediate_size=40), kind="Q4_0")
    stored = read(tmp_path / "m.gguf").tensors
    assert stored["blk.0.ffn_down.weight"].kind == "F16" and stored["blk.0.ffn_up.weight"].kind == "Q4_0"


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_head_is_stored_once(tied, tmp_path):
    save_gguf(tmp_path / "m.gguf", randomly("llama", tie_word_embeddings=tied), kind="F32")
    assert ("output.weight" in read(tmp_path / "m.gguf").tensors) is not tied
    loaded = load_gguf(tmp_path / "m.gguf")
    assert (loaded.lm_head.weight is loaded.model.embed_tokens.weight) is tied


def test_plain_numbers_stay_in_the_file(tmp_path):
    save_gguf(tmp_path / "m.gguf", randomly("qwen2"), kind="F32")
    file = read(tmp_path / "m.gguf")
    weight = load_gguf(file).get_parameter("model.layers.0.mlp.up_proj.weight")
    assert np.shares_memory(weight.detach().numpy(), file.tensors["blk.0.ffn_up.weight"].data)


LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192
)  # fmt: skip
SCALINGS = {
    "linear": dict(rope_type="linear", factor=4.0),
    "yarn": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=12),
    "llama3": LLAMA3,
}


@pytest.mark.parametrize("kind", SCALINGS)
def test_stretched_angles_come_back(kind, tmp_path):
    module = randomly("llama", rope_scaling=SCALINGS[kind], rope_theta=500_000.0, num_attention_heads=2, head_dim=32)
    save_gguf(tmp_path / "m.gguf", module, kind="F32")
    assert ("rope_freqs.weight" in read(tmp_path / "m.gguf").tensors) is (kind == "llama3")
    assert load_gguf(tmp_path / "m.gguf").config.rope_scaling == SCALINGS[kind]


@pytest.mark.parametrize(
    "family, changes, words",
    [
        ("mistral", dict(sliding_window=8), "cannot say sliding_window=8"),
        ("llama", dict(rope_scaling=dict(rope_type="dynamic", factor=2.0)), "cannot say rope_scaling="),
        ("llama", dict(rope_scaling=SCALINGS["yarn"] | dict(beta_fast=16.0)), "cannot say rope_scaling="),
        ("gemma2", dict(query_pre_attn_scalar=64), "cannot say query_pre_attn_scalar=64"),
        ("qwen3", dict(attention_bias=True), "cannot say attention_bias=True"),
        ("gpt2", dict(activation_function="relu"), "cannot say activation_function='relu'"),
    ],
)
def test_what_gguf_has_no_word_for_is_refused_by_name(family, changes, words, tmp_path):
    with pytest.raises(UnsupportedModel, match=f"{words}.*; save it as a model folder"):
        save_gguf(tmp_path / "m.gguf", randomly(family, **changes))
    assert not list(tmp_path.iterdir())


def test_a_family_and_a_kind_that_are_not_written_are_named(tmp_path):
    module = build(FAMILIES["olmo"][0](**SIZES), seed=0)
    with pytest.raises(UnsupportedModel, match="family olmo are not written; there are llama, "):
        save_gguf(tmp_path / "m.gguf", module)
    with pytest.raises(ConfigError, match="kind 'Q6_K' cannot be written; use F32, F16"):
        save_gguf(tmp_path / "m.gguf", randomly("llama"), kind="Q6_K")


# ───────── bad files ─────────


@pytest.fixture
def spoiled(tmp_path):
    """Write a small LLaMA whose metadata and tensors were changed: a value of None takes an entry away."""
    save_gguf(tmp_path / "good.gguf", randomly("llama"), kind="F32")
    good = read(tmp_path / "good.gguf")

    def make(metadata=None, tensors=None):
        kept = {key: value for key, value in (good.metadata | (metadata or {})).items() if value is not None}
        whole = {name: Outgoing(one.shape, one.kind, one.numbers) for name, one in good.tensors.items()} | (
            tensors or {}
        )
        gguf.write(tmp_path / "m.gguf", kept, {name: one for name, one in whole.items() if one is not None})
        return tmp_path / "m.gguf"

    return make


def numbers(*shape, value=0.0):
    return Outgoing(shape, "F32", lambda: np.full(shape, value, np.float32))


@pytest.mark.parametrize(
    "metadata, tensors, error, words",
    [
        ({"general.architecture": "mamba"}, {}, UnsupportedModel, "architecture 'mamba' is not implemented; there are llama"),
        ({"general.architecture": None}, {}, UnsupportedModel, "architecture None is not implemented"),
        ({"llama.block_count": None}, {}, FormatError, "lacks the key llama.block_count; convert"),
        ({"llama.expert_count": 8}, {}, UnsupportedModel, "llama.expert_count=8 would change the output"),
        ({"llama.new_key": 1}, {}, UnsupportedModel, "llama.new_key=1 would change the output"),
        ({"llama.rope.dimension_count": 4}, {}, UnsupportedModel, "llama.rope.dimension_count=4 would change"),
        ({"llama.rope.scaling.type": "longrope", "llama.rope.scaling.factor": 2.0}, {}, UnsupportedModel, "type longrope"),
        ({"llama.attention.head_count_kv": [2, 4]}, {}, UnsupportedModel, "head_count_kv differs from layer to layer"),
        ({"llama.block_count": 3}, {}, FormatError, "lacks blk.2.attn_k.weight, which its metadata asks for"),
        ({}, {"blk.1.ffn_up.weight": None}, FormatError, "lacks blk.1.ffn_up.weight"),
        ({}, {"token_embd.weight": None}, FormatError, "has no token_embd.weight"),
        ({}, {"blk.0.attn_q.weird": numbers(3)}, UnsupportedModel, "holds blk.0.attn_q.weird, which no part"),
        ({}, {"blk.0.ffn_up.weight": numbers(64, 96)}, FormatError, r"has shape \(64, 96\), but the metadata says \(96, 64\)"),
        ({}, {"output_norm.weight": numbers(64, value=np.nan)}, FormatError, "output_norm.weight holds NaN or infinity"),
        ({}, {"rope_freqs.weight": numbers(4, value=3.0)}, UnsupportedModel, "are not Llama 3's frequencies"),
        ({"llama.attention.head_count": 7}, {}, ConfigError, "num_attention_heads=7"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_one_sentence(spoiled, metadata, tensors, error, words):
    with pytest.raises(error, match=words):
        load_gguf(spoiled(metadata, tensors))


def test_an_array_of_equal_numbers_is_one_number(spoiled):
    assert config_of(read(spoiled({"llama.attention.head_count_kv": [2, 2]}))).num_key_value_heads == 2


def test_numbers_of_the_configuration_are_those_that_were_meant(spoiled):
    """FP32 holds 1e-05 as 9.999999747378752e-06, which would stand in config.json."""
    path = spoiled({"llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10_000.0})
    config = config_of(read(path))
    assert (config.rms_norm_eps, config.rope_theta) == (1e-5, 10_000.0)
    assert dataclasses.asdict(config)["rms_norm_eps"] == 1e-5
