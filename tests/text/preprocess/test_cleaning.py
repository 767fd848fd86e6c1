"""Cleaning mends what is broken and leaves alone what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.text.preprocess.cleaning import (
    STEPS,
    clean,
    drop_controls,
    drop_invisible,
    mend_mojibake,
    mend_surrogates,
    straighten_quotes,
    tidy_spaces,
)


def misread(text, encoding="latin-1"):
    return text.encode().decode(encoding)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_whole_text_has_no_surrogates_to_mend(text):
    assert mend_surrogates(text) == text


@given(st.text(alphabet=st.characters()))
def test_after_mending_every_text_is_utf_8(text):
    assert mend_surrogates(text).encode().decode() == mend_surrogates(text)


def test_halves_are_joined_and_lone_ones_replaced():
    pair = "\ud83d" + "\ude00"
    assert mend_surrogates(pair) == "😀" and mend_surrogates(pair[::-1]) == "\ufffd\ufffd"
    assert mend_surrogates("\ud83dx\udc00") == "\ufffdx\ufffd"


@pytest.mark.parametrize(
    "text", ["café", "naïve – “quoted”…", "Привет, мир", "猫は窓の外", "😀👍🏽", "Ελληνικά", "₤ € ½ ñ"]
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_misread_utf_8_is_read_again(text, times):
    broken = text
    for _ in range(times):
        broken = misread(broken)
    assert mend_mojibake(broken) == text
    assert mend_mojibake(text) == text


def test_windows_1252_is_undone_too():
    assert mend_mojibake("itâ€™s â‚¬5 â€“ naÃ¯ve") == "it’s €5 – naïve"
    assert mend_mojibake("cafÃ© et Ã") == "café et Ã", "what is no UTF-8 stays"


def test_a_text_half_of_which_was_misread_is_mended_in_that_half():
    assert mend_mojibake("schön und schÃ¶n") == "schön und schön"


@pytest.mark.parametrize(
    "text", ["« été… »", "café\u00a0» et", "CAFÉ”", "„Das macht Spaß“", "é\u00a0\u00a0x", "ášš", "SÃO", "à…"]
)
def test_letters_before_closing_signs_are_not_taken_for_misread(text):
    assert mend_mojibake(text) == text


def test_real_texts_are_not_taken_for_misread(udhr):
    changed = [name for name, text in udhr.items() if mend_mojibake(text) != text]
    assert len(udhr) > 300 and changed == []


def test_controls_go_and_line_ends_become_one():
    assert drop_controls("a\r\nb\rc\u2028d\x0be\tf\x00\x1b[0m\x9f") == "a\nb\nc\nd\ne\tf[0m"


def test_joiners_of_scripts_and_emoji_stay():
    family, persian = "👨\u200d👩\u200d👧", "می\u200cخواهم"
    assert drop_invisible(family) == family and drop_invisible(persian) == persian
    assert drop_invisible("pass\u200bword\u202e\u2066\ufeff") == "password"


def test_spaces_are_tidied_and_indents_stay():
    assert tidy_spaces("def f():\n    return  1   \n\n\n\n\nx\u2003y\n") == "def f():\n    return 1\n\nx y"


def test_quotes_become_straight():
    assert straighten_quotes("„Ja“, ‘so’ « là » — 5′") == '"Ja", \'so\' " là " -- 5\''


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once


def test_clean_text_keeps_all_but_its_spaces(udhr):
    for name in ("deu", "eng", "hin", "jpn", "arb", "pes_1", "tha"):
        assert "".join(clean(udhr[name]).split()) == "".join(udhr[name].split())


def test_only_the_named_steps_are_taken():
    assert clean("“a”\x00", ["quotes"]) == '"a"\x00' and clean(" x ", []) == " x "
    with pytest.raises(ConfigError, match=f"'html' is not known; use {', '.join(STEPS)}"):
        clean("x", ["html"])
