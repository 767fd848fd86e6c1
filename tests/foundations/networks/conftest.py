"""Real pictures, and networks that several tests look at, trained once."""

import numpy as np
import pytest

from groundup.foundations.networks.cnn import as_pictures


@pytest.fixture(scope="session")
def digits():
    """1797 pictures (count, 1, 8, 8) of grey values from 0 to 1, with the digit."""
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    return as_pictures(x / 16, 8, 8), y


@pytest.fixture
def generator():
    """The same numbers for every test."""
    return np.random.default_rng(0)
