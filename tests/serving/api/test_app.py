"""The whole application: keys, limits, models on demand, closing, cancelling, figures, and nothing secret in a log."""

import asyncio
import logging

import httpx
import pytest

from groundup.errors import ConfigError
from groundup.inference.engine import EngineConfig, Event
from groundup.serving.api.app import make_app
from groundup.serving.api.errors import ApiError
from groundup.serving.api.models import Models, Served
from groundup.serving.api.service import Service
from groundup.serving.limits import KeyFile, Limits, LimitsConfig

SECRET = "sk-secret-of-sixteen-characters"
CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "PRIVATE WORDS"}], "max_tokens": 3}


@pytest.fixture
def keyed(handle, service_of, Client):
    """A server that wants a key."""
    service = service_of(handle)
    service.limits = Limits(LimitsConfig(requests_per_minute=60, burst_s=3), keys=KeyFile.of({"anna": SECRET}))
    client = Client(make_app(service))
    yield client
    client.run(service.models.close())
    client.close()


def test_a_wrong_key_is_refused_in_both_forms(keyed):
    error = keyed.refused(CHAT, HELLO, 401)
    assert error["code"] == "invalid_api_key" and error["type"] == "authentication_error"
    told = keyed.post("/v1/messages", HELLO, headers={"x-api-key": "wrong"})
    assert told.status_code == 401 and told.json()["error"]["type"] == "authentication_error"
    assert keyed.get("/v1/models").status_code == 401 and keyed.get("/health").status_code == 200


def test_a_flood_is_told_when_to_come_again(keyed):
    headers = {"authorization": f"Bearer {SECRET}"}
    told = [keyed.post(CHAT, HELLO, headers=headers) for _ in range(5)]
    assert [one.status_code for one in told] == [200, 200, 200, 429, 429]
    assert int(told[-1].headers["retry-after"]) >= 1 and told[-1].json()["error"]["type"] == "rate_limit_error"


def test_neither_prompt_nor_key_is_logged(keyed, caplog, capfd, monkeypatch):
    monkeypatch.setattr(Served, "turn_ends", property(lambda self: 1 / 0))
    with caplog.at_level(logging.DEBUG):
        response = keyed.post(CHAT, HELLO, headers={"authorization": f"Bearer {SECRET}"})
    assert response.status_code == 500 and response.json()["error"]["type"] == "server_error"
    said = "".join(
        f"{one.name} {one.getMessage()} {one.exc_text}" for one in caplog.records if one.name.startswith("groundup")
    )
    said += "".join(capfd.readouterr())
    assert "ZeroDivisionError" in said and "PRIVATE" not in said and SECRET not in said


def test_models_are_listed_and_loaded_when_they_are_named(handle, Client):
    loads = []
    models = Models(
        {"a": "A", "b": "B"}, loader=lambda folder: loads.append(folder) or handle, config=EngineConfig(), most_loaded=1
    )
    service = Service(models)
    client = Client(make_app(service))
    assert [one["id"] for one in client.get("/v1/models").json()["data"]] == ["a", "b"] and loads == []
    assert client.get("/ready").status_code == 503
    assert client.ok("/tokenize", {"prompt": "a", "model": "b"})["count"] >= 1
    assert client.ok("/tokenize", {"prompt": "a"})["count"] >= 1 and loads == ["B", "A"]
    assert list(models.loaded) == ["a"], "the one that was not asked for longest made room"
    assert client.get("/ready").status_code == 200
    assert client.get("/v1/models/b").json()["id"] == "b" and client.get("/v1/models/c").status_code == 404
    client.close()


def test_many_requests_wait_for_one_load(handle):
    loads = []
    models = Models({"a": "A"}, loader=lambda folder: loads.append(folder) or handle)

    async def ask():
        return await asyncio.gather(*(models.get("a") for _ in range(10)))

    assert len(set(map(id, asyncio.run(ask())))) == 1 and loads == ["A"]


def test_a_model_that_made_room_at_once_still_answers_who_asked_for_it(handle, monkeypatch):
    models = Models({"a": "A"}, loader=lambda folder: handle)
    load = models._load

    async def load_and_make_room(name):
        served = await load(name)
        del models.loaded[name]  # what the load of another name does, before who waited is awake
        return served

    monkeypatch.setattr(models, "_load", load_and_make_room)
    assert asyncio.run(models.get("a")).name == "a"


def test_a_model_makes_no_room_before_who_asked_for_it_is_done_and_no_more_are_loaded_meanwhile(handle, monkeypatch):
    models = Models({"a": "A", "b": "B"}, loader=lambda folder: handle, most_loaded=1)

    async def ask(wait_s):
        done = asyncio.Event()

        async def hold():
            await models.get("a")
            await done.wait()

        async def free():
            await asyncio.sleep(wait_s)
            before.extend(models.loaded)
            done.set()

        before = []
        holder = asyncio.create_task(hold())
        await asyncio.sleep(0.01)
        freer = asyncio.create_task(free())
        try:
            await asyncio.create_task(models.get("b"))
        finally:
            await asyncio.gather(holder, freer)
        return before, list(models.loaded)

    assert asyncio.run(ask(0.2)) == (["a"], ["b"])
    monkeypatch.setattr("groundup.serving.api.models.WAIT_FOR_ROOM_S", 0.0)
    with pytest.raises(ApiError, match="holds 1 models at once and all are answering"):
        asyncio.run(ask(0.5))


def test_no_room_for_any_model_is_refused():
    with pytest.raises(ConfigError, match="max_models=0"):
        Models({"a": "A"}, most_loaded=0)


def test_an_answer_is_bounded_by_what_the_server_gives(saying):
    client = saying("the cat", limits=LimitsConfig(max_completion_tokens=5))
    for path in (CHAT, "/v1/completions"):
        body = {"prompt": "the"} if path != CHAT else {"messages": HELLO["messages"]}
        assert "at most 5" in client.refused(path, body | {"max_tokens": 6})["message"]
        client.ok(path, body | {"max_tokens": 5})
        client.ok(path, body)
        assert client.engine.requests[-1].sampling.max_new_tokens == 5, "left out: what the server gives"


def test_a_folder_that_cannot_be_loaded_is_said(tmp_path, Client):
    client = Client(make_app(Service(Models({"a": tmp_path / "nothing"}))))
    assert "cannot be loaded" in client.refused("/tokenize", {"prompt": "a"}, 404)["message"]
    client.close()


def test_a_closing_server_finishes_what_it_began_and_refuses_the_rest(saying):
    client = saying("the cat sat on the mat")

    async def both():
        begun = asyncio.ensure_future(client.http.post(CHAT, json=HELLO | {"stream": True}))
        while not client.engine.requests:
            await asyncio.sleep(0)
        client.service.draining = True
        return await client.http.post(CHAT, json=HELLO), await begun, await client.http.get("/health")

    new, begun, health = client.run(both())
    assert (
        new.status_code == 503 and int(new.headers["retry-after"]) > 0 and new.json()["error"]["type"] == "server_error"
    )
    assert begun.status_code == 200 and begun.text.endswith("data: [DONE]\n\n") and health.status_code == 200
    assert client.service.open_requests == 0
    assert new.headers["connection"] == "close", "or a client's next request meets the end of the process"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_ends_its_answer(saying, stream):
    client = saying("the cat sat on the mat " * 200)
    sent, gone, asked = [], asyncio.Event(), []

    async def receive():
        if not asked:
            asked.append(1)
            body = httpx.Request("POST", "http://s", json=HELLO | {"stream": stream}).content
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def leave():
        scope = {
            "type": "http",
            "method": "POST",
            "path": CHAT,
            "headers": [],
            "query_string": b"",
            "client": ("here", 1),
            "root_path": "",
        }
        task = asyncio.ensure_future(client.app(scope, receive, send))
        while not client.engine.requests:
            await asyncio.sleep(0)
        gone.set()
        await asyncio.wait_for(task, 10)

    client.run(leave())
    assert len(client.engine.left) == 1, "the answer went on without a reader"
    assert len([one for one in sent if one["type"] == "http.response.body"]) < 500


def test_a_slow_reader_is_given_up_and_stalls_nobody(saying):
    client = saying("the cat sat " * 50, limits=LimitsConfig(write_timeout_s=0.2))
    first = []

    async def receive():
        if not first:
            first.append(1)
            return {"type": "http.request", "body": b'{"prompt": "a", "stream": true}', "more_body": False}
        await asyncio.Event().wait()

    async def send(message):
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # the reader takes nothing

    async def both():
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/completions",
            "headers": [],
            "query_string": b"",
            "client": ("h", 1),
            "root_path": "",
        }
        slow = asyncio.ensure_future(client.app(scope, receive, send))
        quick = await client.http.post("/v1/completions", json={"prompt": "a"})
        await asyncio.wait_for(slow, 10)
        return quick

    assert client.run(both()).status_code == 200 and len(client.engine.left) == 2


def test_an_answer_that_takes_too_long_is_given_up(saying):
    client = saying("the cat " * 40_000, limits=LimitsConfig(request_timeout_s=0.05))
    error = client.refused(CHAT, HELLO, 408)
    assert error["code"] == "request_timeout" and len(client.engine.left) == 1


@pytest.mark.parametrize("leaves", [False, True])
def test_a_body_that_never_ends_is_not_waited_for(saying, leaves, caplog):
    client, sent = saying("the cat", limits=LimitsConfig(request_timeout_s=0.05)), []
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": [], "query_string": b""}
    coming = [{"type": "http.request", "body": b'{"pro', "more_body": True}]

    async def receive():
        if coming:
            return coming.pop()
        return {"type": "http.disconnect"} if leaves else await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    client.run(asyncio.wait_for(client.app(scope, receive, send), 20))
    assert sent[0]["status"] == (499 if leaves else 408) and client.service.open_requests == 0
    assert "a fault of ours" not in caplog.text


def test_the_metrics_have_vllms_names(client):
    client.ok("/v1/completions", {"prompt": "the", "max_tokens": 4, "ignore_eos": True})
    text = client.get("/metrics").text
    for name in (
        "num_requests_running",
        "num_requests_waiting",
        "kv_cache_usage_perc",
        "prompt_tokens_total",
        "generation_tokens_total",
    ):
        assert f'vllm:{name}{{model_name="tiny"}}' in text, name
    for name in (
        "time_to_first_token_seconds_bucket",
        "e2e_request_latency_seconds_count",
        "inter_token_latency_seconds_sum",
    ):
        assert f"vllm:{name}" in text
    assert 'vllm:request_success_total{finished_reason="length",model_name="tiny"}' in text


def test_paths_and_methods_that_are_none_are_answered_in_the_apis_form(client):
    assert client.refused("/v1/nothing", {}, 404)["code"] == "not_found"
    told = client.get("/v1/completions")
    assert told.status_code == 405 and told.json()["error"]["code"] == "method_not_allowed"


def test_the_openapi_describes_every_route(client):
    told = client.get("/openapi.json").json()
    for path in (
        "/v1/completions",
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/v1/embeddings",
        "/rerank",
        "/tokenize",
    ):
        reference = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert reference.rsplit("/", 1)[1] in told["components"]["schemas"]


def test_a_fault_of_ours_in_a_stream_ends_it_with_an_error(saying):
    client = saying("x")

    async def broken(request):
        yield Event(request_id="a", ids=client.served.tokenizer.encode("the"))
        raise RuntimeError("PRIVATE")

    client.engine.generate = broken
    events = client.events(CHAT, HELLO)
    assert events[-1][1]["error"]["type"] == "server_error" and "PRIVATE" not in str(events)


def test_a_prompt_of_ten_megabytes_is_refused_with_both_numbers(client):
    error = client.refused("/v1/completions", {"prompt": "x " * 5_000_000}, 413)
    assert error["code"] == "request_too_large" and "4,194,304" in error["message"] and "10,0" in error["message"]


def test_the_first_answer_is_made_before_somebody_asks(handle, service_of):
    from groundup.serving.api import server

    service, said = service_of(handle), []

    async def run():
        served = await service.models.get(None)
        await server.warm_up(served, said.append)
        figures = served.engine.stats()
        await service.models.close()
        return figures

    figures = asyncio.run(run())
    assert figures["generated_tokens"] == 3 and figures["running"] == 0


def test_what_is_left_of_the_rates_is_in_the_headers_of_answers_streams_and_refusals(saying):
    client = saying("the cat", limits=LimitsConfig(requests_per_minute=6, tokens_per_minute=600, burst_s=30))
    body = {"messages": HELLO["messages"], "max_tokens": 4}
    left = []
    for more in ({}, {"stream": True}, {"temperature": 9}):
        headers = client.post(CHAT, body | more).headers
        assert headers["x-ratelimit-limit-requests"] == "6" and headers["x-ratelimit-limit-tokens"] == "600"
        assert float(headers["x-ratelimit-reset-requests"].removesuffix("s")) >= 0
        left.append(int(headers["x-ratelimit-remaining-requests"]))
    assert left[0] == 2 and left[1] <= 2 and left[2] <= 2
    assert "x-ratelimit-limit-requests" not in saying("the cat").post(CHAT, body).headers


def test_a_long_call_for_embeddings_keeps_no_chat_waiting(handle, service_of):
    service, order = service_of(handle), []

    async def run():
        loop = asyncio.get_running_loop()

        def embed():
            asyncio.run_coroutine_threadsafe(after(), loop).result(30)
            order.append("vectors")

        async def after():
            order.append(await service.beside(lambda: "tokens"))

        await service.computed(embed)

    asyncio.run(run())
    assert order == ["tokens", "vectors"]
