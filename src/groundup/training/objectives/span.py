"""Span corruption: cut some spans out of a text, leave a sentinel for each, and ask for what was cut (T5's task).

    text        Thank you for inviting me to your party last week
    read        Thank you <X> me to your party <Y> week
    asked for   <X> for inviting <Y> last <Z>

One sentinel a span, not a token: the source becomes shorter, the answer is only what is missing, and the length of a gap is not given away.
The last sentinel says that there is no more; a run asks behind it for the token that ends a text (T5's `</s>`), where writing stops.
15 % of the tokens in spans of 3 on average are the paper's choice (section 3.3.4).

Raffel et al. 2020, arXiv:1910.10683, section 3.1.4 and figure 2. Spans are drawn as in its code: the number of tokens and of spans is
fixed by the length, and what is cut and what stays is divided by chance into that many parts of at least one token, so no two spans touch.
One thing differs: a text may begin with a span and end without one. In their code each text ends with a span, so that
a short text, which has one, always loses its end. `denoisers.py` mixes kinds of spans; `blanks.py` is GLM's form for one stack.
Left out: spans of whole words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.errors import InputError
from groundup.model.architectures.blanks import check_spans
from groundup.model.encoder_decoder import shift_right
from groundup.slots import slot
from groundup.training.objectives.causal import Asked, loss_where

RATE, MEAN_LENGTH = 0.15, 3.0
Span = tuple[int, int]  # first, one after the last


@slot
def corrupt_spans(
    ids: Sequence[int], spans: Sequence[tuple[int, int]], sentinels: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Give what the encoder reads and what the decoder is asked for; spans: (first, one after the last), in the text's order.

    Read is the text with one sentinel in place of each span. Asked for is each sentinel and its span's tokens, and at the end the
    next sentinel.
    """
    read: list[int] = []
    asked: list[int] = []
    end = 0
    for (first, last), sentinel in zip(spans, sentinels, strict=False):
        read += [*ids[end:first], sentinel]
        asked += [sentinel, *ids[first:last]]
        end = last
    return [*read, *ids[end:]], [*asked, sentinels[len(spans)]]


def corrupted(ids: Sequence[int], spans: Sequence[Span], sentinels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The same with all of it checked, and the spans put in order."""
    check_spans(spans, len(ids))
    if len(sentinels) <= len(spans):
        raise InputError(
            f"{len(spans)} spans need {len(spans) + 1} sentinels, and there are {len(sentinels)}; "
            "give more of them, or shorter texts"
        )
    both = set(sentinels) & set(ids)
    if both:
        raise InputError(f"token {min(both)} is a sentinel and stands in the text; keep sentinels out of texts")
    return corrupt_spans(list(ids), sorted(spans), sentinels)


def restored(read: Sequence[int], asked: Sequence[int], sentinels: Sequence[int]) -> list[int]:
    """Put an answer into its gaps: the text again. What an answer says of no gap, or after its end, is passed over."""
    known, answers, place = set(sentinels), dict[int, list[int]](), -1
    for token in asked:
        if token in known:
            place = token
            answers.setdefault(place, [])
        elif place in answers:
            answers[place].append(token)
    return [token for one in read for token in (answers.get(one, []) if one in known else [one])]


def draw_spans(
    length: int, generator: torch.Generator, rate: float = RATE, mean_length: float = MEAN_LENGTH
) -> list[Span]:
    """Draw spans that hide round(rate * length) tokens, at least one and never all, of about mean_length each."""
    if length < 2:
        raise InputError(f"a text of {length} token(s) cannot lose one and keep one; leave out texts shorter than 2")
    if not (0 < rate < 1 and mean_length >= 1):
        raise InputError(
            f"rate={rate} and mean_length={mean_length} make no spans; use a rate between 0 and 1, and 1 token or more"
        )
    hidden = min(max(round(length * rate), 1), length - 1)
    count = min(max(round(hidden / mean_length), 1), hidden, length - hidden)
    kept, cut = _parts(length - hidden + 2, count + 1, generator), _parts(hidden, count, generator)
    spans, end = [], -1  # one more stays before the text and one behind it, so that a span may stand at either edge
    for stays, goes in zip(kept, cut, strict=False):
        spans.append((end + stays, end + stays + goes))
        end += stays + goes
    return spans


def _parts(total: int, count: int, generator: torch.Generator) -> list[int]:
    """Divide a whole number into so many parts of at least 1, all divisions alike."""
    cuts = sorted((torch.randperm(total - 1, generator=generator)[: count - 1] + 1).tolist())
    return [last - first for first, last in zip([0, *cuts], [*cuts, total], strict=True)]


@dataclass(frozen=True, slots=True)
class Answers:
    """Sources and answers side by side, as an encoder-decoder learns them. Targets stand at their own places: `shift_right` makes what is read."""

    input_ids: Int[Tensor, "batch source"]
    attention_mask: Bool[Tensor, "batch source"]
    targets: Int[Tensor, "batch seq"]
    loss_mask: Bool[Tensor, "batch seq"]


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Int[Tensor, "batch seq"], Bool[Tensor, "batch seq"]]:
    """Rows of different lengths as one tensor, and where it holds something."""
    if not rows:
        raise InputError("a batch of no rows has nothing to learn from; give at least one")
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])
    return ids, torch.arange(longest) < torch.tensor([[len(row)] for row in rows])


def span_batch(
    documents: Sequence[Sequence[int]],
    generator: torch.Generator,
    *,
    sentinels: Sequence[int],
    pad_id: int = 0,
    rate: float = RATE,
    mean_length: float = MEAN_LENGTH,
    end_id: int | None = None,
) -> Answers:
    """Corrupt each document by spans of its own; one row a document, so no span reaches over an edge. end_id: ends each answer."""
    pairs = [corrupted(ids, draw_spans(len(ids), generator, rate, mean_length), sentinels) for ids in documents]
    return answers(pairs, pad_id, end_id)


def answers(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int = 0, end_id: int | None = None
) -> Answers:
    """What is read and what is asked for, padded to a batch. end_id: a token that is asked for behind each answer, as T5's `</s>`."""
    end = [] if end_id is None else [end_id]
    asked = [[*asked, *end] for _, asked in pairs]
    return Answers(*padded([read for read, _ in pairs], pad_id), *padded(asked, pad_id))


def span_asked(module: Any, batch: Answers) -> Asked:
    """Ask an encoder-decoder for the answers to its sources."""
    pad = module.config.pad_token_id or 0
    start = getattr(module.config, "decoder_start_token_id", None)
    begun = shift_right(batch.targets, pad if start is None else start, pad)
    hidden = module.hidden(begun, module.read(batch.input_ids, batch.attention_mask))
    return Asked(module.lm_head, hidden, batch.targets, batch.loss_mask)


def span_loss(module: Any, batch: Answers, z_loss: float = 0.0) -> tuple[Tensor, int]:
    """Sum the cross-entropy of an encoder-decoder over its answers' tokens; nats, and how many these were."""
    return loss_where(span_asked(module, batch), z_loss)
