"""A device that is not the processor's memory, for tests without a card: tensors that say so, are computed by the processor, and do not mix.

A tensor on it is a wrapper around one of the processor. Whatever combines the two kinds fails as on a card ("expected all tensors to be on
the same device"), except where a card allows it: copies, numbers without axes, an index. It calls itself `meta`, since that is the one
device besides the processor that torch knows everywhere. What it cannot show: kernels, and that nobody waits.
"""

from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "meta"
MAY_MIX = (
    "aten._to_copy",
    "aten.to",
    "aten.copy_",
    "aten.index",
    "aten.index_put_",
    "aten.index_put",
    "aten._local_scalar_dense",
)


class Far(Tensor):
    """A tensor on the other device; `near` is what it holds."""

    @staticmethod
    def __new__(cls, near, requires_grad=False):
        return torch.Tensor._make_wrapper_subclass(
            cls, near.size(), strides=near.stride(), storage_offset=near.storage_offset(), dtype=near.dtype, device=NAME,
            requires_grad=requires_grad,
        )  # fmt: skip

    def __init__(self, near, requires_grad=False):
        self.near = near

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})

    def tolist(self):
        return self.near.tolist()

    def new_tensor(self, data, **how):
        return Far(self.near.new_tensor(data, **how))

    def __repr__(self):
        return f"Far({self.near!r})"


class Device(TorchDispatchMode):
    """Makes what is asked for on the other device there."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


def run(function, args, kwargs):
    """A function on wrappers, by the processor."""
    tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, Tensor)]
    far = [one for one in tensors if isinstance(one, Far)]
    near = [one for one in tensors if not isinstance(one, Far) and one.dim()]
    name = str(function).rsplit(".", 1)[0]
    if far and near and name not in MAY_MIX:
        raise RuntimeError(f"{name}: expected all tensors to be on the same device")
    asked = next((one for one in (kwargs.get("device"), *args) if isinstance(one, torch.device)), None)
    there = bool(far) if asked is None else asked.type == NAME
    args, kwargs = tree_map(lambda one: torch.device("cpu") if isinstance(one, torch.device) else one, (args, kwargs))
    plain = tree_map(lambda one: one.near if isinstance(one, Far) else one, (args, kwargs))
    result = function(*plain[0], **plain[1])
    if name == "aten.copy_" or (name.endswith("_") and not name.endswith("__") and isinstance(args[0], Tensor)):
        return args[0]
    if "out" in kwargs:
        return kwargs["out"]
    known = {} if asked is not None else {id(one.near): one for one in far}

    def wrapped(one):
        return known[id(one)] if id(one) in known else Far(one)

    return tree_map(lambda one: wrapped(one) if there and isinstance(one, Tensor) else one, result)


@contextmanager
def other_device():
    """Within it `device="meta"` is a device on which is computed."""
    plain = torch.tensor

    def tensor(data, *, device=None, **how):  # torch makes these out of sight of a mode
        made = plain(data, **how)
        return made if device is None else made.to(device)

    torch.tensor = tensor
    try:
        with Device():
            yield
    finally:
        torch.tensor = plain


def moved(module):
    """A module with its weights there, tied ones still tied."""
    known = {}
    for part in module.modules():
        for name, weight in list(part._parameters.items()):
            if weight is not None:
                known.setdefault(id(weight), nn.Parameter(Far(weight.detach()), weight.requires_grad))
                part._parameters[name] = known[id(weight)]
        for name, buffer in list(part._buffers.items()):
            if buffer is not None:
                part._buffers[name] = Far(buffer)
    return module
