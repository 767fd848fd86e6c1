"""The response cache: only what chance does not decide, exact keys, bounded bytes, figures."""

import threading
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.requests import Event, Request, Usage
from groundup.serving.scheduling.caching import Answer, ResponseCache, fingerprint, joined

GREEDY = SamplingConfig(temperature=0.0)


def key(request, seeded=False, **told):
    return fingerprint(request, **({"model": "m", "seeded": seeded} | told))


def test_greedy_and_seeded_are_kept_and_chance_is_not():
    assert key(Request(prompt_ids=[1], sampling=GREEDY))
    assert key(Request(prompt_ids=[1])) is None
    assert key(Request(prompt_ids=[1]), seeded=True)
    assert (
        key(Request(prompt_ids=[1], sampling=SamplingConfig(temperature=0, order=(lambda logits, ids: logits,))))
        is None
    )
    assert key(Request(prompt_ids=[1], sampling=GREEDY, return_hidden_states=True)) is None
    assert key(Request(prompt_ids=[1], sampling=GREEDY, constraint=type("C", (), {"start": 0})())) is None


def test_everything_that_an_answer_depends_on_is_in_its_key():
    base = Request(prompt_ids=[1, 2], sampling=SamplingConfig(seed=1), stop_ids=[0], key="anna")
    others = [
        replace(base, prompt_ids=[1, 3]), replace(base, prompt_ids=[12]), replace(base, stop_ids=[0, 1]), replace(base, key="bob"),
        replace(base, log_probabilities=0), replace(base, log_probabilities=1), replace(base, stream=1),
    ]  # fmt: skip
    other_values = {"max_new_tokens": 7, "top_k": 5, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.9, "temperature": 0.5, "seed": 2,
                    "repetition_penalty": 1.1, "frequency_penalty": 0.1, "presence_penalty": 0.1, "stop": ("x",),
                    "order": ("min_p", "temperature")}  # fmt: skip
    assert set(other_values) == {field.name for field in fields(SamplingConfig)}, "a new field needs a line here"
    others += [replace(base, sampling=replace(base.sampling, **{name: value})) for name, value in other_values.items()]
    keys = [key(one, seeded=True) for one in (base, *others)] + [
        key(base, seeded=True, model="n"),
        key(base, seeded=True, extra="{}"),
    ]
    assert len(set(keys)) == len(keys)
    assert key(replace(base), seeded=True) == keys[0]


def test_a_seed_means_nothing_where_nothing_is_drawn():
    assert key(Request(prompt_ids=[1], sampling=GREEDY)) == key(
        Request(prompt_ids=[1], sampling=replace(GREEDY, seed=9))
    )


def test_an_answer_is_given_again_and_counted():
    cache = ResponseCache(10_000)
    assert cache.get("k") is None
    cache.put("k", Answer((1, 2, 3), "stop"))
    assert cache.get("k") == Answer((1, 2, 3), "stop") and cache.get(None) is None
    told = cache.stats()
    assert (told["hits"], told["misses"], told["hit_rate"], told["saved_tokens"], told["entries"]) == (1, 1, 0.5, 3, 1)
    cache.clear()
    assert cache.get("k") is None and cache.size_bytes == 0


def test_what_was_not_asked_for_longest_goes_first():
    cache = ResponseCache(3 * Answer((1,), "stop").size_bytes)
    for name in "abc":
        cache.put(name, Answer((1,), "stop"))
    cache.get("a")
    cache.put("d", Answer((1,), "stop"))
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"] and cache.evictions == 1


def test_half_an_answer_is_not_kept_and_one_that_is_too_large_drives_nobody_out():
    cache = ResponseCache(2000)
    cache.put("a", Answer((1,), "stop"))
    cache.put("b", Answer((1,), "cancelled"))
    cache.put("c", Answer((1,), "error"))
    cache.put("d", Answer((1,) * 1000, "stop"))
    assert cache.stats()["entries"] == 1 and cache.get("a")


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40)), max_size=60), st.integers(0, 5000))
def test_the_bytes_are_bounded_and_counted_right(puts, most):
    cache = ResponseCache(most)
    for name, length in puts:
        cache.put(name, Answer((7,) * length, "length"))
        assert cache.size_bytes == sum(one.size_bytes for one in cache._kept.values()) <= most


def test_threads_do_not_disturb_each_other():
    cache = ResponseCache(20_000)

    def work(start):
        for number in range(500):
            cache.put(f"{(start + number) % 60}", Answer((number,) * 5, "stop"))
            cache.get(f"{number % 60}")

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert cache.size_bytes == sum(one.size_bytes for one in cache._kept.values()) <= 20_000
    assert cache.hits + cache.misses == 3000


def test_events_are_joined_when_the_last_one_is_there():
    first = Event(request_id="r", ids=[1, 2], log_probabilities=[-1.0, -2.0])
    assert joined([first]) is None and joined([]) is None
    last = Event(request_id="r", ids=[3], log_probabilities=[-0.5], finish_reason="stop", usage=Usage(4, 0, 3))
    assert joined([first, last]) == Answer((1, 2, 3), "stop", (-1.0, -2.0, -0.5), (), 4)


def test_a_size_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="use 0 \\(keep nothing\\) or more"):
        ResponseCache(-1)
