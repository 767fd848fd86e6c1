"""All methods of tuning on one task: score, learned numbers, memory of the step, time, size on disk; three seeds; a table and a picture.

    python benchmarks/tuning/efficient/methods.py MODEL [DATA.jsonl] [--steps 100] [--seeds 3] [--methods lora qlora] [--out FOLDER]

MODEL: a folder with a chat template, such as the pretrained one of `groundup demo` (`runs/demo/stages/*-train-*/model`). DATA: conversations, of which
the last fifth is held out; left out, four families of tinyworld's instructions. score: held-out answers that greedy decoding writes word for word.
memory: the model as it is kept while it learns, and 12 bytes a learned weight (gradient, AdamW's two means). time: CPU seconds of the thread.
Each method has a rate of its own (RATES), as one rate for all would compare rates. Those of LoRA, IA3 and full tuning were chosen after trying a few on
these very held-out answers, the others are guesses: no method's rate is searched for as the others' are.
"""

import argparse
import copy
import json
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import torch

from groundup import files, plots
from groundup.inference.handle import load
from groundup.processor import processor
from groundup.tuning.config import MethodName, TuneConfig
from groundup.tuning.efficient.methods import put_on
from groundup.tuning.efficient.qlora import bytes_of
from groundup.tuning.supervised.conversations import read_conversations
from groundup.tuning.supervised.exact import answered_exactly
from groundup.tuning.supervised.instruction import conversations_to_shards, fit

FAMILIES, ROWS = ("opposite", "plural", "past", "caption"), 500
RATES = {
    "full": 0.001,
    "bottleneck": 0.01,
    "parallel": 0.01,
    "ia3": 0.1,
    "prompt": 0.1,
    "prefix": 0.05,
    "p_tuning": 0.01,
}  # the others' is 0.02
HEAD = ("method", "held-out answers right", "seeds", "learned numbers", "memory", "CPU time", "on disk")


def own_conversations() -> list[Any]:
    """So many instructions of the four families."""
    from groundup.data.sources import tinyworld

    drawn = (one for one in tinyworld.instructions(1, 20 * ROWS, "train") if one.family in FAMILIES)
    return [one.messages for one, _ in zip(drawn, range(ROWS), strict=False)]


def run(handle: Any, conversations: list[Any], method: Any, seed: int, steps: int) -> dict[str, float]:
    """Tune a copy by one method from one seed."""
    held = max(1, len(conversations) // 5)
    rate = RATES.get(method, 0.02)
    config = TuneConfig(
        method=method, steps=steps, seed=seed, seq_len=64, batch_size=16, optimizer="adamw", learning_rate=rate
    )
    with tempfile.TemporaryDirectory() as folder:
        shards = conversations_to_shards(conversations[:-held], handle.tokenizer, Path(folder) / "shards", 65)
        trained = put_on(copy.deepcopy(handle.module), config, steps)
        start = time.thread_time()
        told = {"objective": trained.objective, "listeners": trained.listeners}
        fit(trained.module, shards, config, Path(folder) / "run", **told)
        seconds = time.thread_time() - start
    learned = sum(one.numel() for one in trained.module.parameters() if one.requires_grad)
    base = getattr(trained.module, "base", trained.module)
    right = answered_exactly(trained.module, handle.tokenizer, conversations[-held:])
    return {
        "score": sum(right) / len(right),
        "learned": learned,
        "memory": bytes_of(base) + 12 * learned,
        "seconds": seconds,
        "disk": 4 * learned,
    }


def table(found: dict[str, Any]) -> str:
    """The results as markdown, a method a line, the best score first."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---:|---:|---:|---:|---:|---:|"]
    for method, rows in sorted(
        found["runs"].items(), key=lambda pair: -statistics.mean(one["score"] for one in pair[1])
    ):
        mean = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
        seeds = ", ".join(f"{row['score']:.2f}" for row in rows)
        sizes = f"{mean['learned']:,.0f} | {mean['memory'] / 1e6:.1f} MB | {mean['seconds']:.0f} s | {mean['disk'] / 1e6:.3f} MB"
        lines.append(f"| {method} | {mean['score']:.3f} | {seeds} | {sizes} |")
    return "\n".join([*lines, "", f"Before: {found['before']:.3f}. {found['about']}.", ""])


def picture(found: dict[str, Any]) -> str:
    """The score of each method against how much it learns (logarithmic), a dot a seed, as a page."""
    dots = [(math.log10(row["learned"]), row["score"], method) for method, runs in found["runs"].items() for row in runs]
    title = "What each method reaches, with how much that learns"
    figure = plots.scatter(
        [dot[:2] for dot in dots], groups=[method for *_, method in dots],
        x="numbers that learn, powers of ten", y="held-out answers right", title=title,
    )  # fmt: skip
    return plots.to_html([figure], title=title)


def main() -> None:
    """Run every method from every seed; table and picture stand after each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(get_args(MethodName)))
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    handle = load(asked.model, dtype="float32", device="cpu")
    conversations = read_conversations(asked.data) if asked.data else own_conversations()
    kept = conversations[-max(1, len(conversations) // 5) :]
    before = answered_exactly(handle.module, handle.tokenizer, kept)
    about = f"{asked.steps} steps of 16 rows of 64 tokens, {len(conversations) - len(kept)} conversations, {len(kept)} held out, one thread, {processor()}"
    found: dict[str, Any] = {"before": sum(before) / len(before), "about": about, "runs": {}}
    for seed in range(1, asked.seeds + 1):
        for method in asked.methods:
            row = run(handle, conversations, method, seed, asked.steps)
            found["runs"].setdefault(method, []).append(row)
            if asked.out:
                asked.out.mkdir(parents=True, exist_ok=True)
                files.write_json(asked.out / "methods.json", found)
                files.write_text(asked.out / "methods.md", table(found))
                files.write_text(asked.out / "methods.html", picture(found))
            if not asked.json:
                print(f"{method} {seed}: {row['score']:.3f}, {row['seconds']:.0f} CPU s", flush=True)
    print(json.dumps(found, indent=2) if asked.json else table(found))


if __name__ == "__main__":
    main()
