"""The stage `align` by pairs (DPO, IPO, KTO, ORPO, SimPO): the user's, tinyworld's, or of the model's own answers; kept in pairs.jsonl.

Of a user's file a part is kept back: its loss is measured before and after, its accuracy and margin after.
"""

from collections.abc import Sequence
from typing import Any

from groundup import progress
from groundup.runs.context import Context
from groundup.runs.stages.align import judged, keep, practice, rewarded, tuned
from groundup.runs.timing import Units
from groundup.runs.watching import watching

PAIRS = "pairs.jsonl"
TENTH = 10  # of a user's file at most so much is kept back


def run(context: Context) -> dict[str, Any]:
    """Move the model of the stage before, or of the folder given, towards the preferred answers, and write its folder."""
    from groundup.alignment.dpo.trainer import learned, prepared

    handle, config, units = tuned(context), context.config, Units()
    rows, kept = preferences(context, handle)
    held = kept_back(handle, kept, config)
    before = held.measure(handle.module) if held else {}
    told: dict[str, float] = {}
    pairs = prepared(handle.module, rows, config, handle.tokenizer)
    with watching(context, handle.module, pairs.training(), config.trackers) as watch:
        asked = watch.asked(context, units.step, lambda event: told.update(event.also or {}))
        result = learned(handle.module, pairs, context.folder, tokenizer=handle.tokenizer, **asked)
    after = held.measure(handle.module) if held else {}
    keep(context, handle)
    numbers: dict[str, Any] = {"pairs": pairs.rows, "left_out": len(rows) - pairs.rows, "loss": result.loss, "checkpoint_seconds": result.checkpoint_seconds}
    if held:  # before, policy and reference are one: no margin, and no order
        numbers |= {"heldout": held.rows, "heldout_loss_before": before["loss"]}
        numbers |= {f"heldout_{name}": value for name, value in after.items()}
    return numbers | {name: told[name] for name in ("accuracy", "margin") if name in told} | {"units": units.table()}


def kept_back(handle: Any, kept: Sequence[Any], config: Any) -> Any:
    """The pairs that are kept back, with what the model thinks of them as it is now; None where there are none that fit."""
    from groundup.alignment.dpo.trainer import prepared
    from groundup.errors import InputError

    if not kept:
        return None
    try:
        return prepared(handle.module, kept, config, handle.tokenizer)
    except InputError as error:
        progress.say(f"nothing is measured on the pairs kept back: {error}")
        return None


def preferences(context: Context, handle: Any) -> tuple[list[Any], list[Any]]:
    """What is learned from, and what is kept back of a user's file; what was drawn is written, so that a run that goes on has the same."""
    from groundup.alignment.preferences.data import drawn, read_pairs, write_pairs
    from groundup.errors import InputError

    config, kept = context.config, context.folder / PAIRS
    if config.data:
        read = read_pairs(config.data, singles=config.method == "kto")
        if read.left_out:
            progress.say(f"{read.left_out} records are left out; the first: {read.reason}")
        learned = len(read.pairs) - min(config.heldout, len(read.pairs) // TENTH)
        return read.pairs[:learned], read.pairs[learned:]
    if not kept.exists():
        made = list(drawn(config.seed, config.pairs)) if config.answers == "world" else own_answers(context, handle)
        if not made:
            raise InputError(
                f"of {config.pairs} questions none has answers of unequal worth; ask more (align.pairs), draw more answers "
                "(align.samples), or give a file of pairs (align.data)"
            )
        write_pairs(kept, made)
    return read_pairs(kept).pairs, []


def own_answers(context: Context, handle: Any) -> list[Any]:
    """Pairs of the model's own answers to tinyworld's questions, ordered by who judges."""
    from groundup.alignment.dpo.pairs import own
    from groundup.alignment.environments.rollouts import Environment, task
    from groundup.alignment.practice import checked
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.handle import end_of_turn

    config, words = context.config, handle.tokenizer
    tasks = [task(item.prompt, item, words) for item in practice(config)]
    kind = judged(context, words).get("environment", Environment)
    asked = kind(tasks, checked(rewarded(config)), words, handle.stop_ids() | end_of_turn(words))
    sampling = SamplingConfig(max_new_tokens=config.max_new_tokens, temperature=1.0, seed=config.seed)
    return own(handle.module, asked, config.pairs, config.samples, sampling, config.least_margin)
