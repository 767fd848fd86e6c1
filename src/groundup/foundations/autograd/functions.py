"""What a network is made of, with its gradients: gelu, softmax, layer norm, cross-entropy, convolution, attention.

Each could be composed of the operations of `autodiff.py`, and attention and cross-entropy are. The others are one node
with a rule of their own: fewer arrays are kept, and what cancels in the derivation is never computed (nor rounded).

softmax     p = exp(x - max x) / Σ exp(x - max x);   ∂L/∂x = p ⊙ (g - Σ g p)
layer norm  y = w x̂ + b, x̂ = (x - μ)/σ;              ∂L/∂x = (h - mean h - x̂ mean(h x̂)) / σ, with h = g w
GELU        the form with tanh, GPT-2's (Hendrycks & Gimpel 2016); NumPy has no erf for the exact one

Sources: Ba, Kiros & Hinton 2016 (layer norm); Vaswani et al. 2017, eq. 1 (attention); Dumoulin & Visin 2016 (convolution).
Left out: dilation and groups of a convolution, dropout, batch norm.
"""

import math

import numpy as np

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, record, where
from groundup.slots import slot

GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def gelu(x: Tensor) -> Tensor:
    """0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))): about x where it is large, about 0 where it is very negative."""
    t = np.tanh(GELU_SLOPE * (x.data + GELU_CUBIC * x.data**3))

    def rule(g: Array) -> tuple[Array]:
        slope = GELU_SLOPE * (1 + 3 * GELU_CUBIC * x.data**2)
        return (g * (0.5 * (1 + t) + 0.5 * x.data * (1 - t * t) * slope),)

    return record(0.5 * x.data * (1 + t), "gelu", (x,), rule, saved=(x,))


@slot
def softmax_backward(gradient: Array, probabilities: Array, axis: int = -1) -> Array:
    """The gradient by the scores, from the one by their softmax.

    The Jacobian of a softmax is ∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ - pⱼ); its product with the gradient g needs no matrix:
    p ⊙ (g - Σ g p), with the sum along `axis`.

    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    array([ 0.25, -0.25])
    """
    along = (gradient * probabilities).sum(axis=axis, keepdims=True)
    return probabilities * (gradient - along)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Scores as probabilities that sum to 1 along an axis; the largest is subtracted first, so nothing overflows."""
    raised = np.exp(x.data - _largest(x, axis))
    probabilities = raised / raised.sum(axis=axis, keepdims=True)
    return record(probabilities, "softmax", (x,), lambda g: (softmax_backward(g, probabilities, axis),))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """The logarithms of the softmax, without a logarithm of a probability that was rounded to 0."""
    shifted = x.data - _largest(x, axis)
    value = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return record(value, "log_softmax", (x,), lambda g: (g - np.exp(value) * g.sum(axis=axis, keepdims=True),))


def _largest(x: Tensor, axis: int) -> Array:
    if not x.data.ndim or not x.data.size:
        raise InputError(f"a softmax needs scores along an axis and this has shape {x.shape}; give at least one score")
    return x.data.max(axis=axis, keepdims=True)


def cross_entropy(scores: Tensor, targets: Array) -> Tensor:
    """The mean of minus the log-probability of each target, in nats; the last axis of the scores is the vocabulary."""
    wanted, vocabulary = np.asarray(targets), scores.shape[-1]
    if wanted.shape != scores.shape[:-1]:
        raise InputError(
            f"targets have shape {wanted.shape} and scores {scores.shape}; give one target for each row of scores"
        )
    if wanted.dtype.kind not in "iu" or (wanted < 0).any() or (wanted >= vocabulary).any():
        raise InputError(
            f"targets must be integers from 0 to {vocabulary - 1}; got {wanted.dtype} from {wanted.min()} to {wanted.max()}"
        )
    rows = log_softmax(scores.reshape(-1, vocabulary))
    return -rows[np.arange(wanted.size), wanted.reshape(-1)].mean()


@slot
def layer_norm_backward(gradient: Array, x: Array, weight: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """The gradients by x, weight and bias of y = weight · x̂ + bias, with x̂ = (x - mean) / √(variance + eps) along the last axis.

    weight and bias have the size of the last axis; every other axis counts rows, over which their gradients are summed.
    Mean and variance depend on every number of a row, which gives ∂L/∂x = (h - mean(h) - x̂ mean(h x̂)) / √(variance + eps)
    with h = gradient · weight.
    """
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    normal = (x - x.mean(axis=-1, keepdims=True)) / deviation
    rows = tuple(range(x.ndim - 1))
    by_normal = gradient * weight
    shared = by_normal.mean(axis=-1, keepdims=True) + normal * (by_normal * normal).mean(axis=-1, keepdims=True)
    return (by_normal - shared) / deviation, (gradient * normal).sum(axis=rows), gradient.sum(axis=rows)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Each row (last axis) with mean 0 and variance 1, then scaled by weight and moved by bias."""
    size = x.shape[-1:]
    if not size or weight.shape != size or bias.shape != size:
        raise InputError(
            f"weight {weight.shape} and bias {bias.shape} must have the shape {size} of a row of x {x.shape}"
        )
    mean, variance = x.data.mean(axis=-1, keepdims=True), x.data.var(axis=-1, keepdims=True)
    value = (x.data - mean) / np.sqrt(variance + eps) * weight.data + bias.data
    return record(
        value,
        "layer_norm",
        (x, weight, bias),
        lambda g: layer_norm_backward(g, x.data, weight.data, eps),
        saved=(x, weight),
    )


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Slide each filter over the pictures: x (pictures, channels, height, width), weight (filters, channels, rows, columns).

    Every window becomes a row and the filters a matrix, so that the whole is one product.
    """
    padded = _padded(x, weight, stride, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    value = np.tensordot(windows, weight.data, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)

    def rule(g: Array) -> tuple[Array | None, Array]:
        by_x = _by_picture(g, padded.shape, weight.data, stride, padding) if x.requires_grad else None
        return by_x, np.tensordot(g, windows, axes=([0, 2, 3], [0, 2, 3]))

    result = record(value, "conv2d", (x, weight), rule, saved=(x, weight))
    return result if bias is None else result + bias.reshape(-1, 1, 1)


def _padded(x: Tensor, weight: Tensor, stride: int, padding: int) -> Array:
    """The pictures with zeros around them; sizes that do not fit are refused."""
    if x.data.ndim != 4 or weight.data.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise InputError(
            f"x {x.shape} and weight {weight.shape} do not fit; give (pictures, channels, height, width) and "
            "(filters, channels, rows, columns) with as many channels"
        )
    if stride < 1 or padding < 0:
        raise InputError(
            f"stride={stride} and padding={padding}; give a stride of 1 or more and a padding of 0 or more"
        )
    padded = np.pad(x.data, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    if padded.shape[2] < weight.shape[2] or padded.shape[3] < weight.shape[3]:
        raise InputError(f"a filter of {weight.shape[2:]} is larger than the picture of {padded.shape[2:]}; pad it")
    return padded


def _by_picture(g: Array, shape: tuple[int, ...], weight: Array, stride: int, padding: int) -> Array:
    """The gradient by the pictures: each number of a filter sends its share back to the places it was laid on."""
    whole = np.zeros(shape, g.dtype)
    height, width = g.shape[2:]
    for i, j in np.ndindex(weight.shape[2:]):
        share = np.tensordot(g, weight[:, :, i, j], axes=([1], [0])).transpose(0, 3, 1, 2)
        whole[:, :, i : i + stride * height : stride, j : j + stride * width : stride] += share
    return whole[:, :, padding : shape[2] - padding, padding : shape[3] - padding]


def attention(query: Tensor, key: Tensor, value: Tensor, causal: bool = False) -> Tensor:
    """softmax(Q Kᵀ / √d) V over the last two axes (positions, d); causal: a position sees none after it."""
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise InputError(
            f"query {query.shape}, key {key.shape} and value {value.shape} do not fit; query and key share the last axis, "
            "key and value the one before"
        )
    scores = query @ key.swapaxes(-1, -2) * (1 / math.sqrt(query.shape[-1]))
    if causal:
        scores = where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return softmax(scores) @ value
