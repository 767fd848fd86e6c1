"""llama2.c's tokenizer.bin: pieces by hand, and the real one against its own list."""

import struct
from pathlib import Path

import pytest

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers.llama2c_vocabulary import read_llama2c_tokenizer, read_pieces
from groundup.text.tokenizers.sentencepiece_tokenizer import BYTE, CONTROL, NORMAL, UNKNOWN

STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K"
SPECIAL = [("<unk>", 0.0), ("\n<s>\n", 0.0), ("\n</s>\n", 0.0), ("<0x0A>", 0.0)]


def written(path, pieces):
    data = b"".join(struct.pack("<fi", score, len(text.encode())) + text.encode() for text, score in pieces)
    path.write_bytes(struct.pack("<i", 7) + data)
    return path


def test_pieces_by_hand(tmp_path):
    pieces = read_pieces(written(tmp_path / "t.bin", [*SPECIAL, (" a", -1.0), ("é", -2.0)]))
    assert [piece.text for piece in pieces] == ["<unk>", "<s>", "</s>", "<0x0A>", "▁a", "é"]
    assert [piece.kind for piece in pieces] == [UNKNOWN, CONTROL, CONTROL, BYTE, NORMAL, NORMAL]
    assert [piece.score for piece in pieces] == [0, 0, 0, 0, -1, -2]


@pytest.mark.skipif(not STORIES.is_dir(), reason="the tokenizer of stories260K is not here")
def test_the_real_one_has_the_listed_pieces_and_gives_texts_back():
    listed = [line.split("\t")[0] for line in (STORIES / "tok512.vocab").read_text().splitlines()]
    assert [piece.text for piece in read_pieces(STORIES / "tok512.bin")] == listed
    tokenizer = read_llama2c_tokenizer(STORIES / "tok512.bin")
    for text in ["Once upon a time, there was a girl.", "Grüße\n 🙂", "a  b"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode("Once", add_special_tokens=True)[0] == tokenizer.bos_token_id == 1


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_file_that_was_cut_short_says_so(cut, tmp_path):
    path = written(tmp_path / "t.bin", [*SPECIAL, (" a", -1.0)])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(FormatError, match=r"piece 4 cannot be read; copy it again"):
        read_pieces(path)


def test_what_is_missing_or_too_short_is_named(tmp_path):
    with pytest.raises(InputError, match="belongs beside its model"):
        read_pieces(tmp_path / "none.bin")
    with pytest.raises(FormatError, match="has 1 pieces, fewer than"):
        read_llama2c_tokenizer(written(tmp_path / "t.bin", SPECIAL[:1]))
