"""Heat maps: the first row at the top, equal names apart, zero in the middle where values have signs."""

import numpy as np
import pytest

from groundup.plots import heat_map


def test_equal_words_keep_rows_and_columns_of_their_own():
    figure = heat_map([[1.0, 0.0], [0.5, 0.5]], rows=["the", "the"], columns=["the", "the"])
    assert list(figure.layout.xaxis.tickvals) == [0, 1] and list(figure.layout.xaxis.ticktext) == ["the", "the"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert np.asarray(figure.data[0].z).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_zero_is_the_middle_of_the_colours_where_values_are_negative():
    trace = heat_map([[-3.0, 1.0]]).data[0]
    assert (trace.zmin, trace.zmax) == (-3.0, 3.0)


def test_ends_that_are_given_are_kept():
    trace = heat_map([[0.2, 0.4]], low=0, high=1).data[0]
    assert (trace.zmin, trace.zmax) == (0, 1)


def test_words_are_shown_as_they_are():
    assert heat_map([[1.0]], rows=["<b>"]).layout.yaxis.ticktext == ("&lt;b>",)


def test_values_are_written_only_where_asked():
    assert heat_map([[1.0]], text=True).data[0].texttemplate and not heat_map([[1.0]]).data[0].texttemplate


def test_what_is_no_matrix_is_refused():
    with pytest.raises(AssertionError, match="matrix"):
        heat_map([1.0, 2.0])
