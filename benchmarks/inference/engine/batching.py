"""Decoding beside transformers on the same weights: a batch of prompts of mixed length, and one stream.

    python benchmarks/inference/engine/batching.py

A Qwen 3 of the demo's size with random weights, the head scaled so that some ten tokens are likely. Batch: 256 prompts
of 30 to 120 tokens, 32 new tokens each; transformers gets them left-padded in one batch, as it documents. The limit is
what the machine's measured peaks allow: the larger of operations / matrix-product peak and bytes of weights and cache /
memory bandwidth, summed over the steps.
Runs are interleaved; the best of each counts.
"""

import importlib.metadata
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.machine.probe.timing import in_turns
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.model.formats.huggingface import save_model

CONFIG = Qwen3Config(
    vocab_size=4096, hidden_size=192, intermediate_size=512, num_hidden_layers=6, num_attention_heads=4,
    num_key_value_heads=2, head_dim=48, max_position_embeddings=512, tie_word_embeddings=True,
)  # fmt: skip
PROMPTS, NEW, ROUNDS = 256, 32, 2


def prompts(rows: int) -> list[list[int]]:
    """Random prompts of 30 to 120 tokens."""
    generator = np.random.default_rng(0)
    return [generator.integers(3, CONFIG.vocab_size, generator.integers(30, 120)).tolist() for _ in range(rows)]


def theirs(model: Any, rows: list[list[int]], **options: Any) -> Callable[[], Any]:
    """Transformers' own generate, left-padded, the same number of new tokens."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    real = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return lambda: model.generate(
        ids, attention_mask=real, max_new_tokens=NEW, min_new_tokens=NEW, pad_token_id=0, **options
    )


def limit_s(flops_per_s: float, bytes_per_s: float, rows: list[list[int]]) -> float:
    """Seconds that the machine's peaks allow for reading the prompts and NEW - 1 further steps, in float32."""
    counted = count(CONFIG)
    tokens, longest = sum(map(len, rows)), np.mean([len(row) for row in rows])
    read = sum(len(row) * counted.flops_per_token(len(row) // 2) for row in rows) / flops_per_s
    held = counted.kv_cache_bytes_per_token(4) * (tokens + len(rows) * NEW / 2)
    step = max(
        len(rows) * counted.flops_per_token(int(longest)) / flops_per_s,
        (counted.weight_bytes(4) + held) / bytes_per_s,
    )
    return read + (NEW - 1) * step


def clock() -> float:
    """Seconds: of the processor where one thread works (true on a busy machine too), else of the wall."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def interleaved(work: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Best seconds of each, taken in turns."""
    return {name: min(times) for name, times in in_turns(work, ROUNDS, clock=clock).items()}


def peaks() -> tuple[float, float]:
    """Operations a second of a square product of side 1024, and bytes a second read from 256 MB, by the same clock."""
    left, right, array = *torch.randn(2, 1024, 1024), torch.ones(1 << 26)
    best = interleaved({"product": lambda: left @ right, "read": array.sum})
    return 2 * 1024**3 / best["product"], array.nbytes / best["read"]


def main() -> None:
    """Print both tables."""
    from transformers import AutoModelForCausalLM

    versions = f"torch {torch.__version__}, transformers {importlib.metadata.version('transformers')}"
    print(f"{versions}, {torch.get_num_threads()} threads, {count(CONFIG).parameters / 1e6:.1f} M parameters")
    module = build(CONFIG, seed=0, scheme="normal")
    torch.nn.init.constant_(module.model.norm.weight, 10.0)  # logits with a deviation near 3
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder + "/model", module)
        model = AutoModelForCausalLM.from_pretrained(folder + "/model").eval()
    greedy, nucleus = (SamplingConfig(max_new_tokens=NEW, temperature=t, top_p=p) for t, p in ((0, 1), (1, 0.95)))
    for title, rows in ((f"batch of {PROMPTS}", prompts(PROMPTS)), ("one stream", prompts(1))):
        drawn = {"do_sample": True, "top_p": 0.95, "top_k": 0}
        best = interleaved({
            "greedy": lambda rows=rows: generate_batch(module, rows, greedy),
            "greedy, transformers": theirs(model, rows, do_sample=False),
            "top-p 0.95": lambda rows=rows: generate_batch(module, rows, nucleus),
            "top-p 0.95, transformers": theirs(model, rows, **drawn),
        })  # fmt: skip
        print(f"\n{title}, {NEW} new tokens{'new tokens/s':>21}{'/ transformers':>16}{'of the limit':>14}")
        limit = limit_s(*peaks(), rows)
        for name in ("greedy", "top-p 0.95"):
            ours, peer = best[name], best[name + ", transformers"]
            rate = len(rows) * NEW / ours
            print(f"{name:34}{rate:14,.0f}{peer / ours:15.2f}x{limit / ours:13.0%}")


if __name__ == "__main__":
    main()
