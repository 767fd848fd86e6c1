"""What hidden layers learn: inputs moved around until a plane can tell the classes apart.

    probe          a linear classifier trained on what leaves a layer: what can be read there with no further bend
    separability   the variance between the classes' means over the variance within the classes (Fisher 1936), for all directions
                   together: 0 where the means coincide, large where each class is a tight heap

A network's last layer is itself a linear classifier, so the layers before it must make the classes separable, and they do so step
by step: probes of deeper layers are more often right (Alain & Bengio 2016). A probe shows what is there, not what is used.

The probe is ridge regression onto the one-hot classes: solved at once, no steps to tune. The features are centred first, so the
intercept costs nothing, and divided by one number, so that the penalty is as strong in a layer of small numbers as in one of
large. Least squares also punishes scores that are too right, so a probe may read less off the last layer than its own argmax.
Left out: probes with a hidden layer, and controls for the probe's own
strength (`interpret/observe`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor
from groundup.foundations.autograd.gpt import Parameters
from groundup.foundations.learning.samples import same_features, with_classes
from groundup.foundations.linalg.arrays import as_matrix
from groundup.foundations.linalg.pca import pca
from groundup.foundations.networks.mlp import frozen
from groundup.slots import slot

Stages = Callable[[Parameters, Tensor], Sequence[Tensor]]  # what leaves each layer, the input first


@slot
def linear_probe(features: Array, labels: NDArray, new: Array, penalty: float = 1.0) -> NDArray:
    """Learn to read the labels off features by ridge regression; the label read off each row of `new`.

    features: (examples, numbers); labels: (examples,), of any kind; new: (other examples, numbers). The features are centred
    and divided by the root mean square of all of them together (by 1 where that is 0), and `new` with the same numbers. The
    one-hot labels are centred. The weights are (X'X + penalty I)^-1 X'Y, and the class with the largest result is the answer.
    """
    classes = np.unique(labels)
    wanted = (labels[:, None] == classes) * 1.0
    middle, share = features.mean(axis=0), wanted.mean(axis=0)
    scale = np.sqrt(((features - middle) ** 2).mean()) or 1.0
    x = (features - middle) / scale
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (wanted - share))
    return classes[((new - middle) / scale @ weights + share).argmax(axis=1)]


def read(features: ArrayLike, labels: ArrayLike, new: ArrayLike, penalty: float = 1.0) -> NDArray:
    """`linear_probe` over what a user gives: tables that do not fit, NaN and a single class are refused."""
    (table, classes, codes), other = with_classes(features, labels), as_matrix(new, "new")
    same_features(other, table.shape[1])
    if len(classes) < 2 or not penalty > 0:
        raise InputError(f"{len(classes)} classes and penalty={penalty}; give at least two and a positive penalty")
    return linear_probe(table, classes[codes], other, penalty)


def probe(features: ArrayLike, labels: ArrayLike, new: ArrayLike, new_labels: ArrayLike, penalty: float = 1.0) -> float:
    """The share of `new` whose label a linear probe reads correctly."""
    found, right = read(features, labels, new, penalty), np.asarray(new_labels)
    if right.shape != found.shape:
        raise InputError(f"new has {len(found)} rows and new_labels the shape {right.shape}; give one for each row")
    return float((found == right).mean())


def separability(features: ArrayLike, labels: ArrayLike) -> float:
    """The variance between the classes' means over the variance within; inf where each class is one point.

    >>> separability([[0.0], [2.0], [4.0], [6.0]], [0, 0, 1, 1])
    4.0
    """
    table, classes, codes = with_classes(features, labels)
    means = np.stack([table[codes == number].mean(axis=0) for number in range(len(classes))])
    within = float(((table - means[codes]) ** 2).sum())
    between = float(((means[codes] - table.mean(axis=0)) ** 2).sum())
    return between / within if within else float("inf") if between else 0.0


def by_depth(stages: Stages, parameters: Parameters, x: Array) -> list[Array]:
    """What leaves each layer for each example, as rows of numbers; the input is the first."""
    return [one.data.reshape(len(x), -1) for one in stages(frozen(parameters), Tensor(x))]


class Depth(NamedTuple):
    """Layer by layer, the input first. probes: what a linear probe gets right; picture: (examples, 2), the main directions."""

    probes: list[float]
    separability: list[float]
    picture: list[Array]


def look(
    stages: Stages,
    parameters: Parameters,
    x: Array,
    labels: NDArray,
    new: Array,
    new_labels: NDArray,
    penalty: float = 1.0,
) -> Depth:
    """Probe every layer: learned on x, asked about `new`, whose separability and picture are given too."""
    seen, asked = by_depth(stages, parameters, x), by_depth(stages, parameters, new)
    right = [probe(one, labels, other, new_labels, penalty) for one, other in zip(seen, asked, strict=True)]
    return Depth(right, [separability(one, new_labels) for one in asked], [flat(one) for one in asked])


def flat(features: ArrayLike) -> Array:
    """Features on the two directions in which they vary most; a second of 0 where there is only one."""
    table = as_matrix(features, "features")
    scores = pca(table, min(2, *table.shape)).transform(table)
    return np.column_stack([scores, np.zeros(len(table))])[:, :2]


def rings(examples: int = 200, classes: int = 2, noise: float = 0.1, seed: int = 0) -> tuple[Array, NDArray]:
    """Points on rings around each other, one ring a class: no line tells them apart."""
    if examples < classes or classes < 2:
        raise InputError(f"examples={examples}, classes={classes}; give at least two classes and an example of each")
    generator = np.random.default_rng(seed)
    labels = np.arange(examples) % classes
    angle, radius = generator.uniform(0, 2 * np.pi, examples), labels + 1 + noise * generator.standard_normal(examples)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels
