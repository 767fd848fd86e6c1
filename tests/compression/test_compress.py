"""A model folder in, a smaller one out, that other tools read."""

import dataclasses
import json
import math
import re

import pytest
import torch
from tests.compression.test_calibration import GPT2, QWEN

import groundup as gu
from groundup.cli import main
from groundup.compression import calibration
from groundup.compression.compress import change, compress, perplexity, pieces_of
from groundup.compression.config import CompressConfig
from groundup.compression.distillation import distillation
from groundup.compression.distillation.config import DistillConfig
from groundup.data.sources import tinyworld
from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.decoding.config import SamplingConfig
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats import gguf, gguf_model, huggingface, shards
from groundup.model.formats.export import export
from groundup.model.layers.rounded_linear import RoundedLinear
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
from groundup.tuning.efficient import many, peft_files
from groundup.tuning.efficient.config import LoraConfig

TEXTS = [document.text for document in tinyworld.sample(3, 60)]
SMALL = CompressConfig(calibration_tokens=2000, held_out_tokens=800, group_size=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that was taught a little of tinyworld, with its tokenizer."""
    return taught(tmp_path_factory.mktemp("compress") / "model", QWEN | {"num_hidden_layers": 2})


def taught(path, raw):
    """The folder of a model of that configuration after sixty steps on tinyworld, with its tokenizer."""
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(vocab_size=300))
    module = build(config_from_dict(raw | {"vocab_size": tokenizer.vocab_size}), seed=0)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    ids = torch.tensor([tokenizer.encode(text)[:48] for text in TEXTS if len(tokenizer.encode(text)) >= 48])
    for step in range(60):
        rows = ids[step % 3 :: 3]
        loss = torch.nn.functional.cross_entropy(module(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    huggingface.save_model(path, module, tokenizer, generation={"max_new_tokens": 7})
    return path


@pytest.mark.parametrize(("method", "bits"), [("gptq", 4), ("awq", 4), ("round", 8)])
def test_fewer_bits_are_fewer_bytes_and_nearly_the_same_perplexity(folder, tmp_path, method, bits):
    made = compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": method, "bits": bits}), TEXTS)
    table = shards.read(tmp_path / "out")
    packed = [name for name in table if name.endswith("weight_packed")]
    assert len(packed) == 14 and made.bytes_after < made.bytes_before and made.zeros == 0
    assert made.perplexity_after == pytest.approx(made.perplexity_before, rel=0.03)
    handle = gu.load(tmp_path / "out")
    assert handle.generation == {"max_new_tokens": 7} and handle.tokenizer.encode("The") == gu.load(
        folder
    ).tokenizer.encode("The")
    held = [handle.tokenizer.encode(text)[:64] for text in TEXTS[:4]]
    assert perplexity(handle.module, held) == pytest.approx(perplexity(gu.load(folder).module, held), rel=0.05)


def test_eight_bits_for_weights_and_inputs_are_used_when_the_folder_is_loaded(folder, tmp_path):
    made = compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": "smoothquant", "group_size": 0}), TEXTS)
    assert made.perplexity_after == pytest.approx(made.perplexity_before, rel=0.02) and made.mean_bits == 8
    handle = gu.load(tmp_path / "out")
    assert all(type(part) is RoundedLinear for part in calibration.linear_maps(handle.module).values())
    assert {one.dtype for name, one in shards.read(tmp_path / "out").items() if name.endswith("proj.weight")} == {torch.int8}
    assert handle.generate("The", max_new_tokens=3)  # the compiled step leaves it to torch


def test_bits_are_given_out_by_what_rounding_costs_and_both_are_read_back(folder, tmp_path):
    config = CompressConfig(**asdict(SMALL) | {"method": "round", "mean_bits": 5.5})
    made = compress(folder, tmp_path / "out", config, TEXTS)
    said = json.loads((tmp_path / "out" / "config.json").read_text())["quantization_config"]["config_groups"]
    assert {group["weights"]["num_bits"] for group in said.values()} == {4, 8} and 4 < made.mean_bits <= 5.5
    held = [gu.load(folder).tokenizer.encode(text)[:64] for text in TEXTS[:4]]
    loaded = perplexity(gu.load(tmp_path / "out").module, held)
    assert loaded == pytest.approx(perplexity(gu.load(folder).module, held), rel=0.1)


@pytest.mark.parametrize(("method", "key"), [("heads", "num_key_value_heads"), ("channels", "intermediate_size"), ("layers", "num_hidden_layers")])
def test_structures_are_taken_out_of_the_shapes(folder, tmp_path, method, key):
    config = CompressConfig(**asdict(SMALL) | {"method": method})
    made = compress(folder, tmp_path / "out", config, TEXTS)
    before, after = (json.loads((one / "config.json").read_text())[key] for one in (folder, tmp_path / "out"))
    assert after == before // 2 and made.bytes_after < made.bytes_before and made.zeros == 0
    held, _ = pieces_of(gu.load(tmp_path / "out"), TEXTS, config)
    assert perplexity(gu.load(tmp_path / "out").module, held) == pytest.approx(made.perplexity_after, rel=1e-5)


@pytest.mark.parametrize(("method", "bits", "kind"), [("gptq", 4, "Q4_0"), ("round", 8, "Q8_0")])
def test_gguf_holds_the_very_same_weights(folder, tmp_path, method, bits, kind):
    config = CompressConfig(**asdict(SMALL) | {"method": method, "bits": bits, "group_size": 32})
    wide = tmp_path / "wide"  # rows of 48 fill no groups of 32
    module = build(config_from_dict(QWEN | {"vocab_size": gu.load(folder).module.config.vocab_size, "intermediate_size": 64}), seed=0)
    huggingface.save_model(wide, module, gu.load(folder).tokenizer)
    compress(wide, tmp_path / "out", config, TEXTS)
    export(tmp_path / "out", "gguf", tmp_path / "out.gguf")
    file = gguf.read(tmp_path / "out.gguf")
    assert file.tensors["blk.0.attn_q.weight"].kind == kind and file.metadata["general.quantization_version"] == 2
    theirs, ours = gguf_model.load_gguf(file), gu.load(tmp_path / "out").module
    for (name, one), other in zip(calibration.linear_maps(theirs).items(), calibration.linear_maps(ours).values(), strict=True):
        assert one.weight.equal(other.weight), name
    if bits == 8:
        with pytest.raises(InputError, match="would only add errors; leave out --dtype"):
            export(tmp_path / "out", "gguf", tmp_path / "again.gguf", "Q4_0")
    compress(wide, tmp_path / "narrow", CompressConfig(**asdict(config) | {"group_size": 16}), TEXTS)
    with pytest.raises(InputError, match="groups of 16 weights are no multiple of 32"):
        export(tmp_path / "narrow", "gguf", tmp_path / "narrow.gguf")


WIDE = QWEN | {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}  # rows that fill blocks of 32
SORTED = WIDE | {"model_type": "llama"}  # a family whose query and key rows stand in another order in GGUF


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Folders of a Qwen 3 and a Llama with rows that fill GGUF's blocks, each taught when it is asked for."""
    place, made = tmp_path_factory.mktemp("wide"), {}
    return lambda raw: made.setdefault(raw["model_type"], taught(place / raw["model_type"], raw))


@pytest.mark.parametrize(
    ("raw", "method", "bits"),
    [(SORTED, "gptq", 4), (SORTED, "round", 8), *[(WIDE, method, bits) for method in ("round", "gptq", "awq") for bits in (4, 8)]],
)
def test_llama_cpp_writes_with_the_same_codes_what_the_folder_writes(wide, tmp_path, raw, method, bits):
    """It rounds what a matrix reads to 8 bits (blocks of 32), so scores agree to three hundredths of the largest, over three seeds."""
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    config = CompressConfig(method=method, bits=bits, calibration_tokens=2000, held_out_tokens=0)
    compress(wide(raw), tmp_path / "out", config, TEXTS)
    export(tmp_path / "out", "gguf", tmp_path / "out.gguf")
    handle = gu.load(tmp_path / "out")
    theirs = llama_cpp.Llama(str(tmp_path / "out.gguf"), n_ctx=64, logits_all=True, verbose=False, n_threads=1)
    for text in TEXTS[:3]:
        ids = handle.tokenizer.encode(text)[:12]
        ours, scores = followed(handle.module, theirs, ids, 16)
        near = 0.05 * ours.abs().max()
        assert (scores - ours).abs().max() < near
        best = ours.max(1).values - ours.gather(1, scores.argmax(1, keepdim=True))[:, 0]
        assert best.max() < 2 * near and (best == 0).float().mean() > 0.9  # but for near ties the same word is chosen


def followed(module, theirs, ids, new):
    """Scores of both, ours and llama.cpp's, at every token of what llama.cpp writes behind `ids` by taking the best."""
    theirs.reset()
    theirs.eval(ids)
    for _ in range(new):
        ids = [*ids, int(theirs.scores[len(ids) - 1].argmax())]
        theirs.eval(ids[-1:])
    with torch.inference_mode():
        ours = module(torch.tensor([ids]))[0]
    return ours, torch.tensor(theirs.scores[: len(ids)])


@pytest.mark.parametrize(("method", "bits"), [("gptq", 4), ("awq", 4), ("round", 8)])
def test_transformers_reads_the_compressed_folder_with_our_scores(wide, tmp_path, method, bits):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("compressed_tensors")
    compress(wide(WIDE), tmp_path / "out", CompressConfig(method=method, bits=bits, calibration_tokens=2000, held_out_tokens=0), TEXTS)
    ids = torch.tensor([gu.load_tokenizer(tmp_path / "out").encode(TEXTS[0])[:48]])
    with torch.inference_mode():
        theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)(ids).logits.float()
        torch.testing.assert_close(theirs, gu.load(tmp_path / "out").module(ids), atol=1e-3, rtol=1e-4)


def test_an_adapter_and_experts_are_refused_with_the_way_out(folder, tmp_path, capsys):
    peft_files.save_adapter(tmp_path / "adapter", many.apply(gu.load(folder).module, LoraConfig(r=2)), base=str(folder))
    tokenizer = gu.load(folder).tokenizer
    tokenizer.save(tmp_path / "adapter")
    assert main(["compress", str(tmp_path / "adapter"), str(tmp_path / "out")]) == 2
    way = re.search(r"`groundup (merge .*) --out MERGED`", capsys.readouterr().err)
    assert main([*way[1].split(), "--out", str(tmp_path / "merged")]) == 0
    assert compress(tmp_path / "merged", tmp_path / "small", SMALL, TEXTS).perplexity_after > 1
    raw = QWEN | {"model_type": "mixtral", "vocab_size": tokenizer.vocab_size, "num_local_experts": 4, "num_experts_per_tok": 2}
    huggingface.save_model(tmp_path / "moe", build(config_from_dict(raw), seed=0), tokenizer)
    for method in ("gptq", "magnitude", "layers"):
        with pytest.raises(UnsupportedModel, match=r"holds 4 experts in one stack.*compress a model without experts"):
            compress(tmp_path / "moe", tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": method}), TEXTS)


@pytest.fixture
def distill(folder, tmp_path, capsys):
    """By the command: a student of half of the layers, before and after `--method distill`; where it is and what was told of it."""

    def run(seed=1, **flags):
        (text := tmp_path / "text.txt").write_text("\n\n".join(TEXTS))
        small = f"--text {text} --group-size 16 --calibration-tokens 2000 --held-out-tokens 800 --seq-len 48 --seed {seed} --json".split()
        before, after = tmp_path / f"student{seed}", tmp_path / f"out{seed}"
        assert main(["compress", str(folder), str(before), "--method", "layers", *small]) == 0
        cut = json.loads(capsys.readouterr().out)
        told = [part for name, value in flags.items() for part in (f"--{name}", value)]
        told += ["--method", "distill", "--student", str(before), "--steps", "25", "--learning-rate", "0.003"]
        assert main(["compress", str(folder), str(after), *told, *small]) == 0
        return before, after, cut, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("way", ["logits", "features"])
def test_a_student_learns_from_the_model_by_the_command(distill, way):
    _, made, cut, taught = distill(way=way)
    assert taught["bytes_after"] < taught["bytes_before"]
    assert taught["perplexity_after"] < 0.9 * cut["perplexity_after"]
    assert not any("feature_maps" in name for name in shards.read(made))
    assert gu.load(made).config.num_hidden_layers == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_student_of_the_teachers_own_texts_holds_them_likelier_than_the_teacher(distill, folder, seed):
    """The student's mass gathers at what the teacher thinks best, and human text it foretells worse (after Kim and Rush 2016).

    Here, in nats a token of the teacher's answers to new prompts: the teacher 2.6, the student 3.1 before and 1.6 after.
    """
    before, made, *_ = distill(seed, way="sequences")
    teacher, cut, taught = (gu.load(one) for one in (folder, before, made))
    prompts = [teacher.tokenizer.encode(document.text)[:8] for document in tinyworld.sample(9, 12)]
    said = distillation.written_by(teacher.module, prompts, SamplingConfig(temperature=0.0, max_new_tokens=24))
    assert nats(taught.module, said) < nats(teacher.module, said) < nats(cut.module, said)


@torch.inference_mode()
def nats(module, texts, prompt=8):
    """The mean loss of what comes after the prompts, by torch."""
    ids = torch.tensor(texts)
    return torch.nn.functional.cross_entropy(module(ids)[:, prompt - 1 : -1].flatten(0, 1), ids[:, prompt:].flatten()).item()


def test_a_piece_says_whether_a_plain_text_ends_with_it(folder):
    handle = gu.load(folder)
    pieces, _ = pieces_of(handle, [TEXTS[0], [{"role": "user", "content": TEXTS[1]}, {"role": "assistant", "content": "Yes."}]], SMALL)
    lengths = [len(handle.tokenizer.encode(TEXTS[0])), len(pieces)]
    cut = -(-lengths[0] // 64)
    assert [piece.ends for piece in pieces] == [number == cut - 1 for number in range(lengths[1])] and lengths[1] > cut


def test_of_a_conversation_the_answers_are_measured(folder):
    """A model that was tuned on answers has never learned to predict questions: what it makes of them hid what compression does."""
    handle = gu.load(folder)
    talk = [{"role": "user", "content": TEXTS[0][:20]}, {"role": "assistant", "content": TEXTS[1][:20]}]
    pieces, _ = pieces_of(handle, [talk], SMALL)
    asked = handle.tokenizer.apply_chat_template(talk[:1], add_generation_prompt=True)
    whole = handle.tokenizer.apply_chat_template(talk)
    assert [list(piece) for piece in pieces] == [whole]
    learned = whole[: whole.index(handle.tokenizer.encode("<|im_end|>", allow_special=True)[0], len(asked)) + 1]  # behind it stands the template's newline
    assert perplexity(handle.module, pieces) == pytest.approx(math.exp(nats(handle.module, [learned], len(asked))), rel=1e-4)


def test_bits_are_given_out_by_the_loss_of_the_answers(folder, monkeypatch):
    handle, seen = gu.load(folder), []
    talks = [[{"role": "user", "content": text[:20]}, {"role": "assistant", "content": text[-9:]}] for text in TEXTS]
    config = dataclasses.replace(SMALL, mean_bits=5.0, held_out_tokens=0)
    _, pieces = pieces_of(handle, talks, config)
    monkeypatch.setattr("groundup.compression.compress.perplexity", lambda module, texts: seen.extend(texts) or 2.0)
    change(handle.module, config, pieces)
    assert seen and all(piece.answers and 0 < sum(piece.answers) < len(piece) for piece in seen)


def test_a_student_of_another_tokenizer_is_refused(folder, tmp_path):
    """Of as many tokens: only their number was compared."""
    other = train_tokenizer([text[::-1] for text in TEXTS], TokenizerConfig(vocab_size=gu.load(folder).tokenizer.vocab_size))
    module = gu.load(folder).module
    module.config = dataclasses.replace(module.config, vocab_size=other.vocab_size)
    huggingface.save_model(tmp_path / "student", module, other)
    with pytest.raises(InputError, match="has other tokens than .* take a student with the model's own tokenizer"):
        compress(folder, tmp_path / "out", CompressConfig(method="distill", distill=DistillConfig(student=str(tmp_path / "student"))), TEXTS)


def test_nothing_is_written_before_all_is_measured(folder, tmp_path, monkeypatch):
    """A stage that was killed between the two found its own folder, refused to go on, and never did."""
    told = []
    monkeypatch.setattr("groundup.compression.compress.perplexity", lambda *given: told.append((tmp_path / "out").exists()))
    compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": "round"}), TEXTS)
    assert told == [False, False] and (tmp_path / "out").is_dir()


def test_fewer_texts_than_asked_for_are_said(folder, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(TEXTS))
    assert main(["compress", str(folder), str(tmp_path / "out"), "--text", str(text), "--group-size", "16", "--held-out-tokens", "500"]) == 0
    assert "tokens decided, as the texts have no more" in capsys.readouterr().out


def test_of_one_long_text_no_more_is_read_than_was_asked_for(folder):
    held, pieces = pieces_of(gu.load(folder), [" ".join(TEXTS)], SMALL)
    assert 800 <= sum(map(len, held)) < 864 and 2000 <= sum(map(len, pieces)) < 2064  # whole pieces of 64


def test_half_of_the_weights_go_and_the_folder_stays_a_plain_one(folder, tmp_path):
    made = compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": "wanda"}), TEXTS)
    assert made.zeros == pytest.approx(0.5)
    assert shards.read(tmp_path / "out").keys() == shards.read(folder).keys()


def test_the_command_says_what_was_gained_and_lost(folder, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(TEXTS))
    command = [
        "compress",
        str(folder),
        str(tmp_path / "out"),
        "--text",
        str(text),
        "--group-size",
        "16",
        "--calibration-tokens",
        "2000",
    ]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes_after"] < told["bytes_before"] and told["perplexity_after"] > 1
    assert main(command) == 2 and "is there already" in capsys.readouterr().err


def test_a_quantised_folder_joined_matrices_and_too_little_text_are_refused(folder, tmp_path):
    compress(folder, tmp_path / "once", CompressConfig(**asdict(SMALL) | {"method": "round"}), TEXTS)
    with pytest.raises(InputError, match="quantised already"):
        compress(tmp_path / "once", tmp_path / "twice", SMALL, TEXTS)
    with pytest.raises(InputError, match="start from the model before"):
        compress(folder, tmp_path / "twice", CompressConfig(method="distill", distill=DistillConfig(student=str(tmp_path / "once"))), TEXTS)
    with pytest.raises(InputError, match=r"are held out to measure what is lost, and 0 are left .* smaller --held-out-tokens"):
        compress(folder, tmp_path / "out", SMALL, TEXTS[:1])
    with pytest.raises(InputError, match="give at least 256"):
        compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"held_out_tokens": 0}), TEXTS[:1])
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"is a file and no model folder; make one of it with `groundup get .*model.gguf`"):
        compress(tmp_path / "model.gguf", tmp_path / "out", SMALL, TEXTS)
    tokenizer = gu.load(folder).tokenizer
    huggingface.save_model(
        tmp_path / "gpt2", build(config_from_dict(GPT2 | {"vocab_size": tokenizer.vocab_size}), seed=0), tokenizer
    )
    with pytest.raises(UnsupportedModel, match="joined or turned"):
        compress(tmp_path / "gpt2", tmp_path / "out", SMALL, TEXTS)
    assert not (tmp_path / "out").exists() and not (tmp_path / "twice").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bits": 3}, "use 4 or 8"),
        ({"group_size": -1}, "use 32, 128 or 0"),
        ({"share": 1.0}, "between 0 and 1"),
        ({"pattern": "4:2"}, "write 2:4"),
        ({"seq_len": 1}, "seq_len must be 2"),
        ({"mean_bits": 9.0}, "from 4 to 8"),
        ({"mean_bits": 5.0, "method": "smoothquant"}, "for gptq, awq or round"),
        ({"alpha": 2.0}, "from 0 to 1"),
        ({"seed": 0}, "use 1 or more"),
        ({"method": "distill"}, "--method layers"),
        ({"pattern": "2:4"}, "pattern='2:4' is for magnitude, wanda, sparsegpt, and method='gptq' has none; leave it out"),
        ({"pattern": "2:4", "method": "heads"}, "has none; leave it out"),
        ({"bits": 4, "method": "smoothquant"}, "bits=4 is for gptq, awq and round; smoothquant has 8"),
        ({"bits": 8, "mean_bits": 5.0}, "leave one of them out"),
        ({"group_size": 64, "method": "smoothquant"}, "smoothquant has a scale a row, so leave it out"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, sentence):
    with pytest.raises(ConfigError, match=sentence):
        CompressConfig(**wrong)


def asdict(config):
    return {name: getattr(config, name) for name in config.__dataclass_fields__}
