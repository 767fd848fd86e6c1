"""A conversation without a model: reading turns, commands, messages."""

import json

import pytest

from groundup.cli.conversation import Conversation, turns
from groundup.errors import InputError


def reader(*lines):
    coming = iter(lines)
    return lambda: next(coming, None)


def parrot(messages):
    yield from (f"{len(messages)}:", messages[-1]["content"])


class Talk:
    def __init__(self, answer=parrot):
        self.shown, self.said = [], []
        self.conversation = Conversation(answer, self.shown.append, self.said.append)

    def take(self, *lines):
        return [self.conversation.take(line) for line in lines]


def test_a_line_is_a_turn_and_empty_lines_are_none():
    assert list(turns(reader("hello", "", "  ", "again"))) == ["hello", "again"]


def test_a_line_that_ends_in_a_backslash_goes_on():
    assert list(turns(reader("one\\", "two\\", "three", "four"))) == ["one\ntwo\nthree", "four"]


def test_a_backslash_at_the_end_of_the_input_ends_the_turn():
    assert list(turns(reader("one\\"))) == ["one\n"]


def test_a_block_keeps_its_lines_and_its_empty_ones():
    assert list(turns(reader('"""', "def f():", "", "    return 1", '"""', "next"))) == [
        "def f():\n\n    return 1",
        "next",
    ]


def test_a_block_on_one_line_and_one_that_never_ends():
    assert list(turns(reader('"""one"""', '"""two', "three"))) == ["one", "two\nthree"]


def test_the_model_sees_all_that_was_said():
    talk = Talk()
    talk.take("hello", "again")
    assert "".join(talk.shown) == "1:hello\n3:again\n"
    assert [message["role"] for message in talk.conversation.messages] == ["user", "assistant"] * 2


def test_reset_forgets_and_keeps_the_system_message():
    talk = Talk()
    talk.take("/system Be kind.", "hello", "/reset", "hello")
    assert "".join(talk.shown) == "2:hello\n2:hello\n"


def test_system_without_text_removes_the_system_message():
    talk = Talk()
    talk.take("/system Be kind.", "/system", "hello")
    assert "".join(talk.shown) == "1:hello\n"


def test_retry_asks_the_last_message_again_without_its_answer():
    talk = Talk()
    talk.take("hello", "/retry")
    assert "".join(talk.shown) == "1:hello\n1:hello\n"
    assert len(talk.conversation.messages) == 2


def test_a_retry_that_fails_leaves_the_messages_as_they_were():
    talk = Talk()
    talk.take("hello")
    before = list(talk.conversation.messages)

    def refuse(messages):
        raise InputError("the prompt has 99 tokens but the model's context is 8")
        yield

    talk.conversation.answer = refuse
    with pytest.raises(InputError, match="/reset makes room"):
        talk.conversation.take("/retry")
    assert talk.conversation.messages == before


def test_retry_before_anything_was_said_says_so():
    talk = Talk()
    talk.take("/retry")
    assert talk.said == ["there is nothing to answer again; say something first"]


def test_save_writes_the_messages_that_tuning_reads(tmp_path):
    talk = Talk()
    talk.take("/system Be kind.", "grüß dich", f"/save {tmp_path / 'said.jsonl'}")
    saved = json.loads((tmp_path / "said.jsonl").read_text("utf-8"))
    assert [message["role"] for message in saved["messages"]] == ["system", "user", "assistant"]
    assert saved["messages"][1]["content"] == "grüß dich"


def test_save_to_a_place_that_cannot_be_written_is_said_and_the_conversation_goes_on(tmp_path):
    (tmp_path / "file").touch()
    talk = Talk()
    assert talk.take("hello", f"/save {tmp_path}/file/said.jsonl", "again") == [True] * 3
    assert "cannot be written" in talk.said[-1]


def test_an_unknown_command_is_not_sent_to_the_model():
    talk = Talk()
    talk.take("/rest")
    assert talk.said == ["/rest is not a command; /help lists them"] and not talk.shown


def test_quit_ends_it():
    assert Talk().take("/quit") == [False]


def test_a_prompt_longer_than_the_context_leaves_the_messages_as_they_were():
    def too_long(messages):
        raise InputError("the prompt has 300 tokens and the context 256")
        yield

    talk = Talk(too_long)
    with pytest.raises(InputError, match="/reset makes room"):
        talk.take("hello")
    assert talk.conversation.messages == []


def test_ctrl_c_in_an_answer_keeps_what_came():
    def broken_off(messages):
        yield "I was"
        raise KeyboardInterrupt

    talk = Talk(broken_off)
    talk.take("hello")
    assert talk.conversation.messages[-1] == {"role": "assistant", "content": "I was"}
