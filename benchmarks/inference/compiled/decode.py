"""Tokens a second of one text on a CPU: the compiled step beside llama.cpp on the same weights, and the share of the memory's speed.

    python benchmarks/inference/compiled/decode.py [--codec q4_0 ...] [--json]

A LLaMA shape of 134 M parameters (12 x 768, 12 heads, vocabulary 32,000, head untied), random weights, batch 1, behind 0 and
1,000 tokens, as many threads as cores. The peer is the bare `llama_decode` of llama-cpp-python with a GGUF file that
`save_gguf` writes of the same module (head and embedding of a Q4_0 file are Q8_0 in both); without the package its column is left out.
Ways take turns of eight tokens. tok/s: median turn; interval: quartiles of the turns' ratios. GB/s: the bytes of the weights and of
the kept keys and values that a token reads, over its time; share: of what the machine reads (`machine.probe.bandwidth`),
measured before and after, the mean. off: root mean square difference of both logits, as a part of their size.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peer import Peer

from groundup.inference.compiled.step import Lowered, lower
from groundup.machine.probe.bandwidth import bytes_per_s
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.gguf_model import save_gguf
from groundup.processor import machine_name

CONFIG = LlamaConfig(
    vocab_size=32_000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
    num_key_value_heads=12, max_position_embeddings=1400, tie_word_embeddings=False,
)  # fmt: skip
KINDS = {"bf16": ["F16", "BF16"], "q8_0": ["Q8_0"], "q4_0": ["Q4_0"]}  # the peer's kinds of the same bits
TURNS, TOKENS = 12, 8


def random_module() -> Any:
    """The shape with random weights that bf16 and FP16 both hold."""
    module = build(CONFIG, seed=0).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.normal_(std=0.02).bfloat16()) if parameter.dim() > 1 else parameter.fill_(1.0)
    return module


def bytes_read(lowered: Lowered, length: int) -> int:
    """What a token reads: every matrix, and the keys and values behind it (2 bytes a number)."""
    sizes = lowered.sizes
    return lowered.weights.matrix_bytes() + 4 * length * CONFIG.num_hidden_layers * sizes.kv_heads * sizes.head_dim


def tokens(step: Any) -> Any:
    """A turn."""
    return lambda: [step() for _ in range(TOKENS)]


def measured(lowered: Lowered, peers: dict[str, Peer], length: int) -> dict[str, Any]:
    """All ways behind a text of so many tokens."""
    ids = np.random.default_rng(0).integers(0, CONFIG.vocab_size, length).tolist()
    text = lowered.text()
    if length:
        text.prefill(ids)
    for peer in peers.values():
        peer.forget()
        if length:
            peer.read(ids)
    found = text.step(7)
    row: dict[str, Any] = {"codec": lowered.codec, "context": length}
    for name, peer in peers.items():
        peer.step([7])
        if not length:  # torch read the prompt with whole weights
            row[f"{name}_off"] = float(np.sqrt(np.mean((peer.logits() - found) ** 2) / np.mean(found**2)))
    ways = {"ours": tokens(lambda: text.step(1))} | {
        name: tokens(lambda peer=peer: peer.step([1])) for name, peer in peers.items()
    }
    before = bytes_per_s("read")
    seconds = in_turns(ways, TURNS, warm=2)
    speed = (before + bytes_per_s("read")) / 2
    median = {name: statistics.median(times) / TOKENS for name, times in seconds.items()}
    row |= {f"{name}_tok_s": 1 / time for name, time in median.items()}
    for name in peers:
        ratios = sorted(theirs / ours for theirs, ours in zip(seconds[name], seconds["ours"], strict=True))
        row |= {
            f"{name}_ratio": statistics.median(ratios),
            f"{name}_interval": (ratios[TURNS // 4], ratios[-TURNS // 4]),
        }
    rate = bytes_read(lowered, length) / median["ours"]
    return row | {"gb_s": rate / 1e9, "read_gb_s": speed / 1e9, "share": rate / speed}


def rows_of(module: Any, codec: str, threads: int) -> list[dict[str, Any]]:
    """Both contexts of one codec."""
    lowered = lower(module, codec, threads=threads)
    with tempfile.TemporaryDirectory() as folder:
        peers = {}
        for kind in KINDS[codec]:
            save_gguf(Path(folder, kind), module, kind=kind, extra={"tokenizer.ggml.model": "no_vocab"})
            try:
                peers[kind] = Peer(Path(folder, kind), threads, CONFIG.max_position_embeddings)
            except ImportError:
                break
        found = [measured(lowered, peers, length) for length in (0, 1000)]
        for peer in peers.values():
            peer.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codec", action="append", choices=list(KINDS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    module = random_module()
    rows = [row for codec in asked.codec or KINDS for row in rows_of(module, codec, threads)]
    if asked.json:
        print(json.dumps({"machine": machine_name(), "rows": rows}))
        return
    print(machine_name())
    for row in rows:
        shown = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in row.items()}
        shown |= {name: "{:.2f}-{:.2f}".format(*value) for name, value in row.items() if isinstance(value, tuple)}
        print("  ".join(f"{name} {value}" for name, value in shown.items()))


if __name__ == "__main__":
    main()
