"""A run in small: the same model, the same batch shapes, a few steps of each stage, in a process of its own.

`runs.estimate` starts it as `python -m groundup.runs.child measurement FOLDER`, where FOLDER/recipe.toml is the full recipe. In one process, so
that peaks of memory are those of a real run. An untrained model does not stop by itself: its answers would be longer than a tuned model's,
and dearer. So the answers of `align` are cut at the longest right one, and how the time of an answer grows with its length is measured apart
(`answering`).
"""

import dataclasses
import random
import re
import shutil
import time
import tomllib
from pathlib import Path
from typing import Any

from groundup import files
from groundup.runs import recipe as recipes
from groundup.runs.recipe import Recipe

ORDER = ("data", "tokenizer", "train", "tune", "reward", "align", "eval")
TRAIN_STEPS, TUNE_STEPS, ALIGN_STEPS = 24, 6, 12
MOST_STEPS = 400  # of a small model, whose steps are short: 24 of 12 ms were 14 to 18 % off what 500 took, 120 of 20 ms 20 % off what 1,500 took
ENOUGH_FLOPS = 1.2e12  # of all steps: some ten seconds on two cores, longer than a pace of theirs lasts
VALIDATIONS = 4  # each time that training goes on after a validation, memory grows a little
CHECKPOINTS = 2  # the first is written while training goes on, as all but the last of a run are, and pays for what is made once
ASKED = 128  # instructions of each set
RIGHT = 0.9  # of the answers in `align`: then, as with a tuned model, about half of the groups of eight have something to learn from
RESULT = "measured.json"
WORD = re.compile(
    r"[^\W\d]+| (?=\d)|\d|[^\w\s]"
)  # about a token of an answer: a word, a digit and the space before it, a mark


def small(recipe: Recipe, answer_tokens: int) -> Recipe:
    """The recipe with few steps: what is measured must be what the full one does, so shapes stay as they are."""
    steps = train_steps(recipe)
    changes: dict[str, dict[str, Any]] = {
        "train": {
            "steps": steps,
            "batch_ramp_steps": 0,  # a step of the whole batch is timed; `estimate` counts those of a part
            "sample_every": steps // VALIDATIONS,
            "validate_every": steps // VALIDATIONS,
            "checkpoint_every": -(-steps // CHECKPOINTS),
        },
        "tune": {"steps": TUNE_STEPS, "validate_every": 0, "checkpoint_every": TUNE_STEPS // CHECKPOINTS},
        "align": {
            "steps": ALIGN_STEPS,
            "max_new_tokens": answer_tokens,
            "checkpoint_every": ALIGN_STEPS // CHECKPOINTS,
        },
    }
    if "align" in recipe.configs and hasattr(recipe.configs["align"], "pairs"):  # pairs are answered before the first step
        changes["align"] |= {"pairs": ASKED}
    if "reward" in recipe.configs:
        reward = recipe.configs["reward"]
        changes["reward"] = {"pairs": round(TUNE_STEPS * reward.batch_size / reward.epochs), "heldout": 0, "members": 1}
    if "eval" in recipe.configs:
        changes["eval"] = {"instructions": min(ASKED, recipe.configs["eval"].instructions)}
    stages = tuple(stage for stage in ORDER if stage in recipe.stages)
    configs = {name: dataclasses.replace(config, **changes.get(name, {})) for name, config in recipe.configs.items()}
    return dataclasses.replace(recipe, name="measurement", stages=stages, configs=configs)


def train_steps(recipe: Recipe) -> int:
    """How many steps of `train` are timed: more of them where they are short, at most a quarter of what is to come."""
    if not {"model", "train"} <= recipe.configs.keys():
        return TRAIN_STEPS
    from groundup.model.accounting import count

    config = recipe.configs["train"]
    tokens = config.batch_size * config.seq_len * config.gradient_accumulation_steps
    flops = tokens * count(recipe.configs["model"]).training_flops_per_token(config.seq_len)
    return max(TRAIN_STEPS, min(MOST_STEPS, config.steps // 4, round(ENOUGH_FLOPS / flops)))


def main(folder: str) -> None:
    """Run in small and write what it took."""
    from groundup.runs import runner

    place = Path(folder)
    full = recipes.resolve(tomllib.loads((place / "recipe.toml").read_text("utf-8")), "the recipe")
    tokens, longest = answer_lengths(full)
    take_answers_as_right()
    if "tokenizer" in full.inputs:
        load_kernels(Path(full.inputs["tokenizer"]), place / "words")
    little = small(full, practised_length(full))
    done = runner.run(
        dataclasses.replace(little, stages=tuple(one for one in little.stages if one != "eval")), place / "run"
    )
    ran = {one.name: one for one in done.stages}
    if "eval" in little.stages:
        ran["eval"] = measured_eval(little, place)
    models = {name: one.folder / "model" for name, one in ran.items() if one.plan.stage.makes == "model"}
    asks = {"eval", "tune"} <= set(full.stages) and full.configs["eval"].instructions > 0
    answers = answering(next(iter(models.values())), longest, full) if asks and models else None
    stages = {name: {"done": one.done, "disk_bytes": disk_bytes(one.folder)} for name, one in ran.items()}
    files.write_json(place / RESULT, {"stages": stages, "answer_tokens": tokens, "answering": answers})


def measured_eval(little: Recipe, place: Path) -> Any:
    """Run `eval` after all others, as a full run does, for it begins with the memory that they left; but ask one model, not three."""
    from groundup.runs import runner

    stages = tuple(name for name in little.stages if name not in ("tune", "reward", "align"))
    asking = dataclasses.replace(little, stages=stages)
    shutil.copytree(place / "run" / "stages", place / "eval" / "stages")
    files.write_text(place / "eval" / "recipe.toml", asking.to_toml())
    return runner.run(asking, place / "eval").stages[-1]


def load_kernels(tokenizer: Path, folder: Path) -> None:
    """Load what a run has loaded when its tokenizer is trained, so that the measurement begins with about the same memory.

    The kernels that cut and pack tokens too: where nothing is compiled yet they would be compiled within `train`, here and not in the
    run, whose peak is then 80 MB lower.
    """
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.pipeline.tokenize import tokenize
    from groundup.text.tokenizers import TokenizerConfig, load_tokenizer, train_tokenizer

    bare = TokenizerConfig(vocab_size=256 + len(TokenizerConfig().special_tokens))
    train_tokenizer(["a few words"], bare).encode_batch(["a few words"])
    given = load_tokenizer(tokenizer)
    given.encode("a few words")  # one text alone is a kernel of its own
    tokenize(["a few words"], given, folder)
    Loader([(Shards.open(folder), 1)], seq_len=2, batch_size=1, seed=0).batch(0)


def take_answers_as_right() -> None:
    """Let an untrained model answer as a tuned one does: none ends before the limit, and most count as right.

    Left to itself it stops after four tokens of twenty; and from answers that are all wrong nothing is learned, so that a round
    costs half.
    """
    from groundup.alignment.environments.rollouts import Environment

    draw, judge, rollout = random.Random(0), Environment.judge, Environment.rollout

    def endless(self: Any, *arguments: Any) -> Any:
        return rollout(dataclasses.replace(self, stop_ids=()), *arguments)

    def lucky(self: Any, task: Any, completion: Any) -> Any:
        return dataclasses.replace(judge(self, task, completion), reward=float(draw.random() < RIGHT))

    Environment.judge = lucky  # type: ignore[method-assign]
    Environment.rollout = endless  # type: ignore[method-assign,assignment]


def questions(recipe: Recipe, count: int, families: tuple[str, ...] = ()) -> list[Any]:
    """Held-out instructions like those that will be asked."""
    from groundup.data.sources.tinyworld import instructions

    return list(instructions(recipe.seed + 77, count, "heldout", families))


def answer_tokens(items: list[Any]) -> list[int]:
    """About the tokens of the right answers, their ends included."""
    return [len(WORD.findall(item.answer)) + 1 for item in items]


def answer_lengths(recipe: Recipe) -> tuple[float, int]:
    """The mean and the longest right answer in tokens."""
    if "tune" not in recipe.stages:
        return 1.0, 1
    counts = answer_tokens(questions(recipe, 500))
    return sum(counts) / len(counts), max(counts)


def practised_length(recipe: Recipe) -> int:
    """The tokens of an answer in `align`: midway between the mean, of which it learns, and the longest, for which a round waits."""
    if "align" not in recipe.stages:
        return 1
    from groundup.runs.stages.align import families

    config = recipe.configs["align"]
    counts = answer_tokens(questions(recipe, 100, families(config)))
    return min(config.max_new_tokens, round((sum(counts) / len(counts) + max(counts)) / 2))


def answering(folder: Path, longest: int, recipe: Recipe) -> dict[str, float]:
    """Seconds to read a batch of questions, and for every further token of the answers."""
    from groundup.evaluation.tasks.instructions import ROOM_TOKENS, chat_answerer
    from groundup.inference.handle import load

    handle, rows = load(folder), min(recipe.configs["eval"].rows_at_once, 2 * recipe.configs["eval"].instructions)
    items, room = questions(recipe, rows), longest + ROOM_TOKENS
    seconds = []
    for limit in (1, room):
        began = time.perf_counter()
        chat_answerer(handle, limit, rows)(items)
        seconds.append(time.perf_counter() - began)
    return {"rows": rows, "read_seconds": seconds[0], "token_seconds": max(0.0, seconds[1] - seconds[0]) / (room - 1)}


def disk_bytes(folder: Path) -> dict[str, int]:
    """What a stage's folder holds: a checkpoint, the lines that grow with the steps, and all the rest."""
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    kept = {name: size for name, size in sizes.items() if name.startswith("checkpoints/")}
    lines = sum(size for name, size in sizes.items() if name in ("metrics.jsonl", "rollouts.jsonl"))
    checkpoints = len({name.split("/")[1] for name in kept})
    rest = sum(sizes.values()) - sum(kept.values()) - lines
    return {"checkpoint": sum(kept.values()) // max(1, checkpoints), "lines": lines, "rest": rest}
