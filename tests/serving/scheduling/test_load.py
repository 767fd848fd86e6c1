"""The load generator against a server without a model: every request answered once, faults counted, times from when it was due."""

import asyncio
import json
import math
import time

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.serving.scheduling import load
from groundup.serving.scheduling.arrivals import Asked
from groundup.serving.scheduling.clients import Outcome, Target, _read, events_of

SHAPE = load.Shape(prompt_tokens=5, max_tokens=6, prompts=3)


def run(work):
    return load.together(work)


def test_a_closed_loop_of_64_clients_loses_nothing(fake):
    with fake(at_once=64) as server:
        outcomes = run(load.closed_loop(Target(server.url, "m"), 64, 0.4, SHAPE))
        told = load.summary(outcomes)
    assert told["requests"] == told["answered"] == server.seen >= 64 and told["failed"] == told["crossed"] == 0
    assert all(one.tokens == 6 and one.prompt_tokens == 7 and len(one.gaps_s) == 5 for one in outcomes)
    assert len({one.text for one in outcomes}) == 3 and told["completion_tokens"] == 6


def test_arrivals_come_at_their_times_and_the_wait_counts_from_then(fake):
    with fake(at_once=1, token_s=0.005) as server:
        requests = [Asked(at_s=at_s, max_tokens=4) for at_s in (0.0, 0.0, 0.0, 0.3)]
        outcomes = run(load.open_loop(Target(server.url), requests, SHAPE))
    assert [one.due_s for one in outcomes] == [0.0, 0.0, 0.0, 0.3]
    assert all(one.sent_s >= one.due_s for one in outcomes)
    waited = sorted(one.ttft_s for one in outcomes[:3])
    assert waited[2] >= 2 * 4 * 0.005, "the third waits for two answers"
    assert all(one.latency_s >= one.ttft_s > 0 and one.tpot_s > 0 for one in outcomes)


def test_equal_questions_with_other_answers_are_counted(fake):
    with fake(cross=True) as server:
        told = load.summary(run(load.closed_loop(Target(server.url), 2, 0.1, SHAPE)))
    assert told["crossed"] == told["answered"] - 3 > 0


def test_what_fails_is_counted_and_named(fake):
    for fault, words in (({"cut": 2}, "closed before the answer's end"), ({"error_after": 2}, "the model failed")):
        with fake(**fault) as server:
            told = load.summary(run(load.open_loop(Target(server.url), [Asked(max_tokens=6)] * 3, SHAPE)))
        assert (told["failed"], told["answered"]) == (3, 0) and words in told["errors"][0]


def test_refusals_are_counted_apart(fake):
    with fake(refuse_every=2) as server:
        told = load.summary(run(load.open_loop(Target(server.url), [Asked(max_tokens=2)] * 8, SHAPE)))
    assert (told["refused"], told["answered"], told["failed"]) == (4, 4, 0) and "come again" in told["errors"][0]


def test_clients_that_leave_close_their_connection(fake):
    with fake(token_s=0.002) as server:
        shape = load.Shape(max_tokens=40, cancelled=1.0)
        outcomes = run(load.open_loop(Target(server.url), [shape.asked(0.0)] * 4, shape))
        assert all(one.cancelled and not one.good and not one.error for one in outcomes)
        for _ in range(200):
            if server.left == 4:
                break
            run(asyncio.sleep(0.01))
        assert server.left == 4 and server.running == 0


def test_messages_go_to_the_chat_and_a_seed_is_sent(fake):
    with fake() as server:
        asked = Asked(messages=({"role": "user", "content": "hi"},), max_tokens=2, temperature=0.5, seed=3, key="k")
        [one] = run(load.open_loop(Target(server.url, "m"), [asked], SHAPE))
    assert one.good and server.bodies[0]["seed"] == 3 and server.bodies[0]["messages"][0]["content"] == "hi"
    assert server.bodies[0]["stream_options"] == {"include_usage": True} and one.asked


def test_a_token_without_text_is_the_first_token(fake):
    with fake() as server:
        run(load.open_loop(Target(server.url), [Asked(max_tokens=2, ignore_eos=True)], SHAPE))
        run(load.open_loop(Target(server.url), [Asked(max_tokens=2)], SHAPE))
    assert [body["stream_options"].get("continuous_usage_stats") for body in server.bodies] == [True, None]
    used = [{"completion_tokens": count, "prompt_tokens": 3} for count in (0, 1, 2)]
    choices = [{"text": ""}, {"text": ""}, {"text": "é", "finish_reason": "length"}]
    events = [json.dumps({"choices": [choice], "usage": usage}) for choice, usage in zip(choices, used, strict=True)]

    async def pieces():
        for event in events:
            await asyncio.sleep(0.01)
            yield f"data: {event}\n\n".encode()

    outcome = Outcome(due_s=0.0)
    run(_read(pieces(), outcome, time.perf_counter(), None))
    assert outcome.tokens == 2 and 0.02 <= outcome.first_s < outcome.last_s and len(outcome.gaps_s) == 1


def test_nobody_at_the_address_is_one_sentence():
    with pytest.raises(InputError, match="start one with `groundup serve MODEL`"):
        run(load.model_of(Target("http://127.0.0.1:1")))
    with pytest.raises(InputError, match="write it as http://"):
        Target("ftp://x").parts()
    [one] = run(load.open_loop(Target("http://127.0.0.1:1", "m"), [Asked()], SHAPE))
    assert one.error and not one.good


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_however_they_were_cut(size):
    raw = b'data: {"a": 1}\n\n: a comment\n\ndata: two\ndata: lines\n\r\ndata: x\r\n\r\ndata: [DONE]\n\n'.replace(
        b"\n\r\n", b"\n\n"
    )

    async def pieces():
        for start in range(0, len(raw), size):
            yield raw[start : start + size]

    async def read():
        return [event async for event in events_of(pieces())]

    assert asyncio.run(read()) == [b'{"a": 1}', b"two\nlines", b"x", b"[DONE]"]


def test_percentiles_are_numpys_and_nothing_is_none():
    values = np.random.default_rng(0).random(500).tolist()
    found = load.percentiles([*values, None, math.nan])
    assert found["p99"] == pytest.approx(np.percentile(values, 99)) and found["mean"] == pytest.approx(np.mean(values))
    assert load.percentiles([None]) is None and load.summary([])["requests"] == 0


def test_the_first_seconds_may_be_left_out():
    outcomes = [
        Outcome(due_s=due_s, first_s=due_s + 1, last_s=due_s + 2, tokens=3, status=200, finish_reason="stop")
        for due_s in range(4)
    ]
    told = load.summary(outcomes, warm_s=2.0)
    assert told["requests"] == 2 and told["seconds"] == 3.0 and told["tokens_per_s"] == 2.0
    assert json.dumps(told)


def test_a_picture_has_the_measured_and_the_expected():
    levels = [{"rate": rate, "requests_per_s": rate, "ttft_s": {"p50": 0.1, "p99": 0.2}, "latency_s": {"p50": 1.0, "p99": 2.0}}
              for rate in (1.0, 2.0, 4.0)]  # fmt: skip
    made = load.picture(levels, 0.5, "t")
    named = {one.name: one for one in made.data}
    assert {"first token p99", "whole answer p50", "whole answer, M/M/1"} <= named.keys()
    assert np.allclose(named["whole answer, M/M/1"].y[:2], [0.5 * 4 / 3, 1.0])
