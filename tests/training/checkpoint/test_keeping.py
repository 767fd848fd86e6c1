import itertools
import os

import pytest

from groundup import files
from groundup.errors import InputError
from groundup.runs import shelf
from groundup.training import checkpoint
from groundup.training.checkpoint import keeping

STEPS = [10, 20, 30, 40, 50, 60]
MEASURED = {10: 3.0, 20: 1.5, 30: 1.2, 40: 1.2, 60: 1.9}


@pytest.mark.parametrize("last, best, every", list(itertools.product([1, 2, 9], [0, 1, 2, 9], [0, 20, 30, 7])))
def test_every_combination_of_the_rules_keeps_what_each_of_them_keeps(last, best, every):
    expected = set(STEPS[-last:])
    expected |= set([30, 40, 20, 60, 10][:best])  # by hand, from MEASURED
    expected |= {0: set(), 20: {20, 40, 60}, 30: {30, 60}, 7: set()}[every]
    assert keeping.kept_steps(STEPS, MEASURED, last, best, every) == sorted(expected)


def test_the_order_of_the_steps_says_nothing_and_steps_without_a_validation_are_never_the_best():
    assert keeping.kept_steps([30, 10, 20], {}, 1, best=2) == [30]
    assert keeping.kept_steps([], {}, 3, best=2, every=5) == []


@pytest.fixture
def saved(trained, tmp_path):
    def make(**validations):
        for name, value in validations.items():
            checkpoint.save(tmp_path, int(name[1:]), *trained, {"validation": value})
        return tmp_path

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_only_what_the_rule_keeps_stays_and_what_went_is_told(saved):
    folder = saved(s10=1.0, s20=3.0, s30=None, s40=2.0)
    removed = keeping.remove_others(folder, last=1, best=1)
    assert [path.name for path in removed] == ["step-000020", "step-000030"]
    assert names(folder) == ["step-000010", "step-000040"]


def test_one_that_is_cut_short_never_pushes_out_a_whole_one(saved):
    folder = saved(s10=1.0, s20=1.0, s30=1.0)
    for step in (20, 30):
        os.truncate(folder / f"step-{step:06}" / "model.safetensors", 100)
    keeping.remove_others(folder, last=1)
    assert names(folder) == ["step-000010"]


def test_where_none_is_whole_nothing_is_removed(saved):
    folder = saved(s10=1.0, s20=1.0)
    for path in folder.iterdir():
        (path / "optimizer.safetensors").unlink()
    assert keeping.remove_others(folder, last=1) == []
    assert names(folder) == ["step-000010", "step-000020"]


def test_a_kill_inside_a_removal_leaves_no_half_checkpoint(saved, monkeypatch):
    folder = saved(s10=1.0, s20=1.0)

    def killed(path):
        (path / "model.safetensors").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        keeping.remove_others(folder, last=1)
    assert [path.name for path in checkpoint.found(folder)] == ["step-000020"]


# ───────── the validation of a step, from the metrics ─────────


def write(path, *records):
    files.write_jsonl(path, records)
    return path


def test_the_validation_of_a_step_is_the_mean_of_what_was_measured_there(tmp_path):
    path = write(
        tmp_path / "metrics.jsonl",
        {"step": 10, "bits_per_byte_a": 9.0},
        {"step": 20, "loss": 0.1},
        {"step": 20, "bits_per_byte_a": 1.0, "bits_per_byte_b": 2.0},
        {"step": 20, "validation_c": 6.0, "samples": ["validation"]},
    )
    assert keeping.validation_at(path, 20) == 3.0
    assert keeping.validation_at(path, 10) == 9.0
    assert keeping.validation_at(path, 15) is None
    assert keeping.validation_at(tmp_path / "none.jsonl", 15) is None


def test_a_validation_that_is_no_number_counts_as_none(tmp_path):
    path = write(tmp_path / "metrics.jsonl", {"step": 20, "validation": float("nan")})
    assert keeping.validation_at(path, 20) is None


def test_a_long_file_is_read_from_its_end_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "TAIL_BYTES", 100)
    records = [{"step": step, "loss": 0.5} for step in range(1, 500)]
    path = write(tmp_path / "metrics.jsonl", *records, {"step": 499, "validation": 7.0, "samples": "x" * 3000})
    read = []
    whole = keeping._records_of_the_end
    monkeypatch.setattr(keeping, "_records_of_the_end", lambda path, size: read.append(size) or whole(path, size))
    assert keeping.validation_at(path, 499) == 7.0
    assert read == [100, 400, 1600, 6400] and path.stat().st_size > 12_000


# ───────── what lies there ─────────


def test_the_inventory_names_step_validation_size_and_damage(saved):
    folder = saved(s10=1.5, s20=None)
    path = folder / "step-000020" / "optimizer.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    first, second = keeping.inventory(folder)
    assert (first["step"], first["validation"], first["damage"], first["model_folder"]) == (10, 1.5, None, True)
    assert first["size_bytes"] == sum(file.stat().st_size for file in (folder / "step-000010").iterdir())
    assert second["validation"] is None and "optimizer.safetensors is damaged" in second["damage"]
    assert keeping.inventory(folder, read=False)[1]["damage"] is None  # a bit is only found by reading
    os.truncate(path, 1000)
    assert keeping.inventory(folder, read=False)[1]["damage"] == "a file is missing or cut short"


def test_a_run_lists_the_checkpoints_of_all_its_stages(saved, tmp_path):
    folder = tmp_path / "run" / "stages" / "03-train-1a2b3c4d" / "checkpoints"
    folder.parent.mkdir(parents=True)
    saved(s10=1.5)
    folder.mkdir()
    (tmp_path / "step-000010").rename(folder / "step-000010")
    assert [(one["step"], one["damage"]) for one in shelf.checkpoints(tmp_path / "run")] == [(10, None)]
    with pytest.raises(InputError, match="holds no checkpoints; `groundup runs list` shows"):
        shelf.checkpoints(folder)
