"""`groundup align MODEL`: a tuned model folder is improved by rewards, or a reward model is learned on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Running

REWARD = "reward"  # the method that is a stage of its own


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignOptions(Running):
    """Improve a model by trying answers and rewarding those that are right, or preferred."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    method: str = "grpo"
    """grpo, ppo, rloo, reinforce or rejection; reward: learn a reward model from pairs (--set reward.data=FILE)"""
    reward_model: Path | None = None
    """a reward model's folder, which judges the answers; left out: the right answer does (--set align.reward=...)"""


def run(options: AlignOptions) -> None:
    """Run the stage align, or reward, on a model folder."""
    from groundup.cli import running, show

    show.stage_result(running.carry_out("demo", options, changes(options)), options.json)


def changes(options: AlignOptions) -> dict[str, Any]:
    """The keys of the recipe that the flags change."""
    from groundup.alignment.config import METHODS
    from groundup.errors import ConfigError, did_you_mean

    if options.method not in (REWARD, *METHODS):
        raise ConfigError(f"--method {options.method} is none; {did_you_mean(options.method, (*METHODS, REWARD))}")
    reward = options.method == REWARD
    if reward and options.reward_model is not None:
        raise ConfigError("--reward-model judges answers, and --method reward learns such a model; leave one out")
    made: dict[str, Any] = {
        "name": REWARD if reward else "align",
        "description": "a reward model" if reward else "an aligned model",
        "stages": [REWARD if reward else "align"],
        "inputs": {"model": str(options.model)},
    }
    if not reward and options.method != "grpo":
        made["align"] = {"method": options.method}
    if options.reward_model is not None:
        made["inputs"]["reward_model"] = str(options.reward_model)
        made["align"] = made.get("align", {}) | {"reward": "model"}
    return made
