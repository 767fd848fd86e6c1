"""What the stages after pretraining say of themselves, as rows of the report: reward model, alignment, compression."""

from collections.abc import Mapping, Sequence
from typing import Any

LABELS = {  # stage -> its number in done.json, how it is called, how it is written
    "tune": (("conversations", "conversations", "{:,.0f}"), ("loss", "loss, nats a token", "{:.3f}")),
    "reward": (
        ("pairs", "pairs", "{:,.0f}"),
        ("accuracy", "accuracy on pairs held out", "{:.1%}"),
        ("limit", "the best possible judge's", "{:.1%}"),
        ("share_of_limit", "share of that", "{:.1%}"),
        ("calibration_error", "calibration error", "{:.3f}"),
    ),
    "align": (
        ("steps", "steps", "{:,.0f}"),
        ("answers", "answers tried", "{:,.0f}"),
        ("pairs", "pairs", "{:,.0f}"),
        ("accuracy", "pairs in the right order, last batch", "{:.1%}"),
        ("heldout_accuracy", "pairs in the right order, held out", "{:.1%}"),
        ("heldout_loss_before", "loss on pairs held out before, nats", "{:.3f}"),
        ("heldout_loss", "after", "{:.3f}"),
        ("critic", "critiques that are so", "{:.1%}"),
    ),
    "compress": (
        ("bytes_before", "bytes of weights before", "{:,.0f}"),
        ("bytes_after", "after", "{:,.0f}"),
        ("perplexity_before", "perplexity before", "{:.3f}"),
        ("perplexity_after", "after", "{:.3f}"),
    ),
}


def rows(stages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """A row a number: stage, what it is, its value."""
    made = []
    for stage in stages:
        for name, label, form in LABELS.get(stage["name"], ()):
            value = stage["numbers"].get(name)
            if isinstance(value, int | float):
                made.append((stage["name"], label, form.format(value)))
    return made
