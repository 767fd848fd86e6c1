"""A server in this process: a tiny random chat model behind it, or one that says what a test wants."""

import asyncio
import json
import types

import pytest
import torch

pytest.importorskip("fastapi", reason="the extra serve is not installed")
httpx = pytest.importorskip("httpx")

from groundup.inference.engine import EngineConfig, Event, Usage  # noqa: E402
from groundup.inference.handle import Handle  # noqa: E402
from groundup.model.architectures import build  # noqa: E402
from groundup.model.architectures.qwen3 import Qwen3Config  # noqa: E402
from groundup.serving.api import sse  # noqa: E402
from groundup.serving.api.app import make_app  # noqa: E402
from groundup.serving.api.models import Models, Served  # noqa: E402
from groundup.serving.api.service import Service  # noqa: E402
from groundup.serving.limits import Limits, LimitsConfig  # noqa: E402
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer  # noqa: E402

TEXT = ["the cat sat on the mat and the dog sat on the log", "a cat has a hat and a dog has a frog 😀"]
CONTEXT = 1024


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer(TEXT, TokenizerConfig(vocab_size=288))


@pytest.fixture(scope="session")
def handle(tokenizer):
    """A tiny random model; its chat template is ChatML."""
    sizes = dict(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    config = Qwen3Config(vocab_size=288, max_position_embeddings=CONTEXT, tie_word_embeddings=True, **sizes)
    module = build(config, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.4 if parameter.dim() > 1 else 1 + noise * 0.2)
    module.eval()
    return Handle(module, tokenizer)


class Client:
    """Asks an application without a network, in an event loop of its own."""

    def __init__(self, app, headers=None):
        self.app, self.loop = app, asyncio.new_event_loop()
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://server", headers=headers, timeout=60
        )

    def run(self, work):
        return self.loop.run_until_complete(work)

    def ask(self, method, path, **options):
        return self.run(self.http.request(method, path, **options))

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body, **options):
        return self.ask("POST", path, json=body, **options)

    def ok(self, path, body):
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        return response.json()

    def events(self, path, body):
        """The events of a stream: (name, data) with data read as JSON."""
        response = self.post(path, body | {"stream": True})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        found = sse.sse_events(response.text)
        return [(name, data if data == "[DONE]" else json.loads(data)) for name, data in found]

    def chunks(self, path, body):
        """The chunks of OpenAI's stream, which ends with [DONE]."""
        *found, last = self.events(path, body)
        assert last == ("message", "[DONE]")
        return [data for _, data in found]

    def refused(self, path, body, status=400):
        """The error of a request that cannot be, checked for its form."""
        response = self.post(path, body)
        assert response.status_code == status, response.text
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        return error

    def close(self):
        self.run(self.http.aclose())
        self.loop.close()


def service_of(handle, limits=None, **engine):
    models = Models({"tiny": "tiny"}, loader=lambda _: handle, config=EngineConfig(max_rows=8, **engine))
    return Service(models, Limits(limits or LimitsConfig()))


@pytest.fixture(name="Client")
def client_class():
    return Client


@pytest.fixture(name="service_of")
def service_maker():
    return service_of


@pytest.fixture
def make_client():
    """Make a client of a server of any handle."""
    clients = []

    def make(handle):
        clients.append(Client(make_app(service_of(handle))))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def service(handle):
    return service_of(handle)


@pytest.fixture(scope="session")
def client(service):
    one = Client(make_app(service))
    yield one
    one.run(service.models.close())
    one.close()


class Saying:
    """In place of an engine: says given texts, a token an event."""

    def __init__(self, tokenizer, texts, reason="stop"):
        self.tokenizer, self.texts, self.reason = tokenizer, texts, reason
        self.requests, self.left = [], []
        self.engine = types.SimpleNamespace(check=lambda request: None)
        self.wanted = types.SimpleNamespace(qsize=lambda: 0)

    def stats(self):
        return {"running": 0, "waiting": 0}

    async def close(self, drain=True):
        pass

    async def generate(self, request):
        self.requests.append(request)
        ids = self.tokenizer.encode(self.texts[request.stream % len(self.texts)], allow_special=True)
        try:
            for number, id in enumerate(ids, 1):
                await asyncio.sleep(0)
                last = number == len(ids)
                yield Event(
                    request_id="a",
                    ids=[id],
                    log_probabilities=[-0.5] if request.log_probabilities is not None else [],
                    top_log_probabilities=[((id, -0.5), (7, -2.0))] if request.log_probabilities is not None else [],
                    finish_reason=self.reason if last else None,
                    usage=Usage(len(request.prompt_ids), 0, number),
                )
        finally:
            self.left.append(request)


@pytest.fixture
def saying(tokenizer, handle):
    """Make a client of a server that says these texts."""
    clients = []

    def make(*texts, template=None, reason="stop", limits=None):
        service = service_of(handle, limits)
        served = Served("tiny", handle)
        served._engine = Saying(tokenizer, texts, reason)
        if template is not None:
            served.template = template
        service.models.loaded["tiny"] = served
        client = Client(make_app(service))
        client.engine, client.service, client.served = served._engine, service, served
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
