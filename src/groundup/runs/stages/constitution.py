"""The stage `align` by a constitution: answers are criticised and revised and learned (SL-CAI), then the model's own preferences (RL-CAI)."""

from collections.abc import Sequence
from typing import Any

from groundup import files
from groundup.runs.context import Context
from groundup.runs.stages.align import keep, shown, tuned

REVISED, PAIRS = "revised.jsonl", "pairs.jsonl"


def run(context: Context) -> dict[str, Any]:
    """Hold the model of the stage before, or of the folder given, to the constitution, and write its folder."""
    from groundup.alignment.constitutional import constitutional as cai
    from groundup.alignment.rewards.verifiable import right
    from groundup.data.sources.tinyworld import instructions
    from groundup.inference.handle import end_of_turn

    handle, config = tuned(context), context.config
    if config.demonstrations:
        talks = list(cai.demonstrations(config.seed, config.demonstrations, config.families))
        shown(context, handle, talks, config.demonstration_rate, "demonstrations", config.batch_size)
    stops = frozenset(handle.stop_ids() | end_of_turn(handle.tokenizer))
    speaker = cai.Speaker(handle.module, handle.tokenizer, stops)
    exam = list(instructions(config.seed, config.held_out, "heldout", config.families))
    numbers: dict[str, Any] = {"before": cai.measured(speaker, exam, right, most=config.max_new_tokens)}
    numbers["critic"] = learn_revisions(context, handle, speaker)
    numbers["revised"] = cai.measured(speaker, exam, right, most=config.max_new_tokens)
    numbers["pairs"] = learn_preferences(context, handle, speaker)
    numbers["after"] = cai.measured(speaker, exam, right, most=config.max_new_tokens)
    keep(context, handle)
    flat = {f"{when}_{name}": value for when in ("before", "revised", "after") for name, value in numbers[when].items()}
    return flat | {"critic": numbers["critic"], "pairs": numbers["pairs"]}


def questions(config: Any, count: int, shift: int) -> list[str]:
    """Training questions, others for each phase."""
    from groundup.data.sources.tinyworld import instructions

    return [item.prompt for item in instructions(config.seed + shift, count, "train", config.families)]


def learn_revisions(context: Context, handle: Any, speaker: Any) -> float:
    """The first phase; the share of critiques that agree with the written truth. What was revised is kept."""
    from groundup.alignment.constitutional import constitutional as cai

    config, kept = context.config, context.folder / REVISED
    if not kept.exists():
        made = cai.revised(speaker, questions(config, config.revisions, 11), config.seed, config.max_new_tokens)
        written = [
            {"question": one.question, "answer": one.answer, "principle": one.principle.name, "broken": one.broken,
             "revision": one.revision, "critic_is_right": one.critic_is_right}
            for one in made
        ]  # fmt: skip
        files.write_jsonl(kept, written)
    lines: list[Any] = files.read_jsonl(kept)
    shown(context, handle, talks_of(lines), config.learning_rate, "revisions", config.batch_size)
    return sum(line["critic_is_right"] for line in lines) / len(lines)


def talks_of(lines: Sequence[Any]) -> list[Any]:
    """Questions with their revised answers as conversations; an empty answer teaches nothing."""
    return [
        [{"role": "user", "content": line["question"]}, {"role": "assistant", "content": line["revision"]}]
        for line in lines
        if line["revision"].strip()
    ]


def learn_preferences(context: Context, handle: Any, speaker: Any) -> int:
    """The second phase; how many pairs the model was sure of. They are kept."""
    from groundup.alignment.constitutional import constitutional as cai
    from groundup.alignment.dpo.config import DpoConfig
    from groundup.alignment.dpo.trainer import fit
    from groundup.alignment.preferences.data import read_pairs, write_pairs
    from groundup.training.loop import write_metrics

    config, kept = context.config, context.folder / PAIRS
    if not kept.exists():
        write_pairs(kept, cai.compared(speaker, questions(config, config.comparisons, 22), config.seed, config.max_new_tokens))
    if not kept.stat().st_size:
        return 0
    pairs = read_pairs(kept).pairs
    asked = DpoConfig(learning_rate=config.learning_rate / 2, beta=config.beta, batch_size=config.batch_size, seed=config.seed)
    folder = context.folder / "preferences"
    watched: dict[str, Any] = {"stop": context.stop, "way_on": context.way_on(), "listeners": [write_metrics(folder / "metrics.jsonl")]}
    fit(handle.module, pairs, asked, folder, tokenizer=handle.tokenizer, **watched)
    return len(pairs)
