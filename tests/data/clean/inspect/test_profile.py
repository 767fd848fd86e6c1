"""A corpus in figures: by hand where they can be counted, in the right order where they are measured."""

import random

import pytest

from groundup.data.clean.inspect import profile
from groundup.data.documents import Document
from groundup.errors import InputError


def corpus():
    """Plain sentences, shuffled words, and Greek, as three sources."""
    draw = random.Random(0)
    sentence = "the small cat sat on the old mat near the warm fire and slept"
    for number in range(60):
        words = sentence.split()
        yield Document(f"p{number}", sentence, "plain")
        draw.shuffle(words)
        yield Document(f"s{number}", " ".join(words), "shuffled")
        yield Document(f"g{number}", "η γάτα κοιμάται\nη γάτα κοιμάται", "greek")


def test_figures_by_hand():
    found = profile.measure(corpus(), order=0)
    greek = found["sources"]["greek"]
    assert found["documents"] == found["sampled"] == 180
    assert (greek["documents"], greek["words"], greek["median_words"], greek["top_script"]) == (60, 360, 6, "Greek")
    assert greek["scripts"] == {"Greek": 1.0} and greek["lines_seen_before"] == pytest.approx(1 - 1 / 120)
    assert greek["bytes"] == 60 * len("η γάτα κοιμάται\nη γάτα κοιμάται".encode())
    assert next(iter(found["top_words"])) == "the"


def test_what_is_unlike_the_rest_is_more_surprising():
    parts = profile.measure(corpus())["sources"]
    assert parts["shuffled"]["bits_per_word"] > parts["plain"]["bits_per_word"] + 1
    assert parts["plain"]["perplexity"] == pytest.approx(2 ** parts["plain"]["bits_per_word"])


def test_the_sample_does_not_depend_on_the_order_and_is_drawn_from_the_whole():
    documents = list(corpus())
    forward, count = profile.sampled(documents, 20)
    backward, _ = profile.sampled(documents[::-1], 20)
    assert count == 180 and {one.id for one in forward} == {one.id for one in backward} and len(forward) == 20
    assert any(int(one.id[1:]) > 30 for one in forward)


def test_files_of_folders_are_told_apart_and_the_smallest_put_together():
    documents = [Document(f"folder{n}/{k}.txt", "words", "files") for n in range(20) for k in range(n + 1)]
    parts = profile.measure(documents, order=0)["sources"]
    assert list(parts)[:2] == ["folder19", "folder18"] and list(parts)[-1] == "9 others"
    assert sum(part["documents"] for part in parts.values()) == 210


def test_the_page_has_its_pictures(tmp_path):
    page = profile.page(profile.measure(corpus()), "corpus")
    assert page.count("figure-") >= 6 and "Surprise, by an n-gram model" in page


def test_nothing_to_look_at_is_a_sentence():
    with pytest.raises(InputError, match="no document to look at"):
        profile.measure([])
