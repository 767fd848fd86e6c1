"""What is new is computed, what is there is reused, what was stopped goes on."""

import json
import os
import shutil

import pytest

from groundup.errors import ConfigError, GroundupError, InputError, Interrupted
from groundup.runs import runner


def stage_folder(run_folder, name):
    return next((run_folder / "stages").glob(f"*-{name}-*"))


def test_every_stage_runs_once_and_a_second_run_reuses_them_all(world, small, tmp_path):
    first = runner.run(small(), tmp_path / "run")
    second = runner.run(small(), tmp_path / "run")
    assert world.ran == ["data", "tokenizer", "train", "report"]
    assert [stage.reused for stage in first.stages] == [False] * 4
    assert [stage.reused for stage in second.stages] == [True] * 4
    assert [stage.done for stage in second.stages] == [stage.done for stage in first.stages]


def test_a_stage_reads_the_folders_that_earlier_stages_made(world, small, tmp_path):
    done = runner.run(small(), tmp_path / "run")
    inputs = done.stages[2].done["numbers"]["inputs"]
    assert inputs == {
        role: str(stage_folder(tmp_path / "run", stage) / role)
        for role, stage in (("documents", "data"), ("tokenizer", "tokenizer"))
    }


def test_a_changed_key_runs_its_stage_and_those_after_it_and_going_back_reuses_the_old(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    world.ran.clear()
    runner.run(small(tokenizer={"vocab_size": 301}), tmp_path / "run")
    assert world.ran == ["tokenizer", "train", "report"]
    world.ran.clear()
    runner.run(small(), tmp_path / "run")
    assert world.ran == []


def test_a_changed_slot_runs_the_stages_that_use_its_room(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    world.ran.clear()
    world.sources["model"] = "def scaled_dot_product_attention..."
    runner.run(small(), tmp_path / "run")
    assert world.ran == ["train", "report"]


def test_an_output_that_was_changed_or_lost_is_made_again(world, small, tmp_path):
    run_folder = tmp_path / "run"
    runner.run(small(), run_folder)
    for spoil in (lambda path: path.write_text("truncat"), lambda path: path.unlink()):
        world.ran.clear()
        spoil(stage_folder(run_folder, "tokenizer") / "tokenizer" / "content.txt")
        runner.run(small(), run_folder)
        assert world.ran == [
            "tokenizer",
            "report",
        ]  # train's key did not change; the report tells the tokenizer's new cost


def test_checkpoints_are_no_outputs_so_removing_them_changes_nothing(world, small, tmp_path):
    def leave_checkpoint(context):
        (context.folder / "checkpoints").mkdir()
        (context.folder / "checkpoints" / "10.safetensors").touch()

    world.instead["train"] = leave_checkpoint
    runner.run(small(), tmp_path / "run")
    world.ran.clear()
    shutil.rmtree(stage_folder(tmp_path / "run", "train") / "checkpoints")
    runner.run(small(), tmp_path / "run")
    assert world.ran == []


def test_a_killed_stage_is_done_again_in_the_same_folder_with_what_it_left(world, small, tmp_path):
    class Killed(BaseException):
        pass

    seen = []

    def killed_once(context):
        seen.append(sorted(path.name for path in context.folder.iterdir()))
        (context.folder / "checkpoints").mkdir(exist_ok=True)
        if len(seen) == 1:
            raise Killed

    world.instead["train"] = killed_once
    with pytest.raises(Killed):
        runner.run(small(), tmp_path / "run")
    done = runner.run(small(), tmp_path / "run")
    assert world.ran == ["data", "tokenizer", "train", "train", "report"]
    assert "checkpoints" in seen[1]
    assert done.stages[2].done["sittings"] == 2


def test_ctrl_c_says_how_to_go_on(world, small, tmp_path):
    def stop(context):
        raise KeyboardInterrupt

    world.instead["tokenizer"] = stop
    with pytest.raises(Interrupted, match="stopped in stage 'tokenizer'; `groundup demo --fast` goes on from there"):
        runner.run(small(), tmp_path / "run", command="groundup demo --fast")
    world.instead.clear()
    runner.run(small(), tmp_path / "run")
    assert world.ran == ["data", "tokenizer", "tokenizer", "train", "report"]


def test_the_first_ctrl_c_in_a_stage_with_steps_waits_for_the_step_and_the_second_does_not(world, small, tmp_path):
    wished = []

    def stop(context):
        os.kill(os.getpid(), 2)
        wished.append(context.stop())
        os.kill(os.getpid(), 2)

    world.instead["train"] = stop
    with pytest.raises(Interrupted, match="stopped in stage 'train'"):
        runner.run(small(), tmp_path / "run")
    assert wished == [True]


def test_a_users_mistake_in_the_first_stage_leaves_nothing_behind(world, small, tmp_path):
    def refuse(context):
        (context.folder / "half").touch()
        raise InputError("own.txt is empty; give a file with text")

    world.instead["data"] = refuse
    with pytest.raises(InputError):
        runner.run(small(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_users_mistake_in_a_later_stage_keeps_what_is_finished(world, small, tmp_path):
    def refuse(context):
        raise InputError("the corpus is shorter than one context; give more text")

    world.instead["train"] = refuse
    with pytest.raises(InputError):
        runner.run(small(), tmp_path / "run")
    assert sorted(path.name[:5] for path in (tmp_path / "run" / "stages").iterdir()) == ["01-da", "02-to"]


def test_a_folder_of_another_recipe_is_refused_before_anything_runs(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    world.ran.clear()
    with pytest.raises(ConfigError, match="belongs to recipe 'small', not 'other'"):
        runner.run(small(name="other"), tmp_path / "run")
    assert world.ran == []


def test_an_input_from_outside_that_is_missing_is_said_before_anything_is_written(world, small, tmp_path):
    alone = small(stages=["train"], inputs={"documents": str(tmp_path / "no"), "tokenizer": str(tmp_path)})
    with pytest.raises(InputError, match="there is no file or folder .*no; check the path"):
        runner.run(alone, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_input_from_outside_runs_the_stage_again_when_its_content_changed(world, small, tmp_path):
    for role in ("documents", "tokenizer"):
        (tmp_path / role).mkdir()
        (tmp_path / role / "file").write_text("before")
    alone = small(stages=["train"], inputs={role: str(tmp_path / role) for role in ("documents", "tokenizer")})
    for content, runs in (("before", 1), ("before", 1), ("after", 2)):
        (tmp_path / "documents" / "file").write_text(content)
        runner.run(alone, tmp_path / "run")
        assert len(world.ran) == runs


def test_model_report_and_card_stand_at_the_top_and_the_stage_keeps_its_own(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    top = tmp_path / "run" / "model"
    assert (top / "content.txt").samefile(stage_folder(tmp_path / "run", "train") / "model" / "content.txt")
    assert (top / "README.md").read_text() == "a card"
    assert not (stage_folder(tmp_path / "run", "train") / "model" / "README.md").exists()
    assert (tmp_path / "run" / "report.html").is_file() and (tmp_path / "run" / "results.json").is_file()


def test_the_cost_of_a_stage_is_kept(world, small, tmp_path):
    done = runner.run(small(), tmp_path / "run").stages[2].done
    assert (
        done["cost"]["seconds"] >= 0
        and done["cost"]["peak_memory_bytes"] > 0
        and done["cost"]["matmul_seconds"] == [0.01, 0.01]
    )
    assert json.loads((stage_folder(tmp_path / "run", "train") / "done.json").read_text()) == done


def test_the_listener_hears_each_stage_before_it_begins(world, small, tmp_path):
    heard = []
    runner.run(
        small(),
        tmp_path / "run",
        on_stage=lambda planned, reused: heard.append((planned.stage.name, reused, len(world.ran))),
    )
    assert heard == [("data", False, 0), ("tokenizer", False, 1), ("train", False, 2), ("report", False, 3)]


def test_a_fault_of_ours_is_not_hidden(world, small, tmp_path):
    def fault(context):
        raise ZeroDivisionError

    world.instead["train"] = fault
    with pytest.raises(ZeroDivisionError):
        runner.run(small(), tmp_path / "run")


def test_a_second_process_on_the_same_folder_is_refused(world, small, tmp_path):
    from groundup import files

    runner.run(small(), tmp_path / "run")
    with files.lock(tmp_path / "run"), pytest.raises(GroundupError):
        runner.run(small(), tmp_path / "run")
