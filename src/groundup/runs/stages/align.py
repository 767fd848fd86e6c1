"""The stage `align`: answers are tried, rewarded, and the better ones made more likely, by the method that the recipe names.

Who judges (`align.reward`): the right answer, how near one comes to it, tinyworld's written taste, or the reward model of the stage before.
"""

from collections.abc import Callable
from typing import Any

from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.train import save
from groundup.runs.timing import Units
from groundup.runs.watching import watching

TASKS = 4000  # different questions to practise; a step draws from them
MEASURED = (32, 64)  # rows and tokens of the batch by which the number format is chosen
TRIERS = {  # methods that try answers: a function (module, tokenizer, tasks, reward, config, *, stop_ids, ...)
    "grpo": "groundup.alignment.grpo:grpo",
    "ppo": "groundup.alignment.ppo:ppo",
    "rloo": "groundup.alignment.rloo:rloo",
    "reinforce": "groundup.alignment.reinforce:reinforce",
    "rejection": "groundup.alignment.rejection.trainer:fit",
}
OTHERS: dict[str, str] = {}  # methods that learn from what is there: a function (context) -> numbers


def run(context: Context) -> dict[str, Any]:
    """Improve the model of the stage before, or of the folder given, and write its folder."""
    method = context.config.method
    return named(OTHERS[method])(context) if method in OTHERS else practised(context)


def named(place: str) -> Callable[..., Any]:
    """The function at `module:name`."""
    import importlib

    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def practised(context: Context) -> dict[str, Any]:
    """Let the model try, judge, and learn from it."""
    from groundup.alignment.environments.rollouts import task
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
        asked |= {"folder": context.folder, "stop": context.stop, "way_on": context.way_on()} | judged(
            context, handle.tokenizer
        )
        learn = named(TRIERS[config.method])
        result = learn(handle.module, handle.tokenizer, tasks, rewarded(config), config, stop_ids=stops, **asked)
    save(context, handle.module, handle.tokenizer, chats=True)
    answers = config.steps * config.prompts_per_step * config.samples_per_prompt
    seconds = {"checkpoint_seconds": result.checkpoint_seconds, "units": units.table()}
    return {"steps": config.steps, "answers": answers, "families": list(families(config))} | seconds


def rewarded(config: Any) -> Callable[[Any, str], float]:
    """The reward that a program checks; nothing where a reward model judges."""
    from groundup.alignment.rewards.verifiable import SHELF

    return SHELF.get(config.reward, lambda item, text: 0.0)


def judged(context: Context, tokenizer: Any) -> dict[str, Any]:
    """The environment in which a reward model judges, where the recipe asks for one."""
    from functools import partial

    from groundup.alignment.rewards.ensemble import Ensemble
    from groundup.alignment.rewards.reward_model import Scored
    from groundup.errors import ConfigError, InputError

    if context.config.reward != "model":
        return {}
    if "reward_model" not in context.inputs:
        raise ConfigError(
            'align.reward = "model" needs a reward model; put the stage reward before align, '
            "or give --reward-model FOLDER"
        )
    judge = Ensemble.load(context.inputs["reward_model"], device=context.device())
    if not all(same_tokens(member.tokenizer, tokenizer) for member in judge.members):
        raise InputError(
            f"{context.inputs['reward_model']} has other tokens than {context.inputs['model']}, so it would read other answers; "
            f"learn one with `groundup align {context.inputs['model']} --method reward`"
        )
    return {"environment": partial(Scored, judge_model=judge)}


def same_tokens(one: Any, other: Any) -> bool:
    """Whether every id means the same text to both tokenizers; their chat templates may differ."""
    if one.fingerprint == other.fingerprint:
        return True
    size = one.vocab_size
    return size == other.vocab_size and all(one.decode([token]) == other.decode([token]) for token in range(size))


def families(config: Any) -> tuple[str, ...]:
    """What is practised: the families named, or those that are hard for a small model."""
    from groundup.data.sources.tinyworld import HARD_FAMILIES

    return config.families or HARD_FAMILIES


def practice(config: Any) -> list[Any]:
    """Training questions of those families."""
    from groundup.data.sources.tinyworld import instructions

    return list(instructions(config.seed, TASKS, "train", families(config)))
