"""What a tokenizer costs by language."""

import zipfile

import pytest

from groundup.errors import InputError
from groundup.text.tokenizers.multilingual import (
    NAMES,
    Measure,
    fertility,
    measure,
    read_parallel,
    relative_costs,
)

PARALLEL = {"eng": "All are born free.", "ell": "Όλοι γεννιούνται ελεύθεροι.", "tha": "มนุษย์ทั้งหลายเกิดมามีอิสระ"}


def test_fertility_is_of_all_words_and_not_a_mean_of_means():
    assert fertility(str.split, ["a b", "c"]) == 1.0 and fertility(list, ["abc", "d e f g"]) == 10 / 5
    assert fertility(list, ["", " "]) == 0.0


def test_measures_are_counts(tokenizer):
    found = measure(tokenizer, PARALLEL)
    for name, text in PARALLEL.items():
        assert found[name].tokens == len(tokenizer.encode(text)) and found[name].bytes == len(text.encode())
        assert found[name].bytes_per_token == pytest.approx(len(text.encode()) / len(tokenizer.encode(text)))
    assert found["eng"].tokens_per_word == fertility(tokenizer.encode, [PARALLEL["eng"]])
    assert found["tha"].tokens_per_word is None, "Thai has no spaces between words"


def test_costs_are_relative_and_the_dearest_is_last(tokenizer):
    costs = relative_costs(measure(tokenizer, PARALLEL))
    assert costs["eng"] == 1.0 and list(costs) == ["eng", "ell", "tha"] and costs["tha"] > 3
    with pytest.raises(InputError, match="no text 'deu' to compare with; give one of eng"):
        relative_costs(measure(tokenizer, PARALLEL), "deu")


def test_parallel_texts_are_read_from_a_folder_and_an_archive(tmp_path):
    for name, text in PARALLEL.items():
        (tmp_path / f"{name}.txt").write_text("\ufeff" + text + "\n", encoding="utf-8")
    (tmp_path / "part.txt").write_text("All", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "texts.zip", "w") as archive:
        for file in tmp_path.glob("*.txt"):
            archive.write(file, f"udhr/{file.name}")
    assert read_parallel(tmp_path) == read_parallel(tmp_path / "texts.zip") == PARALLEL


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(InputError, match="holds no .txt file"):
        read_parallel(tmp_path)
    with pytest.raises(InputError, match="cannot be read as a folder or zip archive"):
        read_parallel(tmp_path / "notes.md")
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no UTF-8"):
        read_parallel(tmp_path)


def test_in_the_declaration_of_human_rights_english_is_cheap_for_gpt_2():
    """GPT-2's tokenizer was learned from English; most languages cost at least 1.5 times as much."""
    from pathlib import Path

    from groundup.text.tokenizers import load_tokenizer

    data = Path(__file__).parents[4] / "shared" / "data"
    if not (data / "nltk-corpora/udhr2.zip").is_file():
        pytest.skip("the declaration's translations are not on this machine")
    texts = read_parallel(data / "nltk-corpora" / "udhr2.zip")
    costs = relative_costs(measure(load_tokenizer(data / "gpt2-tokenizer/tokenizer.json"), texts))
    assert len(set(NAMES) & set(costs)) > 38
    assert sum(cost > 1.5 for cost in costs.values()) > 0.8 * len(costs) and costs["mya"] > 8
    assert Measure(3, 1, 3, 9).bytes_per_token == 3


def test_tokens_that_say_only_that_something_stood_there_are_counted():
    from groundup.text.tokenizers.multilingual import measure
    from groundup.text.tokenizers.word import train_word_tokenizer

    tokenizer = train_word_tokenizer(["the cat sat on the mat"] * 3, vocab_size=20)
    found = measure(tokenizer, {"known": "the cat sat", "half": "the dog sat down", "empty": ""})
    assert [one.unknown_share for one in found.values()] == [0.0, 0.5, 0.0]
