"""Real tables that come with scikit-learn; where it is not installed, the tests that ask for one are skipped."""

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest


def _table(name):
    return getattr(pytest.importorskip("sklearn.datasets"), f"load_{name}")(return_X_y=True)


@pytest.fixture(scope="session")
def iris():
    """150 flowers, 4 lengths, 3 kinds."""
    return _table("iris")


@pytest.fixture(scope="session")
def breast_cancer():
    """569 tumours, 30 measures brought to one scale, 2 kinds."""
    x, y = _table("breast_cancer")
    return (x - x.mean(axis=0)) / x.std(axis=0), y


@pytest.fixture(scope="session")
def wine():
    """178 wines, 13 measures, 3 kinds."""
    return _table("wine")


@pytest.fixture(scope="session")
def digits():
    """600 pictures of 8 x 8 grey values from 0 to 16, as rows, with the digit."""
    x, y = _table("digits")
    return x[:600], y[:600]


@pytest.fixture(scope="session")
def diabetes():
    """442 people, 10 measures, how far the disease went."""
    return _table("diabetes")


@pytest.fixture(scope="session")
def reviews():
    """800 film reviews as lists of words, and whether each is good, in mixed order; they lie beside the project, if at all."""
    file = Path(__file__).parents[4] / "shared" / "data" / "nltk-corpora" / "movie_reviews.zip"
    if not file.exists():
        pytest.skip("the film reviews (nltk-corpora/movie_reviews.zip) are not on this machine")
    with zipfile.ZipFile(file) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".txt"))
        random.Random(0).shuffle(names)
        texts = [archive.read(name).decode("utf-8", "replace").split() for name in names[:800]]
    return texts, np.array(["pos" if "/pos/" in name else "neg" for name in names[:800]])


@pytest.fixture
def generator():
    """The same numbers for every test."""
    return np.random.default_rng(0)
