"""The shelf is listed fast, and an exercise is found by what people type."""

import subprocess
import sys

import pytest

from groundup.course import shelf
from groundup.course.exercise import Exercise, source_of
from groundup.course.topics import syllabus
from groundup.errors import InputError


def test_exercises_stand_in_the_order_of_the_syllabus_and_the_easier_first():
    found = shelf.exercises()
    assert found and all(isinstance(one, Exercise) for one in found)
    modules = list(dict.fromkeys(f"{topic.room}.{topic.module}" for topic in syllabus()))
    places = [modules.index(one.id.rpartition(".")[0]) for one in found]
    assert places == sorted(places)
    of_decoding = [
        one.difficulty for one in found if one.id.startswith("inference.decoding") and source_of(one).stem == "sampling"
    ]
    assert of_decoding == sorted(of_decoding)
    names = [one.name for one in found]
    assert names.index("train_bpe") < names.index("answer_mask") and names.index("repeat_heads") < names.index(
        "documents"
    )


@pytest.mark.parametrize("word", ["inference.decoding.top_p", "top_p", "top-p", " Top_P "])
def test_an_exercise_is_found_by_id_and_by_name(word):
    assert shelf.find(word).id == "inference.decoding.top_p"


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("top_pp", "did you mean top_p"),
        ("attention", "scaled_dot_product_attention"),
        ("nucleus", "did you mean top_p"),
        ("zzzz", "choose one of "),
        ("", "choose one of "),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(word, answer):
    with pytest.raises(InputError, match=answer):
        shelf.find(word)


def test_a_name_of_two_exercises_asks_for_the_id(tmp_path):
    for room in ("a", "b"):
        (tmp_path / f"{room}.py").write_text(PACK.format(slot=f"pack.{room}.same"))
    with pytest.raises(InputError, match=r"give the id: pack.a.same or pack.b.same"):
        shelf.find("same", shelf.exercises(tmp_path))


def test_an_id_that_stands_twice_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(PACK.format(slot="pack.same"))
    with pytest.raises(InputError, match=r"holds pack.same twice"):
        shelf.exercises(tmp_path)


def test_files_that_declare_nothing_are_passed_over_and_asked_for_are_named(tmp_path):
    (tmp_path / "reference.py").write_text("x = 1\n")
    assert shelf.exercises(tmp_path) == ()
    with pytest.raises(InputError, match="declares no EXERCISE"):
        shelf.load(tmp_path / "reference.py")
    with pytest.raises(InputError, match="check the path"):
        shelf.load(tmp_path / "gone.py")
    with pytest.raises(InputError, match="the shelf is empty"):
        shelf.find("a", [])


def test_listing_loads_neither_torch_nor_numpy():
    program = "from groundup.course import shelf\nassert shelf.exercises()\nimport sys\nassert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


PACK = """
from groundup.course.exercise import Exercise, check

@check("values")
def it_adds(mine):
    '''Does not add.'''
    assert mine(1, 2) == 3

EXERCISE = Exercise(slot="{slot}", title="t", task="t", difficulty=1, minutes=5, hints=("a", "b", "c"), run="groundup demo",
                    checks=(it_adds,), mutants=(), reference="reference.txt")
"""
