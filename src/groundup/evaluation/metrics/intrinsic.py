"""How many bits a model needs for a byte of text it never saw: the one loss that ignores how text was cut into tokens.

    bits per byte = -sum of log2 P(token | what came before) / UTF-8 bytes of the text

Every document is judged afresh behind <|endoftext|>. The <|endoftext|> that closes it is predicted too: its bits count
(a model must know when to stop, and an exact entropy counts it), its bytes do not (it is no text). A document longer
than the context is read in windows that overlap by half: each token is scored once, and all after the first window have
at least half a context before them. The n-gram model reads the same tokens with the same beginnings.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.errors import InputError
from groundup.evaluation.metrics.calibration import Interval, bootstrap
from groundup.slots import slot
from groundup.text.ngram.smoothing import KneserNey

LOGITS_AT_ONCE = 1 << 22  # 16 MB in fp32: a quarter faster on a CPU than four times as many, which leave its caches
WIDTH_STEP = 32  # batches have few widths: torch compiles and keeps a bf16 product for every shape it meets


@dataclass(frozen=True, slots=True)
class TokenDocuments:
    """Texts as token ids: document i is ids[offsets[i]:offsets[i + 1]], without the <|endoftext|> around it."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]  # UTF-8 bytes of each text
    end_id: int  # <|endoftext|>

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens to predict in each document, its end included."""
        return np.diff(self.offsets) + 1

    @property
    def count(self) -> int:
        """Tokens to predict in all."""
        return len(self.ids) + len(self)

    def stream(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All documents in a row with <|endoftext|> around each, and where in it each document's first token is.

        Document i is predicted at starts[i] ... starts[i] + lengths[i] - 1, its end included.
        """
        starts = self.offsets[:-1] + np.arange(1, len(self) + 1)
        stream = np.full(len(self.ids) + len(self) + 1, self.end_id, dtype=np.int32)
        stream[np.repeat(np.arange(1, len(self) + 1), np.diff(self.offsets)) + np.arange(len(self.ids))] = self.ids
        return stream, starts


def tokenize(texts: Sequence[str], tokenizer: Any) -> TokenDocuments:
    """Encode texts for measuring; text that spells a control token stays text."""
    if tokenizer.eos_token_id is None:
        raise InputError(
            "this tokenizer has no end-of-text token, so no document has an end; "
            "name one as eos_token in tokenizer_config.json"
        )
    ids, offsets = tokenizer.encode_packed(list(texts))
    sizes = np.array([len(text.encode()) for text in texts], dtype=np.int64)
    return TokenDocuments(np.asarray(ids, np.int32), np.asarray(offsets, np.int64), sizes, int(tokenizer.eos_token_id))


@slot
def per_byte(nats: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """Bits per byte over all documents. nats: the loss of each, summed over its tokens; sizes: UTF-8 bytes of each.

    The sums are divided, not the documents' own quotients averaged: a short document would weigh as much as a long one.

    >>> per_byte(np.array([4 * math.log(2), 12 * math.log(2)]), np.array([4, 4]))
    2.0
    """
    return float((nats / math.log(2)).sum() / sizes.sum())


@dataclass(frozen=True, slots=True)
class Bits:
    """What one model needed for each of some documents."""

    nats: NDArray[np.float64]
    sizes: NDArray[np.int64]
    tokens: int  # predicted, ends of documents included

    @property
    def per_byte(self) -> float:
        """Bits per byte over all documents."""
        return per_byte(self.nats, self.sizes)

    @property
    def per_token(self) -> float:
        """Bits per token; 2 to this power is the perplexity, which only models with one tokenizer may compare."""
        return float(self.nats.sum() / math.log(2) / self.tokens)

    def interval(self, **options: Any) -> Interval:
        """Bits per byte with the interval over other documents of the same kind; options as in `bootstrap`."""
        return bootstrap(self.nats / math.log(2), self.sizes, **options)


class Window(NamedTuple):
    """Predict tokens `scored` ... `end` - 1 of a document's stream, having read from `start` on."""

    document: int
    start: int
    scored: int
    end: int


@slot
def windows(lengths: Sequence[int], context: int, stride: int) -> list[Window]:
    """Cut documents of `lengths` tokens into windows of at most `context` inputs that score each token once.

    >>> windows([3, 10], context=4, stride=2)[1:]
    [Window(document=1, start=0, scored=0, end=4), Window(document=1, start=2, scored=4, end=6), \
Window(document=1, start=4, scored=6, end=8), Window(document=1, start=6, scored=8, end=10)]
    """
    assert 1 <= stride <= context, f"stride {stride} must lie in 1..{context}"
    cut = []
    for document, length in enumerate(lengths):
        for start in range(0, max(length - context, 0) + stride, stride):
            scored = 0 if start == 0 else start - stride + context
            if scored < length:
                cut.append(Window(document, start, scored, min(start + context, length)))
    return cut


def bits_per_byte(
    module: Any,
    documents: TokenDocuments,
    *,
    context: int | None = None,
    stride: int | None = None,
    logits_at_once: int = LOGITS_AT_ONCE,
    advance: Callable[[int], None] = lambda tokens: None,
) -> Bits:
    """Measure a module (`module(input_ids) -> logits`) on documents; sums are in float64, so batches do not matter.

    context: longest window (default: the model's). stride: tokens a window scores after the first (default: half).
    advance: told how many tokens were read, for a progress bar.
    """
    context = context or module.config.max_position_embeddings
    cut = windows(documents.lengths.tolist(), context, stride or max(1, context // 2))
    cut.sort(key=lambda window: window.end - window.start)  # equal lengths together: little padding
    stream, starts = documents.stream()
    total = np.zeros(len(documents))
    for batch in _batches(cut, max(1, logits_at_once // module.config.vocab_size)):
        losses = _losses(module, batch, stream, starts, context)
        np.add.at(total, [window.document for window in batch], losses)
        advance(sum(window.end - window.scored for window in batch))
    return Bits(total, documents.sizes, documents.count)


def _batches(cut: list[Window], tokens: int) -> Iterator[list[Window]]:
    """Group windows, sorted by length, so that none has more than `tokens` positions unless it is one window."""
    batch: list[Window] = []
    for window in cut:
        if batch and (len(batch) + 1) * (window.end - window.start) > tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _losses(
    module: Any, batch: list[Window], stream: NDArray[np.int32], starts: NDArray[np.int64], context: int
) -> NDArray[np.float64]:
    """The loss in nats of each window's scored tokens. Padding is on the right, where no real token looks."""
    import torch  # here: an n-gram model is measured without it
    from torch.nn.functional import cross_entropy

    longest = max(window.end - window.start for window in batch)
    width = min(-(-longest // WIDTH_STEP) * WIDTH_STEP, context)
    inputs = np.zeros((len(batch), width), dtype=np.int64)
    targets = np.full((len(batch), width), -100, dtype=np.int64)
    for row, (document, start, scored, end) in enumerate(batch):
        first = starts[document]
        inputs[row, : end - start] = stream[first + start - 1 : first + end - 1]
        targets[row, scored - start : end - start] = stream[first + scored : first + end]
    device = getattr(module, "device", "cpu")
    wanted = torch.from_numpy(targets).to(device)
    with torch.inference_mode():
        logits = module(torch.from_numpy(inputs).to(device))
        losses = cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), reduction="none", ignore_index=-100)
    return losses.double().view(wanted.shape).sum(1).cpu().numpy()


def fit_ngram(documents: TokenDocuments, order: int, vocab_size: int) -> KneserNey:
    """Count and smooth an n-gram model of training documents; no context reaches over a document's beginning."""
    return KneserNey.fit(documents.stream()[0], order, vocab_size=vocab_size, boundary=documents.end_id)


def ngram_bits_per_byte(model: KneserNey, documents: TokenDocuments) -> Bits:
    """Measure an n-gram model on the tokens that `bits_per_byte` predicts."""
    stream, starts = documents.stream()
    nats = -model.log_probabilities(stream)
    return Bits(np.add.reduceat(nats, starts), documents.sizes, documents.count)


def gap_closed(model: float, ngram: float, floor: float) -> float:
    """The share of the way from the n-gram model down to the floor that the model has gone; NaN where there is no gap.

    >>> round(gap_closed(model=1.1, ngram=2.0, floor=1.0), 3)
    0.9
    """
    return (ngram - model) / (ngram - floor) if ngram > floor else math.nan
