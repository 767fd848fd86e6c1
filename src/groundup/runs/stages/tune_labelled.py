"""The stage `tune` on labelled rows: the model gets another head, learns it, and is measured on rows that were kept back."""

from collections.abc import Sequence
from typing import Any

from groundup import files, progress
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.train import save
from groundup.runs.stages.tune import chosen_weights, unfrozen
from groundup.runs.timing import Units
from groundup.runs.watching import watching

TENTH = 10  # of a user's file so much is kept back, where nothing else is said


def run(context: Context, handle: Any) -> dict[str, Any]:
    """Learn the head that the task asks for, on the model of the stage before or of the folder given, and write its folder."""
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.tuning.supervised.classification import collate, encoded, fit, headed, objective_of, steps_of
    from groundup.tuning.supervised.labelled import check_known, names_of

    config, tokenizer = context.config, handle.tokenizer
    learned, kept = rows(config)
    labels = names_of(learned, config.task)
    check_known(kept, config.task, labels)
    module = headed(handle.module, config.task, learned, config.seed)
    pad, longest = tokenizer.pad_token_id or 0, min(config.seq_len, module.config.max_position_embeddings)
    items = encoded(learned, config.task, labels, tokenizer, longest)
    held = encoded(kept, config.task, labels, tokenizer, longest) if kept else []
    for what, some, left in (("rows", learned, items), ("held-out rows", kept, held)):
        if len(left) < len(some):
            progress.say(
                f"{len(some) - len(left)} of {len(some)} {what} lose their label within {longest} tokens and are left out"
            )
    sample = collate(items[: config.batch_size], config.task, pad)
    precision.decide(context, module, lambda: sample, objective_of(config.task))
    frozen, steps, units = chosen_weights(module, config), steps_of(len(items), config), Units()
    with watching(context, module, config.training(steps), config.trackers) as watch:
        asked = watch.asked(context, units.step) | {"tokenizer": tokenizer, "folder": context.folder}
        asked["mark"] = unfrozen(watch.batches, module, config, frozen)
        result = fit(module, items, config, pad, **asked)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        save(context, module, tokenizer)
        found = measured(module, held, config.task, labels, pad) if held else {}
    numbers = {
        "weights": weights,
        "task": config.task,
        "labels": len(labels),
        "rows": len(items),
        "steps": steps,
        "loss": result.loss,
    }
    return numbers | found | {"checkpoint_seconds": result.checkpoint_seconds, "units": units.table()}


def rows(config: Any) -> tuple[list[Any], list[Any]]:
    """Rows to learn from, and rows that are kept back: a file's own, or the end of the one file."""
    from groundup.errors import InputError
    from groundup.tuning.supervised.labelled import read_examples

    read = read_examples(config.data, config.task)
    if config.heldout_data:
        return read, read_examples(config.heldout_data, config.task)[: config.heldout]
    count = len(read) // TENTH if config.heldout is None else config.heldout
    if count >= len(read):
        raise InputError(f"heldout={count} of {len(read)} rows leaves none to learn from; keep fewer back")
    return read[: len(read) - count], read[len(read) - count :]


def measured(module: Any, items: Sequence[Any], task: str, labels: Sequence[str], pad: int) -> dict[str, Any]:
    """What the model says of the kept rows, flat enough to be shown and whole enough to be kept."""
    from groundup.tuning.supervised.predictions import measure, predict

    found = measure(items, predict(module, items, task, pad), task, labels)
    shares = {
        f"{name}_{edge}": found[name][edge]
        for name in ("accuracy", "exact")
        if name in found
        for edge in ("value", "low", "high")
    }
    plain = {name: value for name, value in found.items() if isinstance(value, (int, float))}
    return (
        shares
        | plain
        | ({"span_f1": found["spans"]["f1"]} if "spans" in found else {})
        | {"heldout": len(items), "scores": found}
    )
