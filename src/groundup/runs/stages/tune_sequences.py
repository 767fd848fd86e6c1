"""The stage `tune` of an encoder-decoder: it reads the question and learns to write the answer."""

from typing import Any

from groundup import files
from groundup.errors import ConfigError
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.tune import chosen_weights, conversations, sampled, unfrozen
from groundup.runs.timing import Units
from groundup.runs.watching import watching


def run(context: Context, handle: Any) -> dict[str, Any]:
    """Tune the encoder-decoder of the stage before, or of the folder given, and write its folder."""
    from groundup.model.formats.huggingface import save_model
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.training.objectives.span import answers, span_loss
    from groundup.tuning.supervised.sequences import fit, loss_of, pairs_of

    config, tokenizer, module = context.config, handle.tokenizer, handle.module
    if config.method != "full":
        raise ConfigError(
            f"method={config.method!r} is for decoders, and this model is an encoder-decoder; use method='full', with freeze to spare weights"
        )
    pairs, pad = pairs_of(conversations(context), tokenizer, config.seq_len), tokenizer.pad_token_id or 0
    kept = conversations(context, "heldout") if config.data else []
    held, said = pairs_of(kept, tokenizer, config.seq_len) if kept else [], sampled(handle, chats=True)
    precision.decide(context, module, lambda: answers(pairs[: config.batch_size], pad), span_loss)
    found: dict[str, Any] = (
        {"heldout_answers": len(held), "heldout_loss_before": loss_of(module, held, pad)} if held else {}
    )
    frozen, units = chosen_weights(module, config), Units()
    with watching(context, module, config.training(config.steps or 1), config.trackers) as watch:
        asked = watch.asked(context, units.step) | {"tokenizer": tokenizer, "folder": context.folder}
        asked["mark"] = unfrozen(watch.batches, module, config, frozen)
        result = fit(module, pairs, config, pad, **asked)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        save_model(context.made, module, tokenizer, generation=said)
        found |= {"heldout_loss_after": loss_of(module, held, pad)} if held else {}
    return found | {
        "weights": weights,
        "answers": len(pairs),
        "steps": result.steps,
        "loss": result.loss,
        "units": units.table(),
    }
