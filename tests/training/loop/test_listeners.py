"""What the loop's own listeners write is read again as what it was, NaN too."""

import json
import math
from types import SimpleNamespace

import pytest

from groundup import files
from groundup.training import loop
from groundup.training.loop.live_evaluation import validate_every
from groundup.training.monitor.monitoring import curve


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_marked_and_not_taken_for_one_that_was_not_measured(broken, tmp_path):
    path = tmp_path / "metrics.jsonl"
    event = SimpleNamespace(step=1, module=None, average=None, numbers={"step": 1, "loss": broken})
    loop.write_metrics(path)(event)
    validate_every(1, 1, lambda module: {"validation": broken}, path)(event)
    step, validation = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert step == {"step": 1, "loss": None, "not_finite": {"loss": str(broken)}}
    assert validation == {"step": 1, "validation": None, "not_finite": {"validation": str(broken)}}
    assert repr(curve(files.read_jsonl(path), "loss")) == repr(([1], [broken]))
