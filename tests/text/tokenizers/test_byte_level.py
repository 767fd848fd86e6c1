"""The tokenizer object: the round trip for any text, equal results by every way of encoding, and clear refusals."""

import copy
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import slots
from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers import ByteLevelTokenizer, TokenizerConfig, train_tokenizer
from groundup.text.tokenizers import tokenizer as tokenizer_module

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(TEXT)
@settings(deadline=None)
def test_decoding_what_was_encoded_gives_the_text_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode(text, allow_special=True)) == text


@pytest.mark.parametrize(
    "text", [" ?", "hello !", "the word 'social'", "", "\x00", "\ufeff", "e\u0301", "\r\n", "<|endoftext|>"]
)
def test_no_space_sign_or_mark_is_cleaned_up(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.lists(TEXT, max_size=6))
@settings(deadline=None)
def test_every_way_of_encoding_gives_the_same_ids(tokenizer, texts):
    expected = [tokenizer.encode(text) for text in texts]
    ids, offsets = tokenizer.encode_packed(texts)
    assert tokenizer.encode_batch(texts) == expected
    assert (ids.dtype, offsets.dtype, len(offsets)) == (np.int32, np.int64, len(texts) + 1)
    assert [ids[a:b].tolist() for a, b in itertools.pairwise(offsets)] == expected


def test_threads_change_nothing(monkeypatch, tokenizer, strings):
    monkeypatch.setattr(tokenizer_module, "_PARALLEL_BYTES", 1)
    texts = ["", *strings(100, seed=17), "", "x" * 5000, ""]
    ids, offsets = tokenizer.encode_packed(texts, threads=1)
    for threads in (2, 3, 200):
        other_ids, other_offsets = tokenizer.encode_packed(iter(texts), threads=threads)
        assert np.array_equal(ids, other_ids) and np.array_equal(offsets, other_offsets)


@pytest.mark.parametrize("lot", [1, 7, 100, 1 << 19])
def test_lots_change_nothing(monkeypatch, tokenizer, strings, lot):
    monkeypatch.setattr(tokenizer_module, "_LOT", lot)
    texts = ["", *strings(80, seed=18), "", "a long one " * 30, ""]
    for some in ([], [""], texts):
        ids, offsets = tokenizer.encode_packed(some, threads=1)
        assert len(offsets) == len(some) + 1 and offsets[-1] == len(ids)
        alone = [tokenizer.encode(text) for text in some]
        assert [ids[start:end].tolist() for start, end in itertools.pairwise(offsets)] == alone


def test_ids_are_laid_out_special_tokens_bytes_merges(tokenizer):
    assert tokenizer.special_tokens == {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    assert [tokenizer.token_bytes(3 + byte) for byte in range(256)] == [bytes([byte]) for byte in range(256)]
    assert tokenizer.token_bytes(259) == b"".join(tokenizer.merges[0])
    assert len(tokenizer) == tokenizer.vocab_size == 500 == 259 + len(tokenizer.merges)
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == tokenizer.bos_token_id == 0
    assert "500 ids" in repr(tokenizer)


def test_token_lengths_add_up_to_the_bytes_of_the_text(tokenizer, strings):
    assert tokenizer.token_lengths.dtype == np.int32
    assert tokenizer.token_lengths[:3].tolist() == [0, 0, 0]
    for text in strings(50, seed=19):
        assert tokenizer.token_lengths[tokenizer.encode(text)].sum() == len(text.encode())


def test_special_tokens_are_encoded_only_on_request(tokenizer):
    text = "a<|endoftext|>b<|im_end|>"
    assert not {0, 1, 2} & set(tokenizer.encode(text))
    assert tokenizer.encode(text, allow_special=True) == [*tokenizer.encode("a"), 0, *tokenizer.encode("b"), 2]


def test_special_tokens_are_decoded_or_skipped(tokenizer):
    ids = [0, *tokenizer.encode("Hi"), 2]
    assert tokenizer.decode(ids) == "<|endoftext|>Hi<|im_end|>"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "Hi"
    assert tokenizer.decode(np.array(ids)) == tokenizer.decode(iter(ids))


def test_half_a_character_is_decoded_as_the_replacement_character(tokenizer):
    ids = tokenizer.encode("𝒳")
    assert tokenizer.decode(ids[:-1]) == "\ufffd"
    assert tokenizer.decode_bytes(ids) == "𝒳".encode()


@pytest.mark.parametrize("id", [-1, 500, 10**9])
def test_an_id_outside_the_vocabulary_is_named(tokenizer, id):
    with pytest.raises(InputError, match=f"id {id} is no token .* 0 to 499"):
        tokenizer.decode([5, id])


@pytest.mark.parametrize("encode", ["encode", "encode_batch", "encode_packed"])
def test_half_a_surrogate_pair_is_refused_with_the_way_out(tokenizer, encode):
    text = "ab\ud83d"
    with pytest.raises(InputError, match=r"U\+D83D\) at character 2; .*utf-16"):
        getattr(tokenizer, encode)(text if encode == "encode" else [text])
    mended = "\ud83d\ude00\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert tokenizer.decode(tokenizer.encode(mended)) == "😀\ufffd"


def test_the_order_of_the_documents_makes_no_difference(corpus):
    shuffled = random.Random(0).sample(corpus, len(corpus))
    config = TokenizerConfig(vocab_size=400)
    assert train_tokenizer(shuffled, config).merges == train_tokenizer(corpus, config).merges


def test_the_fingerprint_tells_tokenizers_apart(corpus, tokenizer):
    again = train_tokenizer(corpus, TokenizerConfig(vocab_size=500))
    smaller = train_tokenizer(corpus, TokenizerConfig(vocab_size=499))
    assert again.fingerprint == tokenizer.fingerprint != smaller.fingerprint
    assert train_tokenizer(corpus, TokenizerConfig(vocab_size=500, pattern="gpt2")).fingerprint != tokenizer.fingerprint


def test_a_worker_process_gets_an_equal_tokenizer(tokenizer):
    sent = copy.deepcopy(tokenizer)  # by __reduce__, as it travels to a process
    assert sent.fingerprint == tokenizer.fingerprint
    assert sent.encode("The cat didn't") == tokenizer.encode("The cat didn't")


def test_only_the_sample_is_learned_from(corpus):
    config = TokenizerConfig(vocab_size=270, sample_bytes=len(corpus[0]))
    assert train_tokenizer(corpus, config).merges == train_tokenizer(corpus[:1], config).merges


@pytest.mark.parametrize("texts", [[], [""], iter(["", ""])])
def test_no_text_is_refused(texts):
    with pytest.raises(InputError, match="give at least one document that is not empty"):
        train_tokenizer(texts)


def test_a_vocabulary_that_the_text_cannot_fill_is_refused_with_the_largest_possible():
    with pytest.raises(InputError, match="use vocab_size=264 at most, or give more text"):
        train_tokenizer(["hello hello"], TokenizerConfig(vocab_size=1000))
    assert train_tokenizer(["hello"], TokenizerConfig(vocab_size=263)).vocab_size == 263


def test_a_special_token_that_text_could_hold_is_refused():
    with pytest.raises(ConfigError, match=r"use a form such as '<\|stop\|>'"):
        train_tokenizer(["hello"], TokenizerConfig(vocab_size=258, special_tokens=("stop",)))


def test_one_string_is_one_document():
    assert train_tokenizer("hello", TokenizerConfig(vocab_size=263)).encode("hello") == [262]


def test_more_ids_than_the_cache_can_hold_are_refused():
    vocabulary = {bytes([byte]): byte for byte in range(256)}
    with pytest.raises(InputError, match="1,048,577 ids"):
        ByteLevelTokenizer(vocabulary, [], special_tokens={"<|a|>": 1 << 20})


def test_a_filled_slot_is_used_and_its_fast_sibling_is_not(tmp_path, child):
    (tmp_path / "mine.py").write_text(
        "def encode_piece(piece, ranks):\n    return [bytes([byte]) for byte in piece]\n\n"
        "def train_bpe(words, merges):\n    return [(b'x', bytes([byte])) for byte in range(merges)]\n"
    )
    code = (
        "from groundup.text.tokenizers import train_tokenizer, TokenizerConfig\n"
        "tokenizer = train_tokenizer(['the the the'], TokenizerConfig(vocab_size=261))\n"
        "ids, offsets = tokenizer.encode_packed(['the', '', 'x'])\n"
        "print(tokenizer.merges, tokenizer.encode('the'), tokenizer.encode_batch(['the', 'x']))\n"
        "print(ids.tolist(), offsets.tolist())\n"
        "from groundup import slots; print([(filled.id, filled.calls > 0) for filled in slots.active()])"
    )
    printed = child(code, **{slots.VARIABLE: str(tmp_path)})
    the = [3 + ord(letter) for letter in "the"]
    x = 3 + ord("x")
    assert printed.splitlines() == [
        f"[(b'x', b'\\x00'), (b'x', b'\\x01')] {the} [{the}, [{x}]]",
        f"{[*the, x]} [0, 3, 3, 4]",
        "[('text.tokenizers.encode_piece', True), ('text.tokenizers.train_bpe', True)]",
    ]
