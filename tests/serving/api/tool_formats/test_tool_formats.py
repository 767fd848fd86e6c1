"""Calls of tools: what is written is read again, wherever the text is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serving.api import tool_formats
from groundup.serving.api.tool_formats.calls import Arguments, Begin, Call, Parsed, Reader, joined, read_object

CALLS = (
    Call("add", '{"a": 1, "b": [2, {"c": "}]\\" <tool_call> [TOOL_CALLS]"}]}'),
    Call("weather", '{"city": "Zürich \U0001f600"}'),
    Call("now", "{}"),
)
BEFORE = {"hermes": "Let me see. ", "llama3": "", "mistral": "Let me see. ", "deepseek": "Let me see. "}
simple = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
calls = st.lists(
    st.builds(
        Call,
        st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True),
        st.dictionaries(st.text(max_size=5), simple, max_size=3).map(json.dumps),
    ),
    min_size=1,
    max_size=3,
)


def read(parse, pieces):
    reader = Reader(parse)
    return joined([part for piece in pieces for part in reader.push(piece)] + reader.finish())


@pytest.mark.parametrize("form", tool_formats.FORMATS.values(), ids=lambda form: form.name)
def test_calls_are_read_as_they_were_written_at_every_cut(form):
    text = BEFORE[form.name] + form.write(CALLS)
    expected = Parsed(BEFORE[form.name], CALLS)
    assert form.parse(text, True) == expected
    for cut in range(len(text) + 1):
        assert read(form.parse, (text[:cut], text[cut:])) == expected
    assert read(form.parse, text) == expected


@given(calls=calls, name=st.sampled_from(sorted(tool_formats.FORMATS)))
def test_any_calls_survive_character_by_character(calls, name):
    form = tool_formats.FORMATS[name]
    assert read(form.parse, form.write(calls)).calls == tuple(calls)


@given(
    text=st.lists(
        st.sampled_from(
            [
                "<tool_call>",
                "</tool_call>",
                "[TOOL_CALLS]",
                "[ARGS]",
                "f",
                '{"name": "g", ',
                '"arguments": {"a": 1}',
                "}",
                "{",
                " ",
                "\n",
                "[",
                "]",
                ";",
                '"parameters": {}',
                "<|python_tag|>",
                "<｜tool▁calls▁begin｜>",
                "<｜tool▁call▁begin｜>",
                "<｜tool▁sep｜>",
                "<tool",
                "```",
                '"',
                "\\",
                "function",
            ]
        ),
        max_size=9,
    ).map("".join),
    name=st.sampled_from([*sorted(tool_formats.FORMATS), "plain"]),
)
def test_what_is_said_of_a_text_does_not_depend_on_the_cuts(text, name):
    form = tool_formats.PLAIN if name == "plain" else tool_formats.FORMATS[name]
    assert read(form.parse, text) == form.parse(text, True)


@pytest.mark.parametrize("form", tool_formats.FORMATS.values(), ids=lambda form: form.name)
@pytest.mark.parametrize("text", ["Hello.", "a < b", '{"answer": 42}', "", " \n", "a [TOOL and <tool and <｜tool"])
def test_words_stay_words(form, text):
    assert read(form.parse, text) == Parsed(text)


def test_the_arguments_come_while_they_are_written():
    reader = Reader(tool_formats.FORMATS["hermes"].parse)
    assert reader.push('<tool_call>\n{"name": "f') == []
    assert reader.push('", "arguments": {"a": "lon') == [Begin(0, "f"), Arguments(0, '{"a": "lon')]
    assert reader.push('g"}}\n</tool_call>') == [Arguments(0, 'g"}')]
    assert reader.finish() == []


def test_two_calls_are_numbered_from_0():  # trap 36
    form = tool_formats.FORMATS["hermes"]
    reader = Reader(form.parse)
    parts = reader.push("<think>hm</think>" + form.write(CALLS[1:])) + reader.finish()
    assert [part.index for part in parts if isinstance(part, Begin)] == [0, 1]


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        (
            '[TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]now[CALL_ID]x1[ARGS]{}',
            "mistral",
            (Call("add", '{"a": 1}'), Call("now", "{}")),
        ),
        ('<|python_tag|>{"name": "f", "parameters": {"x": "y"}}', "llama3", (Call("f", '{"x": "y"}'),)),
        ('{"type": "function", "name": "f", "parameters": {"x": "y"}}', "llama3", (Call("f", '{"x": "y"}'),)),
        (
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
            "deepseek",
            (Call("f", '{"a": 1}'),),
        ),
        ('<tool_call>{"arguments": {"a": 1}, "name": "f"}</tool_call>', "hermes", (Call("f", '{"a": 1}'),)),
        ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', "hermes", (Call("f", '{"a": 1}'),)),
        ('<tool_call>{"name": "f", "arguments": {"a": 1', "hermes", (Call("f", '{"a": 1'),)),
    ],
)
def test_other_ways_of_the_families(text, form, expected):
    assert read(tool_formats.FORMATS[form].parse, text) == Parsed("", expected)


@pytest.mark.parametrize(
    "broken", ["<tool_call>{nothing}", "<tool_call>no call</tool_call>", '<tool_call>{"name": 3}', "<tool_call>"]
)
def test_a_mark_without_a_call_is_words(broken):
    assert read(tool_formats.FORMATS["hermes"].parse, broken) == Parsed(broken)


@pytest.mark.parametrize("text", ["", "{", '{"', '{"name', '{"name": "f', '{"name": "f\\', '{"arguments": {'])
def test_an_object_that_is_only_begun_is_no_call_yet(text):
    found = read_object(text)
    assert found.call is None and not found.broken and found.end == -1


def test_a_chat_template_says_its_family():
    assert tool_formats.of_template("{{ '<tool_call>' }}").name == "hermes"
    assert tool_formats.of_template("[TOOL_CALLS]").name == "mistral"
    assert tool_formats.of_template("<|python_tag|>").name == "llama3"
    assert tool_formats.of_template("<｜tool▁calls▁begin｜>").name == "deepseek"
    assert tool_formats.of_template(None).name == "hermes"


@pytest.mark.parametrize("text", ["{}<|python_tag|>", '{"name": "g", "parameters": {}}<|python_tag|>{"name": "f"'])
def test_a_tag_behind_what_began_as_a_call_changes_nothing_that_was_said(text):
    parse = tool_formats.FORMATS["llama3"].parse
    assert read(parse, text) == parse(text, True)
