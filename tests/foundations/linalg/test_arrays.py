"""What comes in: converted, copied, and refused with the way out."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import as_matrix, as_square, as_symmetric, as_vector


@pytest.mark.parametrize("values", [[1, 2], (1.0, 2.0), np.array([1, 2], np.int8), np.array([1, 2], np.float32)])
def test_any_real_numbers_become_float64(values):
    vector = as_vector(values)
    assert vector.dtype == np.float64 and vector.tolist() == [1.0, 2.0]


def test_what_comes_out_is_a_copy():
    given = np.ones((2, 2))
    for convert in (as_matrix, as_square, as_symmetric):
        convert(given)[0, 0] = 5.0
    assert given[0, 0] == 1.0


def test_small_integers_do_not_overflow():
    assert (as_matrix(np.full((1, 1), 100, np.int8)) * 100).item() == 10_000.0


@pytest.mark.parametrize(
    ("convert", "values", "words"),
    [
        (as_vector, [[1.0]], r"has the shape \(1, 1\) where a vector \(one axis\) is needed; reshape it"),
        (as_matrix, [1.0], r"has the shape \(1,\) where a matrix"),
        (as_matrix, [[1.0], [1.0, 2.0]], "rows of different lengths; make them equally long"),
        (as_vector, [], "is empty"),
        (as_matrix, np.zeros((0, 3)), r"is empty \(shape \(0, 3\)\)"),
        (as_vector, [1.0, float("nan")], r"holds nan at \[1\]; leave such rows out"),
        (as_matrix, [[1.0], [float("inf")]], r"holds inf at \[1, 0\]"),
        (as_vector, ["a"], "where real numbers are needed; convert it to floats"),
        (as_vector, [1j], "holds complex128"),
        (as_vector, [None], "holds object"),
        (as_square, np.ones((2, 3)), r"has the shape \(2, 3\) where a square one is needed"),
        (
            as_symmetric,
            [[1.0, 2.0], [3.0, 1.0]],
            r"is not symmetric: 2 at \[0, 1\] and 3 at \[1, 0\]; eigenvalues takes",
        ),
        (as_symmetric, [[0.0, 1e308], [-1e308, 0.0]], "is not symmetric"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(convert, values, words):
    with pytest.raises(InputError, match=words):
        convert(values, "it")


def test_rounding_of_a_covariance_still_counts_as_symmetric():
    matrix = as_symmetric([[1.0, 0.5], [0.5 + 1e-15, 1.0]])
    assert (matrix == matrix.T).all()
