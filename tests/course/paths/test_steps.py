"""Every path is read, whatever it calls its parts, and every id in it is one of the syllabus."""

import pytest

from groundup.course.paths import steps
from groundup.course.paths.milestones import CHECKS
from groundup.course.topics import path_ids, paths
from groundup.errors import InputError


def test_every_path_of_the_file_is_there_with_all_its_ids():
    written = {id for name in paths() for id in path_ids(name)}
    read = {id for way in steps.every() for step in way.steps for id in (*step.topics, *step.further)}
    assert read == written
    assert all(step.resolved() for way in steps.every() for step in way.steps)


@pytest.mark.parametrize(
    ("name", "count", "time"),
    [
        ("chapters", 8, "28-36 hours"),
        ("topics", 12, ""),
        ("phases", 10, "30-45 months"),
        ("hands-on", 7, ""),
        ("tracks", 4, ""),
    ],
)
def test_a_path_has_the_steps_and_time_of_its_guide(name, count, time):
    way = steps.path(name)
    assert (len(way.steps), way.time) == (count, time)


def test_each_of_the_twelve_topics_has_three_practical_works():
    assert all(len(step.hands_on) == 3 for step in steps.path("topics").steps)


def test_an_unknown_path_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="there is no path 'chaptrs'; choose chapters"):
        steps.path("chaptrs")


def test_every_project_of_the_phases_has_a_row_and_every_titled_row_is_a_project():
    written = {level: paths()["phases"][level] for level in steps.LEVELS}
    projects = steps.path("phases").projects
    assert {level: [work.goal for work in works] for level, works in projects.items()} == written
    works = {work.id: work for works in projects.values() for work in works}
    assert len(works) == 10 and all(id.startswith("project-") for id in works)
    titled = {id for id, row in steps.rows().items() if "title" in row}
    assert titled == works.keys() and all(work.check in CHECKS for work in works.values())


def test_a_project_without_a_row_is_named(monkeypatch):
    monkeypatch.setattr(steps, "rows", dict)
    with pytest.raises(AssertionError, match="0 rows with the title 'a robot'"):
        steps._project("a robot")


def test_only_chapters_and_phases_have_works_beside_their_steps():
    assert [way.name for way in steps.every() if way.projects] == ["phases"]
    assert [way.name for way in steps.every() if way.success] == ["chapters"]
    first, _ = next(steps.path("phases").milestones())
    assert first == "beginner project: backpropagation from scratch"
