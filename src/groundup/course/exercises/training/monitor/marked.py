"""Exercise: a line of metrics that every reader can read, and in which a NaN is not lost."""

import json
import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same


@check("values")
def a_healthy_line(mine):
    """Changes a line in which every number is finite."""
    record = {"step": 3, "loss": 2.5, "note": "nan", "samples": ["inf"], "absent": None, "done": True}
    same(mine(record), record)


@check("values")
def a_nan(mine):
    """Does not write None for a NaN and name it under "not_finite"."""
    got = mine({"step": 3, "loss": math.nan, "rate": 0.1})
    if "loss" not in got:
        raise Failed("Drops the number: a reader would think that this step had no loss.")
    if got["loss"] is not None:
        raise Failed("Leaves NaN in the line: JSON has no word for it, and strict readers refuse the whole file.")
    if "not_finite" not in got:
        raise Failed("Forgets which number it was: None alone looks like a value that was not measured.")
    same(got, {"step": 3, "loss": None, "rate": 0.1, "not_finite": {"loss": "nan"}})


@check("values")
def the_infinities(mine):
    """Does not tell inf, -inf and nan apart: a loss that overflowed is not one that was never a number."""
    got = mine({"a": math.inf, "b": -math.inf, "c": math.nan})
    if any(got.get(name, 0) is not None for name in "abc"):
        raise Failed("Takes care of NaN and leaves an infinity in the line, which JSON has no word for either.")
    same(got["not_finite"], {"a": "inf", "b": "-inf", "c": "nan"})


@check("values")
def strict_readers(mine):
    """Gives a line that a strict reader of JSON refuses."""
    record = {"step": 1, "x": math.nan, "y": -math.inf, "z": 0.0, "zero": -0.0, "large": 1e308, "whole": 10**30}
    text = json.dumps(mine(record))
    if any(word in text.split('"not_finite"')[0] for word in ("NaN", "Infinity")):
        raise Failed("Leaves NaN in the line: JSON has no word for it, and strict readers refuse the whole file.")
    same(json.loads(text)["whole"], 10**30)


@check("values")
def in_order(mine):
    """Changes the order of the names, or drops some: a line should read as it was written."""
    same(list(mine({"step": 1, "b": math.nan, "a": 2.0})), ["step", "b", "a", "not_finite"])


LINE = "kept = {name: None if name in broken else value for name, value in record.items()}"
RETURN = "return kept | {NOT_FINITE: broken} if broken else kept"
TEST = "isinstance(value, float) and not math.isfinite(value)"

EXERCISE = Exercise(
    slot="training.monitor.marked",
    title="NaN in a line of JSON",
    task="""
    The most important line of a run's metrics is the one where the loss became NaN, and it is the one that breaks the reader: JSON has no
    word for NaN and the infinities. Give the record with None in their place, and under "not_finite" say by name which of the three each
    was ("nan", "inf", "-inf"), so that nothing is lost. A record in which all is finite stays as it is.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=(),
    hints=(
        "Which values of a record can be not finite? Ask that only of floats: text and lists have no such question.",
        "First collect the names whose value is a float that math.isfinite refuses, with str(value).",
        "kept = {name: None if name in broken else value ...}; add NOT_FINITE: broken only where broken is not empty.",
    ),
    run="groundup --mine my learn lesson training.monitor.monitoring --run",
    checks=(a_healthy_line, a_nan, the_infinities, strict_readers, in_order),
    mutants=(
        Mutant("nothing done", "Leaves NaN in the line", ((LINE, "kept = dict(record)"),)),
        Mutant("not named", "Forgets which number it was", ((RETURN, "return kept"),)),
        Mutant("NaN alone", "leaves an infinity in the line", ((TEST, "isinstance(value, float) and value != value"),)),
        Mutant("all nan", "Does not tell inf, -inf and nan apart", (("name: str(value) for", 'name: "nan" for'),)),
        Mutant(
            "always named",
            "Changes a line in which every number is finite",
            ((RETURN, "return kept | {NOT_FINITE: broken}"),),
        ),
        Mutant(
            "dropped",
            "Drops the number",
            ((LINE, "kept = {name: value for name, value in record.items() if name not in broken}"),),
        ),
    ),
)
