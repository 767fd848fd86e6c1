"""The shelf: lessons in the order of the syllabus, found by whatever names them."""

import pytest

from groundup.course.book import find, lessons, named
from groundup.course.topics import syllabus
from groundup.errors import InputError

ATTENTION = "model.attention.scaled_dot_product"


@pytest.mark.parametrize(
    "word",
    [
        ATTENTION,
        "scaled_dot_product",
        "scaled-dot-product",
        "model/attention/scaled_dot_product.py",
        "src/groundup/model/attention/scaled_dot_product.py",
        "src/groundup/lessons/model/attention/scaled_dot_product.py",
        "scaled_dot_product_attention",
        "model.attention.scaled_dot_product_attention",
    ],
)
def test_a_lesson_is_found_by_topic_path_function_or_name(word):
    assert find(word).id == ATTENTION


def test_a_word_that_is_nearly_a_name_is_answered_with_it():
    with pytest.raises(InputError, match=r"there is no lesson 'scaled_dot_produkt'; did you mean model\.attention"):
        find("scaled_dot_produkt")
    with pytest.raises(InputError, match="`groundup learn lesson` lists them"):
        find("zzzzzzzz")


@pytest.mark.parametrize("word", ["machine.kernels.cuda", "cuda", "src/groundup/machine/kernels/cuda", "kernels/cuda"])
def test_a_folder_names_all_its_lessons_and_is_not_one_of_them(word):
    assert {lesson.id.rpartition(".")[0] for lesson in named(word)} == {"machine.kernels.cuda"}
    with pytest.raises(InputError, match=f"several lessons teach '{word}'; choose one of machine"):
        find(word)


def test_a_lesson_comes_before_a_folder_and_a_folder_before_a_function():
    assert [lesson.id for lesson in named("bpe")] == ["text.tokenizers.bpe"]
    assert {lesson.room for lesson in named("model")} == {"model"}


def test_lessons_of_a_topic_s_folder_follow_its_table_of_contents():
    ids = [lesson.id for lesson in lessons()]
    first, *_, last = (f"foundations.learning.supervised.{name}" for name in ("linear", "logistic", "tree"))
    module = [id for id in ids if id.startswith("foundations.learning.")]
    assert module[0] == first and module.index(last) < module.index("foundations.learning.bias_variance")


def test_rooms_come_in_the_order_of_the_syllabus():
    rooms = list(dict.fromkeys(topic.room for topic in syllabus()))
    places = [rooms.index(lesson.room) for lesson in lessons()]
    assert places == sorted(places) and len(lessons()) >= 3


def test_a_lesson_knows_its_title_and_topics():
    lesson = find(ATTENTION)
    assert lesson.title == "Attention: a mean that chooses" and [topic.id for topic in lesson.topics()] == [ATTENTION]
