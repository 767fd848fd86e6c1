"""Sixteen texts at once and a long prompt: the engine beside transformers on the same weights.

    python benchmarks/inference/engine/throughput.py [--rounds 3] [--json]

A LLaMA shape of 134 M parameters (12 x 768, 12 heads, vocabulary 32,000, head untied), random weights in bf16, as many threads as cores.
decode: 16 prompts of 16 to 48 tokens, 48 new tokens each, greedy; transformers' generate gets them left-padded in one batch, as it
documents, and writes as many. What is compared is tokens a second over the whole run, prompts included. Ours: the engine with torch
(bf16), and with the compiled step (bf16, q8_0, q4_0) for the texts that are written. prefill: 1,024 tokens of one prompt until its first
token; transformers: one forward pass with its cache and the head for the last token. llama.cpp (llama-cpp-python; its columns are left out without it):
the bare `llama_decode`, prompts one after another and then a token of all sixteen a call, of GGUF files that `save_gguf` writes. Ways take turns; medians
of the turns' ratios.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.gguf_model import save_gguf
from groundup.model.formats.huggingface import save_model
from groundup.processor import machine_name

CONFIG = LlamaConfig(
    vocab_size=32_000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
    num_key_value_heads=12, max_position_embeddings=1400, tie_word_embeddings=False,
)  # fmt: skip
ROWS, NEW, PROMPT = 16, 48, 1024
KINDS = ("BF16", "Q8_0", "Q4_0")  # of the peer's files
sys.path.append(str(Path(__file__).parent.parent / "compiled"))
CODECS = {"torch": None, "bf16": "bf16", "q8_0": "q8_0", "q4_0": "q4_0"}


class Handle:
    """A module alone, as the engine takes it."""

    def __init__(self, module: Any):
        self.module = module


def prompts() -> list[list[int]]:
    """Random prompts of 16 to 48 tokens."""
    generator = np.random.default_rng(0)
    return [generator.integers(3, CONFIG.vocab_size, generator.integers(16, 48)).tolist() for _ in range(ROWS)]


def written(engine: Engine, rows: list[list[int]], new: int) -> Callable[[], int]:
    """A turn: add all, step until all are done; tokens written."""
    sampling = SamplingConfig(max_new_tokens=new, temperature=0.0)

    def turn() -> int:
        for row in rows:
            engine.add(Request(prompt_ids=row, sampling=sampling))
        count = 0
        while engine.has_work:
            count += sum(len(event.ids) for event in engine.step())
        return count

    return turn


def theirs(model: Any, rows: list[list[int]]) -> Callable[[], Any]:
    """Transformers' own generate, left-padded."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    real = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    options = dict(max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False, pad_token_id=0)
    return lambda: model.generate(ids, attention_mask=real, **options)


def peers(module: Any, folder: str) -> dict[str, Any]:
    """llama.cpp with files of each kind; empty without it."""
    from peer import Peer

    found = {}
    for kind in KINDS:
        save_gguf(Path(folder, kind), module, kind=kind, extra={"tokenizer.ggml.model": "no_vocab"})
        try:
            found[f"llama.cpp {kind}"] = Peer(Path(folder, kind), len(os.sched_getaffinity(0)), 128, ROWS)
        except ImportError:
            break
    return found


def of_peer(peer: Any, rows: list[list[int]], new: int) -> Callable[[], None]:
    """A turn of llama.cpp: read every prompt, then write a token of all at once."""

    def turn() -> None:
        peer.forget()
        for number, row in enumerate(rows):
            peer.read(row, number)
        for _ in range(new - 1):
            peer.step([1] * len(rows))

    return turn


@torch.inference_mode()
def measure(rounds: int, codecs: list[str]) -> dict[str, Any]:
    """Seconds of each way, and ratios of the turns."""
    from transformers import AutoModelForCausalLM

    module = build(CONFIG, seed=0, scheme="normal").bfloat16().eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder + "/model", module)
        model = AutoModelForCausalLM.from_pretrained(folder + "/model", dtype=torch.bfloat16).eval()
        others = peers(module, folder)
    handle, rows = Handle(module), prompts()
    engines = {
        name: Engine(
            handle, EngineConfig(compiled=CODECS[name], prefix_cache=False, max_tokens_a_step=1024, max_rows=ROWS)
        )
        for name in codecs
    }
    long = np.random.default_rng(1).integers(3, CONFIG.vocab_size, PROMPT).tolist()
    given = torch.tensor([long])
    decode = (
        {name: written(engine, rows, NEW) for name, engine in engines.items()}
        | {"transformers": theirs(model, rows)}
        | {name: of_peer(peer, rows, NEW) for name, peer in others.items()}
    )
    prefill = {
        "engine": written(engines[codecs[0]], [long], 1),
        "transformers": lambda: model(given, use_cache=True, logits_to_keep=1),
    } | {name: of_peer(peer, [long], 1) for name, peer in others.items()}
    found: dict[str, Any] = {}
    for title, ways, tokens in (("decode", decode, ROWS * NEW), ("prefill", prefill, PROMPT)):
        seconds = in_turns(ways, rounds, warm=1)
        found[title] = {
            name: {
                "tokens_per_s": tokens / statistics.median(times),
                "ratio": statistics.median(
                    peer / own for peer, own in zip(seconds["transformers"], times, strict=True)
                ),
            }
            for name, times in seconds.items()
        }
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codec", action="append", choices=list(CODECS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    found = measure(asked.rounds, asked.codec or list(CODECS))
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers")}
    if asked.json:
        print(json.dumps({"machine": machine_name(), "versions": versions, **found}))
        return
    print(machine_name(), *(f"{name} {version}" for name, version in versions.items()), sep=", ")
    for title, ways in found.items():
        for name, one in ways.items():
            print(f"{title:<8} {name:<13} {one['tokens_per_s']:7.0f} tok/s   {one['ratio']:.2f}x transformers")


if __name__ == "__main__":
    main()
