import pytest

from groundup.alignment.challenges import landscape
from groundup.course.topics import syllabus
from groundup.errors import InputError

TOPICS = {topic.id: topic for topic in syllabus()}


@pytest.mark.parametrize("one", landscape.DIRECTIONS, ids=lambda one: one.name)
def test_every_direction_names_topics_of_the_syllabus_an_open_question_and_a_source(one):
    assert one.topics and all(topic in TOPICS for topic in one.topics)
    assert one.group in landscape.GROUPS
    assert one.asks.endswith("?") and one.open.endswith("?") and one.shows
    assert any(digit.isdigit() for digit in one.source)


def test_names_are_there_once_and_every_group_has_some():
    names = [one.name for one in landscape.DIRECTIONS]
    assert len(set(names)) == len(names)
    assert {one.group for one in landscape.DIRECTIONS} == set(landscape.GROUPS)


def test_every_challenge_of_the_syllabus_is_on_the_map_but_the_map_itself():
    here = {id for id in TOPICS if id.startswith("alignment.challenges.")} - {"alignment.challenges.landscape"}
    assert here <= {topic for one in landscape.DIRECTIONS for topic in one.topics}


def test_directions_are_found_by_group_and_by_topic_module_or_room():
    assert [one.name for one in landscape.directions(topic="alignment.challenges.tax")] == ["Alignment tax"]
    assert {one.group for one in landscape.directions(group="misuse")} == {"misuse"}
    assert len(landscape.directions(topic="interpret")) >= 3
    assert landscape.directions() == list(landscape.DIRECTIONS)


def test_what_is_not_on_the_map_is_said():
    with pytest.raises(InputError, match="did you mean"):
        landscape.directions(group="overside")
    with pytest.raises(InputError, match="no direction is demonstrated by 'model.attention'"):
        landscape.directions(topic="model.attention")


def test_what_is_built_is_told_from_what_is_promised():
    told = landscape.demonstrated(["alignment.challenges.tax"])
    assert told["Alignment tax"] and not told["Debate"] and len(told) == len(landscape.DIRECTIONS)


def test_the_table_has_a_line_a_direction_and_the_docs_have_the_table(request):
    lines = landscape.table().splitlines()
    assert len(lines) == 2 + len(landscape.DIRECTIONS) and all(line.count("|") == 7 for line in lines)
    page = (request.config.rootpath / "docs" / "challenges.md").read_text(encoding="utf-8")
    assert landscape.table() in page, "write docs/challenges.md anew from landscape.table()"
