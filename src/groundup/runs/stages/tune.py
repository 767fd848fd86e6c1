"""The stage `tune`: the model learns to write the answers of conversations, and to stop."""

from collections.abc import Sequence
from typing import Any

from groundup import files
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.train import save
from groundup.runs.timing import Units
from groundup.runs.watching import watching

VALIDATED = 200  # held-out conversations whose loss is watched
STANDALONE = 20_000  # instructions of tinyworld, when neither a data stage nor a file gives conversations


def run(context: Context) -> dict[str, Any]:
    """Tune the model of the stage before, or of the folder given, and write its folder."""
    from groundup.inference.handle import load
    from groundup.training.loop import call_every
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.tuning.supervised.instruction import fit, loader_of, steps_of

    handle, config = load(context.inputs["model"], device=context.device()), context.config
    shards = encoded(context, handle.tokenizer)
    precision.decide(context, handle.module, lambda: loader_of(shards, config).batch(0))
    steps = steps_of(config, loader_of(shards, config))
    units = Units()
    validate = units.listener("validation", validation(context, handle.tokenizer))
    with watching(context, handle.module, config.training(steps), config.trackers) as watch:
        listeners = [*watch.listeners, units.step, call_every(config.validate_every, steps, validate)]
        asked: Any = {"mark": watch.batches, "listeners": listeners, "stop": context.stop, "way_on": context.way_on()}
        asked["tokenizer"] = handle.tokenizer
        training, result = fit(handle.module, shards, config, context.folder, **asked)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        save(context, handle.module, handle.tokenizer, chats=True)
    return {
        "weights": weights,
        "conversations": shards.num_documents,
        "rows_per_epoch": loader_of(shards, config).rows_per_epoch,
        "steps": training.steps,
        "tokens": training.steps * training.tokens_per_step,
        "loss": result.loss,
        "checkpoint_seconds": result.checkpoint_seconds,
        "units": units.table(),
    }


def encoded(context: Context, tokenizer: Any) -> Any:
    """The conversations as token shards, made once."""
    from groundup.data.pipeline.formats import Shards
    from groundup.errors import InputError
    from groundup.tuning.supervised.conversations import one_after_another
    from groundup.tuning.supervised.instruction import conversations_to_shards

    folder = context.folder / "conversations"
    if not tokenizer.chat_template:
        raise InputError(
            f"{context.inputs['model']} has no chat template; add chat_template to its tokenizer_config.json"
        )
    if not (folder / "index.json").exists():
        made, config = conversations(context), context.config
        chained = made if config.data else list(one_after_another(made, config.turns, config.seed))
        conversations_to_shards(chained, tokenizer, folder)
    return Shards.open(folder)


def conversations(context: Context, split: str = "train") -> Sequence[Any]:
    """The user's conversations; else the instructions of the data stage; else tinyworld's own."""
    from groundup.data.folder import DataFolder
    from groundup.data.sources import tinyworld
    from groundup.tuning.supervised.conversations import read_conversations, to_messages

    if context.config.data:
        return read_conversations(context.config.data) if split == "train" else []
    if "documents" in context.inputs:
        return [to_messages(record) for record in DataFolder.open(context.inputs["documents"]).instructions(split)]
    count = STANDALONE if split == "train" else VALIDATED
    return [instruction.messages for instruction in tinyworld.instructions(context.config.seed, count, split)]


def validation(context: Context, tokenizer: Any) -> Any:
    """A listener that records the loss on held-out conversations' answers."""
    from groundup.training.loop.live_evaluation import scored
    from groundup.training.objectives.causal import mean_loss
    from groundup.tuning.supervised.instruction import conversations_to_shards, loader_of

    held_out = list(conversations(context, "heldout"))[:VALIDATED]
    if not held_out:
        return lambda event: None
    batches = loader_of(conversations_to_shards(held_out, tokenizer, context.folder / "validation"), context.config)
    count = max(1, batches.rows_per_epoch // context.config.batch_size)

    def measured(module: Any) -> dict[str, float]:
        return {"validation_loss": mean_loss(module, [batches.batch(number) for number in range(count)])}

    return lambda event: context.record(step=event.step, **scored(event, measured))
