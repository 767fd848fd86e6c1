"""`groundup align MODEL`: a tuned model folder is improved by rewards or by pairs, or a reward model is learned on it.

groundup align MODEL --method dpo --pairs FILE            ipo, kto, orpo, simpo alike; without --pairs its own answers are compared
groundup align MODEL --questions FILE                     GRPO on your own questions; --set align.reward=number: the last number counts (GSM8K)
groundup align MODEL --method reward --pairs FILE         then --reward-model FOLDER judges the answers of the other methods
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from groundup.cli.options import Running

REWARD = "reward"  # the method that is a stage of its own
SHOWN, ROOM, ROUNDS = 4000, 64, 40  # conversations that show how tools or thoughts are written; tokens of a message; rounds behind them


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignOptions(Running):
    """Improve a model by trying answers and rewarding those that are right, or preferred."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    method: str = "grpo"
    """grpo, ppo, rloo, reinforce or rejection: answers are tried; dpo, ipo, kto, orpo or simpo: pairs; distill: a teacher;
    constitutional: the model criticises itself; reward: learn a reward model"""
    pairs: Path | None = None
    """a file of pairs of answers: JSON lines with prompt, chosen and rejected, HH-RLHF's shape, or prompt, completion and label (kto)"""
    questions: Path | None = None
    """a file of questions with the answers wanted, for methods that try: JSON lines with question (or prompt) and answer"""
    reward_model: Path | None = None
    """a reward model's folder, which judges the answers; left out: the right answer does (--set align.reward=...)"""
    teacher: Path | None = None
    """a larger model's folder, for --method distill"""
    environment: Literal["answers", "tools", "reasoning"] = "answers"
    """what may come before an answer: nothing, calls of a calculator, or thoughts; the form is shown first (align.demonstrations)"""


def run(options: AlignOptions) -> None:
    """Run the stage align, or reward, on a model folder."""
    from groundup.cli import running, show

    show.stage_result(running.carry_out("demo", options, changes(options)), options.json)


def refuse_unread(options: AlignOptions) -> None:
    """Refuse a flag that says nothing to the method."""
    from groundup.alignment.methods import FROM_PAIRS, TRIERS
    from groundup.errors import ConfigError

    method = options.method
    if method == REWARD and options.reward_model is not None:
        raise ConfigError("--reward-model judges answers, and --method reward learns such a model; leave one out")
    if options.pairs is not None and method not in (REWARD, *FROM_PAIRS):
        raise ConfigError(f"--pairs says nothing to {method}, which tries answers itself; use --method dpo")
    if options.questions is not None and method not in TRIERS:
        raise ConfigError(f"--questions are for methods that try answers, and {method} does not; use --pairs, or --method grpo")
    if options.environment != "answers" and method not in TRIERS:
        raise ConfigError(f"--environment is for methods that try answers, and {method} does not; leave it out, or use --method grpo")
    if options.teacher is not None and method != "distill":
        raise ConfigError(f"--teacher says nothing to {method}; leave it out, or use --method distill")


def changes(options: AlignOptions) -> dict[str, Any]:
    """The keys of the recipe that the flags change."""
    from groundup.alignment.methods import METHODS
    from groundup.errors import ConfigError, did_you_mean

    if options.method not in (REWARD, *METHODS):
        raise ConfigError(f"--method {options.method} is none; {did_you_mean(options.method, (*METHODS, REWARD))}")
    reward = options.method == REWARD
    refuse_unread(options)
    made: dict[str, Any] = {
        "name": REWARD if reward else "align",
        "description": "a reward model" if reward else "an aligned model",
        "stages": [REWARD if reward else "align"],
        "inputs": {"model": str(options.model)},
    }
    if not reward and options.method != "grpo":
        made["align"] = {"method": options.method}
    if options.questions is not None:
        made["align"] = made.get("align", {}) | {"data": str(options.questions)}
    if options.pairs is not None:
        made[made["stages"][0]] = made.get("align", {}) | {"data": str(options.pairs)}
    if options.teacher is not None:
        made["inputs"]["teacher"] = str(options.teacher)
    if options.environment != "answers":
        shown: dict[str, Any] = {"environment": options.environment, "demonstrations": SHOWN, "families": [], "max_new_tokens": ROOM, "steps": ROUNDS}
        made["align"] = made.get("align", {}) | shown
    if options.reward_model is not None:
        made["inputs"]["reward_model"] = str(options.reward_model)
        made["align"] = made.get("align", {}) | {"reward": "model"}
    return made
