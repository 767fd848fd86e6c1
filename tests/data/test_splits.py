"""Holding out a part of the user's text: the right amount, the same each time, nothing lost, nothing on both sides."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.documents import Document
from groundup.data.splits import cut, hold_out
from groundup.errors import InputError


def book(characters=200_000, seed=0):
    source = random.Random(seed)
    text = "\n\n".join(
        " ".join(str(source.random()) for _ in range(source.randint(5, 40))) for _ in range(characters // 400)
    )
    return text[:characters]


def of(*texts):
    return [Document(f"{number}.txt", text, "files") for number, text in enumerate(texts)]


def size(documents):
    return sum(len(document.text) for document in documents)


@given(st.text("ab \n", max_size=400), st.integers(1, 50))
def test_the_blocks_of_a_text_are_the_text(text, length):
    blocks = cut(text, length)
    assert "".join(blocks) == text
    assert all(length <= len(block) <= 2 * length + 1 for block in blocks[:-1])


def test_blocks_end_at_blank_lines_where_there_are_some():
    assert all(block.endswith("\n\n") for block in cut(book(), 1000)[:-1])


@pytest.mark.parametrize("characters", [1_200, 10_000, 100_000, 2_000_000])
def test_about_a_twenty_fifth_of_one_file_is_held_out(characters):
    text = book(characters)
    train, heldout = hold_out(of(text))
    assert size(train) + size(heldout) == len(text)
    assert 0.03 * len(text) < size(heldout) < 0.05 * len(text) + 450
    assert not {document.id for document in train} & {document.id for document in heldout}


def test_a_text_of_one_line_is_cut_between_words():
    train, heldout = hold_out(of("word " * 2000 + book(20_000).replace("\n", " ")))
    assert heldout and all(document.text[-1] in " 0123456789" for document in train)


def test_the_training_text_is_cut_only_where_something_was_held_out():
    text = book()
    train, heldout = hold_out(of(text))
    assert len(train) <= len(heldout) + 1
    assert all(document.text in text for document in train)


def test_many_short_documents_are_held_out_whole():
    documents = of(*(f"document {number} " * 5 for number in range(1000)))
    train, heldout = hold_out(documents)
    assert sorted(d.id for d in train + heldout) == sorted(d.id for d in documents)
    assert 0.03 * size(documents) < size(heldout) < 0.05 * size(documents)


def test_the_order_and_the_names_of_files_decide_nothing():
    texts = [book(5_000, seed) for seed in range(20)]
    first = hold_out(of(*texts))
    again = hold_out([Document("other/" + d.id, d.text, "files") for d in of(*texts[::-1])])
    for side, other in zip(first, again, strict=True):
        assert sorted(d.text for d in side) == sorted(d.text for d in other)


def test_a_copy_of_a_file_is_on_neither_side_twice():
    texts = [book(3_000, seed) for seed in range(30)]
    train, heldout = hold_out(of(*texts, *texts))
    assert size(train) + size(heldout) == sum(map(len, texts))


def test_not_more_is_held_out_than_is_asked_for():
    _, heldout = hold_out(of(book(1_000_000)), most_bytes=10_000)
    assert 10_000 <= size(heldout) <= 10_000 + 2 * 4096


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text("abc \n", min_size=600, max_size=3000), min_size=2, max_size=6))
def test_both_sides_have_something(texts):
    train, heldout = hold_out(of(*texts, "x" * 1000, "y" * 1000))
    assert size(train) and size(heldout)


@pytest.mark.parametrize("text", ["short", "x" * 999])
def test_too_little_text_says_how_much_is_needed(text):
    with pytest.raises(InputError, match=r"too few to train .*; pass a longer text \(1,000 characters at least"):
        hold_out(of(text))


@pytest.mark.parametrize("characters", range(20_000, 30_000, 1_000))
def test_equal_blocks_of_one_document_are_on_one_side(characters):
    blocks = book(60_000).split("\n\n")
    text = "\n\n".join(f"{block[:250]:x<298}" for block in blocks for _ in range(2))[:characters]
    train, measured = hold_out(of(text), share=0.3)
    sides = [
        {part for one in side for part in one.text.split("\n\n") if len(part) == 298} for side in (train, measured)
    ]
    assert sides[0] and sides[1] and not sides[0] & sides[1]


def test_the_held_out_part_is_measured_in_bytes():
    text = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(60_000))
    _, measured = hold_out(of(*(text[at : at + 300] for at in range(0, len(text), 300))), most_bytes=3_000)
    assert 3_000 <= sum(len(one.text.encode()) for one in measured) < 3_900
