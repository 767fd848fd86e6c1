"""Who may look at whom, written out."""

import pytest
import torch

from groundup.model.attention import masks


def drawn(mask):
    return ["".join("1" if seen else "." for seen in row) for row in mask[0].tolist()]


def test_causal_lets_nobody_look_ahead():
    assert drawn(masks.causal(3)) == ["1..", "11.", "111"]


def test_with_earlier_keys_the_last_query_stands_at_the_last_key():
    assert drawn(masks.causal(2, 4)) == ["111.", "1111"]


def test_documents_do_not_see_each_other_and_padding_is_seen_by_nobody():
    packed = masks.causal(5) & masks.documents(torch.tensor([[0, 0, 1, 1, -1]]))
    assert drawn(packed) == ["1....", "11...", "..1..", "..11.", "....."]


def test_a_document_that_comes_back_later_is_the_same_document():
    assert drawn(masks.documents(torch.tensor([[7, 3, 7]]))) == ["1.1", ".1.", "1.1"]


def test_padding_hides_the_left_from_every_query():
    assert drawn(masks.causal(3) & masks.padding(torch.tensor([[0, 1, 1]]))) == ["...", ".1.", ".11"]


def test_a_window_of_two_is_the_token_itself_and_the_one_before():
    """Window of w: w keys, not w + 1 (ml-explore/mlx-lm#390)."""
    assert drawn(masks.causal(4) & masks.sliding_window(4, 4, 2)) == ["1...", "11..", ".11.", "..11"]


def test_a_window_alone_hides_only_what_lies_too_far_back():
    assert drawn(masks.sliding_window(3, 3, 2)) == ["111", "111", ".11"]


def test_a_window_with_earlier_keys_counts_from_the_last_query_at_the_last_key():
    assert drawn(masks.causal(2, 5) & masks.sliding_window(2, 5, 3)) == [".111.", "..111"]
    assert drawn(masks.sliding_window(1, 5, 1)) == ["....1"]


@pytest.mark.parametrize("window", [1, 2, 5, 8, 9])
def test_every_query_sees_as_many_keys_as_the_window_has_or_as_there_are(window):
    seen = (masks.causal(9) & masks.sliding_window(9, 9, window))[0].sum(1)
    assert seen.tolist() == [min(position + 1, window) for position in range(9)]
