"""The stage `eval`: every model of the run so far is measured on what it never saw, beside what needs no model.

What is measured and how is `evaluation.chain`'s; the table is `scores/scores.json`, the answers stay in
`scores/answers-<who>.jsonl`.
"""

from typing import Any

from groundup.runs.context import Context
from groundup.runs.timing import Units


def run(context: Context) -> dict[str, Any]:
    """Measure; the stage's numbers are the table and the time of each kind of work."""
    from groundup.evaluation.chain import evaluate_chain

    units = Units()
    scores = evaluate_chain(
        context.models,
        context.inputs["documents"],
        context.config,
        context.made,
        device=context.device(),
        dtype="bfloat16" if context.dtype() == "float8" else context.dtype(),
        timed=units.timed,
    )
    return scores | {"units": units.table()}
