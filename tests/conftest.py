"""For every test: shapes are checked while it runs, and nothing of the developer's environment is seen."""

from pathlib import Path

import jaxtyping
import pytest

import groundup

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


@pytest.fixture(autouse=True)
def no_settings_of_the_developers(monkeypatch):
    """A test sees no folder of a learner's, no quiet, no debugging."""
    for name in ("GROUNDUP_MINE", "GROUNDUP_QUIET", "GROUNDUP_DEBUG"):
        monkeypatch.delenv(name, raising=False)
