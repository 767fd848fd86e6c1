import json

import pytest

from groundup.errors import InputError
from groundup.serving.api.prompts import told_of_tools
from groundup.serving.api.tool_formats import hermes
from groundup.tuning.supervised.conversations import to_messages
from groundup.tuning.supervised.instruction import encode
from groundup.tuning.supervised.tool_calls import as_words, written_for

ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'}}
TALK = [
    {"role": "user", "content": "2 + 3?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "5"},
    {"role": "assistant", "content": "It is 5."},
]
KNOWS = (
    "{% for message in messages %}{{ message.role }}:{{ message.content }}"
    "{% for call in message.tool_calls or [] %}{{ call.function.arguments.a }}{% endfor %};{% endfor %}"
)


class Served:
    """What the server tells a model of tools with."""

    tool_format = hermes.HERMES


def test_calls_as_words_are_what_the_server_tells_a_model_and_reads_from_it():
    conversation = to_messages({"messages": TALK, "tools": [ADD]})
    words = as_words(conversation, conversation.tools)
    assert hermes.hermes_calls(words[2]["content"]).calls == (("add", '{"a": 2, "b": 3}'),)
    whole = [message | {"content": message.get("content") or ""} for message in conversation]
    whole[1]["tool_calls"] = [CALL | {"function": {"name": "add", "arguments": {"a": 2, "b": 3}}}]
    assert told_of_tools(Served, whole, [ADD]) == words


def test_the_call_and_the_answer_are_learned_and_the_result_is_not(tokenizer):
    conversation = to_messages({"messages": TALK, "tools": [ADD]})
    made = encode([conversation], tokenizer)
    learned = tokenizer.decode([id for id, kept in zip(made.ids[0], made.mask[0], strict=True) if kept])
    assert (
        learned
        == '<tool_call>\n{"name": "add", "arguments": {"a": 2, "b": 3}}\n</tool_call><|im_end|>It is 5.<|im_end|>'
    )
    assert "<tool_response>" in tokenizer.decode(made.ids[0])


def test_a_template_that_knows_calls_gets_them_as_objects_with_the_tools():
    conversation = to_messages({"messages": TALK, "tools": [ADD]})
    written, names = written_for(conversation, KNOWS)
    assert written[1]["tool_calls"][0]["function"]["arguments"] == {"a": 2, "b": 3} and written[1]["content"] == ""
    assert names == {"tools": [ADD]} and conversation[1]["content"] is None, "what was read is not changed"


def test_sharegpts_calls_and_observations_are_read():
    turns = [
        ("human", "2 + 3?"),
        ("function_call", '{"name": "add", "arguments": {"a": 2, "b": 3}}'),
        ("observation", "5"),
        ("gpt", "It is 5."),
    ]
    found = to_messages({"conversations": [{"from": who, "value": text} for who, text in turns]})
    theirs = to_messages({"messages": TALK})
    assert as_words(found) == as_words(theirs)


@pytest.mark.parametrize(
    "calls, wrong",
    [
        ("add", "tool_calls that name no function; write"),
        ([{"function": {}}], "tool_calls that name no function; write"),
        (
            [{"function": {"name": "add", "arguments": "2, 3"}}],
            "calls add with arguments that are no JSON object; give",
        ),
        ([{"function": {"name": "add", "arguments": "[2]"}}], "calls add with arguments that are no JSON object; give"),
    ],
)
def test_calls_that_cannot_be_written_are_named(calls, wrong):
    with pytest.raises(InputError, match=f"row 3 .*{wrong}" if "names" in wrong else wrong):
        to_messages({"messages": [TALK[0], {"role": "assistant", "tool_calls": calls}]}, "row 3")


def test_arguments_given_as_object_or_as_text_are_the_same():
    other = json.loads(json.dumps(TALK))
    other[1]["tool_calls"][0]["function"]["arguments"] = {"a": 2, "b": 3}
    assert as_words(other) == as_words(TALK)


@pytest.mark.parametrize("none", [None, []])
def test_messages_that_all_have_the_key_of_calls_call_nothing(tokenizer, none):
    """Exports of data sets put "tool_calls": null on every message of a file in which one of them calls."""
    plain = [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]
    empty = [message | {"tool_calls": none} for message in plain]
    for messages in (empty, to_messages({"messages": empty})):
        assert encode([messages], tokenizer) == encode([plain], tokenizer)
        assert as_words(messages) == as_words(plain) and written_for(messages, KNOWS) == (plain, {})
    tools = to_messages(
        {"messages": [message | {"tool_calls": message.get("tool_calls", none)} for message in TALK], "tools": [ADD]}
    )
    assert written_for(tools, KNOWS) == written_for(to_messages({"messages": TALK, "tools": [ADD]}), KNOWS)
    assert encode([tools], tokenizer) == encode([to_messages({"messages": TALK, "tools": [ADD]})], tokenizer)
