"""What a model folder holds, from headers alone; and every oddity planted in one is said."""

import json
import shutil
import struct
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.model.accounting import Inference, Lora, Training, count, flops, memory
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.t5 import T5Config
from groundup.model.formats import gguf
from groundup.model.formats.gguf_model import save_gguf
from groundup.model.formats.huggingface import load_config, save_model
from groundup.model.summary import costs, header, headers, layers, named, odd_values, summarize

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A model folder with nothing odd: a tied llama of three layers, with a tokenizer that names its ends."""
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    tokenizer = train_tokenizer(["The cat sat on the mat. A dog ran.\n" * 40], TokenizerConfig(vocab_size=266))
    config = LlamaConfig(
        vocab_size=266, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("sound") / "model"
    save_model(
        folder, build(config, seed=0, scheme="normal"), tokenizer, generation={"eos_token_id": tokenizer.eos_token_id}
    )
    return folder


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "model")


@pytest.fixture
def changed(folder):
    """Write a folder's weights, or its config.json, anew with something changed."""

    def change(weights=None, **config):
        if weights is not None:
            held = safetensors.torch.load_file(folder / WEIGHTS)
            safetensors.torch.save_file({**held, **weights(held)}, folder / WEIGHTS)
        if config:
            files.write_json(folder / "config.json", files.read_json(folder / "config.json") | config)
        return summarize(folder, values=True)

    return change


def said(found, words):
    """The one oddity with these words."""
    return [sentence for sentence in found["odd"] if words in sentence]


def test_the_figures_are_those_of_accounting_and_of_the_file(sound):
    found, counted = summarize(sound), count(load_config(sound))
    assert found["parameters"] == found["counted_parameters"] == counted.parameters
    assert found["bytes"] == 4 * counted.parameters and found["dtypes"] == {"F32": counted.parameters}
    assert found["embedding_parameters"] == 266 * 16 and found["head_parameters"] == 0
    assert found["cache"] == {"bytes_per_token": 3 * 2 * 2 * 4 * 4, "bytes_of_a_context": 3 * 2 * 2 * 4 * 4 * 64}
    assert found["context"] == 64 and found["family"] == "llama"
    assert json.loads(json.dumps(found)) is not None


def test_the_costs_of_use_are_accountings(sound):
    answering, step, lora = summarize(sound)["costs"]
    config = load_config(sound)
    for row, use in (
        (answering, Inference(context=64)),
        (step, Training(seq_len=64)),
        (lora, Training(seq_len=64, lora=Lora())),
    ):
        assert row["memory_bytes"] == memory(config, use).total == sum(row["parts"].values())
        assert row["flops"] == flops(config, use).total and (row["rows"], row["tokens"]) == (1, 64)
    assert lora["memory_bytes"] < step["memory_bytes"] and lora["flops"] < step["flops"]


def test_the_costs_follow_the_recipes_batch_and_the_weights_own_numbers():
    config = LlamaConfig(
        vocab_size=266, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4
    )
    use = Training(batch=4, seq_len=32, gradient_accumulation_steps=2, optimizer="muon", dtype="bfloat16")
    answering, step, lora = costs(config, 2048, "bfloat16", use)
    assert answering["tokens"] == 2048 and step["use"].endswith("muon") and step["rows"] == lora["rows"] == 8
    assert step["memory_bytes"] == memory(config, use).total
    plain = costs(config, 2048)
    assert plain[1]["tokens"] == 1024 and answering["parts"]["weights"] * 2 == plain[0]["parts"]["weights"]


def test_an_encoder_reads_and_does_not_answer():
    sizes = dict(vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4)
    found = [row["use"] for row in costs(BertConfig(**sizes), 512)]
    assert found == ["reading", "training step, adamw", "LoRA step, rank 8"]
    assert costs(T5Config(**sizes), 512)[0]["use"] == "answering"


def test_headers_are_those_that_safetensors_reads(sound):
    held = safetensors.torch.load_file(sound / WEIGHTS)
    read = header(sound / WEIGHTS)
    assert {name: (tuple(tensor.shape), tensor.nbytes) for name, tensor in held.items()} == {
        name: (one.shape, one.bytes) for name, one in read.items()
    }


def test_equal_layers_stand_together(sound):
    groups = layers(headers(sound))
    assert [(group["name"], group["count"]) for group in groups] == [("outside the layers", 1), ("model.layers.0-2", 3)]
    assert {one["name"] for one in groups[1]["tensors"]} >= {"self_attn.q_proj.weight", "mlp.down_proj.weight"}


def test_a_layer_that_differs_stands_apart(sound):
    held = headers(sound)
    held["model.layers.1.mlp.up_proj.weight"] = held["model.layers.1.self_attn.q_proj.weight"]
    assert [group["name"] for group in layers(held)[1:]] == ["model.layers.0", "model.layers.1", "model.layers.2"]


def test_shards_are_read_together(folder):
    module_bytes = (folder / WEIGHTS).stat().st_size
    held = safetensors.torch.load_file(folder / WEIGHTS)
    names = sorted(held)
    (folder / WEIGHTS).unlink()
    for number, part in enumerate((names[:5], names[5:]), 1):
        safetensors.torch.save_file({name: held[name] for name in part}, folder / f"part{number}.safetensors")
    index = {name: f"part{1 if name in names[:5] else 2}.safetensors" for name in names}
    files.write_json(folder / "model.safetensors.index.json", {"weight_map": index})
    found = summarize(folder)
    assert found["parameters"] == found["counted_parameters"] and found["bytes"] < module_bytes
    (folder / "part2.safetensors").unlink()
    assert said(summarize(folder), "has no part2.safetensors; copy or download that file too")


def test_a_sound_folder_has_one_sentence_about_its_padding_and_no_other(sound):
    assert summarize(sound, values=True)["odd"] == [
        "padding and the end of a text are the same token (0): whoever masks padding in training masks the end too"
    ]


def test_without_the_numbers_no_torch_is_loaded(sound):
    program = f"import sys; from groundup.model.summary import summarize; summarize({str(sound)!r}); assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == 0, done.stderr


# ───────── what is odd ─────────


def test_a_tokenizer_larger_than_the_embedding(changed):
    found = changed(
        lambda held: {"model.embed_tokens.weight": held["model.embed_tokens.weight"][:200].clone()}, vocab_size=200
    )
    assert said(
        found, "the tokenizer has 266 ids and the embedding 200 rows: ids from 200 on have no vector; take both"
    )
    assert found["tokenizer"]["ids_within_the_embedding"] is False


def test_rows_that_belong_to_no_token(changed):
    rows = lambda held: {"model.embed_tokens.weight": torch.randn(500, 16)}  # noqa: E731
    assert said(changed(rows, vocab_size=500), "234 of 500 rows of the embedding belong to no token (3,744 parameters)")


def test_a_tied_head_that_is_stored_twice(changed):
    found = changed(lambda held: {"lm_head.weight": held["model.embed_tokens.weight"].clone()})
    assert said(found, "stored once more (17,024 bytes for nothing") and not said(found, "take both from one model")


def test_weights_that_are_not_those_of_the_configuration(changed, folder):
    before = count(load_config(folder)).parameters
    found = changed(intermediate_size=32)
    assert said(
        found, f"the files hold {before:,} parameters and config.json describes {before + 3 * 3 * 16 * 8:,}; take both"
    )


def test_the_masks_that_old_gpt2_files_carry_along_are_no_parameters_of_theirs(tmp_path):
    """Their causal mask is 1,024 x 1,024 a layer; `attn.c_attn.bias`, whose name ends nearly so, is a parameter."""
    config = GPT2Config(
        vocab_size=97, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32
    )
    save_model(tmp_path / "old", build(config, seed=0))
    held = safetensors.torch.load_file(tmp_path / "old" / WEIGHTS)
    assert "transformer.h.0.attn.c_attn.bias" in held
    beside = {f"transformer.h.{layer}.attn.bias": torch.ones(1, 1, 32, 32) for layer in range(2)}
    safetensors.torch.save_file(held | beside, tmp_path / "old" / WEIGHTS)
    found = summarize(tmp_path / "old")
    assert found["counted_parameters"] == count(config).parameters and not said(found, "take both from one model")
    safetensors.torch.save_file(held | {"transformer.h.0.attn.more": torch.ones(3)}, tmp_path / "old" / WEIGHTS)
    assert said(summarize(tmp_path / "old"), f"the files hold {count(config).parameters + 3:,} parameters")


def test_the_stretched_frequencies_of_a_gguf_file_are_no_parameters(tmp_path):
    scaling = dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192
    )  # fmt: skip
    config = LlamaConfig(
        vocab_size=97, hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, head_dim=32,
        rope_theta=500_000.0, rope_scaling=scaling,
    )  # fmt: skip
    save_gguf(tmp_path / "m.gguf", build(config, seed=0), kind="F32")
    assert "rope_freqs.weight" in gguf.read(tmp_path / "m.gguf").tensors
    found = summarize(tmp_path / "m.gguf")
    assert found["counted_parameters"] == count(config).parameters and not said(found, "take both from one model")


def test_no_end_of_text(folder):
    for name in ("config.json", "generation_config.json"):
        files.write_json(folder / name, files.read_json(folder / name) | {"eos_token_id": None})
    path = folder / "tokenizer_config.json"
    files.write_json(
        path, {key: value for key, value in files.read_json(path).items() if key not in ("eos_token", "pad_token")}
    )
    assert said(summarize(folder), "no end-of-text token (eos) is named")


def test_an_end_of_text_that_is_no_row(changed):
    assert said(changed(eos_token_id=9999), "eos_token_id 9999 is no row of an embedding of 266")


@pytest.mark.parametrize(("context", "words"), [(8, "no conversation fits"), (24, "of the context's 24 tokens")])
def test_a_context_shorter_than_the_template(changed, context, words):
    assert said(changed(max_position_embeddings=context), words)


def test_several_number_formats_and_another_than_the_configuration_says(changed):
    found = changed(
        lambda held: {"model.norm.weight": held["model.norm.weight"].double()}, dtype="bfloat16", torch_dtype="bfloat16"
    )
    assert said(found, "several number formats: F32 (28 tensors), F64 (1 tensors)")
    assert said(found, "F64: twice the bytes") and said(found, "config.json says BF16 and the weights are F32")


def test_a_layer_without_weights(folder):
    held = safetensors.torch.load_file(folder / WEIGHTS)
    safetensors.torch.save_file({k: v for k, v in held.items() if ".layers.1." not in k}, folder / WEIGHTS)
    assert said(summarize(folder), "model.layers.1 has no weights though model.layers.2 has")


def test_a_pickle_and_code_beside_the_weights(folder):
    (folder / "pytorch_model.bin").write_bytes(b"")
    (folder / "modeling_x.py").write_text("raise SystemExit('run')")
    found = summarize(folder)
    assert said(found, "pytorch_model.bin is a pickle") and said(
        found, "modeling_x.py is code that came with the model; groundup never runs it"
    )


def test_a_family_that_is_not_known_is_described_all_the_same(changed):
    found = changed(model_type="mystery")
    assert said(found, "model_type 'mystery' is not implemented")
    assert found["parameters"] and found["counted_parameters"] is None and found["cache"] is None


def test_numbers_that_are_none_and_rows_that_are_dead_or_enormous():
    rows = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    assert odd_values("w", rows) == []
    dead, enormous, broken = rows.clone(), rows.clone(), rows.clone()
    dead[3:5] = 0
    enormous[7] *= 1000
    broken[2, 2] = float("nan")
    assert odd_values("w", dead) == ["2 of 40 rows of w are zero"]
    assert odd_values("w", enormous)[0].startswith("1 rows of w are enormous (row 7, the largest ")
    assert odd_values("w", broken)[0].startswith("w holds 1 numbers that are NaN or infinite")
    assert odd_values("w", torch.zeros(3, 3))[0].startswith("w is zero everywhere")
    assert odd_values("w", torch.zeros(3)) == odd_values("w", torch.zeros(3, 3, dtype=torch.int8)) == []


def test_nan_in_a_folder_is_found_only_where_numbers_are_wanted(changed, folder):
    assert said(
        changed(lambda held: {"model.norm.weight": held["model.norm.weight"] * float("nan")}),
        "model.norm.weight holds 16",
    )
    assert not said(summarize(folder), "NaN")


# ───────── what cannot be read ─────────


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut short"),
        (struct.pack("<Q", 10**9) + b"{}", "cut short"),
        (struct.pack("<Q", 4) + b"[[[[", "no list of tensors"),
        (struct.pack("<Q", 2) + b"[]", "no list of tensors"),
    ],
)
def test_a_damaged_header_is_said(tmp_path, data, words):
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(FormatError, match=words):
        header(tmp_path / WEIGHTS)


def test_a_file_that_is_cut_short_is_said_from_its_header(folder):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-100])
    assert said(summarize(folder), f"is cut short ({len(whole) - 100:,} of {len(whole):,} bytes)")


def test_what_is_no_model_is_said(tmp_path):
    with pytest.raises(InputError, match="there is no model folder"):
        summarize(tmp_path / "nothing")
    with pytest.raises(FormatError, match=r"has no config.json"):
        summarize(tmp_path)
    (tmp_path / "architecture.py").write_text("ARCHITECTURE = 1")
    with pytest.raises(InputError, match="holds an architecture and no model; try it with"):
        summarize(tmp_path)


def test_names_are_compared_by_whole_words():
    assert named("output.weight", ("output.weight",)) and not named("blk.0.attn_output.weight", ("output.weight",))
