"""Added tokens: found where Hugging Face finds them, with every flag."""

import itertools
import random

import pytest

from groundup.text.tokenizers.added_tokens import AddedToken, AddedTokens, word_characters
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.normalizers import read_normalizer

CONTENTS = ["<a>", "<a><b>", "ab", "Ab c", "é", " x", "▁"]


def found(added: AddedTokens, text: str, allow_special: bool):
    return [(part.text, token and token.id) for part, token in added.split(AlignedText(text), allow_special)]


@pytest.mark.parametrize("allow_special", [True, False])
@pytest.mark.parametrize("normalizer", [None, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "▁"}])
def test_tokens_are_found_where_the_original_finds_them(theirs, normalizer, allow_special):
    tokenizers = pytest.importorskip("tokenizers")
    choose = random.Random(f"{normalizer}{allow_special}")
    for _ in range(60):
        flags = [
            {name: choose.random() < 0.4 for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
            for _ in CONTENTS
        ]
        original = theirs(normalizer=normalizer, pre_tokenizer=None)
        for content, one in zip(CONTENTS, flags, strict=True):
            token = tokenizers.AddedToken(content, **one)
            (original.add_special_tokens if one["special"] else original.add_tokens)([token])
        original.encode_special_tokens = not allow_special
        tokens = [AddedToken(id=1 + k, content=content, **flags[k]) for k, content in enumerate(CONTENTS)]
        ours = AddedTokens(tokens, read_normalizer(normalizer))
        for _ in range(15):
            text = "".join(choose.choice([*CONTENTS, " ", "  ", "\n", "y", "A", "É", "_", "-"]) for _ in range(7))
            expected = [id for id in original.encode(text).ids if id]
            assert [id for _, id in found(ours, text, allow_special) if id] == expected, (text, flags)


def test_a_word_goes_on_by_letters_digits_marks_and_low_lines():
    assert {"a", "é", "猫", "_", "\u0301", "5", "Ⅷ"} <= word_characters()
    assert not {"-", " ", "²", "<", "👍"} & word_characters()


def test_without_a_token_that_can_match_there_is_nothing_to_look_for():
    special = AddedTokens([AddedToken(id=1, content="<a>")])
    assert not special.may_match(False) and special.may_match(True)
    assert AddedTokens([AddedToken(id=1, content="<a>", special=False)]).may_match(False)
    assert not AddedTokens([]).may_match(True)
    assert found(AddedTokens([AddedToken(id=1, content="")]), "ab", True) == [("ab", None)]


def test_places_of_tokens_lead_back_through_the_normaliser():
    lower = read_normalizer({"type": "Lowercase"})
    tokens = [AddedToken(id=1, content="NEW", normalized=True, special=False)]
    parts = list(AddedTokens(tokens, lower).split(AlignedText.of("İ New x")))
    assert [(part.text, part.places[0][0]) for part, _ in parts] == [("i̇ ", 0), ("new", 2), (" x", 5)]
    assert list(itertools.chain.from_iterable(part.places for part, _ in parts))[-1] == (6, 7)
