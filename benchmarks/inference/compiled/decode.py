"""Tokens a second of one text on a CPU: the compiled step beside the module in torch, and the share of the memory's speed.

    python benchmarks/inference/compiled/decode.py [--json]

A LLaMA shape of 134 M parameters (12 x 768, 12 heads, vocabulary 32,000, head untied), random bf16 weights, batch 1, behind 0
and 1,000 tokens, as many threads as cores. Both in turns, medians. GB/s: the bytes of the weights and of the kept keys and
values that a token reads, over its time; share: of what the machine reads (`machine.probe.bandwidth`, measured in the same run).
"""

import argparse
import json
import os
import statistics

import torch

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.compiled.step import Decoder, lower
from groundup.machine.probe.bandwidth import bytes_per_s
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import processor

CONFIG = LlamaConfig(
    vocab_size=32_000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
    num_key_value_heads=12, max_position_embeddings=1100, tie_word_embeddings=False,
)  # fmt: skip
ROUNDS = 21


def bytes_read(decoder: Decoder, length: int) -> int:
    """What a token reads: every matrix but the embedding, and the keys and values behind it."""
    w = decoder.weights
    kept = decoder.keys[:, :, :length].nbytes + decoder.values[:, :, :length].nbytes
    return sum(matrix.nbytes for matrix in (w.qkv, w.out, w.gate_up, w.down, w.head)) + kept


def measured(decoder: Decoder, length: int, speed: float) -> dict[str, float]:
    """Both ways behind a text of so many tokens."""
    module, ids = decoder.module, [1] * max(length, 1)
    decoder.prefill(ids)
    cache = KVCache.of(module, 1, len(ids) + ROUNDS + 4)
    with torch.inference_mode():
        module(torch.tensor([ids]), cache=cache)
        token = torch.tensor([[1]])
        seconds = in_turns(
            {"compiled": lambda: decoder.step(1), "torch": lambda: module(token, cache=cache)}, ROUNDS, warm=2
        )
    ours, theirs = (statistics.median(seconds[name]) for name in ("compiled", "torch"))
    rate = bytes_read(decoder, length) / ours
    return {
        "context": length, "compiled_tokens_s": 1 / ours, "torch_tokens_s": 1 / theirs, "ratio": theirs / ours,
        "gb_s": rate / 1e9, "share": rate / speed,
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    module = build(CONFIG, seed=0).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.02) if parameter.dim() > 1 else parameter.fill_(1.0)
    decoder, speed = lower(module.bfloat16()), bytes_per_s("read")
    rows = [measured(decoder, length, speed) for length in (0, 1000)]
    if as_json:
        print(json.dumps({"machine": str(processor()), "read_gb_s": speed / 1e9, "rows": rows}))
        return
    print(f"{processor()}, reads {speed / 1e9:.1f} GB/s")
    for row in rows:
        print("  ".join(f"{name} {value:.2f}" for name, value in row.items()))


if __name__ == "__main__":
    main()
