import errno
import multiprocessing
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
import torch

import groundup as gu
from groundup import files
from groundup.errors import ConfigError, DiskFull, GroundupError, InputError, Interrupted
from groundup.training import checkpoint
from groundup.training.checkpoint import checkpointing, keeper
from groundup.training.config import TrainConfig
from groundup.training.loop import train
from groundup.training.optimizers import build_optimizer

CONFIG = TrainConfig(steps=6, batch_size=4, seq_len=16, checkpoint_every=2, warmup_steps=1, keep_checkpoints=9)


def names(folder):
    return [path.name for path in checkpoint.found(folder / "checkpoints")]


def weights(module):
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


@pytest.fixture
def run(tiny, batches, tmp_path):
    """Train a fresh module in one folder; what is told to the loop may be changed."""

    def make(config=CONFIG, seed=0, **told):
        module = tiny(seed=seed)
        train(module, batches, config, folder=tmp_path, **told)
        return module

    return make


def test_each_checkpoint_of_a_run_is_a_model_that_loads(run, tmp_path):
    module = run()
    assert names(tmp_path) == ["step-000002", "step-000004", "step-000006"]
    loaded = [gu.load(tmp_path / "checkpoints" / name, tokenizer=False).module for name in names(tmp_path)]
    assert torch.equal(weights(loaded[-1]), weights(module)) and not torch.equal(weights(loaded[0]), weights(module))


@pytest.mark.parametrize("background", [True, False])
def test_written_in_the_background_or_not_the_bytes_are_the_same(run, tmp_path, background):
    run(replace(CONFIG, save_in_background=background, keep_checkpoints=1))
    assert files.sha256(tmp_path / "checkpoints/step-000006/model.safetensors") == files.sha256(
        written_now(run, tmp_path)
    )


def written_now(run, folder):
    from groundup.model.formats.huggingface import save_model

    save_model(folder / "now", run())  # all steps are made: this is the last checkpoint's model
    return folder / "now" / "model.safetensors"


def test_what_is_written_is_the_state_of_its_step_although_training_goes_on(run, tmp_path, monkeypatch):
    """The copy must not follow the weights: the writer is held until two more steps were made."""
    held, write = threading.Event(), checkpointing.write
    monkeypatch.setattr(checkpointing, "write", lambda *told: held.wait(20) and write(*told))
    at_three = []

    def listen(event):
        if event.step == 3:
            at_three.append(weights(event.module).clone())
        if event.step == 5:
            assert not held.is_set() and names(tmp_path) == []
            held.set()

    run(replace(CONFIG, checkpoint_every=3), listeners=[listen])
    folder = tmp_path / "checkpoints" / "step-000003"
    assert torch.equal(weights(gu.load(folder, tokenizer=False).module), at_three[0])


# ───────── what stays ─────────


def test_the_newest_the_best_and_every_nth_stay(run, tmp_path):
    measured = {2: 5.0, 4: 1.0, 6: 3.0, 8: 2.0, 10: 4.0, 12: 3.5}

    def validate(event):
        if event.step in measured:
            files.append_jsonl(tmp_path / "metrics.jsonl", {"step": event.step, "validation": measured[event.step]})

    run(replace(CONFIG, steps=12, keep_checkpoints=1, keep_best=2, keep_every=5), listeners=[validate])
    assert names(tmp_path) == ["step-000004", "step-000005", "step-000008", "step-000010", "step-000012"]
    told = {one["step"]: one["validation"] for one in checkpoint.inventory(tmp_path / "checkpoints")}
    assert told == {4: 1.0, 5: None, 8: 2.0, 10: 4.0, 12: 3.5}


def test_the_rules_may_change_when_a_run_goes_on(run, tmp_path):
    run()
    run(replace(CONFIG, steps=8, keep_checkpoints=1, keep_every=4, on_failed_save="go_on", save_in_background=False))
    assert names(tmp_path) == ["step-000004", "step-000008"]


def test_a_number_that_json_writes_otherwise_is_the_same_number(tiny, tmp_path):
    notes = files.strict({"config": {"seed": 1, "steps": 6, "trackers": ("a",), "beta2": None}})
    keeper.Keeper(tmp_path, CONFIG).check(notes)


@pytest.mark.parametrize("key", ["keep_best", "keep_every"])
def test_a_rule_below_zero_is_refused(key):
    with pytest.raises(ConfigError, match=f"{key}=-1 is below 0; use 0 or more"):
        TrainConfig(**{key: -1})


# ───────── another configuration ─────────


def test_every_number_that_differs_is_named(run, tmp_path):
    run()
    changed = replace(CONFIG, learning_rate=0.1, seed=4, steps=9)
    with pytest.raises(
        ConfigError, match=r"a run with learning_rate=0\.006 \(now 0\.1\), seed=1 \(now 4\); set them back"
    ):
        run(changed)


def test_a_run_does_not_go_on_in_another_number_format(tiny, batches, run, tmp_path):
    run()
    module = tiny()
    module.compute_dtype = torch.bfloat16
    with pytest.raises(ConfigError, match=r"a run with dtype=float32 \(now bfloat16\); set it back"):
        train(module, batches, replace(CONFIG, steps=8), folder=tmp_path)


# ───────── a save that fails ─────────


def full_at(step, monkeypatch):
    write = checkpointing.write

    def fail(target, *told):
        if target.name == f"step-{step:06}":
            with files.disk_errors(target):
                raise OSError(errno.ENOSPC, "No space left on device")
        write(target, *told)

    monkeypatch.setattr(checkpointing, "write", fail)


@pytest.mark.parametrize("background", [True, False])
def test_a_full_disk_stops_the_run_with_the_last_good_one_kept_and_it_goes_on_from_there(
    run, tmp_path, monkeypatch, background
):
    whole = weights(run())
    folder = tmp_path / "checkpoints"
    for path in checkpoint.found(folder):
        files.remove(path)
    config = replace(CONFIG, save_in_background=background)
    with monkeypatch.context() as patch:
        full_at(4, patch)
        with pytest.raises(
            DiskFull, match=r"no space left to write .*step-000004; free .*; the last .* is step-000002$"
        ):
            run(config)
    assert names(tmp_path) == ["step-000002"]
    assert torch.equal(weights(run(config, seed=7)), whole)


def test_a_full_disk_is_said_and_training_goes_on_by_choice(run, tmp_path, monkeypatch, capsys):
    full_at(4, monkeypatch)
    run(replace(CONFIG, on_failed_save="go_on"))
    said = [line for line in capsys.readouterr().err.splitlines() if "space" in line]
    assert len(said) == 1 and said[0].endswith("whole is step-000002, and training goes on")
    assert names(tmp_path) == ["step-000002", "step-000006"]


def test_the_last_save_that_fails_is_raised_or_said_too(run, tmp_path, monkeypatch, capsys):
    full_at(6, monkeypatch)
    with pytest.raises(DiskFull, match="step-000004$"):
        run()
    run(replace(CONFIG, on_failed_save="go_on"))
    assert "no space left" in capsys.readouterr().err


def test_who_asks_to_stop_is_told_when_nothing_could_be_saved(run, monkeypatch):
    full_at(3, monkeypatch)
    steps = iter(range(1, 9))
    with pytest.raises(DiskFull, match="no space left to write .*step-000003"):
        run(replace(CONFIG, on_failed_save="go_on"), stop=lambda: next(steps) == 3)


def test_a_disk_that_fails_otherwise_is_no_traceback(run, monkeypatch):
    def fail(*told):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(checkpointing, "write", fail)
    with pytest.raises(InputError, match="Input/output error; no checkpoint is kept yet"):
        run()


def test_a_mistake_of_ours_is_not_hidden(run, monkeypatch):
    monkeypatch.setattr(checkpointing, "write", lambda *told: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(replace(CONFIG, on_failed_save="go_on"))


def test_an_error_of_the_loop_is_not_covered_by_one_of_the_writer(run, monkeypatch, capsys):
    full_at(4, monkeypatch)

    def fail(event):
        if event.step == 5:
            raise RuntimeError("a listener's")

    with pytest.raises(RuntimeError, match="a listener's"):
        run(replace(CONFIG, on_failed_save="stop"), listeners=[fail])
    assert "no space left" in capsys.readouterr().err


LIMITED = """
import resource, sys
from types import SimpleNamespace
import torch
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training.config import TrainConfig
from groundup.training.loop import train

def batch(number):
    ids = torch.randint(0, 64, (4, 17), generator=torch.Generator().manual_seed(number))
    return SimpleNamespace(input_ids=ids[:, :-1], targets=ids[:, 1:], loss_mask=torch.ones(4, 16, dtype=torch.bool),
                           document_ids=torch.zeros(4, 16, dtype=torch.int64), positions=torch.arange(16).expand(4, 16))

def go(steps):
    sizes = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2)
    config = TrainConfig(steps=steps, batch_size=4, seq_len=16, checkpoint_every=2, on_failed_save=sys.argv[2])
    train(build(Qwen3Config(vocab_size=64, **sizes), seed=0), batch, config, folder=sys.argv[1])

go(2)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))  # no file may grow beyond that
try:
    go(6)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("then", ["stop", "go_on"])
def test_where_the_system_itself_refuses_more_bytes_the_last_good_one_is_kept(tmp_path, then):
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), then], capture_output=True, text=True, check=True
    )
    said = ended.stdout if then == "stop" else ended.stderr
    assert "no space left to write" in said and "step-000002" in said, ended
    assert ("DiskFull" in ended.stdout) == (then == "stop")
    assert names(tmp_path) == ["step-000002"]
    assert checkpointing.damage(tmp_path / "checkpoints" / "step-000002") is None
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000002"]


# ───────── two at once, and what a kill leaves ─────────


def test_two_runs_do_not_share_a_folder(run, tmp_path):
    with (
        files.lock(tmp_path),
        pytest.raises(GroundupError, match=f"is in use by .*process {os.getpid()}.*another --out"),
    ):
        run()
    run()  # and it is free again


def test_while_a_run_trains_its_folder_is_locked_and_afterwards_not(run, tmp_path):
    seen = []

    def listen(event):
        with pytest.raises(GroundupError, match="is in use"), files.lock(tmp_path):
            pass
        seen.append(event.step)

    run(listeners=[listen])
    assert seen == [1, 2, 3, 4, 5, 6]
    with files.lock(tmp_path):
        pass


def test_a_run_that_was_refused_leaves_the_folder_free(run, tmp_path):
    run()
    with pytest.raises(ConfigError):
        run(replace(CONFIG, seed=2))
    with files.lock(tmp_path):
        pass


def test_what_killed_saves_left_goes_when_the_run_goes_on(run, tmp_path):
    run()
    folder = tmp_path / "checkpoints"
    dead = multiprocessing.get_context("spawn").Process(target=int)
    dead.start()
    dead.join()
    for name in (f".tmp-{dead.pid}-0-step-000003", f".tmp-{dead.pid}-4-step-000008"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_text("half")
    run(replace(CONFIG, steps=7))
    assert sorted(path.name for path in folder.iterdir()) == [*names(tmp_path)]


def test_what_a_killed_save_left_goes_when_its_process_number_is_in_use_again(run, tmp_path):
    """In a container the next sitting has the number of the last one."""
    run()
    folder = tmp_path / "checkpoints"
    for process in (os.getpid(), os.getppid()):
        (folder / f".tmp-{process}-0-step-000007").mkdir()
    run(replace(CONFIG, steps=7))
    assert sorted(path.name for path in folder.iterdir()) == [*names(tmp_path)]


def test_fewer_steps_than_were_made_are_refused_and_as_many_are_fine(run, tmp_path):
    run()
    with pytest.raises(ConfigError, match="made 6 steps already, and steps=4 asks for fewer; use steps=6 or more, or"):
        run(replace(CONFIG, steps=4))
    run()
    assert names(tmp_path)[-1] == "step-000006"


def test_a_stopped_run_is_on_the_disk_before_it_says_so(run, tmp_path):
    steps = iter(range(1, 9))
    with pytest.raises(Interrupted, match="stopped after step 3 of 6 and saved"):
        run(stop=lambda: next(steps) == 3)
    assert names(tmp_path)[-1] == "step-000003"
    assert checkpointing.damage(tmp_path / "checkpoints" / "step-000003") is None


def test_without_a_folder_nothing_is_kept(tiny, batches):
    with keeper.Keeper(None, CONFIG) as kept:
        assert kept.resume(tiny(), None) == (0, [])
        assert kept.due(2) and not kept.due(3)
        kept.save(2, None, None, [])


def test_a_checkpoint_that_a_rollback_went_back_behind_is_no_way_on(tiny, tmp_path):
    """Stopped at 7 and at 6 after a rollback: the run goes on from 6."""
    config, module = TrainConfig(steps=20, checkpoint_every=5), tiny()
    state = build_optimizer(module, config)
    with keeper.Keeper(tmp_path, config) as keeping_it:
        keeping_it.resume(module, state)
        for step in (5, 7, 6):
            keeping_it.save(step, module, state, [])
        keeping_it.wait()
    assert [checkpointing.step_of(path) for path in checkpointing.found(tmp_path / "checkpoints")] == [5, 6]
