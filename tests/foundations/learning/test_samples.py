"""What the functions of the folder ask of their input."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations import learning
from groundup.foundations.learning.samples import as_classes, squared_distances, with_classes, with_numbers


def test_every_name_of_the_table_of_contents_is_there():
    assert all(callable(getattr(learning, name)) or name == "LINKAGES" for name in learning._EXPORTS)
    with pytest.raises(AttributeError, match="has no 'forest'; it has squared_distances"):
        learning.forest  # noqa: B018


def test_answers_of_another_length_are_refused_with_both_lengths():
    with pytest.raises(InputError, match="x has 2 rows and y 3; give one for each row"):
        with_numbers([[1], [2]], [1, 2, 3])
    with pytest.raises(InputError, match="x has 2 rows and labels 1; give"):
        with_classes([[1], [2]], ["a"])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([], "give a list with one class"),
        ([[1, 2]], "give a list with one class"),
        ([1.0, np.nan], "leave the examples without a class out"),
        (np.array([1, "a", None], dtype=object), "use all numbers or all strings"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, said):
    with pytest.raises(InputError, match=said):
        as_classes(labels)


def test_distances_are_those_of_scipy_and_exact_for_near_points(generator):
    distance = pytest.importorskip("scipy.spatial.distance")
    a, b = generator.normal(size=(5, 3)), generator.normal(size=(4, 3))
    assert np.allclose(squared_distances(a, b), distance.cdist(a, b, "sqeuclidean"), rtol=1e-13)
    assert squared_distances([[1e8]], [[1e8 + 1]]) == 1  # |a|^2 - 2ab + |b|^2 gives 0 or 2 here
    with pytest.raises(InputError, match="use the same features"):
        squared_distances([[1, 2]], [[1]])
