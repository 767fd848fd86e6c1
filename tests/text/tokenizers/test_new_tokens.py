"""Tokens added to a trained tokenizer: old ids stay, every format reads the new ones, rows begin where the model was."""

import doctest

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import load_tokenizer, new_tokens
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
from groundup.text.tokenizers.new_tokens import add_tokens, grow_rows, spellings


def test_old_ids_stay_and_new_ones_follow(tokenizer, strings):
    new = add_tokens(tokenizer, ["<think>", "</think>"])
    assert isinstance(new, ByteLevelTokenizer) and (tokenizer.vocab_size, new.vocab_size) == (500, 502)
    assert new.encode("a<think>b</think>") == [*tokenizer.encode("a"), 500, *tokenizer.encode("b"), 501]
    assert new.decode([500, 501], skip_special_tokens=True) == "<think></think>"
    assert (new.eos_token_id, new.chat_template) == (tokenizer.eos_token_id, tokenizer.chat_template)
    for text in strings(200, seed=61):
        assert new.encode(text) == tokenizer.encode(text)
    assert new.encode_batch(["x<think>", "", "y"]) == [[*tokenizer.encode("x"), 500], [], tokenizer.encode("y")]


def test_a_new_control_token_is_no_text(tokenizer):
    new = add_tokens(tokenizer, "<|tool|>", special=True)
    assert new.special_tokens["<|tool|>"] == 500 and 500 not in new.encode("<|tool|>")
    assert new.encode("<|tool|>", allow_special=True) == [500]
    assert new.decode([500], skip_special_tokens=True) == ""


def test_a_token_of_the_vocabulary_keeps_its_id_and_twice_added_changes_nothing(tokenizer):
    ordinary = max(filter(bytes.isascii, tokenizer.vocabulary), key=len)
    new = add_tokens(tokenizer, [ordinary.decode()])
    assert new.vocab_size == 500 and new.encode(ordinary.decode()) == [tokenizer.vocabulary[ordinary]]
    twice = add_tokens(add_tokens(tokenizer, ["<a>"]), ["<a>", "<b>"])
    assert twice.fingerprint == add_tokens(tokenizer, ["<a>", "<b>"]).fingerprint


def test_flags_are_those_of_an_added_token(tokenizer):
    new = add_tokens(tokenizer, ["<a>"], lstrip=True, rstrip=True, single_word=True)
    assert new.encode("x  <a> y") == [*tokenizer.encode("x"), 500, *tokenizer.encode("y")]
    assert 500 not in new.encode("x<a>y")


def test_transformers_finds_the_new_tokens_too(tokenizer, tmp_path, strings):
    transformers = pytest.importorskip("transformers")
    new = add_tokens(add_tokens(tokenizer, ["<think>", "éé"]), ["<|tool|>"], special=True)
    new.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).fingerprint == new.fingerprint and len(theirs) == 503
    for text in [*strings(100, seed=63), "a<think>ééé<|tool|>b", "éé <think"]:
        assert theirs.encode(text) == new.encode(text, allow_special=True, add_special_tokens=True)


def test_a_tokenizer_of_parts_takes_new_tokens(tmp_path, theirs):
    original = theirs(model={"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"})
    original.save(str(tmp_path / "tokenizer.json"))
    new = add_tokens(load_tokenizer(tmp_path), ["a", "<x>"])
    assert new.encode("a<x>") == [1, 2]
    new.save(tmp_path / "new")
    again = type(original).from_file(str(tmp_path / "new" / "tokenizer.json"))
    assert again.encode("a<x>").ids == [1, 2]


@pytest.mark.parametrize(
    ("tokens", "special", "words"),
    [
        ([""], False, "token 0 is ''; a new token is a text that is not empty"),
        (["<a>", 3], False, "token 1 is 3"),
        (["<a>", "<a>"], False, "'<a>' is given twice; leave one out"),
        (["<|im_end|>"], False, r"'<\|im_end\|>' is a control token of this tokenizer already; .*special=True"),
        (["\ud83d"], False, "half a surrogate pair"),
    ],
)
def test_what_is_no_new_token_is_refused(tokenizer, tokens, special, words):
    with pytest.raises(InputError, match=words):
        add_tokens(tokenizer, tokens, special=special)


def test_new_rows_are_the_mean_of_the_rows_that_spelled_the_token(tokenizer):
    new = add_tokens(tokenizer, ["<think>", "猫", "<|"])
    spelled = spellings(tokenizer, new)
    assert spelled == [tokenizer.encode("<think>"), tokenizer.encode("猫"), tokenizer.encode("<|")]
    rows = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    grown = grow_rows(rows, spelled)
    assert grown.shape == (503, 8) and grown.dtype == np.float32 and np.array_equal(grown[:500], rows)
    for row, ids in zip(grown[500:], spelled, strict=True):
        np.testing.assert_allclose(row, np.mean([rows[id] for id in ids], axis=0), rtol=1e-6)
    np.testing.assert_allclose(grow_rows(rows, [[]])[500], rows.mean(axis=0), rtol=1e-4, atol=1e-7)
    assert grow_rows(rows, []).shape == (500, 8)
    with pytest.raises(InputError, match="in the order old, new"):
        spellings(new, tokenizer)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(new_tokens).failed == 0
