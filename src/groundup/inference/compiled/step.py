"""A decoder that writes one text on a CPU, with one compiled call a token.

    decoder = lower(module)
    logits = decoder.prefill(ids)              # torch reads the prompt, its keys and values are copied
    logits = decoder.step(int(logits.argmax()))

`lower` is also the check: what the compiled code says after two tokens is compared with what torch says, and code that is
off by more than 0.05 of the logits' size is refused aloud. Left out: batches, windows, 8- and 4-bit weights, and the handle:
`generate` does not reach this yet.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.compiled import kernels
from groundup.inference.compiled.layout import Weights, pack, words
from groundup.processor import cores

ERROR = 0.05  # of the logits' root mean square; bf16 weights with bf16 keys and values are off by about 0.01


_ONE_AT_A_TIME = threading.Lock()  # Numba's plainest thread pool ends the process when two threads use it at once


class Decoder:
    """Packed weights, kept keys and values, and how many tokens they are of."""

    def __init__(self, module: Any, weights: Weights, context: int, threads: int):
        self.module, self.weights, self.threads, self.length = module, weights, threads, 0
        attention = module.model.layers[0].self_attn
        dim = attention.head_dim
        self.heads = attention.q_proj.weight.shape[0] // dim
        shape = (len(module.model.layers), attention.k_proj.weight.shape[0] // dim, context, dim)
        self.keys, self.values = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
        angles = module.rotary.angles(torch.arange(context), torch.float32)
        self.cos, self.sin = (side.reshape(context, -1).numpy() for side in angles)
        head_norm = attention.q_norm
        self.eps = np.array([module.model.norm.eps, 0.0 if head_norm is None else head_norm.eps], np.float32)

    @property
    def context(self) -> int:
        """How many tokens there is room for."""
        return self.keys.shape[2]

    def step(self, token: int) -> Float[np.ndarray, " vocab"]:
        """Read one more token; the scores of the next."""
        self._must_know(token)
        if self.length >= self.context:
            raise InputError(f"the {self.context} positions are full; lower the module with a larger context")
        logits = np.empty(len(self.weights.head), np.float32)
        with _ONE_AT_A_TIME:
            kernels.step(
                token, self.length, tuple(self.weights), self.keys, self.values, self.cos, self.sin, self.eps, self.heads,
                self.threads, logits,
            )  # fmt: skip
        self.length += 1
        return logits

    def _must_know(self, token: int) -> None:
        """Refuse an id that has no row: compiled code would read beyond the table."""
        if not 0 <= token < len(self.weights.embedding):
            raise InputError(
                f"token {token} is not in the vocabulary of {len(self.weights.embedding)}; use 0 or more and less than that"
            )

    def prefill(self, ids: Sequence[int]) -> Float[np.ndarray, " vocab"]:
        """Forget what was read, read a prompt with torch and copy its keys and values; the scores of the next token."""
        if not 0 < len(ids) <= self.context:
            raise InputError(f"a prompt of {len(ids)} tokens does not fit; there is room for 1 to {self.context}")
        for token in (min(ids), max(ids)):
            self._must_know(token)
        seen = _Seen()
        with torch.inference_mode():
            logits = self.module(torch.tensor([list(ids)], device=self.module.device), cache=seen)[0, -1]
        for layer, (key, value) in enumerate(seen.kept):
            self.keys[layer, :, : len(ids)], self.values[layer, :, : len(ids)] = words(key[0]), words(value[0])
        self.length = len(ids)
        return logits.float().cpu().numpy()


class _Seen:
    """A cache for one pass over a prompt: it only takes note."""

    length = 0

    def __init__(self) -> None:
        self.kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def update(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Note them and hand them back."""
        self.kept.append((key, value))
        return key, value


def lower(module: Any, codec: str = "bf16", *, context: int | None = None, threads: int | None = None) -> Decoder:
    """Pack a module's weights for the compiled step and check it; UnsupportedModel names a part that has no kernel.

    context: how many tokens there is room for, None: as many as the model was made for. threads: None for as many as cores.
    """
    if codec != "bf16":
        raise ConfigError(f"there are no compiled kernels for {codec!r} weights; use bf16")
    for name, number in (("context", context), ("threads", threads)):
        if number is not None and number < 1:
            raise ConfigError(f"{name}={number} is not possible; use 1 or more, or leave it out")
    weights = pack(module)
    decoder = Decoder(module, weights, context or module.config.max_position_embeddings, min(threads or cores(), 64))
    _check(decoder)
    return decoder


def _check(decoder: Decoder) -> None:
    """Compare two steps with torch in float32 on the same rounded weights, of which there are for this moment 4 bytes each."""
    ids = [1 % len(decoder.weights.embedding), 0][: decoder.context]
    module = decoder.module
    rounded = {
        name: (one.detach().bfloat16() if one.dim() > 1 else one.detach()).float()
        for name, one in module.named_parameters()
    }
    with torch.inference_mode():
        logits = torch.func.functional_call(module, rounded, (torch.tensor([ids], device=module.device),))
    expected = logits[0, -1].float().cpu().numpy()
    decoder.length = 0
    for token in ids:
        found = decoder.step(token)
    decoder.length = 0
    off = float(np.sqrt(np.mean((found - expected) ** 2)) / (np.sqrt(np.mean(expected**2)) + 1e-9))
    if not off < ERROR:
        raise UnsupportedModel(
            f"the compiled step is off by {off:.3f} of the logits' size on this machine (up to {ERROR} is rounding), so it is "
            "not used; write with the module itself, which torch runs"
        )
