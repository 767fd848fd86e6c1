"""A residual network, and its features put to use on another task.

    block      y = relu(branch(x) + x): the branch learns what to change, and what it leaves alone goes through unharmed
    shortcut   where the branch changes the shape, x goes through a convolution of 1 x 1 instead of unchanged
    network    a first convolution, blocks (the second halves the picture), the mean of each channel, one layer as head

With the sum the gradient by x is the one by y plus what comes through the branch, so it does not vanish with depth (He et al.
2015, eq. 1 and 2). He et al. have batch norm in each branch. Here the last convolution of a branch begins at 0, so each block
begins as the identity and needs no norm at this size (Zhang, Dauphin & Ma 2019).

Transfer: everything but the head turns a picture into a few numbers. Those numbers serve for classes that the network never saw:
the features stay frozen, and only a new head is learned, from few examples. That pays where the raw numbers say little: with 8 x 8
digits that always stand in the middle, a plane through the pixels does as well; with digits scattered over 12 x 12 the features
read about twice as many right. Left out: bottlenecks, fine-tuning all layers.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor
from groundup.foundations.autograd.functions import conv2d
from groundup.foundations.autograd.gpt import Parameters
from groundup.foundations.learning.regularization.augmentation import shift
from groundup.foundations.networks.activations import Numbers, relu
from groundup.foundations.networks.cnn import channel_mean
from groundup.foundations.networks.initialization import kaiming, xavier
from groundup.foundations.networks.mlp import frozen
from groundup.foundations.networks.representations import read
from groundup.slots import slot


@slot
def residual_block(
    x: Numbers, branch: Callable[[Numbers], Numbers], shortcut: Callable[[Numbers], Numbers] | None = None
) -> Numbers:
    """relu(branch(x) + x), with shortcut(x) in place of x where one is given.

    x: an array or a Tensor. branch and shortcut give the same shape; without a shortcut it is the shape of x.
    """
    kept = x if shortcut is None else shortcut(x)
    changed = branch(x)
    if changed.shape != kept.shape:
        raise InputError(
            f"the branch gives {changed.shape} and what goes past it has {kept.shape}; give a shortcut that makes them equal"
        )
    return relu(changed + kept)


def make_resnet(classes: int, channels: tuple[int, ...] = (8, 16), seed: int = 0) -> Parameters:
    """Parameters of a network for pictures with one channel: one block for each number of channels, 3 x 3 filters."""
    if not channels or min(classes, *channels) < 1:
        raise InputError(f"classes={classes}, channels={channels}; give at least one block, and 1 or more of each")
    generator = np.random.default_rng(seed)
    arrays = {"stem.weight": kaiming((channels[0], 1, 3, 3), generator), "stem.bias": np.zeros(channels[0])}
    before = channels[0]
    for number, width in enumerate(channels, 1):
        arrays[f"block{number}.first"] = kaiming((width, before, 3, 3), generator)
        arrays[f"block{number}.second"] = np.zeros((width, width, 3, 3))
        arrays |= {f"block{number}.bias1": np.zeros(width), f"block{number}.bias2": np.zeros(width)}
        if width != before:
            arrays[f"block{number}.shortcut"] = kaiming((width, before, 1, 1), generator, 1.0)
        before = width
    arrays |= {"head.weight": xavier((before, classes), generator), "head.bias": np.zeros(classes)}
    return {name: Tensor(array, True) for name, array in arrays.items()}


def _block(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    """Two convolutions with a relu between; where the channels change, the picture is halved."""
    shortcut = parameters.get(f"{name}.shortcut")
    stride = 1 if shortcut is None else 2

    def branch(x: Tensor) -> Tensor:
        first = relu(conv2d(x, parameters[f"{name}.first"], parameters[f"{name}.bias1"], stride, padding=1))
        return conv2d(first, parameters[f"{name}.second"], parameters[f"{name}.bias2"], padding=1)

    return residual_block(x, branch, None if shortcut is None else lambda x: conv2d(x, shortcut, None, stride))


def resnet_layers(parameters: Parameters, x: Tensor) -> list[Tensor]:
    """The pictures, what leaves the first convolution and each block, the features (pictures, channels), the scores."""
    found = [x, relu(conv2d(x, parameters["stem.weight"], parameters["stem.bias"], padding=1))]
    for number in range(1, sum(name.endswith(".first") for name in parameters) + 1):
        found.append(_block(parameters, f"block{number}", found[-1]))
    found.append(channel_mean(found[-1]))
    return [*found, found[-1] @ parameters["head.weight"] + parameters["head.bias"]]


def resnet(parameters: Parameters, x: Tensor) -> Tensor:
    """The scores of each class for each picture."""
    return resnet_layers(parameters, x)[-1]


def features(parameters: Parameters, x: Array) -> Array:
    """What the network makes of pictures before its head: (pictures, channels)."""
    return resnet_layers(frozen(parameters), Tensor(x))[-2].data


def transfer(parameters: Parameters, x: Array, labels: ArrayLike, new: Array, penalty: float = 1.0) -> NDArray:
    """The label of each new picture, read off a trained network's features by a head that was learned from x and its labels.

    The labels may be of classes that the network never saw: its own head plays no part, and nothing before it changes.
    """
    return read(features(parameters, x), labels, features(parameters, new), penalty)


def scattered(x: Array, side: int, generator: np.random.Generator) -> Array:
    """Each picture at a place of its own on an empty one of side x side: what is seen stays, where it stands does not."""
    if x.ndim != 4 or max(x.shape[2:]) > side:
        raise InputError(
            f"x has shape {x.shape} and side={side}; give (pictures, channels, height, width) within the side"
        )
    room = ((0, 0), (0, 0), (0, side - x.shape[2]), (0, side - x.shape[3]))
    downs, rights = (generator.integers(0, side - size + 1, len(x)) for size in x.shape[2:])
    moves = zip(np.pad(x, room), downs, rights, strict=True)
    return np.stack([shift(one, int(down), int(right)) for one, down, right in moves])
