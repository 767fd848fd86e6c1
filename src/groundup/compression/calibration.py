"""What goes into every matrix of a model, from a few texts; and the model's blocks changed in order.

The methods that look at inputs need, for each linear map, the second moments X X^T of what it reads. They are gathered block
by block: a block reads
what the blocks before it give after they were changed, so that it can make up for their errors (Frantar et al. 2022,
arXiv:2210.17323, section 3).
A block is run twice, once to read its inputs and once, changed, for the next one's: with a first pass for angles and masks the
whole costs three over the texts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError, UnsupportedModel
from groundup.model.layers.linear import Linear
from groundup.model.transformer import Decoder

LEAST_TOKENS = 256  # fewer say little about hundreds of inputs

Change = Callable[[str, Linear, Float[Tensor, "inputs inputs"]], None]


def linear_maps(module: Any) -> dict[str, Linear]:
    """The matrices of the blocks, by their names in the module: no embedding and no head, which decide every token."""
    if not isinstance(module, Decoder):
        raise UnsupportedModel(
            f"a {type(module).__name__} is not compressed; decoders are, such as Llama, Qwen 3 or GPT-2"
        )
    found = {}
    for number, block in enumerate(module.model.layers):
        for name, part in block.named_modules():
            if isinstance(part, Linear):
                found[f"model.layers.{number}.{name}"] = part
    return found


def check_texts(texts: Sequence[Sequence[int]], context: int) -> list[list[int]]:
    """The texts cut to the context; InputError where they are too few to say anything."""
    kept = [list(text)[:context] for text in texts if len(text) > 1]
    if (tokens := sum(map(len, kept))) < LEAST_TOKENS:
        raise InputError(
            f"the calibration texts have {tokens} tokens; give at least {LEAST_TOKENS}, better 10,000, of text like "
            f"the model's own"
        )
    return kept


@contextmanager
def moments_of(maps: dict[str, Linear]) -> Iterator[dict[str, Tensor]]:
    """While it is open, the second moments of what each map reads are summed, in float32."""
    found: dict[str, Tensor] = {}
    hooks = [part.register_forward_pre_hook(_adding(name, found)) for name, part in maps.items()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _adding(name: str, found: dict[str, Tensor]) -> Callable[..., None]:
    def hook(_part: Any, given: tuple[Tensor, ...]) -> None:
        read = given[0].detach().reshape(-1, given[0].shape[-1]).float()
        product = read.T @ read
        found[name] = found[name] + product if name in found else product

    return hook


@torch.inference_mode()
def moments(module: Any, texts: Sequence[Sequence[int]]) -> dict[str, Float[Tensor, "inputs inputs"]]:
    """X X^T of every map of the unchanged model, for texts of ids."""
    texts = check_texts(texts, module.config.max_position_embeddings)
    with moments_of(linear_maps(module)) as found:
        for text in texts:
            module.hidden(torch.tensor([text], device=module.device))
    return found


@torch.inference_mode()
def in_order(
    module: Any, texts: Sequence[Sequence[int]], change: Change, told: Callable[[int], object] = lambda done: None
) -> None:
    """Call `change(name, map, moments)` for every linear map, block by block, each behind the changed ones. told: blocks done."""
    texts = check_texts(texts, module.config.max_position_embeddings)
    maps, blocks = linear_maps(module), module.model.layers
    if type(module).through is not Decoder.through:
        raise UnsupportedModel(
            "blocks that also read other things than the one before them are not compressed in order; use a method without texts"
        )
    streams, sides = zip(*(_entering(module, text) for text in texts), strict=True)
    for number, block in enumerate(blocks):
        mine = {name: part for name, part in maps.items() if name.startswith(f"model.layers.{number}.")}
        with moments_of(mine) as found:
            for x, side in zip(streams, sides, strict=True):
                block(x, *side[number])
        for name, part in mine.items():
            change(name, part, found[name])
        if number + 1 < len(blocks):
            streams = tuple(block(x, *side[number]) for x, side in zip(streams, sides, strict=True))
        told(number + 1)


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
