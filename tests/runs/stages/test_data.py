"""The stage `data` on a folder of pages: a pipeline first, its report kept, tinyworld beside it; and the whole recipe to a chat model."""

import json
import random

import pytest

from groundup import files
from groundup.data.config import DataConfig
from groundup.data.folder import DataFolder
from groundup.errors import InputError
from groundup.runs import keys, recipe
from groundup.runs.stages import data

SYLLABLES = ("ba", "ko", "mi", "tu", "re", "lan", "sor", "pel", "nu", "gri")
SMALL = {
    "data": {"tinyworld_bytes": 20_000, "heldout_bytes": 3_000, "instructions": 40, "heldout_instructions": 4},
    "tokenizer": {"vocab_size": 400},
    "model": {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
    },
    "train": {"initialization": "scaled", "steps": 3, "batch_size": 2, "validate_every": 2, "sample_every": 2},
    "tune": {"steps": 2, "batch_size": 2},
    "eval": {"instructions": 4, "documents": 4, "ngram_order": 2},
    "machine": {"threads": 1},
}


@pytest.fixture
def call(capsys):
    """Run a command line in this process: status, stdout, stderr."""
    from groundup import cli

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return run


def sentence(draw):
    """Words that are in no dictionary, between some that are."""
    known = draw.sample(["the", "of", "and", "with", "that", "have", "to", "be"], 4)
    words = ["".join(draw.choices(SYLLABLES, k=2)) for _ in range(7)]
    return "The " + " ".join(f"{word} {mark}" for word, mark in zip(words, [*known, *known], strict=False)) + " end."


@pytest.fixture
def pages(tmp_path):
    """Twelve pages: one comes twice, one says nothing."""
    folder = tmp_path / "pages"
    folder.mkdir()
    draw = random.Random(0)
    for number in range(12):
        body = "".join(f"<p>{sentence(draw)}</p>" for _ in range(12))
        menu = "<nav><a href=/>Home</a> <a href=/x>Imprint</a></nav>"
        (folder / f"{number:02}.html").write_text(f"<html><body>{menu}<main>{body}</main></body></html>")
    (folder / "twin.html").write_text((folder / "03.html").read_text() + "<!-- again -->")
    (folder / "short.html").write_text("<html><body><p>Soon.</p></body></html>")
    return folder


@pytest.mark.slow
def test_a_folder_of_pages_becomes_a_chat_model_and_the_report_says_what_was_dropped(
    pages, tmp_path, call, monkeypatch
):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    small = [f"{table}.{name}={value}" for table, found in SMALL.items() for name, value in found.items()]
    flags = [flag for line in [f"data.text={pages}", *small] for flag in ("--set", line)]
    status, out, err = call("run", "web", "--out", tmp_path / "run", *flags)
    assert status == 0, err
    assert "what the pipeline did with your text" in out and "same text as another 1" in out
    results = files.read_json(tmp_path / "run" / "results.json")
    steps = results["data"]["pipeline"]["steps"]
    assert [(one["step"]["kind"], one["seen"], one["kept"]) for one in steps][:4] == [
        ("extract", 14, 13),
        ("mojibake", 13, 13),
        ("exact", 13, 12),
        ("length", 12, 12),
    ]
    assert set(results["bits_per_byte"]) == {"text", "tinyworld"} and "tune" in results["accuracy"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Your text" in page and "12 of 14 documents were kept" in page and "no main text 1" in page
    settings = json.loads((tmp_path / "run" / "model" / "tokenizer_config.json").read_text())
    assert settings["chat_template"]
    (cleaned,) = (tmp_path / "run" / "stages").glob("01-data-*/pipeline")
    rows = json.loads(call("data", "inspect", cleaned, "--json")[1])["documents"]
    assert {row["id"]: row["reason"] for row in rows} == {
        "short.html": "no main text",
        "twin.html": "same text as another",
    }


def test_the_pages_go_through_the_pipeline_and_tinyworld_stands_beside_them(pages, tmp_path):
    from groundup.data.build import build
    from groundup.data.pipeline import exchange

    config = DataConfig(text=str(pages), pipeline="pages", beside_worlds=True, python_bytes=0, **SMALL["data"])
    report = data.clean(config, tmp_path / "pipeline")
    assert report["kept"]["documents"] == 12
    build(config, tmp_path / "documents", exchange.read(tmp_path / "pipeline"))
    made = DataFolder.open(tmp_path / "documents")
    assert made.worlds == ["tinyworld", "text"] and made.instructions("train")
    texts = made.texts("text", "train") + made.texts("text", "heldout")
    assert all("Imprint" not in text and "<p>" not in text for text in texts)


def test_a_pipeline_that_keeps_nothing_is_a_sentence(pages, tmp_path):
    (tmp_path / "p.toml").write_text('[[steps]]\nkind = "length"\nmin_characters = 99999\n')
    config = DataConfig(text=str(pages), pipeline=str(tmp_path / "p.toml"))
    with pytest.raises(
        InputError, match="kept no document of .*; `groundup data inspect .*` says why: loosen the step"
    ):
        data.clean(config, tmp_path / "out")


def test_another_pipeline_or_another_list_is_another_stage(pages, tmp_path):
    (tmp_path / "list").write_text("a.org\n")
    (tmp_path / "p.toml").write_text(f'[[steps]]\nkind = "blocklist"\nlist = "{tmp_path / "list"}"\n')

    def key(name):
        made = recipe.load("web", [f"data.text={pages}", f"data.pipeline={name}"])
        return keys.plan(made)[0].key

    first = key(tmp_path / "p.toml")
    assert len({first, key("pages"), key("web")}) == 3 and key(tmp_path / "p.toml") == first
    (tmp_path / "list").write_text("b.org\n")
    assert key(tmp_path / "p.toml") != first


def test_the_recipe_without_pages_is_a_sentence(pages, call):
    status, _, err = call("run", "web")
    assert status == 2 and "the pipeline pages wants text of your own; name its file or folder" in err
    status, _, err = call("run", "web", "--set", "data.text=/nowhere")
    assert status == 2 and "nowhere" in err
    status, _, err = call("run", "web", "--set", f"data.text={pages}", "--set", "data.pipeline=wep")
    assert status == 2 and "did you mean 'web'" in err
