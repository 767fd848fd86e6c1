"""The stage `reward`: a model learns from pairs which of two answers is preferred, and is measured on pairs that it has not seen."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup import progress
from groundup.runs import precision
from groundup.runs.context import Context
from groundup.runs.timing import Units
from groundup.runs.watching import watching

MEMBERS = "members"  # a folder inside the stage's: each one's lines, logs and checkpoints
MEASURED = (16, 64)  # rows and tokens of the batch by which the number format is chosen
TENTH = 10  # of a user's file at most so much is kept back


def run(context: Context) -> dict[str, Any]:
    """Learn a reward model on the model of the stage before, or of the folder given, and write its folder."""
    from groundup.alignment.preferences.data import encoded, that_fit
    from groundup.alignment.rewards.ensemble import MEMBER, Ensemble
    from groundup.alignment.rewards.measure import measure
    from groundup.errors import InputError
    from groundup.inference.handle import load

    handle, config = load(context.inputs["model"], device=context.device()), context.config
    if not handle.tokenizer.chat_template:
        raise InputError(
            f"{context.inputs['model']} has no chat template; tune it first with `groundup tune {context.inputs['model']}`"
        )
    precision.decide(context, handle.module, lambda: precision.synthetic_batch(handle.module, *MEASURED))
    learned, kept = pairs_of(config)
    pairs, too_long = that_fit(
        [encoded(pair, handle.tokenizer) for pair in learned], handle.module.config.max_position_embeddings
    )
    if too_long:
        progress.say(f"{too_long} of {len(learned)} pairs are longer than the context and left out")
    units = Units()
    for member in range(config.members):
        made = context.made / MEMBER.format(member) if config.members > 1 else context.made
        learn(context, pairs, member, made, units)
    numbers = {"pairs": len(pairs), "too_long": too_long, "members": config.members, "units": units.table()}
    judge = Ensemble.load(context.made, device=context.device())
    fitting = [(pair, one) for pair in kept if (one := encoded(pair, handle.tokenizer)).longest <= longest_of(handle)]
    if fitting:
        quality = measure(judge.score_pairs([one for _, one in fitting]), [pair for pair, _ in fitting])
        numbers |= asdict(quality) | {"share_of_limit": quality.share_of_limit, "heldout": len(fitting)}
    return numbers


def longest_of(handle: Any) -> int:
    """The tokens that the model's context holds."""
    return handle.module.config.max_position_embeddings


def learn(context: Context, pairs: Sequence[Any], member: int, made: Path, units: Units) -> None:
    """Learn one reward model of the ensemble, from the stage's model as it was, and write its folder."""
    from groundup.alignment.rewards import informed, likelihood, reward_model
    from groundup.inference.handle import load
    from groundup.model.formats.huggingface import save_model

    config = context.config
    whole = made / ("config.json" if config.score == "head" else likelihood.KEPT)
    if whole.exists():  # of a run that was stopped at a later member
        return
    handle = load(context.inputs["model"], device=context.device())
    precision.decide(context, handle.module, lambda: precision.synthetic_batch(handle.module, *MEASURED))
    folder = context.folder if config.members == 1 else context.folder / MEMBERS / made.name
    folder.mkdir(parents=True, exist_ok=True)
    training = config.training(reward_model.steps_of(len(pairs), config))
    with watching(context, handle.module, training, config.trackers, folder) as watch:
        asked = watch.asked(context, units.step) | {"tokenizer": handle.tokenizer, "folder": folder, "member": member}
        way: Any = {"head": reward_model, "likelihood": likelihood, "informed": informed}[config.score]
        module, _ = way.fit(handle.module, pairs, config, **asked)
    save_model(made, module.module if config.score == "informed" else module, handle.tokenizer)
    if config.score != "head":
        way.keep(made, module, config)


def pairs_of(config: Any) -> tuple[list[Any], list[Any]]:
    """Pairs to learn from, and pairs that are kept back: the user's, or those of tinyworld."""
    from groundup.alignment.preferences.data import drawn, read_pairs

    if not config.data:
        return list(drawn(config.seed, config.pairs)), list(drawn(config.seed, config.heldout, "heldout"))
    read = read_pairs(config.data)
    if read.left_out:
        progress.say(f"{read.left_out} records are left out; the first: {read.reason}")
    count = min(config.heldout, len(read.pairs) // TENTH)
    return read.pairs[: len(read.pairs) - count], read.pairs[len(read.pairs) - count :]
