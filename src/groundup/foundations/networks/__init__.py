"""Networks of neurons: what one can do, what many can, and what makes deep ones train.

perceptron       one neuron that learns from its mistakes, with a bound on how many; XOR, which it cannot learn
mlp              layers on our own autodiff; one hidden layer follows any curve; the training loop of this folder
activations      the bend between two layers, with its derivative
losses           what a network is judged by, with its gradient
initialization   weights that keep a signal alive through many layers
gradients        how they vanish and explode with depth; clipping
normalization    batch norm, layer norm, RMS norm
dropout          numbers that go missing in training
cnn              convolution, pooling, a LeNet
residual         a network with skips; its features transferred to a new task
representations  what hidden layers learn, seen by linear probes

The rows of an array are examples. Parameters are Tensors by name; no function changes the ones it is given, and every random
number comes from a seed or a generator that is given.
"""

import importlib
from typing import Any

_TOPICS = {
    "perceptron": "CORNERS AND OR XOR perceptron_step learn answer margin mistake_bound xor_by_two_layers",
    "mlp": "make_mlp layers squared_error fit frozen broken_line approximations",
    "activations": "ACTIVATIONS activation activate gelu_backward relu silu swiglu softmax_jacobian",
    "losses": "mse huber cross_entropy nll binary hinge_loss hinge margins judged",
    "initialization": "INITIALIZERS fans xavier kaiming gpt scaled signal_by_depth residual_signal",
    "gradients": "gradient_by_depth factor_per_layer through_time clip_by_norm",
    "normalization": "Running new_statistics batch_norm batch_normalized standardized rms_norm",
    "dropout": "over_masks",
    "cnn": "max_pool max_pool2d mean_pool2d as_pictures make_lenet lenet lenet_layers",
    "residual": "residual_block make_resnet resnet resnet_layers features transfer scattered",
    "representations": "linear_probe read probe separability by_depth look flat rings",
}  # `mlp.mlp` and `dropout.dropout` are imported from their files, whose names they have
_EXPORTS = {name: topic for topic, names in _TOPICS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.networks has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
