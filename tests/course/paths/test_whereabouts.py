"""Whoever knows one place of a topic is told the others, and what is not there is not claimed."""

import pytest

from groundup.course import shelf
from groundup.course.paths import whereabouts
from groundup.course.topics import resolve, syllabus


def test_a_topic_with_a_file_has_its_mirrors():
    [topic] = resolve("model.attention.masks")
    found = whereabouts.of(topic)
    assert found.state == "built"
    assert found.source == "src/groundup/model/attention/masks.py"
    assert found.test == "tests/model/attention/test_masks.py"
    names = ("documents", "sliding_window")
    assert found.exercise == tuple(f"src/groundup/course/exercises/model/attention/{name}.py" for name in names)


def test_a_topic_that_is_not_built_has_no_place(monkeypatch, tmp_path):
    topic = next(topic for topic in syllabus() if topic.source() is None)
    found = whereabouts.of(topic)
    assert (found.state, found.source, found.test, found.exercise) == ("waits", "", "", ())


def test_every_place_that_is_named_is_there():
    for topic in syllabus():
        found = whereabouts.of(topic)
        for place in (found.source, found.test, found.lesson, found.benchmark, *found.exercise):
            assert not place or (whereabouts.ROOT / place).exists(), place


@pytest.mark.parametrize("exercise", shelf.exercises(), ids=lambda one: one.id)
def test_every_exercise_belongs_to_a_topic_of_its_module(exercise):
    module = exercise.id.rpartition(".")[0]
    assert any(exercise in whereabouts.exercises(topic) for topic in resolve(module))
