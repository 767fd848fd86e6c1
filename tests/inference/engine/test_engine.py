"""The engine: whatever else is asked, however little memory there is, every request gets the answer it gets alone."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.compiled import choose
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.inference.engine.batching import generate_batch

GREEDY = SamplingConfig(max_new_tokens=8, temperature=0.0)


def test_an_answer_is_that_of_the_fixed_batch(handle, write_all, answer):
    drawn = random.Random(1)
    prompts = [[drawn.randrange(70) for _ in range(drawn.randint(1, 30))] for _ in range(12)]
    for sampling in (GREEDY, SamplingConfig(max_new_tokens=8, seed=3), SamplingConfig(max_new_tokens=8, top_p=0.8)):
        engine = Engine(handle, EngineConfig(max_rows=5, max_tokens_a_step=16))
        names = [
            engine.add(
                Request(prompt_ids=prompt, sampling=sampling, stop_ids=range(5), stream=row, log_probabilities=0)
            )
            for row, prompt in enumerate(prompts)
        ]
        told = write_all(engine)
        for name, expected in zip(names, generate_batch(handle.module, prompts, sampling, range(5)), strict=True):
            assert answer(told[name]) == (expected.ids, expected.finish_reason)
            scores = [score for event in told[name] for score in event.log_probabilities]
            assert scores == pytest.approx(expected.log_probabilities, abs=1e-4)


@pytest.mark.parametrize(
    ("pages", "seed"), [(6, 0), pytest.param(6, 1, marks=pytest.mark.slow), pytest.param(40, 2, marks=pytest.mark.slow)]
)
def test_any_workload_gives_everyone_their_own_answer_and_loses_no_page(
    handle, ask, alone, write_all, pages, seed, answer
):
    """Random arrivals, cancellations and priorities, with so few pages that texts are pushed out again and again."""
    drawn = random.Random(seed)
    engine = Engine(handle, EngineConfig(pages=pages, page_size=8, max_rows=4, max_tokens_a_step=10))
    requests, told, cancelled = {}, {}, set()
    for _ in range(40):
        if drawn.random() < 0.4:
            request = ask(drawn)
            requests[engine.add(request)] = request
        if requests and drawn.random() < 0.08 and engine.cancel(name := drawn.choice(list(requests))):
            cancelled.add(name)
        for event in engine.step():
            told.setdefault(event.request_id, []).append(event)
    write_all(engine, told)
    assert engine.runner.free == pages and not engine.rows
    assert pages > 6 or engine.stats()["preemptions"] > 0
    for name, request in requests.items():
        ids, reason = answer(told[name])
        expected, end = alone(handle, request)
        assert sum(event.finish_reason is not None for event in told[name]) == 1
        if name in cancelled:
            assert reason == "cancelled" and ids == expected[: len(ids)]
        else:
            assert (ids, reason) == (expected, end), name
            usage = told[name][-1].usage
            assert (usage.prompt, usage.completion) == (len(request.prompt_ids), len(ids))


def test_a_cancelled_text_frees_its_pages_at_once_and_is_told_with_the_next_step(handle):
    engine = Engine(handle, EngineConfig(pages=20, page_size=8))
    name = engine.add(Request(prompt_ids=[1] * 20, sampling=GREEDY))
    engine.step()
    assert engine.runner.free < 20
    assert engine.cancel(name) and engine.runner.free == 20
    assert [event.finish_reason for event in engine.step()] == ["cancelled"]
    assert not engine.has_work and not engine.cancel(name)


def test_a_long_prompt_is_read_in_pieces_while_others_write_on(handle):
    engine = Engine(handle, EngineConfig(max_tokens_a_step=8, max_rows=4, prefix_cache=False))
    writer = engine.add(Request(prompt_ids=[1, 2], sampling=GREEDY))
    engine.step()
    reader = engine.add(Request(prompt_ids=list(range(40)), sampling=GREEDY))
    told = [[event.request_id for event in engine.step()] for _ in range(6)]
    assert told == [[writer]] * 5 + [[writer, reader]]  # 40 tokens at 7 a step, beside one that writes


def test_a_higher_priority_pushes_a_lower_one_out_and_both_get_their_answers(handle, alone, write_all, answer):
    engine = Engine(handle, EngineConfig(pages=4, page_size=8, max_rows=2))
    low = Request(prompt_ids=[3] * 16, sampling=SamplingConfig(max_new_tokens=16, temperature=0.0))
    high = Request(prompt_ids=[4] * 16, sampling=GREEDY, priority=1)
    names = [engine.add(low)]
    told = {names[0]: engine.step()}
    names.append(engine.add(high))
    while high_runs := names[1] in engine.rows:
        for event in engine.step():
            told.setdefault(event.request_id, []).append(event)
    assert not high_runs and names[0] in engine.rows and engine.stats()["preemptions"] == 1
    write_all(engine, told)
    assert [answer(told[name]) for name in names] == [alone(handle, low), alone(handle, high)]


def test_a_text_that_was_pushed_out_in_vain_is_not_read_in_that_step(handle, alone, write_all, answer):
    """The low one makes room, which is not enough, and the other that runs has the newcomer's own priority."""
    engine = Engine(handle, EngineConfig(pages=6, page_size=8, max_rows=3, prefix_cache=False))
    asked = [([3] * 17, 1), ([4] * 9, 0), ([5] * 25, 1)]
    requests = [Request(prompt_ids=ids, sampling=GREEDY, priority=priority) for ids, priority in asked]
    names = [engine.add(one) for one in requests[:2]]
    told = {}
    for event in engine.step():
        told.setdefault(event.request_id, []).append(event)
    names.append(engine.add(requests[2]))
    write_all(engine, told)
    assert engine.stats()["preemptions"] >= 1
    assert [answer(told[name]) for name in names] == [alone(handle, one) for one in requests]


def test_what_the_prefix_cache_knew_is_counted_once_a_text_however_long_it_waited(handle, write_all):
    engine = Engine(handle, EngineConfig(pages=4, page_size=8, max_rows=2))
    for _ in range(2):
        engine.add(Request(prompt_ids=[3] * 17, sampling=SamplingConfig(max_new_tokens=12, temperature=0.0)))
    write_all(engine)
    hits = engine.runner.prefixes.hits
    assert engine.stats()["steps"] > 20 and (hits.asked, hits.tokens) == (2, 34)
    assert hits.cached_tokens == engine.stats()["cached_tokens"]


def test_the_order_of_those_who_wait_is_the_callers(handle):
    engine = Engine(
        handle, EngineConfig(max_rows=1), order=lambda waiting: sorted(waiting, key=lambda row: row.request.key)
    )
    names = {key: engine.add(Request(prompt_ids=[1], sampling=GREEDY, key=key)) for key in "cab"}
    ended = []
    while engine.has_work:
        ended += [event.request_id for event in engine.step() if event.finish_reason]
    assert ended == [names[key] for key in "abc"]


def test_one_requests_mistake_is_its_own(handle, alone, write_all, answer):
    def bad(logits, ids):
        raise ValueError("no")

    class Never:
        start = 0

        def mask(self, state):
            return torch.zeros(70, dtype=torch.bool)

        def advance(self, state, id):
            raise InputError("not allowed")

    good = Request(prompt_ids=[5, 6], sampling=GREEDY)
    engine = Engine(handle)
    names = [
        engine.add(Request(prompt_ids=[1], sampling=SamplingConfig(temperature=0, order=(bad,)))),
        engine.add(good),
        engine.add(Request(prompt_ids=[1], sampling=GREEDY, constraint=Never())),
    ]
    told = write_all(engine)
    assert answer(told[names[1]]) == alone(handle, good)
    assert told[names[0]][-1].message == "ValueError: no" and told[names[2]][-1].message == "not allowed"
    assert engine.runner.free == engine.runner.pages


def test_a_model_that_fails_ends_the_texts_of_that_step_and_not_the_engine(handle, alone, write_all, answer):
    engine, request = Engine(handle), Request(prompt_ids=[5, 6], sampling=GREEDY)
    name, run = engine.add(request), engine.runner.run
    engine.runner.run = lambda pieces: 1 / 0
    (event,) = engine.step()
    assert (event.request_id, event.finish_reason) == (name, "error") and "ZeroDivisionError" in event.message
    engine.runner.run = run
    again = engine.add(request)
    assert answer(write_all(engine)[again]) == alone(handle, request)


def test_a_constraint_holds_for_its_own_request_only(handle, write_all, answer):
    class Even:
        start = 0

        def mask(self, state):
            return torch.arange(70) % 2 == state

        def advance(self, state, id):
            return 1 - state

    engine = Engine(handle)
    free = engine.add(Request(prompt_ids=[9], sampling=GREEDY))
    bound = engine.add(Request(prompt_ids=[9], sampling=GREEDY, constraint=Even()))
    told = write_all(engine)
    assert [id % 2 for id in answer(told[bound])[0]] == [0, 1] * 4
    assert answer(told[free])[0] == generate_batch(handle.module, [[9]], GREEDY)[0].ids


def test_log_probabilities_of_prompt_and_answer_are_those_of_one_full_pass(handle, write_all, answer):
    engine = Engine(handle, EngineConfig(max_tokens_a_step=7, max_rows=2))
    prompt = list(range(3, 30))
    name = engine.add(Request(prompt_ids=prompt, sampling=GREEDY, log_probabilities=3, prompt_log_probabilities=True))
    events = write_all(engine)[name]
    ids, _ = answer(events)
    full = torch.log_softmax(handle.module(torch.tensor([prompt + ids]))[0], dim=-1)
    said = events[0].prompt
    assert [one.id for one in said] == prompt and said[0].log_probability is None
    assert all(not event.prompt for event in events[1:])
    for place, one in enumerate(said[1:]):
        assert one.log_probability == pytest.approx(full[place, one.id].item(), abs=1e-4)
        assert [id for id, _ in one.top] == full[place].topk(3).indices.tolist()
    for place, event in enumerate(events, len(prompt) - 1):
        assert event.log_probabilities == pytest.approx([full[place, event.ids[0]].item()], abs=1e-4)
        assert [value for _, value in event.top_log_probabilities[0]] == pytest.approx(
            full[place].topk(3).values.tolist(), abs=1e-4
        )


def test_hidden_states_are_what_the_head_read(handle, write_all, answer):
    engine = Engine(handle)
    name = engine.add(Request(prompt_ids=[4, 5, 6], sampling=GREEDY, return_hidden_states=True))
    events = write_all(engine)[name]
    ids, _ = answer(events)
    expected = handle.module.hidden(torch.tensor([[4, 5, 6, *ids[:-1]]]))[0, 2:]
    found = torch.cat([torch.from_numpy(event.hidden_states) for event in events])
    torch.testing.assert_close(found, expected.detach(), atol=1e-4, rtol=1e-4)


def test_what_can_never_be_answered_is_refused_with_the_way_out(handle):
    engine = Engine(handle, EngineConfig(pages=2, page_size=8))
    for request, words in (
        (Request(prompt_ids=[1] * 64), "64 tokens but the model's context is 64, .* at least 1 tokens"),
        (Request(prompt_ids=[1] * 10, sampling=GREEDY), "do not fit into the 16 tokens"),
        (Request(prompt_ids=[70]), "token 70 is not in the vocabulary of 70"),
    ):
        with pytest.raises(InputError, match=words):
            engine.add(request)
    with pytest.raises(InputError, match="no adapter 'x'"):
        engine.add(Request(prompt_ids=[1], adapter="x"))
    with pytest.raises(InputError, match="no token"):
        Request(prompt_ids=[])
    with pytest.raises(InputError, match="log_probabilities=101"):
        Request(prompt_ids=[1], log_probabilities=101)
    engine.add(Request(prompt_ids=[1], sampling=GREEDY, request_id="one"))
    with pytest.raises(InputError, match="'one' already"):
        engine.add(Request(prompt_ids=[1], sampling=GREEDY, request_id="one"))
    for wrong in (dict(max_rows=0), dict(pages=0), dict(max_rows=20, max_tokens_a_step=10)):
        with pytest.raises(ConfigError, match="is not possible|is less than"):
            EngineConfig(**wrong)


def test_a_beginning_that_was_read_before_is_not_read_again(handle, alone, write_all, answer):
    engine = Engine(handle, EngineConfig(page_size=4))
    long = list(range(30))
    first = engine.add(Request(prompt_ids=long, sampling=GREEDY))
    write_all(engine)
    requests = [Request(prompt_ids=long, sampling=GREEDY), Request(prompt_ids=[*long[:20], 60], sampling=GREEDY)]
    names = [engine.add(request) for request in requests]
    told = write_all(engine)
    assert [told[name][-1].usage.cached for name in names] == [28, 20] and first not in told
    assert [answer(told[name]) for name in names] == [
        alone(handle, request, prefix_cache=False) for request in requests
    ]
    assert engine.stats()["cached_tokens"] == 48 and engine.runner.free == engine.runner.pages


@pytest.mark.parametrize(
    "sizes",
    [dict(), pytest.param(dict(hidden_size=96, intermediate_size=200, num_attention_heads=6), marks=pytest.mark.slow)],
)
def test_in_the_deterministic_mode_no_bit_depends_on_company_order_or_memory(tiny, sizes, ask):
    """Log-probabilities are compared as numbers, not nearly: one product of another shape would move their last bits."""
    handle = SimpleNamespace(module=tiny(**sizes))
    drawn = random.Random(5)
    requests = [
        ask(
            drawn,
            request_id=str(number),
            priority=0,
            log_probabilities=2,
            prompt_ids=[drawn.randrange(3)] * drawn.randint(1, 40),
        )
        for number in range(8)
    ]
    requests = [replace(one, sampling=replace(one.sampling, max_new_tokens=24), stop_ids=()) for one in requests]
    config = dict(deterministic=True, portion=16, page_size=8, max_rows=5, max_tokens_a_step=32)

    def run(seed, **more):
        order = random.Random(seed)
        engine, todo, told = Engine(handle, EngineConfig(**config | more)), order.sample(requests, len(requests)), {}
        while todo or engine.has_work:
            while todo and order.random() < 0.5:
                engine.add(todo.pop())
            for event in engine.step():
                told.setdefault(event.request_id, []).append(
                    (event.ids, event.log_probabilities, event.top_log_probabilities, event.finish_reason)
                )
        return told, engine.stats()

    alone, _ = run(0, max_rows=1, prefix_cache=False)
    for seed, pages in ((1, 40), (2, 8)):
        together, stats = run(seed, pages=pages)
        assert together == alone
        assert stats["preemptions"] > 0 if pages == 8 else stats["cached_tokens"] > 0


def test_the_compiled_step_writes_what_torch_writes_up_to_rounding(tiny, write_all):
    module = tiny(hidden_size=64, num_attention_heads=4, head_dim=16).bfloat16()
    found = {}
    for compiled in (None, "bf16"):
        engine = Engine(SimpleNamespace(module=module), EngineConfig(compiled=compiled, max_rows=3))
        for number in range(5):
            prompt = list(range(number, number + 9))
            engine.add(Request(prompt_ids=prompt, sampling=GREEDY, log_probabilities=0, request_id=str(number)))
        told = write_all(engine)
        found[compiled] = {name: events[1].log_probabilities for name, events in told.items() if len(events) > 1}
        assert (engine.runner.lowered is not None) == (compiled is not None)
    for name, scores in found["bf16"].items():
        assert scores == pytest.approx(found[None][name], abs=0.2)


@pytest.mark.parametrize(
    ("given", "written"), [({}, True), ({"deterministic": True}, False), ({"dtype": "int8"}, False)]
)
def test_float32_weights_are_lowered_where_that_is_faster_and_no_bit_depends_on_a_clock(
    handle, monkeypatch, given, written
):
    monkeypatch.setattr(choose, "faster", lambda lowered: True)
    assert (Engine(handle, EngineConfig(max_rows=2, threads=1, **given)).runner.lowered is not None) == written


def test_a_float32_step_writes_the_very_answers_of_torch(handle, ask, alone):
    drawn = random.Random(8)
    for request in [ask(drawn) for _ in range(4)]:
        assert alone(handle, request, compiled="f32", threads=1) == alone(handle, request, compiled=None)


@pytest.mark.parametrize("dtype", ["int8", "int4"])
def test_rounded_pages_give_nearly_the_same_scores(tiny, write_all, dtype):
    module, found = tiny(hidden_size=64, num_attention_heads=2, head_dim=32), {}
    for kept in (None, dtype):
        engine = Engine(SimpleNamespace(module=module), EngineConfig(compiled=None, dtype=kept, page_size=8))
        engine.add(Request(prompt_ids=range(1, 40), sampling=SamplingConfig(max_new_tokens=2), log_probabilities=0))
        (events,) = write_all(engine).values()
        found[kept] = events[0].log_probabilities
        assert engine.runner.free == engine.runner.pages
    assert found[dtype] != found[None] and found[dtype] == pytest.approx(found[None], abs=0.1 if dtype == "int8" else 1)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"dtype": "int3"}, "use bfloat16, float32, int8, int4"),
        ({"dtype": "int8", "compiled": "q8_0"}, "reads no int8 pages"),
    ],
)
def test_pages_that_cannot_be_are_a_sentence(handle, config, words):
    with pytest.raises(ConfigError, match=words):
        Engine(handle, EngineConfig(**config))


def test_a_named_codec_for_a_model_it_cannot_read_is_refused(handle):
    handle.module.model.layers[0].mlp.register_forward_hook(lambda *_: None)
    with pytest.raises(UnsupportedModel, match="watches"):
        Engine(handle, EngineConfig(compiled="q8_0"))


def test_kept_pages_that_had_to_go_are_counted(handle, write_all):
    engine = Engine(handle, EngineConfig(compiled=None, pages=6, page_size=8, max_rows=1))
    for start in (0, 30):
        engine.add(Request(prompt_ids=range(start, start + 30), sampling=SamplingConfig(max_new_tokens=2)))
        write_all(engine)
    assert engine.stats()["evicted_pages"] >= 1 and engine.runner.free == 6
