"""Matrices that are hard in a known way, for all tests of the folder."""

import numpy as np
import pytest
from scipy.linalg import hilbert


@pytest.fixture(scope="session")
def hilbert_8():
    """1 / (i + j + 1): condition number 1.5e10."""
    return hilbert(8)


@pytest.fixture(scope="session")
def lauchli():
    """Three columns that differ by 1e-7 only (Lauchli 1961): their squares differ by 1e-14."""
    return np.vstack([np.ones(3), 1e-7 * np.eye(3)])
