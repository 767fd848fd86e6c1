"""The learner's functions in one model: a right one changes no gradient, a wrong one shows."""

import math

import pytest

from groundup.course import shelf
from groundup.course.exercise import solution
from groundup.course.paths import milestones, together, walk
from groundup.errors import InputError

DETACHED = "\n\ndef rms_norm(x, *rest):\n    return whole(x.detach(), *rest)\n"


def test_a_number_that_is_none_is_infinitely_far_off():
    assert together.difference([math.nan, 1.0], [1.0, 1.0]) == math.inf


@pytest.mark.slow
def test_a_right_norm_has_the_references_gradients_and_a_detached_one_has_not(tmp_path):
    right = solution(shelf.find("rms_norm"))
    reference = together.measure("gradients", None)
    assert reference["calls"] == {}
    assert sum(value != 0 for value in reference["values"]) > 0.9 * len(reference["values"])
    for name, text, same in (
        ("right", right, True),
        ("wrong", right.replace("def rms_norm(", "def whole(") + DETACHED, False),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rms_norm.py").write_text(text)
        found = together.measure("gradients", tmp_path / name)
        assert found["calls"]["model.layers.rms_norm"] > 0
        assert (together.difference(found["values"], reference["values"]) <= together.CLOSE) is same


@pytest.mark.slow
def test_a_function_that_raises_is_one_sentence_with_its_line(tmp_path):
    (tmp_path / "rms_norm.py").write_text("def rms_norm(x, *rest, **named):\n    raise ValueError('no')\n")
    with pytest.raises(InputError, match=r"rms_norm\.py:2: your rms_norm raised ValueError: no"):
        together.measure("gradients", tmp_path)


def test_what_a_lesson_ends_with_is_one_sentence():
    try:
        try:
            raise AssertionError("derived is as measured")
        except AssertionError as inner:
            raise RuntimeError("a cell raised") from inner
    except RuntimeError as error:
        assert str(together._told(error)) == "with your functions an assert of the lesson fails: derived is as measured"
    assert "ends in KeyError" in str(together._told(KeyError("x")))
    assert str(together._told(InputError("my/x.py:2: your x raised"))) == "my/x.py:2: your x raised"


BACKWARD = milestones.proofs()["project-backpropagation"]


@pytest.mark.slow
def test_the_lesson_holds_with_right_functions_and_names_a_wrong_one(tmp_path):
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    walk.put(tmp_path, BACKWARD.wanted())
    found = together.measure("lesson", tmp_path, BACKWARD.lesson)
    assert found["frameworks"] == [] and not found["differs"]
    assert all(found["calls"][id] and found["compared"][id] for id in BACKWARD.called)
    file = tmp_path / "layer_norm_backward.py"
    file.write_text(file.read_text().replace("def layer_norm_backward(", "def right(") + WRONG)
    with pytest.raises(InputError, match="with your functions an assert of the lesson fails: as measured"):
        together.measure("lesson", tmp_path, BACKWARD.lesson)


WRONG = """

def layer_norm_backward(*arguments, **named):
    first, *rest = right(*arguments, **named)
    return 0.5 * first, *rest
"""
