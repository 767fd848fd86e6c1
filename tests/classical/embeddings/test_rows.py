"""Operations on rows of float32 in place: equal to NumPy's, within their row, at any place in memory."""

import numpy as np
import pytest

from groundup.classical.embeddings import rows
from groundup.text.compiled import kernel


@kernel
def _dot(a, a_place, b, b_place, length):
    return rows.dot(a, a_place, b, b_place, length)


@kernel
def _add(to, to_place, row, place, scale, length):
    rows.add(to, to_place, row, place, scale, length)


@kernel
def _exchange(error, outputs, output, hidden, place, step, length):
    rows.exchange(error, outputs, output, hidden, place, step, length)


def tables(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Two tables of three rows, of which the middle ones are used: what lies beside them must not change."""
    source = np.random.default_rng(length)
    one, other = source.normal(size=(2, 3 * length + 5)).astype(np.float32)
    return one, other


@pytest.mark.parametrize(("dimension", "length"), [(1, 16), (16, 16), (17, 32), (100, 112), (300, 304)])
def test_rows_are_padded_to_the_next_multiple_of_sixteen_numbers(dimension, length):
    assert rows.padded(dimension) == length


@pytest.mark.parametrize("length", [16, 32, 112])
@pytest.mark.parametrize("place", [0, 5])
def test_a_dot_product_is_numpys_wherever_the_rows_begin(length, place):
    one, other = tables(length)
    wanted = one[place : place + length].astype(np.float64) @ other[length : 2 * length]
    assert _dot(one, place, other, length, length) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("length", [16, 48])
def test_a_multiple_is_added_to_one_row_and_to_nothing_beside_it(length):
    one, other = tables(length)
    wanted = one.copy()
    wanted[length : 2 * length] += np.float32(-0.5) * other[5 : 5 + length]
    _add(one, length, other, 5, np.float32(-0.5), length)
    np.testing.assert_allclose(one, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("length", [16, 48])
def test_an_exchange_gives_the_error_the_output_as_it_was_before_it_moved(length):
    outputs, hidden = tables(length)
    error = np.full(length, 2.0, np.float32)
    before, wanted = outputs[length : 2 * length].copy(), outputs.copy()
    wanted[length : 2 * length] += np.float32(0.25) * hidden[3 : 3 + length]
    _exchange(error, outputs, length, hidden, 3, np.float32(0.25), length)
    np.testing.assert_allclose(error, 2.0 + 0.25 * before, rtol=1e-6)
    np.testing.assert_allclose(outputs, wanted, rtol=1e-6, atol=1e-6)


def test_nan_stays_nan_and_touches_its_own_place_only():
    one, other = tables(16)
    other[7] = np.nan
    assert np.isnan(_dot(one, 0, other, 0, 16))
    _add(one, 0, other, 0, np.float32(1), 16)
    assert np.isnan(one[7]) and np.isfinite(np.delete(one, 7)).all()
