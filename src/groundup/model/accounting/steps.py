"""A model's step on a published accelerator: which bound it meets, and how long it takes at best.

    train      operations of forward and backward; the parts' bytes three times, and the optimiser's 28 a weight; the copies
               of the model (data parallel) sum their gradients in a ring
    prefill    a prompt read at once
    decode     one more token for each row: all weights and the cache are read. Both are shared out over the chips (tensor
               parallel): each block then sums up twice what its tokens say (Shoeybi et al. 2019, arXiv:1909.08053, section 3)

Lower bounds, as `machine.probe.accelerators` says. Left out: pipelines, overlap of sending with computing beyond "at the same
time", the memory that activations take (`budget` counts that).
"""

from dataclasses import dataclass

from groundup.errors import ConfigError
from groundup.machine.probe.accelerators import OTHER_NAMES, Accelerator, Times, times
from groundup.machine.probe.collectives import cost
from groundup.model.accounting.accounting import count
from groundup.model.accounting.operations import flops
from groundup.model.accounting.traffic import optimizer, parts
from groundup.model.accounting.use import BYTES, Training
from groundup.model.architectures.configuration import ModelConfig

KINDS = ("train", "prefill", "decode")
WIDTHS = BYTES | {"tfloat32": BYTES["float32"], "float8": 1, "int8": 1, "unstated": 1, "float4": 0.5}  # of products
STATE_BYTES = 16  # a weight in training: fp32 weight, gradient, and AdamW's two moments


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOn:
    """A step on so many chips of a kind. fits: whether weights (in training with gradient and optimiser, in use with the cache) do;
    None where no size is stated."""

    kind: str
    device: Accelerator
    devices: int
    times: Times
    tokens: int
    fits: bool | None

    @property
    def tokens_per_s(self) -> float:
        """Of all chips together: those that are read, trained on or written."""
        return self.tokens / self.times.seconds


def step_on(
    device: Accelerator,
    config: ModelConfig,
    kind: str,
    *,
    batch: int = 1,
    seq_len: int = 1024,
    dtype: str = "bfloat16",
    devices: int = 1,
    latency_s: float = 0.0,
) -> StepOn:
    """Time a step of a kind: `batch` rows (in training: a chip) of seq_len tokens, which in decoding the cache holds.

    latency_s: of one message between chips; no maker states it, so 0 counts the bytes alone.
    """
    dtype = OTHER_NAMES.get(dtype, dtype)
    if kind not in KINDS:
        raise ConfigError(f"{kind!r} is no step that is counted; use one of {', '.join(KINDS)}")
    if min(batch, seq_len, devices) < 1:
        raise ConfigError(f"batch={batch}, seq_len={seq_len}, devices={devices}: use 1 or more of each")
    width = WIDTHS.get(dtype, 0)
    if not width:
        raise ConfigError(f"the width of {dtype!r} is not known; use one of {', '.join(WIDTHS)}")
    work = _train if kind == "train" else _use
    operations, moved, link_s, held = work(device, config, kind, batch, seq_len, width, devices, latency_s)
    return StepOn(
        kind=kind,
        device=device,
        devices=devices,
        times=times(device, operations, moved, link_s, dtype),
        tokens=batch * (1 if kind == "decode" else seq_len) * (devices if kind == "train" else 1),
        fits=None if device.memory_bytes is None else held <= device.memory_bytes,
    )


def _train(
    device: Accelerator,
    config: ModelConfig,
    kind: str,
    batch: int,
    seq_len: int,
    width: float,
    devices: int,
    latency_s: float,
) -> tuple[float, float, float, float]:
    """Operations, bytes, seconds on the link and bytes held of one copy of the model."""
    numbers = count(config).parameters
    ahead = sum(part.times * part.moved_bytes for part in parts(config, batch, seq_len, size=width))
    sent = 0.0 if devices == 1 else cost("all-reduce", width * numbers, devices, _link(device), latency_s)
    operations = flops(config, Training(batch=batch, seq_len=seq_len), causal=True).total
    return operations, 3 * ahead + optimizer(config).moved_bytes, sent, STATE_BYTES * numbers


def _use(
    device: Accelerator,
    config: ModelConfig,
    kind: str,
    batch: int,
    seq_len: int,
    width: float,
    devices: int,
    latency_s: float,
) -> tuple[float, float, float, float]:
    """The same of one chip's share of a model that is shared out by its matrices."""
    counted, shape, decodes = count(config), config.blueprint(), kind == "decode"
    new, keys = (1, seq_len) if decodes else (seq_len, None)
    every = parts(config, batch, new, keys, size=width)
    operations, moved = (sum(part.times * value for part, value in zip(every, values, strict=True)) for values in (
        [part.flops for part in every], [part.moved_bytes for part in every]))  # fmt: skip
    said = width * batch * new * shape.hidden
    sent = 0.0 if devices == 1 else 2 * len(shape.blocks) * cost("all-reduce", said, devices, _link(device), latency_s)
    held = width * (counted.parameters + batch * seq_len * counted.cache_elements_per_token) / devices
    return operations / devices, moved / devices, sent, held


def _link(device: Accelerator) -> float:
    if device.link_bytes_per_s is None:
        raise ConfigError(f"of {device.name} no bandwidth between chips is stated; ask for devices=1")
    return device.link_bytes_per_s
