"""Bars: one a score, whiskers where there is an interval, forecasts beside the truth."""

from groundup.plots import (
    accuracy_bars,
    bits_per_byte_bars,
    compression_bars,
    cost_bar,
    histogram,
    time_and_memory_bars,
    value_bars,
)

ACCURACY = {
    "train": {"copy": {"value": 0.1, "low": 0.05, "high": 0.2, "n": 40}, "sort": {"value": 0.0}},
    "tune": {"copy": {"value": 0.9, "low": 0.8, "high": 0.95}, "sort": {"value": 0.7, "low": 0.6, "high": 0.8}},
}


def test_accuracy_has_one_bar_a_stage_in_every_family():
    figure = accuracy_bars(ACCURACY)
    assert [trace.name for trace in figure.data] == ["train", "tune"]
    assert list(figure.data[1].x) == ["copy", "sort"] and list(figure.data[1].y) == [0.9, 0.7]
    assert figure.layout.barmode == "group" and figure.layout.yaxis.tickformat == ".0%"


def test_intervals_are_whiskers_that_end_at_low_and_high():
    whiskers = accuracy_bars(ACCURACY).data[0].error_y
    assert [round(0.1 + whiskers.array[0], 9), round(0.1 - whiskers.arrayminus[0], 9)] == [0.2, 0.05]
    assert (whiskers.array[1], whiskers.arrayminus[1]) == (0, 0)


def test_bits_per_byte_is_grouped_by_world_and_the_floor_is_hatched():
    figure = bits_per_byte_bars(
        {"tinyworld": {"model": {"value": 1.0}, "floor": {"value": 0.9}}, "python": {"model": {"value": 2.0}}}
    )
    model, floor = figure.data
    assert list(model.x) == ["tinyworld", "python"] and list(floor.x) == ["tinyworld"]
    assert floor.marker.pattern.shape == "/" and model.marker.pattern.shape == ""


def test_compression_has_one_bar_a_tokenizer_in_every_text():
    figure = compression_bars({"ours": {"python": 3.4}, "bytes": {"python": 1.0}})
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("ours", [3.4]), ("bytes", [1.0])]


def test_time_and_memory_stand_beside_their_forecasts():
    stages = [
        {"name": "data", "seconds": 30.0, "peak_memory_bytes": 1e9},
        {
            "name": "train",
            "seconds": 240.0,
            "peak_memory_bytes": 2e9,
            "forecast_seconds": 300.0,
            "forecast_memory_bytes": 2.2e9,
        },
    ]
    seconds, seconds_forecast, memory, memory_forecast = time_and_memory_bars(stages).data
    assert list(seconds.y) == [0.5, 4.0] and list(seconds_forecast.y) == [None, 5.0]
    assert list(memory.y) == [1.0, 2.0] and list(memory_forecast.y) == [None, 2.2]
    assert seconds.xaxis == "x" and memory.xaxis == "x2"


def test_the_cost_is_one_bar_of_the_stages_with_the_sum_in_its_title():
    figure = cost_bar({"train": 240.0, "tune": 60.0}, cpu_hours=0.12, energy_wh=1.8)
    assert [trace.name for trace in figure.data] == ["train", "tune"]
    assert figure.layout.title.text.replace("<br>", " ") == "What the run cost: 5 minutes, 0.12 CPU hours, about 1.8 Wh"


def test_names_that_look_like_markup_are_text():
    assert accuracy_bars({"<a href='x'>": {"<b>": {"value": 1.0}}}).data[0].x[0] == "&lt;b>"


def test_values_by_name_are_bars_of_categories_also_where_names_are_numbers():
    figure = value_bars({"here": {1: 0.5, 10: 0.25}, "there": {1: 0.1}})
    assert list(figure.data[0].x) == ["1", "10"] and list(figure.data[0].y) == [0.5, 0.25]
    assert figure.layout.xaxis.type == "category" and figure.layout.showlegend


def test_a_histogram_has_the_same_bins_for_all_and_shares_of_one():
    one, two = histogram({"narrow": [0.0, 0.1, 0.1], "wide": [0.0, 1.0]}, bins=4).data
    assert list(one.x) == list(two.x) == [0.125, 0.375, 0.625, 0.875]
    assert list(one.y) == [1, 0, 0, 0] and list(two.y) == [0.5, 0, 0, 0.5]


def test_a_level_beside_values_has_its_name():
    figure = value_bars({"here": {"a": 0.5}}, levels={"the best": 2.0})
    assert (figure.layout.shapes[0].y0, figure.layout.annotations[0].text) == (2.0, "the best 2")


def test_names_that_stand_aslant_do_not_run_through_the_legend():
    short, long = (value_bars({"here": {name: 1.0}, "there": {name: 2.0}}) for name in ("a", "examples, replay 0.25"))
    assert long.layout.legend.y == 1 and short.layout.legend.y < 0  # above the bars, and below
    assert long.layout.margin.t > short.layout.margin.t and long.layout.height > short.layout.height
