"""Remembering a text: read in parts with a cache, it gives the logits of reading it at once, wherever it is cut.

The likely mistakes are tried one by one: a part that sees nothing of what came before, positions that begin at 0 again, a mask that begins at
the first key, keys that are kept before they are turned.
"""

from typing import Any

import torch
from torch import Tensor

from groundup.model.architectures.conformance.reading import OWN_POSITIONS, ignores_positions
from groundup.model.architectures.conformance.subject import Cache, Fault, Subject, same


def remembers(subject: Subject) -> None:
    """read in two parts or token by token with a cache, a text gets the logits of reading it at once"""
    module, ids = subject.module(), subject.ids(2)
    layers, whole = subject.config.num_hidden_layers, module(ids)
    cache = Cache(layers)
    module(ids, cache=cache)
    if cache.asked != list(range(layers)):
        raise Fault(_about_layers(cache.asked, layers))
    wrong = [cut for cut in range(1, ids.shape[1]) if not same(in_parts(module, ids, layers, cut), whole)]
    if wrong:
        raise Fault(
            f"read in parts of {wrong[0]} and {ids.shape[1] - wrong[0]} tokens, {_about_cache(subject, module, wrong)}"
        )
    if not same(in_parts(module, ids, layers, *range(1, ids.shape[1])), whole):
        raise Fault("read token by token, a text gets other logits than at once, though in two parts it does not: the cache is "
                    "changed in place by what reads it")  # fmt: skip


def in_parts(module: Any, ids: Tensor, layers: int, *cuts: int, positions: bool = False) -> Tensor:
    """The logits of a text read part by part with one cache. positions: hand them in, in place of none."""
    cache, found = Cache(layers), []
    for start, end in zip((0, *cuts), (*cuts, ids.shape[1]), strict=True):
        found.append(module(ids[:, start:end], None, torch.arange(start, end) if positions else None, cache))
    return torch.cat(found, dim=1)


def _about_layers(asked: list[int], layers: int) -> str:
    if not asked:
        return "the cache is never asked: where `cache` is given, call key, value = cache.update(layer, key, value) in attention"
    if sorted(asked) == list(range(layers)):
        return f"the layers ask the cache in the order {asked}; the last layer has to come last, its call moves the length on"
    return (
        f"cache.update was called for the layers {asked}, wanted each of {list(range(layers))} once: hand the number `layer` "
        "on, and call it once with keys and values"
    )


def _about_cache(subject: Subject, module: Any, wrong: list[int]) -> str:
    """What the likely mistake is where a text in two parts gets other logits."""
    ids, layers = subject.ids(2), subject.config.num_hidden_layers
    length, cut = ids.shape[1], wrong[0]
    later = module(ids[:, cut:], None, torch.arange(cut, length))
    if same(in_parts(module, ids, layers, cut, positions=True)[:, cut:], later):
        return "the second part sees nothing of the first: go on with the keys and values that cache.update gives back"
    if ignores_positions(subject, module):
        return f"the second part is wrong: {OWN_POSITIONS}"
    if same(in_parts(module, ids, layers, cut, positions=True), module(ids)):
        return "the second part is at the wrong place: without `positions` they begin at cache.length, not at 0"
    if wrong[-1] < length - 1:
        return (
            "the second part is wrong unless it is one token: its mask begins at the first key, but the last query stands at "
            "the last key; attend(..., causal=True) does that"
        )
    return (
        "the second part is wrong: what is kept is not what attention uses. Ask the cache after norm and rotation of the keys, "
        "and compute nothing from the length of x alone"
    )
