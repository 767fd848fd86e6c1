"""What stands at the top of a run folder is the last of each kind, linked hard or copied."""

import os

import pytest

from groundup import files
from groundup.runs.publish import link_or_copy, publish


@pytest.fixture
def stages(tmp_path):
    folders = {}
    for name, role in (("train", "model"), ("tune", "model"), ("report", "card")):
        folder = tmp_path / "stages" / name
        (folder / role).mkdir(parents=True)
        if role == "model":
            (folder / role / "weights").write_text(name)
        folders[name] = folder
    files.write_checksums(folders["tune"] / "model")
    (folders["report"] / "card" / "README.md").write_text("card")
    for name in ("report.html", "results.json"):
        (folders["report"] / name).write_text(name)
    return folders


def test_the_last_model_is_published_with_its_card_and_right_checksums(stages, tmp_path):
    publish(tmp_path, stages)
    assert (tmp_path / "model" / "weights").samefile(stages["tune"] / "model" / "weights")
    assert (tmp_path / "model" / "README.md").read_text() == "card"
    files.verify_checksums(tmp_path / "model")
    assert not (stages["tune"] / "model" / "README.md").exists()


def test_nothing_published_is_a_symbolic_link(stages, tmp_path):
    publish(tmp_path, stages)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_publishing_again_replaces_what_was_there(stages, tmp_path):
    publish(tmp_path, stages)
    publish(tmp_path, {name: folder for name, folder in stages.items() if name != "tune"})
    assert (tmp_path / "model" / "weights").read_text() == "train"


def test_publishing_the_same_files_again_leaves_nothing_beside_them(stages, tmp_path):
    publish(tmp_path, stages)
    publish(tmp_path, stages)
    assert {path.name for path in tmp_path.iterdir()} == {"stages", "model", "report.html", "results.json"}


def test_where_the_disk_refuses_links_files_are_copied(stages, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(stages["tune"] / "model" / "weights", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "tune"
    assert not (tmp_path / "copy").samefile(stages["tune"] / "model" / "weights")


def test_a_changed_card_leaves_the_stage_as_it_was(stages, tmp_path):
    publish(tmp_path, stages)
    files.write_text(tmp_path / "model" / "README.md", "mine")
    assert (stages["report"] / "card" / "README.md").read_text() == "card"
