import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file

from groundup import files
from groundup.errors import FormatError
from groundup.training import checkpoint
from groundup.training.checkpoint import checkpointing
from groundup.training.config import TrainConfig
from groundup.training.optimizers import build_optimizer


def state(module, optimizer):
    return {**dict(module.named_parameters()), **optimizer.state()}


def test_a_restored_checkpoint_is_equal_in_every_bit(tiny, trained, tmp_path):
    module, optimizer = trained
    checkpoint.save(tmp_path, 7, module, optimizer, {"note": "kept"})
    expected = torch.rand(3)
    other = tiny(seed=5)
    fresh = build_optimizer(other, TrainConfig())
    assert checkpoint.load_newest(tmp_path, other, fresh) == {"step": 7, "note": "kept"}
    assert all(torch.equal(tensor, state(module, optimizer)[name]) for name, tensor in state(other, fresh).items())
    assert torch.equal(torch.rand(3), expected)  # the random state too


def test_the_files_hold_the_same_bits_by_another_reader(trained, tmp_path):
    module, optimizer = trained
    folder = checkpoint.save(tmp_path, 7, module, optimizer, {})
    weights, table = load_file(folder / "model.safetensors"), load_file(folder / "optimizer.safetensors")
    assert all(torch.equal(weights[name], tensor) for name, tensor in module.named_parameters())
    assert all(torch.equal(table[name], tensor) for name, tensor in optimizer.state().items())
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}  # the masters


def test_any_object_with_state_and_load_is_kept_beside_the_weights(trained, tmp_path):
    class Counter:
        def __init__(self, count):
            self.count = count

        def state(self):
            return {"counter.count": torch.tensor(self.count, dtype=torch.float64)}

        def load(self, table):
            self.count = table["counter.count"].item()

    checkpoint.save(tmp_path, 7, trained[0], Counter(0.1), {})
    other = Counter(0.0)
    checkpoint.load_newest(tmp_path, trained[0], other)
    assert other.count == 0.1


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"intermediate_size": 40}, r"intermediate_size=48 \(now 40\)"),
        ({"intermediate_size": 40, "num_hidden_layers": 1}, r"intermediate_size=48 \(now 40\), num_hidden_layers=2 \(now 1\)"),
        ({"rope_theta": 500.0}, r"500"),  # equal shapes, another model all the same
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_model_is_refused_key_by_key_before_anything_changes(
    tiny, trained, tmp_path, changes, differences
):
    checkpoint.save(tmp_path, 7, *trained, {})
    other = tiny(seed=5, **changes)
    before = {name: parameter.clone() for name, parameter in other.named_parameters()}
    with pytest.raises(
        FormatError, match=f"is of another model: .*{differences}.*; remove it, set them back, or choose"
    ):
        checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert all(torch.equal(parameter, before[name]) for name, parameter in other.named_parameters())


def test_a_checkpoint_of_another_optimiser_is_refused(trained, tmp_path):
    checkpoint.save(tmp_path, 7, *trained, {})
    with pytest.raises(FormatError, match=r"is of another optimiser: .*exp_avg=none \(now .* and \d+ more"):
        checkpoint.load_newest(tmp_path, trained[0], build_optimizer(trained[0], TrainConfig(optimizer="adamw")))


def test_checkpoints_are_ordered_by_their_number(trained, tmp_path):
    for step in (999_999, 1_000_000):
        checkpoint.save(tmp_path, step, *trained, {})
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 1_000_000


def test_what_is_no_checkpoint_is_left_alone(trained, tmp_path):
    checkpoint.save(tmp_path, 7, *trained, {})
    for name in ("step-latest", "step-", ".tmp-1-0-step-000008", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "step-000009").write_text("a file")
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-000007"]
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 7


# ───────── damage ─────────


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "a flipped bit": flip,
    "cut short": lambda path: os.truncate(path, path.stat().st_size - 9),
    "empty": lambda path: os.truncate(path, 0),
    "missing": lambda path: path.unlink(),
    "wrong JSON": lambda path: path.write_text('{"step": '),
    "JSON of another form": lambda path: path.write_text("[1, 2]\n"),
    "a folder in its place": lambda path: (path.unlink(), path.mkdir()),
}
FILES = ["model.safetensors", "optimizer.safetensors", "state.json", "config.json", "checksums.json"]


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_checkpoint_is_said_aloud_and_set_aside_and_the_one_before_it_used(
    trained, tmp_path, file, kind, capsys
):
    for step in (10, 20):
        checkpoint.save(tmp_path, step, *trained, {})
    DAMAGE[kind](tmp_path / "step-000020" / file)
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 10
    said = capsys.readouterr().err
    assert "checkpoint step-000020 is not used" in said and "it is kept as damaged-step-000020" in said
    assert file in said or file == "checksums.json"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged-step-000020", "step-000010"]


def test_a_folder_that_was_copied_by_half_is_set_aside(trained, tmp_path, capsys):
    for step in (10, 20):
        checkpoint.save(tmp_path, step, *trained, {})
    (tmp_path / "step-000020" / "checksums.json").unlink()
    (tmp_path / "step-000020" / "optimizer.safetensors").unlink()
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 10
    assert "checksums.json is not there" in capsys.readouterr().err


def test_the_second_damaged_one_of_a_step_does_not_take_the_place_of_the_first(trained, tmp_path, capsys):
    for _ in range(2):
        checkpoint.save(tmp_path, 20, *trained, {})
        flip(tmp_path / "step-000020" / "state.json")
        assert checkpoint.load_newest(tmp_path, *trained) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged-step-000020", "damaged-step-000020-2"]
    assert f"no checkpoint in {tmp_path} is whole, so the run begins at its first step" in capsys.readouterr().err


def test_without_a_checkpoint_nothing_is_restored(trained, tmp_path):
    assert checkpoint.load_newest(tmp_path / "none", *trained) is None


# ───────── whole or not at all ─────────


def test_a_part_that_fails_leaves_nothing_new_and_the_old_as_it_was(tmp_path):
    target = tmp_path / "step-000001"
    checkpointing.write_whole(target, [lambda folder: files.write_text(folder / "a", "old")])

    def fail(folder):
        (folder / "b").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        checkpointing.write_whole(target, [lambda folder: files.write_text(folder / "a", "new"), fail])
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    assert (target / "a").read_text() == "old" and checkpointing.damage(tmp_path / "nowhere") is not None
    files.verify_checksums(target)


def test_every_file_and_both_folders_are_flushed_before_and_after_the_rename(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace

    def named(handle):
        done.append(("sync", os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))))
        sync(handle)

    def renamed(one, other):
        done.append(("rename", os.path.basename(other)))
        replace(one, other)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", named)
    monkeypatch.setattr(os, "replace", renamed)
    checkpointing.write_whole(tmp_path / "step-000001", [lambda folder: (folder / "a").write_text("x")])
    end = done.index(("rename", "step-000001"))
    assert ("sync", "a") in done[:end] and ("sync", "checksums.json") in done[:end]
    assert done[end + 1] == ("sync", tmp_path.name)


def test_a_checksum_is_that_of_the_standard_library(trained, tmp_path):
    import hashlib

    folder = checkpoint.save(tmp_path, 7, *trained, {})
    listed = json.loads((folder / "checksums.json").read_text())
    assert set(listed) == {path.name for path in folder.iterdir()} - {"checksums.json"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())
    shutil.rmtree(folder)
    assert checkpointing.damage(folder) is not None
