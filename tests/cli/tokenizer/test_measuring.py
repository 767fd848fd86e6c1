"""`groundup tokenizer sizes` and `impact`: one command, a table or JSON, and a page."""

import doctest
import json
from pydoc_data.topics import topics

import pytest

from groundup.cli.tokenizer import measuring
from groundup.evaluation.tasks import tokenizer_impact


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A file of Python's documentation."""
    path = tmp_path_factory.mktemp("text") / "own.txt"
    path.write_text("\n\n".join(topics[name] for name in sorted(topics)[:20]), encoding="utf-8")
    return path


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(measuring).failed == 0


def test_sizes_are_measured_from_one_training(text, tmp_path, call):
    arguments = [
        "tokenizer",
        "sizes",
        "--text",
        text,
        "--sizes",
        "600,300",
        "--hidden-size",
        64,
        "--out",
        tmp_path / "o",
    ]
    status, out, err = call(*arguments, "--json")
    assert status == 0, err
    small, large = json.loads(out)["sizes"]
    assert (small["vocab_size"], large["vocab_size"]) == (300, 600)
    assert small["embedding_bytes"] == 300 * 64 * 2 and small["tokens"] > large["tokens"]
    assert large["bytes_per_token"] > small["bytes_per_token"] > 1 and 0 < large["used_share"] < 1
    assert json.loads(out)["best"]["vocab_size"] in (300, 600)
    assert json.loads((tmp_path / "o" / "sizes.json").read_text()) == json.loads(out)
    assert "<html" in (tmp_path / "o" / "sizes.html").read_text()[:300]
    assert "fewest bits a byte" in call(*arguments)[1]


def test_a_size_is_that_of_a_tokenizer_trained_for_it(text, tmp_path, call):
    sized = json.loads(
        call("tokenizer", "sizes", "--text", text, "--sizes", "300,600", "--out", tmp_path / "a", "--json")[1]
    )
    trained = call("tokenizer", "train", "--text", text, "--vocab-size", 300, "--out", tmp_path / "b", "--json")[1]
    measured = json.loads(trained)["numbers"]["bytes_per_token"]["text"]
    assert sized["sizes"][0]["bytes_per_token"] == pytest.approx(
        measured, rel=0.02
    )  # ends of texts count as tokens here


def test_impact_keeps_what_it_trained(tmp_path, call, monkeypatch):
    monkeypatch.setattr(tokenizer_impact, "train", lambda task, seed, config: len(task.vocabulary) / 10_000 + seed / 10)
    arguments = ["tokenizer", "impact", "--task", "spelling", "--seeds", 2, "--threads", 1, "--out", tmp_path]
    status, out, err = call(*arguments, "--json")
    assert status == 0 and "spelling, letters, seed 1: 10." in err
    found = json.loads(out)["spelling"]
    assert list(found) == ["letters", "pieces", "one token a word"] and len(found["pieces"]["accuracies"]) == 2
    assert (tmp_path / "impact.html").is_file() and json.loads((tmp_path / "impact.json").read_text()) == json.loads(
        out
    )
    monkeypatch.setattr(tokenizer_impact, "train", None)
    status, out, _ = call(*arguments)
    assert status == 0 and "one token a word" in out and "tokens an example" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sizes", "--sizes", "many"], ("--sizes many is no list of numbers", "--sizes 512,1024")),
        (["sizes", "--sizes", "100,512"], ("vocab_size=100 is smaller", "use at least 259")),
        (["sizes", "--sizes", "512", "--set", "tokenizer.pattern=gpt9"], ("pattern='gpt9' is not a split pattern",)),
        (["sizes", "--sizes", "512,900000"], ("use vocab_size=",)),
        (["impact", "--task", "speling"], ("there is no task 'speling'", "did you mean 'spelling'?")),
        (["impact", "--steps", "1"], ("steps=1 is too few", "use 10 or more")),
        (["impact", "--seeds", "0"], ("0 seeds train nothing", "use 3")),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments, words, text, tmp_path, call):
    given = ["--text", text] if arguments[0] == "sizes" else []
    status, _, said = call("tokenizer", *arguments, *given, "--out", tmp_path / "out")
    assert status == 2 and all(word in said for word in words) and said.count("groundup:") == 1, said
