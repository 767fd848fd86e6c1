"""Attention, forward and backward: `attend` beside torch's kernel called as transformers calls it, and the definition.

    python benchmarks/model/attention/scaled_dot_product.py

A training batch of packed documents: causal within each, 4 query heads on 2 key heads. Peers repeat the key heads and
hand over a bool mask. Runs are interleaved and the best of each is taken; the last column is the share of the machine's
matrix-product peak in that dtype that the counted operations reach (forward 4, backward 8 a pair and coordinate).
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from groundup.machine.probe.timing import in_turns
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import (
    attend,
    prepare_mask,
    repeat_heads,
    scaled_dot_product_attention,
)

BATCH, HEADS, KV_HEADS = 16, 4, 2
ROUNDS = 7


def packed(seq: int) -> Tensor:
    """Documents of random length, a handful a row."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.sort(torch.randint(0, 5, (BATCH, seq), generator=generator), dim=1).values
    return masks.causal(seq) & masks.documents(ids)


def ways(dtype: torch.dtype, seq: int, head_dim: int) -> dict[str, Callable[[], None]]:
    """Forward and backward by each way, on the same inputs."""
    query = torch.randn(BATCH, HEADS, seq, head_dim, dtype=dtype).requires_grad_()
    key, value = (torch.randn(BATCH, KV_HEADS, seq, head_dim, dtype=dtype).requires_grad_() for _ in range(2))
    mask, upstream, groups = packed(seq), torch.randn(BATCH, HEADS, seq, head_dim, dtype=dtype), HEADS // KV_HEADS
    prepared = prepare_mask(mask, dtype)

    def peer() -> Tensor:
        return functional.scaled_dot_product_attention(
            query, repeat_heads(key, groups), repeat_heads(value, groups), attn_mask=mask[:, None]
        )

    def definition() -> Tensor:
        repeated = repeat_heads(key, groups), repeat_heads(value, groups)
        return scaled_dot_product_attention(query, *repeated, mask[:, None])

    forward = {"ours": lambda: attend(query, key, value, prepared), "torch": peer, "definition": definition}
    return {name: (lambda way=way: way().backward(upstream)) for name, way in forward.items()}


def clock() -> float:
    """Seconds: of the processor where one thread works (true on a busy machine too), else of the wall."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Best seconds of each, taken in turns, so that a slow minute of the machine hits all."""
    return {name: min(times) for name, times in in_turns(work, ROUNDS, clock=clock).items()}


def matmul_peak(dtype: torch.dtype) -> float:
    """Operations a second of a square product of side 1024, by the same clock as everything here."""
    left, right = torch.randn(2, 1024, 1024).to(dtype)
    return 2 * 1024**3 / interleaved({"product": lambda: torch.mm(left, right)})["product"]


def main() -> None:
    """Print the table."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, {HEADS} heads on {KV_HEADS}")
    print(f"{'dtype':9}{'seq':>5}{'head':>6}{'ours ms':>9}{'/ torch':>9}{'/ definition':>14}{'of peak':>9}")
    for name in ("float32", "bfloat16"):
        peak = matmul_peak(getattr(torch, name))
        for seq, head_dim in ((128, 32), (256, 48), (256, 64), (512, 64)):
            best = interleaved(ways(getattr(torch, name), seq, head_dim))
            flops = 12 * BATCH * HEADS * seq * seq * head_dim
            ours = best["ours"]
            print(
                f"{name:9}{seq:5}{head_dim:6}{ours * 1e3:9.1f}{best['torch'] / ours:8.2f}x"
                f"{best['definition'] / ours:13.2f}x{flops / ours / peak:8.0%}"
            )


if __name__ == "__main__":
    main()
