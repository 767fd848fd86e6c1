"""An architecture of the user's own: found without running it, registered for this process, trained, saved and loaded by name."""

import pytest
import torch

from groundup import slots
from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.model import parts
from groundup.model.accounting import count
from groundup.model.architectures import FAMILIES, build, config_from_dict, is_family, template, your_own
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.huggingface import load_model, save_model


@pytest.fixture(autouse=True)
def families():
    """The families and the learner's folder are as before when the test is over."""
    kept = [(held, dict(held)) for held in (FAMILIES, parts.BUILDERS, slots._sources, slots._mine)]
    yield
    for held, before in kept:
        held.clear()
        held.update(before)


@pytest.fixture
def folder(tmp_path):
    your_own.write_template(tmp_path)
    return tmp_path


def test_the_template_is_written_and_loads_as_it_stands(folder):
    assert (folder / your_own.FILE).read_text() == your_own.template()
    found = your_own.load(folder)
    assert found.config.model_type == "my_architecture" and FAMILIES["my_architecture"][0] is found.config
    module = build(found.example, seed=0)
    assert sum(weight.numel() for weight in module.parameters()) == count(found.example).parameters
    assert type(module.model.layers[0].self_attn).__name__ == "GatedAttention"


def test_a_file_that_is_there_is_not_written_over(folder):
    with pytest.raises(InputError, match="is there already; give another folder"):
        your_own.write_template(folder)


def test_the_templates_gate_can_shut_each_head_up(folder):
    example = your_own.load(folder).example
    module = build(example, seed=0, scheme="normal")
    x, angles = torch.randn(1, 5, 32), module.rotary.angles(torch.arange(5), torch.float32)
    attention = module.model.layers[0].self_attn
    with torch.no_grad():
        half = attention.gate_proj.weight * 0
        attention.gate_proj.weight.copy_(half)
        plain = template.GatedAttention(example.blueprint().blocks[0].attention, 32)
        plain.load_state_dict(attention.state_dict())
        assert torch.equal(plain(x, angles), attention(x, angles))
        attention.gate_proj.weight.copy_(-1e6 * x[0, 0].expand(32, 32))  # the first token's gates are all but shut
        assert attention(x, angles)[0, 0].abs().max() < 1e-6


def test_a_model_of_it_is_saved_and_loaded_by_its_own_name(folder):
    module = build(your_own.load(folder).example, seed=0, scheme="normal")
    save_model(folder / "model", module)
    ids = torch.arange(6)[None]
    assert torch.equal(load_model(folder / "model")(ids), module(ids))


def test_without_its_file_the_model_is_refused_with_the_way_out(folder):
    raw = your_own.load(folder).example.to_dict()
    del FAMILIES["my_architecture"]
    with pytest.raises(UnsupportedModel, match="an architecture of your own with --mine FOLDER"):
        config_from_dict(raw)


def test_the_learners_folder_brings_its_architecture_when_a_model_asks_for_it(folder):
    raw = your_own.load(folder).example.to_dict()
    del FAMILIES["my_architecture"]
    slots._sources.update(slots.read_sources(folder))
    assert list(slots.architectures()) == [folder / your_own.FILE]
    assert is_family("my_architecture") and config_from_dict(raw).hidden_size == 32
    assert not is_family("another")


def test_a_folder_with_an_architecture_alone_is_a_learners_folder(folder):
    assert slots.match(folder, slots.read_sources(folder)) == {}


def test_the_stages_key_knows_the_text_of_the_architecture(folder):
    assert slots.source_hash(["model"]) == ""
    slots._sources.update(slots.read_sources(folder))
    first = slots.source_hash(["model"])
    assert first and slots.source_hash(["text"]) == ""
    slots._sources[folder / your_own.FILE] += "\n"
    assert slots.source_hash(["model"]) != first


def test_a_borrowed_architecture_is_a_family_only_inside_the_block():
    before = dict(FAMILIES), dict(parts.BUILDERS)
    with your_own.borrowed(your_own.template().replace('"my_architecture"', '"for_now"')) as found:
        assert FAMILIES["for_now"][0] is found.config and build(found.example, seed=0) is not None
    assert before == (FAMILIES, parts.BUILDERS)


def test_an_architecture_is_found_without_being_run(tmp_path):
    (tmp_path / "one.py").write_text("raise SystemExit\nARCHITECTURE = 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    assert your_own.find(tmp_path) == tmp_path / "one.py"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "neither a config.json nor a .py file"),
        (
            {"a.py": "ARCHITECTURE = 1", "b.py": "ARCHITECTURE = 1"},
            r"several architectures \(a.py, b.py\); give the file",
        ),
        ({"a.py": "ARCHITECTURE = 1"}, r"ARCHITECTURE is a int; write ARCHITECTURE = Architecture\("),
        ({"a.py": "ARCHITECTURE = 1 +"}, "a.py:1: invalid syntax; mend the line"),
        ({"a.py": "\nARCHITECTURE = 1 / 0"}, "a.py:2: your file raised ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_is_said(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        your_own.load(tmp_path)


def test_a_published_name_is_not_given_to_another_architecture(folder):
    text = your_own.template().replace('"my_architecture"', '"llama"')
    (folder / your_own.FILE).write_text(text)
    with pytest.raises(
        ConfigError, match="model_type 'llama' is groundup's own LlamaConfig; give your MyConfig another"
    ):
        your_own.load(folder)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"config": int, "example": 1}, "is no configuration"),
        ({"config": LlamaConfig, "example": 1}, "is none of LlamaConfig; give a small one"),
    ],
)
def test_what_is_no_architecture_is_said(fields, words):
    with pytest.raises(ConfigError, match=words):
        your_own.Architecture(**fields)
