"""Sixteen texts at once under adapters: what a row's own LoRA costs beside the weights alone, and beside reading one adapter after another.

    python benchmarks/inference/engine/adapters.py [--rounds 5] [--json]

A LLaMA shape of 29 M parameters (12 x 384), random weights in float32, LoRA of rank 8 on all matrices of the layers; 16 prompts of 16 tokens and
24 new ones each. base: no row has an adapter; one: all have the same; four: four adapters, four rows each; one by one: the same work as four calls
of four rows, as an engine must that holds one adapter at a time. All by torch, in turns; medians of tokens a second, and of the ratio to `base` in
the same round.
"""

import argparse
import json
import os
import statistics
import time
from types import SimpleNamespace
from typing import Any

import torch

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import processor
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.many import Adapted, add

ROWS, PROMPT, NEW = 16, 16, 24
NAMES = ("a", "b", "c", "d")


def made() -> Engine:
    """An engine with four adapters whose numbers are drawn."""
    shape = LlamaConfig(vocab_size=8000, hidden_size=384, intermediate_size=1024, num_hidden_layers=12, num_attention_heads=6,
                        num_key_value_heads=6, max_position_embeddings=256, tie_word_embeddings=True)  # fmt: skip
    module = build(shape, seed=0).eval()
    engine = Engine(SimpleNamespace(module=module), EngineConfig(max_rows=ROWS, compiled=None, prefix_cache=False))
    adapted = Adapted(module)
    for name in NAMES:
        add(adapted, name, LoraConfig(r=8, target_modules=("all-linear",)))
        with torch.no_grad():
            for parameter in adapted.adapters[name].parameters():
                parameter.normal_(std=0.02)
    engine.adapters = adapted.eval()
    return engine


def written(engine: Engine, adapters: list[str | None]) -> int:
    """Write a text under each of these; the new tokens."""
    for number, name in enumerate(adapters):
        ids = [(7 * number + place) % 8000 for place in range(PROMPT)]
        engine.add(
            Request(prompt_ids=ids, adapter=name, sampling=SamplingConfig(max_new_tokens=NEW, temperature=0.0))
        )
    count = 0
    while engine.has_work:
        count += sum(len(event.ids) for event in engine.step())
    return count


def ways(engine: Engine) -> dict[str, Any]:
    """What is timed; each gives its number of tokens."""
    four = [NAMES[number % 4] for number in range(ROWS)]
    return {
        "base": lambda: written(engine, [None] * ROWS),
        "one": lambda: written(engine, ["a"] * ROWS),
        "four": lambda: written(engine, list(four)),
        "one by one": lambda: sum(written(engine, [name] * (ROWS // 4)) for name in NAMES),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    timed = ways(made())
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(asked.rounds + 1):  # the first is not counted
        for name, way in timed.items():
            start = time.perf_counter()
            count = way()
            if turn:
                rates[name].append(count / (time.perf_counter() - start))
    table = [
        {"way": name, "tokens_per_s": statistics.median(found),
         "of_base": statistics.median(one / base for one, base in zip(found, rates["base"], strict=True))}
        for name, found in rates.items()
    ]  # fmt: skip
    if asked.json:
        print(json.dumps(table))
        return
    print(f"{processor()}, {os.cpu_count()} cores, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}")
    for one in table:
        print(f"{one['way']:<12}{one['tokens_per_s']:8.0f} tokens/s{one['of_base']:7.2f} of base")


if __name__ == "__main__":
    main()
