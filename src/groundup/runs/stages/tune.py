"""The stage `tune`: the model learns to write the answers of conversations, and to stop; or another task, each in a file of its own.

chat       here; an encoder-decoder: tune_sequences.py        classify, regress, tag, span    tune_labelled.py        domain    tune_domain.py
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from groundup import files
from groundup.errors import InputError, UnsupportedModel
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.train import generation
from groundup.runs.timing import Units
from groundup.runs.watching import watching
from groundup.tuning.config import LABELLED

VALIDATED = 200  # held-out conversations whose loss is watched
STANDALONE = 20_000  # instructions of tinyworld, when neither a data stage nor a file gives conversations
ELSEWHERE = {"domain": "tune_domain", **dict.fromkeys(LABELLED, "tune_labelled")}


def run(context: Context) -> dict[str, Any]:
    """Tune the model of the stage before, or of the folder given, on the task that the recipe names, and write its folder."""
    from groundup.inference.handle import load
    from groundup.model.encoder_decoder import EncoderDecoder

    place = ELSEWHERE.get(context.config.task)
    handle = load(context.inputs["model"], device=context.device())
    check_model(handle, context.config)
    if place is None and isinstance(handle.module, EncoderDecoder):
        place = "tune_sequences"
    if place is None:
        return chat(context, handle)
    found: dict[str, Any] = importlib.import_module(f"groundup.runs.stages.{place}").run(context, handle)
    return found


def check_model(handle: Any, config: Any) -> None:
    """Refuse a model that cannot learn the task, before anything is made of the data."""
    from groundup.model.encoder_decoder import EncoderDecoder
    from groundup.tuning.efficient.many import Adapted
    from groundup.tuning.supervised.instruction import check_length

    if isinstance(handle.module, Adapted):
        raise InputError(
            f"{handle.folder} holds an adapter that cannot be put into its base, so nothing is tuned on top of it; give the folder of the base"
        )
    if config.task in LABELLED:
        return
    handle._must_write()
    if not isinstance(handle.module, EncoderDecoder):
        check_length(handle.module, config)
    elif config.task == "domain":
        raise UnsupportedModel(
            f"{handle.folder} holds an encoder-decoder, which does not go on with text; give a decoder, or use task='chat'"
        )


def chat(context: Context, handle: Any) -> dict[str, Any]:
    """Teach a decoder the answers of conversations."""
    from groundup.training.loop import call_every
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.tuning.efficient.methods import put_on
    from groundup.tuning.supervised.instruction import fit, loader_of, steps_of

    config = context.config
    shards, said = encoded(context, handle.tokenizer), sampled(handle, chats=True)
    adapts = config.method != "full"
    precision.decide(context, handle.module, lambda: loader_of(shards, config).batch(0), frozen=adapts)
    before = answered(context, handle.module, handle.tokenizer)
    frozen = chosen_weights(handle.module, config)
    steps = steps_of(config, loader_of(shards, config))
    units = Units()
    trained = put_on(handle.module, config, steps)
    validate = units.listener("validation", validation(context, handle.tokenizer))
    with watching(context, trained.module, config.training(steps), config.trackers) as watch:
        asked = watch.asked(context, units.step, call_every(config.validate_every, steps, validate))
        asked |= {"listeners": [*trained.listeners, *asked["listeners"]], "tokenizer": handle.tokenizer}
        asked |= {"mark": unfrozen(watch.batches, handle.module, config, frozen), "objective": trained.objective}
        training, result = fit(trained.module, shards, config, context.folder, **asked)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        after = answered(context, trained.module, handle.tokenizer)
        kept = keep(context, trained.module, handle, said, lambda: loader_of(shards, config).batch(0))
    return (
        kept
        | compared(before, after)
        | {
            "weights": weights,
            "conversations": shards.num_documents,
            "rows_per_epoch": loader_of(shards, config).rows_per_epoch,
            "steps": training.steps,
            "tokens": training.steps * training.tokens_per_step,
            "loss": result.loss,
            "checkpoint_seconds": result.checkpoint_seconds,
            "units": units.table(),
        }
    )


def chosen_weights(module: Any, config: Any) -> list[str]:
    """Freeze what the recipe names; the names of those weights."""
    from groundup.tuning.supervised.full import freeze

    return freeze(module, config.freeze) if config.freeze else []


def unfrozen(mark: Any, module: Any, config: Any, frozen: Sequence[str]) -> Any:
    """The mark of the batches, which besides lets the layers of a step learn where the recipe unfreezes them gradually."""
    if not config.unfreeze_every:
        return mark
    from groundup.tuning.supervised.full import Unfreezing

    schedule = Unfreezing(module, config.unfreeze_every, frozenset(frozen))
    return lambda batches: schedule.batches(mark(batches), config.gradient_accumulation_steps)


def answered(context: Context, module: Any, tokenizer: Any) -> list[Any]:
    """What the model makes of the conversations that were kept back; nothing where none were."""
    from groundup.tuning.supervised import exact

    kept = conversations(context, "heldout") if context.config.data else []
    return (
        exact.answered(module, tokenizer, kept, module.config.max_position_embeddings - context.config.places)
        if kept
        else []
    )


def compared(before: Sequence[Any], after: Sequence[Any]) -> dict[str, Any]:
    """The shares of exact answers before and after, the gain over the same questions with its interval, and the loss in nats a token."""
    from groundup.tuning.supervised.exact import comparison, loss_of

    if not before:
        return {}
    found = comparison([one.exact for one in before], [one.exact for one in after])
    gain = found["gain"]
    told = {
        "exact_before": found["before"]["value"],
        "exact_after": found["after"]["value"],
        "exact_gain": gain["value"],
    }
    told |= {"exact_gain_low": gain["low"], "exact_gain_high": gain["high"], "asked": found["n"]}
    return told | {"heldout_loss_before": loss_of(before), "heldout_loss_after": loss_of(after), "answers": found}


def sampled(handle: Any, *, chats: bool) -> dict[str, Any]:
    """generation_config.json of the tuned model: the base's own, with all tokens that end its texts and its answers."""
    from groundup.inference.handle import end_of_turn

    tokenizer, said = handle.tokenizer, handle.generation
    # What a base that was trained here says of drawing texts is no way to answer.
    if not said or said == generation(tokenizer):
        said = generation(tokenizer, chats=chats)
    stops = handle.stop_ids() | (end_of_turn(tokenizer) if tokenizer.chat_template else set())
    return said | {"eos_token_id": sorted(stops) or None}


def keep(context: Context, module: Any, handle: Any, said: dict[str, Any], batch: Callable[[], Any]) -> dict[str, Any]:
    """Write the tuned model: whole, or the adapter's folder alone; what is worth telling of it.

    said: its generation_config.json. batch: a few rows, on which a merged model is compared.
    """
    from groundup.model.formats.huggingface import save_model

    if context.config.method == "full":
        save_model(context.made, module, handle.tokenizer, generation=said)
        return {}
    from groundup.tuning.efficient.many import merge
    from groundup.tuning.efficient.methods import merged_difference
    from groundup.tuning.efficient.peft_files import save_adapter

    learned = {"method": context.config.method, "learned_parameters": sum(one.numel() for one in module.parameters())}
    adapter = context.folder / "adapter"
    save_adapter(adapter, module, base=str(context.inputs["model"].resolve()))
    learned["adapter_bytes"] = sum(path.stat().st_size for path in adapter.iterdir())
    if not context.config.merge:
        save_adapter(context.made, module, base=str(context.inputs["model"].resolve()))
        handle.tokenizer.save(context.made)
        files.write_json(context.made / "generation_config.json", said)
        files.write_checksums(context.made)
        return learned
    before = merged_difference(module, batch())
    made = merge(module)
    save_model(context.made, made, handle.tokenizer, generation=said)
    return learned | {"merged_logit_difference": before(made)}


def encoded(context: Context, tokenizer: Any) -> Any:
    """The conversations as token shards, made once."""
    from groundup.data.pipeline.formats import Shards
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
        conversations_to_shards(chained, tokenizer, folder, config.seq_len + 1 if config.data else None)
    return Shards.open(folder)


def conversations(context: Context, split: str = "train") -> Sequence[Any]:
    """The user's conversations; else the instructions of the data stage; else tinyworld's own."""
    from groundup.data.folder import DataFolder
    from groundup.data.sources import tinyworld
    from groundup.tuning.supervised.conversations import to_messages

    if context.config.data:
        return own_conversations(context.config, split)
    if "documents" in context.inputs:
        return [to_messages(record) for record in DataFolder.open(context.inputs["documents"]).instructions(split)]
    count = STANDALONE if split == "train" else VALIDATED
    return [instruction.messages for instruction in tinyworld.instructions(context.config.seed, count, split)]


def own_conversations(config: Any, split: str) -> Sequence[Any]:
    """The user's conversations to learn from, or those that are kept back."""
    from groundup.tuning.supervised.conversations import read_conversations

    if config.heldout_data:
        return (
            read_conversations(config.heldout_data)[: config.heldout]
            if split == "heldout"
            else read_conversations(config.data)
        )
    made, count = read_conversations(config.data), config.heldout or 0
    if count >= len(made):
        raise InputError(f"heldout={count} of {len(made)} conversations leaves none to learn from; keep fewer back")
    return made[len(made) - count :] if split == "heldout" else made[: len(made) - count]


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
