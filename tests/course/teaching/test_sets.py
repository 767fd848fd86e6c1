"""A set is chosen by names, written, and read back the same; what cannot be is refused by key."""

import dataclasses

import pytest

from groundup.course import shelf
from groundup.course.exercise import source_of, stub
from groundup.course.teaching import sets
from groundup.course.teaching.release import release
from groundup.errors import GroundupError, InputError


def composed(*words):
    return sets.compose("week 3", sets.choose(words, shelf.exercises()))


def test_exercises_are_chosen_by_name_id_and_module_each_once():
    chosen = sets.choose(("inference.decoding.top_p", "top_p", "inference.decoding", "grpo_loss"), shelf.exercises())
    names = [one.name for one in chosen]
    assert names[0] == "top_p" and names[-1] == "grpo_loss" and len(names) == len(set(names)) and "top_k" in names
    with pytest.raises(InputError, match="did you mean top_p"):
        sets.choose(("topp",), shelf.exercises())
    with pytest.raises(InputError, match="a set needs exercises"):
        sets.choose((), shelf.exercises())


def test_a_set_is_read_back_as_it_was_written(tmp_path):
    made = composed("top_p", "min_p")
    (tmp_path / "set.toml").write_text(made.to_toml())
    assert sets.read(tmp_path / "set.toml", shelf.exercises()) == made and made.points == 2


def test_two_functions_of_one_name_get_files_of_their_own():
    one = shelf.find("top_p")
    other = dataclasses.replace(one, slot="my.pack.top_p", reference=str(source_of(one)))
    made = sets.compose("x", [one, other, shelf.find("min_p")])
    assert [task.file for task in made.tasks] == ["inference_decoding_top_p.py", "my_pack_top_p.py", "min_p.py"]


def test_a_release_holds_stubs_tasks_and_manifest_and_overwrites_nothing(tmp_path):
    made = composed("top_p", "min_p")
    release(made, tmp_path / "week3")
    assert sorted(file.name for file in (tmp_path / "week3").iterdir()) == [
        "README.md",
        "min_p.py",
        "set.toml",
        "top_p.py",
    ]
    text = (tmp_path / "week3" / "top_p.py").read_text()
    assert text == stub(shelf.find("top_p")) and made.tasks[0].stub_sha256 == sets.checksum(text)
    assert "half of the weight" in (tmp_path / "week3" / "README.md").read_text()
    assert not made.tasks[0].changed_since() and dataclasses.replace(made.tasks[0], stub_sha256="0").changed_since()
    with pytest.raises(InputError, match="is not empty; choose a new folder"):
        release(made, tmp_path / "week3")


ROW = '["inference.decoding.top_p"]\nfile = "top_p.py"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'x'\nfoo = 1\n" + ROW, "unknown key 'foo'; use name, groundup, pack"),
        (ROW, "has no name; add a line name"),
        ("name = 3\n" + ROW, "name = 3 is not text"),
        ("name = 'x'\n", "names no exercise"),
        ("name = 'x'\n['inference.decoding.topp']\nfile = 'a.py'", "did you mean top_p"),
        ("name = 'x'\n[top_p]\nfile = 'a.py'", "write 'inference.decoding.top_p'"),
        ("name = 'x'\n" + ROW + "weigth = 2\n", "unknown key 'weigth'; use file, weight"),
        ("name = 'x'\n" + ROW + "weight = -1\n", "write a number above 0"),
        ("name = 'x'\n" + ROW + "weight = nan\n", "write a number above 0"),
        ("name = 'x'\n" + ROW + "weight = true\n", "weight = True is not a number"),
        ("name = 'x'\n" + ROW.replace("top_p.py", "../top_p.py"), "write a file's name"),
        ("name = 'x'\n" + ROW + '["inference.decoding.min_p"]\nfile = "Top_p.py"', "two exercises have the file"),
        ("name = \n", "is not valid TOML"),
    ],
)
def test_a_manifest_that_cannot_be_is_one_sentence(tmp_path, text, words):
    (tmp_path / "set.toml").write_text(text)
    with pytest.raises(GroundupError, match=words):
        sets.read(tmp_path / "set.toml", shelf.exercises())
    with pytest.raises(InputError, match="is not there"):
        sets.read(tmp_path / "gone.toml", shelf.exercises())
