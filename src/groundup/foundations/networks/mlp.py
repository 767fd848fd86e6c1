"""A multilayer perceptron on the project's own autodiff, and how its width lets it follow any curve.

    layer        h = f(x W + b); the last one without f
    parameters   Tensors by name: layer1.weight (inputs, outputs), layer1.bias, layer2.weight ...

One hidden layer with enough neurons comes as near to any continuous function on an interval as one likes (Cybenko 1989; Hornik
1991; Leshno et al. 1993: any f that is no polynomial will do). For relu the proof is a construction: the broken line through n
knots is a sum of n - 1 hinges, each the change of slope at its knot, so `broken_line` writes the weights down without training.
With knots h apart its error is at most h^2 / 8 max |f''|: twice the neurons, a quarter of the error. The theorem says that such
weights exist, not that training finds them; `approximations` shows both beside each other.

`fit` is the one training loop of this folder: Adam on the mean cross-entropy, or another loss. Left out: weight decay, schedules.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, no_gradients
from groundup.foundations.autograd.functions import cross_entropy
from groundup.foundations.autograd.gpt import Adam, Parameters
from groundup.foundations.learning.samples import same_count
from groundup.foundations.linalg.arrays import as_vector
from groundup.foundations.networks.activations import activate, activation
from groundup.foundations.networks.initialization import Make, kaiming, xavier

Network = Callable[[Parameters, Tensor], Tensor]  # parameters, inputs -> what it says about each example
Loss = Callable[[Tensor, Array], Tensor]  # what it says, targets -> one number


def make_mlp(sizes: Sequence[int], seed: int = 0, make: Make = kaiming) -> Parameters:
    """Parameters for layers of these sizes: what goes in, each hidden width, what comes out; biases of 0."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"sizes={list(sizes)}; give at least two positive numbers: what goes in and what comes out")
    generator, parameters = np.random.default_rng(seed), {}
    for number, shape in enumerate(pairwise(sizes), 1):
        last = number == len(sizes) - 1  # nothing is bent after it, so nothing has to be given back
        parameters[f"layer{number}.weight"] = Tensor((xavier if last else make)(shape, generator), True)
        parameters[f"layer{number}.bias"] = Tensor(np.zeros(shape[1]), True)
    return parameters


def layers(parameters: Parameters, x: Tensor, bend: str = "relu") -> list[Tensor]:
    """x, what leaves each hidden layer, and what the last one says."""
    count = sum(name.endswith(".weight") for name in parameters)
    activation(bend)
    found = [x]
    for number in range(1, count + 1):
        weight, bias = parameters[f"layer{number}.weight"], parameters[f"layer{number}.bias"]
        if found[-1].shape[-1:] != weight.shape[:1]:
            raise InputError(
                f"layer{number} takes {weight.shape[0]} numbers and gets {found[-1].shape}; give (examples, {weight.shape[0]})"
            )
        z = found[-1] @ weight + bias
        found.append(z if number == count else activate(bend, z))
    return found


def mlp(parameters: Parameters, x: Tensor, bend: str = "relu") -> Tensor:
    """What the network says: (examples, outputs)."""
    return layers(parameters, x, bend)[-1]


def squared_error(said: Tensor, targets: Array) -> Tensor:
    """The mean squared error, for `fit` on numbers."""
    if said.shape != targets.shape:
        raise InputError(f"the network says {said.shape} and the targets are {targets.shape}; give one for each number")
    return ((said - targets) ** 2).mean()


def fit(
    network: Network,
    parameters: Parameters,
    x: Array,
    targets: Array,
    steps: int = 200,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    seed: int = 0,
    loss: Loss = cross_entropy,
) -> tuple[Parameters, list[float]]:
    """Train on random batches; new parameters, and the loss before each step.

    The parameters given stay as they are. One that asks for no gradient (`frozen`) is not trained.
    """
    same_count(x, targets, "targets")
    if steps < 0 or batch_size < 1 or not len(x):
        raise InputError(
            f"steps={steps}, batch_size={batch_size}, {len(x)} examples; give 0 or more steps and 1 or more of the others"
        )
    trained = {name: Tensor(one.data, one.requires_grad) for name, one in parameters.items()}
    generator, optimizer, losses = np.random.default_rng(seed), Adam(learning_rate=learning_rate), []
    for _ in range(steps):
        chosen = generator.integers(0, len(x), batch_size) if batch_size < len(x) else np.arange(len(x))
        no_gradients(list(trained.values()))
        now = loss(network(trained, Tensor(x[chosen])), targets[chosen])
        now.backward()
        optimizer.step(trained)
        losses.append(now.item())
    return trained, losses


def frozen(parameters: Parameters) -> Parameters:
    """The same numbers, which `fit` will leave as they are."""
    return {name: Tensor(one.data) for name, one in parameters.items()}


def accuracy(network: Network, parameters: Parameters, x: Array, targets: Array) -> float:
    """The share of examples whose highest score is at the right class."""
    same_count(x, targets, "targets")
    return float((network(frozen(parameters), Tensor(x)).data.argmax(axis=1) == targets).mean())


# ───────── universal approximation ─────────


def broken_line(knots: ArrayLike, values: ArrayLike) -> Parameters:
    """Weights, by hand, of one hidden layer of relus that goes through all values; beyond the last knot it goes straight on."""
    at, heights = as_vector(knots, "knots"), as_vector(values, "values")
    if at.shape != heights.shape or len(at) < 2 or (np.diff(at) <= 0).any():
        raise InputError(
            f"{len(at)} knots and {len(heights)} values; give at least two, as many of each, with the knots rising"
        )
    slopes = np.diff(heights) / np.diff(at)
    return {
        "layer1.weight": Tensor(np.ones((1, len(slopes))), True),
        "layer1.bias": Tensor(-at[:-1], True),
        "layer2.weight": Tensor(np.diff(slopes, prepend=0.0)[:, None], True),
        "layer2.bias": Tensor(heights[:1], True),
    }


class Approximations(NamedTuple):
    """Curves for a picture. written, trained: for each width what the network says at x; errors: the largest distances."""

    x: Array
    truth: Array
    widths: list[int]
    written: list[Array]
    trained: list[Array]
    written_errors: list[float]
    trained_errors: list[float]


def approximations(
    function: Callable[[Array], Array], widths: Sequence[int] = (2, 4, 8, 16, 32), steps: int = 300, seed: int = 0
) -> Approximations:
    """Follow a function on -1 to 1 with one hidden layer of relus: by weights written down, and by training from random ones."""
    x = np.linspace(-1, 1, 201)
    truth = np.asarray(function(x), dtype=float)
    if truth.shape != x.shape or not np.isfinite(truth).all():
        raise InputError(
            f"the function gives shape {truth.shape} for {x.shape} numbers, or no finite ones; it must work on arrays from -1 to 1"
        )
    written, trained = [], []
    for width in widths:
        knots = np.linspace(-1, 1, width + 1)
        written.append(mlp(broken_line(knots, function(knots)), Tensor(x[:, None])).data[:, 0])
        start = make_mlp([1, width, 1], seed)
        bends = np.random.default_rng(seed).uniform(-1, 1, width)  # relu(w x + b) bends at x = -b / w
        start["layer1.bias"] = Tensor(-start["layer1.weight"].data[0] * bends, True)
        found, _ = fit(mlp, start, x[:, None], truth[:, None], steps, len(x), 1e-2, loss=squared_error)
        trained.append(mlp(found, Tensor(x[:, None])).data[:, 0])
    errors = [[float(np.abs(one - truth).max()) for one in curves] for curves in (written, trained)]
    return Approximations(x, truth, list(widths), written, trained, *errors)
