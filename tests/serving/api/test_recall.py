"""Whole answers that are given again: where chance decides nothing, to who asked before, under its figures."""

import pytest

from groundup.inference.engine import EngineConfig
from groundup.serving.api.app import make_app
from groundup.serving.api.models import Models
from groundup.serving.api.service import Service
from groundup.serving.limits import KeyFile, Limits, LimitsConfig
from groundup.serving.scheduling import ResponseCache

PATH = "/v1/completions"
GREEDY = {"prompt": "the cat", "max_tokens": 6, "temperature": 0, "ignore_eos": True}
KEYS = {name: f"sk-{name}-with-sixteen-characters" for name in ("anna", "bert")}


@pytest.fixture
def caching(handle, Client):
    models = Models({"tiny": "tiny"}, loader=lambda _: handle, config=EngineConfig(max_rows=4))
    service = Service(models, Limits(LimitsConfig(), keys=KeyFile.of(KEYS)), ResponseCache(1 << 20))
    client = Client(make_app(service), {"authorization": f"Bearer {KEYS['anna']}"})
    client.service = service
    yield client
    client.run(service.models.close())
    client.close()


def hits(client):
    return client.service.responses.hits


def steps(client):
    return client.service.models.loaded["tiny"].engine.stats()["steps"]


def answer(client, body, **headers):
    told = client.post(PATH, body, headers=headers).json()
    return told["choices"], told["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    "change",
    [{}, {"temperature": 1.5, "seed": 4}, {"logprobs": 2}, {"n": 2, "seed": 1, "temperature": 1}, {"stop": ["c"]}],
)
def test_the_same_question_is_answered_once(caching, change):  # fmt: skip
    first = answer(caching, GREEDY | change)
    worked = steps(caching)
    assert answer(caching, GREEDY | change) == first and hits(caching) == change.get("n", 1)
    assert steps(caching) == worked, "nobody computed"
    streamed = caching.chunks(PATH, GREEDY | change)
    for choice in first[0]:
        text = "".join(one["text"] for chunk in streamed for one in chunk["choices"] if one["index"] == choice["index"])
        assert text == choice["text"]


@pytest.mark.parametrize(
    "change",
    [{"temperature": 1.5}, {"return_hidden_states": True}, {"echo": True, "logprobs": 0}, {"logit_bias": {"5": 1}}],
)
def test_chance_and_what_is_not_kept_are_computed_again(caching, change):  # fmt: skip
    answer(caching, GREEDY | change)
    answer(caching, GREEDY | change)
    assert hits(caching) == 0


def test_another_key_another_field_or_another_form_is_another_question(caching):
    pytest.importorskip("llguidance")
    answer(caching, GREEDY)
    answer(caching, GREEDY, authorization=f"Bearer {KEYS['bert']}")
    for change in (
        {"max_tokens": 5},
        {"prompt": "the dog"},
        {"repetition_penalty": 1.2},
        {"structured_outputs": {"regex": "[ab]+"}},
    ):
        answer(caching, GREEDY | change)
    answer(caching, GREEDY | {"structured_outputs": {"regex": "[cd]+"}})
    assert hits(caching) == 0
    answer(caching, GREEDY)
    assert hits(caching) == 1


def test_chats_are_kept_too_and_the_figures_are_in_the_metrics(caching):
    body = {"messages": [{"role": "user", "content": "the cat"}], "max_tokens": 5, "temperature": 0}
    first, second = (caching.ok("/v1/chat/completions", body) for _ in range(2))
    assert first["choices"] == second["choices"]
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == first["usage"]["prompt_tokens"]
    text = caching.get("/metrics").text
    assert "groundup:response_cache_hits_total 1.0" in text and "groundup:response_cache_misses_total 1.0" in text
    assert f"groundup:response_cache_saved_tokens_total {first['usage']['completion_tokens']:.1f}" in text


def test_without_a_cache_there_are_no_figures(client):
    assert "response_cache" not in client.get("/metrics").text
