"""A .model file is read and written so that nothing is lost, and a bad one is named."""

import sys

import pytest

from groundup.errors import FormatError, InputError, MissingExtra, UnsupportedModel
from groundup.text.tokenizers import sentencepiece_tokenizer as house
from groundup.text.tokenizers.charsmap import Charsmap, compile_rules
from groundup.text.tokenizers.sentencepiece_model import read_model, write_model
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_tokenizer import Piece, SentencePieceTokenizer

sentencepiece = pytest.importorskip("sentencepiece")
pb = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
CONTROLS = [Piece("<unk>", 0.0, house.UNKNOWN), Piece("<s>", 0.0, house.CONTROL), Piece("</s>", 0.0, house.CONTROL)]
LETTERS = [Piece(letter, -5.0 - i) for i, letter in enumerate(["▁", "a", "b", "c", "1"])]
MADE = [
    Piece("▁a", -1.0),
    Piece("ab", -2.0),
    Piece("▁ab", -3.0),
    Piece("bc", -3.5),
    Piece("<x>", 0.0, house.USER_DEFINED),
]
TEXTS = ["abc ab a", "<x>ab ①", "  a  b", "xyz", "", "abcabc" * 30]


def made(model: str) -> SentencePieceTokenizer:
    rules = SentencePieceNormalizer(Charsmap(compile_rules({"①": "1"})))
    pieces = [*CONTROLS, *LETTERS, *MADE]
    return SentencePieceTokenizer(pieces, model=model, rules=rules, bos_token="<s>", eos_token="</s>")


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_what_is_written_is_read_by_sentencepiece_and_again_by_us(model, tmp_path):
    ours = made(model)
    write_model(ours, tmp_path / "m.model")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    assert theirs.encode(TEXTS) == ours.encode_batch(TEXTS)
    assert (theirs.bos_id(), theirs.eos_id(), theirs.pad_id(), theirs.unk_id()) == (1, 2, -1, 0)
    again = read_model(tmp_path / "m.model")
    assert again.fingerprint == ours.fingerprint
    assert again.encode_batch(TEXTS) == ours.encode_batch(TEXTS)


def test_marks_stand_around_a_text_when_the_reader_says_so(tmp_path):
    write_model(made("bpe"), tmp_path / "m.model")
    ours = read_model(tmp_path / "m.model", add_bos=True, add_eos=True)
    inside = ours.encode("ab")
    assert ours.encode("ab", add_special_tokens=True) == [1, *inside, 2]
    assert read_model(tmp_path / "m.model").encode("ab", add_special_tokens=True) == inside


def test_a_mark_that_the_file_does_not_have_is_refused(tmp_path):
    write_model(SentencePieceTokenizer([*CONTROLS[:1], *LETTERS]), tmp_path / "m.model")
    with pytest.raises(InputError, match="leave add_bos or add_eos away"):
        read_model(tmp_path / "m.model", add_eos=True)


def test_files_that_are_no_models_are_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_model(tmp_path / "none.model")
    for content in (b"", b"\xff\xff\xff", b"plain text"):
        (tmp_path / "bad.model").write_bytes(content)
        with pytest.raises(FormatError, match=r"bad\.model is no SentencePiece model"):
            read_model(tmp_path / "bad.model")
    write_model(made("bpe"), tmp_path / "m.model")
    whole = (tmp_path / "m.model").read_bytes()
    (tmp_path / "bad.model").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"bad\.model"):
        read_model(tmp_path / "bad.model")


def test_what_would_change_the_text_is_refused_by_name(tmp_path):
    write_model(made("unigram"), tmp_path / "m.model")
    message = pb.ModelProto()
    message.ParseFromString((tmp_path / "m.model").read_bytes())
    message.denormalizer_spec.precompiled_charsmap = b"something"
    (tmp_path / "m.model").write_bytes(message.SerializeToString())
    with pytest.raises(UnsupportedModel, match="denormalizer"):
        read_model(tmp_path / "m.model")
    message.ClearField("denormalizer_spec")
    message.trainer_spec.model_type = 3
    (tmp_path / "m.model").write_bytes(message.SerializeToString())
    with pytest.raises(UnsupportedModel, match="type word"):
        read_model(tmp_path / "m.model")


def test_another_kind_of_tokenizer_is_not_written(tokenizer, tmp_path):
    with pytest.raises(InputError, match=r"write it with save\(\)"):
        write_model(tokenizer, tmp_path / "m.model")


def test_without_the_package_there_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "m.model").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingExtra, match="sentencepiece is not installed; run: pip install"):
        read_model(tmp_path / "m.model")
