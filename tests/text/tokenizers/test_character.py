"""One id a character."""

import json

import numpy as np
import pytest

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers.character import character_tokenizer, train_character_tokenizer
from groundup.text.tokenizers.formats import to_dicts


def test_ids_are_in_the_order_of_code_points():
    tokenizer = train_character_tokenizer(["cab", "é"], special_tokens=("<end>",))
    assert tokenizer.vocabulary == {"<unk>": 0, "<end>": 1, "a": 2, "b": 3, "c": 4, "é": 5}
    assert tokenizer.encode("bad") == [3, 2, 0] and tokenizer.decode([4, 2, 3]) == "cab"


def test_a_text_of_known_characters_comes_back(strings):
    texts = strings(1_500, seed=9)
    tokenizer = train_character_tokenizer(texts)
    assert [tokenizer.decode(ids) for ids in tokenizer.encode_batch(texts)] == texts
    assert [len(ids) for ids in tokenizer.encode_batch(texts)] == [len(text) for text in texts]


def test_ids_are_those_of_tokenizers(corpus, strings):
    tokenizers = pytest.importorskip("tokenizers")
    ours = train_character_tokenizer(corpus)
    theirs = tokenizers.Tokenizer.from_str(json.dumps(to_dicts(ours)[0]))
    for text in strings(1_500, seed=10):
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids
        ids = ours.encode(text)
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_batches_single_texts_and_offsets_agree(corpus):
    tokenizer = train_character_tokenizer(corpus[:50])
    packed, offsets = tokenizer.encode_packed(corpus)
    assert packed.dtype == np.int32 and offsets.dtype == np.int64
    assert np.split(packed, offsets[1:-1])[3].tolist() == tokenizer.encode(corpus[3])
    ids, places = tokenizer.offsets("猫 ab\n")
    assert ids == tokenizer.encode("猫 ab\n") and places == [(i, i + 1) for i in range(5)]
    rebuild, arguments = tokenizer.__reduce__()
    assert rebuild(*arguments).encode("abc") == tokenizer.encode("abc"), "as a worker process gets it"


def test_without_an_unknown_token_a_character_is_named():
    tokenizer = train_character_tokenizer(["abc"], unk_token=None)
    assert tokenizer.vocab_size == 3 and tokenizer.encode("cab") == [2, 0, 1]
    with pytest.raises(InputError, match="'d' is not in the vocabulary"):
        tokenizer.encode("add")


def test_rare_characters_can_be_left_out():
    assert "z" not in train_character_tokenizer(["aaz"], min_count=2).vocabulary


@pytest.mark.parametrize(
    "arguments", [{"special_tokens": ("x",)}, {"special_tokens": ("<unk>",)}, {"characters": ["ab"]}]
)
def test_tokens_that_could_be_text_are_refused(arguments):
    with pytest.raises(ConfigError, match="cannot be: characters are single"):
        character_tokenizer(**({"characters": "abc"} | arguments))


def test_no_text_and_half_characters_are_refused():
    with pytest.raises(InputError, match="no character"):
        train_character_tokenizer([""])
    with pytest.raises(InputError, match="half a surrogate pair"):
        train_character_tokenizer(["\ud800"])
    with pytest.raises(InputError, match="half a surrogate pair"):
        train_character_tokenizer(["a"]).encode("\ud800")
