"""The stage `eval`: every model of the run so far is measured on what it never saw, beside what needs no model.

    bits per byte   of held-out documents: the first and the last model, an n-gram model of the same tokens, xz and zstd, and the exact floor
    instructions    answered exactly: every model, the nearest training question, an n-gram model; by family, held-out compositions apart
    differences     between consecutive models on the same instructions, paired

The answers themselves stay in `scores/answers-<who>.jsonl`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup import files, progress
from groundup.runs.context import Context
from groundup.runs.timing import Units

FLOOR = "floor"


def run(context: Context) -> dict[str, Any]:
    """Measure and write scores.json; the same numbers are the stage's own."""
    from groundup.data.folder import DataFolder
    from groundup.inference.handle import load

    data = DataFolder.open(context.inputs["documents"])
    handles = {
        name: load(folder, device=context.device(), dtype=context.dtype()) for name, folder in context.models.items()
    }
    context.made.mkdir(exist_ok=True)
    units = Units()
    scores = {"bits_per_byte": bits(context, data, handles, units)} | instructions(context, data, handles, units)
    files.write_json(context.made / "scores.json", scores)
    return scores | {"units": units.table()}


def bits(context: Context, data: Any, handles: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """Bits per byte of each world's held-out documents."""
    from groundup.evaluation.metrics.intrinsic import fit_ngram, tokenize

    config, tokenizer = context.config, next(iter(handles.values())).tokenizer
    training = {world: data.texts(world, "train") for world in data.worlds}
    ngram = None
    if config.ngram_order:
        with units.timed("n-gram"):
            documents = tokenize([text for texts in training.values() for text in texts], tokenizer)
            ngram = fit_ngram(documents, config.ngram_order, tokenizer.vocab_size)
    return {
        world: world_bits(config, data, world, training[world], ends(handles), ngram, units) for world in data.worlds
    }


def ends(handles: Mapping[str, Any]) -> dict[str, Any]:
    """The first and the last of the models: what pretraining reached, and what is left of it at the end."""
    names = list(handles)
    return {name: handles[name] for name in dict.fromkeys((names[0], names[-1]))}


def world_bits(
    config: Any, data: Any, world: str, training: Sequence[str], handles: Mapping[str, Any], ngram: Any, units: Units
) -> dict[str, Any]:
    """Bits per byte of one world, of everybody."""
    from groundup.evaluation.metrics import intrinsic

    heldout = list(data.documents(world, "heldout", config.documents))
    texts = [document.text for document in heldout]
    who: dict[str, Any] = {}
    for name, handle in handles.items():
        documents = intrinsic.tokenize(texts, handle.tokenizer)
        tokens = int(documents.lengths.sum())
        with progress.progress(tokens, f"{name} on {world}", "tok") as bar, units.timed("token read", tokens):
            who[name] = entry(intrinsic.bits_per_byte(handle.module, documents, advance=bar.update), config)
    if ngram is not None:
        who[f"{config.ngram_order}-gram"] = entry(intrinsic.ngram_bits_per_byte(ngram, documents), config)
    with units.timed("compressors"):
        who |= compressed(texts, training, config)
    result = {"who": who, "documents": len(texts), "bytes": int(documents.sizes.sum())}
    return result | (against_floor(who, heldout, config) if "log_probability" in heldout[0].metadata else {})


def entry(bits: Any, config: Any) -> dict[str, float]:
    """Bits per byte with its interval over other documents of the same kind."""
    return bits.interval(confidence=config.confidence, seed=config.seed)._asdict()


def compressed(texts: Sequence[str], training: Sequence[str], config: Any) -> dict[str, Any]:
    """What xz and zstd need, alone and after reading some of the training text."""
    from groundup.evaluation.metrics.compressors import compressors, prepared_compressors

    found = {name: {"value": value} for name, value in compressors(texts).items()}
    if config.preparation_bytes:
        prepared = prepared_compressors(texts, training, config.preparation_bytes)
        found |= {f"{name}, prepared": {"value": value} for name, value in prepared.items()}
    return found


def against_floor(who: dict[str, Any], heldout: list[Any], config: Any) -> dict[str, Any]:
    """The floor of these documents among the others, and how much of the way from the n-gram model down to it the first model went."""
    from groundup.data.build import floor as exact_floor
    from groundup.evaluation.metrics.intrinsic import gap_closed

    floor = exact_floor(heldout)
    error = 2 * floor["standard_error"]
    who[FLOOR] = {
        "value": floor["bits_per_byte"],
        "low": floor["bits_per_byte"] - error,
        "high": floor["bits_per_byte"] + error,
    }
    ngram = who.get(f"{config.ngram_order}-gram")
    if ngram is None:
        return {}
    first = next(iter(who.values()))["value"]
    share = (ngram["value"] - floor["bits_per_byte"]) / floor["bits_per_byte"]
    return {"gap_closed": gap_closed(first, ngram["value"], floor["bits_per_byte"]), "gap_share_of_floor": share}


def instructions(context: Context, data: Any, handles: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """Accuracy of every model and baseline, and the paired differences of consecutive models."""
    from groundup.data.sources.tinyworld import Instruction
    from groundup.evaluation.tasks.instructions import accuracy, compare

    config = context.config
    sets = [
        [Instruction(**record) for record in data.instructions(split)[: config.instructions]]
        for split in ("heldout", "unseen")
    ]
    items = [item for part in sets for item in part]
    if not items:
        return {"accuracy": {}, "paired": []}
    training = [Instruction(**record) for record in data.instructions("train")]
    with units.timed("baselines"):
        answering = answerers(config, handles, training, items)
    samples = {name: asked(name, answerer, items, context.made, units) for name, answerer in answering.items()}
    models = [name for name in samples if name in handles]
    pairs = zip(models, models[1:], strict=False)
    return {
        "accuracy": {name: accuracy(found, config.confidence) for name, found in samples.items()},
        "paired": [
            {"from": a, "to": b} | compare(samples[a], samples[b], config.confidence, config.seed) for a, b in pairs
        ],
    }


def answerers(config: Any, handles: Mapping[str, Any], training: Sequence[Any], items: Sequence[Any]) -> dict[str, Any]:
    """Who answers: every model that has a chat template, the nearest training question, an n-gram model."""
    from groundup.evaluation.baselines import nearest_neighbour, ngram_answerer
    from groundup.evaluation.tasks.instructions import answer_room, chat_answerer

    tokenizer = next(iter(handles.values())).tokenizer
    room = config.max_new_tokens or answer_room(tokenizer, items)
    found = {
        name: chat_answerer(handle, room, config.rows_at_once)
        for name, handle in handles.items()
        if handle.tokenizer.chat_template
    }
    if training:
        found["nearest question"] = nearest_neighbour(training)
    if training and config.ngram_order:
        found[f"{config.ngram_order}-gram"] = ngram_answerer(training, tokenizer, room, config.ngram_order)
    return found


def asked(name: str, answerer: Any, items: Sequence[Any], folder: Path, units: Units) -> list[Any]:
    """Every instruction answered and judged; the samples are kept as they come."""
    from groundup.evaluation.tasks.samples import answer_all

    path = folder / f"answers-{name.replace(' ', '-')}.jsonl"
    with progress.progress(len(items), f"ask {name}", "items") as bar, units.timed(f"answer of {name}", len(items)):
        return answer_all(answerer, items, path=path, advance=bar.update)
