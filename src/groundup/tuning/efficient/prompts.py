"""Tuning by tokens that no text has: nothing in the model changes, something stands before the text.

    prompt tuning    n learned vectors before the embedded text                    n * hidden numbers
    p-tuning         the same, made of learned vectors by a small network          more while training, as many afterwards
    prefix tuning    n learned keys and values before those of every layer         n * 2 * layers * key width

Text then begins at position n. Of packed rows every document sees the same n places before it, and no other document; the places see
each other in order.

Lester et al. 2021, arXiv:2104.08691, section 2; Liu et al. 2021 (P-tuning), arXiv:2103.10385, section 3.2; Li and Liang 2021 (prefix), arXiv:2101.00190,
section 4. In files each is the table `prompt_embeddings`, as in PEFT.
Left out: P-tuning's LSTM; the network of prefix tuning; answers by the engine with its own cache (score, train and merge nothing: they cannot be merged).
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import InputError
from groundup.model.attention import masks
from groundup.slots import slot
from groundup.tuning.efficient.config import PromptConfig


class PromptPart(nn.Module):
    """Vectors before the text: learned themselves, or what a network of three layers makes of learned ones."""

    def __init__(self, base: Any, config: PromptConfig, generator: torch.Generator):
        super().__init__()
        self.config, table = config, base.embedding.weight.detach()
        vocab, hidden = table.shape
        if outside := [one for one in config.init_ids if not 0 <= one < vocab]:
            raise InputError(f"init_ids holds {outside[0]}, and the vocabulary has {vocab} tokens; use ids below that")
        n = config.num_virtual_tokens
        self.network: nn.ParameterList | None = None
        if config.kind == "prompt":
            ids = torch.tensor(config.init_ids or torch.randint(vocab, (n,), generator=generator).tolist())
            self.vectors = nn.Parameter(table[ids.repeat(-(-n // len(ids)))[:n]].float().clone())
        else:
            self.vectors = nn.Parameter(torch.randn(n, hidden, generator=generator))
            sides = [hidden, config.encoder_hidden_size, config.encoder_hidden_size, hidden]
            self.network = nn.ParameterList()
            for place, (inputs, outputs) in enumerate(zip(sides, sides[1:], strict=False)):
                # He et al. 2015, arXiv:1502.01852, section 2.2: what comes out is as large as what goes in.
                reach = ((6 if place < 2 else 3) / inputs) ** 0.5
                self.network.append(torch.empty(outputs, inputs).uniform_(-reach, reach, generator=generator))
                self.network.append(torch.zeros(outputs))

    @property
    def length(self) -> int:
        """Places before the text."""
        return self.config.num_virtual_tokens

    def table(self) -> Float[Tensor, "n hidden"]:
        """What stands before the text, as files hold it."""
        x: Tensor = self.vectors
        pairs = [] if self.network is None else list(self.network)
        for place in range(0, len(pairs), 2):
            x = functional.linear(x if place == 0 else functional.relu(x), pairs[place], pairs[place + 1])
        return x

    def fill(self, table: Tensor) -> None:
        """Take a table from a file; the network that made it is gone."""
        self.network = None
        with torch.no_grad():
            self.vectors.copy_(table)


class PrefixPart(nn.Module):
    """Keys and values before the text's own, in every layer."""

    def __init__(self, base: Any, config: PromptConfig, generator: torch.Generator):
        super().__init__()
        self.config = config
        attention = base.config.blueprint().blocks[0].attention
        self.heads, self.width = attention.kv_heads, attention.head_dim
        self.layers = len(base.config.blueprint().blocks)
        shape = (config.num_virtual_tokens, self.layers * 2 * self.heads * self.width)
        self.vectors = nn.Parameter(torch.empty(shape).normal_(0, 0.02, generator=generator))

    @property
    def length(self) -> int:
        """Places before the text."""
        return self.config.num_virtual_tokens

    def table(self) -> Float[Tensor, "n numbers"]:
        """Keys and values of all layers, a row a place, as files hold them."""
        return self.vectors

    def fill(self, table: Tensor) -> None:
        """Take a table from a file."""
        with torch.no_grad():
            self.vectors.copy_(table)

    def pairs(self) -> Float[Tensor, "layers 2 heads n width"]:
        """The key and the value of each layer, head by head."""
        cut = self.vectors.unflatten(1, (self.layers, 2, self.heads, self.width))
        return cut.permute(1, 2, 3, 0, 4)


class Before:
    """A cache that holds the prefix and keeps nothing."""

    def __init__(self, part: PrefixPart):
        self.length, self.made = part.length, part.pairs()

    def update(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """The prefix and then the text."""
        pair = self.made[layer].to(key.dtype)[:, None].expand(-1, len(key), -1, -1, -1)
        return torch.cat((pair[0], key), dim=2), torch.cat((pair[1], value), dim=2)


@slot
def mask_with_places(mask: Bool[Tensor, "batch seq seq"], places: int) -> Bool[Tensor, "batch all all"]:
    """The mask of a text that has learned places before it. True where a query (row) may look at a key (column).

    Every token of the text sees all places, whatever document of a packed row it is in; places see each other in order and nothing of the text.

    >>> mask_with_places(torch.tensor([[[True]]]), 2).int().tolist()
    [[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]
    """
    text = functional.pad(mask, (places, 0), value=True)
    first = functional.pad(masks.causal(places, device=mask.device), (0, mask.shape[-1])).expand(len(text), -1, -1)
    return torch.cat((first, text), dim=1)


def attend_to_prompt(
    base: Any, part: PromptPart | PrefixPart, input_ids: Tensor, mask: Tensor | None, positions: Tensor | None
) -> Float[Tensor, "batch seq hidden"]:
    """The hidden states of a text that has the prompt before it."""
    n, seq = part.length, input_ids.shape[1]
    positions = torch.arange(seq, device=input_ids.device) if positions is None else positions
    if isinstance(part, PrefixPart):
        seen = None if mask is None else functional.pad(mask, (n, 0), value=True)
        return base.hidden(input_ids, seen, positions + n, Before(part))
    mask = None if mask is None else mask_with_places(mask, n)
    before = torch.arange(n, device=positions.device)
    before = before if positions.dim() == 1 else before.expand(len(positions), -1)
    places = torch.cat((before, positions + n), dim=-1)
    table = part.table()

    def put(module: Any, given: Any, rows: Tensor) -> Tensor:
        return torch.cat((table.to(rows.dtype).expand(len(rows), -1, -1), rows[:, n:]), dim=1)

    hook = base.embedding.register_forward_hook(put)
    try:
        return base.hidden(functional.pad(input_ids, (n, 0)), mask, places)[:, n:]
    finally:
        hook.remove()
