"""Surfaces: heights over a grid, with named paths on them."""

import numpy as np
import pytest

from groundup.plots import contour_map, surface_3d

X, Y = [0.0, 1.0, 2.0], [0.0, 1.0]
HEIGHTS = np.array([[0.0, 1.0, 4.0], [1.0, 2.0, 5.0]])  # x^2 + y^2


def test_a_path_lies_on_the_surface():
    surface, path = surface_3d(X, Y, HEIGHTS, paths={"Adam": [[2, 1, 5], [0, 0, 0]]}).data
    assert surface.type == "surface" and path.name == "Adam" and list(path.z) == [5, 0]
    assert np.asarray(surface.z)[1, 2] == 5


def test_from_above_a_path_has_two_numbers():
    contour, path = contour_map(X, Y, HEIGHTS, paths={"SGD": [[2, 1], [0, 0]]}).data
    assert contour.type == "contour" and list(path.x) == [2, 0]


def test_heights_that_are_turned_are_refused():
    with pytest.raises(AssertionError, match=r"\(len\(y\), len\(x\)\)"):
        surface_3d(X, Y, HEIGHTS.T)
    with pytest.raises(AssertionError, match=r"\(n, 2\)"):
        contour_map(X, Y, HEIGHTS, paths={"SGD": [[1, 2, 3]]})
