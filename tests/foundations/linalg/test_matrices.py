"""The five products are one; a layer is torch's; films of the plane begin and end where they should."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import matrices

calm = settings(deadline=None, derandomize=True, max_examples=60)
WAYS = [matrices.by_entries, matrices.by_columns, matrices.by_rows, matrices.by_outer_products, matrices.by_blocks]
AREA = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize("way", WAYS)
@calm
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
def test_every_way_gives_the_product(way, m, k, n):
    source = np.random.default_rng(m + 10 * k + 100 * n)
    a, b = source.normal(size=(m, k)), source.normal(size=(k, n))
    np.testing.assert_allclose(way(a, b), a @ b, atol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_blocks_of_any_size_give_the_product(size):
    a, b = np.arange(35.0).reshape(5, 7), np.arange(14.0).reshape(7, 2)
    np.testing.assert_array_equal(matrices.by_blocks(a, b, size), a @ b)


@pytest.mark.parametrize("way", WAYS)
def test_shapes_that_do_not_fit_are_both_named(way):
    with pytest.raises(
        InputError, match=r"a \(2, 3\) has 3 columns and b \(4, 3\) has 4 rows.*; transpose one of them"
    ):
        way(np.ones((2, 3)), np.ones((4, 3)))


def test_a_layer_is_that_of_torch():
    torch_layer = torch.nn.Linear(4, 3, dtype=torch.float64)
    inputs = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(2, 4)
    weight, bias = torch_layer.weight.detach().numpy(), torch_layer.bias.detach().numpy()
    expected = torch_layer(inputs).detach().numpy()
    np.testing.assert_allclose(matrices.layer(inputs.numpy(), weight, bias), expected, atol=1e-15)
    np.testing.assert_allclose(matrices.layer_as_one_product(inputs.numpy(), weight, bias), expected, atol=1e-15)
    bent = matrices.layer(inputs.numpy(), weight, activation=np.tanh)
    np.testing.assert_allclose(bent, np.tanh(inputs.numpy() @ weight.T), atol=1e-15)


def test_two_layers_without_an_activation_are_one():
    source = np.random.default_rng(0)
    inputs, first, second = source.normal(size=(5, 4)), source.normal(size=(3, 4)), source.normal(size=(2, 3))
    both = matrices.layer(matrices.layer(inputs, first), second)
    np.testing.assert_allclose(both, matrices.layer(inputs, second @ first), atol=1e-14)


def test_maps_of_the_plane_do_what_they_are_called():
    up = np.array([0.0, 1.0])
    np.testing.assert_allclose(matrices.rotation(math.pi / 2) @ [1, 0], up, atol=1e-15)
    np.testing.assert_allclose(matrices.reflection(math.pi / 4) @ [1, 0], up, atol=1e-15)
    np.testing.assert_array_equal(matrices.shear(2.0) @ up, [2.0, 1.0])
    np.testing.assert_array_equal(matrices.scaling(2.0, 3.0) @ up, [0.0, 3.0])


@calm
@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_the_area_factor_is_the_determinant(entries):
    matrix = np.reshape(entries, (2, 2))
    assert matrices.area_factor(matrix) == pytest.approx(np.linalg.det(matrix), abs=1e-10)


@calm
@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4), st.integers(2, 9))
def test_a_film_begins_with_the_plane_and_ends_with_the_map(entries, count):
    matrix = np.reshape(entries, (2, 2))
    film = matrices.frames(matrix, AREA, count)
    assert film.shape == (count, 4, 2)
    np.testing.assert_allclose(film[0], AREA, atol=1e-14)
    np.testing.assert_allclose(film[-1], AREA @ matrix.T, atol=1e-13)


def test_a_half_turn_never_presses_the_plane_flat():
    film = matrices.frames(matrices.rotation(math.pi), AREA, 21)
    np.testing.assert_allclose(np.linalg.norm(film[:, 1], axis=1), 1.0, atol=1e-14)
    middle = (np.eye(2) + matrices.rotation(math.pi)) / 2  # what mixing the numbers would show half-way
    assert abs(matrices.area_factor(middle)) < 1e-15


def test_a_map_that_mirrors_passes_through_a_line():
    film = matrices.frames(matrices.reflection(0.3), AREA, 21)
    areas = [matrices.area_factor(np.stack([frame[1], frame[3]], axis=1)) for frame in film]
    assert (
        areas[0] == pytest.approx(1.0)
        and areas[10] == pytest.approx(0.0, abs=1e-14)
        and areas[-1] == pytest.approx(-1.0)
    )


def test_a_grid_has_lines_both_ways():
    grid = matrices.grid(extent=1.0, lines=3, points=5)
    assert grid.shape == (6, 5, 2)
    assert (np.ptp(grid[:3, :, 0], axis=1) == 0).all() and (np.ptp(grid[3:, :, 1], axis=1) == 0).all()
    assert matrices.frames(np.eye(2), grid, 2).shape == (2, 6, 5, 2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda: matrices.layer(np.ones((2, 3)), np.ones((4, 2))),
            r"inputs \(2, 3\) bring 3 features and weight \(4, 2\) takes 2",
        ),
        (lambda: matrices.layer(np.ones((2, 3)), np.ones((4, 3)), np.ones(3)), "bias has 3 numbers.*makes 4 outputs"),
        (lambda: matrices.by_blocks(np.eye(2), np.eye(2), 0), "size=0"),
        (lambda: matrices.area_factor(np.eye(3)), r"a map of the plane is \(2, 2\)"),
        (lambda: matrices.frames(np.eye(2), [[1.0, 2.0, 3.0]]), r"give \(\.\.\., 2\)"),
        (lambda: matrices.frames(np.eye(2), AREA, 1), "at least 2 frames"),
        (lambda: matrices.grid(lines=0), "at least one line"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()
