"""All methods on one task: score, learned numbers, memory of the step, time, size on disk; three seeds.

    python benchmarks/tuning/efficient/methods.py MODEL DATA.jsonl [--steps 100] [--json]

MODEL: a model folder with a chat template. DATA: conversations, of which the last fifth is held out. score: held-out answers of which every token is the
likeliest, which is what a greedy answer would be. bytes: what learns, its gradients and AdamW's two numbers (12 a learned weight more than the frozen model).
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import torch

from groundup.inference.handle import load
from groundup.tuning.config import MethodName, TuneConfig
from groundup.tuning.efficient.methods import put_on
from groundup.tuning.efficient.qlora import bytes_of
from groundup.tuning.supervised.conversations import read_conversations
from groundup.tuning.supervised.instruction import conversations_to_shards, fit


@torch.no_grad()
def score(module: Any, tokenizer: Any, conversations: list[Any]) -> float:
    """The share of answers that greedy decoding would give to the last token."""
    right = 0
    for one in conversations:
        ids, mask = tokenizer.apply_chat_template(one, return_assistant_mask=True)
        likeliest = module(torch.tensor([ids[:-1]]))[0].argmax(-1)
        asked = torch.tensor(mask[1:]).bool()
        right += bool((likeliest == torch.tensor(ids[1:]))[asked].all())
    return right / len(conversations)


def run(handle: Any, conversations: list[Any], method: Any, seed: int, steps: int) -> dict[str, float]:
    """Tune a copy by one method from one seed."""
    held = max(1, len(conversations) // 5)
    config = TuneConfig(
        method=method,
        steps=steps,
        seed=seed,
        seq_len=64,
        batch_size=16,
        optimizer="adamw",
        learning_rate=0.001 if method == "full" else 0.004,
    )
    with tempfile.TemporaryDirectory() as folder:
        shards = conversations_to_shards(conversations[:-held], handle.tokenizer, Path(folder) / "shards")
        trained = put_on(copy.deepcopy(handle.module), config, steps)
        start = time.thread_time()
        fit(
            trained.module,
            shards,
            config,
            Path(folder) / "run",
            objective=trained.objective,
            listeners=trained.listeners,
        )
        seconds = time.thread_time() - start
    trained.module.eval()
    learned = sum(one.numel() for one in trained.module.parameters() if one.requires_grad)
    base = getattr(trained.module, "base", trained.module)
    return {
        "score": score(trained.module, handle.tokenizer, conversations[-held:]),
        "learned": learned,
        "megabytes": (bytes_of(base) + 12 * learned) / 1e6,
        "seconds": seconds,
        "disk_megabytes": 4 * learned / 1e6,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    handle, conversations = load(asked.model, dtype="float32", device="cpu"), read_conversations(asked.data)
    rows = {}
    for method in get_args(MethodName):
        found = [run(handle, conversations, method, seed, asked.steps) for seed in range(1, asked.seeds + 1)]
        rows[method] = {name: [one[name] for one in found] for name in found[0]}
        if not asked.json:
            mean = {name: statistics.mean(values) for name, values in rows[method].items()}
            spread = f"{min(rows[method]['score']):.2f} to {max(rows[method]['score']):.2f}"
            print(
                f"{method:11} score {mean['score']:.3f} ({spread})  learned {mean['learned']:9,.0f}  {mean['megabytes']:6.2f} MB  "
                f"{mean['seconds']:6.1f} s  {mean['disk_megabytes']:6.3f} MB on disk",
                flush=True,
            )
    if asked.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
