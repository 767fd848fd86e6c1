"""A watched function is told of, gives what it gave, and is put back."""

import math
from types import SimpleNamespace

import pytest

from groundup.course.challenges.watching import watched


def test_calls_are_told_with_their_result_and_the_function_comes_back():
    place, told = SimpleNamespace(root=math.sqrt), []
    with watched(place, "root", lambda result, x: told.append((result, x))):
        assert place.root(9) == 3
    assert told == [(3, 9)] and place.root is math.sqrt


def test_the_function_comes_back_after_an_error():
    place = SimpleNamespace(root=math.sqrt)
    with pytest.raises(ValueError), watched(place, "root", lambda *_: None):
        place.root(-1)
    assert place.root is math.sqrt
