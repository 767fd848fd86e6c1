"""A failure says what was expected and what came, in few words."""

import math
import time

import numpy
import pytest
import torch

from groundup.course import expect
from groundup.course.exercise import Failed


def failure(function, *arguments, **named) -> Failed:
    with pytest.raises(Failed) as caught:
        function(*arguments, **named)
    return caught.value


@pytest.mark.parametrize(
    "value",
    [torch.tensor([1.0, math.nan, math.inf]), numpy.ones((2, 3)), [1, (2.0, b"a")], 0.5, None, "text", torch.zeros(0)],
)
def test_a_value_is_the_same_as_itself(value):
    expect.same(value, value)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (torch.ones(2), torch.zeros(2)),
        (torch.ones(2), torch.ones(3)),
        (torch.ones(2), torch.ones(2, 1)),
        ([1.0], torch.ones(1)),
        (None, torch.ones(1)),
        ([1, 2], [1, 3]),
        ([1], [1, 2]),
        ((1,), None),
        (True, 1),
        (math.nan, 1.0),
    ],
)
def test_different_values_are_told_apart_with_both_shown(got, expected):
    failed = failure(expect.same, got, expected)
    assert failed.expected and failed.got


def test_a_large_array_is_shown_by_its_first_difference():
    wrong = torch.zeros(10, 20)
    wrong[3, 4] = 5.0
    failed = failure(expect.same, wrong, torch.zeros(10, 20))
    assert failed.expected.endswith("at [3, 4]: 0") and failed.got.endswith("at [3, 4]: 5")


def test_the_mistake_that_fits_is_named():
    mistakes = {"Doubled.": torch.tensor([2.0]), "Halved.": torch.tensor([0.5])}
    assert (
        failure(expect.same, torch.tensor([0.5]), torch.tensor([1.0]), "Wrong.", mistakes=mistakes).sentence
        == "Halved."
    )
    assert (
        failure(expect.same, torch.tensor([0.7]), torch.tensor([1.0]), "Wrong.", mistakes=mistakes).sentence == "Wrong."
    )


def test_shape_dtype_and_finite_say_what_came():
    assert failure(expect.shape, torch.ones(2), (3,)).got == "shape (2,)"
    assert "Returns a list" in failure(expect.shape, [1], (1,)).sentence
    assert "Returns nothing (None)" in failure(expect.shape, None, (1,)).sentence
    assert failure(expect.dtype, torch.ones(2), torch.float64).expected == "float64"
    assert failure(expect.finite, torch.tensor([1.0, math.inf])).got == "[1, inf]"
    expect.shape(torch.ones(2, 3), (2, 3)), expect.dtype(torch.ones(1), torch.float32), expect.finite(torch.ones(1))


def test_gradients_are_compared_and_a_cut_graph_is_named():
    given = [torch.tensor([1.0, 2.0])]
    expect.gradients(torch.square, lambda x: x * x, given)
    assert failure(expect.gradients, lambda x: x * x.detach(), torch.square, given).expected == "[1, 6]"
    assert "cut off" in failure(expect.gradients, lambda x: x.detach(), torch.square, given).sentence


def test_a_slow_function_is_told_its_time():
    def slow(x):
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass

    assert "ms" in failure(expect.fast, slow, lambda x: x, (1,)).got
    expect.fast(lambda x: x, slow, (1,))


def test_a_reference_that_is_slow_at_first_does_not_let_a_slow_function_pass():
    """By three tries of it what was allowed varied threefold, and once a loop over positions passed."""
    spent = iter([0.0006] * 3 + [0.00001] * 40)

    def wait(seconds):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    assert failure(expect.fast, lambda x: wait(0.01), lambda x: wait(next(spent)), (1,)).got


def test_a_call_is_shown_by_the_names_of_its_arguments():
    shown = expect.shown_call(
        {"x": torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16), "y": torch.zeros(5, 9), "z": None}
    )
    assert shown == "x = [[1, 2]]  (bfloat16)\ny = float32 of shape (5, 9), from 0 to 0\nz = None"
    assert len(expect.shown("x" * 10_000)) < 500
