"""What goes into every matrix of a model, from a few texts; and the model's blocks changed in order.

The methods that look at inputs need, for each linear map, the second moments X X^T of what it reads. They are gathered block
by block: a block reads
what the blocks before it give after they were changed, so that it can make up for their errors (Frantar et al. 2022,
arXiv:2210.17323, section 3).
A block is run twice, once to read its inputs and once, changed, for the next one's: with a first pass for angles and masks the
whole costs three over the texts.

Left out: experts, which stand in stacks of matrices, each of which reads some of the tokens only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.errors import InputError, UnsupportedModel
from groundup.model.layers.linear import Linear
from groundup.model.moe.experts import GatedExperts, PlainExperts
from groundup.model.transformer import Decoder

LEAST_TOKENS = 256  # fewer say little about hundreds of inputs



class Read(NamedTuple):
    """What a map reads over all texts. moments: X X^T. sizes: the sum of |x| of each input, largest: the most of it, over `tokens` tokens."""

    moments: Float[Tensor, "inputs inputs"]
    sizes: Float[Tensor, " inputs"]
    largest: Float[Tensor, " inputs"]
    tokens: int

    @property
    def size(self) -> Float[Tensor, " inputs"]:
        """The mean of |x| of each input."""
        return self.sizes / self.tokens


Change = Callable[[str, Linear, Float[Tensor, "inputs inputs"]], None]
ChangeBlock = Callable[[int, nn.Module, dict[str, Linear], dict[str, Read]], None]


def linear_maps(module: Any) -> dict[str, Linear]:
    """The matrices of the blocks, by their names in the module: no embedding and no head, which decide every token."""
    if not isinstance(module, Decoder):
        raise UnsupportedModel(
            f"a {type(module).__name__} is not compressed; decoders are, such as Llama, Qwen 3 or GPT-2"
        )
    found = {}
    for number, block in enumerate(module.model.layers):
        for name, part in block.named_modules():
            if isinstance(part, GatedExperts | PlainExperts):
                raise UnsupportedModel(
                    f"model.layers.{number}.{name} holds {len(part.down_proj)} experts in one stack, which no method here compresses; "
                    "compress a model without experts"
                )
            if isinstance(part, Linear):
                found[f"model.layers.{number}.{name}"] = part
    return found


def check_texts(texts: Sequence[Sequence[int]], context: int) -> list[Sequence[int]]:
    """The texts, those that are longer cut to the context; InputError where they are too few to say anything."""
    kept = [text if len(text) <= context else text[:context] for text in texts if len(text) > 1]
    if (tokens := sum(map(len, kept))) < LEAST_TOKENS:
        raise InputError(
            f"the calibration texts have {tokens} tokens; give at least {LEAST_TOKENS}, better 10,000, of text like "
            f"the model's own"
        )
    return kept


@contextmanager
def reading(maps: dict[str, Linear]) -> Iterator[dict[str, Read]]:
    """While it is open, what each map reads is summed up, in float32."""
    found: dict[str, Read] = {}
    hooks = [part.register_forward_pre_hook(_adding(name, found)) for name, part in maps.items()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _adding(name: str, found: dict[str, Read]) -> Callable[..., None]:
    def hook(_part: Any, given: tuple[Tensor, ...]) -> None:
        read = given[0].detach().reshape(-1, given[0].shape[-1]).float()
        size = read.abs()
        more = Read(read.T @ read, size.sum(0), size.amax(0), len(read))
        if (one := found.get(name)) is not None:
            largest = torch.maximum(one.largest, more.largest)
            more = Read(one.moments + more.moments, one.sizes + more.sizes, largest, one.tokens + more.tokens)
        found[name] = more

    return hook


@torch.inference_mode()
def moments(module: Any, texts: Sequence[Sequence[int]]) -> dict[str, Float[Tensor, "inputs inputs"]]:
    """X X^T of every map of the unchanged model, for texts of ids."""
    texts = check_texts(texts, module.config.max_position_embeddings)
    with reading(linear_maps(module)) as found:
        for text in texts:
            module.hidden(torch.tensor([text], device=module.device))
    return {name: one.moments for name, one in found.items()}


@torch.inference_mode()
def by_block(
    module: Any, texts: Sequence[Sequence[int]], change: ChangeBlock, told: Callable[[int], object] = lambda done: None
) -> None:
    """Call `change(number, block, maps, read)` for every block in order, each behind the changed ones. told: blocks done."""
    texts = check_texts(texts, module.config.max_position_embeddings)
    maps, blocks = linear_maps(module), module.model.layers
    if type(module).through is not Decoder.through:
        raise UnsupportedModel(
            "blocks that also read other things than the one before them are not compressed in order; use a method without texts"
        )
    streams, sides = zip(*(_entering(module, text) for text in texts), strict=True)
    for number, block in enumerate(blocks):
        mine = {name: part for name, part in maps.items() if name.startswith(f"model.layers.{number}.")}
        with reading(mine) as found:
            for x, side in zip(streams, sides, strict=True):
                block(x, *side[number])
        change(number, block, mine, found)
        if number + 1 < len(blocks):
            streams = tuple(block(x, *side[number]) for x, side in zip(streams, sides, strict=True))
        told(number + 1)


def in_order(
    module: Any, texts: Sequence[Sequence[int]], change: Change, told: Callable[[int], object] = lambda done: None
) -> None:
    """Call `change(name, map, moments)` for every linear map, block by block, each behind the changed ones. told: blocks done."""

    def each(_number: int, _block: nn.Module, maps: dict[str, Linear], found: dict[str, Read]) -> None:
        for name, part in maps.items():
            change(name, part, found[name].moments)

    by_block(module, texts, each, told)


def _entering(module: Any, text: Sequence[int]) -> tuple[Tensor, list[tuple[Any, ...]]]:
    """What goes into the first block for a text, and what each block is given beside the stream (angles, mask, ...)."""
    first: list[Tensor] = []
    sides: list[tuple[Any, ...]] = []

    def keep(_block: Any, arguments: tuple[Any, ...]) -> None:
        if not sides:
            first.append(arguments[0].clone())
        sides.append(arguments[1:])

    hooks = [block.register_forward_pre_hook(keep) for block in module.model.layers]
    try:
        module.hidden(torch.tensor([list(text)], device=module.device))
    finally:
        for hook in hooks:
            hook.remove()
    return first[0], sides
