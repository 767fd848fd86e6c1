"""All methods of tuning on one task: score, learned numbers, memory of the step, time, size on disk; three seeds; a table and a picture.

    python benchmarks/tuning/efficient/methods.py MODEL [DATA.jsonl] [--steps 320] [--seeds 3] [--methods lora qlora] [--no-search] [--out FOLDER]

MODEL: a folder with a chat template, such as the pretrained one of `groundup demo` (`runs/demo/stages/*-train-*/model`). DATA: conversations; left out,
four families of tinyworld's instructions, none twice. The last fifth is asked in the table and by nothing else. Each method's rate is chosen beforehand from
three of its own (RATES) by one run of half the steps from seed 0, which learns from the first three fifths and is asked the fourth: the most answers
right win, of equal ones the smaller loss. While the best lies at an end of what was tried, one rate beyond it is tried as well, MOST in all. The
table's runs begin from the seeds 1, 2, ... and learn from the first four fifths.
score: answers that greedy decoding writes word for word. loss: nats a token of them. memory: the model as it is kept while it learns, and 12 bytes a learned
weight (gradient, AdamW's two means). time: CPU seconds of the thread. on disk: the adapter's weights in its folder, of full tuning the model's.
Writes methods.json, methods.md and methods.svg after each run.
"""

import argparse
import copy
import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import torch

from groundup import files
from groundup.errors import Diverged
from groundup.inference.handle import load
from groundup.processor import processor
from groundup.tuning.config import MethodName, TuneConfig
from groundup.tuning.efficient.methods import put_on
from groundup.tuning.efficient.peft_files import save_adapter
from groundup.tuning.efficient.qlora import bytes_of
from groundup.tuning.supervised.conversations import read_conversations
from groundup.tuning.supervised.exact import answered, loss_of
from groundup.tuning.supervised.instruction import conversations_to_shards, fit

FAMILIES, ROWS = ("opposite", "plural", "past", "caption"), 500
THIN = (0.01, 0.02, 0.04)  # of lora, dora, adalora, qlora
RATES = {
    "full": (0.0003, 0.001, 0.003),
    "ia3": (0.03, 0.1, 0.3),
    "bottleneck": (0.003, 0.01, 0.03),
    "parallel": (0.003, 0.01, 0.03),
    "prompt": (0.03, 0.1, 0.3),
    "prefix": (0.015, 0.05, 0.15),
    "p_tuning": (0.003, 0.01, 0.03),
}
MOST = 7  # rates of a method
DIVERGED = 1e9  # in place of a loss that JSON cannot hold
HEAD = ("method", "held-out answers right", "seeds", "loss", "rate", "learned numbers", "memory", "CPU time", "on disk")


def own_conversations() -> list[Any]:
    """So many different instructions of the four families."""
    from groundup.data.sources import tinyworld

    found: dict[str, Any] = {}
    for one in tinyworld.instructions(1, 40 * ROWS, "train"):
        if one.family in FAMILIES and len(found) < ROWS:
            found.setdefault(json.dumps(one.messages), one.messages)
    return list(found.values())


def run(handle: Any, learned: list[Any], asked: list[Any], config: TuneConfig) -> dict[str, float]:
    """Tune a copy of the model, and ask it."""
    with tempfile.TemporaryDirectory() as folder:
        shards = conversations_to_shards(learned, handle.tokenizer, Path(folder) / "shards", config.seq_len + 1)
        trained = put_on(copy.deepcopy(handle.module), config, config.steps)
        start = time.thread_time()
        told = {"objective": trained.objective, "listeners": trained.listeners}
        fit(trained.module, shards, config, Path(folder) / "run", **told)
        seconds = time.thread_time() - start
        learning = sum(one.numel() for one in trained.module.parameters() if one.requires_grad)
        disk = 4 * learning if config.method == "full" else adapter_bytes(trained.module, Path(folder) / "adapter")
    found = answered(trained.module, handle.tokenizer, asked)
    base = getattr(trained.module, "base", trained.module)
    return {
        "score": sum(one.exact for one in found) / len(found),
        "loss": loss_of(found),
        "rate": config.learning_rate,
        "learned": learning,
        "memory": bytes_of(base) + 12 * learning,
        "seconds": seconds,
        "disk": disk,
    }


def adapter_bytes(module: Any, folder: Path) -> int:
    """What the adapter's weights take in its folder."""
    save_adapter(folder, module, base="base")
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def config_of(method: Any, rate: float, seed: int, steps: int) -> TuneConfig:
    """What all runs have in common, and what tells them apart."""
    common: dict[str, Any] = {"seq_len": 64, "batch_size": 8, "optimizer": "adamw", "checkpoint_every": 0}
    return TuneConfig(method=method, steps=steps, seed=seed, learning_rate=rate, **common)


def chosen(tried: Sequence[dict[str, float]]) -> float:
    """The rate with the most answers right, of equal ones the one with the smaller loss.

    >>> chosen([{"score": 0.5, "loss": 1.0, "rate": 0.1}, {"score": 0.5, "loss": 0.9, "rate": 0.3}])
    0.3
    """
    return max(tried, key=lambda row: (row["score"], -row["loss"]))["rate"]


def beyond(tried: Sequence[dict[str, float]]) -> float | None:
    """The next rate on the side on which the best one is the last; None where it lies between others.

    >>> beyond([{"score": 0.5, "loss": 1.0, "rate": 0.125}, {"score": 0.6, "loss": 0.9, "rate": 0.25}])
    0.5
    """
    rates = sorted(row["rate"] for row in tried)
    best, factor = chosen(tried), rates[1] / rates[0]
    return best * factor if best == rates[-1] else best / factor if best == rates[0] else None


def search(handle: Any, learned: list[Any], asked: list[Any], method: str, steps: int) -> list[dict[str, float]]:
    """What each rate of a method comes to."""
    tried, rates = list[dict[str, float]](), list(RATES.get(method, THIN))
    while rates:
        config = config_of(method, rates.pop(0), 0, max(1, steps // 2))
        try:
            tried.append(run(handle, learned, asked, config))
        except Diverged:
            tried.append({"score": 0.0, "loss": DIVERGED, "rate": config.learning_rate, "seconds": 0.0})
        further = beyond(tried) if not rates and len(tried) < MOST else None
        rates += [float(f"{further:.3g}")] if further else []
    return sorted(tried, key=lambda row: row["rate"])


def table(found: dict[str, Any]) -> str:
    """The results as markdown, a method a line, the best score first."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for method, mean in sorted(means(found).items(), key=lambda pair: (-pair[1]["score"], pair[1]["loss"])):
        seeds = ", ".join(f"{row['score']:.2f}" for row in found["runs"][method])
        sizes = f"{mean['learned']:,.0f} | {mean['memory'] / 1e6:.1f} MB | {mean['seconds']:.0f} s | {mean['disk'] / 1e6:.3f} MB"
        lines.append(f"| {method} | {mean['score']:.3f} | {seeds} | {mean['loss']:.3f} | {mean['rate']:g} | {sizes} |")
    before = f"Before: {found['before']['score']:.3f} right, loss {found['before']['loss']:.3f}."
    return "\n".join([*lines, "", f"{before} {found['about']}.", "", *searched(found), ""])


def means(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of each method the mean of its seeds."""
    return {method: {name: statistics.mean(row[name] for row in rows) for name in rows[0]} for method, rows in found["runs"].items()}


def searched(found: dict[str, Any]) -> list[str]:
    """The search for the rates as markdown: what each came to, on the answers that the table does not ask."""
    if not found["search"]:
        return []
    lines = ["| method | rate: answers right of the search's own |", "|---|---|"]
    for method, rows in found["search"].items():
        told = ", ".join(f"{row['rate']:g}: " + ("diverged" if row["loss"] == DIVERGED else f"{row['score']:.2f}") for row in rows)
        lines.append(f"| {method} | {told}; chosen {chosen(rows):g} |")
    return lines


def picture(found: dict[str, Any]) -> str:
    """The score of each method against how much it learns (logarithmic), each seed as a dot, as an SVG."""
    drawn = sorted(means(found).items(), key=lambda pair: pair[1]["learned"])
    powers = [math.log10(row["learned"]) for _, row in drawn]
    first, last = math.floor(min(powers)), math.ceil(max(powers) + 0.01)

    def place(row: dict[str, float]) -> tuple[float, float]:
        return 60 + 560 * (math.log10(row["learned"]) - first) / (last - first), 310 - 270 * row["score"]

    parts = []
    for tenth in range(0, 11, 2):
        y = 310 - 27 * tenth
        parts += [f'<line x1="60" x2="640" y1="{y}" y2="{y}" stroke="#ddd"/>', f'<text x="20" y="{y + 4}">{tenth * 10} %</text>']
    for power in range(first, last + 1):
        x = 60 + 560 * (power - first) / (last - first)
        parts.append(f'<text x="{x:.1f}" y="328" text-anchor="middle">{10**power:,}</text>')
    for number, (method, mean) in enumerate(drawn):
        for row in found["runs"][method]:
            parts.append('<circle cx="{:.1f}" cy="{:.1f}" r="2" fill="#d62728"/>'.format(*place(row)))
        x, y = place(mean)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#1f77b4"/>')
        parts.append(f'<text x="{x + 7:.1f}" y="{y + (14 if number % 2 else -6):.1f}" font-size="10">{method}</text>')
    body = "\n".join(parts)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="370" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n'
        '<text x="350" y="355" text-anchor="middle">numbers that learn; above: held-out answers right, the mean in blue, each seed in red</text>\n</svg>\n'
    )


def keep(found: dict[str, Any], folder: Path | None) -> None:
    """Write what there is so far."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "methods.json", found)
    if found["runs"]:
        files.write_text(folder / "methods.md", table(found))
        files.write_text(folder / "methods.svg", picture(found))


def main() -> None:
    """Choose the rates, then run every method from every seed; table and picture stand after each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(get_args(MethodName)))
    parser.add_argument("--no-search", action="store_true", help="take each method's middle rate")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    handle = load(asked.model, dtype="float32", device="cpu")
    rows = read_conversations(asked.data) if asked.data else own_conversations()
    fifth = max(1, len(rows) // 5)
    held, others = rows[-fifth:], rows[:-fifth]
    alone = answered(handle.module, handle.tokenizer, held)
    about = f"{asked.steps} steps of 8 rows of 64 tokens, {len(others)} conversations, {fifth} held out, one thread, {processor()}"
    before = {"score": sum(one.exact for one in alone) / fifth, "loss": loss_of(alone)}
    found: dict[str, Any] = {"before": before, "about": about, "search": {}, "runs": {}}
    for method in [] if asked.no_search else asked.methods:
        found["search"][method] = search(handle, others[:-fifth], others[-fifth:], method, asked.steps)
        for row in found["search"][method]:
            say(asked, f"{method}, rate {row['rate']:g}: {row['score']:.3f}, loss {row['loss']:.3f}, {row['seconds']:.0f} CPU s")
        keep(found, asked.out)
    rates = {method: chosen(tried) for method, tried in found["search"].items()}
    for seed in range(1, asked.seeds + 1):
        for method in asked.methods:
            rate = rates.get(method, RATES.get(method, THIN)[1])
            row = run(handle, others, held, config_of(method, rate, seed, asked.steps))
            found["runs"].setdefault(method, []).append(row)
            keep(found, asked.out)
            say(asked, f"{method}, seed {seed}: {row['score']:.3f}, loss {row['loss']:.3f}, {row['seconds']:.0f} CPU s")
    print(json.dumps(found, indent=2) if asked.json else table(found))


def say(asked: Any, line: str) -> None:
    """A line as it goes, but none where JSON is wanted."""
    if not asked.json:
        print(line, flush=True)


if __name__ == "__main__":
    main()
