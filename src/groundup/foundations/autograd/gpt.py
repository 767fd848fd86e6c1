"""A GPT on this room's autodiff alone: characters in, a model that continues them out, trained in seconds.

GPT-2's form (Radford et al. 2019): token and position embeddings are added; each block adds causal attention and then an
MLP of four times the width, each after a layer norm; a last layer norm; the scores are products with the token embeddings
themselves. Its loss is the mean cross-entropy of the next character, in nats; Adam (Kingma & Ba 2015) makes it small.

The same weights in PyTorch give the same loss and the same steps (`tests/foundations/autograd/test_gpt.py`). Left out:
dropout, weight decay, a cache, and speed: `groundup.model` has the real one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, detach, no_gradients
from groundup.foundations.autograd.functions import attention, cross_entropy, gelu, layer_norm

Parameters = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class GPTConfig:
    """The sizes of the model, under the names of Hugging Face's GPT-2."""

    vocab_size: int
    n_positions: int = 16
    n_embd: int = 32
    n_layer: int = 2
    n_head: int = 2

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in self.__slots__}
        if min(sizes.values()) < 1:
            raise ConfigError(f"every size must be 1 or more, and these are {sizes}; raise the one that is not")
        if self.n_embd % self.n_head:
            raise ConfigError(
                f"n_embd={self.n_embd} cannot be shared evenly by n_head={self.n_head}; use a divisor of it"
            )


def make_parameters(config: GPTConfig, seed: int = 0) -> Parameters:
    """Random weights with GPT-2's deviation of 0.02, smaller by the root of the additions at the ends of a block."""
    random, width = np.random.default_rng(seed), config.n_embd
    last = 0.02 / np.sqrt(2 * config.n_layer)
    shapes: dict[str, tuple[tuple[int, ...], float]] = {
        "wte": ((config.vocab_size, width), 0.02),
        "wpe": ((config.n_positions, width), 0.02),
    }
    for layer in range(config.n_layer):
        shapes |= {
            f"h{layer}.attn.in": ((width, 3 * width), 0.02),
            f"h{layer}.attn.out": ((width, width), last),
            f"h{layer}.mlp.in": ((width, 4 * width), 0.02),
            f"h{layer}.mlp.out": ((4 * width, width), last),
        }
    parameters = {name: Tensor(random.normal(0, size, shape), True) for name, (shape, size) in shapes.items()}
    parameters |= {
        f"{name}.bias": Tensor(np.zeros(shape[1]), True) for name, (shape, _) in shapes.items() if name[0] == "h"
    }
    for name in [f"h{layer}.ln{number}" for layer in range(config.n_layer) for number in (1, 2)] + ["ln_f"]:
        parameters |= {name: Tensor(np.ones(width), True), f"{name}.bias": Tensor(np.zeros(width), True)}
    return parameters


def scores(parameters: Parameters, ids: Array, config: GPTConfig) -> Tensor:
    """Score every character of the vocabulary as the next one, after each position: (batch, positions, vocabulary)."""
    ids = np.asarray(ids)
    if ids.ndim != 2 or not 1 <= ids.shape[1] <= config.n_positions:
        raise InputError(
            f"ids have shape {ids.shape}; give (batch, positions) with 1 to {config.n_positions} positions"
        )
    if ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= config.vocab_size:
        raise InputError(f"ids must be integers from 0 to {config.vocab_size - 1}; got {ids.dtype} up to {ids.max()}")
    x = parameters["wte"][ids] + parameters["wpe"][: ids.shape[1]]
    for layer in range(config.n_layer):
        x = x + _attend(parameters, f"h{layer}", x, config)
        hidden = _normal(parameters, f"h{layer}.ln2", x)
        x = x + _linear(parameters, f"h{layer}.mlp.out", gelu(_linear(parameters, f"h{layer}.mlp.in", hidden)))
    return _normal(parameters, "ln_f", x) @ parameters["wte"].T


def _linear(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    return x @ parameters[name] + parameters[f"{name}.bias"]


def _normal(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, parameters[name], parameters[f"{name}.bias"])


def _attend(parameters: Parameters, block: str, x: Tensor, config: GPTConfig) -> Tensor:
    """Causal attention in n_head heads, each on its share of the width."""
    batch, positions, width = x.shape
    joined = _linear(parameters, f"{block}.attn.in", _normal(parameters, f"{block}.ln1", x))
    parts = joined.reshape(batch, positions, 3, config.n_head, width // config.n_head).transpose(2, 0, 3, 1, 4)
    mixed = attention(parts[0], parts[1], parts[2], causal=True)
    together = mixed.swapaxes(1, 2).reshape(batch, positions, width)
    return _linear(parameters, f"{block}.attn.out", together)


def loss(parameters: Parameters, ids: Array, config: GPTConfig) -> Tensor:
    """The mean cross-entropy of each next character; ids hold one position more than the model sees."""
    return cross_entropy(scores(parameters, ids[:, :-1], config), ids[:, 1:])


@dataclass(slots=True)
class Adam:
    """Adam over named parameters (Kingma & Ba 2015, algorithm 1). mean, square: the running means of g and g²."""

    learning_rate: float = 3e-3
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
    steps: int = 0
    mean: dict[str, Array] = field(default_factory=dict)
    square: dict[str, Array] = field(default_factory=dict)

    def step(self, parameters: Parameters) -> None:
        """Move every parameter that has a gradient."""
        self.steps += 1
        for name, parameter in parameters.items():
            g = parameter.grad
            if g is None:
                continue
            self.mean[name] = self.beta1 * self.mean.get(name, 0.0) + (1 - self.beta1) * g
            self.square[name] = self.beta2 * self.square.get(name, 0.0) + (1 - self.beta2) * g * g
            mean, square = (
                self.mean[name] / (1 - self.beta1**self.steps),
                self.square[name] / (1 - self.beta2**self.steps),
            )
            parameter[...] = parameter.data - self.learning_rate * mean / (np.sqrt(square) + self.eps)


def read(text: str) -> tuple[str, Array]:
    """The characters of a text, sorted, and the text as their numbers.

    >>> read("abba")
    ('ab', array([0, 1, 1, 0]))
    """
    if not text:
        raise InputError("the text is empty; give a few sentences")
    characters = "".join(sorted(set(text)))
    return characters, np.array([characters.index(one) for one in text])


def batches(ids: Array, config: GPTConfig, batch_size: int, random: np.random.Generator) -> Array:
    """Pieces of the text that begin anywhere, one position longer than the model sees."""
    length = config.n_positions + 1
    if len(ids) < length:
        raise InputError(
            f"the text has {len(ids)} characters and a piece needs {length}; lengthen it or lower n_positions"
        )
    starts = random.integers(0, len(ids) - length + 1, batch_size)
    return ids[starts[:, None] + np.arange(length)]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model. characters: its vocabulary; losses: in nats before each step."""

    parameters: Parameters
    config: GPTConfig
    characters: str
    losses: list[float]

    def continue_text(self, text: str, length: int, seed: int | None = None) -> str:
        """Add characters to a text: the likeliest each time, or drawn by their probabilities when a seed is given."""
        strange = sorted(set(text) - set(self.characters))
        if not text or strange:
            raise InputError(
                f"the text must be made of the characters {self.characters!r} and has {strange}; begin with one of them"
            )
        ids = [self.characters.index(one) for one in text]
        random = np.random.default_rng(seed)
        frozen = {name: detach(parameter) for name, parameter in self.parameters.items()}
        for _ in range(length):
            last = scores(frozen, np.array([ids[-self.config.n_positions :]]), self.config).data[0, -1]
            noise = 0.0 if seed is None else random.gumbel(size=last.shape)  # the largest of score + Gumbel is a draw
            ids.append(int(np.argmax(last + noise)))
        return "".join(self.characters[one] for one in ids)


def train(
    text: str,
    steps: int = 150,
    batch_size: int = 8,
    seed: int = 0,
    optimizer: Adam | None = None,
    listen: Callable[[int, float], None] | None = None,
    **sizes: int,
) -> Trained:
    """Train a GPT on the characters of a text. sizes: fields of `GPTConfig`; listen: hears each step and its loss."""
    characters, ids = read(text)
    config = GPTConfig(vocab_size=len(characters), **sizes)
    parameters, random = make_parameters(config, seed), np.random.default_rng(seed)
    optimizer, losses = optimizer or Adam(), []
    for step in range(steps):
        no_gradients(list(parameters.values()))
        now = loss(parameters, batches(ids, config, batch_size, random), config)
        now.backward()
        optimizer.step(parameters)
        losses.append(now.item())
        if listen:
            listen(step, losses[-1])
    return Trained(parameters, config, characters, losses)
