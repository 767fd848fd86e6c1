"""The syllabus is read whole, and a topic is found by what people call it."""

import pytest

from groundup.course.topics import find, path_ids, paths, resolve, syllabus
from groundup.errors import InputError


def test_ids_are_unique_and_every_topic_says_what_must_work():
    ids = [topic.id for topic in syllabus()]
    assert len(ids) == len(set(ids)) > 300
    assert all(len(topic.goal.split()) >= 1 and topic.goal == topic.goal.strip() for topic in syllabus())


@pytest.mark.parametrize(
    ("word", "id"),
    [
        ("rotary", "model.positions.rotary"),
        ("RoPE", "model.positions.rotary"),
        ("GRPO", "alignment.grpo.grpo"),
        ("YaRN", "model.positions.extension"),
        ("grouped-query", "model.attention.multi_head"),
        ("kv_cache", "inference.cache.kv_cache"),
        ("Kneser-Ney", "text.ngram.smoothing"),
    ],
)
def test_a_topic_is_found_by_the_fields_own_names(word, id):
    assert id in [topic.id for topic in find(word)]


def test_what_is_named_so_stands_before_what_speaks_of_it():
    assert find("lora")[0].id == "tuning.efficient.lora"


def test_an_unknown_word_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'rotary'"):
        find("rotaryy")


def test_a_module_and_a_room_stand_for_all_their_topics():
    assert [topic.name for topic in resolve("text.ngram")] == ["counts", "smoothing"]
    assert {topic.room for topic in resolve("alignment")} == {"alignment"}
    assert [topic.id for topic in resolve("model.positions.rotary")] == ["model.positions.rotary"]


def test_half_a_name_is_no_id():
    with pytest.raises(InputError, match="did you mean"):
        resolve("model.positions.rot")


def test_a_topics_code_is_the_closest_file_that_is_built():
    assert str(find("rotary")[0].source()) == "model/positions/rotary.py"
    assert str(resolve("model.accounting")[0].source()) == "model/accounting/accounting.py"
    assert str(resolve("data.sources.tinyworld")[0].source()) == "data/sources/tinyworld"


def test_there_are_eight_chapters_and_twelve_topics_with_three_works_each():
    assert len(paths()["chapters"]["chapter"]) == 8
    assert [len(topic["practice"]) for topic in paths()["topics"]["topic"]] == [3] * 12
    assert "text.tokenizers.bpe" in set(path_ids("chapters")) and "text.tokenizers" in set(path_ids("chapters"))
