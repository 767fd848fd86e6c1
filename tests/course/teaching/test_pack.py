"""A pack is proved like the library's exercises: the guide's example passes, and each way of being wrong is a fault."""

import re

import pytest

from groundup.course.teaching import pack
from groundup.course.teaching.proof import prove
from groundup.errors import GroundupError


def edited(folder, old, new, name="sum_of_squares.py"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_the_guides_example_is_proved(pack_folder):
    heard = []
    made, reports = prove(pack_folder, heard.append)
    assert made.name == "warming up" and reports == heard
    assert [(one.id, one.mutants, one.faults, one.notes) for one in reports] == [
        ("warming_up.sum_of_squares", 5, (), ())
    ]


@pytest.mark.parametrize(
    ("old", "new", "name", "words"),
    [
        (
            "return sum(number * number",
            "numbers = [*numbers, 3]\n    return sum(number * number",
            "sum_of_squares.txt",
            "the solution does not pass: values: Adds something",
        ),
        ("number * abs(number)", "number  *  number", "sum_of_squares.py", "'signs kept': survives"),
        ('"Lets signs cancel", (', '"Forgets", (', "sum_of_squares.py", "where 'Forgets' was expected"),
        (
            'def squares_are_added(mine):\n    """Adds something other than the squares."""',
            "def squares_are_added(mine):",
            "sum_of_squares.py",
            "names no mistake",
        ),
        ('        "Square each number before you add it.",\n', "", "sum_of_squares.py", "has [12] hints; write three"),
        ('check("invariant")', 'check("shapes")', "sum_of_squares.py", "'shapes' is no rung"),
        ('reference="sum_of_squares.txt"', 'reference="../x.txt"', "sum_of_squares.py", "is no file of the pack"),
        ('reference="sum_of_squares.txt",', "", "sum_of_squares.py", "is no slot of the library"),
        ("def sum_of_squares", "def squares", "sum_of_squares.txt", "the reference has no function 'sum_of_squares'"),
        ("EXERCISE = Exercise(", "EXERCISE = = Exercise(", "sum_of_squares.py", r"line \d+: invalid syntax"),
        ("EXERCISE = ", "OTHER = ", "sum_of_squares.py", "declares no EXERCISE"),
        ('title="Add up squares"', 'title=" "', "sum_of_squares.py", "it has no title"),
        (
            '(("number * number", "abs(number)"),)',
            '(("numbers * number", "abs(number)"),)',
            "sum_of_squares.py",
            "stands 0 times",
        ),
    ],
)
def test_each_way_of_being_unproved_is_a_fault(pack_folder, old, new, name, words):
    edited(pack_folder, old, new, name)
    [report] = prove(pack_folder)[1]
    assert re.search(words, "\n".join(report.faults)), report.faults


def test_fewer_than_four_wrong_versions_are_a_fault(pack_folder):
    text = (pack_folder / "sum_of_squares.py").read_text()
    start, end = text.index("    mutants=("), text.index("    reference=")
    (pack_folder / "sum_of_squares.py").write_text(text[:start] + "    mutants=(),\n" + text[end:])
    [report] = prove(pack_folder)[1]
    assert report.faults == ("it has 0 wrong versions; add at least 4 more, each with the sentence that it must get",)
    assert len(report.notes) == 4


def test_two_exercises_of_one_slot_are_a_fault(pack_folder):
    (pack_folder / "again.py").write_text((pack_folder / "sum_of_squares.py").read_text())
    edited(pack_folder, '["sum_of_squares.py"]', '["sum_of_squares.py", "again.py"]', "pack.toml")
    assert "is called warming_up.sum_of_squares too" in prove(pack_folder)[1][1].faults[0]
    with pytest.raises(GroundupError, match="holds warming_up.sum_of_squares twice"):
        pack.exercises(pack_folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("author", "authors", "unknown key 'authors'; use name, version, author, licence, exercises"),
        ('version = "1"\n', "", "has no version; add a line"),
        ('version = "1"', "version = 1", "version = 1 is not text"),
        ('["sum_of_squares.py"]', "[]", "list the exercises' files"),
        ('["sum_of_squares.py"]', '["../x.py"]', "'../x.py', which is no .py file of this folder"),
        ('["sum_of_squares.py"]', '["sum_of_squares.py", "sum_of_squares.py"]', "twice; remove one"),
        ("name =", "name", "is not valid TOML"),
    ],
)
def test_a_manifest_that_cannot_be_is_one_sentence(pack_folder, old, new, words):
    edited(pack_folder, old, new, "pack.toml")
    with pytest.raises(GroundupError, match=words):
        pack.read(pack_folder)


def test_a_folder_that_is_no_pack_is_one_sentence(tmp_path):
    for folder, words in ((tmp_path, "pack.toml is not there"), (tmp_path / "gone", "there is no folder")):
        with pytest.raises(GroundupError, match=words):
            pack.read(folder)
