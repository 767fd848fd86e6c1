"""Logs of several processes in one order: clocks that are apart, that jump, that begin anew; and what is searched is found."""

import json
import logging
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import files, progress
from groundup.errors import InputError
from groundup.training.monitor.logging import (
    STEP_END,
    Log,
    clock_offsets,
    listening,
    merge,
    merged,
    read,
    search,
    streams,
)


def line(step, at, message="word", rank=0, sitting=0):
    head = {"step": step, "monotonic": at, "message": message, "rank": rank, "sitting": sitting, "level": "info"}
    return {"time": at, "run": "r", **head}


def process(rank, skew, steps=10, jitter=0.0, seed=0):
    """A process that says something in the middle of each step and ends it with the others; its clock is `skew` apart."""
    draw = random.Random(seed + rank)
    made = []
    for step in range(1, steps + 1):
        made.append(line(step, step - 0.6 + rank / 10 + skew, f"in step {step}", rank))
        made.append(line(step, step + skew + draw.uniform(0, jitter), STEP_END, rank))
    return made


# ───────── the order ─────────


def test_clocks_that_are_hours_apart_are_brought_together():
    apart = [process(0, 0.0), process(1, 7200.0), process(2, -86400.0)]
    assert clock_offsets(apart) == pytest.approx([0.0, -7200.0, 86400.0])
    said = [(one["step"], one["rank"]) for one in merged(apart) if one["message"] != STEP_END]
    assert said == [(step, rank) for step in range(1, 11) for rank in range(3)]


def test_a_process_that_is_late_at_some_steps_does_not_move_its_clock():
    late = process(1, 50.0)
    late[5]["monotonic"] += 30.0  # one step's end
    assert clock_offsets([process(0, 0.0), late])[1] == pytest.approx(-50.0)
    noisy = clock_offsets([process(0, 0.0, 200), process(1, 50.0, 200, jitter=0.2)])[1]
    assert noisy == pytest.approx(-50.1, abs=0.03)


def test_a_clock_that_jumps_back_and_forth_changes_no_order():
    """The wall clock is set at step 5 by an hour: nothing looks at it."""
    two = [process(0, 0.0), process(1, 3.0)]
    straight = [one["message"] + str(one["rank"]) for one in merged(two)]
    for one in two[1][10:]:
        one["time"] -= 3600.0
    assert [one["message"] + str(one["rank"]) for one in merged(two)] == straight


def test_a_line_never_overtakes_an_earlier_one_of_its_process():
    jumping = [line(1, 5.0, "a"), line(1, 1.0, "b"), line(0, 9.0, "c"), line(2, 2.0, "d")]
    assert [one["message"] for one in merge([jumping], [0.0])] == ["a", "b", "c", "d"]


def test_steps_made_again_after_a_kill_come_later():
    first, again = process(0, 100.0, 6), [line(step, 1.0 + step, "again", sitting=1) for step in (4, 5, 6)]
    found = [(one["sitting"], one["step"]) for one in merged([[*first, *again]])]
    assert found == sorted(found) and found[-3:] == [(1, 4), (1, 5), (1, 6)]


def test_each_sitting_has_a_clock_of_its_own():
    """A machine that was started anew counts from zero again."""
    one = [*process(0, 0.0, 4), *({**made, "sitting": 1} for made in process(0, 0.0, 4))]
    other = [*process(1, 500.0, 4), *({**made, "sitting": 1} for made in process(1, -3.0, 4))]
    said = [
        (line["sitting"], line["step"], line["rank"]) for line in merged([one, other]) if line["message"] != STEP_END
    ]
    assert said == [(sitting, step, rank) for sitting in range(2) for step in range(1, 5) for rank in range(2)]


def test_a_process_without_a_common_step_is_ordered_by_step_alone():
    assert clock_offsets([process(0, 0.0), [line(3, 99.0)]]) == [0.0, 0.0]
    found = merged([process(0, 0.0, 5), [line(3, 99.0, "late", 1)]])
    assert [one["step"] for one in found] == sorted(one["step"] for one in found)


def test_lines_of_another_program_are_taken_as_they_are():
    assert [one["message"] for one in merged([[{"message": "b", "time": 2.0}], [{"message": "a", "time": 1.0}]])] == [
        "a",
        "b",
    ]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 9)), max_size=6), min_size=1, max_size=4
    )
)
def test_nothing_is_lost_and_every_process_keeps_its_order(lines):
    made = [
        [line(step, at, f"{number}-{place}", sitting=sitting) for place, (sitting, step, at) in enumerate(stream)]
        for number, stream in enumerate(lines)
    ]
    found = [one["message"] for one in merge(made, [0.0] * len(made))]
    assert sorted(found) == sorted(one["message"] for stream in made for one in stream)
    for number, stream in enumerate(made):
        assert [name for name in found if name.startswith(f"{number}-")] == [one["message"] for one in stream]


# ───────── writing ─────────


class Event:
    def __init__(self, step):
        self.step = step


def test_a_line_names_run_rank_sitting_and_step(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    log = Log(tmp_path, "demo", clock=lambda: 10.0, steady=lambda: 2.0)
    log(Event(6))
    log.write("a spike", level="warning", loss=math.nan)
    [made] = read(tmp_path / "rank3.jsonl")
    head = {"time": 10.0, "monotonic": 2.0, "run": "demo", "rank": 3, "sitting": 0, "step": 7, "level": "warning"}
    assert made == head | {"message": "a spike", "loss": None, "not_finite": {"loss": "nan"}}
    assert Log(tmp_path, "demo").sitting == 1


def test_of_several_processes_each_says_when_a_step_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    log = Log(tmp_path, "demo", number=1)
    log(Event(1))
    assert [(one["message"], one["step"]) for one in read(log.path)] == [(STEP_END, 1)]


def test_what_is_said_and_what_libraries_log_goes_into_the_log_of_its_step(tmp_path, capsys):
    log = Log(tmp_path, "demo", number=0)
    with listening(log):
        progress.say("keeping two checkpoints")
        log(Event(4))
        logging.getLogger("some.library").warning("slow: %s", "https://me:hunter22@host")
    progress.say("after the run")
    first, second = read(log.path)
    assert (first["message"], first["step"], first["logger"]) == ("keeping two checkpoints", 0, "groundup")
    assert (second["message"], second["step"], second["level"]) == ("slow: https://[secret]@host", 5, "warning")
    assert "keeping two checkpoints" in capsys.readouterr().err


def test_a_torn_last_line_is_left_out_and_the_next_sitting_goes_on(tmp_path):
    Log(tmp_path, "demo", number=0).write("whole")
    with open(tmp_path / "rank0.jsonl", "a") as file:
        file.write('{"time": 1, "mess')
    log = Log(tmp_path, "demo", number=0)
    log.write("next")
    assert [(one["message"], one["sitting"]) for one in read(log.path)] == [("whole", 0), ("next", 1)]
    assert all(json.loads(text) for text in log.path.read_text().splitlines())


# ───────── searching ─────────


def test_a_search_finds_the_lines_of_a_step(tmp_path):
    lines = merged([process(0, 0.0), process(1, 5.0)])
    assert {one["step"] for one in search(lines, step=4)} == {4}
    assert {one["step"] for one in search(lines, step=4, around=1)} == {3, 4, 5}
    assert {one["rank"] for one in search(lines, number=1)} == {1}
    assert [one["step"] for one in search(lines, text="IN STEP 7")] == [7, 7]
    assert search(lines, level="warning") == []


def test_a_folder_without_logs_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no logs; runs write them"):
        streams(tmp_path)
    files.append_jsonl(tmp_path / "stages" / "01-train" / "logs" / "rank0.jsonl", line(1, 1.0))
    assert len(streams(tmp_path)) == 1
