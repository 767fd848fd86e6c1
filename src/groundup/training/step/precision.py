"""The number format in which a model computes, chosen by measurement; weights and optimiser stay fp32.

bf16 has the range of fp32 and 8 bits of precision: a weight of 1.0 does not feel an update of 0.002. So the weights are
fp32 masters, cast where they multiply (Micikevicius et al. 2018, arXiv:1710.03740, section 3.1). Whether bf16 is faster
depends on processor and shape: 2.4 times at width 384 on one, slower than fp32 at width 128 on another.
Left out: fp16, which needs its loss scaled, and fp8.
"""

import statistics
import time
from typing import Any

import torch

from groundup.training.step.accumulation import Objective, accumulate

MUST_WIN_BY = 0.95  # of two formats that are nearly as fast, the exact one


def choose_dtype(module: Any, batch: Any, objective: Objective, repeats: int = 3) -> str:
    """Time a forward and backward pass on this batch in fp32 and in bf16, in turn, and name the faster."""
    if not hasattr(module, "compute_dtype"):
        return "float32"
    before = module.compute_dtype
    times: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for repeat in range(repeats + 1):
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
