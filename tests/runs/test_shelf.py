"""The runs of a folder: listed, compared, removed."""

import pytest

from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.runs import runner, shelf


def test_a_run_is_listed_with_how_far_it_came(world, small, tmp_path):
    def stop(context):
        raise InputError("no; yes")

    runner.run(small(), tmp_path / "whole")
    world.instead["train"] = stop
    with pytest.raises(InputError):
        runner.run(small(), tmp_path / "part")
    (tmp_path / "not a run").mkdir()
    found = {entry["run"]: entry for entry in shelf.entries(tmp_path)}
    assert found.keys() == {str(tmp_path / "whole"), str(tmp_path / "part")}
    assert found[str(tmp_path / "part")]["ended"] == ["data", "tokenizer"]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="`groundup demo` makes the first run"):
        shelf.entries(tmp_path / "runs")


def test_two_runs_are_compared_by_the_settings_and_numbers_in_which_they_differ(world, small, tmp_path):
    for name, size, loss in (("a", 300, 1.5), ("b", 400, 1.25)):
        runner.run(small(tokenizer={"vocab_size": size}), tmp_path / name)
        files.write_json(tmp_path / name / "results.json", {"loss": loss, "machine": "m"})
    compared = shelf.compare(tmp_path / "a", tmp_path / "b")
    assert compared["settings"] == {"tokenizer.vocab_size": [300, 400]}
    assert compared["numbers"] == {"loss": [1.5, 1.25]}


def test_removing_the_unused_keeps_the_stages_of_the_present_recipe(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    runner.run(small(tokenizer={"vocab_size": 400}), tmp_path / "run")
    freed = shelf.remove(tmp_path / "run", shelf.removable(tmp_path / "run", unused=True))
    world.ran.clear()
    runner.run(small(tokenizer={"vocab_size": 400}), tmp_path / "run")
    assert freed > 0 and world.ran == []
    assert len(list((tmp_path / "run" / "stages").iterdir())) == 4


def test_a_folder_that_is_no_run_is_not_removed(tmp_path):
    (tmp_path / "thesis").touch()
    with pytest.raises(InputError, match="is not a run folder"):
        shelf.removable(tmp_path, unused=False)


def test_a_run_that_somebody_is_writing_to_is_not_removed(world, small, tmp_path):
    runner.run(small(), tmp_path / "run")
    with files.lock(tmp_path / "run"), pytest.raises(GroundupError):
        shelf.remove(tmp_path / "run", [tmp_path / "run"])
    assert (tmp_path / "run").is_dir()


def test_hard_links_count_once(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1000)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert shelf.size_bytes(tmp_path) == 1000
