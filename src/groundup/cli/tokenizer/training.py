"""`groundup tokenizer train`: a vocabulary of one of four models, from your text or from the embedded worlds.

byte-level          BPE over bytes: the stages data and tokenizer of a recipe
wordpiece           BERT's: [UNK], ##inside; read by transformers
unigram             SentencePiece's language model      } tokenizer.json, and beside it tokenizer.model,
sentencepiece-bpe   SentencePiece's BPE (Llama 2's)     } which the sentencepiece package reads

The last three learn from the same training documents as the first and are measured on the same held-out ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.cli.options import Running
from groundup.errors import ConfigError

MODELS = ("byte-level", "wordpiece", "unigram", "sentencepiece-bpe")
SENTENCEPIECE = {"unigram": "unigram", "sentencepiece-bpe": "bpe"}  # by the package's own names
READ = ("tokenizer.vocab_size", "tokenizer.sample_bytes")  # keys of a recipe that every model has
FOLDER = "tokenizer"  # in the folder that --out names


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerOptions(Running):
    """train a tokenizer that transformers reads too"""

    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""
    vocab_size: int | None = None
    """tokens in the vocabulary, special ones included; left out: the recipe's"""
    model: str = MODELS[0]
    """byte-level, wordpiece, unigram or sentencepiece-bpe"""
    lowercase: bool = False
    """wordpiece: small letters only, without accents, as bert-base-uncased"""
    byte_fallback: bool = False
    """unigram, sentencepiece-bpe: characters that are no piece are spelled in bytes, none is unknown"""
    character_coverage: float = 1.0
    """unigram, sentencepiece-bpe: the share of the text whose characters become pieces, such as 0.9995"""


def check(options: TokenizerOptions) -> None:
    """Refuse an unknown model, and flags that say nothing about the one that was asked for."""
    from groundup.errors import did_you_mean

    if options.model not in MODELS:
        raise ConfigError(f"--model {options.model} cannot be trained; {did_you_mean(options.model, MODELS)}")
    for line in options.set:
        if options.model != MODELS[0] and line.startswith("tokenizer.") and line.partition("=")[0].strip() not in READ:
            raise ConfigError(
                f"--set {line} says nothing about --model {options.model}; leave it out, or use byte-level"
            )
    if options.lowercase and options.model != "wordpiece":
        raise ConfigError(f"--lowercase belongs to --model wordpiece, not to {options.model}; leave it out")
    if (options.byte_fallback or options.character_coverage != 1.0) and options.model not in SENTENCEPIECE:
        name = "--byte-fallback" if options.byte_fallback else "--character-coverage"
        raise ConfigError(
            f"{name} belongs to --model {' and '.join(SENTENCEPIECE)}, not to {options.model}; leave it out"
        )


def source(options: TokenizerOptions) -> str:
    """The recipe that says where documents come from, and what is not said by a flag."""
    return "text" if options.text else "demo"


def train(options: TokenizerOptions) -> None:
    """Run the stages data and tokenizer, or learn another model from the stage data."""
    from groundup.cli import running, show

    check(options)
    byte_level = options.model == MODELS[0]
    stages = ["data", "tokenizer"] if byte_level else ["data"]
    changes: dict = {"name": "tokenizer", "description": "a tokenizer", "stages": stages}
    changes |= {"data": {"text": str(options.text)}} if options.text else {}
    changes |= (
        {"tokenizer": {"vocab_size": options.vocab_size}} if byte_level and options.vocab_size is not None else {}
    )
    done = running.carry_out(source(options), options, changes)
    if byte_level:
        show.stage_result(done, options.json)
    else:
        _show(learn(done, options), options.json)


def learn(done: Any, options: TokenizerOptions) -> dict[str, Any]:
    """Learn from the documents of a run that ended with the stage data; what was made, in a stage's words."""
    import time

    from groundup import files
    from groundup.data.folder import DataFolder
    from groundup.runs import recipe
    from groundup.runs.stages.tokenizer import MEASURED_DOCUMENTS, bytes_per_token

    start, folder = time.perf_counter(), done.folder / FOLDER
    config = recipe.load(source(options), options.set).configs["tokenizer"]
    data = DataFolder.open(done.stages[-1].folder / "documents")
    size = config.vocab_size if options.vocab_size is None else options.vocab_size
    tokenizer = trained(_sample(data, config.sample_bytes), size, options)
    with files.atomic_folder(folder) as temporary:
        save(tokenizer, temporary)
    compression = {
        world: bytes_per_token(tokenizer, data.texts(world, "heldout", MEASURED_DOCUMENTS)) for world in data.worlds
    }
    numbers = {"vocab_size": tokenizer.vocab_size, "fingerprint": tokenizer.fingerprint, "bytes_per_token": compression}
    seconds = time.perf_counter() - start
    return {"stage": "tokenizer", "model": options.model, "made": [str(folder)], "seconds": seconds, "numbers": numbers}


def _sample(data: Any, most: int) -> Iterator[str]:
    """The first `most` bytes of the training documents, in whole documents."""
    for world in data.worlds:
        for text in data.texts(world, "train"):
            if most <= 0:
                return
            most -= len(text.encode(errors="replace"))
            yield text


def trained(texts: Iterator[str], vocab_size: int, options: TokenizerOptions) -> Any:
    """A tokenizer of the model that was asked for."""
    from groundup.text import tokenizers
    from groundup.text.tokenizers.normalizers import BertNormalizer
    from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer

    if options.model == "wordpiece":
        rules = BertNormalizer(lowercase=options.lowercase)
        return tokenizers.train_wordpiece_tokenizer(texts, vocab_size, normalizer=rules)
    return tokenizers.train_sentencepiece(
        texts,
        vocab_size,
        model=SENTENCEPIECE[options.model],
        rules=SentencePieceNormalizer(remove_extra_whitespaces=False),  # a text comes back as it was, indented code too
        byte_fallback=options.byte_fallback,
        character_coverage=options.character_coverage,
    )


def save(tokenizer: Any, folder: Path) -> None:
    """Write tokenizer.json, and tokenizer.model where there is such a form and the package that writes it."""
    from groundup.errors import MissingExtra
    from groundup.progress import say
    from groundup.text.tokenizers import SentencePieceTokenizer
    from groundup.text.tokenizers.sentencepiece_model import write_model

    tokenizer.save(folder)
    if isinstance(tokenizer, SentencePieceTokenizer):
        try:
            write_model(tokenizer, folder / "tokenizer.model")
        except MissingExtra as error:
            say(f"tokenizer.model was not written beside tokenizer.json: {error}")


def _show(found: dict[str, Any], as_json: bool) -> None:
    from groundup.cli import running, show

    if as_json:
        running.print_json(found)
        return
    numbers = found["numbers"]
    rows = [["model", found["model"]], ["vocab_size", f"{numbers['vocab_size']:,}"]]
    rows += [[f"bytes a token, {world}", show.number(value)] for world, value in numbers["bytes_per_token"].items()]
    show.table(f"tokenizer: {show.seconds(found['seconds'])}", ["", ""], rows)
    show.console().print("made: " + ", ".join(found["made"]), markup=False)
