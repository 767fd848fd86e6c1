"""Blank infilling against the paper's own example (Du et al. 2022, figure 2), places counted from 0."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.architectures.blanks import IGNORED, blank_infilling, blanked

M, S, E = 90, 91, 92


def test_the_papers_figure():
    row = blank_infilling([1, 2, 3, 4, 5, 6], [(4, 6), (2, 3)], M, S, E)
    assert row.input_ids.tolist() == [1, 2, M, 4, M, S, 5, 6, S, 3]
    assert row.positions[:, 0].tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 2, 2]
    assert row.positions[:, 1].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 1, 2]
    assert row.targets.tolist() == [IGNORED] * 5 + [5, 6, E, 3, E]
    assert row.prefix == 5


@given(some.data())
def test_putting_the_answers_into_the_blanks_gives_the_text_back(data):
    ids = data.draw(some.lists(some.integers(0, 80), min_size=1, max_size=20))
    cuts = sorted(data.draw(some.sets(some.integers(0, len(ids)), max_size=6)))
    spans = data.draw(some.permutations(list(zip(cuts[::2], cuts[1::2], strict=False))))
    row = blank_infilling(ids, spans, M, S, E)
    answers, place = {}, None
    for token, where in zip(row.targets.tolist()[row.prefix :], row.positions[row.prefix :, 0].tolist(), strict=True):
        answers.setdefault(where, []).append(token)
    rebuilt = []
    for place, token in enumerate(row.input_ids.tolist()[: row.prefix]):
        rebuilt += answers[place][:-1] if token == M else [token]
    assert rebuilt == ids
    assert all(answer[-1] == E for answer in answers.values())


@pytest.mark.parametrize(
    "spans, message",
    [
        ([], "no span is given, so nothing is asked for; give at least one"),
        ([(2, 2)], r"span \(2, 2\) is no part of a text of 4 tokens; give first and one after the last"),
        ([(3, 5)], r"span \(3, 5\) is no part of a text of 4 tokens"),
        ([(2, 4), (1, 3)], r"spans \(1, 3\) and \(2, 4\) overlap; join them into one"),
    ],
)
def test_spans_that_cannot_be_are_refused(spans, message):
    with pytest.raises(InputError, match=message):
        blanked([1, 2, 3, 4], spans, M, S, E)


def test_a_span_at_either_end_is_a_blank_as_well():
    assert blanked([1, 2, 3], [(0, 1), (2, 3)], M, S, E).input_ids.tolist() == [M, 2, M, S, 1, S, 3]
