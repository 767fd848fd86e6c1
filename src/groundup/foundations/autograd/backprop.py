"""Backpropagation through a multilayer perceptron, derived by hand; no graph, only arrays.

A layer computes z = a W + b from the activations a of the one before, and a' = tanh z (the last layer: the scores z
themselves, whose softmax is p). The loss is the mean over the examples of -ln p[target]. Write δ for ∂L/∂z of a layer:

last layer      δ = (p - onehot(target)) / examples        softmax and logarithm cancel to a difference
weights, bias   ∂L/∂W = aᵀ δ,   ∂L/∂b = Σ δ over the examples
layer before    δ' = (δ Wᵀ) ⊙ (1 - a²)                     a = tanh z, whose derivative is 1 - a²

Source: Rumelhart, Hinton & Williams 1986. The same gradients come out of `autodiff.py` and of PyTorch (`frameworks.py`).
Left out: other activations, regularization, everything but the plain gradient step.
"""

from collections.abc import Sequence

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

Array = np.ndarray
Layer = tuple[Array, Array]  # weight (inputs, outputs), bias (outputs,)


def make_layers(sizes: Sequence[int], seed: int = 0) -> list[Layer]:
    """Layers of random weights (variance 1 over the inputs, so that tanh is not saturated) and biases of 0.

    sizes: how many numbers go in, each hidden width, how many classes come out.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"sizes={list(sizes)}; give at least two positive numbers: what goes in and what comes out")
    random = np.random.default_rng(seed)
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return [(random.standard_normal((n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairs]


def mlp_forward(x: Array, layers: Sequence[Layer]) -> list[Array]:
    """The activations of every layer, beginning with x itself and ending with the scores (before the softmax)."""
    activations = [x]
    for number, (weight, bias) in enumerate(layers, 1):
        z = activations[-1] @ weight + bias
        activations.append(z if number == len(layers) else np.tanh(z))
    return activations


def probabilities(scores: Array) -> Array:
    """The softmax of each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def mlp_loss(scores: Array, targets: Array) -> float:
    """The mean cross-entropy in nats."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    of_all = np.log(np.exp(shifted).sum(axis=1))
    return float((of_all - shifted[np.arange(len(targets)), targets]).mean())


@slot
def mlp_backward(activations: list[Array], targets: Array, layers: list[Layer]) -> list[Layer]:
    """The gradients of the mean cross-entropy by every weight and bias, in the order of the layers.

    activations: x, the tanh of each hidden layer, the scores; each of shape (examples, width). targets: the right class of
    each example. layers: (weight, bias) with scores = a @ weight + bias.
    """
    examples = len(targets)
    delta = probabilities(activations[-1])
    delta[np.arange(examples), targets] -= 1
    delta /= examples
    gradients = []
    for (weight, _), before in zip(reversed(layers), reversed(activations[:-1]), strict=True):
        gradients.append((before.T @ delta, delta.sum(axis=0)))
        delta = (delta @ weight.T) * (1 - before**2)
    return gradients[::-1]


def loss_and_gradients(x: Array, targets: Array, layers: Sequence[Layer]) -> tuple[float, list[Layer]]:
    """One pass forward and back over what a user gives; sizes that do not fit are refused."""
    _check(x, targets, layers)
    activations = mlp_forward(x, layers)
    return mlp_loss(activations[-1], targets), mlp_backward(activations, targets, list(layers))


def train_mlp(
    x: Array, targets: Array, layers: Sequence[Layer], steps: int, learning_rate: float = 0.5
) -> tuple[list[Layer], list[float]]:
    """Move against the gradient of all examples; the layers afterwards, and the loss before each step."""
    layers, losses = list(layers), []
    for _ in range(steps):
        loss, gradients = loss_and_gradients(x, targets, layers)
        losses.append(loss)
        pairs = zip(layers, gradients, strict=True)
        layers = [(w - learning_rate * dw, b - learning_rate * db) for (w, b), (dw, db) in pairs]
    return layers, losses


def _check(x: Array, targets: Array, layers: Sequence[Layer]) -> None:
    if not layers:
        raise InputError("the network has no layers; make some with make_layers([inputs, hidden, classes])")
    if x.ndim != 2 or not len(x) or x.dtype.kind != "f":
        raise InputError(f"x has shape {x.shape} and {x.dtype} numbers; give floats of shape (examples, inputs)")
    width = x.shape[1]
    for number, (weight, bias) in enumerate(layers, 1):
        if weight.ndim != 2 or weight.shape[0] != width or bias.shape != weight.shape[1:]:
            raise InputError(
                f"layer {number} has weight {weight.shape} and bias {bias.shape} and gets {width} numbers; give ({width}, n) and (n,)"
            )
        width = weight.shape[1]
    if targets.shape != (len(x),) or targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= width:
        raise InputError(f"targets of shape {targets.shape} do not fit; give {len(x)} integers from 0 to {width - 1}")
