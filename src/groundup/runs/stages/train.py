"""The stage `train`: a new model learns to predict the next token of the documents, or what else its objective asks.

The documents are cut into tokens first (`tokens/`, a few seconds), so that the stage needs nothing but documents and a tokenizer. While it trains it
measures bits per byte on a few held-out documents of each world and writes samples, both as lines of metrics.jsonl; where the model gives no next token a
probability (`training/objectives/registry.py`), its objective's own loss and how many guesses are right. When the learner's functions are in
use, the first steps are also trained with the reference, in a child process from the same seed, and both losses are kept.
"""

import dataclasses
from typing import Any

from groundup import files
from groundup.runs import comparison, largest_batch, precision
from groundup.runs.context import Context
from groundup.runs.timing import Units
from groundup.runs.watching import watching
from groundup.training.config import TrainConfig


def run(context: Context) -> dict[str, Any]:
    """Train the model and write its folder; parameters, tokens, operations, losses."""
    from groundup.text.tokenizers import load_tokenizer
    from groundup.training.loop.live_evaluation import better_weights
    from groundup.training.step.activation_checkpointing import with_less_kept

    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    context = largest_batch.decide(context, tokenizer)
    task, batches = task_of(context, tokenizer), batches_of(context, tokenizer)
    module = task.trained(new_module(context, tokenizer))
    objective = with_less_kept(module, task.loss, context.config)  # the trial may hold no more than a step
    precision.decide(context, module, lambda: task.batch(batches.batch(0), 0), objective)
    compared = comparison.reference_losses(context)  # before training, so that a wrong function is known by what it did
    units = Units()
    result = fit(context, module, tokenizer, task, batches, units)
    with better_weights(result.average, files.read_jsonl(context.folder / "metrics.jsonl")) as weights:
        save(context, task.kept(module), tokenizer)
    return numbers(context, task.kept(module), result) | {
        "units": units.table(),
        "weights": weights,
        "slots_compared": comparison.compare(context, compared),
    }


def task_of(context: Context, tokenizer: Any, config: TrainConfig | None = None) -> Any:
    """The objective of [train], ready for its batches."""
    from groundup.training.objectives.task import prepare

    return prepare(config or context.config, tokenizer)


def new_module(context: Context, tokenizer: Any, config: TrainConfig | None = None) -> Any:
    """The module to train: that of the folder given as `start`, or a new one of the recipe's shape. config: the stage's, or with another seed."""
    from groundup.model.architectures import build
    from groundup.model.formats.huggingface import load_model

    train = config or context.config
    if "start" in context.inputs:
        return started(load_model(context.inputs["start"], device=context.device()), train)
    shape = shape_of(context.recipe.configs["model"], tokenizer, train.objective)
    return build(shape, seed=train.seed, device=context.device(), scheme=train.initialization)


def shape_of(model: Any, tokenizer: Any, objective: str) -> Any:
    """The recipe's [model] with the tokenizer's vocabulary and ids, and the head that the objective trains."""
    from groundup.training.objectives.registry import OBJECTIVES

    names = {field.name for field in dataclasses.fields(model)}
    ids = {
        "vocab_size": tokenizer.vocab_size,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id or 0,  # as T5 does
    }
    if model.bos_token_id is None:
        del ids["bos_token_id"]  # a family without one stays so
    head = {"head": OBJECTIVES[objective].head}
    return dataclasses.replace(model, **{name: value for name, value in (ids | head).items() if name in names})


def started(module: Any, train: TrainConfig) -> Any:
    """A module that is trained on, under the head of the objective; ConfigError where it is of another kind."""
    from groundup.model.architectures.heads import with_head
    from groundup.training.objectives.registry import OBJECTIVES, check

    check(module.config, train)
    head = OBJECTIVES[train.objective].head
    return module if module.config.head == head else with_head(module, head, seed=train.seed)


def batches_of(context: Context, tokenizer: Any, config: TrainConfig | None = None) -> Any:
    """Step number -> batch, from every world's training documents in proportion to their tokens."""
    from groundup.data.folder import DataFolder
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.pipeline.tokenize import tokenize
    from groundup.training.objectives.registry import OBJECTIVES, text_length

    data, config, shards = DataFolder.open(context.inputs["documents"]), config or context.config, []
    for world in data.worlds:
        folder = context.folder / "tokens" / world
        if not (folder / "index.json").exists():
            tokenize(data.texts(world, "train"), tokenizer, folder)
        shards.append(Shards.open(folder))
    sources, packed = [(part, part.num_tokens) for part in shards], not OBJECTIVES[config.objective].whole
    return Loader(sources, text_length(config.objective, config.seq_len), config.batch_size, config.seed, packed)


def fit(context: Context, module: Any, tokenizer: Any, task: Any, batches: Any, units: Units) -> Any:
    """Run the training loop with the stage's listeners."""
    from groundup.training import loop

    config = context.config
    validate, sample = (
        units.listener(kind, listener)
        for kind, listener in (
            ("validation", validation(context, tokenizer, task, batches)),
            ("sample", sampler(context, tokenizer, task, batches)),
        )
    )
    listeners = [
        units.step,
        loop.call_every(config.validate_every, config.steps, validate),
        loop.call_every(config.sample_every, config.steps, sample),
        *scoring(context, task),
    ]
    with watching(context, module, config, config.trackers) as watch:
        return loop.train(
            module,
            watch.batches(task.batches(batches.batch)),
            config,
            objective=task.loss,
            listeners=[*watch.listeners, *listeners],
            folder=context.folder,
            stop=context.stop,
            way_on=context.way_on(),
            tokenizer=tokenizer,
        )


def validation(context: Context, tokenizer: Any, task: Any, batches: Any) -> Any:
    """A listener that measures the model on held-out documents of each world, and with the mean of its weights where there is one."""
    from groundup.runs.heldout import measures
    from groundup.training.loop.live_evaluation import scored

    found = measures(context, tokenizer, task, batches)

    def measured(module: Any) -> dict[str, float]:
        return {name: value for measure in found for name, value in measure(module).items()}

    return lambda event: context.record(step=event.step, **scored(event, measured))


def scoring(context: Context, task: Any) -> list[Any]:
    """A listener that records how well the model copies, where the recipe asks for it and the model continues texts."""
    from groundup.training import loop
    from groundup.training.loop.live_evaluation import copying, scored
    from groundup.training.objectives.registry import ENCODER_DECODER, OBJECTIVES

    config, objective = context.config, OBJECTIVES[task.objective]
    if not config.score_every or not objective.writes or objective.fits == ENCODER_DECODER:
        return []

    def measured(module: Any) -> dict[str, float]:
        return {"copying": copying(task.kept(module), config.seed)}

    def score(event: Any) -> None:
        context.record(step=event.step, **scored(event, measured))

    return [loop.call_every(config.score_every, config.steps, score)]


def sampler(context: Context, tokenizer: Any, task: Any, batches: Any) -> Any:
    """A listener that writes what the model makes of held-out documents; one that does nothing where it writes nothing."""
    from groundup.runs.heldout import samples

    write = samples(context, tokenizer, task, batches)
    return lambda event: None if write is None else context.record(step=event.step, samples=write(event.module))


def save(context: Context, module: Any, tokenizer: Any) -> None:
    """Write the model folder: weights, tokenizer, and how it is best sampled."""
    from groundup.model.formats.huggingface import save_model

    save_model(context.made, module, tokenizer, generation=generation(tokenizer))


def generation(tokenizer: Any, *, chats: bool = False) -> dict[str, Any]:
    """How a model is best sampled, as generation_config.json says it."""
    stops = [
        *([] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]),
        *(tokenizer.special_tokens[token] for token in ("<|im_end|>",) if token in tokenizer.special_tokens),
    ]
    drawing = {"do_sample": False} if chats else {"do_sample": True, "temperature": 0.8, "top_p": 0.95}
    return {"eos_token_id": stops or None, "pad_token_id": tokenizer.pad_token_id, "max_new_tokens": 128, **drawing}


def numbers(context: Context, module: Any, result: Any) -> dict[str, Any]:
    """What the run of the loop was: sizes, operations, losses."""
    from groundup.model.accounting import count

    config, accounting = context.config, count(module.config)
    tokens = config.tokens
    model = {
        "family": module.config.model_type,
        "objective": config.objective,
        "parameters": accounting.parameters,
        "vocab_size": module.config.vocab_size,
    }
    return {
        "model": model | {"context": module.config.max_position_embeddings},
        "steps": config.steps,
        "tokens": tokens,
        "flops": tokens * accounting.training_flops_per_token(config.seq_len),
        "loss": result.loss,
        "checkpoint_seconds": result.checkpoint_seconds,
        "dtype": context.choose("dtype", lambda: "float32"),
    }
