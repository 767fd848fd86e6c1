"""The stage `tune` on text of another kind: what is learned of the new one and what is forgotten of the old, in bits per byte."""

from typing import Any

from groundup import files
from groundup.errors import ConfigError
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.stages.tune import chosen_weights, keep, sampled, unfrozen
from groundup.runs.timing import Units
from groundup.runs.watching import watching


def run(context: Context, handle: Any) -> dict[str, Any]:
    """Let the model go on learning from the new text, with a share of the old, and write its folder."""
    from groundup.training import loop
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.tuning.efficient.methods import put_on
    from groundup.tuning.supervised.domain import bits_of, change, mixed, read_domain, steps_of

    config, tokenizer, module, said = context.config, handle.tokenizer, handle.module, sampled(handle, chats=False)
    new, old = read_domain(config.data), old_domain(context)
    loader = mixed(new, old, tokenizer, config, context.folder)
    precision.decide(context, module, lambda: loader.batch(0), frozen=config.method != "full")
    before = bits_of(module, tokenizer, [new, old], config.places)
    frozen, steps, units = chosen_weights(module, config), steps_of(config, loader), Units()
    trained, training = put_on(module, config, steps), config.training(steps)
    with watching(context, trained.module, training, config.trackers) as watch:
        asked: Any = {
            "listeners": [*trained.listeners, *watch.listeners, units.step],
            "stop": context.stop,
            "way_on": context.way_on(),
        }
        asked |= {"tokenizer": tokenizer, "folder": context.folder, "title": "tuning", "objective": trained.objective}
        batches = unfrozen(watch.batches, module, config, frozen)(loader.batch)
        result = loop.train(trained.module, batches, training, **asked)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        after = bits_of(trained.module, tokenizer, [new, old], config.places)
        told = keep(context, trained.module, handle, said, lambda: loader.batch(0))
    for name, first, last in zip(("new", "old"), before, after, strict=True):
        told |= {f"{name}_{key}": value for key, value in change(first, last).items()}
    numbers = {
        "weights": weights,
        "new_domain": new.name,
        "old_domain": old.name,
        "replay": config.replay,
        "steps": steps,
    }
    return numbers | told | {"loss": result.loss, "tokens": steps * training.tokens_per_step, "units": units.table()}


def old_domain(context: Context) -> Any:
    """Text of the kind that the model knows: the one that is named, else the data stage's first."""
    from groundup.data.folder import DataFolder
    from groundup.tuning.supervised.domain import Domain, read_domain

    if context.config.old_data:
        return read_domain(context.config.old_data)
    if "documents" not in context.inputs:
        raise ConfigError(
            "what is forgotten is measured on text that the model knows; name it with --set tune.old_data=FILE, or tinyworld or python"
        )
    folder = DataFolder.open(context.inputs["documents"])
    world = folder.worlds[0]
    return Domain(world, folder.texts(world, "train"), folder.texts(world, "heldout"))
