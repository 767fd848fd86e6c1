"""What training measures on held-out documents, and what it lets the model write, by the run's objective.

A model that gives every next token its probability is measured in bits per byte, which all models share. Any other is measured by its own
objective: what is hidden in a held-out document is drawn once and asked again each time, so that two moments of a run can be compared. Samples
are written where the model writes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from groundup.runs.context import Context

VALIDATION_BYTES = 24_000  # held-out text of each world: about the work of three training steps
TRAINED_BATCHES = 2  # of the training documents, to see what is known by heart
SAMPLE_TOKENS = 60
Measure = Callable[[Any], dict[str, float]]


def measures(context: Context, tokenizer: Any, task: Any, batches: Any) -> list[Measure]:
    """What is measured of a module: bits per byte where it is a likelihood, and the objective's own loss where that is another."""
    from groundup.training.objectives.registry import OBJECTIVES

    found = [bits_per_byte(context, tokenizer, task)] if OBJECTIVES[task.objective].writes else []
    return found if task.objective == "causal" else [*found, own_loss(context, tokenizer, task, batches)]


def bits_per_byte(context: Context, tokenizer: Any, task: Any) -> Measure:
    """Bits per byte of a few held-out documents of each world."""
    from groundup.data.folder import DataFolder
    from groundup.evaluation.metrics import intrinsic

    data = DataFolder.open(context.inputs["documents"])
    held_out = {
        world: intrinsic.tokenize(first_bytes(data.texts(world, "heldout"), VALIDATION_BYTES), tokenizer)
        for world in data.worlds
    }
    return lambda module: {
        f"bits_per_byte_{world}": intrinsic.bits_per_byte(task.kept(module), texts).per_byte
        for world, texts in held_out.items()
    }


def own_loss(context: Context, tokenizer: Any, task: Any, batches: Any) -> Measure:
    """The objective's loss a target and its share of right guesses, on held-out documents and on a few that are trained."""
    loaders = held_out_loaders(context, tokenizer, batches)

    def measure(module: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for world, loader in loaders.items():
            for name, value in task.measure(module, every_row(loader)).items():
                found[f"heldout_{name}_{world}"] = value
        trained = task.measure(module, map(batches.batch, range(TRAINED_BATCHES)))
        return found | {f"trained_{name}": value for name, value in trained.items()}

    return measure


def held_out_loaders(context: Context, tokenizer: Any, batches: Any) -> dict[str, Any]:
    """A loader of each world's held-out documents, in rows like those of training."""
    from groundup.data.folder import DataFolder
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.pipeline.tokenize import tokenize
    from groundup.training.objectives.registry import OBJECTIVES

    data, config, loaders = DataFolder.open(context.inputs["documents"]), context.config, {}
    for world in data.worlds:
        folder = context.folder / "tokens" / f"{world}-heldout"
        if not (folder / "index.json").exists():
            tokenize(first_bytes(data.texts(world, "heldout"), VALIDATION_BYTES), tokenizer, folder)
        packed = not OBJECTIVES[config.objective].whole
        loaders[world] = Loader(Shards.open(folder), batches.seq_len, batches.batch_size, config.seed, packed)
    return loaders


def every_row(loader: Any) -> Iterator[Any]:
    """All rows of a loader of one source once, in batches; the last may be smaller, but not one row alone, which has nothing to be told from."""
    rows, size = loader.rows_per_epoch, loader.batch_size
    for first in range(0, rows, size):
        if rows - first > 1 or rows == 1:
            yield loader.assemble([(0, row) for row in range(first, min(first + size, rows))])


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


def samples(context: Context, tokenizer: Any, task: Any, batches: Any) -> Callable[[Any], list[dict[str, str]]] | None:
    """What a module makes of held-out documents, as prompts and texts; None where it writes nothing."""
    from groundup.data.folder import DataFolder
    from groundup.model.architectures.prefix_lm import PrefixLM
    from groundup.training.objectives.registry import ENCODER_DECODER, OBJECTIVES

    if task.objective in ("masked", "contrastive", "blanks"):
        return None
    if OBJECTIVES[task.objective].fits == ENCODER_DECODER:
        loaders = held_out_loaders(context, tokenizer, batches)
        return lambda module: [one for loader in loaders.values() for one in answered(module, tokenizer, task, loader)]
    data = DataFolder.open(context.inputs["documents"])
    prompts = [beginning(text) for world in data.worlds for text in data.texts(world, "heldout", 2)]

    def write(module: Any) -> list[dict[str, str]]:
        writer = PrefixLM(module) if task.objective == "prefix" else task.kept(module)
        texts = complete(writer, tokenizer, prompts)
        return [{"prompt": prompt, "text": text} for prompt, text in zip(prompts, texts, strict=True)]

    return write


def beginning(text: str, words: int = 4) -> str:
    """The first words of a text, to be continued."""
    return " ".join(text.split()[:words])


def complete(module: Any, tokenizer: Any, prompts: Sequence[str]) -> list[str]:
    """Short continuations at temperature 0.7, the same numbers drawn at every step."""
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch

    context = module.config.max_position_embeddings
    # a document of blanks has no first word: with no mark before a text either, it begins behind the end of another
    ids = [(tokenizer.encode_prompt(prompt) or [tokenizer.eos_token_id])[: context - 1] for prompt in prompts]
    room = min(SAMPLE_TOKENS, context - max(map(len, ids)))  # a table of learned positions has no row beyond
    sampling = SamplingConfig(max_new_tokens=room, temperature=0.7, top_p=0.95)
    made = generate_batch(module, ids, sampling, {tokenizer.eos_token_id}, pad_id=tokenizer.pad_token_id or 0)
    return [tokenizer.decode(completion.ids, skip_special_tokens=True) for completion in made]


def answered(module: Any, tokenizer: Any, task: Any, loader: Any, count: int = 2) -> list[dict[str, str]]:
    """What an encoder-decoder puts into the gaps of a few held-out documents, the likeliest token each time."""
    import torch

    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.encoder_decoder import Answering

    rows = range(min(count, loader.rows_per_epoch))
    batch, made = task.batch(loader.assemble([(0, row) for row in rows]), -1), []
    greedy, start = SamplingConfig(max_new_tokens=SAMPLE_TOKENS, temperature=0.0), module.config.decoder_start_token_id
    for ids, real in zip(batch.input_ids, batch.attention_mask, strict=True):
        with torch.no_grad():
            answering = Answering(module, module.read(ids[real][None]))
        answer = generate_batch(answering, [[start]], greedy, {tokenizer.eos_token_id}, pad_id=start)[0].ids
        made.append({"prompt": tokenizer.decode(ids[real].tolist()), "text": tokenizer.decode(answer)})
    return made
