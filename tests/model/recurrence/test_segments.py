"""What a mask says to a recurrence, against attention's own use of the same mask."""

import torch

from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.recurrence.segments import faded, segments_of, written


def test_no_mask_is_one_document():
    assert segments_of(None, 3) is None
    x = torch.ones(1, 2, 3)
    assert faded(x, None) is x and written(x, None) is x


def test_packed_documents_start_where_their_ids_change():
    ids = torch.tensor([[0, 0, 1, 1, 1, 2], [4, 4, 4, 4, 4, 4]])
    found = segments_of(masks.causal(6) & masks.documents(ids), 6)
    assert found.starts.tolist() == [[True, False, True, False, False, True], [True] + [False] * 5]
    assert found.real.all()
    assert found.document.tolist() == [[1, 1, 2, 2, 2, 3], [1] * 6]


def test_left_padding_is_not_real_and_the_first_real_token_starts():
    attention_mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    found = segments_of(masks.causal(4) & masks.padding(attention_mask), 4)
    assert found.real.tolist() == [[False, False, True, True], [True] * 4]
    assert found.starts.tolist() == [[False, False, True, False], [True, False, False, False]]


def test_a_token_after_padding_in_the_middle_goes_on_with_its_document():
    attention_mask = torch.tensor([[1, 0, 1]])
    found = segments_of(masks.causal(3) & masks.padding(attention_mask), 3)
    assert found.starts.tolist() == [[True, False, False]]


def test_a_step_behind_a_cache_starts_only_where_nothing_cached_is_seen():
    seen = torch.tensor([[[True, True, True]], [[False, True, True]], [[False, False, True]]])
    assert segments_of(seen, 1).starts.tolist() == [[False], [False], [True]]


def test_a_prepared_mask_says_the_same():
    mask = masks.causal(5) & masks.documents(torch.tensor([[0, 0, 1, -1, -1]]))
    plain, prepared = segments_of(mask, 5), segments_of(prepare_mask(mask, torch.float32), 5)
    assert all(torch.equal(one, other) for one, other in zip(plain, prepared, strict=True))


def test_padding_keeps_the_state_and_a_start_empties_it():
    attention_mask = torch.tensor([[0, 1, 1]])
    found = segments_of(masks.causal(3) & masks.padding(attention_mask), 3)
    assert faded(torch.full((1, 2, 3), -0.5), found)[0, 0].tolist() == [0.0, -torch.inf, -0.5]
    assert written(torch.ones(1, 3, 2), found)[0, :, 0].tolist() == [0.0, 1.0, 1.0]
