"""Measured derivatives: against derivatives by hand, torch's Hessian, and what cannot be measured."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.autograd import derivatives


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=5))
def test_the_gradient_of_a_sum_of_cubes_is_three_squares(numbers):
    x = np.array(numbers)
    expected = 3 * x**2
    np.testing.assert_allclose(derivatives.gradient(lambda y: (y**3).sum(), x), expected, atol=1e-6)
    np.testing.assert_allclose(derivatives.numerical_gradient(lambda y: (y**3).sum(), x), expected, atol=1e-6)


def test_a_gradient_has_the_shape_of_its_point_which_stays_as_it_was():
    point = np.arange(6.0).reshape(2, 3)
    found = derivatives.gradient(lambda x: (x**2).sum(), point)
    np.testing.assert_allclose(found, 2 * point, atol=1e-8)
    assert (point == np.arange(6.0).reshape(2, 3)).all()


def test_jacobian_and_hessian_are_torchs():
    point = np.array([0.5, -1.2])
    at = torch.tensor(point)
    hessian = torch.func.hessian(rosenbrock)(at).numpy()
    np.testing.assert_allclose(derivatives.hessian(rosenbrock, point), hessian, rtol=1e-5)

    def curve(x):
        return [x[0] * x[1], x[0] ** 2, x[1] - x[0]]

    np.testing.assert_allclose(derivatives.jacobian(curve, point), [[-1.2, 0.5], [1.0, 0], [-1, 1]], atol=1e-8)


def test_the_jacobian_of_arrays_has_the_axes_of_result_and_point():
    matrix = np.random.default_rng(0).standard_normal((2, 3))
    found = derivatives.jacobian(lambda x: x @ matrix.T, np.ones((4, 3)))
    assert found.shape == (4, 2, 4, 3)
    np.testing.assert_allclose(found, np.einsum("ik,jl->ijkl", np.eye(4), matrix), atol=1e-8)


def test_the_complex_step_is_right_to_the_last_digits():
    x = np.array([0.3, 1.7])
    expected = np.cos(x) * np.exp(np.sin(x).sum())
    np.testing.assert_allclose(
        derivatives.complex_step_gradient(lambda y: np.exp(np.sin(y).sum()), x), expected, rtol=1e-14
    )
    with pytest.raises(InputError, match=r"use gradient\(\)"):
        derivatives.complex_step_gradient(lambda y: np.abs(y).sum(), x)


def test_one_wrong_number_of_a_gradient_is_found_and_shown():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    right = 2 * x
    assert derivatives.check_gradient(lambda y: (y**2).sum(), right, x).agrees
    wrong = right + np.array([[0, 0], [0.01, 0]])
    told = derivatives.check_gradient(lambda y: (y**2).sum(), wrong, x)
    assert not told.agrees and told.place == (1, 0)
    assert "differs: 6.01 derived, 6 measured at [1, 0]" in str(told)
    assert not derivatives.check_gradient(lambda y: (y**2).sum(), right * np.nan, x).agrees


def test_errors_fall_with_the_step_then_rounding_takes_over():
    errors = derivatives.step_errors(np.exp, np.exp(1.0), 1.0, 10.0 ** -np.arange(1, 15))
    best = {name: int(np.argmin(values)) + 1 for name, values in errors.items()}
    assert 7 <= best["forward"] <= 9 and 4 <= best["central"] <= 7
    np.testing.assert_allclose(errors["central"][0] / errors["central"][1], 100, rtol=0.01)
    np.testing.assert_allclose(errors["forward"][0] / errors["forward"][1], 10, rtol=0.05)


def test_a_partial_derivative_is_one_number_of_the_gradient():
    x = np.array([0.5, -1.2])
    whole = derivatives.gradient(rosenbrock, x)
    assert derivatives.partial_derivative(rosenbrock, x, (1,)) == pytest.approx(whole[1], rel=1e-8)


@pytest.mark.parametrize(
    ("point", "way_out"),
    [(np.array([1, 2]), "give floats"), (np.array([]), "at least one"), (np.array([np.nan]), "finite numbers")],
)
def test_a_point_that_cannot_be_moved_is_refused(point, way_out):
    with pytest.raises(InputError, match=way_out):
        derivatives.gradient(np.sum, point)


def test_what_has_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match=r"use jacobian\(\)"):
        derivatives.gradient(lambda x: x * 2, np.ones(2))
    with pytest.raises(InputError, match=r"\(3,\) and the point \(2,\)"):
        derivatives.check_gradient(np.sum, np.ones(3), np.ones(2))
    with pytest.raises(InputError, match="give steps"):
        derivatives.step_errors(np.exp, 1.0, 0.0, np.array([0.0]))
