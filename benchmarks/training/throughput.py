"""Tokens a second of a training step: this library's loop beside transformers' Trainer, and the share of this machine's peak.

    python benchmarks/training/throughput.py [--sizes 10m 124m] [--families gpt2 llama] [--dtypes float32 bfloat16] [--rounds 3]

Both train the same weights on the same batches with AdamW, clipping and a linear schedule, on the same threads, in turns; each
round is a few steps of one, then of the other, and the first steps of all do not count. The Trainer runs as it comes (fused
AdamW, no logging, no saving); in bf16 by its `bf16` switch. The peak is the largest square matrix product of that
number format by the faster of the libraries that torch carries. Model FLOPs are the matrix products of forward and backward
with head and attention, without recomputation (`model.accounting`).

On two cores of an AMD EPYC (Zen 5), share of the peak and ratio to the Trainer (lowest and highest round):

    10 M     GPT-2  fp32 60 %, 2.17 (2.11-2.17)    bf16 61 %, 2.11 (2.09-2.15)    Llama  fp32 62 %, 1.64 (1.62-1.68)    bf16 62 %, 1.38 (1.36-1.41)
    124 M    GPT-2  fp32 65 %, 2.60 (one round)    bf16 58 %, 3.03 (2.93-3.17)    Llama  fp32 61 %, 1.56 (one round)    bf16 62 %, 1.66 (1.59-1.74)

What limits the Llama at 10 M in bf16: the Trainer itself reaches 45 % of the peak there, so 1.5 times as fast would be 67 %. Tried: causal
attention in steps (kept: 3 to 10 % of a step), gate and up as one product (slower), query, key and value as one (1 %).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch

from groundup.machine.probe.device import set_threads
from groundup.machine.probe.roofline import probe
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.huggingface import save_model
from groundup.training import loop
from groundup.training.config import TrainConfig

VOCAB = 50304
SHAPES = {  # layers, heads, width, vocabulary, rows, context
    "10m": (6, 6, 384, 256, 16, 256),
    "124m": (12, 12, 768, VOCAB, 4, 512),
}
STEPS, WARM = {"10m": 6, "124m": 2}, 2


@dataclass(frozen=True)
class Case:
    """A shape in a number format."""

    family: str
    size: str
    dtype: str

    def config(self) -> Any:
        """The model."""
        layers, heads, width, vocab, _, context = SHAPES[self.size]
        if self.family == "gpt2":
            return GPT2Config(
                vocab_size=vocab,
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                max_position_embeddings=context,
            )
        return LlamaConfig(vocab_size=vocab, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                           intermediate_size=round(8 * width / 3 / 64) * 64, max_position_embeddings=context, tie_word_embeddings=True)  # fmt: skip

    @property
    def tokens(self) -> int:
        """Of a step."""
        return SHAPES[self.size][4] * SHAPES[self.size][5]


def rows(case: Case, step: int) -> torch.Tensor:
    """The token ids of a step, one more than the context, the same for both."""
    _, _, _, vocab, batch, context = SHAPES[case.size]
    return torch.randint(vocab, (batch, context + 1), generator=torch.Generator().manual_seed(step))


def ours(case: Case) -> Callable[[int], list[float]]:
    """Seconds of so many steps of the library's loop; called again it goes on with the same model."""
    module = build(case.config(), seed=0)
    if case.dtype == "bfloat16":
        module.compute_dtype = torch.bfloat16

    def batch(step: int) -> Any:
        ids = rows(case, step)
        whole = torch.ones_like(ids[:, 1:], dtype=torch.bool)
        positions = torch.arange(whole.shape[1]).expand(whole.shape)
        return SimpleNamespace(input_ids=ids[:, :-1], targets=ids[:, 1:], loss_mask=whole,
                               document_ids=torch.zeros_like(ids[:, 1:]), positions=positions)  # fmt: skip

    def run(steps: int) -> list[float]:
        seconds: list[float] = []
        config = TrainConfig(steps=steps, batch_size=SHAPES[case.size][4], seq_len=SHAPES[case.size][5], optimizer="adamw",
                             learning_rate=3e-4, schedule="linear", warmup_steps=0, weight_decay=0.1)  # fmt: skip
        loop.train(module, batch, config, listeners=[lambda event: seconds.append(event.seconds)])
        return seconds

    return run


def trainer(case: Case) -> Callable[[int], list[float]]:
    """The same by transformers' Trainer."""
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, build(case.config(), seed=0))
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.config.use_cache = False

    class Clock(transformers.TrainerCallback):
        """Seconds from the beginning of a step to its end."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, *arguments: Any, **named: Any) -> None:
            """Look at the clock."""
            self.began = time.perf_counter()

        def on_step_end(self, *arguments: Any, **named: Any) -> None:
            """And again."""
            self.seconds.append(time.perf_counter() - self.began)

    def run(steps: int) -> list[float]:
        samples = [{"input_ids": row[:-1], "labels": row[:-1]} for step in range(steps) for row in rows(case, step)]
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder:
            arguments = transformers.TrainingArguments(
                output_dir=folder, max_steps=steps, per_device_train_batch_size=SHAPES[case.size][4], learning_rate=3e-4,
                weight_decay=0.1, lr_scheduler_type="linear", max_grad_norm=1.0, bf16=case.dtype == "bfloat16", use_cpu=True,
                report_to=[], logging_strategy="no", save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False)  # fmt: skip
            transformers.Trainer(model=model, args=arguments, train_dataset=samples, callbacks=[clock]).train()
        return clock.seconds

    return run


def measure(case: Case, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of both, in turns."""
    runs = {"groundup": ours(case), "Trainer": trainer(case)}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            taken = run(STEPS[case.size] if turn else WARM)
            if turn:
                seconds[name] += taken
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--families", nargs="+", default=["gpt2", "llama"], choices=["gpt2", "llama"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    threads = set_threads()
    machine = probe(fresh=True)
    peaks = ", ".join(f"{name} {flops / 1e9:,.0f} GFLOP/s" for name, flops in machine.matmul_flops.items())
    print(f"{machine.processor}, {threads} threads, torch {torch.__version__}; peak {peaks}")
    print(f"{'':24}{'tokens/s':>10}{'of the peak':>13}{'Trainer':>10}{'ratio':>8}{'spread':>16}")
    for size in options.sizes:
        for family in options.families:
            for dtype in options.dtypes:
                print(line(Case(family, size, dtype), options.rounds, machine), flush=True)


def line(case: Case, rounds: int, machine: Any) -> str:
    """A row: medians, and the lowest and highest ratio of a round."""
    seconds = measure(case, rounds)
    mine, theirs = (statistics.median(seconds[name]) for name in ("groundup", "Trainer"))
    size = STEPS[case.size]
    parts = [
        statistics.median(seconds["Trainer"][place : place + size])
        / statistics.median(seconds["groundup"][place : place + size])
        for place in range(0, rounds * size, size)
    ]
    flops = count(case.config()).training_flops_per_token(SHAPES[case.size][5]) * case.tokens
    share = flops / mine / machine.matmul_flops[case.dtype]
    name = f"{case.family} {case.size} {case.dtype}"
    spread = f"{min(parts):.2f}-{max(parts):.2f}"
    return f"{name:24}{case.tokens / mine:10,.0f}{share:13.0%}{case.tokens / theirs:10,.0f}{theirs / mine:8.2f}{spread:>16}"


if __name__ == "__main__":
    main()
