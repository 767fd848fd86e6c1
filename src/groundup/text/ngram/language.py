"""A language model of counts that takes text: a tokenizer, an n-gram model, and what a user asks of both.

`train(texts)` cuts texts into words (or into the tokens of a given tokenizer), counts and smooths. The model then says how likely a text is
(`score`: a filter of quality, as CCNet uses it, Wenzek et al. 2020: what scores low does not read like the texts it was trained on), how many
bits a byte of text costs it, and writes. It is kept as a folder:

    config.json        {"model_type": "ngram", "order", "smoothing", ...}
    model.safetensors  the arrays of `model.NgramModel`
    tokenizer.json, tokenizer_config.json
    checksums.json
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.ngram import arpa
from groundup.text.ngram.model import ARRAYS, NgramModel
from groundup.text.ngram.smoothing import BEST, check_smoothing, fit
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.formats import load_tokenizer
from groundup.text.tokenizers.pre_tokenizers import Whitespace
from groundup.text.tokenizers.word import WordLevel, WordTokenizer, train_word_tokenizer

MODEL_TYPE = "ngram"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
END = arpa.END


@dataclass(frozen=True, kw_only=True)
class NgramConfig:
    """What `train` is told."""

    order: int = 5  # tokens an n-gram has at most: order 3 looks two back
    smoothing: str = BEST  # a key of `smoothing.RULES`
    k: float = 1.0  # what add_k adds
    min_count: int = 2  # words seen less are <unk>; not used with a tokenizer of one's own
    vocab_size: int | None = None  # words kept at most, the same

    def __post_init__(self) -> None:
        """Refuse what cannot be, with the way out."""
        if self.order < 1:
            raise ConfigError(f"order={self.order} is no length of an n-gram; use 1 or more (5 is usual)")
        check_smoothing(self.smoothing)
        if not (self.k > 0 and math.isfinite(self.k)):
            raise ConfigError(f"k={self.k} adds nothing; use a number above 0")


def word_tokenizer(texts: Iterable[str], config: NgramConfig) -> WordTokenizer:
    """Words as tokens: <unk> is id 0, </s> ends a document."""
    made = train_word_tokenizer(
        texts, min_count=config.min_count, vocab_size=config.vocab_size, special_tokens=(arpa.UNKNOWN, END)
    )
    if made.vocab_size <= 2:
        raise ConfigError(
            f"min_count={config.min_count} and vocab_size={config.vocab_size} leave no word of the text; use a smaller "
            "min_count or a larger vocab_size"
        )
    made.eos_token = END
    return made


def stream(texts: Iterable[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """All ids in one array, the boundary before and after each text, and where each text's first boundary stands."""
    ids, offsets = tokenizer.encode_packed(texts)[:2]
    ends = np.asarray(offsets)[1:] if len(offsets) and offsets[0] == 0 else np.asarray(offsets)
    whole = np.insert(ids.astype(np.int32), np.concatenate([[0], ends]).astype(np.int64), tokenizer.eos_token_id)
    return whole, np.concatenate([[0], ends + np.arange(1, len(ends) + 1)]).astype(np.int64)


def train(
    texts: Iterable[str],
    config: NgramConfig | None = None,
    tokenizer: Any = None,
    progress: Callable[[str], None] | None = None,
) -> "NgramLanguageModel":
    """Count and smooth texts, each a document. tokenizer: any with an end-of-text token; without one, words.

    progress: is told each step before it is done.
    """
    config, tell = config or NgramConfig(), progress or (lambda step: None)
    documents = [texts] if isinstance(texts, str) else list(texts)
    if not any(documents):
        raise InputError("there is no text to count; give at least one that is not empty")
    if tokenizer is None:
        tell("words")
        tokenizer = word_tokenizer(documents, config)
    elif tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end-of-text token to stand between documents; give one that has (eos_token)"
        )
    tell("tokens")
    ids, _ = stream(documents, tokenizer)
    if config.order > len(ids):
        raise ConfigError(
            f"order={config.order} is longer than the {len(ids)} tokens of the text; use {len(ids)} at most or more text"
        )
    tell("counts")
    model = fit(
        ids,
        config.order,
        config.smoothing,
        vocab_size=tokenizer.vocab_size,
        boundary=tokenizer.eos_token_id,
        k=config.k,
    )
    return NgramLanguageModel(model, tokenizer)


class NgramLanguageModel:
    """An n-gram model with its tokenizer. Make it with `train`, `load` or `from_arpa`."""

    def __init__(self, model: NgramModel, tokenizer: Any) -> None:
        """model: over the ids of the tokenizer, its boundary the tokenizer's end-of-text token."""
        self.model, self.tokenizer = model, tokenizer

    def _nats(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Each text's surprise in nats, its end included, and the number of its tokens."""
        if not len(texts):
            raise InputError("there is no text to score; give at least one")
        ids, starts = stream(texts, self.tokenizer)
        nats = -self.model.log_probabilities(ids)
        return np.add.reduceat(nats[1:], starts[:-1]), np.diff(starts)

    def score(self, text: str) -> float:
        """The mean log-probability of a token of the text, its end included, in nats: higher reads more like the training texts."""
        return float(self.scores([text])[0])

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """`score` of each text, together and faster."""
        nats, tokens = self._nats(texts)
        return -nats / tokens

    def perplexity(self, texts: Sequence[str]) -> float:
        """Among how many equally likely tokens the model hesitates on average."""
        nats, tokens = self._nats([texts] if isinstance(texts, str) else texts)
        return math.exp(nats.sum() / tokens.sum())

    def bits_per_byte(self, texts: Sequence[str]) -> float:
        """What a byte of text costs; to be compared between tokenizers that lose nothing (an unknown word costs too little)."""
        texts = [texts] if isinstance(texts, str) else texts
        size = sum(len(text.encode()) for text in texts)
        if not size:
            raise InputError("the texts have no bytes; give at least one that is not empty")
        return float(self._nats(texts)[0].sum() / math.log(2) / size)

    def generate(self, prompt: str = "", tokens: int = 50, *, seed: int = 0, temperature: float = 1.0) -> str:
        """The prompt, gone on with for up to `tokens` tokens or to the end of the text."""
        end = self.tokenizer.eos_token_id
        before = [end, *self.tokenizer.encode(prompt)]
        written = self.model.generate(before, tokens, seed, end, temperature)
        return self.tokenizer.decode([*before[1:], *written])

    def expected(self, prompt: str = "", most: int = 10) -> list[tuple[str, float]]:
        """The likeliest next tokens with their probabilities."""
        chances = self.model.distribution([self.tokenizer.eos_token_id, *self.tokenizer.encode(prompt)])
        best = np.argsort(-chances, kind="stable")[:most]
        return [(self.tokenizer.decode([int(id)]), float(chances[id])) for id in best]

    @property
    def words(self) -> list[str]:
        """The spelling of each id in an ARPA file: the token, with escapes where it holds white space or no UTF-8."""
        names = {id: token for token, id in self.tokenizer.special_tokens.items()}
        names |= {id: token for token, id in self.tokenizer.vocabulary.items()}
        return [_spelled(names.get(id, f"<{id}>")) for id in range(self.tokenizer.vocab_size)]

    def save(self, folder: str | Path) -> None:
        """Write the model's folder, in place of what stood there."""
        model = self.model
        config = {
            "model_type": MODEL_TYPE, "order": model.order, "smoothing": model.smoothing, "alone": model.alone,
            "vocab_size": model.vocab_size, "boundary": model.boundary,
        }  # fmt: skip
        with files.atomic_folder(folder) as temporary:
            files.write_json(temporary / CONFIG, config)
            arrays = {name: np.ascontiguousarray(getattr(model, name)) for name in ARRAYS}
            safetensors.numpy.save_file(arrays, temporary / WEIGHTS)
            self.tokenizer.save(temporary)
            files.write_checksums(temporary)

    @classmethod
    def load(cls, folder: str | Path) -> "NgramLanguageModel":
        """Read a folder that `save` wrote; what is missing or damaged is named."""
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise InputError(f"{folder} is no model folder: it has no {CONFIG}; give the one that save() wrote")
        config = files.read_json(folder / CONFIG)
        kind = config.get("model_type") if isinstance(config, dict) else None
        if kind != MODEL_TYPE:
            raise InputError(
                f"{folder / CONFIG} has model_type {kind!r}, not {MODEL_TYPE!r}; give a folder of that kind"
            )
        files.verify_checksums(folder)
        try:
            arrays = safetensors.numpy.load_file(folder / WEIGHTS)
            flat = tuple(arrays[name] for name in ARRAYS)
            model = NgramModel(
                flat, config["order"], config["vocab_size"], config["boundary"],
                smoothing=config["smoothing"], alone=config["alone"],
            )  # fmt: skip
        except (safetensors.SafetensorError, KeyError, OSError) as error:
            raise FormatError(
                f"{folder} lacks something or is damaged ({error}); train and save the model again"
            ) from error
        return cls(model, load_tokenizer(folder))

    def to_arpa(self, path: str | Path) -> None:
        """Write an ARPA file, compressed where its name ends with .gz."""
        arpa.write(path, self.model, self.words)

    @classmethod
    def from_arpa(cls, path: str | Path) -> "NgramLanguageModel":
        """Read an ARPA file whose n-grams are of words; text is cut into words as `train` cuts it."""
        model, words = arpa.read(path)
        if arpa.UNKNOWN not in words or model.boundary is None:
            raise InputError(
                f"{path} has no <unk> or no <s> and </s>, which text needs; score ids with arpa.read(path)"
            )
        special = [arpa.UNKNOWN, END]
        tokenizer = WordTokenizer(
            WordLevel({word: id for id, word in enumerate(words)}, arpa.UNKNOWN),
            pre_tokenizer=Whitespace(),
            added_tokens=[AddedToken(id=words.index(token), content=token) for token in special],
            unk_token=arpa.UNKNOWN,
            eos_token=END,
        )
        return cls(model, tokenizer)


def _spelled(token: str | bytes) -> str:
    r"""A token without white space: that, and bytes that are no UTF-8, as \xHH.

    >>> _spelled(" cat"), _spelled("é"), _spelled(b"\xff")
    ('\\x20cat', 'é', '\\xff')
    """
    text = token.decode(errors="backslashreplace") if isinstance(token, bytes) else token
    return "".join(_escaped(sign) if sign.isspace() else sign for sign in text)


def _escaped(sign: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in sign.encode())
