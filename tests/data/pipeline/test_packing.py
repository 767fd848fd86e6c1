"""Packing: every token learned once, no row too long, hardly any padding, documents apart from each other."""

import numpy as np
import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st

from groundup.data.pipeline import packing
from groundup.data.pipeline.packing import arrays, best_fit, best_fit_reference, cut, lay_out, pack

LENGTHS = st.lists(st.integers(0, 40), max_size=60)
START = 0


def given(*strategies):
    """The first example waits for the compiler, which is no sign of slowness."""
    return lambda test: settings(deadline=None)(given_(*strategies)(test))


def offsets_of(lengths):
    return np.cumsum([0, *lengths])


def stream(lengths, seed=0):
    """Ids of documents that each end in 0."""
    tokens = np.random.default_rng(seed).integers(1, 1000, sum(lengths)).astype(np.uint16)
    tokens[offsets_of(lengths)[1:][np.array(lengths, int) > 0] - 1] = 0
    return tokens


def laid_out(tokens, rows, start_id=START, mask=None):
    """All rows as arrays."""
    filled = arrays(len(rows), rows.seq_len)
    everything = np.arange(len(rows))
    mask = np.zeros(0, np.uint8) if mask is None else mask
    lay_out(
        tokens,
        mask,
        rows.starts,
        rows.lengths,
        rows.first,
        rows.bounds,
        start_id,
        everything,
        everything,
        *filled.values(),
    )
    return filled


@given(LENGTHS, st.integers(1, 30), st.booleans())
def test_every_token_is_in_exactly_one_piece(lengths, seq_len, start):
    rows = pack(offsets_of(lengths), seq_len, start)
    covered = [
        token for begin, length in zip(rows.starts, rows.lengths, strict=True) for token in range(begin, begin + length)
    ]
    firsts = (
        set() if start else {int(begin) for begin, length in zip(offsets_of(lengths), lengths, strict=False) if length}
    )
    assert sorted(covered) == [token for token in range(sum(lengths)) if token not in firsts]


@given(LENGTHS, st.integers(1, 30))
def test_no_row_is_longer_than_it_may_be(lengths, seq_len):
    rows = pack(offsets_of(lengths), seq_len)
    sizes = [rows.lengths[a:b].sum() for a, b in zip(rows.bounds, rows.bounds[1:], strict=False)]
    assert all(0 < size <= seq_len for size in sizes)


@given(LENGTHS, st.integers(1, 30))
def test_no_two_rows_would_fit_into_one(lengths, seq_len):
    """What best fit promises: at most one row is half empty or more."""
    rows = pack(offsets_of(lengths), seq_len)
    sizes = [int(rows.lengths[a:b].sum()) for a, b in zip(rows.bounds, rows.bounds[1:], strict=False)]
    assert sum(2 * size <= seq_len for size in sizes) <= 1


def best_fit_by_hand(lengths, seq_len):
    """The definition: the fullest row with room; of equally full ones the one that was filled to there last."""
    rows, room, order = [], [], []
    for number, length in enumerate(lengths):
        fitting = [row for row in range(len(room)) if room[row] >= length]
        row = min(fitting, key=lambda row: (room[row], -order[row]), default=None)
        if row is None:
            row = len(room)
            room.append(seq_len)
            order.append(number)
        room[row] -= length
        order[row] = number
        rows.append(row)
    return rows, len(room)


@given(
    st.lists(st.integers(1, 200), max_size=80), st.integers(200, 300), st.sampled_from([best_fit, best_fit_reference])
)
def test_the_fast_fit_and_its_reference_are_the_one_by_hand(lengths, seq_len, fit):
    lengths = sorted(lengths, reverse=True)
    rows, count = fit(np.array(lengths, np.int64), seq_len)
    assert (rows.tolist(), count) == best_fit_by_hand(lengths, seq_len)


@given(st.lists(st.integers(1, 30), max_size=200), st.integers(30, 40))
def test_the_fast_fit_is_its_reference_to_the_row(lengths, seq_len):
    lengths = np.array(sorted(lengths, reverse=True), np.int64)
    (rows, count), (expected, expected_count) = best_fit(lengths, seq_len), best_fit_reference(lengths, seq_len)
    assert (rows.dtype, count) == (expected.dtype, expected_count) and np.array_equal(rows, expected)


def test_a_filled_fit_replaces_the_compiled_one(monkeypatch):
    monkeypatch.setattr(packing, "filled", lambda slot: slot == "data.pipeline.best_fit_reference")
    monkeypatch.setattr(packing, "best_fit_reference", lambda lengths, seq_len: (np.arange(len(lengths)), len(lengths)))
    rows = pack(offsets_of([3, 3, 3]), 10)
    assert len(rows) == 3


def test_the_textbook_example_is_packed_without_a_gap():
    rows = pack(offsets_of([6, 4, 7, 3, 5, 5]), 10)
    assert (len(rows), rows.padding) == (3, 0.0)


def test_many_documents_of_a_real_length_leave_under_a_thousandth_of_padding():
    lengths = np.random.default_rng(1).geometric(1 / 70, 20_000)
    assert pack(offsets_of(lengths), 256).padding < 1e-3


def test_a_row_is_what_the_docstring_draws():
    tokens = np.array([10, 11, 12, 0, 20, 21, 22, 0], np.uint16)
    batch = laid_out(tokens, pack(np.array([0, 4, 8]), 9))
    assert batch["input_ids"].tolist() == [[0, 10, 11, 12, 0, 20, 21, 22, 0]]
    assert batch["targets"].tolist() == [[10, 11, 12, 0, 20, 21, 22, 0, 0]]
    assert batch["document_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1, 1, -1]]
    assert batch["positions"].tolist() == [[0, 1, 2, 3, 0, 1, 2, 3, 0]]
    assert batch["loss_mask"].tolist() == [[True] * 8 + [False]]


def test_a_long_document_is_cut_with_one_token_of_context_and_each_token_counted_once():
    tokens = np.array([10, 11, 12, 13, 14, 15, 0], np.uint16)
    rows = pack(np.array([0, 7]), 4)
    batch = laid_out(tokens, rows)
    assert batch["input_ids"].tolist() == [[0, 10, 11, 12], [13, 14, 15, 0]]
    assert batch["targets"].tolist() == [[10, 11, 12, 13], [14, 15, 0, 0]]
    assert batch["loss_mask"].sum() == 7
    assert batch["positions"].tolist() == [[0, 1, 2, 3], [0, 1, 2, 0]]


def test_without_a_start_token_the_first_token_is_read_but_not_predicted():
    tokens = np.array([10, 11, 0, 20, 0, 30], np.uint16)
    batch = laid_out(tokens, pack(np.array([0, 3, 5, 6]), 4, start=False), start_id=99)
    assert batch["input_ids"].tolist() == [[10, 11, 20, 0]]
    assert batch["targets"].tolist() == [[11, 0, 0, 0]]
    assert batch["document_ids"].tolist() == [[0, 0, 1, -1]]


@given(LENGTHS, st.integers(1, 30))
def test_inputs_are_targets_moved_by_one_inside_each_document(lengths, seq_len):
    tokens = stream(lengths)
    batch = laid_out(tokens, pack(offsets_of(lengths), seq_len))
    same = (batch["document_ids"][:, 1:] == batch["document_ids"][:, :-1]) & (batch["document_ids"][:, 1:] >= 0)
    assert (batch["input_ids"][:, 1:][same] == batch["targets"][:, :-1][same]).all()
    assert (batch["positions"][:, 1:][same] == batch["positions"][:, :-1][same] + 1).all()
    assert (batch["positions"][:, 1:][~same] == 0).all()
    assert sorted(batch["targets"][batch["loss_mask"]]) == sorted(tokens)


@given(LENGTHS.filter(sum), st.integers(2, 30), st.data())
def test_changing_a_token_changes_nothing_in_other_documents(lengths, seq_len, data):
    tokens, rows = stream(lengths), pack(offsets_of(lengths), seq_len)
    place = data.draw(st.integers(0, sum(lengths) - 1))
    changed = tokens.copy()
    changed[place] += 1
    before, after = laid_out(tokens, rows), laid_out(changed, rows)
    touched = (before["input_ids"] != after["input_ids"]) | (before["targets"] != after["targets"])
    owner = np.searchsorted(offsets_of(lengths), place, side="right") - 1
    for line, position in np.argwhere(touched):
        piece = rows.bounds[line] + before["document_ids"][line, position]
        assert np.searchsorted(offsets_of(lengths), rows.starts[piece], side="right") - 1 == owner


def test_the_loss_mask_goes_with_its_targets():
    tokens, mask = np.array([10, 11, 12, 0], np.uint16), np.array([0, 0, 1, 1], np.uint8)
    batch = laid_out(tokens, pack(np.array([0, 4]), 5), mask=mask)
    assert batch["loss_mask"].tolist() == [[False, False, True, True, False]]


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_no_tokens_make_no_rows(lengths):
    assert len(pack(offsets_of(lengths), 8)) == 0


def test_pieces_of_a_cut_are_as_long_as_a_row_but_for_the_last():
    starts, lengths, first = cut(np.array([0, 10]), 4)
    assert (starts.tolist(), lengths.tolist(), first.tolist()) == ([0, 4, 8], [4, 4, 2], [True, False, False])
