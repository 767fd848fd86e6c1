"""A server inside the process: the routes answer, and its models are closed whatever happens."""

import pytest

from groundup.inference.engine import EngineConfig
from groundup.inference.handle import Handle
from groundup.lessons import drawn_model
from groundup.serving.api.inside import in_process
from groundup.serving.api.models import Models
from groundup.serving.api.service import Service
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


def service():
    handle = Handle(drawn_model(260), train_tokenizer(["a b a b"], TokenizerConfig(vocab_size=260)))
    return Service(Models({"tiny": "tiny"}, loader=lambda _: handle, config=EngineConfig(compiled=None)))


def test_its_routes_answer_and_its_state_is_at_hand():
    async def work(client, server):
        listed = (await client.get("/v1/models")).json()["data"]
        said = await client.post("/v1/completions", json={"model": "tiny", "prompt": "a", "max_tokens": 3, "ignore_eos": True})
        return [one["id"] for one in listed], said.json()["usage"]["completion_tokens"], type(server)

    assert in_process(service, work) == (["tiny"], 3, Service)


def test_its_models_are_closed_after_an_error_too(monkeypatch):
    closed, close = [], Models.close

    async def noted(self):
        closed.append(self)
        await close(self)

    async def work(_client, _server):
        raise KeyError("mine")

    monkeypatch.setattr(Models, "close", noted)
    with pytest.raises(KeyError, match="mine"):
        in_process(service, work)
    assert len(closed) == 1
