"""The data stage's configuration refuses what gives no data."""

import subprocess
import sys

import pytest

from groundup.data.config import DataConfig
from groundup.errors import ConfigError

REFUSED = {
    "python_bytes=-1 is below 0; use 0 or more": {"python_bytes": -1},
    "leaves nothing to measure a model on; use 10000": {"heldout_bytes": 0},
    "so there is no text; raise one of them or set text": {"tinyworld_bytes": 0, "python_bytes": 0},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_gives_no_data_is_refused_with_the_way_out(sentence):
    with pytest.raises(ConfigError, match=sentence):
        DataConfig(**REFUSED[sentence])


def test_own_text_needs_no_world():
    assert DataConfig(text="notes.txt", tinyworld_bytes=0, python_bytes=0).text == "notes.txt"


def test_the_configuration_is_light():
    heavy = "('torch', 'numba', 'pyarrow', 'numpy')"
    program = f"import sys, groundup.data.config; print([name for name in {heavy} if name in sys.modules])"
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"})
    assert done.stdout.strip() == "[]"
