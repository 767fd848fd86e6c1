"""Completions: what a model continues, whole and streamed, is what the handle says."""

import pytest

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Event, Scored
from groundup.inference.engine.batching import generate_batch

PATH = "/v1/completions"


def test_a_greedy_answer_is_that_of_the_batch_engine(client, handle):
    prompt = handle.tokenizer.encode_prompt("the cat")
    ids = generate_batch(handle.module, [prompt], SamplingConfig(max_new_tokens=20, temperature=0), handle.stop_ids())[
        0
    ].ids
    answer = client.ok(PATH, {"prompt": "the cat", "max_tokens": 20, "temperature": 0})
    assert answer["choices"][0]["text"] == handle.tokenizer.decode(ids, skip_special_tokens=True)
    assert answer["object"] == "text_completion" and answer["model"] == "tiny"
    assert answer["usage"]["prompt_tokens"] == len(prompt) and answer["usage"]["completion_tokens"] == len(ids)


def test_the_joined_stream_is_the_whole_answer(client):
    body = {"prompt": "the cat", "max_tokens": 30, "seed": 3}
    whole = client.ok(PATH, body)["choices"][0]
    chunks = client.chunks(PATH, body)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole["text"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-1] == whole["finish_reason"]
    assert all("usage" not in chunk for chunk in chunks)


def test_a_seed_repeats_an_answer_and_none_does_not(client):
    body = {"prompt": "a", "max_tokens": 20, "temperature": 1.5}
    with_seed = {client.ok(PATH, body | {"seed": 5})["choices"][0]["text"] for _ in range(3)}
    without = {client.ok(PATH, body)["choices"][0]["text"] for _ in range(3)}
    assert len(with_seed) == 1 and len(without) > 1


@pytest.mark.parametrize("prompt", ["the", ["the", "a cat"], [5, 6, 7], [[5, 6], [7, 8, 9]]])
def test_prompts_are_texts_or_ids_one_or_many(client, prompt):
    many = len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1
    answer = client.ok(PATH, {"prompt": prompt, "max_tokens": 3, "n": 2, "seed": 1})
    assert [choice["index"] for choice in answer["choices"]] == list(range(2 * many))
    assert answer["usage"]["completion_tokens"] <= 6 * many


def test_the_answers_of_n_differ_and_the_prompt_is_counted_once(client, handle):
    answer = client.ok(
        PATH, {"prompt": "the cat", "max_tokens": 20, "n": 4, "seed": 1, "temperature": 1.5, "ignore_eos": True}
    )
    assert len({choice["text"] for choice in answer["choices"]}) == 4
    assert answer["usage"]["prompt_tokens"] == len(handle.tokenizer.encode_prompt("the cat"))
    assert answer["usage"]["completion_tokens"] == 80


def test_the_usage_chunk_comes_once_at_the_end_for_who_asked(client):  # trap 37
    body = {
        "prompt": "the",
        "max_tokens": 4,
        "n": 2,
        "seed": 1,
        "ignore_eos": True,
        "stream_options": {"include_usage": True},
    }
    chunks = client.chunks(PATH, body)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] == 8
    assert all(chunk["choices"] for chunk in client.chunks(PATH, body | {"stream_options": {"include_usage": False}}))


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_of_a_stop_string_is_ever_sent(saying, stream):  # trap 34
    client = saying("the cat sat on the mat and")
    body = {"prompt": "a", "stop": ["sat on"], "max_tokens": 50}
    if stream:
        text = "".join(chunk["choices"][0]["text"] for chunk in client.chunks(PATH, body))
    else:
        text = client.ok(PATH, body)["choices"][0]["text"]
    assert text == "the cat "
    assert len(client.engine.left) == 1, "the engine goes on writing although the text has ended"


def test_half_a_character_is_never_sent(saying):  # trap 35
    client = saying("a 😀😀 b")
    texts = [chunk["choices"][0]["text"] for chunk in client.chunks(PATH, {"prompt": "a"})]
    assert "".join(texts) == "a 😀😀 b" and not any("�" in text for text in texts)


def test_echo_with_log_probabilities_scores_the_prompt(client, handle):
    import torch

    body = {"prompt": "the cat sat", "max_tokens": 2, "echo": True, "logprobs": 3, "temperature": 0}
    choice = client.ok(PATH, body)["choices"][0]
    told, ids = choice["logprobs"], handle.tokenizer.encode_prompt("the cat sat")
    assert choice["text"].startswith("the cat sat")
    assert told["token_logprobs"][0] is None and len(told["tokens"]) == len(ids) + 2
    with torch.inference_mode():
        scores = torch.log_softmax(handle.module(torch.tensor([ids])), -1)[0]
    expected = [float(scores[place, id]) for place, id in enumerate(ids[1:])]
    assert told["token_logprobs"][1 : len(ids)] == pytest.approx(expected, abs=1e-3)
    assert "".join(told["tokens"][place] for place in range(1, len(ids))) == "the cat sat"
    assert all(1 <= len(top) <= 4 for top in told["top_logprobs"][1:])


def test_the_best_of_several_is_the_likeliest(client):
    body = {"prompt": "the", "max_tokens": 6, "seed": 1, "logprobs": 0, "temperature": 1.0, "ignore_eos": True}
    all_ = client.ok(PATH, body | {"n": 5})["choices"]
    best = client.ok(PATH, body | {"best_of": 5})["choices"]
    mean = lambda choice: sum(choice["logprobs"]["token_logprobs"])  # noqa: E731
    assert len(best) == 1 and best[0]["text"] == max(all_, key=mean)["text"]


def test_an_echoed_prompt_does_not_choose_the_best():
    from groundup.serving.api.answers import Piece
    from groundup.serving.api.completions import Draft

    short, long = Draft(""), Draft("")
    prompt = (Scored(1, None), *[Scored(1, -9.0)] * 4)
    for draft, value, count in ((short, -1.0, 1), (long, -2.0, 9)):
        event = Event(request_id="a", ids=[1] * count, log_probabilities=[value] * count, prompt=prompt)
        draft.add(Piece(0, "", event))
    assert (short.mean, long.mean) == (-1.0, -2.0)


def test_a_bias_of_100_makes_a_token_certain(client, handle):
    (id,) = handle.tokenizer.encode("x")
    answer = client.ok(PATH, {"prompt": "the", "max_tokens": 4, "logit_bias": {str(id): 100}, "temperature": 0})
    assert answer["choices"][0]["text"] == "xxxx"


def test_a_regular_expression_shapes_the_answer(client):
    pytest.importorskip("llguidance")
    body = {"prompt": "the", "max_tokens": 20, "structured_outputs": {"regex": "[0-9]{3}-[a-c]{2}"}}
    choice = client.ok(PATH, body)["choices"][0]
    import re

    assert re.fullmatch("[0-9]{3}-[a-c]{2}", choice["text"]) and choice["finish_reason"] == "stop"


def test_hidden_states_are_given_and_bounded(client, handle, monkeypatch):
    from groundup.serving.api import hidden_states

    body = {"prompt": "the", "max_tokens": 3, "return_hidden_states": True, "ignore_eos": True}
    (choice,) = client.ok(PATH, body)["choices"]
    assert len(choice["hidden_states"]) == 3 and len(choice["hidden_states"][0]) == handle.config.hidden_size
    monkeypatch.setattr(hidden_states, "MOST_NUMBERS", 95)
    assert "96 numbers" in client.refused(PATH, body)["message"]
    monkeypatch.undo()
    streamed = [row for chunk in client.chunks(PATH, body) for row in chunk["choices"][0].get("hidden_states", [])]
    assert len(streamed) == 3


@pytest.mark.parametrize(
    ("change", "param", "said"),
    [
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),  # trap 37
        ({"max_tokens": 10**30}, "max_tokens", "less than"),
        ({"max_tokens": 5000}, "max_tokens", "1024"),
        ({"temperature": -1}, "temperature", "greater than or equal to 0"),
        ({"temperature": "hot"}, "temperature", "valid number"),
        ({"temperature": True}, "temperature", "valid number"),
        ({"n": 0}, "n", "greater than or equal to 1"),
        ({"n": 1.5}, "n", "valid integer"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"stop": ["x"] * 1000}, "stop", "at most 16"),
        ({"stop": ""}, "stop", "at least 1"),
        ({"stop": [""]}, "stop.0", "at least 1"),
        ({"prompt": []}, "prompt", "at least 1"),
        ({"prompt": None}, "prompt", ""),
        ({"prompt": [1, -5]}, "prompt", "-5"),
        ({"prompt": [10**9]}, "prompt", "288"),
        ({"prompt": "the cat " * 1500}, None, "1024"),
        ({"temperatur": 1}, "temperatur", "did you mean temperature?"),
        ({"logit_bias": {"cat": 1}}, "logit_bias", "token id"),
        ({"logit_bias": {"5": 1000}}, "logit_bias.5", "less than or equal to 100"),
        ({"suffix": "x"}, "suffix", "filling in a middle"),
        ({"best_of": 2, "stream": True}, "best_of", "streamed"),
        ({"best_of": 1, "n": 2}, "best_of", "at least n"),
        ({"seed": 2**70}, "seed", "less than"),
        ({"stream": "yes"}, "stream", "boolean"),
        ({"structured_outputs": {"regex": "("}}, None, "cannot be followed"),
        ({"structured_outputs": {}}, "structured_outputs", "exactly one"),
        ({"structured_outputs": {"regex": "a"}, "response_format": {"type": "json_object"}}, None, "only one"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "integer", "minimum": 5, "maximum": 2}},
                }
            },
            None,
            "greater than",
        ),
        ({"model": "gpt-4"}, "model", "does not exist"),
    ],
)
def test_what_cannot_be_is_one_sentence(client, change, param, said):
    error = client.refused(PATH, {"prompt": "the"} | change, 404 if "model" in change else 400)
    assert said in error["message"] and (param is None or error["param"] == param)
    assert error["type"] == ("not_found_error" if "model" in change else "invalid_request_error")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nothing", b"[]", b'"text"', b"3", b"null", b"\xff\xfe", b'{"prompt": NaN}', b'{"prompt": "a", "temperature": NaN}',
        b'{"prompt": "a", "temperature": 1e999}', b'{"prompt": "\\ud800"}', b"[" * 100_000, b'{"prompt":' * 5000, b'{"seed": ' + b"9" * 9000 + b"}",
        b'{"prompt": "\xc3"}', b'{"prompt": "a"} {"prompt": "b"}',
    ],
)  # fmt: skip
def test_bytes_that_are_no_request_are_answered(client, raw):
    response = client.ask("POST", PATH, content=raw)
    assert response.status_code == 400 and response.json()["error"]["message"]


def test_a_body_that_is_too_long_is_not_read(saying):
    from groundup.serving.limits import LimitsConfig

    client = saying("a", limits=LimitsConfig(max_body_bytes=1000))
    assert client.refused(PATH, {"prompt": "x" * 2000}, 413)["code"] == "request_too_large"

    async def parts():
        for _ in range(100):
            yield b"x" * 100

    assert client.ask("POST", PATH, content=parts()).status_code == 413
