"""Anthropic's Messages: the same answers in its form."""

import pytest

from groundup.serving.api.tool_formats import FORMATS
from groundup.serving.api.tool_formats.calls import Call

PATH = "/v1/messages"
BODY = {"max_tokens": 30, "messages": [{"role": "user", "content": "the cat"}]}
TOOLS = [
    {"name": "add", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
]
CALLS = "Well. " + FORMATS["hermes"].write([Call("add", '{"a": 1}')])


def test_an_answer_has_blocks(client):
    answer = client.ok(PATH, BODY | {"model": "tiny", "system": "be brief"})
    assert (
        answer["type"] == "message"
        and answer["role"] == "assistant"
        and answer["stop_reason"] in ("max_tokens", "end_turn")
    )
    assert [block["type"] for block in answer["content"]] in ([], ["text"]) and answer["usage"]["input_tokens"] > 0


def test_a_stream_opens_and_closes_its_blocks(saying):
    events = saying(CALLS).events(PATH, BODY | {"tools": TOOLS})
    assert all(name == data["type"] for name, data in events)
    names = [name for name, _ in events]
    assert names[0] == "message_start" and names[-2:] == ["message_delta", "message_stop"]
    starts = [data for name, data in events if name == "content_block_start"]
    assert [(one["index"], one["content_block"]["type"]) for one in starts] == [(0, "text"), (1, "tool_use")]
    assert [data["index"] for name, data in events if name == "content_block_stop"] == [0, 1]
    json_ = "".join(data["delta"].get("partial_json", "") for name, data in events if name == "content_block_delta")
    assert json_ == '{"a": 1}'
    assert next(data for name, data in events if name == "message_delta")["delta"]["stop_reason"] == "tool_use"


def test_a_call_is_a_tool_use_block(saying):
    answer = saying(CALLS).ok(PATH, BODY | {"tools": TOOLS})
    assert answer["stop_reason"] == "tool_use"
    assert answer["content"][1]["input"] == {"a": 1} and answer["content"][1]["name"] == "add"


def test_thinking_is_a_block_of_its_own(saying):
    client = saying("<think>\nHm.\n</think>\n\nYes.")
    client.served.thinks = True
    blocks = client.ok(PATH, BODY)["content"]
    assert [(block["type"], block.get("thinking", block.get("text"))) for block in blocks] == [
        ("thinking", "Hm."),
        ("text", "Yes."),
    ]
    kinds = [data["content_block"]["type"] for name, data in client.events(PATH, BODY) if name == "content_block_start"]
    assert kinds == ["thinking", "text"]


def test_a_stop_sequence_is_named(saying):
    answer = saying("the cat sat on").ok(PATH, BODY | {"stop_sequences": ["dog", " sat"]})
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", " sat")
    assert answer["content"][0]["text"] == "the cat"


def test_results_of_tools_and_a_prefill_reach_the_prompt(saying, handle):
    client = saying("x")
    messages = [
        {"role": "user", "content": "add"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I do."},
                {"type": "tool_use", "id": "t", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "it is 5"}]},
                {"type": "text", "text": "so?"},
            ],
        },
        {"role": "assistant", "content": "It is"},
    ]
    client.ok(PATH, {"max_tokens": 5, "messages": messages, "tools": TOOLS})
    text = handle.tokenizer.decode(client.engine.requests[0].prompt_ids)
    assert text.endswith("It is") and text.index("it is 5") < text.index("so?")


def test_tokens_are_counted(client, handle):
    count = client.ok("/v1/messages/count_tokens", {"messages": BODY["messages"]})
    assert count["input_tokens"] == len(
        handle.tokenizer.apply_chat_template(BODY["messages"], add_generation_prompt=True)
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1.5}, "less than or equal to 1"),
        ({"messages": []}, "at least 1"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "image"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": 3}]}]}, "no text"),
        ({"tool_choice": {"type": "tool", "name": "x"}, "tools": TOOLS}, "none of the tools"),
        ({"tool_choice": {"type": "any"}}, "there are no tools"),
        ({"unknown": 1}, "Unrecognized"),
    ],
)
def test_errors_have_anthropics_form(client, change, said):
    response = client.post(PATH, BODY | change)
    told = response.json()
    assert response.status_code == 400 and told["type"] == "error" and told["error"]["type"] == "invalid_request_error"
    assert said in told["error"]["message"]
