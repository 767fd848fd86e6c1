import json

import pytest

from groundup.errors import FormatError, InputError
from groundup.tuning.supervised.conversations import one_after_another, read_conversations, to_messages

ASKED = [{"role": "user", "content": "Add 1 and 2."}, {"role": "assistant", "content": "3"}]


@pytest.mark.parametrize(
    "record",
    [
        {"messages": ASKED},
        {"conversations": [{"from": "human", "value": "Add 1 and 2."}, {"from": "gpt", "value": "3"}]},
        {"prompt": "Add 1 and 2.", "answer": "3", "family": "add"},
        {"prompt": "Add 1 and 2.", "completion": "3"},
        {"instruction": "Add 1 and 2.", "input": "", "output": "3"},
        {"instruction": "Add 1 and 2.", "context": "", "response": "3", "category": "closed_qa"},
        {"inputs": "Add 1 and 2.", "targets": "3"},
    ],
    ids=["chat", "ShareGPT", "tinyworld", "completion", "Alpaca", "Dolly", "FLAN"],
)
def test_every_shape_of_data_set_gives_the_same_messages(record):
    assert to_messages(record) == ASKED


def test_the_context_of_an_instruction_stands_below_it():
    record = {"instruction": "Sum up.", "context": "It rained.", "response": "Rain."}
    assert to_messages(record)[0]["content"] == "Sum up.\n\nIt rained."


def test_a_system_message_and_several_turns_are_kept_in_order():
    turns = [("system", "Be short."), ("human", "Hi"), ("gpt", "Hello"), ("human", "Bye"), ("gpt", "Bye")]
    messages = to_messages({"conversations": [{"from": who, "value": text} for who, text in turns]})
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant"]


def test_a_file_is_read_record_by_record(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": str(number), "answer": "x"}) for number in range(3)))
    assert [messages[0]["content"] for messages in read_conversations(path)] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "record, wrong",
    [
        ({"text": "no question"}, "is no conversation; give it messages, or prompt and answer"),
        ({"prompt": "alone"}, "is no conversation; give it messages, or prompt and answer"),
        ({"messages": ASKED[:1]}, "has no answer of the assistant; add a message with the role assistant"),
        (
            {"messages": [{"role": "assistant", "content": ["a", "list"]}]},
            "without role and content as text; give both",
        ),
        ({"messages": ["just text"]}, "without role and content as text; give both"),
        (["a", "list"], "is no conversation"),
        ({"messages": 5}, "is no conversation"),
        ({"conversations": [{"from": ["human"], "value": "a"}]}, "without role and content as text; give both"),
    ],
)
def test_what_is_no_conversation_is_named_by_its_record(tmp_path, record, wrong):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"messages": ASKED}) + "\n" + json.dumps(record) + "\n")
    with pytest.raises(InputError, match=f"data.jsonl: record 2 .*{wrong}"):
        read_conversations(path)


def test_an_empty_file_says_what_a_line_looks_like(tmp_path):
    (tmp_path / "data.jsonl").write_text("")
    with pytest.raises(InputError, match="holds no conversation; write lines such as"):
        read_conversations(tmp_path / "data.jsonl")


def test_joined_conversations_are_the_same_messages_in_the_same_order_and_half_stay_alone():
    alone = [to_messages({"prompt": f"question {n}", "answer": str(n)}) for n in range(400)]
    joined = list(one_after_another(alone, 3, seed=1))
    assert [message for one in joined for message in one] == [message for one in alone for message in one]
    lengths = [len(one) // 2 for one in joined]
    assert set(lengths) == {1, 2, 3} and 0.4 < lengths.count(1) / len(lengths) < 0.6
    assert list(one_after_another(alone, 1)) == alone


def test_prompt_and_completion_may_be_lists_of_messages():
    assert to_messages({"prompt": ASKED[:1], "completion": ASKED[1:]}) == ASKED


def test_a_file_may_be_one_json_list(tmp_path):
    (tmp_path / "data.json").write_text(json.dumps([{"instruction": "Add 1 and 2.", "input": "", "output": "3"}] * 2))
    assert read_conversations(tmp_path / "data.json") == [ASKED, ASKED]


@pytest.mark.parametrize(
    "record, wrong",
    [
        (
            {"messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, *ASKED]},
            "two system messages.*; join them",
        ),
        ({"prompt": "a", "answer": "  "}, "has an empty answer; .*leave the record out"),
        ({"messages": [{"content": "a"}, *ASKED]}, "without role and content"),
        ({"messages": [{"role": "asistant", "content": "a"}]}, r"role 'asistant'; did you mean 'assistant'\?"),
        ({"messages": [ASKED[0], {"role": "assistant", "content": " "}]}, "has no answer of the assistant"),
        ({"conversations": [{"from": "function_call", "value": "no json"}]}, "function_call that is no JSON; write"),
    ],
)
def test_bad_conversations_are_one_sentence(record, wrong):
    with pytest.raises(InputError, match=wrong):
        to_messages(record)


def test_a_json_file_that_holds_no_list_is_said(tmp_path):
    (tmp_path / "data.json").write_text("{}")
    with pytest.raises(FormatError, match="is no list of records; write a JSON list"):
        read_conversations(tmp_path / "data.json")
