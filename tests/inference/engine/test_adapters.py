"""Adapters chosen a request: in a batch of several, each row gets what it gets alone, and what the merged model writes."""

import random
from types import SimpleNamespace

import pytest
import torch

from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.inference.engine.batching import generate_batch
from groundup.model.architectures import build
from groundup.model.architectures.bloom import BloomConfig
from groundup.tuning.efficient.config import AdaLoraConfig, BottleneckConfig, IA3Config, LoraConfig, PromptConfig
from groundup.tuning.efficient.many import Adapted, add, merge

GREEDY = SamplingConfig(max_new_tokens=10, temperature=0.0)
CONFIGS = {
    "a": LoraConfig(r=2, target_modules=("q_proj", "v_proj", "down_proj")),
    "b": LoraConfig(r=3, use_dora=True, target_modules=("all-linear",)),
    "c": AdaLoraConfig(init_r=3, target_r=2, total_step=4, tinit=1, tfinal=1),
    "d": IA3Config(),
    "e": LoraConfig(r=2, target_modules=("o_proj", "lm_head")),
}


def adapted_of(module, names):
    """A module with some of the adapters, whose numbers are drawn by their names."""
    adapted = Adapted(module)
    for name in names:
        add(adapted, name, CONFIGS[name])
        draw = torch.Generator().manual_seed(ord(name))
        with torch.no_grad():
            for parameter in adapted.adapters[name].parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.3)
    return adapted.eval()


def merged_module(tiny, name, **changes):
    """The model with one adapter in its weights."""
    adapted = adapted_of(tiny(**changes), [name])
    return merge(adapted.activate(name))


@pytest.fixture
def engine_of(tiny):
    """Make an engine of a model with adapters."""

    def make(names=tuple(CONFIGS), module=None, **config):
        module = module if module is not None else tiny()
        engine = Engine(SimpleNamespace(module=module, generation={}), EngineConfig(**config))
        engine.adapters = adapted_of(module, names)
        return engine

    return make


def some_requests(count, names, **changes):
    drawn = random.Random(3)
    asked = {"sampling": GREEDY} | changes
    return [
        Request(prompt_ids=[drawn.randrange(70) for _ in range(drawn.randint(1, 24))], adapter=drawn.choice(names), **asked)
        for _ in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("compiled", [None, "f32"])
def test_each_row_of_a_mixed_batch_writes_what_its_merged_model_writes_alone(engine_of, tiny, write_all, answer, compiled):
    requests = some_requests(14, [None, *CONFIGS], log_probabilities=0)
    engine = engine_of(compiled=compiled, max_rows=7, max_tokens_a_step=20)
    names = [engine.add(one) for one in requests]
    told = write_all(engine)
    modules = {name: tiny() if name is None else merged_module(tiny, name) for name in (None, *CONFIGS)}
    answers = set()
    for name, request in zip(names, requests, strict=True):
        (expected,) = generate_batch(modules[request.adapter], [request.prompt_ids], GREEDY)
        assert answer(told[name]) == (expected.ids, expected.finish_reason), request.adapter
        scores = [score for event in told[name] for score in event.log_probabilities]
        assert scores == pytest.approx(expected.log_probabilities, abs=2e-3 if compiled else 1e-4)
    for name in modules:  # they do differ
        answers.add(tuple(generate_batch(modules[name], [[5, 6, 7]], GREEDY)[0].ids))
    assert len(answers) > 3


@pytest.mark.parametrize("compiled", [None, "f32"])
def test_the_deterministic_mode_gives_a_row_the_same_bits_whatever_adapters_stand_beside_it(engine_of, tiny, write_all, compiled):
    module = tiny()
    requests = some_requests(12, [None, "a", "b"], log_probabilities=0)
    together = engine_of("ab", module, compiled=compiled, deterministic=True, portion=32, max_rows=12)

    def scores(events):
        return [(id, score) for event in events for id, score in zip(event.ids, event.log_probabilities, strict=True)]

    names = [together.add(one) for one in requests]
    told = write_all(together)
    for name, request in zip(names, requests, strict=True):
        lonely = Engine(SimpleNamespace(module=tiny(), generation={}), together.config)
        lonely.adapters = adapted_of(lonely.module, "ab")
        assert scores(_alone(lonely, request, write_all)) == scores(told[name])


def _alone(engine, request, write_all):
    name = engine.add(request)
    return write_all(engine)[name]


def test_texts_of_different_adapters_share_no_pages(engine_of, write_all):
    engine = engine_of("ab", page_size=8, pages=60)
    cached = []
    for adapter in ("a", "b", None, "a", None):
        name = engine.add(Request(prompt_ids=list(range(33)), sampling=GREEDY, adapter=adapter))
        cached.append(write_all(engine)[name][-1].usage.cached)
    assert cached == [0, 0, 0, 32, 32]


def test_scores_of_a_prompt_and_hidden_states_are_those_of_the_adapter(engine_of, tiny, write_all):
    """Also those of an adapter on the head alone."""
    for adapter in ("a", "e"):
        request = Request(prompt_ids=[3, 4, 5, 6], sampling=GREEDY, adapter=adapter, prompt_log_probabilities=True, log_probabilities=0,
                          return_hidden_states=True)  # fmt: skip
        engine = engine_of("ae", max_rows=2)
        engine.add(Request(prompt_ids=[9, 8], sampling=GREEDY))
        events = _alone(engine, request, write_all)
        module = merged_module(tiny, adapter)
        with torch.inference_mode():
            ids = torch.tensor([[3, 4, 5, 6]])
            expected = module(ids)[0].log_softmax(-1)
            hidden = module.hidden(ids)[0, -1]
        found = [one.log_probability for one in events[0].prompt[1:]]
        assert found == pytest.approx([float(expected[place, id]) for place, id in enumerate((4, 5, 6))], abs=1e-4)
        torch.testing.assert_close(torch.from_numpy(events[0].hidden_states[0]), hidden, rtol=1e-4, atol=1e-4)


def test_a_model_without_pages_has_adapters_too(write_all, answer):
    """One with a bias by distance, whose texts each have a cache of their own."""

    def made():
        shape = dict(vocab_size=70, hidden_size=48, num_hidden_layers=2, num_attention_heads=12, max_position_embeddings=64)
        return build(BloomConfig(**shape), seed=0).eval()

    def with_adapter(module):
        adapted = Adapted(module)
        add(adapted, "m", LoraConfig(r=2, target_modules=("o_proj", "down_proj")))
        with torch.no_grad():
            for parameter in adapted.adapters["m"].parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
        return adapted.eval()

    module = made()
    engine = Engine(SimpleNamespace(module=module, generation={}))
    engine.adapters = with_adapter(module)
    names = [engine.add(Request(prompt_ids=[3, 4, 5], sampling=GREEDY, adapter=adapter)) for adapter in ("m", None)]
    told = write_all(engine)
    merged = merge(with_adapter(made()).activate("m"))
    expected = [generate_batch(one, [[3, 4, 5]], GREEDY)[0].ids for one in (merged, made())]
    assert [answer(told[name])[0] for name in names] == expected and expected[0] != expected[1]


def test_an_adapter_that_is_not_there_is_refused_with_those_that_are(engine_of):
    engine = engine_of("ab")
    with pytest.raises(InputError, match="there is no adapter 'aa'; did you mean 'a'"):
        engine.add(Request(prompt_ids=[1], adapter="aa"))
    engine.adapters = None
    with pytest.raises(InputError, match="there is no adapter 'a'; leave adapter out"):
        engine.add(Request(prompt_ids=[1], adapter="a"))


def test_what_stands_before_the_text_or_around_a_part_fits_no_row(tiny):
    adapted = Adapted(tiny())
    add(adapted, "soft", PromptConfig())
    add(adapted, "neck", BottleneckConfig(width=4))
    for name in ("soft", "neck"):
        with pytest.raises(InputError, match="no change of matrices"):
            adapted.fits_a_row(name)
