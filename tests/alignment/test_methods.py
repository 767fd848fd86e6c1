import importlib

import pytest

from groundup.alignment.methods import FROM_PAIRS, METHODS, TRIERS, kind
from groundup.alignment.rounds import Rounds


def at(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_table_of_its_own_and_one_way_to_be_carried_out(method):
    assert at(METHODS[method])(method=method).method == method
    assert (method in TRIERS) + (method in FROM_PAIRS) + (method == "constitutional") == 1
    assert kind(method) == ("rounds" if method in TRIERS else "pairs" if method in FROM_PAIRS else method)


@pytest.mark.parametrize("method", TRIERS)
def test_who_tries_has_rounds(method):
    assert issubclass(at(TRIERS[method]), Rounds)
