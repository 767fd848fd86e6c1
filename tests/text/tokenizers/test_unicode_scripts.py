"""Scripts: every character belongs where Hugging Face's table has it."""

import doctest
import unicodedata

import pytest

from groundup.text.tokenizers import unicode_scripts
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.pre_tokenizers import UnicodeScripts
from groundup.text.tokenizers.unicode_scripts import NAMES, script_of


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(unicode_scripts).failed == 0


def test_every_character_between_two_letters_is_cut_as_tokenizers_cuts_it():
    """Between two of one script it is cut off, or it is of that script or of none; two scripts tell which."""
    tokenizers = pytest.importorskip("tokenizers")
    theirs, ours = tokenizers.pre_tokenizers.UnicodeScripts(), UnicodeScripts()
    typed = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn", "Co")]
    for letter in "aЖ猫":
        text = letter + "".join(character + letter for character in typed)
        expected = [piece for piece, _ in theirs.pre_tokenize_str(text)]
        assert [piece.text for piece in ours.split(AlignedText(text))] == expected


def test_neighbours_are_cut_as_tokenizers_cuts_them():
    """All characters in order: each is compared with the one before, whatever their scripts are."""
    tokenizers = pytest.importorskip("tokenizers")
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    expected = [piece for piece, _ in tokenizers.pre_tokenizers.UnicodeScripts().pre_tokenize_str(text)]
    assert [piece.text for piece in UnicodeScripts().split(AlignedText(text))] == expected


def test_every_script_has_characters():
    found = {script_of(chr(code)) for code in range(0x20000)}
    assert found == {*NAMES, None}
