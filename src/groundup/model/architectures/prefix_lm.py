"""Prefix LM: a decoder that reads its beginning as an encoder does: the prefix sees itself both ways, the rest only what came before.

    prefix of 2          1 1 . .        causal    1 . . .        encoder    1 1 1 1
                         1 1 . .                  1 1 . .                   1 1 1 1
                         1 1 1 .                  1 1 1 .                   1 1 1 1
                         1 1 1 1                  1 1 1 1                   1 1 1 1

One stack and one mask do the work of two stacks: the question is read with all of it in sight, and answered token by token. Nothing
else of the model changes, so every decoder here is a prefix LM when it gets this mask: `Decoder.forward(ids, prefix_mask(...))`.
The keys of the prefix depend on all of it, so it must enter the cache in one pass; after that a step is a decoder's step. A model
that was trained causally does not know what to do with such a prefix: it has to be trained with the mask.

Raffel et al. 2020, arXiv:1910.10683, section 3.2.1 and figure 4; Dong et al. 2019 (UniLM), arXiv:1905.03197. UL2's decoder (Tay et
al. 2022, arXiv:2205.05131, section 3) and GLM (`glm.py`) are this shape. Left out: a prefix that is read in parts.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from groundup.model.attention import masks
from groundup.model.transformer import Bound, Decoder
from groundup.slots import slot


@slot
def prefix_mask(
    prefix: Int[Tensor, " batch"], queries: int, keys: int | None = None
) -> Bool[Tensor, "batch queries keys"]:
    """Let every query see the whole prefix, and of the rest the keys up to itself; the last query stands at the last key.

    prefix: for each row how many keys, from the first on, belong to it. keys: None for as many as queries.
    """
    keys = queries if keys is None else keys
    inside = torch.arange(keys, device=prefix.device) < prefix[:, None, None]
    return masks.causal(queries, keys, prefix.device) | inside


class PrefixLM(Bound):
    """A decoder whose prompts are prefixes, with a decoder's own arguments: all that writes with a decoder writes with it.

    The first pass into an empty cache is the prefix, whole; every later one is causal. Without a cache all is prefix.
    """

    module: Decoder

    def __init__(self, module: Decoder):
        super().__init__(module)

    def hidden(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None, cache: Any = None
    ) -> Float[Tensor, "batch seq hidden"]:
        """What the head reads. mask: of a prefix only what it hides from the last token counts, which is the padding."""
        if cache is None or cache.length == 0:
            batch, seq = input_ids.shape
            every = torch.ones(1, seq, seq, dtype=torch.bool, device=input_ids.device)
            mask = every if mask is None else (every & mask[:, -1:]).expand(batch, -1, -1)
        return self.module.hidden(input_ids, mask, positions, cache)
