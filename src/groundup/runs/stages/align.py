"""The stage `align`: answers are tried, rewarded, and the better ones made more likely, by the method that the recipe names.

Who judges (`align.reward`): the right answer, how near one comes to it, tinyworld's written taste, or the reward model of the stage before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup import files, progress
from groundup.alignment.methods import FROM_PAIRS, TRIERS
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.tune import sampled
from groundup.runs.timing import Units
from groundup.runs.watching import watching

TASKS = 4000  # different questions to practise; a step draws from them
MEASURED = (32, 64)  # rows and tokens of the batch by which the number format is chosen
PAIRS = "groundup.runs.stages.prefer:run"
OTHERS = dict.fromkeys(FROM_PAIRS, PAIRS) | {"constitutional": "groundup.runs.stages.constitution:run"}  # (context) -> numbers
SHOWN_ROWS, SHOWN_TOKENS, SHOWN_RATE = 16, 128, 0.005  # how demonstrations are learned
THINKING = "thinking.json"  # the score at each budget of thought
BUDGETS, EXAM, VOTES = (0, 4, 8, 16, 32, 64), 100, 5


def run(context: Context) -> dict[str, Any]:
    """Improve the model of the stage before, or of the folder given, and write its folder."""
    method = context.config.method
    made: dict[str, Any] = named(OTHERS[method])(context) if method in OTHERS else practised(context)
    return made


def named(place: str) -> Any:
    """The function, or the class, at `module:name`."""
    import importlib

    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def tuned(context: Context) -> Any:
    """The handle of the model that is improved, in the stage's number format; it must have a chat template."""
    from groundup.errors import InputError
    from groundup.inference.handle import load

    handle = load(context.inputs["model"], device=context.device())
    if not handle.tokenizer.chat_template:
        raise InputError(
            f"{context.inputs['model']} has no chat template; tune it first with `groundup tune {context.inputs['model']}`"
        )
    precision.decide(context, handle.module, lambda: precision.synthetic_batch(handle.module, *MEASURED))
    return handle


def keep(context: Context, handle: Any) -> None:
    """Write the improved model's folder; what ends its answers is what ended the base's."""
    from groundup.model.formats.huggingface import save_model

    save_model(context.made, handle.module, handle.tokenizer, generation=sampled(handle, chats=True))


def shown(context: Context, handle: Any, talks: Sequence[Any], rate: float, name: str, rows: int = SHOWN_ROWS) -> None:
    """Tune on conversations once, in a folder of their own with its metrics.jsonl; a run that goes on finds it done. rows: conversations in a step."""
    from groundup.training.loop import write_metrics
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.instruction import conversations_to_shards, fit

    folder = context.folder / "checkpoints" / name  # no later stage reads it
    config = TuneConfig(
        epochs=1.0,
        batch_size=rows,
        seq_len=min(SHOWN_TOKENS, handle.module.config.max_position_embeddings),
        optimizer="adamw",
        learning_rate=rate,
        seed=context.config.seed,
        checkpoint_every=0,
    )
    shards = conversations_to_shards(talks, handle.tokenizer, folder / "shards", longest=handle.module.config.max_position_embeddings)
    watched: dict[str, Any] = {"stop": context.stop, "way_on": context.way_on(), "listeners": [write_metrics(folder / "metrics.jsonl")]}
    fit(handle.module, shards, config, folder, tokenizer=handle.tokenizer, **watched)


def practised(context: Context) -> dict[str, Any]:
    """Let the model try, judge, and learn from it."""
    from groundup.alignment.environments.rollouts import task
    from groundup.alignment.practice import improve
    from groundup.inference.handle import end_of_turn

    handle, config = tuned(context), context.config
    if config.demonstrations:
        talks = surroundings(config).demonstrations(config.seed, config.demonstrations)
        shown(context, handle, list(talks), SHOWN_RATE, "demonstrations")
    room = handle.module.config.max_position_embeddings - config.max_new_tokens
    tasks = that_leave_room([task(item.prompt, item, handle.tokenizer) for item in practice(config)], room)
    units, stops = Units(), handle.stop_ids() | end_of_turn(handle.tokenizer)
    with watching(context, handle.module, config.training(), config.trackers) as watch:
        asked = watch.asked(context, units.step) | {"folder": context.folder} | judged(context, handle.tokenizer)
        rounds, words = named(TRIERS[config.method]), handle.tokenizer
        result = improve(rounds, handle.module, words, tasks, rewarded(config), config, stop_ids=stops, **asked)
    keep(context, handle)
    answers = config.steps * config.prompts_per_step * config.samples_per_prompt
    seconds = {"checkpoint_seconds": result.checkpoint_seconds, "units": units.table()}
    thought = thinking(context, handle, stops) if config.environment == "reasoning" else {}
    return {"steps": config.steps, "answers": answers, "families": [] if config.data else list(families(config))} | thought | seconds


def that_leave_room(tasks: Sequence[Any], room: int) -> list[Any]:
    """The tasks whose prompt has so many tokens at most; how many have more is said."""
    kept = [one for one in tasks if len(one.prompt_ids) <= room]
    if len(kept) < len(tasks):
        progress.say(f"{len(tasks) - len(kept)} of {len(tasks)} questions are longer than {room} tokens, leave no room for an answer, and are left out")
    return kept


def thinking(context: Context, handle: Any, stops: Any) -> dict[str, float]:
    """What more thinking is worth: the score on held-out questions at each budget, of one answer and of a vote; kept in thinking.json."""
    from dataclasses import asdict

    from groundup.alignment.environments import reasoning
    from groundup.alignment.environments.rollouts import task
    from groundup.data.sources.tinyworld import instructions

    config, words = context.config, handle.tokenizer
    exam = list(instructions(config.seed, EXAM, "heldout", families(config)))
    room = reasoning.room(handle.module, words)
    tasks = that_leave_room([task(one.prompt, one, words) for one in exam], room)
    if not tasks:
        return {}
    exam, asked = [one.item for one in tasks], reasoning.environment(config)(tasks, rewarded(config), words, stops)
    points = [
        point for votes in (1, VOTES) for point in reasoning.by_budget(handle.module, asked, exam, BUDGETS, votes)
    ]
    files.write_json(context.folder / THINKING, [asdict(point) for point in points])
    return {f"score, {point.budget} tokens of thought, {point.votes} votes": point.score for point in points}


def surroundings(config: Any) -> Any:
    """The module of what may come before an answer."""
    import importlib

    from groundup.alignment.environments import KINDS
    from groundup.errors import ConfigError

    if config.environment not in KINDS:
        raise ConfigError(
            f"demonstrations={config.demonstrations} show nothing where environment=answers; use environment = tools or reasoning"
        )
    return importlib.import_module(KINDS[config.environment])


def rewarded(config: Any) -> Callable[[Any, str], float]:
    """The reward that a program checks; nothing where a reward model judges."""
    from groundup.alignment.rewards.verifiable import SHELF

    return SHELF.get(config.reward, lambda item, text: 0.0)


def judged(context: Context, tokenizer: Any) -> dict[str, Any]:
    """The environment in which a reward model judges, where the recipe asks for one."""
    from functools import partial

    from groundup.alignment.distill.on_policy import Taught
    from groundup.alignment.rewards.ensemble import Ensemble
    from groundup.alignment.rewards.reward_model import Scored
    from groundup.errors import ConfigError, InputError
    from groundup.inference.streaming import same_tokens

    if context.config.method == "distill":
        return {"environment": partial(Taught, teacher=teacher(context, tokenizer))}
    if getattr(context.config, "environment", "answers") != "answers":
        return {"environment": surroundings(context.config).environment(context.config)}
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


def teacher(context: Context, tokenizer: Any) -> Any:
    """The larger model that teaches."""
    from groundup.errors import ConfigError, InputError
    from groundup.inference.handle import load
    from groundup.inference.streaming import same_tokens

    if "teacher" not in context.inputs:
        raise ConfigError("align.method = \"distill\" needs a teacher; give a larger model's folder as --teacher FOLDER")
    handle = load(context.inputs["teacher"], device=context.device())
    if not same_tokens(handle.tokenizer, tokenizer):
        raise InputError(
            f"{context.inputs['teacher']} has other tokens than {context.inputs['model']}, so they cannot be compared token by token; "
            "take two models with one tokenizer"
        )
    return handle.module


def families(config: Any) -> tuple[str, ...]:
    """What is practised: the families named, or those that are hard for a small model."""
    from groundup.data.sources.tinyworld import HARD_FAMILIES

    kind = getattr(config, "environment", "answers")
    return config.families or (HARD_FAMILIES if kind == "answers" else surroundings(config).FAMILIES)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the user's, and the answer wanted."""

    prompt: str
    answer: str


def questions(path: str) -> list[Asked]:
    """The questions of a JSON-lines file. InputError: a line without a question or an answer."""
    from groundup.errors import InputError

    made = list[Asked]()
    for number, line in enumerate(files.read_jsonl(Path(path)), 1):
        asked = (line.get("question") or line.get("prompt")) if isinstance(line, dict) else None
        if not isinstance(asked, str) or line.get("answer") in (None, ""):
            raise InputError(f'{path}: line {number} has not both a question and an answer; write lines such as {{"question": "2 + 2?", "answer": "4"}}')
        made.append(Asked(asked, str(line["answer"])))
    return made


def practice(config: Any) -> list[Any]:
    """The user's questions, or training questions of those families."""
    from groundup.data.sources.tinyworld import instructions

    if config.data and config.method in TRIERS:
        return questions(config.data)
    return list(instructions(config.seed, TASKS, "train", families(config)))
