"""Activation checkpointing: keep only what enters a block, and compute the rest once more on the way back.

    plain       every block keeps all that its way back reads: some 20 vectors a token
    layers      a block keeps the stream that enters it, 1 vector a token; its way back begins with its way forward again
    offload     all is kept, but not here: in a processor's memory beside a GPU, in a file where there is only the processor

Recomputing costs one more way forward, a third of the step (4 of 3 products), and gives the same gradients bit for bit, as the random
numbers are drawn again from the same state. Only some blocks may be recomputed (`every`): the first of each so many.
Chen et al. 2016, arXiv:1604.06174, section 4; which activations there are: Korthikanti et al. 2022, arXiv:2205.05198.

Two forms. `recompute_reference` is the idea as it is written in the paper: a function whose way back is to run again (`run_again`).
But what is read inside of a block, such as a router's scores, which a balance loss asks for, has no way back then. `recompute` lets the
block build its graph as ever and takes the tensors out of it: autograd asks `_Emptied` for each of them, and at the first
question the block runs again. It is what training uses; a learner's `run_again` brings the other form.

The file of `offload` has no name and ends with the step. A file system in memory (tmpfs) would save nothing, and is refused.
Left out: a second derivative, autocast, transfers that overlap with the computation.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_flatten, tree_unflatten

from groundup.errors import ConfigError, DiskFull
from groundup.files import FULL
from groundup.model.moe.routing import Router
from groundup.slots import filled, slot
from groundup.training.config import TrainConfig
from groundup.training.step.accumulation import Objective

SLOT = "training.step.run_again"
SMALL = 1 << 16  # bytes; a smaller tensor stays: to write it away saves nothing
MOUNTS = Path("/proc/mounts")
IN_MEMORY = {"tmpfs", "ramfs"}

# ───────── the idea ─────────


@slot
def run_again(function: Callable[..., Tensor], inputs: Sequence[Tensor], outer: Tensor) -> list[Tensor | None]:
    """Compute function(*inputs) once more and send `outer`, the gradient of what it gave, back through it.

    inputs: what the function was given the first time, its weights among them. Gives a gradient for each; None where a tensor wants
    none or nothing depends on it. Called on the way back, where torch records nothing by itself.
    """
    leaves = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in inputs]
    with torch.enable_grad():
        made = function(*leaves)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    found = iter(torch.autograd.grad(made, wanted, outer, allow_unused=True))
    return [next(found) if leaf.requires_grad else None for leaf in leaves]


class _Recomputed(torch.autograd.Function):
    """A function that keeps its inputs only."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        ctx.function, ctx.random = function, random_state(inputs)
        ctx.save_for_backward(*inputs)
        return function(*inputs)  # torch records nothing here

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        with drawn_again(ctx.random):
            return (None, *run_again(ctx.function, ctx.saved_tensors, outer[0]))


def recompute_reference(function: Callable[..., Tensor], *arguments: Any, module: nn.Module | None = None) -> Tensor:
    """function(*arguments), of which only the arguments are kept; tensors may stand in tuples within them. module: whose weights it uses."""
    flat, form = tree_flatten(arguments)
    places = [place for place, part in enumerate(flat) if isinstance(part, Tensor)]
    weights = _weights(module)

    def of_tensors(*tensors: Tensor) -> Tensor:
        given, count = list(flat), len(places)
        for place, tensor in zip(places, tensors[:count], strict=True):
            given[place] = tensor
        with _with_weights(weights, tensors[count:]):
            return function(*tree_unflatten(given, form))

    return _Recomputed.apply(of_tensors, *(flat[place] for place in places), *(owner[name] for owner, name in weights))


def _weights(module: nn.Module | None) -> list[tuple[dict[str, Any], str]]:
    """Where each weight of a module is held."""
    parts = [] if module is None else module.modules()
    return [(part._parameters, name) for part in parts for name, held in part._parameters.items() if held is not None]


@contextmanager
def _with_weights(places: list[tuple[dict[str, Any], str]], weights: Sequence[Tensor]) -> Iterator[None]:
    """Within it a module computes with other tensors in the places of its weights."""
    own = [owner[name] for owner, name in places]
    for (owner, name), weight in zip(places, weights, strict=True):
        owner[name] = weight
    try:
        yield
    finally:
        for (owner, name), weight in zip(places, own, strict=True):
            owner[name] = weight


# ───────── random numbers ─────────


def random_state(tensors: Sequence[Any]) -> tuple[Tensor, dict[int, Tensor]]:
    """Where the generators stand: the processor's, and those of the GPUs on which the tensors are."""
    devices = {tensor.get_device() for tensor in tensors if isinstance(tensor, Tensor) and tensor.is_cuda}
    return torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in devices}


@contextmanager
def drawn_again(state: tuple[Tensor, dict[int, Tensor]]) -> Iterator[None]:
    """Within it the same numbers are drawn as from that state on; afterwards the generators stand where they stood."""
    with torch.random.fork_rng(devices=list(state[1])):
        torch.set_rng_state(state[0])
        for device, one in state[1].items():
            torch.cuda.set_rng_state(one, device)
        yield


# ───────── the form that training uses ─────────


def recompute(function: Callable[..., Any], *arguments: Any) -> Any:
    """The same with a graph out of which the tensors were taken; what is read inside of the function has a way back too."""
    emptied = _Emptied(function, arguments)
    with saved_tensors_hooks(emptied.pack, emptied.unpack):
        return function(*arguments)


class _Emptied:
    """What stands in the graph in place of the tensors: their numbers, and how to make them again."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]):
        self.function, self.arguments = function, arguments
        self.random = random_state(tree_flatten(arguments)[0])
        self.count = 0
        self.made: dict[int, Tensor] = {}

    def pack(self, tensor: Tensor) -> int:
        """The number of a tensor that autograd wants to keep."""
        self.count += 1
        return self.count - 1

    def unpack(self, number: int) -> Tensor:
        """The tensor of that number; given away, as it is asked for once."""
        if number not in self.made:
            self.made = self._again()
        return self.made.pop(number)

    def _again(self) -> dict[int, Tensor]:
        made: list[Tensor] = []
        with (
            drawn_again(self.random),
            torch.enable_grad(),
            saved_tensors_hooks(lambda tensor: made.append(tensor.detach()), _nothing),
        ):
            self.function(*self.arguments)
        assert len(made) == self.count, f"the block kept {self.count} tensors, and {len(made)} when it ran again"
        return dict(enumerate(made))


def _nothing(_: Any) -> Tensor:
    raise AssertionError("the graph of a second run has no way back")


# ───────── offload ─────────


class Elsewhere:
    """Keeps the large tensors of a graph out of the way: on the processor's side of a GPU, in a file without one."""

    def __init__(self) -> None:
        self.bytes = 0
        self.file: Any = None
        self.places: dict[int, tuple[StorageWeakRef, int, Any]] = {}  # of storages that still live, so written already

    def pack(self, tensor: Tensor) -> Any:
        """Where a tensor was put; itself where it is small, a weight, or no plain tensor."""
        if isinstance(tensor, nn.Parameter) or tensor.untyped_storage().nbytes() < SMALL or type(tensor) is not Tensor:
            return tensor
        storage = tensor.untyped_storage()
        reference, version, place = self.places.get(storage._cdata, (None, -1, None))
        if reference is None or reference.expired() or version != tensor._version:
            place = self._put(storage)
            self.places[storage._cdata] = (StorageWeakRef(storage), tensor._version, place)
        return place, tensor.dtype, tensor.size(), tensor.stride(), tensor.storage_offset(), tensor.device

    def unpack(self, packed: Any) -> Tensor:
        """The tensor again."""
        if isinstance(packed, Tensor):
            return packed
        place, dtype, size, stride, offset, device = packed
        bytes_ = place.to(device) if isinstance(place, Tensor) else self._got(*place)
        return bytes_.view(dtype).as_strided(size, stride, offset)

    def _put(self, storage: Any) -> Any:
        flat = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
        self.bytes += len(flat)
        if storage.device.type != "cpu":
            return flat.to("cpu")
        with room_needed():
            if self.file is None:
                self.file = tempfile.TemporaryFile(buffering=0, dir=offload_folder())
            start = self.file.seek(0, os.SEEK_END)
            _all(lambda part: os.pwrite(self.file.fileno(), part[0], part[1]), flat, start)
        return start, len(flat)

    def _got(self, start: int, size: int) -> Tensor:
        flat = torch.empty(size, dtype=torch.uint8)
        _all(lambda part: os.preadv(self.file.fileno(), [part[0]], part[1]), flat, start)
        return flat


def _all(move: Callable[[tuple[memoryview, int]], int], flat: Tensor, start: int) -> None:
    """Move all bytes of a tensor; the system moves at most 2 GB at once."""
    numbers: Any = flat.numpy()
    rest = memoryview(numbers)
    while len(rest):
        moved = move((rest, start))
        if not moved:
            raise ConfigError("the file of offloaded activations ended early; set activation_checkpointing = 'layers'")
        rest, start = rest[moved:], start + moved


@contextmanager
def room_needed() -> Iterator[None]:
    """Turn a disk that is full into a sentence with the way out."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFull(
            f"no space left in {tempfile.gettempdir()} for what activation_checkpointing = 'offload' writes; free some space, "
            "set TMPDIR to a folder on a larger disk, or use 'layers'"
        ) from error


def offload_folder() -> str:
    """The folder for temporary files; ConfigError where it stands in memory, as nothing would be saved."""
    folder = tempfile.gettempdir()
    if _file_system(Path(folder).resolve()) in IN_MEMORY:
        raise ConfigError(
            f"activation_checkpointing = 'offload' would write to {folder}, which is kept in memory itself and saves nothing; "
            "set TMPDIR to a folder on a disk, or use 'layers'"
        )
    return folder


def _file_system(folder: Path) -> str:
    """The kind of file system a folder is on; '' where the system does not say."""
    try:
        lines = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    holding = [(len(place), kind) for place, kind in lines if folder.is_relative_to(place)]
    return max(holding)[1] if holding else ""


# ───────── a model's blocks ─────────


def blocks_of(module: nn.Module) -> list[list[nn.Module]]:
    """The blocks of each stack: one of a decoder or encoder, two of an encoder-decoder."""
    holders: list[Any] = [part for part in module.modules() if isinstance(getattr(part, "layers", None), nn.ModuleList)]
    stacks = [list(part.layers) for part in holders]
    return [stack for stack in stacks if any(hasattr(block, "self_attn") for block in stack)]


@contextmanager
def recomputing(module: nn.Module, every: int = 1) -> Iterator[None]:
    """Within it a pass with gradients keeps only what enters the blocks: the first of each `every` blocks of a stack."""
    with blocks_through(module, _form, every):
        yield


@contextmanager
def offloading(module: nn.Module, every: int = 1) -> Iterator[Elsewhere]:
    """Within it what those blocks keep is put elsewhere."""
    elsewhere = Elsewhere()

    def form(function: Callable[..., Any], *arguments: Any) -> Any:
        with saved_tensors_hooks(elsewhere.pack, elsewhere.unpack):
            return function(*arguments)

    with blocks_through(module, lambda block: form, every):
        yield elsewhere


def _form(block: nn.Module) -> Callable[..., Any]:
    """How a block is recomputed: by the learner's function where there is one, and no router whose scores are asked for."""
    routes = any(isinstance(part, Router) for part in block.modules())
    return partial(recompute_reference, module=block) if filled(SLOT) and not routes else recompute


@contextmanager
def blocks_through(
    module: nn.Module, form_of: Callable[[nn.Module], Callable[..., Any]], every: int = 1
) -> Iterator[None]:
    """Within it chosen blocks run through a form; passes without gradients run as they are."""
    with ExitStack() as stack:
        for blocks in blocks_of(module):
            for block in blocks[::every]:
                stack.callback(_put_back, block, block.__dict__.get("forward"))
                block.forward = _through(form_of(block), block.forward)
        yield


def _through(form: Callable[..., Any], forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: form(forward, *given) if torch.is_grad_enabled() else forward(*given)


def _put_back(block: nn.Module, before: Callable[..., Any] | None) -> None:
    del block.forward
    if before is not None:
        block.forward = before


MODES = {"layers": recomputing, "offload": offloading}


def with_less_kept(module: nn.Module, objective: Objective, config: TrainConfig) -> Objective:
    """The objective of a run, its way forward keeping what [train] says; itself where that is "none"."""
    if config.activation_checkpointing == "none":
        return objective
    mode, every = MODES[config.activation_checkpointing], config.activation_checkpointing_every
    if not blocks_of(module):
        raise ConfigError(
            f"activation_checkpointing = {config.activation_checkpointing!r} is for models made of blocks, and "
            f"{type(module).__name__} has none; use 'none'"
        )
    if mode is offloading and next(module.parameters()).device.type == "cpu":
        offload_folder()

    def kept_less(module: nn.Module, batch: Any) -> tuple[Tensor, int]:
        with mode(module, every):
            return objective(module, batch)

    return kept_less
