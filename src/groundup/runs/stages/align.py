"""The stage `align`: answers are tried, rewarded when they are right, and the better ones made more likely (GRPO)."""

from typing import Any

from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.train import save
from groundup.runs.timing import Units
from groundup.runs.watching import watching

TASKS = 4000  # different questions to practise; a step draws from them
MEASURED = (32, 64)  # rows and tokens of the batch by which the number format is chosen


def run(context: Context) -> dict[str, Any]:
    """Reinforce the model of the stage before, or of the folder given, and write its folder."""
    from groundup.alignment.environments.rollouts import task
    from groundup.alignment.grpo import grpo
    from groundup.errors import InputError
    from groundup.inference.handle import end_of_turn, load

    handle, config = load(context.inputs["model"], device=context.device()), context.config
    if not handle.tokenizer.chat_template:
        raise InputError(
            f"{context.inputs['model']} has no chat template; tune it first with `groundup tune {context.inputs['model']}`"
        )
    precision.decide(context, handle.module, lambda: precision.synthetic_batch(handle.module, *MEASURED))
    tasks = [task(item.prompt, item, handle.tokenizer) for item in practice(config)]
    units, stops = Units(), handle.stop_ids() | end_of_turn(handle.tokenizer)
    with watching(context, handle.module, config.training(), config.trackers) as watch:
        asked: Any = {"mark": watch.batches, "listeners": [*watch.listeners, units.step]}
        asked |= {"folder": context.folder, "stop": context.stop, "way_on": context.way_on()}
        result = grpo(handle.module, handle.tokenizer, tasks, rewarded, config, stop_ids=stops, **asked)
    save(context, handle.module, handle.tokenizer, chats=True)
    answers = config.steps * config.prompts_per_step * config.samples_per_prompt
    seconds = {"checkpoint_seconds": result.checkpoint_seconds, "units": units.table()}
    return {"steps": config.steps, "answers": answers, "families": list(families(config))} | seconds


def rewarded(item: Any, text: str) -> float:
    """1 for a right answer, 0 for any other."""
    from groundup.data.sources.tinyworld import check

    return float(check(item, text))


def families(config: Any) -> tuple[str, ...]:
    """What is practised: the families named, or those that are hard for a small model."""
    from groundup.data.sources.tinyworld import HARD_FAMILIES

    return config.families or HARD_FAMILIES


def practice(config: Any) -> list[Any]:
    """Training questions of those families."""
    from groundup.data.sources.tinyworld import instructions

    return list(instructions(config.seed, TASKS, "train", families(config)))
