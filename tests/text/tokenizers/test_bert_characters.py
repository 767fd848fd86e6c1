"""What BERT's normaliser does to a character is what Hugging Face `tokenizers` does."""

import doctest
from collections.abc import Iterable

import numpy as np
import pytest

from groundup.text.tokenizers import bert_characters
from groundup.text.tokenizers.bert_characters import character_table
from groundup.text.tokenizers.unicode_classes import unpack


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(bert_characters).failed == 0


def some_code_points() -> list[int]:
    packed = [
        getattr(bert_characters, name) for name in ("CONTROLS", "PUNCTUATION", "IDEOGRAPHS", "MARKS", "DECOMPOSED")
    ]
    edges = [edge for text in packed for limits in unpack(text) for edge in limits]
    edges += [first for first, _, _, _ in bert_characters.unpack_runs(bert_characters.LOWERED)]
    points = {edge + step for edge in edges for step in (-1, 0, 1)} | {*range(0, 0x110000, 41)}
    return sorted(code for code in points if 0 <= code < 0xD800 or 0xE000 <= code < 0x110000)


def spelled(code: int, table: bert_characters.Table) -> str:
    """What an entry makes of a character, in the words of the normaliser followed by the splitter."""
    entry = int(table.entries[table.pages[code >> 8], code & 255])
    kind, value = entry & 7, entry >> 3
    if kind == bert_characters.SPREAD:
        return "".join(map(chr, table.sequences[value + 1 : value + 1 + table.sequences[value]]))
    if kind == bert_characters.SPACE:
        return " "
    if kind == bert_characters.ALONE:
        return f" {chr(value)} "
    return {bert_characters.REPLACED: chr(value), bert_characters.REMOVED: ""}.get(np.uint32(kind), chr(code))


OPTIONS = [(True, True, None, True), (True, True, None, False), (False, False, False, True), (False, True, True, False)]


def different(codes: Iterable[int], options: tuple) -> list[str]:
    """Code points between two letters of which our table makes other words than `tokenizers` does."""
    tokenizers = pytest.importorskip("tokenizers")
    normalizer, table = tokenizers.normalizers.BertNormalizer(*options), character_table(*options)
    splitter, found = tokenizers.pre_tokenizers.BertPreTokenizer(), []
    for code in codes:
        words = splitter.pre_tokenize_str(normalizer.normalize_str(f"a{chr(code)}a"))
        if [word for word, _ in words] != f"a{spelled(code, table)}a".split(" "):
            found.append(hex(code))
    return found


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_each_entry_is_what_the_normaliser_and_the_splitter_of_tokenizers_do(options):
    assert different(some_code_points(), options) == []


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_code_point_is_treated_as_tokenizers_treats_it(options):
    assert different((code for code in range(0x110000) if not 0xD800 <= code < 0xE000), options) == []


def test_pages_that_are_equal_are_stored_once():
    table = character_table(ids={"a": 1}, unknown=0)
    assert len(table.entries) < 400
    assert table.pages.max() == len(table.entries) - 1


def test_ids_of_single_characters_stand_in_the_table():
    table = character_table(ids={"猫": 7, "!": 9, "ab": 3}, unknown=2)
    entries = {sign: int(table.entries[table.pages[ord(sign) >> 8], ord(sign) & 255]) for sign in "猫!?"}
    assert {sign: entry >> 3 for sign, entry in entries.items()} == {"猫": 7, "!": 9, "?": 2}
