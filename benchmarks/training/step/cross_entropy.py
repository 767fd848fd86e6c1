"""Head and loss, forward and backward: in pieces beside the plain form, for the demo's shape and for large vocabularies; time and memory.

    python benchmarks/training/step/cross_entropy.py [--large]

The plain form: all scores in one tensor, torch.nn.functional.cross_entropy on them in fp32. Memory is the most that torch's allocator gave out at
one time over what there was before, so the head's own gradient counts. The limit is the operations of the three matrix products at the measured
peak. Runs are interleaved; times are medians of this thread's work, since other programs may run beside (`perf_counter` with --wall).
"""

import statistics
import sys
import time

import torch
from torch.nn import functional

from groundup.machine.probe.allocation import peak_bytes
from groundup.machine.probe.roofline import probe
from groundup.machine.probe.timing import in_turns
from groundup.training.step.cross_entropy import cross_entropy_in_pieces

# tokens, width, vocabulary; 131,072 words are Llama 3's in round numbers
SHAPES = [(4096, 192, 4096), (4096, 192, 16_384), (1024, 256, 131_072), (2048, 512, 131_072)]
LARGE = [(4096, 1024, 131_072)]
ROUNDS = 3


def plain(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """All scores in one tensor."""
    scores = (hidden @ weight.to(hidden.dtype).T).float()
    return functional.cross_entropy(scores, targets, reduction="sum")


def a_pass(function, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor):
    """One pass forward and back, to be called."""

    def run() -> None:
        hidden.grad = weight.grad = None
        (function(hidden, weight, targets) / len(targets)).backward()

    return run


def main() -> None:
    """Print the table."""
    machine, clock = probe(), time.perf_counter if "--wall" in sys.argv else time.thread_time
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine.processor}")
    print(
        f"{'':10}{'tokens':>7}{'width':>6}{'words':>8}{'plain':>10}{'pieces':>10}{'faster':>8}{'of limit':>9}{'plain':>10}{'pieces':>10}{'memory':>8}"
    )
    for name in ("float32", "bfloat16"):
        for tokens, width, vocab in SHAPES + (LARGE if "--large" in sys.argv else []):
            source = torch.Generator().manual_seed(0)
            hidden = torch.randn(tokens, width, generator=source).to(getattr(torch, name)).requires_grad_()
            weight = torch.randn(vocab, width, generator=source).mul_(0.1).requires_grad_()
            targets = torch.randint(0, vocab, (tokens,), generator=source)
            runs = {
                "plain": a_pass(plain, hidden, weight, targets),
                "pieces": a_pass(cross_entropy_in_pieces, hidden, weight, targets),
            }
            peaks = {}
            for one, run in runs.items():
                hidden.grad = weight.grad = None  # no gradient of an earlier pass, which the next would free
                peaks[one] = peak_bytes(run)
            taken = {one: statistics.median(seconds) for one, seconds in in_turns(runs, ROUNDS, clock=clock).items()}
            limit = (
                float("nan") if clock is time.thread_time else 6 * tokens * width * vocab / machine.matmul_flops[name]
            )
            print(
                f"{name:10}{tokens:7,}{width:6}{vocab:8,}{1000 * taken['plain']:7,.0f} ms{1000 * taken['pieces']:7,.0f} ms"
                f"{taken['plain'] / taken['pieces']:7.2f}x{limit / taken['pieces']:9.0%}"
                f"{peaks['plain'] / 1e6:7,.0f} MB{peaks['pieces'] / 1e6:7,.0f} MB   1/{peaks['plain'] / peaks['pieces']:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
