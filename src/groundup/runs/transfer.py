"""Transfer between kinds of text: a tiny model trained on each of them and measured on all, as a matrix in bits a byte.

    trained on    measured on    prose   code   arithmetic
    prose                         3.72    3.78    6.62
    code                          4.05    3.32    7.03
    arithmetic                   10.66    9.42    1.95           from `groundup data transfer --steps 60`

On the diagonal stands what training on the kind itself gives; what a row loses against it elsewhere says how much of one kind is
of use for another. Bits a byte, because tokens differ; the models read single bytes, so that no vocabulary favours a kind.

The kinds that need no download: the documentation and the source of the installed Python (prose, code), sums (arithmetic), the
stories of tinyworld, and the same stories in a language that exchanges each letter for another: the same grammar, not one word in
common. Own kinds are the user's files. Leaves out: what more training would change; a matrix of larger models is a sweep of recipes.
"""

import itertools
import random
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.data.documents import Document
from groundup.data.splits import hold_out
from groundup.errors import ConfigError, InputError

SEQ_LEN, BATCH_ROWS = 128, 16
SUMS = 20  # in a document
VOWELS = "aeiou"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferConfig:
    """How much each model reads, and its size."""

    steps: int = 120
    """of training, each of 2,048 bytes"""
    train_bytes: int = 400_000
    """of each kind, at most"""
    heldout_bytes: int = 20_000
    """of each kind, to measure on"""
    hidden_size: int = 64
    """width of the models"""
    layers: int = 2
    """of the models"""
    seed: int = 0
    """where chance begins"""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, least in (("steps", 1), ("train_bytes", 4 * SEQ_LEN), ("heldout_bytes", 1), ("layers", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)} is too small; use {least} or more")
        if self.hidden_size < 32 or self.hidden_size % 32:
            raise ConfigError(f"hidden_size={self.hidden_size} is no multiple of 32, the size of a head; use 64")


# ───────── kinds of text ─────────


def embedded_kinds(config: TransferConfig) -> dict[str, list[Document]]:
    """The kinds that are on every machine, each with as much text as the matrix needs."""
    from groundup.data.sources import python, tinyworld

    size = config.train_bytes + 2 * config.heldout_bytes
    drawn = enumerate(tinyworld.sample(config.seed, 1 << 20, "train"))
    stories = taken((Document(str(number), one.text, "stories") for number, one in drawn), size)
    return {
        "prose": taken(python.documents(["documentation"]), size),
        "code": taken(python.documents(["source"]), size),
        "arithmetic": taken(_sums(config.seed), size),
        "stories": stories,
        "their language": [Document(one.id, exchanged(one.text), "language") for one in stories],
    }


def own_kind(name: str, path: str, config: TransferConfig) -> list[Document]:
    """A kind out of the user's files; InputError where they hold no text."""
    from groundup.data.sources import files

    found = taken(files.documents(path), config.train_bytes + 2 * config.heldout_bytes)
    if sum(len(one.text) for one in found) < 4 * SEQ_LEN:
        raise InputError(f"{path} has too little text for the kind '{name}'; give at least some thousand characters")
    return found


def taken(documents: Iterator[Document], size: int) -> list[Document]:
    """The first documents, about so many characters of them."""
    kept: list[Document] = []
    total = 0
    for document in documents:
        if total >= size:
            break
        kept.append(Document(document.id, document.text[: size - total], document.source))
        total += len(document.text)
    return kept


def exchanged(text: str) -> str:
    """A text in another language: every vowel is another vowel and every consonant another consonant, always the same.

    >>> exchanged("A cat sat.")
    'E dev tev.'
    """
    return text.translate(EXCHANGE)


def _exchange() -> dict[int, int]:
    consonants = "".join(letter for letter in string.ascii_lowercase if letter not in VOWELS)
    turned = consonants[1:] + consonants[:1]
    old, new = VOWELS + consonants, VOWELS[1:] + VOWELS[:1] + turned
    return str.maketrans(old + old.upper(), new + new.upper())


EXCHANGE = _exchange()


def _sums(seed: int) -> Iterator[Document]:
    from groundup.data.sources.algorithmic import draw

    source = random.Random(seed)
    for number in itertools.count():
        lines = "\n".join(draw("addition", 3, source).text for _ in range(SUMS))
        yield Document(str(number), lines, "arithmetic")


# ───────── the matrix ─────────


def matrix(kinds: Mapping[str, Sequence[Document]], config: TransferConfig | None = None) -> dict[str, Any]:
    """Train a model on each kind and measure it on all: bits a byte by what was trained, then by what is measured."""
    from groundup.evaluation.metrics import intrinsic
    from groundup.progress import progress
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    config = config or TransferConfig()
    tokenizer = train_tokenizer(["any"], TokenizerConfig(vocab_size=257, special_tokens=("<|endoftext|>",)))
    parts = {name: hold_out(documents, most_bytes=config.heldout_bytes) for name, documents in kinds.items()}
    measured = {name: intrinsic.tokenize([one.text for one in held], tokenizer) for name, (_, held) in parts.items()}
    bits: dict[str, dict[str, float]] = {}
    with progress(len(kinds), "kinds", "models") as bar:
        for name, (train, _) in parts.items():
            module = trained([one.text for one in train], tokenizer, config, name)
            bits[name] = {other: intrinsic.bits_per_byte(module, text).per_byte for other, text in measured.items()}
            bar.update(1)
    return {"bits_per_byte": bits, "kinds": {name: _size(train) for name, (train, _) in parts.items()}}


def _size(documents: Sequence[Document]) -> int:
    return sum(len(one.text.encode()) for one in documents)


def trained(texts: Sequence[str], tokenizer: Any, config: TransferConfig, name: str) -> Any:
    """A tiny model that read some texts byte by byte."""
    import numpy as np

    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.pipeline.tokenize import close_documents
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train

    ids, offsets = (np.asarray(part) for part in tokenizer.encode_packed(list(texts)))
    closed, edges = close_documents(ids, offsets, tokenizer.eos_token_id)
    shards = Shards(closed.astype(np.uint16), edges, None, tokenizer.eos_token_id, int(offsets[-1]))
    shape = Qwen3Config(
        vocab_size=tokenizer.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=8 * config.hidden_size // 3 // 8 * 8,
        num_hidden_layers=config.layers,
        num_attention_heads=config.hidden_size // 32,
        num_key_value_heads=config.hidden_size // 32,
        head_dim=32,
        max_position_embeddings=SEQ_LEN,
        tie_word_embeddings=True,
    )
    module = build(shape, seed=config.seed)
    plan = TrainConfig(
        steps=config.steps,
        batch_size=BATCH_ROWS,
        seq_len=SEQ_LEN,
        warmup_steps=min(20, config.steps),
        checkpoint_every=0,
        matrix_momentum=0.7,
        seed=config.seed,
    )
    train(module, Loader(shards, SEQ_LEN, BATCH_ROWS, config.seed).batch, plan, title=name)
    return module.eval()


def figure(found: Mapping[str, Any]) -> Any:
    """The matrix as a picture."""
    from groundup import plots

    bits = found["bits_per_byte"]
    names = list(bits)
    values = [[bits[row][column] for column in names] for row in names]
    title = "Bits a byte: trained on a row's kind, measured on a column's"
    return plots.heat_map(values, rows=names, columns=names, x="measured on", y="trained on", text=True, title=title)
