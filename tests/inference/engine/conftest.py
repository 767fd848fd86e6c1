"""What the tests of the engine share: a model's handle without a tokenizer, and a request's answer alone."""

import random
from types import SimpleNamespace

import pytest

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request


@pytest.fixture
def handle(tiny):
    """A handle around a tiny random model."""
    return SimpleNamespace(module=tiny(), generation={})


@pytest.fixture
def ask():
    """Make random requests of every kind."""

    def make(drawn: random.Random, **changes):
        sampling = drawn.choice(
            [
                dict(temperature=0.0),
                dict(temperature=0.9, seed=drawn.randrange(5)),
                dict(top_p=0.8, top_k=20, seed=drawn.randrange(5)),
                dict(temperature=0.0, repetition_penalty=1.5),
                dict(presence_penalty=1.0, seed=2),
            ]
        )
        given = dict(
            prompt_ids=[drawn.randrange(70) for _ in range(drawn.randint(1, 30))],
            sampling=SamplingConfig(max_new_tokens=drawn.randint(1, 16), **sampling),
            stop_ids=range(drawn.choice([0, 4])),
            priority=drawn.choice([0, 0, 0, 1]),
            log_probabilities=drawn.choice([None, 0, 3]),
            stream=drawn.randrange(3),
        )
        return Request(**(given | changes))

    return make


@pytest.fixture
def write_all():
    """Step until nothing is left; the events of every request."""

    def run(engine: Engine, told=None):
        told = {} if told is None else told
        while engine.has_work:
            for event in engine.step():
                told.setdefault(event.request_id, []).append(event)
        return told

    return run


@pytest.fixture
def alone(write_all, answer):
    """The answer to a request that nobody disturbs."""

    def run(handle, request, **config):
        engine = Engine(handle, EngineConfig(**config))
        name = engine.add(request)
        return answer(write_all(engine)[name])

    return run


@pytest.fixture
def answer():
    """Ids and the reason of the end, out of a request's events."""
    return lambda events: ([id for event in events for id in event.ids], events[-1].finish_reason)
