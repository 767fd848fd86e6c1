"""Trackers: what they wrote is read back by their own libraries; one that is down is said once and stops nothing."""

import importlib.util
import threading
import time
from dataclasses import replace

import pytest

from groundup import files
from groundup.errors import ConfigError, MissingExtra
from groundup.training.config import TrainConfig
from groundup.training.monitor import trackers
from groundup.training.monitor.monitoring import marked
from groundup.training.monitor.offline import records_of_wandb
from groundup.training.monitor.trackers import Sender, Tracked, senders

LOSSES = {1: 3.0, 2: 2.5, 3: float("nan"), 4: 2.0}


@pytest.fixture
def tracked(tmp_path):
    settings = {"train": {"steps": 4, "learning_rate": 0.1}, "hub_token": "hf_abcdefghijklmnop"}
    return Tracked(folder=tmp_path, project="groundup-test", name="train", id="abc123", settings=settings)


def sit(name, tracked, losses, state="finished"):
    """One sitting of a run: these steps are told, a validation at the last."""
    [sender] = senders([name], tracked)
    for step, loss in losses.items():
        sender(step, {"loss": loss, "tokens_per_second": 100.0})
    sender(max(losses), {"bits_per_byte_tinyworld": 1.5})
    sender.close(state, patience_s=60)
    assert not sender.given_up


def same(found, expected):
    assert found.keys() == expected.keys()
    for step, value in expected.items():
        assert found[step] == pytest.approx(value, nan_ok=True)


# ───────── read back by their own libraries, after a kill at step 3 whose steps were made again ─────────


def killed_and_resumed(name, tracked, new_process=lambda: None):
    sit(name, tracked, {1: 3.0, 2: 2.5, 3: float("nan")}, "stopped")
    new_process()
    sit(name, tracked, {3: float("nan"), 4: 2.0})


def test_tensorboard_reads_its_events_and_no_step_stands_twice(tracked, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    killed_and_resumed("tensorboard", tracked)
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    points = events.Scalars("loss")
    assert [point.step for point in points] == [1, 2, 3, 4]
    same({point.step: point.value for point in points}, LOSSES)
    assert [point.step for point in events.Scalars("bits_per_byte_tinyworld")] == [4]  # that of the kill is taken back


def test_mlflow_reads_its_run_and_no_step_stands_twice(tracked, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    killed_and_resumed("mlflow", tracked)
    client = MlflowClient(tracking_uri=(tmp_path / "mlflow").as_uri())
    [run] = client.search_runs([client.get_experiment_by_name("groundup-test").experiment_id])
    points = client.get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in points] == [1, 2, 3, 4]
    same({point.step: point.value for point in points}, LOSSES)
    assert run.info.status == "FINISHED" and run.data.params["train.learning_rate"] == "0.1"
    assert "hf_" not in str(run.data.params)


def test_wandb_reads_its_offline_files_and_no_step_stands_twice(tracked, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    killed_and_resumed("wandb", tracked, wandb.teardown)  # its service would still have the run
    wandb.teardown()  # which writes behind what is told
    found, names = {}, set()
    written = sorted((tmp_path / "wandb").glob("offline-run-*-abc123/*.wandb"))
    for record in (one for file in written for one in records_of_wandb(file)):
        names |= {record.run.run_id} - {""}
        if record.HasField("history"):
            row = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            assert record.history.step.num not in found
            found[record.history.step.num] = float(row["loss"].strip('"'))
    same(found, LOSSES)
    assert names == {"abc123"} and b"hf_abc" not in b"".join(file.read_bytes() for file in written)


def test_trackio_reads_its_run_and_no_step_stands_twice(tracked, tmp_path, monkeypatch):
    pytest.importorskip("trackio")
    from trackio import sqlite_storage, utils

    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for module in (sqlite_storage, utils):
        monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path / "trackio", raising=False)
    killed_and_resumed("trackio", tracked)
    rows = sqlite_storage.SQLiteStorage.get_logs("groundup-test", "train-abc123")
    points = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    assert [step for step, _ in points] == [1, 2, 3, 4] and points[-1][1] == 2.0


# ───────── a run that goes back after a spike: 1 2 3 4, then 3 and on again with other numbers ─────────


WAYS = [(1, 3.0), (2, 2.5), (3, 9.0), (4, 9.5), (3, 2.2), (4, 2.0), (5, 1.9)]


def rolled_back(name, tracked, told=WAYS, state="finished"):
    [sender] = senders([name], tracked)
    for step, loss in told:
        sender(step, {"loss": loss})
    sender.close(state, patience_s=60)
    assert not sender.given_up


def test_tensorboard_has_the_way_that_was_kept_alone(tracked, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    rolled_back("tensorboard", tracked)
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    same({point.step: point.value for point in events.Scalars("loss")}, {1: 3.0, 2: 2.5, 3: 2.2, 4: 2.0, 5: 1.9})


def test_mlflow_has_both_ways_the_later_ones_last_and_a_tag(tracked, tmp_path, monkeypatch):
    """A kill after the rollback, before the way that was given up is passed: the next sitting goes on where the second way was."""
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    rolled_back("mlflow", tracked, WAYS[:5], "stopped")
    rolled_back("mlflow", tracked, WAYS[5:])
    client = MlflowClient(tracking_uri=(tmp_path / "mlflow").as_uri())
    [run] = client.search_runs([client.get_experiment_by_name("groundup-test").experiment_id])
    points = sorted(client.get_metric_history(run.info.run_id, "loss"), key=lambda point: point.timestamp)
    assert [(point.step, point.value) for point in points if point.step > 2][-3:] == WAYS[4:]
    assert run.data.metrics["loss"] == 1.9
    assert run.data.tags[trackers.ROLLED_BACK].startswith("the run went back after a spike; of steps 3 to 4 both")


def test_wandb_keeps_the_first_way_and_says_so_in_tag_and_notes(tracked, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    wandb.teardown()  # its service may have another test's run of this name
    rolled_back("wandb", tracked)
    wandb.teardown()
    [file] = (tmp_path / "wandb").glob("offline-run-*-abc123/*.wandb")
    records = records_of_wandb(file)
    steps, losses = [], {}
    for one in (one.history for one in records if one.HasField("history")):
        row = {item.key or item.nested_key[0]: item.value_json for item in one.item}
        steps.append(one.step.num)
        losses[one.step.num] = float(row["loss"])
    assert losses == {1: 3.0, 2: 2.5, 3: 9.0, 4: 9.5, 5: 1.9}
    last = [one.run for one in records if one.HasField("run")][-1]
    assert sorted(steps) == sorted(set(steps)) and max(steps) == 5
    assert (
        trackers.ROLLED_BACK in last.tags
        and "of steps 3 to 4 the numbers here are those of the first way" in last.notes
    )


def test_a_resume_is_no_way_back_and_a_rollback_behind_it_is():
    ways = trackers.Ways(before=5)
    assert [(ways.back(step), ways.new(step)) for step in (4, 5, 6)] == [(False, False), (False, False), (False, True)]
    ways.last = 6
    assert ways.back(3) and ways.new(3) and ways.given_up == [(3, 6)]
    assert not ways.back(3) and not ways.unseen(3) and not ways.back(7) and ways.unseen(7)


def test_a_store_whose_steps_only_rise_has_one_ways_numbers_of_each():
    ways = trackers.Ways(before=0)
    kept = [(step, loss) for step, loss in [*WAYS, (5, "validated")] if (ways.back(step), ways.unseen(step))[1]]
    assert kept == [*WAYS[:4], (5, 1.9), (5, "validated")]  # a step's second line of the same way belongs to it
    again = trackers.Ways(before=0)  # back once more, before the first way's end is passed
    told = [1, 2, 3, 4, 2, 3, 2, 3, 4, 5, 4, 5, 6]
    assert [step for step in told if (again.back(step), again.unseen(step))[1]] == [1, 2, 3, 4, 5, 6]


def test_what_a_kill_took_from_a_tracker_comes_from_the_metrics(tracked, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for step, loss in LOSSES.items():
        files.append_jsonl(tmp_path / "metrics.jsonl", marked({"step": step, "loss": loss, "note": "x", "samples": []}))
    sit("tensorboard", replace(tracked, metrics=tmp_path / "metrics.jsonl"), {4: 2.0})
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    same({point.step: point.value for point in events.Scalars("loss")}, LOSSES)
    assert trackers.missed(tmp_path / "metrics.jsonl", 2, 4) == [
        (3, {"loss": pytest.approx(float("nan"), nan_ok=True)})
    ]
    assert trackers.missed(None, 0, 9) == trackers.missed(tmp_path / "none.jsonl", 0, 9) == []


# ───────── what goes wrong ─────────


class Broken:
    """A tracker that fails after one step, with a secret in its words."""

    before = 0

    def __init__(self, tracked):
        self.steps = 0

    def log(self, step, numbers):
        self.steps += 1
        if self.steps > 1:
            raise ConnectionError("https://me:hunter22@host is down\nand more")

    def close(self, state):
        raise AssertionError("nobody closes what failed")


def wait_for(sender):
    for _ in range(500):
        if sender.given_up:
            return
        time.sleep(0.01)


def test_a_tracker_that_is_down_is_said_once_without_its_secret(tracked, capsys):
    sender = Sender("broken", Broken, tracked)
    for step in range(5):
        sender(step, {"loss": 1.0})
    wait_for(sender)
    sender(6, {"loss": 1.0})
    sender.close()
    said = capsys.readouterr().err
    assert said.count("tracker broken is left alone") == 1 and "training goes on" in said
    assert "hunter22" not in said and said.count("\n") == 1


def test_a_tracker_that_cannot_begin_is_said_once(tracked, capsys):
    def no_server(tracked):
        raise SystemExit("no key")

    sender = Sender("down", no_server, tracked)
    wait_for(sender)
    sender(1, {"loss": 1.0})
    sender.close()
    assert capsys.readouterr().err.count("left alone (SystemExit: no key)") == 1


class Hanging(Broken):
    gate = threading.Event()

    def log(self, step, numbers):
        self.gate.wait(30)


def test_a_tracker_that_hangs_holds_up_nobody(tracked, capsys, monkeypatch):
    monkeypatch.setattr(trackers, "ROOM", 4)
    sender = Sender("slow", Hanging, tracked)
    before = time.perf_counter()
    for step in range(20):
        sender(step, {"loss": 1.0})
    sender.close(patience_s=0.1)
    assert time.perf_counter() - before < 20 and sender.given_up
    assert capsys.readouterr().err.count("left alone") == 1
    Hanging.gate.set()


def test_an_unknown_tracker_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'wandb'"):
        TrainConfig(trackers=("wanb",))
    with pytest.raises(ConfigError, match="stands twice; name it once"):
        TrainConfig(trackers=("wandb", "wandb"))


def test_a_tracker_that_is_not_installed_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"mlflow is not installed; run: pip install 'groundup\[track\]'"):
        trackers.require(["mlflow"])
