"""A configuration checks itself and says what to do."""

import subprocess
import sys

import pytest

from groundup.errors import ConfigError
from groundup.model.architectures.qwen3 import Qwen3Config


def test_heads_are_derived_where_they_are_left_out():
    plain = Qwen3Config(vocab_size=9, hidden_size=64, intermediate_size=9, num_hidden_layers=1, num_attention_heads=4)
    assert (plain.num_key_value_heads, plain.head_dim) == (4, 16)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"num_attention_heads": 6, "num_key_value_heads": 4}, "use 1 or 2 or 3 or 6"),
        (
            {"hidden_size": 250, "head_dim": 0},
            "use num_attention_heads of 1 or 2 or 5 or 10 or 25 or 50 or 125 or 250, or hidden_size=252",
        ),
        ({"head_dim": 5}, "set head_dim=6"),
        ({"hidden_size": 12, "head_dim": 0}, "set head_dim=4"),
        ({"vocab_size": 0}, "use 1 or more"),
        ({"num_hidden_layers": -1}, "use 1 or more"),
        ({"num_key_value_heads": -2}, "use 1 or 2 or 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_sizes_that_do(config, changes, words):
    with pytest.raises(ConfigError, match="; ") as error:
        config(**changes)
    assert words in str(error.value).split("; ")[1]


def test_configurations_are_read_and_counted_without_torch():
    code = (
        "import sys, groundup.model.architectures, groundup.model.accounting, groundup.inference.decoding.config;"
        "sys.exit('torch' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
