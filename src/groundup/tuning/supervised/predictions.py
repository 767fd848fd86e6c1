"""What a model with a head says of texts, and how far that is right, beside what saying always the same would reach.

    classify   share right (Wilson interval)         beside the commonest label
    regress    root of the mean squared error, r     beside the mean of the targets
    tag        F1 of whole spans where tags are BIO, and the share of right tags
    span       share of spans that are exactly right, and F1 of the tokens that both hold

Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1 (theirs compare words, here characters' tokens). Left out: correlation of ranks.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.evaluation.metrics.calibration import wilson
from groundup.evaluation.metrics.spans import span_f1
from groundup.machine.probe.device import device_of_module
from groundup.tuning.supervised.classification import Item, collate, scores

ROWS, LONGEST = 32, 30  # texts in a batch; tokens of a span at most, as in BERT's own script


@torch.no_grad()
def predict(module: Any, items: Sequence[Item], task: str, pad_id: int = 0) -> list[Any]:
    """What the model says of each item, in the form of its targets: an id, a number, an id a tag, or (first, last) token."""
    was, found = module.training, [None] * len(items)
    module.eval()
    order = sorted(
        range(len(items)), key=lambda place: len(items[place].ids)
    )  # texts of a length together: little padding
    for start in range(0, len(order), ROWS):
        places = order[start : start + ROWS]
        batch = collate([items[place] for place in places], task, pad_id).to(device_of_module(module))
        made = scores(module, batch)
        for row, place in enumerate(places):
            found[place] = _said(made[row, ...], items[place], task)
    module.train(was)
    return found


def _said(made: Tensor, item: Item, task: str) -> Any:
    if task == "regress":
        return float(made)
    if task == "classify":
        return int(made.argmax())
    if task == "tag":
        return [int(made[token].argmax()) for token, _ in item.targets]
    inside = torch.tensor([end > start for start, end in item.places])
    return best_span(made[: len(item.ids)].masked_fill(~inside[:, None], float("-inf")))


def best_span(made: Float[Tensor, "seq 2"], longest: int = LONGEST) -> tuple[int, int]:
    """The first and last token of the likeliest span of at most `longest` tokens that ends where it begins or after it.

    >>> best_span(torch.tensor([[0.0, 7.0], [5.0, 0.0], [0.0, 4.0]]))
    (1, 2)
    """
    both = made[:, None, 0] + made[None, :, 1]
    allowed = torch.ones_like(both, dtype=torch.bool).triu().tril(longest - 1)
    best = int(both.masked_fill(~allowed, float("-inf")).argmax())
    return best // len(made), best % len(made)


def measure(items: Sequence[Item], said: Sequence[Any], task: str, labels: Sequence[str]) -> dict[str, Any]:
    """How far what was said is right; shares with their Wilson interval."""
    if task == "classify":
        return classified([item.targets for item in items], said)
    if task == "regress":
        return fitted([item.targets for item in items], said)
    if task == "span":
        return spans([item.targets for item in items], said)
    gold = [[labels[label] for _, label in item.targets] for item in items]
    own = [[labels[label] for label in row] for row in said]
    right = sum(one == other for row, mine in zip(gold, own, strict=True) for one, other in zip(row, mine, strict=True))
    found: dict[str, Any] = {"accuracy": wilson(right, sum(map(len, gold)))._asdict()}
    if all(label == "O" or label[:2] in ("B-", "I-") for label in labels):
        found["spans"] = span_f1(gold, own)["all"]._asdict()
    return found


def classified(gold: Sequence[int], said: Sequence[int]) -> dict[str, Any]:
    """The share of right labels, beside that of the commonest."""
    right = sum(one == other for one, other in zip(gold, said, strict=True))
    return {
        "accuracy": wilson(right, len(gold))._asdict(),
        "commonest": max(Counter(gold).values()) / len(gold),
        "n": len(gold),
    }


def fitted(gold: Sequence[float], said: Sequence[float]) -> dict[str, Any]:
    """The root of the mean squared error, beside that of always the mean, and Pearson's correlation (0 where one does not vary)."""
    true, own = np.array(gold), np.array(said)
    varies = true.std() > 0 and own.std() > 0
    return {
        "error": float(np.sqrt(((own - true) ** 2).mean())),
        "error_of_the_mean": float(true.std()),
        "correlation": float(np.corrcoef(true, own)[0, 1]) if varies else 0.0,
        "n": len(gold),
    }


def spans(gold: Sequence[tuple[int, int]], said: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The share of exact spans, and the mean F1 of the tokens inside."""
    right = sum(tuple(one) == tuple(other) for one, other in zip(gold, said, strict=True))
    f1 = []
    for (first, last), (start, end) in zip(gold, said, strict=True):
        both = max(0, min(last, end) - max(first, start) + 1)
        f1.append(2 * both / (last - first + 1 + end - start + 1))
    return {"exact": wilson(right, len(gold))._asdict(), "f1": sum(f1) / len(f1), "n": len(gold)}
