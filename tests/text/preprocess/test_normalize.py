"""Unicode normalisation against Python's own, and the stability that the standard promises."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.text.preprocess.normalize import (
    FORMS,
    compositions,
    decompose,
    fold_case,
    is_normalized,
    join_pair,
    normalize,
    normalize_reference,
    order_marks,
    strip_marks,
)

CHANGED = [
    chr(code) for code in range(0x110000) if unicodedata.decomposition(chr(code)) or unicodedata.combining(chr(code))
]
KOREAN = [chr(code) for code in (*range(0x1100, 0x1200), *range(0xAC00, 0xAC00 + 200), *range(0xD700, 0xD7A4))]
PLAIN = [*"aeiouqxAEO1 .ßẞſΣσς", "\u0f71", "\u0f72", "\u0b47", "\u0b3e", "\u200d", "\ud800"]


def mixtures(n, seed):
    """Strings that are hard to normalise: bases, marks of all classes, Korean letters, excluded compositions."""
    choose = random.Random(seed)
    for _ in range(n):
        pools = choose.choices((CHANGED, KOREAN, PLAIN), (6, 2, 3), k=choose.randint(0, 10))
        yield "".join(choose.choice(pool) for pool in pools)


@pytest.mark.parametrize("form", FORMS)
def test_every_character_is_normalised_as_python_does(form):
    others = random.Random(form).sample(range(0x110000), 5_000)
    characters = CHANGED + KOREAN + [chr(code) for code in others]
    assert not [hex(ord(c)) for c in characters if normalize_reference(c, form) != unicodedata.normalize(form, c)]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_all_code_points_are_normalised_as_python_does(form):
    characters = map(chr, range(0x110000))
    assert not [hex(ord(c)) for c in characters if normalize_reference(c, form) != unicodedata.normalize(form, c)]


@pytest.mark.parametrize("form", FORMS)
def test_strings_are_normalised_as_python_does(form, strings):
    texts = [*mixtures(3_000, 1), *strings(500)]
    assert not [text for text in texts if normalize_reference(text, form) != unicodedata.normalize(form, text)]
    assert not [text for text in texts if normalize(text, form) != unicodedata.normalize(form, text)]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_thousand_strings_are_normalised_as_python_does(form, strings):
    texts = [*mixtures(80_000, 2), *strings(20_000, seed=3)]
    assert not [text for text in texts if normalize_reference(text, form) != unicodedata.normalize(form, text)]


def test_the_forms_are_stable_as_the_standard_promises():
    for text in mixtures(2_000, 4):
        nfc, nfd, nfkc, nfkd = (normalize_reference(text, form) for form in ("NFC", "NFD", "NFKC", "NFKD"))
        assert normalize_reference(nfc, "NFC") == nfc and normalize_reference(nfkd, "NFKD") == nfkd
        assert normalize_reference(nfd, "NFC") == nfc and normalize_reference(nfc, "NFD") == nfd
        assert normalize_reference(nfc, "NFKC") == nfkc == normalize_reference(nfkd, "NFC")
        assert len(nfc) <= len(nfd)


def test_the_compositions_are_those_that_python_makes():
    for (first, second), both in compositions().items():
        assert unicodedata.normalize("NFC", first + second) == both
    joined = {c for c in CHANGED if unicodedata.normalize("NFC", unicodedata.normalize("NFD", c)) == c}
    assert set(compositions().values()) == {c for c in joined if unicodedata.normalize("NFD", c) != c}


def test_marks_of_one_class_keep_their_order():
    assert order_marks("a\u0301\u0300\u0323") == "a\u0323\u0301\u0300"
    assert order_marks("\u0323\u0307b\u0307\u0323") == "\u0323\u0307b\u0323\u0307", "marks never cross a base"


def test_a_blocked_mark_is_not_joined():
    assert normalize_reference("a\u0305\u0301") == "a\u0305\u0301", "the macron above stands between"
    assert normalize_reference("a\u0323\u0301") == "ạ\u0301"
    assert normalize_reference("\u1100\u1161\u11a8") == "각" and join_pair("가", "\u11a7") is None


def test_korean_syllables_come_apart_and_together():
    assert decompose("한국") == "\u1112\u1161\u11ab\u1100\u116e\u11a8"
    assert normalize_reference("\u1112\u1161\u11ab\u1100\u116e\u11a8") == "한국"
    assert normalize_reference("가\u1161") == "가\u1161", "a syllable takes a tail and no second vowel"


def test_an_unknown_form_is_refused():
    with pytest.raises(ConfigError, match="'nfc' is no normalisation form; use NFD"):
        normalize("x", "nfc")


def test_what_is_normalised_is_known():
    assert is_normalized("é") and not is_normalized("e\u0301") and is_normalized("e\u0301", "NFD")


@given(st.text())
def test_case_folding_forgets_case(text):
    """Not every upper case comes back (ı becomes I), so what is compared is what Unicode calls a caseless match."""
    folded = fold_case(text)
    assert fold_case(folded) == folded
    assert fold_case(text.casefold()) == folded


def test_case_folding_knows_the_hard_cases():
    assert fold_case("ΣΊΣΥΦΟΣ") == fold_case("σίσυφος") and fold_case("MASSE") == fold_case("Maße")
    assert fold_case("Å") == fold_case("å") == fold_case("A\u030a"), "Ångström's sign, letter and two code points"
    assert fold_case("ﬁﬂ", "NFKC") == "fifl"


def test_marks_are_stripped_where_they_are_marks():
    assert strip_marks("Ünïcödé Việt Ångström") == "Unicode Viet Angstrom" and strip_marks("øł한") == "øł한"
