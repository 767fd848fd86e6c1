"""A step whose blocks keep less: time, memory by torch's allocator, and the forecast, beside the plain step.

    python benchmarks/training/step/activation_checkpointing.py

Runs are interleaved, times are medians of this thread's work (`offload` waits for the disk besides: wall time in brackets). Memory is the most that torch's
allocator gave out in one step beyond weights and optimiser state; the forecast is that of `model.accounting`.
"""

import statistics
import time
from contextlib import nullcontext

import torch

from groundup.machine.probe.allocation import peak_bytes
from groundup.machine.probe.timing import in_turns
from groundup.model.accounting import Training, memory
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import machine_name
from groundup.training.objectives.causal import loss_of_targets
from groundup.training.step.activation_checkpointing import offloading, recomputing

SHAPE = dict(
    vocab_size=4096, hidden_size=256, intermediate_size=704, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=4
)  # fmt: skip
BATCH, SEQ, ROUNDS = 4, 256, 3
MODES = {
    "plain": (lambda module: nullcontext(), {}),
    "layers": (recomputing, {"checkpointing": True}),
    "layers, every 2nd": (lambda module: recomputing(module, 2), {"checkpointing": True, "every": 2}),
    "offload": (offloading, {"offload": True}),
}


def main() -> None:
    """Print the table."""
    config = LlamaConfig(**SHAPE)
    module = build(config, seed=0)
    ids = torch.randint(0, config.vocab_size, (BATCH, SEQ), generator=torch.Generator().manual_seed(0))

    def step_in(mode):
        """Forward and back of one batch in a mode, to be called."""

        def run() -> None:
            module.zero_grad(set_to_none=True)
            with mode(module):
                loss = loss_of_targets(module.lm_head, module.hidden(ids).flatten(0, 1), ids.flatten())
            (loss / ids.numel()).backward()

        return run

    runs = {name: step_in(mode) for name, (mode, _) in MODES.items()}
    peaks = {}
    for name, run in runs.items():
        module.zero_grad(set_to_none=True)
        peaks[name] = peak_bytes(run)
    work = {
        name: statistics.median(taken) for name, taken in in_turns(runs, ROUNDS, warm=1, clock=time.thread_time).items()
    }
    wall = {name: statistics.median(taken) for name, taken in in_turns(runs, ROUNDS).items()}
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine_name()}; {BATCH} x {SEQ} tokens, 6 blocks 256 wide"
    )
    for name, (_, told) in MODES.items():
        moments = memory(config, Training(batch=BATCH, seq_len=SEQ, **told)).moments
        back = [parts for moment, parts in moments.items() if "way back" in moment]
        forecast = max(sum(parts.values()) - parts["weights"] - parts["optimiser state"] for parts in back)
        print(
            f"{name:20}{1000 * work[name]:8,.0f} ms  {work[name] / work['plain']:5.2f}x ({wall[name] / wall['plain']:.2f}x)"
            f"{peaks[name] / 1e6:9,.0f} MB   1/{peaks['plain'] / peaks[name]:.2f}   forecast {forecast / peaks[name] - 1:+.0%}"
        )


if __name__ == "__main__":
    main()
