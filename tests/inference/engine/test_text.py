"""Text out of events: a stop string over several tokens, half a character, two requests in one step."""

from types import SimpleNamespace

from groundup.inference.engine import Event, TextEvents


def tokenizer(*pieces):
    return SimpleNamespace(special_tokens={"<eos>": 99}, token_bytes=lambda id: pieces[id])


def pushed(text, ids, reason="length"):
    events = [Event(request_id="a", ids=[id]) for id in ids] + [Event(request_id="a", finish_reason=reason)]
    said = []
    for event in events:
        said.append(text.push(event))
        if said[-1].finish_reason:
            break
    return said


def test_nothing_of_a_stop_string_that_spans_tokens_is_ever_said():
    """vllm-project/vllm#3574: the stop DEFGHIJ came as DEF, G, HI, J, and its first part was sent."""
    words = tokenizer(b"say DEF", b"G", b"HI", b"J", b"more")
    said = pushed(TextEvents(words, ["DEFGHIJ"]), [0, 1, 2, 3, 4])
    assert [piece.text for piece in said] == ["say ", "", "", ""] and said[-1][1:] == ("stop", True)
    said = pushed(TextEvents(words, ["DEFGHIJ"]), [0, 1, 4])
    assert "".join(piece.text for piece in said) == "say DEFGmore" and said[-1].finish_reason == "length"


def test_a_stop_string_that_the_engines_own_end_completes_needs_no_cancelling():
    last = TextEvents(tokenizer(b"AB"), ["B"]).push(Event(request_id="a", ids=[0], finish_reason="length"))
    assert last == ("A", "stop", False)


def test_a_character_waits_until_it_is_whole_and_a_broken_tail_is_one_mark():
    """Blaizzy/mlx-vlm#1076: an emoji of four byte tokens became four replacement characters."""
    emoji = tokenizer(*(bytes([byte]) for byte in "😀".encode()))
    assert [piece.text for piece in pushed(TextEvents(emoji), [0, 1, 2, 3, 0, 1, 2, 3])] == ["", "", "", "😀"] * 2 + [
        ""
    ]
    assert [piece.text for piece in pushed(TextEvents(emoji), [0, 1])] == ["", "", "\ufffd"]


def test_the_token_that_ends_a_text_is_no_text():
    said = TextEvents(tokenizer(b"a")).push(Event(request_id="a", ids=[99], finish_reason="stop"))
    assert said == ("", "stop", False)
