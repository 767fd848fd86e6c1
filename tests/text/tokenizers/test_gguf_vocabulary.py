"""Tokenizers in GGUF metadata: the same ids after writing and reading, marks and roles kept, what has no word refused."""

import numpy as np
import pytest

from groundup.errors import FormatError, UnsupportedModel
from groundup.text.tokenizers import TokenizerConfig, load_tokenizer, train_sentencepiece, train_tokenizer
from groundup.text.tokenizers.formats import from_dicts, to_dicts
from groundup.text.tokenizers.gguf_vocabulary import PRE, marks, read_vocabulary, scored_pieces, write_vocabulary
from groundup.text.tokenizers.sentencepiece_tokenizer import BYTE, CONTROL, NORMAL, UNKNOWN, USER_DEFINED, Piece
from groundup.text.tokenizers.wordpiece_tokenizer import train_wordpiece_tokenizer

TEXT = "The cat sat on the mat in 1984, didn't it?  A dog ran 12 miles to the red house.\n" * 20
SAMPLES = ["The cat's 2024  dogs\n\n ran", "Grüße an  日本 🙂", "", " leading", "12345678", "I'LL don't"]


def trained(pattern="qwen2", **changes):
    return train_tokenizer([TEXT], TokenizerConfig(vocab_size=290, pattern=pattern, **changes))


def as_file(tokenizer, **changes):
    """A tokenizer by way of tokenizer.json with some parts exchanged."""
    raw, config = to_dicts(tokenizer)
    return from_dicts("tokenizer.json", raw | changes, config, None)


@pytest.mark.parametrize(
    "pattern, pre", [("gpt2", "gpt-2"), ("qwen2", "qwen2"), ("llama3", "dbrx"), ("o200k", "gpt-4o")]
)
def test_byte_level_bpe_comes_back_with_the_same_ids(pattern, pre):
    tokenizer = trained(pattern)
    metadata = write_vocabulary(tokenizer)
    assert (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"]) == ("gpt2", pre)
    again = read_vocabulary(metadata, "m.gguf")
    assert [again.encode(text) for text in SAMPLES] == [tokenizer.encode(text) for text in SAMPLES]
    assert again.roles == tokenizer.roles and again.special_tokens == tokenizer.special_tokens
    assert again.chat_template == tokenizer.chat_template
    assert again.decode(again.encode(SAMPLES[1])) == SAMPLES[1]


def test_digits_one_by_one_are_smollms_way():
    parts = PRE["smollm"][0]
    tokenizer = as_file(trained("gpt2"), pre_tokenizer=parts)
    metadata = write_vocabulary(tokenizer)
    assert metadata["tokenizer.ggml.pre"] == "smollm"
    again = read_vocabulary(metadata, "m.gguf")
    assert [again.encode(text) for text in SAMPLES] == [tokenizer.encode(text) for text in SAMPLES]
    assert len(again.encode("12345678")) == 8


def test_ids_without_a_token_are_unused_ones():
    tokenizer = trained()
    metadata = write_vocabulary(tokenizer, 320)
    assert metadata["tokenizer.ggml.tokens"][-1] == "[PAD319]" and metadata["tokenizer.ggml.token_type"][-1] == 5
    assert read_vocabulary(metadata, "m.gguf").vocab_size == tokenizer.vocab_size


@pytest.mark.parametrize("begin", [True, False])
def test_whether_a_text_begins_with_a_mark_is_said(begin):
    tokenizer = trained()
    nothing = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    mark = marks([(tokenizer.bos_token, tokenizer.bos_token_id)]) if begin else nothing
    tokenizer = as_file(tokenizer, post_processor=mark)
    metadata = write_vocabulary(tokenizer)
    assert metadata["tokenizer.ggml.add_bos_token"] is begin and metadata["tokenizer.ggml.add_eos_token"] is False
    again = read_vocabulary(metadata, "m.gguf")
    assert again.encode("cat", add_special_tokens=True) == tokenizer.encode("cat", add_special_tokens=True)
    assert again.encode_prompt("cat") == tokenizer.encode_prompt("cat") == [0] * begin + tokenizer.encode("cat")


def test_a_tokenizer_trained_here_begins_texts_in_a_file_too():
    metadata = write_vocabulary(trained())
    assert metadata["tokenizer.ggml.add_bos_token"] is True
    assert read_vocabulary(metadata, "m.gguf").encode_prompt("cat") == trained().encode_prompt("cat")


def pieces():
    """A vocabulary with bytes, as LLaMA's: letters, and what they make when those of higher score merge first."""
    words = ["▁t", "he", "▁the", "ca", "t▁", "▁c", "▁cat", "at"]
    letters = sorted(set("".join(words)) | set("abdefghorst\n"))
    return [
        Piece("<unk>", 0, UNKNOWN), Piece("<s>", 0, CONTROL), Piece("</s>", 0, CONTROL),
        *(Piece(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)),
        *(Piece(word, -float(rank), NORMAL) for rank, word in enumerate(words, 1)),
        *(Piece(letter, -1000.0, NORMAL) for letter in letters),
    ]  # fmt: skip


@pytest.mark.parametrize("prefix", [True, False])
def test_pieces_with_scores_come_back_with_the_same_ids(prefix, tmp_path):
    tokenizer = scored_pieces(pieces(), space_prefix=prefix, bos_token="<s>", eos_token="</s>")
    tokenizer.save(tmp_path)
    for one in (tokenizer, load_tokenizer(tmp_path)):
        metadata = write_vocabulary(one)
        assert metadata["tokenizer.ggml.model"] == "llama" and metadata["tokenizer.ggml.add_space_prefix"] is prefix
        assert metadata["tokenizer.ggml.token_type"][:4].tolist() == [2, 3, 3, 6]
        again = read_vocabulary(metadata, "m.gguf")
        for text in ["the cat", "the  hat ate", "é\n", "cat"]:
            assert again.encode(text) == tokenizer.encode(text)
            assert again.decode(again.encode(text)) == text


def test_the_merges_of_pieces_are_those_of_sentencepiece():
    """Llama 2's own vocabulary, where it is there: ids of the .model file and of the same pieces through GGUF's keys."""
    from pathlib import Path

    model = Path(__file__).parents[4] / "shared" / "data" / "llama2-tokenizer" / "tokenizer.model"
    if not model.is_file():
        pytest.skip("the vocabulary of Llama 2 is not here")
    pytest.importorskip("sentencepiece")
    tokenizer = load_tokenizer(model)
    own = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [piece.text for piece in tokenizer.pieces],
        "tokenizer.ggml.scores": np.array([piece.score for piece in tokenizer.pieces], np.float32),
        "tokenizer.ggml.token_type": np.array([piece.kind for piece in tokenizer.pieces], np.int32),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    again = read_vocabulary(own, "m.gguf")
    assert [again.encode(text) for text in SAMPLES] == [tokenizer.encode(text) for text in SAMPLES]
    assert again.encode("cat", add_special_tokens=True)[0] == 1


def test_the_users_own_pieces_are_found_whole():
    own = [*pieces(), Piece("<|tool|>", 0.0, USER_DEFINED)]
    metadata = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [piece.text for piece in own],
        "tokenizer.ggml.scores": np.array([piece.score for piece in own], np.float32),
        "tokenizer.ggml.token_type": np.array([piece.kind for piece in own], np.int32),
    }
    tokenizer = read_vocabulary(metadata, "m.gguf")
    assert len(own) - 1 in tokenizer.encode("the<|tool|>cat")


def test_a_file_without_a_tokenizer_has_none():
    assert read_vocabulary({}, "m.gguf") is None and read_vocabulary({"tokenizer.ggml.model": "no_vocab"}, "m") is None


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"tokenizer.ggml.model": "bert"}, UnsupportedModel, "type 'bert' is not implemented; use .* gpt2, llama"),
        ({"tokenizer.ggml.pre": "tekken"}, UnsupportedModel, "tokenizer.ggml.pre='tekken'.* there are gpt-2, smollm"),
        ({"tokenizer.ggml.pre": None}, UnsupportedModel, "tokenizer.ggml.pre=None"),
        ({"tokenizer.ggml.tokens": None}, FormatError, "lacks tokenizer.ggml.tokens"),
        ({"tokenizer.ggml.merges": None}, FormatError, "lacks tokenizer.ggml.merges"),
        ({"tokenizer.ggml.token_type": np.ones(3, np.int32)}, FormatError, "290 tokens but 3 token types"),
        ({"tokenizer.ggml.model": "llama"}, FormatError, "290 tokens but 0 scores"),
    ],
)
def test_what_cannot_be_read_is_named(changes, error, words):
    whole = write_vocabulary(trained()) | changes
    with pytest.raises(error, match=f"m.gguf.*{words}"):
        read_vocabulary({key: value for key, value in whole.items() if value is not None}, "m.gguf")


def test_what_gguf_has_no_word_for_is_refused():
    for tokenizer, words in [
        (train_wordpiece_tokenizer([TEXT], vocab_size=120), "its model is WordPiece"),
        (train_sentencepiece([TEXT], vocab_size=60), "its model is Unigram"),
        (trained("cl100k"), "no name of tokenizer.ggml.pre means"),
        (as_file(trained("gpt2"), normalizer={"type": "Lowercase"}), "its normaliser Lowercase"),
    ]:
        with pytest.raises(UnsupportedModel, match=f"{words}.*; save the model as a folder"):
            write_vocabulary(tokenizer)


def test_marks_are_those_of_every_other_tokenizer():
    from groundup.text.tokenizers.post_processors import surrounded

    assert marks([("<s>", 1)], [("</s>", 2)]) == surrounded([("<s>", 1)], [("</s>", 2)]).to_json()
    assert marks([]) is None
