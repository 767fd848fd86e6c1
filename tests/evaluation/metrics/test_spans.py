"""Spans of BIO tags: conlleval's reading, counts by hand, and what holds for any tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.evaluation.metrics.spans import bio_spans, span_f1

TAGS = st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"]), max_size=10)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-X I-X O", [(0, 2, "X")]),
        ("B-X B-X", [(0, 1, "X"), (1, 2, "X")]),
        ("B-X I-Y I-Y", [(0, 1, "X"), (1, 3, "Y")]),  # conlleval: another type begins another span
        ("I-X I-X O I-X", [(0, 2, "X"), (3, 4, "X")]),  # a loose I begins one
        ("O B-creative-work I-creative-work", [(1, 3, "creative-work")]),
        ("B I O I B", [(0, 2, ""), (3, 4, ""), (4, 5, "")]),  # chunks without a type
    ],
)
def test_spans_are_read_as_conlleval_reads_them(tags, spans):
    assert bio_spans(tags.split()) == spans


def test_a_span_counts_whole_or_not_at_all():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG"]]
    found = span_f1(gold, [["B-PER", "O", "O", "B-LOC"], ["B-LOC"]])
    assert found["all"][:3] == pytest.approx((1 / 3, 1 / 3, 1 / 3)) and found["all"][3:] == (3, 3, 1)
    assert found["LOC"][:3] == pytest.approx((0.5, 1.0, 2 / 3)) and found["PER"].f1 == 0 == found["ORG"].recall


@given(st.lists(TAGS, max_size=4))
def test_what_equals_the_gold_is_right(rows):
    found = span_f1(rows, rows)["all"]
    assert found.right == found.gold == found.predicted and (found.f1 == 1.0 if found.gold else found.f1 == 0.0)


@given(TAGS)
def test_spans_do_not_overlap_and_cover_all_that_is_not_outside(tags):
    spans = bio_spans(tags)
    covered = [place for span in spans for place in range(span.start, span.end)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]
    assert all(tags[place][2:] == span.type for span in spans for place in range(span.start, span.end))


def test_a_type_of_the_name_all_leaves_the_total_alone():
    found = span_f1([["B-all", "B-X"]], [["B-all", "O"]])
    assert found["all"].gold == 2 and found["type all"].gold == 1 and found["X"].recall == 0


def test_as_many_sentences_are_wanted_of_both():
    with pytest.raises(InputError, match="2 sentences of gold tags and 1 of predicted ones; give as many"):
        span_f1([["O"], ["O"]], [["O"]])


def test_rows_of_different_length_are_named():
    with pytest.raises(InputError, match="sentence 2 has 2 gold tags and 1 predicted ones; give as many"):
        span_f1([["O"], ["O", "O"]], [["O"], ["O"]])
