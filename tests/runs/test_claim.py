"""A run folder belongs to one recipe."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from groundup.errors import ConfigError
from groundup.runs.claim import claim, owner, release

DEMO = SimpleNamespace(name="demo")


def test_a_new_folder_is_made_and_taken(tmp_path):
    assert claim(tmp_path / "runs" / "demo", DEMO)
    assert (tmp_path / "runs" / "demo").is_dir()


def test_a_folder_with_hidden_files_only_is_as_good_as_empty(tmp_path):
    (tmp_path / ".lock").touch()
    assert claim(tmp_path, DEMO)


def test_a_folder_of_the_same_recipe_goes_on(tmp_path):
    (tmp_path / "recipe.toml").write_text('name = "demo"\n')
    assert not claim(tmp_path, DEMO)


def test_a_folder_of_another_recipe_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "recipe.toml").write_text('name = "other"\n')
    with pytest.raises(ConfigError, match="belongs to recipe 'other', not 'demo'; give another folder with --out"):
        claim(tmp_path, DEMO)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ConfigError, match="holds other files and no run; give a new folder with --out"):
        claim(tmp_path, DEMO)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        claim(tmp_path / "out", DEMO)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        claim(tmp_path / "file" / "out", DEMO)


def test_a_damaged_recipe_names_no_owner(tmp_path):
    (tmp_path / "recipe.toml").write_text("name = ")
    assert owner(tmp_path) is None


def test_a_new_folder_that_came_to_nothing_is_removed_but_never_one_with_a_stage_in_it(tmp_path):
    empty, used = tmp_path / "empty", tmp_path / "used"
    for folder in (empty, used):
        claim(folder, DEMO)
    Path(used / "stages" / "01-data-x").mkdir(parents=True)
    release(empty)
    release(used)
    assert not empty.exists() and used.exists()
