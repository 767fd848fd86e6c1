"""The small functions of a compiled step against NumPy."""

import numba
import numpy as np
import pytest

from groundup.inference.compiled.attention import open_gates, soften


@numba.njit
def gates(gate, up, mixed):
    open_gates(gate, up, mixed)


@numba.njit
def softened(scores):
    return soften(scores)


def test_a_gate_is_its_silu_also_where_float32_ends():
    """A gate of -270 came out as -270 and not as 0: the exponent of e^270 ran into the sign."""
    gate = np.array([-1e4, -500, -353, -300, -270, -200, -100, -89, -88, -20, -1, 0, 1, 20, 89, 300, 1e4], np.float32)
    mixed = np.zeros_like(gate)
    gates(gate, np.full_like(gate, 2), mixed)
    wide = gate.astype(np.float64)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(mixed, 2 * wide / (1 + np.exp(-wide)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("low", [-1.0, -80.0, -1e6])
def test_scores_are_softened_against_the_largest(low):
    scores = np.linspace(low, 5.0, 9).astype(np.float32)
    expected = np.exp(scores.astype(np.float64) - 5.0)
    total = softened(scores)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-7)
    assert total == pytest.approx(expected.sum(), rel=1e-5)
