"""A forecast is arithmetic on a small run's table: so many more steps, documents and questions, each at its measured price."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundup.errors import ConfigError
from groundup.runs import estimate, measurement, recipe

MINIATURE = Path(__file__).parents[1] / "recipes" / "miniature.toml"


@pytest.fixture(scope="module")
def full():
    overrides = ["train.steps=110", "train.validate_every=50", "train.sample_every=0", "train.checkpoint_every=25"]
    return recipe.load(MINIATURE, [*overrides, "tune.steps=0", "tune.epochs=2", "eval.instructions=256"])


@pytest.fixture(scope="module")
def small(full):
    return measurement.small(full, 3)


def unit(count, seconds):
    return {"count": count, "seconds": count * seconds, "typical": seconds, "mean": seconds}


def entry(seconds, numbers, memory=1e8, disk=None):
    cost = {"seconds": seconds, "peak_memory_bytes": memory, "start_memory_bytes": memory / 2}
    cost["matmul_seconds"] = [0.01, 0.03]
    return {"done": {"cost": cost, "numbers": numbers}, "disk_bytes": disk or {"checkpoint": 0, "lines": 0, "rest": 5}}


@pytest.mark.parametrize(
    ("every", "steps", "times"), [(0, 100, 1), (50, 100, 2), (50, 106, 3), (200, 100, 1), (1, 3, 3)]
)
def test_something_that_comes_every_so_many_steps_and_after_the_last_comes_so_often(every, steps, times):
    assert estimate.calls(every, steps) == times


def test_the_small_run_keeps_every_shape_and_asks_one_model(full, small):
    assert small.configs["model"] == full.configs["model"]
    assert small.configs["train"].batch_size == full.configs["train"].batch_size and small.configs["train"].steps == 27
    assert small.stages == ("data", "tokenizer", "train", "tune", "align", "eval")
    assert small.configs["align"].max_new_tokens == 3


def test_short_steps_are_timed_more_often_than_long_ones_and_never_more_than_the_run_makes(full):
    def steps(**train):
        changed = replace(full, configs=dict(full.configs) | {"train": replace(full.configs["train"], **train)})
        return measurement.train_steps(changed)

    assert steps(steps=4000) == measurement.MOST_STEPS > steps(steps=400) == 100 > steps(steps=40) == measurement.TRAIN_STEPS
    assert steps(steps=1000, batch_size=2048) == measurement.TRAIN_STEPS


def test_what_interrupts_a_step_in_training_counts_and_of_the_few_steps_of_tuning_it_does_not(full, small):
    hurried = {"count": 24, "seconds": 14.0, "typical": 0.5, "mean": 0.6}
    numbers = {"units": {"step": hurried}, "checkpoint_seconds": 0.0, "rows_per_epoch": 320}

    def a_step(name):
        more = estimate.steps_of(full, name, numbers) - small.configs[name].steps
        return estimate.more_steps(full, small, name, numbers) / more

    assert a_step("train") == pytest.approx(0.6) and a_step("tune") == pytest.approx(0.5)


def test_training_costs_its_fixed_part_and_every_further_step_validation_and_checkpoint(full, small):
    units = {"step": unit(24, 0.5), "validation": unit(2, 2.0), "sample": unit(2, 1.0)}
    measured = {
        "held_bytes": 0,
        "stages": {"train": entry(20.0, {"units": units, "checkpoint_seconds": 0.5})},
    }
    short = replace(
        small, configs=dict(small.configs) | {"train": replace(small.configs["train"], steps=24, checkpoint_every=12)}
    )
    found = estimate.stage_forecast(full, short, "train", measured)
    assert found["seconds"] == pytest.approx(20 + 86 * 0.5 + (3 - 2) * 2.0 + (1 - 2) * 1.0 + 3 * 0.5)
    assert found["tokens"] == 110 * 2 * 256


def test_tuning_makes_as_many_steps_as_its_epochs_take(full, small):
    numbers = {"units": {"step": unit(6, 0.1)}, "checkpoint_seconds": 0.0, "rows_per_epoch": 25}
    found = estimate.stage_forecast(full, small, "tune", {"stages": {"tune": entry(1.0, numbers)}})
    assert found["seconds"] == pytest.approx(1.0 + (25 - 6) * 0.1)


def test_measuring_costs_a_second_reading_more_questions_and_the_models_that_were_not_asked(full, small):
    units = {"token read": unit(1, 1.0), "answer of train": unit(256, 0.01), "n-gram": unit(1, 3.0)}
    answering = {"rows": 128, "read_seconds": 1.0, "token_seconds": 0.1}
    measured = {
        "held_bytes": 0,
        "stages": {"eval": entry(10.0, {"units": units})},
        "answering": answering,
        "answer_tokens": 4.0,
    }
    found = estimate.stage_forecast(full, small, "eval", measured)
    more_read = 1.0  # the last model beside the first
    more_answers = 2.56 * (256 / 128 - 1)
    other_models = 2 * (1.0 + estimate.LATER_CLOSING * 0.1 * 4.0) * 512 / 128
    assert found["seconds"] == pytest.approx(10.0 + more_read + more_answers + other_models)


def test_what_the_run_holds_beyond_the_small_run_stays_through_all_stages(full):
    stages = {"data": entry(1.0, {}, memory=100), "tokenizer": entry(2.0, {}, memory=300)}
    measured = {"stages": stages, "answer_tokens": 3.0, "answering": None}
    for held, more in ((0, 0), (50, 0), (90, 40)):  # the small run began with 50
        found = estimate.from_measured(full, measured, held)
        assert [stage["memory_bytes"] for stage in found["stages"]] == [100 + more, 300 + more]


def test_disk_is_the_checkpoints_that_are_kept_and_lines_that_grow_with_the_steps(full, small):
    sizes = {"checkpoint": 100, "lines": 10, "rest": 1000}
    units = {"step": unit(6, 0.5)}
    measured = {
        "held_bytes": 0,
        "stages": {"train": entry(1.0, {"units": units, "checkpoint_seconds": 0.0, "steps": 10}, disk=sizes)},
    }
    assert estimate.stage_forecast(full, small, "train", measured)["disk_bytes"] == 1000 + 2 * 100 + 110


def test_the_whole_is_the_sum_of_times_and_disk_and_the_largest_memory(full):
    stages = {"data": entry(1.0, {}, memory=1e8), "tokenizer": entry(2.0, {}, memory=3e8)}
    found = estimate.from_measured(full, {"stages": stages, "answer_tokens": 3.0, "answering": None})
    assert (found["seconds"], found["memory_bytes"], found["disk_bytes"]) == (3.0, 3e8, 10)
    assert found["matmul_seconds"] in (0.01, 0.03)


def test_a_changed_recipe_has_a_forecast_of_its_own(full, monkeypatch, tmp_path):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path))
    other = replace(full, configs=full.configs | {"train": replace(full.configs["train"], steps=7)})
    assert estimate.cache_path(full) == estimate.cache_path(full) != estimate.cache_path(other)


def test_a_forecast_that_is_kept_is_not_measured_again(full, monkeypatch, tmp_path):
    from groundup import files

    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path))
    monkeypatch.setattr(estimate, "measure", lambda recipe, inputs=None: pytest.fail("measured again"))
    files.write_json(estimate.cache_path(full), {"recipe": "kept"})
    assert estimate.estimate(full) == {"recipe": "kept"}
    (tmp_path / "run").mkdir()
    assert estimate.keep(full, tmp_path / "run", {})["recipe"] == "kept"
    assert files.read_json(tmp_path / "run" / "forecast.json")["recipe"] == "kept"


def test_a_users_mistake_that_shows_in_the_small_run_keeps_its_words(full, monkeypatch, tmp_path):
    from groundup.errors import GroundupError

    (tmp_path / "short.txt").write_text("one line\n")
    own = replace(
        full,
        configs=full.configs | {"data": replace(full.configs["data"], text=str(tmp_path / "short.txt"))},
    )
    with pytest.raises(GroundupError, match="a longer text"):
        estimate.measure(own)


def test_of_a_batch_that_grows_whole_steps_are_timed_and_those_of_a_part_count_as_such(full):
    """20 batches in the first 8 steps, then 4 in each of 102: 107 whole steps."""
    train = replace(full.configs["train"], gradient_accumulation_steps=4, batch_ramp_steps=8)
    grows = replace(full, configs=dict(full.configs) | {"train": train})
    little = measurement.small(grows, 3)
    assert (little.configs["train"].batch_ramp_steps, little.configs["train"].gradient_accumulation_steps) == (0, 4)
    units = {"step": unit(24, 0.5), "validation": unit(2, 2.0)}
    measured = {"stages": {"train": entry(20.0, {"units": units, "checkpoint_seconds": 0.0})}}
    found = estimate.stage_forecast(grows, little, "train", measured)
    timed = little.configs["train"].steps
    assert found["seconds"] == pytest.approx(20 + (107 - timed) * 0.5 + (3 - 2) * 2.0)
    assert found["tokens"] == train.tokens == 107 * 4 * 2 * 256


@pytest.mark.parametrize(
    ("status", "errors"), [(-9, ""), (1, "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_a_model_that_does_not_fit_is_answered_with_ways_out(full, monkeypatch, status, errors):
    done = SimpleNamespace(returncode=status, stderr=errors)
    monkeypatch.setattr(estimate.subprocess, "run", lambda *told, **more: done)
    ways = "try --set train.largest_batch=true, --set train.optimizer_state=8bit, --set train.activation_checkpointing="
    with pytest.raises(ConfigError, match=f"already need more memory than this machine gives; {ways}.*smaller model"):
        estimate.measure(full)
