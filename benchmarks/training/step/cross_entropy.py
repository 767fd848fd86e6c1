"""Head and loss, forward and backward: in pieces beside torch's, for the demo's shape and a larger vocabulary.

    python benchmarks/training/step/cross_entropy.py

The limit is the operations of the three matrix products at the measured peak. Runs are interleaved, best counts.
"""

import time

import torch

from groundup.machine.probe.roofline import probe
from groundup.training.step.cross_entropy import cross_entropy, cross_entropy_in_pieces

TOKENS, HIDDEN, ROUNDS = 4096, 192, 9


def seconds(function, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> float:
    """One pass forward and back."""
    hidden.grad = weight.grad = None
    start = time.perf_counter()
    function(hidden, weight, targets).backward()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    machine = probe()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine.processor}")
    print(f"{TOKENS} tokens, width {HIDDEN}   {'torch, ms':>10}{'pieces, ms':>12}{'ratio':>8}{'of the limit':>14}")
    for name in ("float32", "bfloat16"):
        for vocab in (2048, 4096, 16384):
            hidden = torch.randn(TOKENS, HIDDEN).to(getattr(torch, name)).requires_grad_()
            weight = torch.randn(vocab, HIDDEN).requires_grad_()
            targets = torch.randint(0, vocab, (TOKENS,))
            theirs = ours = float("inf")
            for _ in range(ROUNDS):
                theirs = min(theirs, seconds(cross_entropy, hidden, weight, targets))
                ours = min(ours, seconds(cross_entropy_in_pieces, hidden, weight, targets))
            limit = 6 * TOKENS * HIDDEN * vocab / machine.matmul_flops[name]
            print(
                f"{name:10} {vocab:8,} words {1000 * theirs:12.1f}{1000 * ours:12.1f}{theirs / ours:7.2f}x{limit / ours:13.0%}"
            )


if __name__ == "__main__":
    main()
