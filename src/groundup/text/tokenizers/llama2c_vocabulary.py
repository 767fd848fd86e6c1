"""llama2.c's tokenizer.bin: SentencePiece's pieces and scores, with all that C would have to work out done beforehand.

    the longest piece in bytes (int32), then for each piece: its score (float32) | its length in bytes (int32) | its UTF-8

The visible space is written as a plain one, <s> and </s> with a line's end on either side. Which piece is of which kind is not said: the first
three are unknown, begin and end, and <0x00> to <0xFF> are bytes, as in LLaMA's own vocabulary.
Source: karpathy/llama2.c, `tokenizer.py` and `run.c`.
"""

import struct
from pathlib import Path

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers.gguf_vocabulary import marks, scored_pieces
from groundup.text.tokenizers.post_processors import read_post_processor
from groundup.text.tokenizers.sentencepiece_normalizer import SPACE
from groundup.text.tokenizers.sentencepiece_tokenizer import BYTE, CONTROL, NORMAL, UNKNOWN, Piece
from groundup.text.tokenizers.tokenizer import Tokenizer

FIRST = ((UNKNOWN, "<unk>"), (CONTROL, "<s>"), (CONTROL, "</s>"))


def read_pieces(path: str | Path) -> list[Piece]:
    """Every piece of a tokenizer.bin, its place being its id."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; llama2.c's tokenizer.bin belongs beside its model")
    data, at, pieces = path.read_bytes(), 4, list[Piece]()
    while at < len(data):
        try:
            score, length = struct.unpack_from("<fi", data, at)
            text = data[at + 8 : at + 8 + length]
            if not 0 <= length == len(text):
                raise ValueError("cut short")
            pieces.append(_piece(len(pieces), text.decode(), score))
        except (struct.error, ValueError) as error:
            raise FormatError(
                f"{path} is no tokenizer of llama2.c or was cut short: piece {len(pieces)} cannot be read; copy it again"
            ) from error
        at += 8 + length
    return pieces


def _piece(id: int, text: str, score: float) -> Piece:
    if id < len(FIRST):
        kind, called = FIRST[id]
        return Piece(called, score, kind)
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        return Piece(text, score, BYTE)
    return Piece(text.replace(" ", SPACE), score, NORMAL)


def read_llama2c_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of a tokenizer.bin; asked for special tokens, it begins a text with <s>, as llama2.c does."""
    pieces = read_pieces(path)
    if len(pieces) < len(FIRST):
        raise FormatError(f"{path} has {len(pieces)} pieces, fewer than LLaMA's first three; copy it again")
    begin = read_post_processor(marks([("<s>", 1)]))
    return scored_pieces(pieces, post_processor=begin, bos_token="<s>", eos_token="</s>")
