"""Own times: they add up to the whole, like torch's own; products are counted by shape; the picture holds every second."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import files, plots
from groundup.training.monitor import profile
from groundup.training.monitor.profile import Operation, own_seconds, product_flops, summarize


@st.composite
def nested(draw, start=0, end=1000, depth=3):
    """Spans that nest: a list of (start, end) inside (start, end), whole numbers so that sums are exact."""
    spans = []
    at = start
    for _ in range(draw(st.integers(0, 3))):
        if at >= end:
            break
        left = draw(st.integers(at, end - 1))
        right = draw(st.integers(left + 1, end))
        spans.append((left, right))
        spans += draw(nested(left, right, depth - 1)) if depth else []
        at = right
    return spans


@settings(max_examples=60, deadline=None)
@given(nested(), st.randoms(use_true_random=False))
def test_own_times_add_up_to_what_is_covered(spans, random):
    random.shuffle(spans)
    own = own_seconds(spans)
    covered = {moment for start, end in spans for moment in range(start, end)}
    assert sum(own) == len(covered) and all(part >= 0 for part in own)


def test_own_time_is_the_spans_less_its_children_not_its_grandchildren():
    assert own_seconds([(0, 10), (1, 4), (2, 3), (6, 8)]) == [5, 2, 1, 2]
    assert own_seconds([(2, 3), (1, 4), (0, 10)]) == [1, 2, 7]
    assert own_seconds([(0, 2), (2, 4)]) == [2, 2] and own_seconds([]) == []
    assert own_seconds([(0, 4), (0, 4)]) == [0, 4]


def test_own_times_are_those_that_torch_gives():
    import torch

    with torch.profiler.profile() as tool:
        layer = torch.nn.Linear(32, 32)
        layer(torch.randn(8, 32)).relu().sum().backward()
    events = [event for event in tool.events() if not event.is_async and event.thread == tool.events()[0].thread]
    mine = own_seconds([(event.time_range.start, event.time_range.end) for event in events])
    for event, own in zip(events, mine, strict=True):
        assert own == pytest.approx(event.self_cpu_time_total, abs=1.5)  # torch rounds to microseconds


@pytest.mark.parametrize(
    ("name", "shapes", "flops"),
    [
        ("aten::mm", [[4, 8], [8, 16]], 2 * 4 * 8 * 16),
        ("aten::addmm", [[16], [4, 8], [8, 16], [], []], 2 * 4 * 8 * 16),
        ("aten::addmm", [[4, 16], [4, 8], [8, 16]], 2 * 4 * 8 * 16),
        ("aten::bmm", [[3, 4, 8], [3, 8, 16]], 3 * 2 * 4 * 8 * 16),
        ("aten::baddbmm", [[3, 4, 16], [3, 4, 8], [3, 8, 16]], 3 * 2 * 4 * 8 * 16),
        ("mkldnn::_linear_pointwise", [[2, 4, 8], [16, 8], []], 2 * 8 * 8 * 16),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", [[2, 3, 5, 8]] * 3, 4 * 2 * 3 * 5 * 5 * 8),
        ("aten::_scaled_dot_product_flash_attention_for_cpu_backward", [[2, 3, 5, 8]] * 5, 10 * 2 * 3 * 5 * 5 * 8),
        ("aten::mul", [[4, 8], [8, 16]], 0),
        ("aten::mm", [], 0),
    ],
)
def test_products_are_counted_by_their_shapes(name, shapes, flops):
    assert product_flops(name, shapes) == flops


def a_step():
    """Attention with a product in it, its way back, an optimizer, and 0.2 s that nothing explains."""
    return [
        Operation(name="mark", start=0.0, end=0.4, part="attention", count=False),
        Operation(name="aten::linear", start=0.1, end=0.4, part="attention"),
        Operation(
            name="aten::mm", start=0.2, end=0.4, part="attention", around=("aten::linear",), flops=1000, bytes=64
        ),
        Operation(name="aten::mm", start=0.4, end=0.7, part="attention", backward=True, flops=2000, bytes=32),
        Operation(name="aten::add_", start=0.7, end=0.8, part="optimizer"),
    ]


def test_rows_parts_and_picture_hold_every_second():
    made = summarize(a_step(), 1, 1.0, peak_flops=10_000)
    assert sum(row["seconds"] for row in made.operations) == pytest.approx(1.0)
    assert sum(row["share"] for row in made.parts) == pytest.approx(1.0)
    assert made.flame[0]["seconds"] == pytest.approx(1.0) and made.flame[0]["inside"] is None
    product = next(row for row in made.operations if row["operation"] == "aten::mm")
    assert (product["calls"], product["seconds"], product["bytes"]) == (2, pytest.approx(0.5), 96)
    assert product["flops_per_second"] == pytest.approx(6000) and product["of_peak"] == pytest.approx(0.6)
    attention = made.parts[0]
    assert attention["part"] == "attention" and attention["backward_seconds"] == pytest.approx(0.3)
    assert {row["name"] for row in made.flame if row["inside"] == 0} >= {"attention", "optimizer", "rest"}


def test_two_steps_are_given_a_step_and_two_threads_do_not_nest():
    step = a_step()
    again = [Operation(**{**vars_of(one), "start": one.start + 1, "end": one.end + 1}) for one in step]
    beside = [Operation(name="aten::copy_", start=0.0, end=2.0, thread=7)]
    made = summarize([*step, *again, *beside], 2, 2.0)
    assert made.seconds == 1.0
    assert next(row for row in made.operations if row["operation"] == "aten::add_")["seconds"] == pytest.approx(0.1)


def vars_of(one):
    return {name: getattr(one, name) for name in one.__slots__}


def test_it_is_written_as_json_and_as_a_page_with_the_flame(tmp_path):
    made = summarize(a_step(), 1, 1.0, peak_flops=10_000)
    page = profile.write(made, tmp_path)
    assert files.read_json(tmp_path / "profile.json")["parts"][0]["part"] == "attention"
    assert "icicle" in page.read_text() and "http://" not in page.read_text().split("<script>")[0]
    parts, rows = profile.table(files.read_json(tmp_path / "profile.json"))
    assert parts[0][0] == "attention" and any(row[0] == "attention: mm" and row[4] == "60 %" for row in rows)


def test_the_picture_stays_whole_when_children_round_above_their_parent():
    rows = [{"name": "step", "seconds": 0.3, "inside": None}, {"name": "a", "seconds": 0.1, "inside": 0}]
    rows += [{"name": "<b>", "seconds": math.nextafter(0.2, 1), "inside": 0}]
    icicle = plots.flame_graph(rows).data[0]
    assert icicle.values[0] >= icicle.values[1] + icicle.values[2] and icicle.labels[2] == "&lt;b>"
    assert list(icicle.parents) == ["", "0", "0"]
