"""A tagger that reads a sentence from both ends: at each word it knows what came before and what comes after.

    word      its own vector, and the two last states of a small network that read its letters from either end
    sentence  forward_t reads words 1..t, backward_t reads words n..t; scores of the tags are a matrix times [forward_t; backward_t]

Letters make a word that training never saw more than unknown: its ending and its capital speak. Schuster and Paliwal 1997, IEEE Trans. Signal
Processing 45(11); Graves and Schmidhuber 2005; letters: Ling et al. 2015, arXiv:1508.02096, section 3. Each tag is chosen by itself. Left out: a
conditional random field over the tags (`classical/structure`), vectors trained elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundup.classical.embeddings.vocabulary import check_seed
from groundup.classical.recurrent.fit import fit, numbers
from groundup.classical.recurrent.language_model import fill
from groundup.classical.recurrent.lstm import LSTM
from groundup.errors import ConfigError, FormatError, InputError
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear
from groundup.progress import Progress
from groundup.text import folder as folders

MODEL_TYPE = "recurrent_tagger"
UNKNOWN = 0  # the id of a word or letter that training did not see often enough
LONGEST_WORD = 24  # letters; of a longer word the last ones are read

Tagged = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class TaggerConfig:
    """Sizes of a tagger, and how it is trained."""

    hidden_size: int = 100
    """width of the state in each direction"""
    word_size: int = 64
    """width of a word's own vector"""
    character_size: int = 24
    """width of the state that reads letters, in each direction"""
    min_count: int = 2
    """a word seen more rarely has no vector of its own"""
    epochs: int = 6
    """how often each sentence is seen"""
    batch_size: int = 32
    """sentences at once"""
    learning_rate: float = 0.006
    """AdamW's peak rate"""
    dropout: float = 0.3
    """share of the numbers that are left out of what enters and leaves the sentence's network, in training"""
    seed: int = 1
    """where the order of the sentences and the first weights begin"""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("hidden_size", "word_size", "character_size", "min_count", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        if not (self.learning_rate > 0 and 0 <= self.dropout < 1):
            raise ConfigError(
                f"learning_rate={self.learning_rate}, dropout={self.dropout}: use a rate above 0, such as 0.006, and a share below 1"
            )


@dataclass(frozen=True)
class Names:
    """What the numbers are about: words and letters from id 1 on, tags from 0 on."""

    words: tuple[str, ...]
    characters: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Sequence[Tagged], min_count: int) -> "Names":
        """Collect them from tagged sentences."""
        check(sentences)
        words = Counter(word for words, _ in sentences for word in words)
        letters = {letter for word in words for letter in word}
        kept = tuple(sorted(word for word, count in words.items() if count >= min_count))
        return cls(kept, "".join(sorted(letters)), tuple(sorted({tag for _, tags in sentences for tag in tags})))


@dataclass(frozen=True)
class Sentences:
    """A batch. spelled: the letters of its distinct words; which: for each word its row there; targets, loss_mask: where tags are known."""

    words: Tensor
    which: Tensor
    spelled: Tensor
    targets: Tensor
    loss_mask: Tensor


class Network(nn.Module):
    """The weights of a tagger."""

    def __init__(self, config: TaggerConfig, words: int, characters: int, tags: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.dropout = config.dropout
            self.words = Embedding(words + 1, config.word_size)
            self.characters = Embedding(characters + 1, config.character_size)
            self.letters = LSTM(config.character_size, config.character_size, bidirectional=True)
            self.sentence = LSTM(config.word_size + 2 * config.character_size, config.hidden_size, bidirectional=True)
            self.head = Linear(2 * config.hidden_size, tags, bias=True)
            for matrix in (self.words.weight, self.characters.weight):
                nn.init.normal_(matrix, std=0.3)
            nn.init.normal_(self.head.weight, std=(2 * config.hidden_size) ** -0.5)
            assert self.head.bias is not None, "it was asked for"
            nn.init.zeros_(self.head.bias)

    def forward(self, batch: Sentences) -> Tensor:
        """The scores of every tag at every word, (batch, seq, tags)."""
        spelled = self.letters(self.characters(batch.spelled.clamp(min=0)), mask=batch.spelled >= 0)[1][0]
        vectors = torch.cat((self.words(batch.words), torch.cat((spelled[0], spelled[1]), -1)[batch.which]), -1)
        read, _ = self.sentence(functional.dropout(vectors, self.dropout, self.training), mask=batch.loss_mask)
        return self.head(functional.dropout(read, self.dropout, self.training))


def tag_loss(module: Any, batch: Sentences) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the words; nats, and how many words there are. An objective for the training loop."""
    scores, targets = module(batch)[batch.loss_mask], batch.targets[batch.loss_mask]
    return functional.cross_entropy(scores, targets, reduction="sum"), len(targets)


class Tagger:
    """A trained tagger."""

    def __init__(self, network: Network, names: Names, config: TaggerConfig):
        self.network, self.names, self.config = network, names, config
        self._words = {word: number for number, word in enumerate(names.words, 1)}
        self._letters = {letter: number for number, letter in enumerate(names.characters, 1)}
        self._tags = {tag: number for number, tag in enumerate(names.tags)}

    def tag(self, words: Sequence[str]) -> list[str]:
        """The tag of each word of a sentence."""
        return self.tag_batch([words])[0]

    @torch.no_grad()
    def tag_batch(self, sentences: Sequence[Sequence[str]], at_once: int = 64) -> list[list[str]]:
        """The tags of many sentences; those of like length are read together."""
        if any(isinstance(one, str) for one in sentences):
            raise InputError("a sentence is a list of words, and a string came; split it first: text.split()")
        found: list[list[str]] = [[] for _ in sentences]
        order = sorted((number for number, words in enumerate(sentences) if words), key=lambda i: len(sentences[i]))
        self.network.eval()
        for start in range(0, len(order), at_once):
            part = order[start : start + at_once]
            best = self.network(self.batch([(sentences[number], ()) for number in part])).argmax(-1)
            for row, number in enumerate(part):
                found[number] = [self.names.tags[tag] for tag in best[row, : len(sentences[number])].tolist()]
        return found

    def score(self, sentences: Sequence[Tagged]) -> dict[str, float]:
        """Share of words tagged right: of all, of those with a vector of their own, and of the others."""
        check(sentences)
        for tag in {tag for _, tags in sentences for tag in tags}:
            self._tag(tag)
        tagged = self.tag_batch([words for words, _ in sentences])
        right = [
            (one == other, word in self._words)
            for (words, tags), own in zip(sentences, tagged, strict=True)
            for word, one, other in zip(words, tags, own, strict=True)
        ]
        parts = {
            "accuracy": right,
            "known": [one for one in right if one[1]],
            "unknown": [one for one in right if not one[1]],
        }
        shares = {name: sum(one[0] for one in part) / len(part) for name, part in parts.items() if part}
        return shares | {"words": len(right)}

    def batch(self, sentences: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Sentences:
        """Sentences as numbers; without tags the targets are 0."""
        rows, longest = len(sentences), max(len(words) for words, _ in sentences)
        distinct = {
            word: number for number, word in enumerate(dict.fromkeys(w for words, _ in sentences for w in words))
        }
        ids, which, targets = (np.zeros((rows, longest), np.int64) for _ in range(3))
        real = np.zeros((rows, longest), bool)
        for row, (words, tags) in enumerate(sentences):
            ids[row, : len(words)] = [self._words.get(word, UNKNOWN) for word in words]
            which[row, : len(words)] = [distinct[word] for word in words]
            targets[row, : len(tags)] = [self._tag(tag) for tag in tags]
            real[row, : len(words)] = True
        arrays = (ids, which, self._spelled(list(distinct)), targets, real)
        return Sentences(*(torch.from_numpy(array) for array in arrays))

    def _tag(self, tag: str) -> int:
        if tag not in self._tags:
            raise InputError(
                f"{tag!r} is no tag of this tagger, which knows {', '.join(self.names.tags[:50])}; give sentences with the tags of its training"
            )
        return self._tags[tag]

    def _spelled(self, words: Sequence[str]) -> np.ndarray:
        """The letters of each word, -1 behind them; an empty word is one unknown letter."""
        numbers = [[self._letters.get(one, UNKNOWN) for one in word[-LONGEST_WORD:]] or [UNKNOWN] for word in words]
        spelled = np.full((len(words), max(map(len, numbers))), -1, np.int64)
        for row, letters in enumerate(numbers):
            spelled[row, : len(letters)] = letters
        return spelled

    def save(self, folder: str | Path) -> None:
        """Write the tagger's folder; words, letters and tags in vocab.json."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.network.named_parameters()}
        folders.write(folder, {"model_type": MODEL_TYPE} | asdict(self.config), arrays, asdict(self.names))

    @classmethod
    def load(cls, folder: str | Path) -> "Tagger":
        """Read the folder that `save` wrote."""
        raw, arrays, vocabulary = folders.read(folder, MODEL_TYPE)
        try:
            config = TaggerConfig(**{name: value for name, value in raw.items() if name != "model_type"})
            names = Names(tuple(vocabulary["words"]), vocabulary["characters"], tuple(vocabulary["tags"]))
        except (TypeError, KeyError) as error:
            raise FormatError(f"{folder} is not as a tagger is written ({error}); train and save it again") from error
        network = Network(config, len(names.words), len(names.characters), len(names.tags))
        fill(network, arrays, Path(folder) / folders.WEIGHTS)
        return cls(network.eval(), names, config)


def check(sentences: Sequence[Tagged]) -> None:
    """Refuse what cannot be learned from or scored: no sentence, one without words, words and tags that do not pair."""
    if not sentences:
        raise InputError("there is no tagged sentence; give at least one, as (words, tags)")
    for number, (words, tags) in enumerate(sentences):
        if not words or len(words) != len(tags):
            raise InputError(
                f"sentence {number} has {len(words)} words and {len(tags)} tags; give a tag a word, and leave empty sentences out"
            )


def train(sentences: Iterable[Tagged], config: TaggerConfig | None = None, progress: Progress | None = None) -> Tagger:
    """Train a tagger on tagged sentences by the training loop. progress: a bar of one's own, moved by 1 a step."""
    config, given = config or TaggerConfig(), list(sentences)
    names = Names.of(given, config.min_count)
    network = Network(config, len(names.words), len(names.characters), len(names.tags))
    tagger = Tagger(network, names, config)
    ordered = sorted(given, key=lambda sentence: len(sentence[0]))
    cuts = [ordered[start : start + config.batch_size] for start in range(0, len(ordered), config.batch_size)]
    words = sum(len(words) for words, _ in given) // len(given)

    def chosen(step: int) -> Sentences:
        epoch, place = divmod(step, len(cuts))
        order = np.random.default_rng((config.seed, epoch)).permutation(len(cuts))
        return tagger.batch(cuts[order[place]])

    training = numbers(config, config.epochs * len(cuts), words, decay_fraction=0.8)
    fit(network, chosen, training, tag_loss, f"tagger on {len(given):,} sentences", progress)
    return tagger
