"""Arrivals: their distribution, their repeatability, and traces that are read or named."""

import json

import numpy as np
import pytest
from scipy import stats

from groundup.errors import ConfigError, FormatError, InputError
from groundup.serving.scheduling.arrivals import Asked, gaps, read_trace, times


def some(count, **told):
    made = gaps(**told)
    return np.array([next(made) for _ in range(count)])


def test_the_gaps_of_poisson_are_exponential():
    drawn = some(5000, rate=8.0, seed=1)
    assert stats.kstest(drawn, "expon", args=(0, 1 / 8)).pvalue > 0.01
    counts = np.histogram(np.cumsum(drawn), bins=np.arange(0, 600))[0]
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("burstiness", [0.25, 4.0])
def test_burstiness_is_the_squared_coefficient_of_variation(burstiness):
    drawn = some(50_000, rate=5.0, burstiness=burstiness, seed=2)
    assert drawn.mean() == pytest.approx(0.2, rel=0.05)
    assert drawn.var() / drawn.mean() ** 2 == pytest.approx(burstiness, rel=0.1)


def test_none_is_a_metronome_and_a_seed_repeats():
    assert times(2.0, 2.1, burstiness=0.0) == [0.5, 1.0, 1.5, 2.0]
    assert times(9.0, 5.0, seed=3) == times(9.0, 5.0, seed=3) != times(9.0, 5.0, seed=4)
    assert all(0 < one < 5 for one in times(9.0, 5.0)) and times(0.001, 0.1) == []


def test_a_trace_begins_at_zero_in_the_order_of_its_times(tmp_path):
    path = tmp_path / "trace.jsonl"
    lines = [{"at_s": 12, "prompt": "b", "max_tokens": 4}, {"at_s": 10, "messages": [{"role": "user", "content": "a"}]}]
    path.write_text("\n".join(map(json.dumps, lines)))
    asked = read_trace(path, speed=2.0)
    assert asked[0] == Asked(messages=({"role": "user", "content": "a"},)) and asked[1] == Asked(
        at_s=1.0, prompt="b", max_tokens=4
    )


@pytest.mark.parametrize(
    "line, words",
    [
        ("[1]", "line 1 is no object"),
        ('{"at": 1}', "has a field 'at'; a request has at_s"),
        ('{"at_s": "1"}', "at_s='1' is of another kind"),
        ('{"at_s": true}', "of another kind"),
        ('{"at_s": -1}', "a time below 0"),
        ('{"max_tokens": 0}', "below 1; mend it"),
        ("", "holds no request"),
    ],
)
def test_a_trace_that_cannot_be_is_named(tmp_path, line, words):
    (tmp_path / "t.jsonl").write_text(line)
    with pytest.raises(FormatError, match=words):
        read_trace(tmp_path / "t.jsonl")


def test_numbers_that_cannot_be_are_refused(tmp_path):
    for told in ({"rate": 0}, {"rate": float("nan")}, {"rate": 1, "burstiness": -1}):
        with pytest.raises(ConfigError, match="cannot be; use"):
            next(gaps(**told))
    with pytest.raises(ConfigError, match="a speed of 0"):
        read_trace(tmp_path / "t.jsonl", speed=0)
    with pytest.raises(InputError, match="is not there"):
        read_trace(tmp_path / "t.jsonl")
