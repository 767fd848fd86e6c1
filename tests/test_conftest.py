"""What every test leaves behind: torch's threads as they were, also where tests run one after the other."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def shared(request):
    """The conftest of all tests, as pytest has loaded it."""
    path = str(Path(__file__).with_name("conftest.py"))
    return next(one for one in request.config.pluginmanager.get_plugins() if getattr(one, "__file__", None) == path)


@pytest.mark.parametrize("beside_others", [False, True])
def test_a_tests_threads_end_with_it(shared, monkeypatch, beside_others):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(shared, "BESIDE_OTHERS", beside_others)
    usual, torch_default = 1 if beside_others else 2, torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with shared.threads_kept():
            torch.set_num_threads(3)
        assert torch.get_num_threads() == usual
    finally:
        torch.set_num_threads(torch_default)


def test_threads_are_kept_without_loading_torch(shared, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with shared.threads_kept():
        pass
    assert "torch" not in sys.modules
