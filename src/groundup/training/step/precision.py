"""The number format in which a model computes, chosen by measurement or asked for; weights and optimiser stay fp32.

bf16 has the range of fp32 and 8 bits of precision: a weight of 1.0 does not feel an update of 0.002. So the weights are
fp32 masters, cast where they multiply (Micikevicius et al. 2018, arXiv:1710.03740, section 3.1). A model that is stored in bf16
or fp16 gets them when it begins to learn (`keep_masters`), and what is written afterwards is the masters. Whether bf16 is faster
depends on processor and shape: 2.4 times at width 384 on one, slower than fp32 at width 128 on another.

fp16 has 11 bits of precision and a short range: gradients below 6e-8 become 0, above 65,504 infinite. The loss is multiplied
by a scale before the gradient is taken, and the gradient divided by it afterwards (section 3.2 there):

    a gradient overflowed        scale <- scale / 2, and the step is left out
    2,000 steps without that     scale <- 2 scale

The numbers are those of torch.amp.GradScaler. Eight bits, and a scale a tensor: `float8`.
"""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from groundup.machine.probe.device import device_of_module, placed
from groundup.slots import slot
from groundup.training.step.accumulation import Objective, accumulate

MUST_WIN_BY = 0.95  # of two formats that are nearly as fast, the exact one
ENOUGH_S = 5.0  # seconds of timed passes, after which there are no more: a pass of seconds needs no median against jitter
FIRST_SCALE, INTERVAL = 65536.0, 2000  # GradScaler's
LEAST_SCALE = 1.0  # a gradient that overflows unscaled too is a fault of the training, not of the format


def choose_dtype(module: Any, batch: Any, objective: Objective, repeats: int = 3) -> str:
    """Time a forward and backward pass on this batch in fp32 and in bf16, in turn, and name the faster. repeats: of both, at most."""
    if not hasattr(module, "compute_dtype"):
        return "float32"
    before, batch = module.compute_dtype, placed(batch, device_of_module(module))
    times: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for repeat in range(repeats + 1):
        if sum(map(sum, times.values())) > ENOUGH_S:
            break
        for name, seconds in times.items():
            module.compute_dtype = getattr(torch, name)
            start = time.perf_counter()
            accumulate(module, [batch], objective)
            if repeat:  # the first pass pays for the kernels' preparation
                seconds.append(time.perf_counter() - start)
    module.compute_dtype = before
    module.zero_grad(set_to_none=True)
    exact, short = (statistics.median(seconds) for seconds in times.values())
    return "bfloat16" if short < MUST_WIN_BY * exact else "float32"


def keep_masters(module: Any) -> None:
    """Make the weights that learn fp32 where they are stored in bf16 or fp16; frozen ones, and what the module computes in, stay.

    A tied weight is one parameter and stays tied. A module that does not say in what it computes does so in its weights' format, and stays.
    """
    short = [one for one in module.parameters() if one.requires_grad and one.dtype in (torch.bfloat16, torch.float16)]
    if short and hasattr(module, "compute_dtype"):
        module.compute_dtype = module.compute_dtype  # left at None it would follow the weights
        for parameter in short:
            parameter.data = parameter.data.float()


@slot
def next_scale(scale: float, good_steps: int, overflowed: bool, interval: int = 2000) -> tuple[float, int]:
    """The scale after a step, and how many steps in a row were good: half after an overflow, double after `interval` good steps."""
    if overflowed:
        return scale / 2, 0
    good_steps += 1
    return (2 * scale, 0) if good_steps == interval else (scale, good_steps)


class LossScaler:
    """Multiplies losses so that fp16 holds their gradients, and finds a scale that is as large as it can be."""

    def __init__(self, scale: float = FIRST_SCALE, interval: int = INTERVAL):
        self.scale, self.interval, self.good_steps = scale, interval, 0
        self.overflowed = False  # whether the last gradient did, at a scale that can still become smaller

    def accumulate(
        self, module: Any, batches: Sequence[Any], objective: Objective, parameters: Sequence[Tensor]
    ) -> float:
        """`accumulate` with the loss scaled on the way back; gradients and loss are given unscaled."""
        scale = self.scale

        def scaled(module: Any, batch: Any) -> tuple[Tensor, int]:
            loss, count = objective(module, batch)
            return loss * scale, count

        loss = accumulate(module, batches, scaled) / scale
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        found = unscale_(gradients, scale)
        self.overflowed = found and scale > LEAST_SCALE
        if math.isfinite(loss) and scale >= LEAST_SCALE:
            self.scale, self.good_steps = next_scale(scale, self.good_steps, found, self.interval)
            self.scale = max(self.scale, LEAST_SCALE)
        return loss

    def state(self) -> dict[str, Tensor]:
        """Scale and count."""
        return {
            "scaler.scale": torch.tensor(self.scale, dtype=torch.float64),
            "scaler.good_steps": torch.tensor(self.good_steps),
        }

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back."""
        self.scale, self.good_steps = float(table["scaler.scale"]), int(table["scaler.good_steps"])


def unscale_(gradients: Sequence[Tensor], scale: float) -> bool:
    """Divide gradients by the scale in place; whether one of them holds an infinity or a NaN."""
    if not gradients:
        return False
    torch._foreach_mul_(list(gradients), 1 / scale)
    return not math.isfinite(float(torch.stack(torch._foreach_norm(list(gradients), math.inf)).sum()))
