"""Split patterns: the readable form against `regex` and Hugging Face, the state machine against the readable form."""

import doctest
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.text.tokenizers import splitting
from groundup.text.tokenizers.byte_level_splitting import PADDING, split_batches
from groundup.text.tokenizers.splitting import PATTERNS, STYLES, split, split_gpt2

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
EDGES = st.text(" \n\r\t'sſStdmrelvRVEL12½٣.,!-\u3000\u00a0\u0085é猫\u0301", max_size=40)


def by_state_machine(texts: list[str], pattern: str) -> list[list[str]]:
    """The pieces of each text by the kernel, all texts packed into one buffer."""
    documents = [text.encode() for text in texts]
    data, offsets = b"".join(documents), np.cumsum([0, *map(len, documents)], dtype=np.int64)
    ends: list[int] = []
    for _, batch in split_batches(np.frombuffer(data + bytes(PADDING), np.uint8), offsets, STYLES[pattern]):
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


@given(st.one_of(TEXT, EDGES))
@settings(deadline=None)
def test_gpt2_by_hand_is_gpt2_by_its_pattern(text):
    assert split_gpt2(text) == split(text, "gpt2")


def test_a_learners_splitter_is_used_by_the_kernels_too(monkeypatch):
    monkeypatch.setattr(splitting.slots, "filled", lambda id: id == "text.tokenizers.split_gpt2")
    monkeypatch.setattr(splitting, "split_gpt2", lambda text: [*text])
    assert by_state_machine(["né!", "", "ab"], "gpt2") == [["n", "é", "!"], [], ["a", "b"]]
    assert split("ab", "gpt2") == ["a", "b"]
    assert by_state_machine(["ab"], "qwen2") == [["ab"]]


@pytest.mark.parametrize("pattern", ["cl100k", "o200k", "gpt2"])
def test_both_forms_agree_with_the_regex_package_on_every_short_string_of_edges(pattern):
    regex = pytest.importorskip("regex")
    theirs = regex.compile(PATTERNS[pattern])
    texts = ["".join(letters) for size in range(1, 5) for letters in itertools.product(" \n'sSa1.\u0301", repeat=size)]
    texts += ["".join(random.Random(k).choices(" \n\t's ſSaLl12猫½.,/\u0301ǅʰ", k=9)) for k in range(4000)]
    pieces = [theirs.findall(text) for text in texts]
    assert [split(text, pattern) for text in texts] == pieces
    assert by_state_machine(texts, pattern) == pieces


@pytest.mark.parametrize("pattern", PATTERNS)
def test_blocks_of_64_bytes_agree_with_the_readable_form(pattern):
    parts = [
        "hello",
        " World",
        " the",
        "don't",
        "I'm",
        " they'll",
        "\n",
        "\n    ",
        "    \n  \n",
        "1234567",
        " 12",
        "()",
        "://",
    ]
    parts += [
        " 'x'",
        "(\n//",
        "é",
        " naïve",
        "fooBar",
        "HTTPServer",
        "X",
        "\t\tx",
        "  y",
        "..z",
        " .z",
        "'S",
        "\r\n",
        "'ſ",
    ]
    parts += ["\u3000", "“quoted”", " — ", "猫は", "न्द", "х" * 9, "👍🏽", "½", "\x0b", "\x85", " " * 40, "e\u0301"]
    texts = ["".join(random.Random(k).choices(parts, k=1 + k % 50)) for k in range(2000)]
    assert by_state_machine(texts, pattern) == [split(text, pattern) for text in texts]


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
