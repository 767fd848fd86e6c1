"""The [eval] table checks itself."""

import subprocess
import sys

import pytest

from groundup.errors import ConfigError
from groundup.evaluation.config import EvalConfig


@pytest.mark.parametrize(
    "wrong, way_out",
    [
        ({"documents": 0}, "use 1 or more"),
        ({"instructions": -1}, "use 0 for none"),
        ({"max_new_tokens": -3}, "use 0 for as many"),
        ({"rows_at_once": 0}, "use 1 or more"),
        ({"ngram_order": 9}, "use 0 for none, or 1 to 8"),
        ({"preparation_bytes": -1}, "use 0 for none"),
        ({"confidence": 95.0}, "such as 0.95"),
    ],
)
def test_an_impossible_value_is_refused_with_a_possible_one(wrong, way_out):
    with pytest.raises(ConfigError, match=way_out):
        EvalConfig(**wrong)


def test_reading_the_config_loads_neither_torch_nor_numba():
    code = "import sys, groundup.evaluation, groundup.evaluation.config; print({'torch', 'numba'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
