"""`groundup plan` against the truth: time and memory of ten short runs of different shape, each forecast first and then made.

    python benchmarks/runs/plan.py [--only NAME ...]           alone on the machine: about 8 minutes on two cores

For every run: the forecast (a run in small in a process of its own, measured anew), then the run itself in a process of its own; both note the
seconds of a fixed matrix product, and the machine's drift between the two is divided out. Memory is the peak of the process. Prints a row a run, and
how many of them are within 15 % of the time and 10 % of the memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
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
QWEN = {"model_type": "qwen3", "tie_word_embeddings": True, "max_position_embeddings": 256}


def qwen(width: int, layers: int, **more: Any) -> dict[str, Any]:
    """A qwen3 of a width and depth."""
    heads = max(2, width // 32)
    return QWEN | {"hidden_size": width, "intermediate_size": round(width * 8 / 3 / 8) * 8, "num_hidden_layers": layers,
                   "num_attention_heads": heads, "num_key_value_heads": heads // 2 if heads % 2 == 0 else 1, "head_dim": 32} | more  # fmt: skip


RUNS: dict[str, dict[str, Any]] = {
    "narrow, many steps": {"model": qwen(64, 2), "train": {"steps": 500}},
    "wide, few steps": {"model": qwen(256, 4), "train": {"steps": 80}},
    "deep": {"model": qwen(96, 10), "train": {"steps": 120}},
    "long rows": {"model": qwen(128, 4), "train": {"steps": 100, "batch_size": 4, "seq_len": 256}},
    "short rows": {"model": qwen(128, 4), "train": {"steps": 150, "batch_size": 32, "seq_len": 32}},
    "AdamW": {"model": qwen(160, 4), "train": {"steps": 120, "optimizer": "adamw", "learning_rate": 0.003}},
    "accumulation": {"model": qwen(128, 3), "train": {"steps": 80, "batch_size": 4, "gradient_accumulation_steps": 4}},
    "gpt2, large vocabulary": {
        "model": {"model_type": "gpt2", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "max_position_embeddings": 256},
        "data": {"python_bytes": 1_000_000},
        "tokenizer": {"vocab_size": 4096},
        "train": {"steps": 120},
    },
    "llama, python text": {
        "model": {"model_type": "llama", "hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 4, "num_attention_heads": 4,
                  "num_key_value_heads": 4, "max_position_embeddings": 256},
        "data": {"tinyworld_bytes": 0, "python_bytes": 1_000_000},
        "train": {"steps": 120},
    },
    "experts": {
        "model": {"model_type": "mixtral", "hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3,
                  "num_key_value_heads": 3, "num_local_experts": 4, "num_experts_per_tok": 2, "max_position_embeddings": 256},
        "train": {"steps": 100},
    },
}  # fmt: skip


def written(name: str, changes: dict[str, Any], folder: Path) -> Path:
    """The recipe's file."""
    from groundup.runs import recipe

    made = recipe.resolve(recipe.merge(recipe.merge(BASE, {"name": "planned"}), changes), name)
    path = folder / "recipe.toml"
    path.write_text(made.to_toml())
    return path


def command(folder: Path, *arguments: str) -> str:
    """What a groundup command prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "groundup.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compared(name: str, changes: dict[str, Any]) -> dict[str, float]:
    """Forecast and truth of one run."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = str(written(name, changes, folder))
        forecast = json.loads(command(folder, "plan", path, "--again", "--json"))
        command(folder, "run", path, "--out", "run")
        costs = [json.loads(done.read_text())["cost"] for done in (folder / "run" / "stages").glob("*/done.json")]
    products = sorted(seconds for cost in costs for seconds in cost["matmul_seconds"] if seconds)
    drift = products[len(products) // 2] / forecast["matmul_seconds"]
    return {
        "forecast_s": forecast["seconds"],
        "took_s": sum(cost["seconds"] for cost in costs),
        "drift": drift,
        "time": sum(cost["seconds"] for cost in costs) / drift / forecast["seconds"] - 1,
        "forecast_mb": forecast["memory_bytes"] / 1e6,
        "peak_mb": max(cost["peak_memory_bytes"] for cost in costs) / 1e6,
        "memory": max(cost["peak_memory_bytes"] for cost in costs) / forecast["memory_bytes"] - 1,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", default=list(RUNS))
    chosen = parser.parse_args().only
    print(f"{machine_name()}\n{'run':24s} forecast    took  drift    time  forecast    peak  memory")
    found = []
    for name in chosen:
        one = compared(name, RUNS[name])
        found.append(one)
        print(
            f"{name:24s} {one['forecast_s']:6.1f} s {one['took_s']:6.1f} s  {one['drift']:.2f}  {one['time']:+6.1%} {one['forecast_mb']:6.0f} MB "
            f"{one['peak_mb']:5.0f} MB  {one['memory']:+6.1%}",
            flush=True,
        )
    print(f"within 15 % of the time: {sum(abs(one['time']) <= 0.15 for one in found)} of {len(found)}; "
          f"within 10 % of the memory: {sum(abs(one['memory']) <= 0.1 for one in found)} of {len(found)}")  # fmt: skip


if __name__ == "__main__":
    main()
