"""Letters, numbers and white space are those of Hugging Face `tokenizers`.

Here at both sides of every range's edges and at every 41st code point; `benchmarks/text/tokenizers/unicode_classes.py`
compares all of them.
"""

import doctest
import unicodedata

import numpy as np
import pytest

from groundup.text.tokenizers import unicode_classes
from groundup.text.tokenizers.unicode_classes import BACK, FRONT, KIND, LETTER, NEWLINE, NUMBER, SPACE, class_table


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(unicode_classes).failed == 0


def test_packing_and_unpacking_give_the_ranges_back():
    ranges = [(0, 0), (5, 9), (36, 1295), (0x10FFFE, 0x10FFFF)]
    assert unicode_classes.unpack(unicode_classes.pack(ranges)) == ranges


def some_code_points() -> np.ndarray:
    """Both sides of every edge of our ranges, and a grid."""
    names = ("LETTERS", "NUMBERS", "SPACES", "UPPER", "LOWER", "MARKS")
    packed = [getattr(unicode_classes, name) for name in names]
    edges = [edge for text in packed for limits in unicode_classes.unpack(text) for edge in limits]
    points = {edge + step for edge in edges for step in (-1, 0, 1)} | {*range(0, 0x110000, 41)}
    return np.array(sorted(code for code in points if 0 <= code < 0xD800 or 0xE000 <= code < 0x110000))


@pytest.mark.parametrize(
    ("pattern", "bits", "values"),
    [
        (r"\p{L}", KIND, [LETTER]),
        (r"\p{N}", KIND, [NUMBER]),
        (r"\s", KIND, [SPACE, NEWLINE]),
        (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", FRONT, [FRONT]),
        (r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", BACK, [BACK]),
    ],
)
def test_code_points_have_the_class_that_tokenizers_gives_them(pattern, bits, values):
    tokenizers = pytest.importorskip("tokenizers")
    points = some_code_points()
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed")
    ours = np.isin(class_table()[points] & bits, values)
    theirs = np.ones(len(points), bool)
    for _, (start, end) in split.pre_tokenize_str("".join(map(chr, points.tolist()))):
        theirs[start:end] = False
    assert np.array_equal(ours, theirs), [hex(code) for code in points[ours != theirs][:5]]


def test_characters_of_old_unicode_versions_agree_with_python():
    for code in range(0x3000):
        kind = unicodedata.category(chr(code))
        if code < 0x250 or kind in ("Lu", "Nd"):
            assert (class_table()[code] & KIND == LETTER) == (kind[0] == "L"), hex(code)
            assert (class_table()[code] & KIND == NUMBER) == (kind[0] == "N"), hex(code)


def test_separator_controls_are_no_white_space_although_python_says_so():
    assert "\x1c".isspace()
    assert class_table()[0x1C] & KIND == unicode_classes.OTHER
