"""Reading a text: the same text gives the same logits, no token sees the future, no row sees another, masks and padding are obeyed.

The future leaks in many ways (no mask, a mask off by one, a mean over the sequence), but all show alike: another token at place t, and a
logit before t moves. How far ahead it moves tells the ways apart.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from groundup.model.architectures.conformance.subject import Fault, Subject, apart, culprit, first_line, recorded, same
from groundup.model.attention import masks
from groundup.slots import slot


def leaves_input(subject: Subject) -> None:
    """the input and the weights are left as they were"""
    module, ids = subject.module(), subject.ids(2)
    mask, positions = masks.causal(ids.shape[1]), torch.arange(ids.shape[1])
    before = copy.deepcopy({"input_ids": ids, "mask": mask, "positions": positions} | dict(module.state_dict()))
    module(ids, mask, positions)
    after = {"input_ids": ids, "mask": mask, "positions": positions} | dict(module.state_dict())
    for name, value in after.items():
        if not torch.equal(value, before[name]):
            raise Fault(
                f"a call changes {name} in place; write x = x + y in place of x += y, and clone what an index is "
                "assigned to"
            )


def is_repeatable(subject: Subject) -> None:
    """the same text gives the same logits, whatever was read before"""
    module, ids = subject.module(), subject.ids(2)
    first = module(ids)
    if not same(module(ids), first):
        seeded = []
        for _ in range(2):
            torch.manual_seed(0)
            seeded.append(module(ids))
        if same(*seeded):
            raise Fault(
                "two calls with the same text differ, and with the same random seed they do not: dropout is on in eval mode; "
                "give functional.dropout training=self.training, or leave it out as the other families do"
            )
        raise Fault(f"two calls with the same text differ: {_KEPT}")
    for rows, length in ((3, subject.length), (2, max(1, subject.length - 4)), (1, 1)):
        fresh, text = subject.module(), subject.ids(rows, length, seed=1)
        try:
            logits = module(text)
        except Exception as error:
            raise Fault(
                f"after a text of another size a call fails ({first_line(error)}), which a fresh module does not: {_KEPT}"
            ) from error
        if not same(logits, fresh(text)):
            raise Fault(f"after other texts a text gets other logits than from a fresh module: {_KEPT}")


_KEPT = (
    "something is kept between calls (a mask, angles, a running mean, a cache of its own); "
    "compute it anew in each call, or take it from `cache`"
)


def hides_future(subject: Subject) -> None:
    """a change of a later token changes no earlier logit"""
    module, ids = subject.module(), subject.ids(2)
    ahead = looks_ahead(module, ids, subject.config.vocab_size)
    if not ahead:
        return
    where = _where_it_looks(module, ids, subject.other(ids), min(ahead))
    if max(ahead) <= subject.config.num_hidden_layers < subject.length - 1:  # one token further a layer
        raise Fault(
            f"a token sees the one after it{where}: the causal mask is off by one, its diagonal belongs to the visible"
        )
    raise Fault(
        f"a token sees what comes after it, up to {max(ahead)} tokens ahead{where}: no causal mask, or a mean, a norm, a "
        "softmax or a convolution that runs over the sequence"
    )


@slot
def looks_ahead(
    logits_of: Callable[[Tensor], Tensor], input_ids: Int[Tensor, "batch seq"], vocab_size: int
) -> set[int]:
    """Find how many tokens ahead a model sees: exchange one token at a time and look which earlier logits move.

    logits_of: ids (batch, seq) -> logits (batch, seq, vocab). The set of all distances from a place whose logits moved to the
    later place that was exchanged; empty for a causal model. A logit has moved where it differs by more than 1e-4 of the
    largest: sums in another order differ by about 1e-6. input_ids are ids from 0 to vocab_size - 1 and stay as they were.
    """
    logits, ahead = logits_of(input_ids), set[int]()
    for place in range(1, input_ids.shape[1]):
        changed = input_ids.clone()
        changed[:, place] = (input_ids[:, place] + 1) % vocab_size
        ahead |= {place - before for before in apart(logits_of(changed)[:, :place], logits[:, :place])}
    return ahead


def _where_it_looks(module: Any, ids: Tensor, others: Tensor, distance: int) -> str:
    """In which part an earlier place first hears of a later one; others: ids that differ everywhere."""
    for place in range(distance, ids.shape[1]):
        changed = ids.clone()
        changed[:, place] = others[:, place]
        (_, one), (_, other) = recorded(module, ids), recorded(module, changed)
        if where := culprit(one, other, _the_first(place)):
            return where
    return ""


def _the_first(places: int) -> Callable[[Tensor], Tensor]:
    """What looks at the first places of each row."""
    return lambda x: x[:, :places]


def sees_past(subject: Subject) -> None:
    """a token's logits depend on it and on those before it"""
    if subject.length < 2:
        return
    module, ids = subject.module(), subject.ids(2)
    logits = module(ids)
    for place, what in ((subject.length - 1, "the token itself"), (subject.length - 2, "the token before it")):
        changed = ids.clone()
        changed[:, place] = subject.other(ids[:, place])
        if same(module(changed)[:, -1], logits[:, -1]):
            raise Fault(
                f"the last logits do not depend on {what}: the mask hides what it should show (True = may look), or "
                "attention's result is not added to the stream"
            )


def keeps_rows_apart(subject: Subject) -> None:
    """a text gets the same logits alone and in a batch"""
    module, ids = subject.module(), subject.ids(3)
    changed = ids.clone()
    changed[0] = subject.other(ids[0])
    (logits, calls), (other, others) = recorded(module, ids), recorded(module, changed)
    if not same(logits[1:], other[1:]):
        where = culprit(calls, others, lambda x: x[1:])
        raise Fault(
            f"a text's logits depend on the other texts of its batch{where}: a mean, a norm or a softmax over axis 0, or a "
            "reshape that puts tokens of one row into another"
        )
    if not same(torch.cat([module(row[None]) for row in ids]), logits):
        raise Fault(
            "a text gets other logits alone than in a batch: something is divided by, or laid out by, the batch's size"
        )


def obeys_mask(subject: Subject) -> None:
    """the mask that is handed in decides who looks where"""
    module, ids = subject.module(), subject.ids(2)
    length, logits = ids.shape[1], module(ids)
    if not same(module(ids, masks.causal(length)), logits):
        raise Fault(
            "an explicit causal mask gives other logits than none: the mask may come as the sum that attend takes (0 or -inf) "
            "and is True where a token may look; hand it on to attend as it comes"
        )
    alone = torch.eye(length, dtype=torch.bool)[None]
    own = module(ids, alone)
    changed = ids.clone()
    changed[:, 0] = subject.other(ids[:, 0])
    if length > 1 and not same(module(changed, alone)[:, 1:], own[:, 1:]):
        raise Fault(
            "a mask that lets each token see only itself is not obeyed: `mask` does not reach attention, so that padding and "
            "other documents are seen; hand it on to attend"
        )


def bears_padding(subject: Subject) -> None:
    """short texts of a batch, padded on either side, get the logits that they get alone"""
    module, ids = subject.module(), subject.ids(3)
    length = ids.shape[1]
    starts = torch.tensor([[0], [length // 4], [length // 2]])
    left = torch.arange(length) >= starts
    for side, real in (("right", left.flip(1)), ("left", left)):
        positions = (real.long().cumsum(1) - 1).clamp(min=0)
        mask = masks.causal(length) & masks.padding(real)
        logits = module(ids, mask, positions)
        if not logits.isfinite().all():
            raise Fault(
                f"padding on the {side} gives NaN: a query that may look at nothing is a softmax over -inf; mask with the "
                "smallest finite number, or call attend, which does"
            )
        expected = [module(row[seen][None])[0] for row, seen in zip(ids, real, strict=True)]
        if not all(same(found[seen], alone) for found, seen, alone in zip(logits, real, expected, strict=True)):
            raise Fault(_about_padding(subject, module, ids, mask, positions, side, real))


def _about_padding(
    subject: Subject, module: Any, ids: Tensor, mask: Tensor, positions: Tensor, side: str, real: Tensor
) -> str:
    """What the likely mistake is where padding on one side changes the logits of real tokens."""
    changed = torch.where(real, ids, subject.other(ids))
    if not same(module(changed, mask, positions)[real], module(ids, mask, positions)[real]):
        return (
            f"padding on the {side} is looked at: the mask that is handed in is replaced by a plain causal one, or applied "
            "the wrong way round (True = may look)"
        )
    if ignores_positions(subject, module):
        return f"padding on the {side} gives other logits: {OWN_POSITIONS}"
    return f"padding on the {side} gives other logits than no padding: something is divided by, or counted over, all columns"


OWN_POSITIONS = (
    "the positions (or angles) that are handed in are not used, and each call counts from 0; use them, as a text in a cache "
    "or behind padding begins elsewhere"
)


def ignores_positions(subject: Subject, module: Any) -> bool:
    """Whether other positions leave every logit as it is."""
    ids = subject.ids(2)
    spread = torch.arange(ids.shape[1]) * (subject.config.max_position_embeddings - 1) // max(1, ids.shape[1] - 1)
    return same(module(ids, None, spread), module(ids)) and subject.config.max_position_embeddings > 2 * ids.shape[1]
