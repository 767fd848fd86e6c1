"""Never half a character, never a part of a stop string; joined, the pieces are the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.inference.streaming import TextStream, longest_beginning, same_tokens
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig


class Bytes:
    """A tokenizer whose pieces are given; id 99 is a control token."""

    def __init__(self, *pieces):
        self.pieces, self.special_tokens = pieces, {"<|end|>": 99}

    def token_bytes(self, token_id):
        return self.pieces[token_id] if token_id < 99 else b"<|end|>"


def events(pieces, stop=()):
    stream = TextStream(Bytes(*pieces), stop)
    sent = [stream.push(index) for index in range(len(pieces))] + [stream.finish()]
    return [piece for piece in sent if piece]


def bytewise(text):
    return [bytes([byte]) for byte in text.encode()]


def test_half_a_character_waits_until_it_is_whole():
    """U+FFFD was sent and stood (Blaizzy/mlx-vlm#1076)."""
    assert events(bytewise("a😀")) == ["a", "😀"]


def test_two_emoji_are_two_events():
    assert events(bytewise("😀🎉")) == ["😀", "🎉"]


def test_a_broken_tail_becomes_one_replacement_character():
    assert events([b"ok", b"\xf0\x9f", b"\x98"]) == ["ok", "\ufffd"]


def test_a_stop_string_over_several_tokens_is_never_sent():
    """Never seen, or its first part was sent already (vllm-project/vllm#3574)."""
    assert events([b"abc", b"DEF", b"G", b"HI", b"J", b"after"], ["DEFGHIJ"]) == ["abc"]


def test_what_only_looked_like_a_stop_string_is_released():
    assert "".join(events([b"abc", b"DEF", b"X"], ["DEFGHIJ"])) == "abcDEFX"
    assert events([b"abc", b"DEF"], ["DEFGHIJ"]) == ["abc", "DEF"]


def test_the_stop_string_that_comes_first_ends_the_text():
    assert "".join(events([b"one two three"], ["three", "two"])) == "one "


def test_control_tokens_are_no_text():
    stream = TextStream(Bytes(b"a"))
    assert [stream.push(0), stream.push(99), stream.finish()] == ["a", "", ""]


def test_after_a_stop_nothing_more_is_sent():
    stream = TextStream(Bytes(b"x", b"STOP", b"y"), ["STOP"])
    assert [stream.push(0), stream.push(1), stream.stopped, stream.push(2), stream.finish()] == ["x", "", True, "", ""]


@settings(max_examples=100, deadline=None)
@given(some.text(max_size=20), some.lists(some.integers(1, 5), max_size=20))
def test_the_joined_pieces_are_the_text_however_it_was_cut(text, cuts):
    data, pieces = text.encode(), []
    for size in cuts:
        pieces.append(data[:size])
        data = data[size:]
    assert "".join(events([*pieces, data])) == text


@settings(max_examples=100, deadline=None)
@given(some.binary(max_size=12), some.lists(some.integers(1, 3), max_size=12))
def test_also_broken_bytes_stream_to_what_decoding_them_at_once_gives(data, cuts):
    expected, pieces = data.decode("utf-8", errors="replace"), []
    for size in cuts:
        pieces.append(data[:size])
        data = data[size:]
    assert "".join(events([*pieces, data])) == expected


@settings(max_examples=200, deadline=None)
@given(some.text("ab", max_size=14), some.lists(some.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
def test_with_stop_strings_exactly_the_text_before_the_first_is_sent(text, stops):
    """The first to be complete ends it; byte by byte there is one such moment."""
    ends = [(text.find(stop) + len(stop), -len(stop)) for stop in stops if stop in text]
    expected = text if not ends else text[: min(ends)[0] + min(ends)[1]]
    assert "".join(events(bytewise(text), stops)) == expected


@pytest.mark.parametrize(
    "text, stops, size", [("xab", ["abc"], 2), ("xabc", ["abc"], 0), ("aa", ["aab"], 2), ("x", [], 0)]
)
def test_the_longest_tail_that_may_still_become_a_stop_is_held(text, stops, size):
    assert longest_beginning(text, stops) == size


def test_a_reward_model_with_other_tokens_is_told_from_one_with_another_template():
    """It was asked about the policy's ids, which were other words to it, and its scores were believed."""
    first, again = (train_tokenizer(["user user user assistant\n"], TokenizerConfig(vocab_size=270)) for _ in range(2))
    other = train_tokenizer(["once upon a time there was a bear, a bear\n" * 3], TokenizerConfig(vocab_size=270))
    assert first.vocab_size == other.vocab_size and not same_tokens(first, other)
    again.chat_template = "{{ messages }}"
    assert first.fingerprint != again.fingerprint and same_tokens(first, again)
