"""Decoders: the text that Hugging Face's of that name makes of any tokens."""

import doctest
import random

import pytest

from groundup.errors import UnsupportedModel
from groundup.text.tokenizers import decoders
from groundup.text.tokenizers.decoders import read_decoder

TOKENS = [
    "▁", "▁▁", "▁the", "he", "##ing", "##", "a</w>", "</w>", "<0xE7>", "<0x8C>", "<0xAB>", "<0x0A>", "<0xFF>", "<0xZZ>",
    "Ġa", "Ċ", "é", "ł", "|", "<pad>", ".", "'", "s", "n't", "do not", " ", "", "猫", "  x", "'s", "!", "ll",
]  # fmt: skip
LLAMA = [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
]
CASES = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": False},
    *(
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
        for scheme in ("always", "first", "never")
    ),
    {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "Replace", "pattern": {"Regex": "[a-n]+"}, "content": "<>"},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 2, "stop": 0},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": False},
    {"type": "Sequence", "decoders": LLAMA},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value)[:9] for value in case.values()))
def test_tokens_become_the_text_that_the_original_makes(theirs, case):
    ours, original, choose = read_decoder(case), theirs(decoder=case).decoder, random.Random(3)
    for _ in range(800):
        tokens = [choose.choice(TOKENS) for _ in range(choose.randint(0, 8))]
        assert "".join(ours.decode(tokens)) == original.decode(tokens), tokens
    assert ours.to_json() == case and read_decoder(ours.to_json()) == ours


def test_blanks_are_stripped_at_both_ends_also_where_the_original_panics():
    both = read_decoder({"type": "Strip", "content": " ", "start": 1, "stop": 2})
    assert both.decode(["  a   ", " ", ""]) == [" a ", "", ""]


def test_what_is_not_known_is_refused_by_name():
    with pytest.raises(UnsupportedModel, match="decoder Odd would change the ids .* ByteLevel, WordPiece"):
        read_decoder({"type": "Odd"})
    assert read_decoder(None) is None


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(decoders).failed == 0
