"""64 streaming clients against the real server with a tiny model: nothing lost, nothing crossed, every page free in the end."""

import threading
import time
from contextlib import contextmanager

import pytest
import torch

uvicorn = pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("fastapi", reason="the extra serve is not installed")

from groundup.inference.engine import EngineConfig  # noqa: E402
from groundup.inference.handle import Handle  # noqa: E402
from groundup.model.architectures import build  # noqa: E402
from groundup.model.architectures.qwen3 import Qwen3Config  # noqa: E402
from groundup.serving.api.app import make_app  # noqa: E402
from groundup.serving.api.models import Models  # noqa: E402
from groundup.serving.api.service import Service  # noqa: E402
from groundup.serving.limits import Limits, LimitsConfig  # noqa: E402
from groundup.serving.scheduling import FairOrder, load  # noqa: E402
from groundup.serving.scheduling.arrivals import Asked  # noqa: E402
from groundup.serving.scheduling.clients import Target  # noqa: E402
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer  # noqa: E402

pytestmark = pytest.mark.slow  # kernels are compiled and sixty-four clients are answered


@pytest.fixture(scope="module")
def handle():
    """A tiny model with random weights, whose answers differ from prompt to prompt."""
    tokenizer = train_tokenizer([" ".join(load.WORDS)] * 2, TokenizerConfig(vocab_size=288))
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    module = build(Qwen3Config(vocab_size=288, max_position_embeddings=256, tie_word_embeddings=True, **sizes), seed=0)
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=source)
            parameter.copy_(noise * 0.4 if parameter.dim() > 1 else 1 + noise * 0.2)
    return Handle(module.eval(), tokenizer)


@contextmanager
def served(handle, limits=None, **engine):
    """The real server in a thread: its address, and its engine once a request came."""
    limits = Limits(limits or LimitsConfig())
    config = EngineConfig(max_rows=16, prefix_cache=False, **engine)
    models = Models({"tiny": "tiny"}, loader=lambda _: handle, config=config, order=lambda: FairOrder(limits.weight))
    service = Service(models, limits)
    server = uvicorn.Server(uvicorn.Config(make_app(service), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Target(f"http://127.0.0.1:{port}", "tiny"), lambda: service.models.loaded["tiny"].started
    finally:
        server.should_exit = True
        thread.join(20)
        load.together(service.models.close())


def settled(engine):
    """The engine's figures once nothing is under way any more."""
    for _ in range(500):
        told = engine().stats()
        if told["running"] == told["waiting"] == 0:
            break
        time.sleep(0.01)
    return told


def test_64_streaming_clients_lose_nothing_and_cross_nothing(handle):
    shape = load.Shape(prompt_tokens=4, max_tokens=6, prompts=16)
    with served(handle, deterministic=True) as (target, engine):
        alone = load.together(load.open_loop(target, [shape.asked(0.1 * number) for number in range(8)], shape))
        crowd = load.together(load.closed_loop(target, 64, 0.5, shape))
        told, figures = load.summary([*alone, *crowd]), settled(engine)
    assert told["answered"] == told["requests"] >= 64 and told["failed"] == told["refused"] == told["crossed"] == 0
    assert {one.tokens for one in crowd} == {6} and figures["free_pages"] == figures["pages"]
    assert len({one.text for one in crowd}) >= 8, "different prompts have different answers, so crossing would be seen"


def test_clients_that_leave_free_their_pages(handle):
    shape = load.Shape(prompt_tokens=8, max_tokens=120, cancelled=1.0)
    with served(handle) as (target, engine):
        outcomes = load.together(load.open_loop(target, [shape.asked(0.0)] * 12, shape))
        figures = settled(engine)
    assert all(one.cancelled for one in outcomes) and figures["free_pages"] == figures["pages"]
    assert figures["finished"]["cancelled"] == 12 and figures["generated_tokens"] < 12 * 120


def test_a_flood_is_refused_and_the_others_are_served(handle):
    limits = LimitsConfig(requests_per_minute=20, burst_s=30)
    with served(handle, limits) as (target, engine):
        outcomes = load.together(load.open_loop(target, [Asked(max_tokens=2)] * 30, load.Shape(prompt_tokens=4)))
        told, figures = load.summary(outcomes), settled(engine)
    assert told["answered"] == 10 and told["refused"] == 20 and told["failed"] == 0
    assert "come again in" in told["errors"][0] and figures["free_pages"] == figures["pages"]
