"""Flash attention by tiles in plain torch, beside the definition and torch's own kernel: time and memory over length.

    python benchmarks/model/attention/flash.py

Forward and backward, causal, one row, 4 heads on 2, 64 wide, float32. Time: runs interleaved, the median of each, by the
processor's clock where one thread works. Memory: the peak of a process of its own above what it began with, in which
the pass runs once. The last lines fit time and memory as a power of the length, from 1,024 on.

A process begins with what torch itself needs, so that the fitted powers of memory come out below 1 for what grows linearly.
"""

import math
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from groundup.machine.probe.timing import in_turns
from groundup.model.attention import masks
from groundup.model.attention.flash import BLOCKS, flash_attention
from groundup.model.attention.scaled_dot_product import repeat_heads, scaled_dot_product_attention
from groundup.processor import machine_name

HEADS, KV_HEADS, HEAD_DIM = 4, 2, 64
LENGTHS = (256, 512, 1024, 2048, 4096)
ROUNDS = 5


def definition(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """All scores in memory."""
    groups = HEADS // KV_HEADS
    mask = masks.causal(query.shape[2])
    return scaled_dot_product_attention(query, repeat_heads(key, groups), repeat_heads(value, groups), mask)


def flash(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """By tiles."""
    return flash_attention(query, key, value, causal=True)


def torchs(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """By torch's compiled kernel."""
    return functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)


WAYS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "definition": definition,
    "flash": flash,
    "torch": torchs,
}


def leaves(length: int) -> list[Tensor]:
    """Query, key and value."""
    source = torch.Generator().manual_seed(length)
    return [
        torch.randn(1, heads, length, HEAD_DIM, generator=source).requires_grad_()
        for heads in (HEADS, KV_HEADS, KV_HEADS)
    ]


def both_ways(way: str, length: int) -> Callable[[], None]:
    """Forward and backward as one call."""
    given, push = leaves(length), torch.ones(1, HEADS, length, HEAD_DIM)
    return lambda: WAYS[way](*given).backward(push)


def clock() -> float:
    """Seconds: of the processor where one thread works (true on a busy machine too), else of the wall."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def medians(length: int) -> dict[str, float]:
    """Seconds of each way, taken in turns; the first round only warms up."""
    work = {way: both_ways(way, length) for way in WAYS}
    return {way: statistics.median(times) for way, times in in_turns(work, ROUNDS, warm=1, clock=clock).items()}


def _measure(way: str, length: int, answer) -> None:
    torch.set_num_threads(1)  # a forked process has none of its parent's threads
    both_ways(way, 64)()
    run = both_ways(way, length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    answer.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def peak_bytes(way: str, length: int) -> int:
    """What one pass adds to the peak memory of a process of its own."""
    processes = multiprocessing.get_context("fork")
    answer = processes.SimpleQueue()
    child = processes.Process(target=_measure, args=(way, length, answer))
    child.start()
    child.join()
    return 1024 * answer.get()


def exponent(values: dict[int, float]) -> float:
    """The slope of log value over log length, from 1,024 on."""
    x, y = zip(*((math.log(n), math.log(max(value, 1))) for n, value in values.items() if n >= 1024), strict=True)
    return statistics.linear_regression(x, y).slope


def main() -> None:
    """Print the table."""
    print(f"{machine_name()}; torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{time.strftime('%Y-%m-%d')}; {HEADS} heads on {KV_HEADS}, {HEAD_DIM} wide, causal, tiles of {BLOCKS}")
    memory = {way: {length: peak_bytes(way, length) for length in LENGTHS} for way in WAYS}  # before any threads
    seconds: dict[str, dict[int, float]] = {way: {} for way in WAYS}
    print(
        f"{'tokens':>7}{'flash ms':>10}{'/ definition':>14}{'/ torch':>9}{'flash MB':>10}{'/ definition':>14}{'/ torch':>9}"
    )
    for length in LENGTHS:
        for way, median in medians(length).items():
            seconds[way][length] = median
        shown = ""
        for unit, values in ((1e3, seconds), (1e-6, memory)):
            ours, whole, kernel = (values[way][length] for way in ("flash", "definition", "torch"))
            shown += f"{unit * ours:10.1f}{ours / max(whole, 1e-9):13.2f}x{ours / max(kernel, 1e-9):8.2f}x"
        print(f"{length:7}{shown}")
    for what, values in (
        ("time", {way: {n: 1e9 * s for n, s in seconds[way].items()} for way in WAYS}),
        ("memory", memory),
    ):
        print(f"{what} grows as length to the power", ", ".join(f"{exponent(values[way]):.2f} ({way})" for way in WAYS))


if __name__ == "__main__":
    main()
