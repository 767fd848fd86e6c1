"""For every test: shapes are checked while it runs, and nothing of the developer's environment is seen."""

import gc
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import HealthCheck, settings

import groundup

# Before torch is loaded: where tests run side by side, threads that wait for each other by spinning take ten times as long.
BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
if BESIDE_OTHERS:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The same examples in every run. None fails by the clock: a machine may stand still while one is made.
settings.register_profile("groundup", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("groundup")

HOUSE = Path(groundup.__file__).parent


def with_shapes() -> list[str]:
    """The modules that state shapes and compile nothing (Numba could not read a checked function)."""
    names = []
    for file in HOUSE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "from jaxtyping import" in text and "numba" not in text:
            names.append(
                ".".join(["groundup", *file.relative_to(HOUSE).with_suffix("").parts]).removesuffix(".__init__")
            )
    return names


jaxtyping.install_import_hook(with_shapes(), "beartype.beartype")


@pytest.fixture(autouse=True, scope="module")
def what_is_there_already_is_not_searched_for_garbage():
    """A stage gives memory back before it begins, and a collection over all that torch and 500 test files left takes a second."""
    gc.freeze()


@contextmanager
def threads_kept() -> Iterator[None]:
    """After it torch has the threads that it had before; beside other tests one. Nothing is loaded for that."""
    torch = sys.modules.get("torch")
    before = 1 if BESIDE_OTHERS else torch and torch.get_num_threads()
    try:
        yield
    finally:
        if before and (torch := sys.modules.get("torch")) and torch.get_num_threads() != before:
            torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def threads_as_they_were():
    """What a test did to torch's threads ends with it."""
    with threads_kept():
        yield


@pytest.fixture(autouse=True)
def no_settings_of_the_developers(monkeypatch):
    """A test sees no folder of a learner's, no quiet, no debugging."""
    for name in ("GROUNDUP_MINE", "GROUNDUP_QUIET", "GROUNDUP_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Within it no file of this process may grow over `size` bytes: a write beyond fails as on a full disk.

    A `with` in the test and not a fixture's time: pytest writes the test's letter before a fixture ends, perhaps to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk():
    """`with small_disk(size):`, in which no file grows over `size` bytes."""
    return largest_file
