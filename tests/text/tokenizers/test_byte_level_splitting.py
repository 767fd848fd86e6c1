"""The state machine's own edges; that it means the same as the regular expressions is in test_splitting."""

import numpy as np
import pytest

from groundup.text.tokenizers.byte_level_splitting import CL100K, GPT2, LLAMA3, O200K, PADDING, QWEN2, split_batches
from groundup.text.tokenizers.splitting import STYLES


def ends(text: str, style: int) -> list[int]:
    data = text.encode()
    batches = split_batches(
        np.frombuffer(data + b"letters and more".ljust(PADDING, b"x"), np.uint8), np.array([0, len(data)]), style
    )
    return [end for _, batch in batches for end in batch.tolist()]


def test_the_kernels_number_the_patterns_as_their_names_do():
    assert STYLES == {"qwen2": QWEN2, "llama3": LLAMA3, "gpt2": GPT2, "cl100k": CL100K, "o200k": O200K}


@pytest.mark.parametrize("style", [QWEN2, LLAMA3, GPT2, CL100K, O200K])
@pytest.mark.parametrize("length", [*range(1, 20), 63, 64, 65])
def test_a_word_of_any_length_is_one_piece_whatever_follows_the_text(style, length):
    assert ends("x" * length, style) == [length]
    assert ends(" " + "x" * length, style) == [length + 1]
    assert ends("é" * length, style) == [2 * length]
    assert ends("x" * length + "é", style) == [length + 2]


def test_no_text_has_no_pieces():
    assert ends("", QWEN2) == []


@pytest.mark.parametrize("sign", ["@", "[", "`", "{", "\x7f", "\x00"])
def test_the_neighbours_of_the_letters_in_ascii_are_no_letters(sign):
    assert ends("abc" + sign + "defghijk", QWEN2) == [3, 12]
    assert ends("abcdefghi" + sign, QWEN2) == [9, 10]
