"""A convolutional network: the same small filters everywhere on a picture, then a coarser look at what they found.

    convolution   each filter is laid on every place (`conv2d` of `autograd/functions.py`): few weights, and a shifted
                  picture gives the shifted result
    pooling       the largest of each window: what was found there, no longer exactly where; its gradient goes to the winner alone
    LeNet         convolution, relu, pooling, twice; then two layers as in an MLP

Pictures are (pictures, channels, height, width). A 3 x 3 filter with a border of 1 keeps the size; a pool of 2 halves it. The
network here is LeNet's plan (LeCun et al. 1998) with relu and max-pooling in place of tanh and averages, for pictures as small as
8 x 8. Left out: overlapping borders in pooling, dilation, groups.
"""

import numpy as np

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, record
from groundup.foundations.autograd.functions import conv2d
from groundup.foundations.autograd.gpt import Parameters
from groundup.foundations.networks.activations import Numbers, relu
from groundup.foundations.networks.initialization import kaiming, xavier
from groundup.slots import slot


@slot
def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """The largest number of each window of size x size, every `stride` places, and where in its picture it stood.

    x: (pictures, channels, height, width). Both results are (pictures, channels, rows, columns). A place is the number
    row * width + column within the picture of one channel; of equal numbers the first counts. A window that would reach over
    the edge is left out.
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    flat = windows.reshape(*windows.shape[:4], size * size)
    best = flat.argmax(axis=-1)
    rows = np.arange(windows.shape[2])[:, None] * stride + best // size
    columns = np.arange(windows.shape[3]) * stride + best % size
    return flat.max(axis=-1), rows * x.shape[3] + columns


def max_pool2d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    """`max_pool` as a node of the graph; stride: the size of the window where none is given."""
    _check(x, size, stride)
    value, places = max_pool(x.data, size, stride or size)
    pictures, channels = np.ogrid[: x.shape[0], : x.shape[1]]

    def rule(g: Array) -> tuple[Array]:
        whole = np.zeros((*x.shape[:2], x.shape[2] * x.shape[3]), g.dtype)
        np.add.at(whole, (pictures[..., None, None], channels[..., None, None], places), g)
        return (whole.reshape(x.shape),)

    return record(value, "max_pool2d", (x,), rule)


def mean_pool2d(x: Tensor, size: int) -> Tensor:
    """The mean of each window of size x size, side by side; height and width must be multiples of the size."""
    _check(x, size, None)
    pictures, channels, height, width = x.shape
    if height % size or width % size:
        raise InputError(f"a picture of {height} x {width} cannot be cut into windows of {size}; use a divisor of both")
    return x.reshape(pictures, channels, height // size, size, width // size, size).mean(axis=(3, 5))


def _check(x: Tensor, size: int, stride: int | None) -> None:
    if x.data.ndim != 4 or size < 1 or min(x.shape[2:]) < size or (stride is not None and stride < 1):
        raise InputError(
            f"x {x.shape}, size={size}, stride={stride} do not fit; give (pictures, channels, height, width) not smaller "
            "than the window, and a size and stride of 1 or more"
        )


def as_pictures(x: Array, height: int, width: int) -> Array:
    """Rows of numbers as pictures with one channel."""
    if x.ndim != 2 or x.shape[1] != height * width:
        raise InputError(f"x has shape {x.shape}; give rows of {height * width} numbers, one picture each")
    return x.reshape(len(x), 1, height, width).astype(float)


def make_lenet(
    classes: int, side: int = 8, channels: tuple[int, int] = (8, 16), hidden: int = 32, seed: int = 0
) -> Parameters:
    """Parameters for pictures of side x side with one channel; 3 x 3 filters."""
    if side % 4 or min(classes, side, hidden, *channels) < 1:
        raise InputError(
            f"side={side}, classes={classes}; two pools of 2 need a side that is a multiple of 4, and all sizes are 1 or more"
        )
    generator, flat = np.random.default_rng(seed), channels[1] * (side // 4) ** 2
    weights = {
        "conv1": kaiming((channels[0], 1, 3, 3), generator),
        "conv2": kaiming((channels[1], channels[0], 3, 3), generator),
        "hidden": kaiming((flat, hidden), generator),
        "head": xavier((hidden, classes), generator),
    }
    biases = {"conv1": channels[0], "conv2": channels[1], "hidden": hidden, "head": classes}
    parameters = {f"{name}.weight": Tensor(array, True) for name, array in weights.items()}
    return parameters | {f"{name}.bias": Tensor(np.zeros(size), True) for name, size in biases.items()}


def lenet_layers(parameters: Parameters, x: Tensor) -> list[Tensor]:
    """What leaves each stage: the pictures, two smaller ones, the hidden layer, the scores."""
    found = [x]
    for name in ("conv1", "conv2"):
        seen = relu(conv2d(found[-1], parameters[f"{name}.weight"], parameters[f"{name}.bias"], padding=1))
        found.append(max_pool2d(seen, 2))
    flat = found[-1].reshape(x.shape[0], -1)
    found.append(relu(flat @ parameters["hidden.weight"] + parameters["hidden.bias"]))
    return [*found, found[-1] @ parameters["head.weight"] + parameters["head.bias"]]


def lenet(parameters: Parameters, x: Tensor) -> Tensor:
    """The scores of each class for each picture."""
    return lenet_layers(parameters, x)[-1]


def channel_mean(x: Numbers) -> Numbers:
    """One number a channel: its mean over the picture, wherever in it something was found."""
    return x.mean(axis=(2, 3))
