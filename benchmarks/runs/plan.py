"""`groundup plan` against the truth: time and memory of ten short runs of different shape, each forecast first and then made.

    python benchmarks/runs/plan.py [--only NAME ...] [--turns 3]       alone on the machine: a turn takes about 12 minutes on two cores

For every run: the forecast (a run in small in a process of its own, measured anew), then the run itself in a process of its own. Both are stopped for a
moment every second, in which a fixed matrix product is timed: the ratio of its medians is the machine's drift, and it is divided out. Of a forecast the later
half counts, which are the steps that it times, of a run all but its beginning: a product after imports and compilation takes up to twice as long. Before and
after is not enough on two virtual cores: in one run of 18 seconds the median step went from 22 to 30 ms, in another from 98 to 64. The moments of standing
still are taken off both.
With several turns all runs are made in each, and the median of a run's deviations is judged: the very same run took 1.2x (median of the ten) and up to
1.39x as long in one of three repeats as in another, drift not yet divided out, on an AMD EPYC with two virtual cores. There three turns had 9, 10 and 10
of 10 within 15 % (the one: 15.8 %), and 30 of 30 within 10 % of the memory.
Memory is the peak of the process. Prints a row a run, and how many of them are within 15 % of the time and 10 % of the memory.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from groundup.processor import machine_name

STAGES = ["data", "tokenizer", "train"]
BASE: dict[str, Any] = {
    "stages": STAGES,
    "seed": 1,
    "data": {
        "tinyworld_bytes": 1_500_000,
        "python_bytes": 0,
        "heldout_bytes": 40_000,
        "instructions": 0,
        "heldout_instructions": 0,
    },
    "tokenizer": {"vocab_size": 1024},
    "train": {"batch_size": 8, "seq_len": 128, "validate_every": 50, "sample_every": 100, "checkpoint_every": 50},
}
EVERY_S, PRODUCTS = (
    1.0,
    8,
)  # stops of a tenth of a second: longer and fewer ones fall unevenly into the few seconds from which a forecast is made
BEGINS = 5  # stops while a run imports and compiles
QWEN = {"model_type": "qwen3", "tie_word_embeddings": True, "max_position_embeddings": 256}


def qwen(width: int, layers: int, **more: Any) -> dict[str, Any]:
    """A qwen3 of a width and depth."""
    heads = max(2, width // 32)
    return QWEN | {"hidden_size": width, "intermediate_size": round(width * 8 / 3 / 8) * 8, "num_hidden_layers": layers,
                   "num_attention_heads": heads, "num_key_value_heads": heads // 2 if heads % 2 == 0 else 1, "head_dim": 32} | more  # fmt: skip


RUNS: dict[str, dict[str, Any]] = {
    "narrow, many steps": {"model": qwen(64, 2), "train": {"steps": 1500}},
    "wide, few steps": {"model": qwen(256, 4), "train": {"steps": 200}},
    "deep": {"model": qwen(96, 10), "train": {"steps": 300}},
    "long rows": {"model": qwen(128, 4), "train": {"steps": 400, "batch_size": 4, "seq_len": 256}},
    "short rows": {"model": qwen(128, 4), "train": {"steps": 400, "batch_size": 32, "seq_len": 32}},
    "AdamW": {"model": qwen(160, 4), "train": {"steps": 400, "optimizer": "adamw", "learning_rate": 0.003}},
    "accumulation": {"model": qwen(128, 3), "train": {"steps": 250, "batch_size": 4, "gradient_accumulation_steps": 4}},
    "gpt2, large vocabulary": {
        "model": {"model_type": "gpt2", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "max_position_embeddings": 256},
        "data": {"python_bytes": 1_000_000},
        "tokenizer": {"vocab_size": 4096},
        "train": {"steps": 350},
    },
    "llama, python text": {
        "model": {"model_type": "llama", "hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 4, "num_attention_heads": 4,
                  "num_key_value_heads": 4, "max_position_embeddings": 256},
        "data": {"tinyworld_bytes": 0, "python_bytes": 1_000_000},
        "train": {"steps": 350},
    },
    "experts": {
        "model": {"model_type": "mixtral", "hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3,
                  "num_key_value_heads": 3, "num_local_experts": 4, "num_experts_per_tok": 2, "max_position_embeddings": 256},
        "train": {"steps": 300},
    },
}  # fmt: skip


def written(name: str, changes: dict[str, Any], folder: Path) -> Path:
    """The recipe's file."""
    from groundup.runs import recipe

    made = recipe.resolve(recipe.merge(recipe.merge(BASE, {"name": "planned"}), changes), name)
    path = folder / "recipe.toml"
    path.write_text(made.to_toml())
    return path


def command(folder: Path, *arguments: str) -> tuple[str, list[float], float]:
    """What a groundup command prints, in a process of its own; the seconds of a product at each stop, and the share of the time it stood still for these."""
    began, stood, found = time.perf_counter(), 0.0, []
    with tempfile.TemporaryFile("w+") as said:
        line, quiet = [sys.executable, "-m", "groundup.cli", *arguments], os.environ | {"GROUNDUP_QUIET": "1"}
        child = subprocess.Popen(line, cwd=folder, env=quiet, stdout=said, start_new_session=True)
        while not ended(child):
            still = time.perf_counter()
            os.killpg(child.pid, signal.SIGSTOP)
            found.append(product_seconds())
            os.killpg(child.pid, signal.SIGCONT)
            stood += time.perf_counter() - still
        assert child.returncode == 0, arguments
        said.seek(0)
        return said.read(), found, stood / (time.perf_counter() - began)


def ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether the process ended within the next two seconds."""
    try:
        return child.wait(EVERY_S) is not None
    except subprocess.TimeoutExpired:
        return False


def product_seconds() -> float:
    """The mean time of a fixed matrix product now, on all threads: less than a tenth of a second's worth."""
    import torch

    matrix = torch.randn(768, 768, generator=torch.Generator().manual_seed(0))
    matrix @ matrix
    began = time.perf_counter()
    for _ in range(PRODUCTS):
        matrix @ matrix
    return (time.perf_counter() - began) / PRODUCTS


def compared(name: str, changes: dict[str, Any]) -> dict[str, float]:
    """Forecast and truth of one run."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = str(written(name, changes, folder))
        said, before, paused = command(folder, "plan", path, "--again", "--json")
        forecast = json.loads(said)
        _, after, stood = command(folder, "run", path, "--out", "run")
        costs = [json.loads(done.read_text())["cost"] for done in (folder / "run" / "stages").glob("*/done.json")]
    return {
        "forecast_s": forecast["seconds"] * (1 - paused),
        "took_s": sum(cost["seconds"] for cost in costs) * (1 - stood),
        "drift": statistics.median(after[BEGINS:]) / statistics.median(before[len(before) // 2 :]),
        "forecast_mb": forecast["memory_bytes"] / 1e6,
        "peak_mb": max(cost["peak_memory_bytes"] for cost in costs) / 1e6,
    }


def judged(turns: list[dict[str, float]]) -> dict[str, float]:
    """The medians of a run's turns, and how far the truth lies from the forecast of the same turn, since a drift is that since a turn's forecast."""
    apart = [
        {
            "time": turn["took_s"] / turn["drift"] / turn["forecast_s"] - 1,
            "memory": turn["peak_mb"] / turn["forecast_mb"] - 1,
        }
        for turn in turns
    ]
    both = [turn | one for turn, one in zip(turns, apart, strict=True)]
    return {key: statistics.median(turn[key] for turn in both) for key in both[0]}


def show(name: str, one: dict[str, float]) -> None:
    """A row."""
    print(
        f"{name:24s} {one['forecast_s']:6.1f} s {one['took_s']:6.1f} s  {one['drift']:.2f}  {one['time']:+6.1%} {one['forecast_mb']:6.0f} MB "
        f"{one['peak_mb']:5.0f} MB  {one['memory']:+6.1%}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", default=list(RUNS))
    parser.add_argument("--turns", type=int, default=1)
    given = parser.parse_args()
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in given.only}
    print(f"{machine_name()}\n{'run':24s} forecast    took  drift    time  forecast    peak  memory")
    for turn in range(given.turns):
        for name in given.only:
            turns[name].append(compared(name, RUNS[name]))
            show(name, judged(turns[name][turn:]))
    found = [judged(each) for each in turns.values()]
    if given.turns > 1:
        print(f"medians of {given.turns} turns")
        for name, one in zip(turns, found, strict=True):
            show(name, one)
    print(f"within 15 % of the time: {sum(abs(one['time']) <= 0.15 for one in found)} of {len(found)}; "
          f"within 10 % of the memory: {sum(abs(one['memory']) <= 0.1 for one in found)} of {len(found)}")  # fmt: skip


if __name__ == "__main__":
    main()
