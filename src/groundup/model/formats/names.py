"""Names of weights: what each family calls them in its files, one table a family, read in both directions.

    LLaMA      model.layers.0.self_attn.q_proj.weight                 the module's own name
    GPT-2      transformer.h.0.attn.c_attn.weight                     query, key and value side by side, transposed
    GPT-NeoX   gpt_neox.layers.0.attention.query_key_value.weight     the same, head by head

Inside, every decoder has LLaMA's names; only here are there others. A family that fuses matrices has one name for several of
ours; one that stores (inputs, outputs) is turned over (GPT-2's Conv1D); one whose rows go head by head is sorted.

    stacked    q q q q k k v v                                        rows of all query heads, then keys, then values
    grouped    q q k v | q q k v                                      each key/value head with its query heads

Splitting what is stacked copies nothing; sorting does.

Experts are one stack here, and in files either that or (all published ones) a matrix an expert. Both are read, which copies
in the second case; the second is written, since every tool reads it.

    model.layers.0.mlp.experts.gate_up_proj                            (experts, 2 * intermediate, hidden)
    model.layers.0.mlp.experts.7.gate_proj.weight, ...up_proj.weight   (intermediate, hidden) each
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundup.errors import FormatError

QKV = "self_attn.q_proj self_attn.k_proj self_attn.v_proj"  # for families that store the three as one
LAYER = re.compile(r"\.(\d+)\.")
EXPERTS = {  # the stacks of gated experts, and what files hold of each expert; # is its number
    "mlp.experts.gate_up_proj": "mlp.experts.#.gate_proj.weight mlp.experts.#.up_proj.weight",
    "mlp.experts.down_proj": "mlp.experts.#.down_proj.weight",
}


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
    the weights. experts: stacks in a block -> what files hold of each expert, its number as #, several one after another.
    also: other words for theirs in a block, before the last dot -> the usual ones. layers: how many blocks are read, None: all.
    renamed: what older files call the end of a name, in or beside the blocks -> what it is now.
    """

    prefix: str = "model."
    outside: Mapping[str, str] = field(default_factory=dict)
    block: str = "model.layers.*."
    inside: Mapping[str, str] = field(default_factory=dict)
    transposed: frozenset[str] = frozenset()
    grouped: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset({"self_attn.rotary_emb.inv_freq"})
    experts: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    layers: int | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

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
        """Give a file's names the form of this table: a bare model's get their prefix, other words become the usual ones, an
        expert's matrices its stack, and what older files hold beside the weights is left out."""
        bare = not any(name.startswith(self.prefix) for name in stored)
        named = {self.prefix + name if bare else name: tensor for name, tensor in stored.items()}
        return self._stacked({self._usual(name): part for name, part in named.items() if not self._is_dropped(name)})

    def parted(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """Take the stacks of experts apart, as files hold them: what `whole` puts together. Nothing is copied."""
        written = {}
        for name, tensor in weights.items():
            pattern, layer = _pattern(name)
            pieces = self.experts.get(pattern.removeprefix(self.block), "").split()
            if not pieces:
                written[name] = tensor
            for number, expert in enumerate(tensor if pieces else ()):
                for piece, part in zip(pieces, expert.chunk(len(pieces)), strict=True):
                    written[self.block.replace("*", layer) + piece.replace("#", str(number))] = part
        return written

    def _is_dropped(self, name: str) -> bool:
        pattern, layer = _pattern(name)
        beyond = self.layers is not None and pattern.startswith(self.block) and int(layer) >= self.layers
        return beyond or pattern.removeprefix(self.block) in self.dropped

    def _usual(self, name: str) -> str:
        older = next((end for end in self.renamed if name.endswith(end)), "")
        name = name.removesuffix(older) + self.renamed.get(older, "")
        pattern, layer = _pattern(name)
        path, _, kind = pattern.removeprefix(self.block).rpartition(".")
        return f"{self.block.replace('*', layer)}{self.also[path]}.{kind}" if path in self.also else name

    def _stacked(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Put the matrices of all experts of a layer into their stack."""
        stack_of = {self.block + piece: stack for stack, pieces in self.experts.items() for piece in pieces.split()}
        found: dict[str, Any] = {}
        numbers: dict[tuple[str, str], int] = {}  # (layer, stack) -> how many experts there are
        for name, tensor in stored.items():
            pattern, layer = _pattern(name)
            expert = LAYER.search(pattern)
            stack = None if expert is None else stack_of.get(LAYER.sub(".#.", pattern))
            if expert is None or stack is None:
                found[name] = tensor
            else:
                numbers[layer, stack] = max(numbers.get((layer, stack), 0), int(expert[1]) + 1)
        for (layer, stack), count in numbers.items():
            place, pieces = self.block.replace("*", layer), self.experts[stack].split()
            names = [place + piece.replace("#", str(number)) for number in range(count) for piece in pieces]
            found[place + stack] = _stack(names, len(pieces), stored)
        return found

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


def _stack(names: Sequence[str], pieces: int, stored: Mapping[str, Any]) -> Any:
    """One stack of these matrices, `pieces` of them an expert; FormatError names one that is missing or of another shape."""
    import torch

    for name in names:
        if name not in stored:
            raise FormatError(
                f"the weights lack {name}, and hold other experts of its layer; copy all files from one model"
            )
        if stored[name].shape != stored[names[0]].shape:
            shapes = f"shape {tuple(stored[name].shape)} and {names[0]} {tuple(stored[names[0]].shape)}"
            raise FormatError(f"{name} has {shapes}; copy all files from one model")
    # Stacked piece by piece, then cut into experts: joined expert by expert first, everything would be copied twice.
    return torch.stack([stored[name] for name in names]).unflatten(0, (-1, pieces)).flatten(1, 2)


def _pattern(name: str) -> tuple[str, str]:
    """A name with its layer's number as *, and the number."""
    layer = LAYER.search(name)
    return (name, "") if layer is None else (name[: layer.start()] + ".*." + name[layer.end() :], layer[1])
