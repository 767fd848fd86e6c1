"""Split patterns: the readable form against `regex` and Hugging Face, the state machine against the readable form."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.text.tokenizers import splitting
from groundup.text.tokenizers.byte_level_splitting import split_batches
from groundup.text.tokenizers.splitting import PATTERNS, STYLES, split

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
EDGES = st.text(" \n\r\t'sſStdmrelvRVEL12½٣.,!-\u3000\u00a0\u0085é猫\u0301", max_size=40)


def by_state_machine(texts: list[str], pattern: str) -> list[list[str]]:
    """The pieces of each text by the kernel, all texts packed into one buffer."""
    documents = [text.encode() for text in texts]
    data, offsets = b"".join(documents), np.cumsum([0, *map(len, documents)], dtype=np.int64)
    ends: list[int] = []
    for _, batch in split_batches(np.frombuffer(data + bytes(16), np.uint8), offsets, STYLES[pattern]):
        ends += batch.tolist()
    result, start, edge = [], 0, 0
    for stop in offsets[1:].tolist():
        pieces = []
        while start < stop:
            pieces.append(data[start : ends[edge]].decode())
            start, edge = ends[edge], edge + 1
        result.append(pieces)
    assert edge == len(ends)
    return result


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(splitting).failed == 0


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello, world's 1234", ["Hello", ",", " world", "'s", " ", "1", "2", "3", "4"]),
        ("'start I'LL o'ſo", ["'s", "tart", " I", "'LL", " o", "'ſ", "o"]),
        ("a  b", ["a", " ", " b"]),
        ("a \n\n b", ["a", " \n\n", " b"]),
        ("end  ", ["end", "  "]),
        ("x.\n\ny", ["x", ".\n\n", "y"]),
        ("\tif(x)", ["\tif", "(x", ")"]),
        ("\u3000猫!", ["\u3000猫", "!"]),
    ],
)
def test_qwen2_splits_as_published(text, pieces):
    assert split(text) == pieces
    assert by_state_machine([text], "qwen2") == [pieces]


def test_llama3_takes_up_to_three_digits_and_gpt2_all():
    assert split("12345678", "llama3") == ["123", "456", "78"]
    assert split("It's 12345 'LL", "gpt2") == ["It", "'s", " 12345", " '", "LL"]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.one_of(TEXT, EDGES))
@settings(deadline=None)
def test_the_pieces_joined_are_the_text_and_both_forms_agree(pattern, text):
    pieces = split(text, pattern)
    assert "".join(pieces) == text
    assert by_state_machine([text], pattern) == [pieces]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_both_forms_agree_with_hugging_face(pattern, strings):
    tokenizers = pytest.importorskip("tokenizers")
    texts = strings(3000, seed=3)
    split_alone = tokenizers.pre_tokenizers.Split(tokenizers.Regex(PATTERNS[pattern]), "isolated")
    theirs = [[piece for piece, _ in split_alone.pre_tokenize_str(text)] for text in texts]
    assert by_state_machine(texts, pattern) == theirs
    assert [split(text, pattern) for text in texts[:500]] == theirs[:500]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_piece_never_crosses_the_edge_of_a_document(pattern):
    texts = ["ab", "", "cd ", " ", "\n", "'", "s", "12", "3", "é", "é", ""]
    assert by_state_machine(texts, pattern) == [split(text, pattern) for text in texts]


def test_a_text_of_more_pieces_than_a_batch_is_split_the_same():
    text = "a!1 " * 40_000
    assert by_state_machine([text], "qwen2") == [split(text)]
