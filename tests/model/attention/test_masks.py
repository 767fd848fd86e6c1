"""Who may look at whom, written out."""

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
