"""A compiled step beside the plain one: the first, the others, and after how many the time for compiling is back.

    python benchmarks/training/step/compile.py

Runs are interleaved; times are medians of this thread's work, the compiler's is wall time.
"""

import copy
import statistics
import time
from types import SimpleNamespace

import torch

from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import machine_name
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.step.compile import pays_after, with_compiled_blocks

BATCH, SEQ, ROUNDS = 8, 256, 7
WIDTHS = {128: 352, 384: 1056}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, 1 thread, {machine_name()}; {BATCH} x {SEQ} tokens, 4 blocks")
    for width, units in WIDTHS.items():
        measured(width, units)


def measured(width: int, units: int) -> None:
    """Print one row."""
    plain = build(
        LlamaConfig(vocab_size=1024, hidden_size=width, intermediate_size=units, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4),
        seed=0,
    )  # fmt: skip
    other = copy.deepcopy(plain)
    ids = torch.randint(0, 1024, (BATCH, SEQ), generator=torch.Generator().manual_seed(0))
    places = torch.arange(SEQ).expand(BATCH, -1)
    batch = SimpleNamespace(
        input_ids=ids, targets=ids.roll(-1, 1), loss_mask=ids >= 0, document_ids=0 * ids, positions=places
    )
    compiled = with_compiled_blocks(other, causal_loss, TrainConfig(compile=True))

    def step(module, objective) -> None:
        module.zero_grad(set_to_none=True)
        (objective(module, batch)[0] / ids.numel()).backward()

    began = time.perf_counter()
    step(other, compiled)
    compile_s = time.perf_counter() - began
    runs = {"plain": lambda: step(plain, causal_loss), "compiled": lambda: step(other, compiled)}
    taken = in_turns(runs, ROUNDS, warm=1, clock=time.thread_time)
    slow, fast = (statistics.median(taken[name]) for name in runs)
    pairs = zip(plain.parameters(), other.parameters(), strict=True)
    apart = max(float((one.grad - two.grad).abs().max()) for one, two in pairs)
    print(
        f"{width:4} wide: plain {1000 * slow:6.0f} ms, compiled {1000 * fast:6.0f} ms ({slow / fast:.2f}x), first step {compile_s:.0f} s, "
        f"paid back after {pays_after(compile_s, slow, fast):,.0f} steps; gradients apart by {apart:.0e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
