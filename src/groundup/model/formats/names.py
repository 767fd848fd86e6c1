"""Names of weights: what each family calls them in its files, one table a family, read in both directions.

    LLaMA      model.layers.0.self_attn.q_proj.weight                 the module's own name
    GPT-2      transformer.h.0.attn.c_attn.weight                     query, key and value side by side, transposed
    GPT-NeoX   gpt_neox.layers.0.attention.query_key_value.weight     the same, head by head

Inside, every decoder has LLaMA's names; only here are there others. A family that fuses matrices has one name for several of
ours; one that stores (inputs, outputs) is turned over (GPT-2's Conv1D); one whose rows go head by head is sorted.

    stacked    q q q q k k v v                                        rows of all query heads, then keys, then values
    grouped    q q k v | q q k v                                      each key/value head with its query heads

Splitting what is stacked copies nothing; sorting does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QKV = "self_attn.q_proj self_attn.k_proj self_attn.v_proj"  # for families that store the three as one
LAYER = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Rule:
    """One of their matrices and what it is here: a name, or several that it holds one after another."""

    theirs: str
    ours: tuple[str, ...]
    transposed: bool = False
    grouped: bool = False

    def split(self, stored: Any, rows: Sequence[int], groups: int) -> list[Any]:
        """Take their matrix (or bias) apart; rows: how many each of ours has. groups: key/value heads."""
        tensor = stored.T if self.transposed and stored.dim() == 2 else stored
        if len(rows) == 1:
            return [tensor]
        if not self.grouped or groups == 1:
            return list(tensor.split(list(rows)))
        shares = [count // groups for count in rows]
        return [part.flatten(0, 1) for part in tensor.unflatten(0, (groups, -1)).split(shares, dim=1)]

    def join(self, parts: Sequence[Any], groups: int) -> Any:
        """Put ours together as they store it: what `split` takes apart."""
        import torch

        if len(parts) > 1 and self.grouped:
            joined = torch.cat([part.unflatten(0, (groups, -1)) for part in parts], dim=1).flatten(0, 1)
        else:
            joined = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
        return joined.T if self.transposed and joined.dim() == 2 else joined

    def stored_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The shape of their matrix, given the shapes of ours."""
        joined = (sum(shape[0] for shape in shapes), *shapes[0][1:])
        return joined[::-1] if self.transposed else joined


@dataclass(frozen=True, slots=True)
class Names:
    """The table of a family; by default that of the module itself.

    prefix: what a file of the bare model, without its head, leaves out. outside: names beside the blocks, theirs -> ours.
    block: what stands before the names in a block, the layer's number as *. inside: names in a block, theirs -> ours, several
    of ours with spaces between. transposed, grouped: which of theirs are stored so. dropped: what older files hold beside
    the weights.
    """

    prefix: str = "model."
    outside: Mapping[str, str] = field(default_factory=dict)
    block: str = "model.layers.*."
    inside: Mapping[str, str] = field(default_factory=dict)
    transposed: frozenset[str] = frozenset()
    grouped: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset({"self_attn.rotary_emb.inv_freq"})

    def rules(self) -> list[Rule]:
        """Every rule, the layer's number as *."""
        beside = [Rule(theirs, (ours,)) for theirs, ours in self.outside.items()]
        within = [
            Rule(
                self.block + theirs,
                tuple(f"model.layers.*.{name}" for name in ours.split()),
                transposed=theirs in self.transposed,
                grouped=theirs in self.grouped,
            )
            for theirs, ours in self.inside.items()
        ]
        return beside + within

    def whole(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Give the names of a bare model's file their prefix, and leave out what older files hold beside the weights."""
        bare = not any(name.startswith(self.prefix) for name in stored)
        named = {self.prefix + name if bare else name: tensor for name, tensor in stored.items()}
        return {name: tensor for name, tensor in named.items() if not self._is_dropped(name)}

    def _is_dropped(self, name: str) -> bool:
        pattern, _ = _pattern(name)
        return pattern.removeprefix(self.block) in self.dropped

    def matched(self, names: Sequence[str]) -> dict[str, Rule]:
        """For each of our names, with its layer's number and ".weight" or ".bias", the rule that stores it, filled in the same way.

        Rules are shared by the names they join, so that each of theirs is made once.
        """
        table = {ours: rule for rule in self.rules() for ours in rule.ours}
        made: dict[tuple[str, str], Rule] = {}
        found = {}
        for name in names:
            path, _, kind = name.rpartition(".")
            pattern, layer = _pattern(path)
            rule = table.get(pattern, Rule(pattern, (pattern,)))
            theirs, *ours = (f"{text.replace('*', layer)}.{kind}" for text in (rule.theirs, *rule.ours))
            made.setdefault((theirs, kind), Rule(theirs, tuple(ours), rule.transposed, rule.grouped))
            found[name] = made[theirs, kind]
        return found


def _pattern(name: str) -> tuple[str, str]:
    """A name with its layer's number as *, and the number."""
    layer = LAYER.search(name)
    return (name, "") if layer is None else (name[: layer.start()] + ".*." + name[layer.end() :], layer[1])
