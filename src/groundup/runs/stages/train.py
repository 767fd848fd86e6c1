"""The stage `train`: a new model learns to predict the next token of the documents.

The documents are cut into tokens first (`tokens/`, a few seconds), so that the stage needs nothing but documents and a tokenizer. While it trains it
measures bits per byte on a few held-out documents of each world and writes samples, both as lines of metrics.jsonl. When the learner's functions are in
use, the first steps are also trained with the reference, in a child process from the same seed, and both losses are kept.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from groundup.runs import comparison, precision
from groundup.runs.context import Context
from groundup.runs.timing import Units
from groundup.training.config import TrainConfig

VALIDATION_BYTES = 24_000  # held-out text of each world: about the work of three training steps
SAMPLE_TOKENS = 60


def run(context: Context) -> dict[str, Any]:
    """Train the model and write its folder; parameters, tokens, operations, losses."""
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    batches = batches_of(context, tokenizer)
    module = new_module(context, tokenizer)
    precision.decide(context, module, lambda: batches.batch(0))
    compared = comparison.reference_losses(context)  # before training, so that a wrong function is known by what it did
    units = Units()
    result = fit(context, module, tokenizer, batches, units)
    save(context, module, tokenizer)
    return numbers(context, module, result) | {
        "units": units.table(),
        "slots_compared": comparison.compare(context, compared),
    }


def new_module(context: Context, tokenizer: Any, config: TrainConfig | None = None) -> Any:
    """The module to train: that of the folder given as `start`, or a new one of the recipe's shape. config: the stage's, or with another seed."""
    from groundup.model.architectures import build
    from groundup.model.formats.huggingface import load_model

    if "start" in context.inputs:
        return load_model(context.inputs["start"], device=context.device())
    train = config or context.config
    shape = dataclasses.replace(
        context.recipe.configs["model"],
        vocab_size=tokenizer.vocab_size,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return build(shape, seed=train.seed, device=context.device(), scheme=train.initialization)


def batches_of(context: Context, tokenizer: Any, config: TrainConfig | None = None) -> Any:
    """Step number -> batch, from every world's training documents in proportion to their tokens."""
    from groundup.data.folder import DataFolder
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.pipeline.tokenize import tokenize

    data, config, shards = DataFolder.open(context.inputs["documents"]), config or context.config, []
    for world in data.worlds:
        folder = context.folder / "tokens" / world
        if not (folder / "index.json").exists():
            tokenize(data.texts(world, "train"), tokenizer, folder)
        shards.append(Shards.open(folder))
    return Loader([(part, part.num_tokens) for part in shards], config.seq_len, config.batch_size, config.seed)


def fit(context: Context, module: Any, tokenizer: Any, batches: Any, units: Units) -> Any:
    """Run the training loop with the stage's listeners."""
    from groundup.training import loop
    from groundup.training.objectives.balanced import balanced

    config, metrics = context.config, context.folder / "metrics.jsonl"
    objective, steering = balanced(module)
    validate, sample = (
        units.listener(kind, listener)
        for kind, listener in (("validation", validation(context, tokenizer)), ("sample", sampler(context, tokenizer)))
    )
    listeners = [
        loop.write_metrics(metrics),
        units.step,
        loop.call_every(config.validate_every, config.steps, validate),
        loop.call_every(config.sample_every, config.steps, sample),
    ]
    return loop.train(
        module,
        batches.batch,
        config,
        objective=objective,
        listeners=steering + listeners,
        folder=context.folder,
        stop=context.stop,
        way_on=context.way_on(),
    )


def validation(context: Context, tokenizer: Any) -> Any:
    """A listener that measures bits per byte of a few held-out documents of each world."""
    from groundup.data.folder import DataFolder
    from groundup.evaluation.metrics.intrinsic import bits_per_byte, tokenize

    data = DataFolder.open(context.inputs["documents"])
    held_out = {
        world: tokenize(first_bytes(data.texts(world, "heldout"), VALIDATION_BYTES), tokenizer) for world in data.worlds
    }

    def measure(event: Any) -> None:
        context.record(
            step=event.step,
            **{
                f"bits_per_byte_{world}": bits_per_byte(event.module, texts).per_byte
                for world, texts in held_out.items()
            },
        )

    return measure


def first_bytes(texts: Sequence[str], size: int) -> list[str]:
    """The first texts, about `size` bytes of them and at least one.

    >>> first_bytes(["four", "four", "four"], 5)
    ['four', 'four']
    """
    total, kept = 0, []
    for text in texts:
        if total >= size:
            break
        kept.append(text)
        total += len(text.encode())
    return kept


def sampler(context: Context, tokenizer: Any) -> Any:
    """A listener that writes what the model makes of the beginnings of held-out documents."""
    from groundup.data.folder import DataFolder

    data = DataFolder.open(context.inputs["documents"])
    prompts = [beginning(text) for world in data.worlds for text in data.texts(world, "heldout", 2)]

    def sample(event: Any) -> None:
        written = complete(event.module, tokenizer, prompts)
        context.record(
            step=event.step,
            samples=[{"prompt": prompt, "text": text} for prompt, text in zip(prompts, written, strict=True)],
        )

    return sample


def beginning(text: str, words: int = 4) -> str:
    """The first words of a text, to be continued."""
    return " ".join(text.split()[:words])


def complete(module: Any, tokenizer: Any, prompts: Sequence[str]) -> list[str]:
    """Short continuations at temperature 0.7, the same numbers drawn at every step."""
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch

    ids = [[tokenizer.eos_token_id, *tokenizer.encode(prompt)] for prompt in prompts]
    sampling = SamplingConfig(max_new_tokens=SAMPLE_TOKENS, temperature=0.7, top_p=0.95)
    made = generate_batch(module, ids, sampling, {tokenizer.eos_token_id}, pad_id=tokenizer.pad_token_id or 0)
    return [tokenizer.decode(completion.ids, skip_special_tokens=True) for completion in made]


def save(context: Context, module: Any, tokenizer: Any, *, chats: bool = False) -> None:
    """Write the model folder: weights, tokenizer, and how it is best sampled."""
    from groundup.model.formats.huggingface import save_model

    stops = [
        tokenizer.eos_token_id,
        *(tokenizer.special_tokens[token] for token in ("<|im_end|>",) if token in tokenizer.special_tokens),
    ]
    drawing = {"do_sample": False} if chats else {"do_sample": True, "temperature": 0.8, "top_p": 0.95}
    generation = {"eos_token_id": stops, "pad_token_id": tokenizer.pad_token_id, "max_new_tokens": 128, **drawing}
    save_model(context.made, module, tokenizer, generation=generation)


def numbers(context: Context, module: Any, result: Any) -> dict[str, Any]:
    """What the run of the loop was: sizes, operations, losses."""
    from groundup.model.accounting import count

    config, accounting = context.config, count(module.config)
    tokens = config.steps * config.tokens_per_step
    model = {
        "family": module.config.model_type,
        "parameters": accounting.parameters,
        "vocab_size": module.config.vocab_size,
    }
    return {
        "model": model | {"context": module.config.max_position_embeddings},
        "steps": config.steps,
        "tokens": tokens,
        "flops": tokens * accounting.training_flops_per_token(config.seq_len),
        "loss": result.loss,
        "loop_seconds": result.seconds,
        "dtype": context.choose("dtype", lambda: "float32"),
    }
