"""The limits together: in their order, charged once, given back, under a clock that the test turns."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError, FormatError
from groundup.serving.limits import Limits, LimitsConfig
from groundup.serving.limits.keys import Key, add_key
from groundup.serving.limits.quota import DAY_S, Quota


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now_s=0.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def made(**told):
    clock = Clock()
    return Limits(LimitsConfig(**told), clock=clock, wall_clock=clock), clock


def test_without_limits_everybody_is_served():
    limits, _ = made()
    key = limits.who(None)
    assert key.name == "anyone" and limits.admit(key, 10**9) is None and limits.admit("anyone", 1, waiting=255) is None


def test_a_flood_is_answered_with_429_and_when_to_come_again():
    limits, clock = made(requests_per_minute=60, burst_s=10)
    assert [limits.admit("anna", 1) for _ in range(10)] == [None] * 10
    refused = limits.admit("anna", 1)
    assert (refused.status, refused.retry_after, refused.code) == (429, 1, "rate_limit_exceeded")
    assert "anna may use 60 requests a minute, 10 at once" in refused.message and "come again in 1 s" in refused.message
    assert limits.admit("bob", 1) is None, "another key is not held back"
    clock.now_s += refused.retry_after
    assert limits.admit("anna", 1) is None


def test_who_is_refused_for_his_tokens_keeps_his_request_and_his_day():
    limits, clock = made(requests_per_minute=2, tokens_per_minute=100, tokens_per_day=1000)
    assert limits.admit("anna", 100) is None
    assert limits.admit("anna", 50).retry_after == 30
    assert limits.quota.used("anna") == 100
    clock.now_s += 30
    assert limits.admit("anna", 50) is None, "the request that was refused has taken none of the two a minute"


def test_a_request_that_never_fits_is_told_so_and_not_to_come_again():
    limits, _ = made(tokens_per_minute=100)
    refused = limits.admit("anna", 101)
    assert (
        refused.status == 429
        and refused.retry_after is None
        and "more than it will ever have; ask for less" in refused.message
    )


def test_what_an_answer_did_not_use_comes_back():
    limits, _ = made(tokens_per_minute=100, tokens_per_day=120)
    assert limits.admit("anna", 100) is None
    limits.settle("anna", 100, 10)
    assert limits.quota.used("anna") == 10 and limits.admit("anna", 90) is None
    assert limits.quota.used("anna") == 100
    limits.settle("anna", 90, 95)  # more than was charged is not charged afterwards
    assert limits.quota.used("anna") == 100


def test_the_quota_ends_at_midnight():
    limits, clock = made(tokens_per_day=100)
    clock.now_s = DAY_S - 600
    assert limits.admit("anna", 100) is None
    refused = limits.admit("anna", 1)
    assert (refused.retry_after, refused.code) == (
        600,
        "insufficient_quota",
    ) and "100 of today's 100 tokens" in refused.message
    assert limits.admit("anna", 101).retry_after is None
    clock.now_s = DAY_S
    assert limits.admit("anna", 1) is None


def test_the_day_is_kept_over_a_restart_and_damage_is_named(tmp_path):
    path, clock = tmp_path / "usage.json", Clock(5 * DAY_S)
    first = Quota(clock, path)
    assert first.take("anna", 70, 100) == 0
    first.save()
    assert Quota(clock, path).used("anna") == 70
    assert Quota(Clock(6 * DAY_S), path).used("anna") == 0
    path.write_text('{"day": 5, "used": {"anna": -1}}')
    with pytest.raises(FormatError, match="remove it, and counting begins anew"):
        Quota(clock, path)


def test_the_counts_are_written_now_and_then_and_at_the_end(tmp_path):
    path = tmp_path / "usage.json"
    limits, clock = made(usage=path, tokens_per_day=100)
    limits.admit("anna", 10)
    limits.settle("anna", 10, 5)
    assert not path.exists()
    clock.now_s += 31
    limits.settle("anna", 0, 0)
    assert Quota(clock, path).used("anna") == 5
    limits.admit("anna", 1)
    limits.save()
    assert Quota(clock, path).used("anna") == 6


def test_a_weight_is_that_of_the_keys_line(tmp_path):
    text = add_key(tmp_path / "k.json", "gold", weight=3.0)
    limits, _ = made(keys=tmp_path / "k.json")
    assert limits.weight("gold") == limits.weight("nobody") == 1.0
    limits.who(text)
    assert limits.weight("gold") == 3.0


def test_the_queue_is_bounded():
    limits, _ = made(max_waiting=4)
    assert limits.admit("anna", 1, waiting=3) is None
    refused = limits.admit("anna", 1, waiting=4)
    assert (refused.status, refused.code, refused.retry_after) == (429, "queue_full", 1)


def test_keys_from_a_file_decide_who_asks_and_each_has_its_own_limits(tmp_path):
    path = tmp_path / "keys.json"
    anna, bob = add_key(path, "anna", requests_per_minute=1), add_key(path, "bob")
    limits, _ = made(keys=path, requests_per_minute=2)
    assert limits.who(None).status == 401 and limits.who("wrong").status == 401
    assert "wrong-and-secret" not in limits.who("wrong-and-secret").message
    key = limits.who(anna)
    assert key.name == "anna" and key.requests_per_minute == 1
    assert limits.admit(key, 1) is None and limits.admit(key, 1).status == 429
    assert [limits.admit(limits.who(bob), 1) for _ in range(2)] == [None] * 2 and limits.admit("bob", 1).status == 429


def test_a_key_whose_line_changed_has_its_new_rate(tmp_path):
    limits, _ = made()
    assert limits.admit(limits._remember(Key(name="anna", requests_per_minute=1)), 1) is None
    assert limits.admit("anna", 1).status == 429
    assert limits.admit(limits._remember(Key(name="anna", requests_per_minute=5)), 1) is None


def test_sizes_are_refused_with_both_numbers():
    limits, _ = made(max_body_bytes=1000, max_prompt_tokens=50, max_completion_tokens=20)
    assert limits.check_body(1000) is None and limits.check_body(1001).status == 413
    assert limits.check_size(50, 20, 100) is None
    for prompt, answer, context, numbers in ((51, 1, 100, ("51", "50")), (50, 51, 100, ("50", "51", "100", "at most 50")),
                                             (100, 1, 100, ("100", "50")), (10, 21, 100, ("21", "20"))):  # fmt: skip
        refused = limits.check_size(prompt, answer, context)
        assert refused.status == 400 and all(number in refused.message for number in numbers)


def test_the_headers_say_what_is_left():
    limits, _ = made(requests_per_minute=60, tokens_per_minute=600)
    limits.admit("anna", 300)
    assert limits.headers("anna") == {
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1.000s",
        "x-ratelimit-limit-tokens": "600", "x-ratelimit-remaining-tokens": "300", "x-ratelimit-reset-tokens": "30.000s",
    }  # fmt: skip


def test_a_hundred_thousand_addresses_leave_no_memory_behind():
    limits, clock = made(requests_per_minute=600)
    for number in range(20000):
        clock.now_s += 0.1
        limits.admit(limits.who(None, address=f"10.0.{number >> 8}.{number & 255}"), 1)
    assert len(limits._buckets) < 2100 and len(limits._known) < 2100


def test_threads_are_admitted_once_each():
    limits, _ = made(requests_per_minute=500, tokens_per_minute=1e9)
    admitted = []

    def ask():
        admitted.append(sum(limits.admit("anna", 1) is None for _ in range(200)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(admitted) == 500 and limits.quota.used("anna") == 500


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 300), st.floats(0, 1)), max_size=80))
def test_a_keys_tokens_never_pass_its_rates_nor_its_day(asked):
    limits, clock = made(requests_per_minute=10, tokens_per_minute=500, tokens_per_day=3000, burst_s=30)
    admitted = []
    for gap, tokens, _ in asked:
        clock.now_s += gap
        if limits.admit("anna", tokens) is None:
            admitted.append((clock.now_s, tokens))
    for first, (start, _) in enumerate(admitted):
        for last in range(first, len(admitted)):
            window = admitted[last][0] - start
            assert last - first + 1 <= 5 + window / 6 + 1e-6
            assert sum(tokens for _, tokens in admitted[first : last + 1]) <= 250 + window * 500 / 60 + 1e-6
    assert sum(tokens for _, tokens in admitted) <= 3000


@pytest.mark.parametrize(
    "told, words",
    [
        ({"requests_per_minute": -1}, "use 0 \\(without limit\\) or more"),
        ({"tokens_per_minute": float("nan")}, "is no number"),
        ({"burst_s": 0}, "use more than 0"),
        ({"max_prompt_tokens": 0}, "lets nothing in"),
        ({"ssl_certfile": "a.pem"}, "give the other one too"),
        ({"ssl_certfile": "a.pem", "ssl_keyfile": "b.pem"}, "a.pem is not there"),
        ({"root_path": "llm/"}, "write it as /llm"),
        ({"cors_origins": ("example.org",)}, "write https://host"),
    ],
)
def test_settings_that_cannot_be_are_refused(told, words):
    with pytest.raises(ConfigError, match=words):
        LimitsConfig(**told)


def test_counts_that_cannot_be_written_spoil_no_answer(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    limits, clock = made(usage=tmp_path / "file" / "usage.json", tokens_per_day=100)
    assert limits.admit("anna", 10) is None
    clock.now_s = 100.0
    limits.settle("anna", 10, 4)
    assert limits.quota.used("anna") == 4 and "counts are not written" in capsys.readouterr().err
