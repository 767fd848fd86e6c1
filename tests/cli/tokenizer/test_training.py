"""`groundup tokenizer train --model …`: every model from one text, read by the packages it is meant for."""

import json
import os
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from groundup.text.tokenizers import load_tokenizer

MODELS = ("wordpiece", "unigram", "sentencepiece-bpe")
TYPED = ["The  cat\n\tsat.", "Grüße, 猫 🙂", "", " x"]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A file of Python's documentation."""
    path = tmp_path_factory.mktemp("text") / "own.txt"
    path.write_text("\n\n".join(topics[name] for name in sorted(topics)[:25]), encoding="utf-8")
    return path


def trained(call, *arguments):
    status, out, err = call("tokenizer", "train", *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_trained_and_read_by_others_with_the_same_ids(model, text, tmp_path, call, monkeypatch):
    transformers = pytest.importorskip("transformers")
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    found = trained(call, "--text", text, "--vocab-size", 600, "--model", model, "--out", tmp_path / "out")
    assert found["stage"] == "tokenizer" and found["model"] == model and found["numbers"]["vocab_size"] == 600
    assert found["numbers"]["bytes_per_token"]["text"] > 1.5
    folder = Path(found["made"][0])
    ours, other = load_tokenizer(folder), transformers.AutoTokenizer.from_pretrained(folder)
    ids = ours.encode_batch(TYPED)
    assert ours.fingerprint and [other.encode(one, add_special_tokens=False) for one in TYPED] == ids
    assert (folder / "tokenizer.model").is_file() == (model != "wordpiece")
    if model != "wordpiece":
        sentencepiece = pytest.importorskip("sentencepiece")
        package = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        assert package.encode(TYPED) == ids == load_tokenizer(folder / "tokenizer.model").encode_batch(TYPED)


@pytest.mark.parametrize("model", MODELS[1:])
def test_with_bytes_any_text_comes_back(model, text, tmp_path, call):
    options = ["--byte-fallback", "--character-coverage", 0.999]
    made = trained(call, "--text", text, "--vocab-size", 500, "--model", model, *options, "--out", tmp_path / "out")
    ours = load_tokenizer(made["made"][0])
    assert [ours.decode(ours.encode(one)) for one in TYPED] == TYPED


def test_small_letters_are_an_option(text, tmp_path, call):
    common = ["--text", text, "--vocab-size", 600, "--model", "wordpiece"]
    for option, expected in (([], "NONE ["), (["--lowercase"], "none [")):
        made = trained(call, *common, *option, "--out", tmp_path / f"out{len(option)}")
        ours = load_tokenizer(made["made"][0])
        assert ours.decode(ours.encode("NONE [")) == expected


def test_without_json_it_is_a_table(text, tmp_path, call):
    status, out, _ = call(
        "tokenizer", "train", "--text", text, "--vocab-size", 400, "--model", "unigram", "--out", tmp_path
    )
    assert status == 0 and "bytes a token, text" in out and f"made: {tmp_path / 'tokenizer'}" in out.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "wordpeice"], ("--model wordpeice cannot be trained", "did you mean 'wordpiece'?")),
        (["--model", "xyz"], ("use one of byte-level, sentencepiece-bpe, unigram, wordpiece",)),
        (["--lowercase"], ("--lowercase belongs to --model wordpiece, not to byte-level", "leave it out")),
        (["--model", "wordpiece", "--byte-fallback"], ("--byte-fallback belongs to", "leave it out")),
        (
            ["--model", "unigram", "--set", "tokenizer.pattern=gpt2"],
            ("says nothing about --model unigram", "leave it out"),
        ),
        (
            ["--model", "unigram", "--set", "tokenizer.vocab_size=300", "--byte-fallback"],
            ("vocab_size=300 is smaller",),
        ),
        (["--character-coverage", "0.9"], ("--character-coverage belongs to", "leave it out")),
        (["--model", "unigram", "--character-coverage", "99.95"], ("use 0.9995",)),
        (["--model", "unigram", "--vocab-size", "40"], ("vocab_size=40 is smaller than the alphabet", "or more")),
        (["--model", "sentencepiece-bpe", "--vocab-size", "20"], ("smaller than the alphabet", "or more")),
        (["--model", "wordpiece", "--vocab-size", "50"], ("smaller than the alphabet", "or more")),
        (["--model", "unigram", "--byte-fallback", "--vocab-size", "200"], ("use a larger one",)),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(arguments, words, text, tmp_path, call):
    status, _, said = call("tokenizer", "train", "--text", text, *arguments, "--out", tmp_path / "out")
    assert status == 2 and all(word in said for word in words) and said.count("groundup:") == 1, said
    assert not (tmp_path / "out" / "tokenizer").exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_text_without_words_is_refused(model, tmp_path, call):
    (tmp_path / "empty.txt").write_text("")
    status, _, said = call(
        "tokenizer", "train", "--text", tmp_path / "empty.txt", "--model", model, "--out", tmp_path / "out"
    )
    assert status == 2 and said.count("groundup:") == 1 and ";" in said
