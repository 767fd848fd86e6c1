"""The stage `data`: documents of each world for training and for measuring, and instructions with answers that can be checked."""

from typing import Any

from groundup.runs.context import Context


def run(context: Context) -> dict[str, Any]:
    """Build the data folder; counts and bytes by world, and the floor where it is known."""
    from groundup.data.build import build

    return build(context.config, context.made)
