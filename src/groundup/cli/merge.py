"""`groundup merge MODEL MODEL ...`: several tuned models of one shape as one, without training; `groundup merge ADAPTER`: an adapter into its base."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.tuning.merging.config import MergeMethod


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeOptions:
    """Merge model folders into one; an adapter folder counts as its base with the adapter in it, and may stand alone."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="MODEL...")]
    """model folders of one shape, or one adapter folder"""
    out: Path = Path("runs/merged/model")
    """where the merged model goes"""
    method: MergeMethod = "average"
    """average: the weighted mean; slerp: along the arc between two; ties, dare: add up what the models changed of a base"""
    base: Path | None = None
    """ties, dare: the model that all were tuned from"""
    weights: tuple[float, ...] = ()
    """average, ties, dare: of each model, in order (repeatable); left out: all alike"""
    t: float = 0.5
    """slerp: 0 the first model, 1 the second"""
    density: float = 0.2
    """ties: share of each change's numbers that are kept"""
    drop: float = 0.9
    """dare: share of each change's numbers that are dropped"""
    scale: float = 1.0
    """ties, dare: what the merged change is multiplied by"""
    seed: int = 0
    """dare: where the draws begin"""
    json: bool = False
    """print the result as JSON on stdout"""


def run(options: MergeOptions) -> None:
    """Merge and say where the result is."""
    from groundup.cli import running, show
    from groundup.errors import InputError
    from groundup.tuning.merging.config import MergeConfig
    from groundup.tuning.merging.merging import merge_folders

    for folder in (*options.models, *filter(None, [options.base])):
        if not folder.is_dir():
            raise InputError(f"there is no model folder {folder}; `groundup tune` makes one, its runs call it model/")
    if options.out.exists():  # a folder that is written takes the place of all that stood there
        raise InputError(f"{options.out} is there already; choose another --out, or remove it")
    told = {name: getattr(options, name) for name in ("method", "weights", "t", "density", "drop", "scale", "seed")}
    made = merge_folders(options.models, options.out, MergeConfig(**told), options.base)
    if options.json:
        running.print_json(made)
    else:
        show.console().print(f"merged by {made['method']}: {made['made']}", markup=False, soft_wrap=True)
