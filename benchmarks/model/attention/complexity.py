"""Time of every kind of attention from 1,024 to 16,384 tokens, the power of the length that fits it, and the same for memory.

    python benchmarks/model/attention/complexity.py

One head of width 64, batch 1, float32, one thread; the clock is the thread's own processor time. The kinds of a length
are run in turns and the best of each is taken. At most 1.15 is asked of the linear, sparse and state forms (not of the strided
pattern, which costs n^1.5 by its formula), at least 1.8 of full attention. The peer of full attention is torch's own kernel.
The last columns: the power of memory held at once (counted at 512 and 1,024 tokens), the longest chain of kernels
at 256 tokens, and the share of the machine's matrix-product peak that the counted operations reach at 16,384.
"""

import time

import torch
from torch.nn import functional

from groundup.model.attention.complexity import VARIANTS, exponent, inputs, measured, seconds
from groundup.model.recurrence.state_space import state_space_chunked
from groundup.processor import processor

LENGTHS = (1024, 2048, 4096, 8192, 16384)
HEAD_DIM = 64
ROUNDS = 5
AT_LEAST = {"full": 1.8, "torch's full": 1.8}
FREE = ("strided",)
BESIDE = ("torch's full", "state space, in chunks")
SLOW = ("linear, step by step", "full")  # seconds a run at 16,384: fewer rounds


def work(length: int) -> dict:
    """Every kind on the same inputs, and torch's kernel for full attention."""
    given = inputs(length, HEAD_DIM)
    runs = {name: (lambda run=variant.run: run(*given)) for name, variant in VARIANTS.items()}
    decay = -torch.rand(given[0].shape[:-1], generator=torch.Generator().manual_seed(length))
    return runs | {
        "torch's full": lambda: functional.scaled_dot_product_attention(*given, is_causal=True),
        "state space, in chunks": lambda: state_space_chunked(*given, decay),
    }


def times() -> dict[str, list[float]]:
    """Seconds of each kind at each length."""
    found: dict[str, list[float]] = {}
    for length in LENGTHS:
        runs = work(length)
        slow = {name: runs.pop(name) for name in SLOW}
        best = seconds(runs, ROUNDS) | seconds(slow, 2 if length > 4096 else ROUNDS)
        for name in (*VARIANTS, *BESIDE):
            found.setdefault(name, []).append(best[name])
    return found


def peak() -> float:
    """Operations a second of a square product of side 1,024."""
    left, right = torch.randn(2, 1024, 1024)
    return 2 * 1024**3 / seconds({"product": lambda: left @ right}, ROUNDS)["product"]


def counted(name: str) -> str:
    """The power of the memory held at once, and the longest chain of kernels."""
    if name not in VARIANTS:
        return f"{'':>8}{'':>8}"
    runs = {length: inputs(length, HEAD_DIM) for length in (256, 512, 1024)}
    found = {length: measured(lambda given=given: VARIANTS[name].run(*given)) for length, given in runs.items()}
    power = exponent((512, 1024), [found[length].peak_bytes for length in (512, 1024)])
    return f"{power:8.2f}{found[256].steps:8}"


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{processor()}, torch {torch.__version__}, one thread, {time.strftime('%Y-%m-%d')}; ms a head of {HEAD_DIM}")
    header = "".join(f"{length:>9,}" for length in LENGTHS)
    print(f"{'':22}{header}{'power':>8}{'asked':>9}{'memory':>8}{'chain':>8}{'of peak':>9}")
    most = peak()
    for name, found in times().items():
        power = exponent(LENGTHS, found)
        asked = "" if name in FREE else f">= {AT_LEAST[name]}" if name in AT_LEAST else "<= 1.15"
        like = {"torch's full": "full", "state space, in chunks": "linear, in chunks"}  # the same products
        flops = VARIANTS[like.get(name, name)].cost(LENGTHS[-1], HEAD_DIM).flops
        flops = flops / 2 if name == "torch's full" else flops  # it leaves out what is hidden
        cells = "".join(f"{1e3 * one:9.2f}" for one in found)
        print(f"{name:22}{cells}{power:8.2f}{asked:>9}{counted(name)}{flops / found[-1] / most:9.0%}")


if __name__ == "__main__":
    main()
