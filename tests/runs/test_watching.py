"""A stage that trains is watched: its lines, its logs, its trackers and its profile, however it ends."""

import json
from types import SimpleNamespace

import pytest
import torch

from groundup import files, progress
from groundup.cli import main, watched
from groundup.data.pipeline.streaming import Batch
from groundup.errors import Diverged, Interrupted, MissingExtra
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.runs import keys, recipe, runner, shelf, watching
from groundup.runs.context import Context
from groundup.runs.stages import STAGES
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.monitor import trackers
from groundup.training.monitor.logging import read

SHAPE = LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
CONFIG = TrainConfig(steps=10, batch_size=2, seq_len=8, warmup_steps=0, checkpoint_every=0)


def batch(number):
    ids = torch.randint(0, 64, (2, 9), generator=torch.Generator().manual_seed(number))
    zeros = torch.zeros(2, 8, dtype=torch.long)
    return Batch(ids[:, :-1], ids[:, 1:], torch.ones(2, 8, dtype=torch.bool), zeros, torch.arange(8).expand(2, 8))


class Remembering:
    """A tracker that keeps what it was told."""

    told: list = []  # noqa: RUF012

    before = 0

    def __init__(self, tracked):
        Remembering.told = [tracked]

    def log(self, step, numbers):
        self.told.append((step, dict(numbers)))

    def close(self, state):
        self.told.append(state)


@pytest.fixture
def context(tmp_path, monkeypatch):
    limits = SimpleNamespace(matmul_flops={"float32": 1e11}, memory_bytes_per_s=1e10)
    monkeypatch.setattr(watching, "_limits", lambda context: limits)
    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", ("json", Remembering))
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "stages" / "03-train-0123abcd"
    folder.mkdir(parents=True)
    made = recipe.load("demo-fast", ["train.steps=10"])
    return Context(stage=STAGES["train"], folder=folder, recipe=made, inputs={}, run_folder=tmp_path)


def train(context, names=("tensorboard",), then=lambda event: None):
    with watching.watching(context, build(SHAPE, seed=0), CONFIG, names) as watch:
        return loop.train(build(SHAPE, seed=0), watch.batches(batch), CONFIG, listeners=[*watch.listeners, then])


def test_lines_logs_and_tracker_hold_the_run(context):
    def then(event):
        if event.step == 4:
            context.record(step=4, bits_per_byte_tinyworld=float("inf"))
            progress.say("half way")

    train(context, then=then)
    lines = files.read_jsonl(context.folder / "metrics.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 11))
    assert {"tokens_per_second", "mfu", "mbu", "learning_rate", "memory_bytes"} <= lines[0].keys()
    assert next(line for line in lines if "not_finite" in line)["not_finite"] == {"bits_per_byte_tinyworld": "inf"}
    tracked, *told = Remembering.told
    assert tracked.settings["train"]["steps"] == 10 and told[-1] == "finished"
    assert (4, {"bits_per_byte_tinyworld": float("inf")}) in told and len(told) == 12
    said = [(line["step"], line["message"]) for line in read(context.folder / "logs" / "rank0.jsonl")]
    assert said == [(0, "stage train begins"), (5, "half way"), (10, "stage train finished")]
    assert context.takers == []


@pytest.mark.parametrize(
    ("error", "state"), [(Interrupted("stop"), "stopped"), (Diverged("the loss is nan"), "failed")]
)
def test_a_stage_that_ends_early_says_so_everywhere(context, error, state):
    def then(event):
        if event.step == 3:
            raise error

    with pytest.raises(type(error)):
        train(context, then=then)
    assert Remembering.told[-1] == state
    last = read(context.folder / "logs" / "rank0.jsonl")
    assert last[-1]["message"] == f"stage train {state}" and last[-1]["step"] == 4
    assert [line["message"] for line in last if line["level"] == "error"] == ["the loss is nan"] * (state == "failed")


def test_the_run_of_a_tracker_is_the_same_when_it_goes_on(context):
    train(context)
    first = Remembering.told[0].id
    train(context)
    assert Remembering.told[0].id == first


def test_a_profile_is_written_where_it_is_asked_for(context, capsys):
    context.profile = True
    train(context, ())
    found = files.read_json(context.folder / "profile" / "profile.json")
    assert found["steps"] == 3 and found["peak_flops"] == 1e11
    assert {path.name for path in (context.folder / "profile").iterdir()} == {
        "profile.json",
        "profile.html",
        "trace.json",
    }


def test_too_few_steps_for_a_profile_are_said(context, capsys, monkeypatch):
    monkeypatch.setattr("groundup.training.monitor.profiler.WARM", 5)
    context.profile = True
    with watching.watching(context, build(SHAPE, seed=0), CONFIG) as watch:
        watch.profiler.seen = -10
    assert "nothing was profiled: that takes 8 steps" in capsys.readouterr().err


def test_trackers_change_no_key_and_are_no_output():
    plain, tracked = recipe.load("demo"), recipe.load("demo", ['train.trackers=["wandb"]'])
    assert [one.key for one in keys.plan(plain)] == [one.key for one in keys.plan(tracked)]
    assert {"tracking", "logs", "profile"} <= set(runner.NOT_OUTPUTS)


def test_a_missing_package_is_said_before_the_first_stage(tmp_path, monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    made = recipe.load("demo", ['train.trackers=["wandb"]'])
    with pytest.raises(MissingExtra, match=r"wandb is not installed; run: pip install 'groundup\[track\]'"):
        runner.run(made, tmp_path / "run")
    assert not (tmp_path / "run").exists()


# ───────── what `groundup runs` tells of it ─────────


@pytest.fixture
def run(context):
    (context.run_folder / "recipe.toml").write_text(context.recipe.to_toml())
    train(context, ())
    return context.run_folder


def test_a_run_that_has_not_ended_shows_how_far_it_came(run):
    found = shelf.entry(run)["progress"]
    assert (found["stage"], found["step"], found["steps"], found["running"]) == ("train", 10, 10, False)
    with files.lock(run):
        assert shelf.progress(run)["running"]


def test_an_ended_stage_has_no_progress(run, context):
    files.write_json(context.folder / "done.json", {})
    assert shelf.progress(run) == {}


def test_from_a_step_to_what_was_said_in_it(run):
    lines, metrics = shelf.said(run, step=10)
    assert [line["message"] for line in lines] == ["stage train finished"]
    assert [record["step"] for record in metrics] == [10] and metrics[0]["stage"] == "03-train-0123abcd"
    assert [record["step"] for record in shelf.said(run, step=3, around=1)[1]] == [2, 3, 4]
    assert len(shelf.said(run)[0]) == 2 and shelf.said(run)[1] == []


def test_the_command_line_shows_a_step_and_its_lines(run, capsys):
    assert main(["runs", "log", str(run), "--step", "10"]) == 0
    shown = capsys.readouterr().out
    assert "03-train-0123abcd: step 10, loss" in shown and "rank 0, info: stage train finished" in shown
    assert main(["runs", "log", str(run), "--text", "BEGINS", "--json"]) == 0
    assert [line["message"] for line in json.loads(capsys.readouterr().out)["lines"]] == ["stage train begins"]
    assert main(["runs", "log", str(run / "stages")]) == 2
    assert "is not a run folder; `groundup runs list` shows" in capsys.readouterr().err


def test_a_profile_is_shown_as_tables_and_given_as_json(context, capsys):
    context.profile = True
    train(context, ())
    ran = SimpleNamespace(name="train", folder=context.folder)
    done = SimpleNamespace(profile=True, stages=[ran])
    watched.show_profiles(done)
    shown = capsys.readouterr().out
    assert "train: " in shown and "attention" in shown and "profile.html" in shown
    assert max(map(len, shown.splitlines())) <= 80 or "picture" in shown
    assert watched.profiles(done)["profiles"]["train"]["steps"] == 3
    watched.show_profiles(SimpleNamespace(profile=True, stages=[]))
    assert "nothing was profiled" in capsys.readouterr().out
    assert watched.profiles(SimpleNamespace(profile=False, stages=[ran])) == {}
