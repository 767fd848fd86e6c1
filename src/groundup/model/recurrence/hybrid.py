"""Hybrids: mostly layers with a state of fixed size, and now and then one of attention that can look anything up.

    linear  linear  linear  full   linear  linear  linear  full   ...       Qwen3-Next: every fourth is attention

A state of fixed size cannot hold every earlier token, so it cannot repeat an arbitrary one (Jelassi et al. 2024,
arXiv:2402.01032, theorem 2.7); attention can, and its cache grows. A few layers of attention are enough for exact recall, and
the cache shrinks by their share: Jamba (Lieber et al. 2024, arXiv:2403.19887) has one in eight.

`layer_types` names the kinds as Hugging Face's configurations do. `HybridCache` is given to every block as an attention's
cache is: keys and values for the layers of attention, a state for the others. Left out: pages, and rolling back.
"""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from groundup.errors import ConfigError
from groundup.model.positions.rotary import Angles

FULL, LINEAR = "full_attention", "linear_attention"
State = tuple[Tensor, Tensor]  # the last inputs of the convolution, and the state of the recurrence


def layer_types(layers: int, every: int, first: int | None = None) -> tuple[str, ...]:
    """Name the kind of each layer: attention at `first` (by default the last of the first group) and each `every` layers on.

    >>> layer_types(4, 2)
    ('linear_attention', 'full_attention', 'linear_attention', 'full_attention')
    """
    if every < 1 or layers < 1:
        raise ConfigError(f"layers={layers}, every={every}: both count layers; use 1 or more")
    first = every - 1 if first is None else first
    return tuple(FULL if index >= first and (index - first) % every == 0 else LINEAR for index in range(layers))


class HybridCache:
    """What a model of mixed layers keeps of earlier tokens. `length`: tokens seen.

    attention: a cache with `update(layer, key, value)` for the layers of attention alone, counted from 0; None without any.
    """

    def __init__(self, kinds: Sequence[str], attention: Any = None):
        unknown = sorted(set(kinds) - {FULL, LINEAR})
        if unknown or not kinds:
            raise ConfigError(f"layer_types has {unknown or 'no layer'}; use {FULL!r} and {LINEAR!r}, one a layer")
        full = [index for index, kind in enumerate(kinds) if kind == FULL]
        if full and attention is None:
            raise ConfigError(f"layers {full} are attention and there is no cache for their keys; give `attention` one")
        self.kinds, self.attention = tuple(kinds), attention
        self.place = {layer: index for index, layer in enumerate(full)}
        self.states: dict[int, State] = {}
        self.length = 0

    def update(
        self,
        layer: int,
        key: Float[Tensor, "batch kv_heads new head_dim"],
        value: Float[Tensor, "batch kv_heads new head_dim"],
    ) -> tuple[Float[Tensor, "batch kv_heads keys head_dim"], Float[Tensor, "batch kv_heads keys head_dim"]]:
        """Append an attention's new keys and values; give back all so far."""
        everything = self.attention.update(self.place[layer], key, value)
        self._moved(layer, key.shape[2])
        return everything

    def recall(self, layer: int) -> State | tuple[None, None]:
        """The state that a recurrence left; two Nones before its first token."""
        return self.states.get(layer, (None, None))

    def keep(self, layer: int, state: State, tokens: int) -> None:
        """Put the state of a recurrence in the place of its last one, after so many new tokens."""
        self.states[layer] = state
        self._moved(layer, tokens)

    def _moved(self, layer: int, tokens: int) -> None:
        """Count new tokens once a pass: when the last layer has seen them."""
        if layer == len(self.kinds) - 1:
            self.length += tokens

    def select(self, rows: Int[Tensor, " rows"]) -> None:
        """Keep these rows, in this order; a row named twice is copied."""
        if self.attention is not None:
            self.attention.select(rows)
        for layer, state in self.states.items():
            self.states[layer] = (state[0].index_select(0, rows), state[1].index_select(0, rows))

    @property
    def state_bytes(self) -> int:
        """Bytes of the recurrences' states: the same after 10 tokens and after 10,000."""
        return sum(part.numel() * part.element_size() for state in self.states.values() for part in state)


class HybridStack(nn.Module):
    """A list of blocks of both kinds, each handed what a block of attention is handed; recurrences leave the angles unused."""

    def __init__(self, blocks: Sequence[nn.Module]):
        super().__init__()
        self.layers = nn.ModuleList(blocks)

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles | None = None,
        mask: Tensor | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Pass the stream through every block."""
        for index, block in enumerate(self.layers):
            x = block(x, angles, mask, cache, index)
        return x
