"""Sequence to sequence: a text is read, and another one written, with attention between the two; German into English, or a date into another form.

    p(answer | source) = product over t of p(y_t | y_1..y_t-1, source)

Trained with the right answer so far as input (teacher forcing), written greedily or by beam search (`inference/decoding/beam`). Both languages are cut into
the same sub-words (byte-level BPE, `text/tokenizers`), so names go over piece by piece and no word is unknown (Sennrich et al. 2016, arXiv:1508.07909).
Batches hold pairs of like length; which pairs meet changes from epoch to epoch. Sutskever et al. 2014, arXiv:1409.3215; the network: `seq2seq_network`.
Left out: scheduled sampling, coverage, several layers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.classical.recurrent.fit import fit, numbers
from groundup.classical.recurrent.language_model import fill
from groundup.classical.recurrent.seq2seq_network import Network, Pairs, Seq2SeqConfig, translation_loss
from groundup.errors import ConfigError, FormatError, InputError
from groundup.inference.decoding.beam import BeamConfig, beam_search
from groundup.progress import Progress, Silent
from groundup.text import folder as folders
from groundup.text.tokenizers import formats
from groundup.text.tokenizers.byte_level import train_tokenizer
from groundup.text.tokenizers.config import END_OF_TEXT, TokenizerConfig

MODEL_TYPE = "recurrent_seq2seq"
LONGER, SPARE = 2, 10  # an answer may have twice the source's tokens and ten more
ALIKE = 4  # tokens: pairs whose answers differ by less may meet in a batch


@dataclass(frozen=True)
class Alignment:
    """Where the decoder looked: a row a token of the answer, a column a token of the source; rows sum to 1."""

    source: tuple[str, ...]
    answer: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


class Translator:
    """A trained translator."""

    def __init__(self, network: Network, tokenizer: Any, config: Seq2SeqConfig):
        self.network, self.tokenizer, self.config = network, tokenizer, config
        assert tokenizer.eos_token_id is not None, "a tokenizer of train() has an end"
        self.end: int = tokenizer.eos_token_id

    def translate(self, text: str, search: BeamConfig | None = None) -> str:
        """The best answer to a text."""
        return self.translate_batch([text], search)[0]

    def translate_batch(
        self,
        texts: Sequence[str],
        search: BeamConfig | None = None,
        at_once: int = 64,
        progress: Progress | None = None,
    ) -> list[str]:
        """The best answer to each text; those of like length are read together. progress: moved by 1 a text."""
        sources, answers = self._sources(texts), [""] * len(texts)
        order = sorted(range(len(texts)), key=lambda number: len(sources[number]))
        self.network.eval()
        with progress or Silent() as bar:
            for first in range(0, len(order), at_once):
                part = order[first : first + at_once]
                for number, ids in zip(part, self._best([sources[number] for number in part], search), strict=True):
                    answers[number] = self.tokenizer.decode(ids)
                bar.update(len(part))
        return answers

    @torch.no_grad()
    def _best(self, sources: Sequence[Sequence[int]], search: BeamConfig | None) -> list[list[int]]:
        ids, mask = padded(sources, self.end)
        begins = torch.full((len(sources),), self.end)
        limits = [LONGER * len(source) + SPARE for source in sources]
        found = beam_search(self.network.step, self.network.read(ids, mask), begins, self.end, limits, search)
        return [[one for one in answers[0].ids if one != self.end] for answers in found]

    @torch.no_grad()
    def align(self, text: str, answer: str | None = None) -> Alignment:
        """Where the decoder looks while it writes an answer: its own, where none is given. For `plots.heat_map`."""
        answer = self.translate(text) if answer is None else answer
        batch = self.batch([(self._sources([text])[0], self._sources([answer])[0])])
        self.network.eval()
        weights = self.network.forced(batch)[1][0]
        source, written = (tuple(map(self._spelled, row)) for row in (batch.source[0], batch.targets[0]))
        return Alignment(source, written, tuple(map(tuple, weights.tolist())))

    @torch.no_grad()
    def loss(self, pairs: Sequence[tuple[str, str]], at_once: int = 64) -> float:
        """The mean cross-entropy of the answers given their sources, in nats a token, the end included."""
        encoded, total, count = self.encode(pairs), 0.0, 0
        self.network.eval()
        for first in range(0, len(encoded), at_once):
            part, targets = translation_loss(self.network, self.batch(encoded[first : first + at_once]))
            total, count = total + float(part), count + targets
        return total / count

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """Pairs of texts as ids, each with the end behind it."""
        check(pairs)
        sides = (self._sources([pair[side] for pair in pairs]) for side in (0, 1))
        return list(zip(*sides, strict=True))

    def batch(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Pairs:
        """Ids as a batch: the decoder reads the answer one later than it writes it."""
        source, source_mask = padded([one for one, _ in pairs], self.end)
        targets, loss_mask = padded([other for _, other in pairs], self.end)
        begins = torch.full((len(pairs), 1), self.end)
        return Pairs(source, source_mask, torch.cat((begins, targets[:, :-1]), 1), targets, loss_mask)

    def _sources(self, texts: Sequence[str]) -> list[list[int]]:
        if isinstance(texts, str):
            raise InputError("texts are a list, and one string came; put it into a list: [text]")
        return [[*ids, self.end] for ids in self.tokenizer.encode_batch(texts)]

    def _spelled(self, id: Tensor) -> str:
        """A token as one sees it; the end as ⏎."""
        return "⏎" if int(id) == self.end else self.tokenizer.token_bytes(int(id)).decode("utf-8", "replace")

    def save(self, folder: str | Path) -> None:
        """Write the translator's folder; its tokenizer in vocab.json."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.network.named_parameters()}
        names = dict(zip(("tokenizer", "tokenizer_config"), formats.to_dicts(self.tokenizer), strict=True))
        folders.write(folder, {"model_type": MODEL_TYPE} | asdict(self.config), arrays, names)

    @classmethod
    def load(cls, folder: str | Path) -> "Translator":
        """Read the folder that `save` wrote."""
        raw, arrays, names = folders.read(folder, MODEL_TYPE)
        path = Path(folder) / folders.VOCABULARY
        try:
            config = Seq2SeqConfig(**{name: value for name, value in raw.items() if name != "model_type"})
            tokenizer = formats.from_dicts(path, names["tokenizer"], names["tokenizer_config"], None)
        except (TypeError, KeyError, ConfigError) as error:
            raise FormatError(
                f"{folder} is not as a translator is written ({error}); train and save it again"
            ) from error
        network = Network(config, len(tokenizer))
        fill(network, arrays, Path(folder) / folders.WEIGHTS)
        return cls(network.eval(), tokenizer, config)


def padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Rows of unequal length as one matrix, and where they are."""
    longest = max(map(len, rows))
    ids, mask = np.full((len(rows), longest), padding, np.int64), np.zeros((len(rows), longest), bool)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = True
    return torch.from_numpy(ids), torch.from_numpy(mask)


class Buckets:
    """Pairs of ids in batches of like length, in a new order every epoch; a batch is asked for by its number."""

    def __init__(self, pairs: Sequence[tuple[list[int], list[int]]], batch_size: int, seed: int):
        self.pairs, self.batch_size, self.seed = pairs, batch_size, seed
        self.lengths = np.array([[len(answer) // ALIKE, len(source)] for source, answer in pairs])
        self.batches = -(-len(pairs) // batch_size)  # in an epoch
        self._cut: tuple[int, list[np.ndarray]] = (-1, [])

    def numbers(self, step: int) -> np.ndarray:
        """Which pairs the batch of a step holds."""
        epoch, place = divmod(step, self.batches)
        if self._cut[0] != epoch:
            source = np.random.default_rng((self.seed, epoch))
            ties = source.random(len(self.pairs))
            order = np.lexsort((ties, self.lengths[:, 1], self.lengths[:, 0]))
            cuts = [order[first : first + self.batch_size] for first in range(0, len(order), self.batch_size)]
            self._cut = (epoch, [cuts[number] for number in source.permutation(len(cuts))])
        return self._cut[1][place]

    def __getitem__(self, step: int) -> list[tuple[list[int], list[int]]]:
        return [self.pairs[number] for number in self.numbers(step)]


def check(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse what cannot be learned from: no pair, a side without text."""
    if not pairs:
        raise InputError("there is no pair of texts; give at least one, as (source, answer)")
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(side, str) and side for side in pair):
            raise InputError(
                f"pair {number} is {str(pair)[:80]!r}; give two texts, (source, answer), and leave pairs with an empty one out"
            )


def _untrained(pairs: Sequence[tuple[str, str]], config: Seq2SeqConfig) -> tuple[Translator, Buckets]:
    """A translator with its first weights and its vocabulary, and the pairs as ids."""
    check(pairs)
    told = TokenizerConfig(vocab_size=config.vocab_size, special_tokens=(END_OF_TEXT,))
    tokenizer = train_tokenizer((side for pair in pairs for side in pair), told)
    translator = Translator(Network(config, len(tokenizer)), tokenizer, config)
    encoded = translator.encode(pairs)
    for number, sides in enumerate(encoded):
        if (longest := max(map(len, sides))) > config.max_length:
            raise InputError(
                f"pair {number} has {longest} tokens, and max_length={config.max_length}; cut it into sentences, leave it out, or raise max_length"
            )
    return translator, Buckets(encoded, config.batch_size, config.seed)


def train(
    pairs: Iterable[tuple[str, str]], config: Seq2SeqConfig | None = None, progress: Progress | None = None
) -> Translator:
    """Train a translator on (source, answer) texts by the training loop. progress: a bar of one's own, moved by 1 a step."""
    config, given = config or Seq2SeqConfig(), list(pairs)
    translator, buckets = _untrained(given, config)
    steps = max(1, round(config.epochs * buckets.batches))
    tokens = sum(len(answer) for _, answer in buckets.pairs) // len(given)
    training = numbers(config, steps, tokens, decay_fraction=0.7, most_warmup=200)
    title = f"translator on {len(given):,} pairs"
    fit(translator.network, lambda step: translator.batch(buckets[step]), training, translation_loss, title, progress)
    return translator
