"""The questions have one right answer each, their numbers come out, and the placement leads where its answers say."""

import math

import pytest

from groundup.course.paths import questions, steps
from groundup.course.topics import resolve, syllabus
from groundup.errors import InputError

ALL = [*questions.placement(), *(one for three in questions.selftests().values() for one in three)]


def test_the_placement_asks_sixteen_questions_in_five_areas():
    areas = [one.area for one in questions.placement()]
    assert len(areas) == 16 and set(areas) == set(questions.AREAS) and min(map(areas.count, areas)) >= 3


def test_every_module_that_has_code_and_teaches_has_three_questions():
    built = {
        f"{topic.room}.{topic.module}"
        for topic in syllabus()
        if topic.source() and topic.room not in ("course", "workbench")
    }
    known = questions.selftests()
    assert {name: len(three) for name, three in known.items() if len(three) != 3} == {}
    assert all(resolve(name) for name in known)
    assert built - known.keys() <= {name for name in built if not _of_a_chapter(name)}, (
        "a chapter's module without a self-test"
    )


def _of_a_chapter(module):
    ids = [id for step in steps.path("chapters").steps for id in step.topics]
    return any(f"{id}.".startswith(f"{module}.") or f"{module}.".startswith(f"{id}.") for id in ids)


@pytest.mark.parametrize("question", ALL, ids=lambda one: one.ask[:60])
def test_a_question_has_one_right_answer_and_numbers_come_out(question):
    if question.choices:
        assert question.choices.count(question.answer) == 1 and len(set(question.choices)) == 4 and not question.compute
        letters = "abcd"[: len(question.choices)]
        assert [question.right(letter) for letter in letters].count(True) == 1
    else:
        computed = eval(question.compute, {"math": math})  # noqa: S307  (our own text)
        assert computed == pytest.approx(question.answer, abs=question.within + 1e-9)
        assert question.right(str(question.answer)) and not question.right(str(float(question.answer) * 1.1 + 1))
    assert question.why


def test_the_right_choices_do_not_stand_in_one_place():
    places = [one.choices.index(one.answer) for one in ALL if one.choices]
    assert max(map(places.count, range(4))) < 0.7 * len(places) and set(places) == {0, 1, 2, 3}


@pytest.mark.parametrize("reply", ["e", "", "because", "1"])
def test_what_is_no_answer_is_refused_and_not_counted_as_wrong(reply):
    choice = next(one for one in ALL if one.choices)
    with pytest.raises(InputError, match="is no answer; write one of the letters a, b, c, d"):
        choice.right(reply)


def test_numbers_may_be_written_as_fractions():
    question = questions.Question(ask="", answer=0.375, within=0.001, why="")
    assert question.right("3/8") and question.right(" 0.375\n") and not question.right("0.38")
    for reply in ("three", "1/0", "."):
        with pytest.raises(InputError, match="write a number"):
            question.right(reply)


def replies(**right):
    """Answers with so many right in each area; all of an area that is not named."""
    left = {area: right.get(area, 99) for area in questions.AREAS}
    given = []
    for one in questions.placement():
        given.append(left[one.area] > 0)
        left[one.area] -= 1
    return questions.place(given)


def test_the_placement_leads_to_a_path_that_exists_and_a_step_of_it():
    for right in range(17):
        found = questions.place([number < right for number in range(16)])
        titles = [step.title for step in steps.path(found.path).steps]
        assert any(title in found.start for title in titles), found


@pytest.mark.parametrize(
    ("right", "path", "start"),
    [
        ({}, "guide", "Language-model topics"),
        ({"transformers": 3}, "chapters", "3. Attention"),
        ({"transformers": 0}, "chapters", "1. Tokenization"),
        ({"tensors": 1}, "chapters", "1. Tokenization"),
        ({"tensors": 0, "probability": 1}, "topics", "Linear algebra"),
        ({"calculus": 0, "probability": 1}, "topics", "Calculus and optimisation"),
    ],
)
def test_weak_mathematics_comes_first_and_a_known_transformer_is_skipped(right, path, start):
    found = replies(**right)
    assert (found.path, found.start) == (path, start)


def test_a_topic_leads_to_its_modules_test_and_a_room_to_a_choice():
    assert questions.selftest("model.attention.masks") == questions.selftest("model.attention")
    with pytest.raises(InputError, match=r"no self-test of model; choose one of model\.attention"):
        questions.selftest("model")
