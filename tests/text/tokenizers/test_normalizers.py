"""Normalisers: each does to every text what Hugging Face's of that name does, and says where its characters came from."""

import base64
import doctest
import json

import pytest

from groundup.errors import FormatError, UnsupportedModel
from groundup.text.tokenizers import aligned_text, normalizers
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.normalizers import read_normalizer

CASES = [
    {"type": "NFC"},
    {"type": "NFD"},
    {"type": "NFKC"},
    {"type": "NFKD"},
    {"type": "Lowercase"},
    {"type": "StripAccents"},
    {"type": "Nmt"},
    {"type": "ByteLevel"},
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    {"type": "Replace", "pattern": {"Regex": " {2,}|\\s+$"}, "content": "▁"},
    {"type": "Replace", "pattern": {"Regex": "[^\\s\\p{L}]+"}, "content": "<>"},
    {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
    *(
        {
            "type": "BertNormalizer",
            "clean_text": clean,
            "handle_chinese_chars": chinese,
            "strip_accents": accents,
            "lowercase": lower,
        }
        for clean, chinese, accents, lower in [
            (True, True, None, True),
            (True, True, None, False),
            (False, False, True, False),
            (True, False, False, True),
        ]
    ),
]


def name(case) -> str:
    return "-".join(map(str, case.values()))[:40] if len(case) < 5 else str(list(case.values())[1:])


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_text_becomes_what_the_original_makes_of_it(theirs, hard_strings, case):
    ours, original = read_normalizer(case), theirs(normalizer=case).normalizer
    for text in hard_strings(300, seed=len(str(case))):
        expected = original.normalize_str(text)
        assert ours.normalize(AlignedText(text)).text == expected, text
        aligned = ours.normalize(AlignedText.of(text))
        assert aligned.text == expected and len(aligned.places) == len(expected), text


@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_single_character_becomes_what_the_original_makes_of_it(theirs, case):
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    ours, original = read_normalizer(case), theirs(normalizer=case).normalizer
    whole = "q".join(characters)
    if ours.normalize(AlignedText(whole)).text != original.normalize_str(whole):
        for c in characters:
            assert ours.normalize(AlignedText(f"q{c}q")).text == original.normalize_str(f"q{c}q"), hex(ord(c))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_part_is_written_as_it_was_read(theirs, case):
    ours = read_normalizer(case)
    assert read_normalizer(ours.to_json()) == ours
    assert theirs(normalizer=ours.to_json()).normalizer is not None
    assert ours.to_json() == case


def test_places_lead_back_to_the_text_that_came_in():
    text = AlignedText.of("Ça ﬁ\x00né e\u0301!")
    small = read_normalizer({"type": "BertNormalizer"}).normalize(text)
    assert small.text == "ca ﬁne e!"
    assert [text.text[start:end] for start, end in small.places] == ["Ç", "a", " ", "ﬁ", "n", "é", " ", "e", "!"]
    wide = read_normalizer({"type": "NFKC"}).normalize(text)
    assert wide.text == "Ça fi\x00né é!"
    assert [text.text[start:end] for start, end in wide.places][3:5] == ["ﬁ", "ﬁ"]
    assert text.text[slice(*wide.places[-2])] == "e\u0301"


def test_compiled_rules_are_applied_as_the_original_applies_them(theirs, hard_strings):
    from groundup.text.tokenizers.charsmap import compile_rules

    rules = {"①": "1", "ﬁ": "fi", "\u00a0": " ", "Ａ": "A", "é": "e"}
    case = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(compile_rules(rules)).decode()}
    ours, original = read_normalizer(case), theirs(normalizer=case).normalizer
    for text in hard_strings(600, seed=5):
        assert ours.normalize(AlignedText(text)).text == original.normalize_str(text)
        assert ours.normalize(AlignedText.of(text)).text == original.normalize_str(text)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"type": "Unheard"}, "normalizer Unheard would change the ids .* BertNormalizer, NFC"),
        ({"type": "NFC", "version": 9}, "normalizer NFC has the option 'version'"),
        ({"type": "Replace", "pattern": {"Regex": "("}, "content": ""}, r"the pattern '\(' cannot be read"),
    ],
)
def test_what_is_not_known_is_refused_by_name(case, words):
    with pytest.raises(UnsupportedModel, match=words):
        read_normalizer(case)


@pytest.mark.parametrize(
    "case",
    [
        {"type": "Strip", "strip_left": "yes"},
        {"type": "Prepend"},
        {"type": "Replace", "pattern": {"Glob": "*"}, "content": ""},
        {"type": "Precompiled", "precompiled_charsmap": "!"},
        {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
        {},
    ],
)
def test_what_is_damaged_is_refused(case):
    with pytest.raises((ValueError, TypeError, KeyError, FormatError)):
        read_normalizer(json.loads(json.dumps(case)))


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(normalizers).failed == doctest.testmod(aligned_text).failed == 0
