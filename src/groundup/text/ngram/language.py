"""A language model of counts that takes text: a tokenizer, an n-gram model, and what a user asks of both.

`train(texts)` cuts texts into words (or into the tokens of a given tokenizer), counts and smooths. The model then says how likely a text is
(`score`: a filter of quality, as CCNet uses it, Wenzek et al. 2020: what scores low does not read like the texts it was trained on), how many
bits a byte of text costs it, and writes.

All words seen less than `min_count` times share the token <unk>, which is frequent therefore: a text of nothing but unknown words would look
likely. `score` and `bits_per_byte` so give each of the n words that became <unk> only its part, P(<unk> | context) / n (the adjusted perplexity of
Ueberla 1994); `perplexity` takes <unk> as a word like others, as other tools do. Text is counted in memory, about 100 bytes a token, or
with `block` in sorted runs on disk (`streamed`). It is kept as a folder:

    config.json        {"model_type": "ngram", "order", "smoothing", "unknown_kinds", ...}
    model.safetensors  the arrays of `model.NgramModel`
    tokenizer.json, tokenizer_config.json
    checksums.json
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from groundup.errors import ConfigError, FormatError, InputError
from groundup.text import folder as folders
from groundup.text.ngram import arpa
from groundup.text.ngram.model import ARRAYS, NgramModel
from groundup.text.ngram.smoothing import BEST, check_smoothing, fit, smooth
from groundup.text.ngram.streamed import count_streamed
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.formats import load_tokenizer
from groundup.text.tokenizers.pre_tokenizers import Whitespace
from groundup.text.tokenizers.word import WordLevel, WordTokenizer, count_words
from groundup.text.tokenizers.word import word_tokenizer as tokenizer_of_words

MODEL_TYPE = "ngram"
END = arpa.END
PORTION = 1000  # texts whose tokens are held at once when counts are streamed


@dataclass(frozen=True, kw_only=True)
class NgramConfig:
    """What `train` is told."""

    order: int = 5  # tokens an n-gram has at most: order 3 looks two back
    smoothing: str = BEST  # a key of `smoothing.RULES`
    k: float = 1.0  # what add_k adds
    min_count: int = 2  # words seen less are <unk>; not used with a tokenizer of one's own
    vocab_size: int | None = None  # words kept at most, the same
    block: int | None = (
        None  # tokens that are sorted at once, the rest on disk (a million are usual); None: all in memory
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be, with the way out."""
        if self.order < 1:
            raise ConfigError(f"order={self.order} is no length of an n-gram; use 1 or more (5 is usual)")
        check_smoothing(self.smoothing)
        if not (self.k > 0 and math.isfinite(self.k)):
            raise ConfigError(f"k={self.k} adds nothing; use a number above 0")
        if self.vocab_size is not None and self.vocab_size < 2:
            raise ConfigError(f"vocab_size={self.vocab_size} leaves no word; use 3 or more, <unk> and </s> among them")
        if self.block is not None and self.block < 1:
            raise ConfigError(f"block={self.block} sorts nothing; use 1 or more tokens, or None for all in memory")
        if self.block is not None and self.smoothing == "jelinek_mercer":
            raise ConfigError(
                f"jelinek_mercer learns its weights on text that is held back, which block={self.block} does not keep; "
                f"leave block out or use smoothing={BEST!r}"
            )


def word_tokenizer(texts: Iterable[str], config: NgramConfig) -> tuple[WordTokenizer, int]:
    """Words as tokens: <unk> is id 0, </s> ends a document. And how many different words became <unk>."""
    counts = count_words(texts)
    made = tokenizer_of_words(counts, config.min_count, config.vocab_size, (arpa.UNKNOWN, END))
    if made.vocab_size <= 2:
        raise ConfigError(
            f"min_count={config.min_count} and vocab_size={config.vocab_size} leave no word of the text; use a smaller "
            "min_count or a larger vocab_size"
        )
    made.eos_token = END
    return made, sum(word not in made.vocabulary for word in counts)


def stream(texts: Iterable[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """All ids in one array, the boundary before and after each text, and where each text's first boundary stands."""
    ids, offsets = tokenizer.encode_packed(texts)[:2]
    ends = np.asarray(offsets)[1:]
    whole = np.insert(ids.astype(np.int32), np.concatenate([[0], ends]).astype(np.int64), tokenizer.eos_token_id)
    return whole, np.concatenate([[0], ends + np.arange(1, len(ends) + 1)]).astype(np.int64)


def _chunks(texts: Iterable[str], tokenizer: Any) -> Iterator[np.ndarray]:
    """The ids of `stream`, some texts after the other."""
    rest, begin = iter(texts), 0
    while portion := list(islice(rest, PORTION)):
        yield stream(portion, tokenizer)[0][begin:]
        begin = 1  # the boundary before it was the last portion's end


def train(
    texts: Iterable[str],
    config: NgramConfig | None = None,
    tokenizer: Any = None,
    progress: Callable[[str], None] | None = None,
) -> "NgramLanguageModel":
    """Count and smooth texts, each a document. tokenizer: any with an end-of-text token; without one, words.

    progress: is told each step before it is done. With `block` in the configuration only the counts are held; texts may then be
    anything that is read from its beginning each time it is asked for (with a tokenizer it is read once).
    """
    config, tell, kinds = config or NgramConfig(), progress or (lambda step: None), 0
    documents = [texts] if isinstance(texts, str) else texts if config.block else list(texts)
    if isinstance(documents, list) and not any(documents):
        raise InputError("there is no text to count; give at least one that is not empty")
    if tokenizer is None:
        if iter(documents) is documents:
            raise InputError("the texts can be read once, and words are read twice; give a list or a tokenizer")
        tell("words")
        tokenizer, kinds = word_tokenizer(documents, config)
    elif tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end-of-text token to stand between documents; give one that has (eos_token)"
        )
    tell("tokens")
    made = _fit_streamed if config.block else _fit
    return NgramLanguageModel(made(documents, tokenizer, config, tell), tokenizer, kinds)


def _fit(texts: Iterable[str], tokenizer: Any, config: NgramConfig, tell: Callable[[str], None]) -> NgramModel:
    ids, _ = stream(texts, tokenizer)
    _check_order(config.order, len(ids))
    tell("counts")
    told = {"vocab_size": tokenizer.vocab_size, "boundary": tokenizer.eos_token_id}
    return fit(ids, config.order, config.smoothing, k=config.k, **told)


def _fit_streamed(texts: Iterable[str], tokenizer: Any, config: NgramConfig, tell: Callable[[str], None]) -> NgramModel:
    assert config.block is not None
    size, end = tokenizer.vocab_size, tokenizer.eos_token_id
    levels = count_streamed(_chunks(texts, tokenizer), config.order, size, end, block=config.block)
    _check_order(config.order, int(levels[0].counts.sum()))
    tell("counts")
    return smooth(levels, config.smoothing, vocab_size=size, boundary=end, k=config.k)


def _check_order(order: int, tokens: int) -> None:
    if order > tokens:
        raise ConfigError(
            f"order={order} is longer than the {tokens} tokens of the text; use {tokens} at most or more text"
        )


class NgramLanguageModel:
    """An n-gram model with its tokenizer. Make it with `train`, `load` or `from_arpa`."""

    def __init__(self, model: NgramModel, tokenizer: Any, unknown_kinds: int = 0) -> None:
        """model: over the ids of the tokenizer, its boundary the tokenizer's end-of-text token.

        unknown_kinds: how many different words became <unk> (an ARPA file does not tell: 0).
        """
        self.model, self.tokenizer, self.unknown_kinds = model, tokenizer, unknown_kinds

    def _nats(self, texts: Sequence[str], *, which_unknown: bool) -> tuple[np.ndarray, np.ndarray]:
        """Each text's surprise in nats, its end included, and the number of its tokens.

        which_unknown: with that of learning which of the unknown words it was.
        """
        if not len(texts):
            raise InputError("there is no text to score; give at least one")
        ids, starts = stream(texts, self.tokenizer)
        nats = -self.model.log_probabilities(ids)
        if which_unknown and self.unknown_kinds > 1:
            nats[ids == self.tokenizer.unk_token_id] += math.log(self.unknown_kinds)
        return np.add.reduceat(nats[1:], starts[:-1]), np.diff(starts)

    def score(self, text: str) -> float:
        """The mean log-probability of a token of the text, its end included, in nats: higher reads more like the training texts."""
        return float(self.scores([text])[0])

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """`score` of each text, together and faster."""
        nats, tokens = self._nats([texts] if isinstance(texts, str) else texts, which_unknown=True)
        return -nats / tokens

    def perplexity(self, texts: Sequence[str]) -> float:
        """Among how many equally likely tokens the model hesitates on average, <unk> one of them."""
        nats, tokens = self._nats([texts] if isinstance(texts, str) else texts, which_unknown=False)
        return math.exp(nats.sum() / tokens.sum())

    def bits_per_byte(self, texts: Sequence[str]) -> float:
        """What a byte of text costs; exact for tokenizers that lose nothing (an unknown word costs as if it were one of the known unknown)."""
        texts = [texts] if isinstance(texts, str) else texts
        size = sum(len(text.encode()) for text in texts)
        if not size:
            raise InputError("the texts have no bytes; give at least one that is not empty")
        return float(self._nats(texts, which_unknown=True)[0].sum() / math.log(2) / size)

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
            "vocab_size": model.vocab_size, "boundary": model.boundary, "unknown_kinds": self.unknown_kinds,
        }  # fmt: skip
        folders.write(folder, config, {name: getattr(model, name) for name in ARRAYS}, self.tokenizer.save)

    @classmethod
    def load(cls, folder: str | Path) -> "NgramLanguageModel":
        """Read a folder that `save` wrote; what is missing or damaged is named."""
        config, arrays = folders.read_numbers(folder, MODEL_TYPE, ARRAYS)
        try:
            model = NgramModel(
                tuple(arrays[name] for name in ARRAYS), config["order"], config["vocab_size"], config["boundary"],
                smoothing=config["smoothing"], alone=config["alone"],
            )  # fmt: skip
            kinds = int(config["unknown_kinds"])
        except KeyError as error:
            raise FormatError(
                f"{folder} lacks {error} in its {folders.CONFIG}; train and save the model again"
            ) from error
        return cls(model, load_tokenizer(folder), kinds)

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
