"""Every path is read, whatever it calls its parts, and every id in it is one of the syllabus."""

import pytest

from groundup.course.paths import steps
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
