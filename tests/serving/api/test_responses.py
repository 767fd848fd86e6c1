"""The Responses API: the same answers in its form."""

import pytest

from groundup.serving.api.tool_formats import FORMATS
from groundup.serving.api.tool_formats.calls import Call

PATH = "/v1/responses"
TOOLS = [
    {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
]
CALLS = "Well. " + FORMATS["hermes"].write([Call("add", '{"a": 1}')])


def test_an_answer_has_items(client):
    answer = client.ok(PATH, {"input": "the cat", "instructions": "be brief", "max_output_tokens": 8})
    assert answer["object"] == "response" and answer["status"] in ("incomplete", "completed")
    assert answer["output"][0]["type"] == "message" and answer["usage"]["total_tokens"] > 0


def test_a_call_is_an_item_whole_and_streamed(saying):
    client = saying(CALLS)
    answer = client.ok(PATH, {"input": "add", "tools": TOOLS})
    assert [item["type"] for item in answer["output"]] == ["message", "function_call"]
    assert (answer["output"][1]["name"], answer["output"][1]["arguments"]) == ("add", '{"a": 1}')
    events = client.events(PATH, {"input": "add", "tools": TOOLS})
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert all(name == data["type"] for name, data in events)
    assert events[0][0] == "response.created" and events[-1][0] == "response.completed"
    deltas = "".join(data["delta"] for name, data in events if name == "response.function_call_arguments.delta")
    assert deltas == '{"a": 1}'
    assert [item["type"] for item in events[-1][1]["response"]["output"]] == ["message", "function_call"]


def test_calls_and_results_of_before_reach_the_prompt(saying, handle):
    client = saying("5")
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "add"}]},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "c", "output": "it is 5"},
    ]
    client.ok(PATH, {"input": items, "tools": TOOLS})
    text = handle.tokenizer.decode(client.engine.requests[0].prompt_ids)
    assert "it is 5" in text and '"name": "add"' in text


def test_an_answer_that_was_cut_off_is_incomplete(saying):
    answer = saying("the cat", reason="length").ok(PATH, {"input": "a"})
    assert answer["status"] == "incomplete" and answer["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input": []}, "at least 1"),
        ({"input": [{"type": "image_generation_call"}]}, "not offered"),
        ({"input": [{"role": "user"}]}, "no message"),
        ({"previous_response_id": "r"}, "nothing is stored"),
        ({"max_output_tokens": 0}, "greater"),
        ({"tools": [{"type": "web_search"}]}, "function"),
        ({"tool_choice": "required"}, "there are no tools"),
    ],
)
def test_what_cannot_be_is_one_sentence(client, change, said):
    assert said in client.refused(PATH, {"input": "a"} | change)["message"]


def test_what_does_nothing_here_is_refused_or_said(saying):
    client = saying("the cat")
    asked = {"reasoning": {"effort": "high"}, "store": True, "service_tier": "flex", "truncation": "disabled", "text": {"verbosity": "low"}}
    answer = client.ok(PATH, {"input": "a"} | asked)
    assert answer["reasoning"] == {"effort": None, "summary": None} and answer["store"] is False
    assert (answer["truncation"], answer["service_tier"], answer["text"]) == ("disabled", "default", {"format": {"type": "text"}})
    assert "log-probabilities" in client.refused(PATH, {"input": "a", "top_logprobs": 3})["message"]
    assert "nothing more to include" in client.refused(PATH, {"input": "a", "include": ["message.output_text.logprobs"]})["message"]
    assert "truncation" in client.refused(PATH, {"input": "a", "truncation": "auto"})["message"]
    client.ok(PATH, {"input": "a", "include": [], "top_logprobs": 0})
