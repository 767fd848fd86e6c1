"""All methods of compression on one model: size, decoding speed and perplexity, from three parts of the text; a table and a picture.

    python benchmarks/compression/methods.py MODEL [--text PATH] [--seeds 3] [--methods gptq awq] [--tokens 16384] [--held 8192] [--out FOLDER]

MODEL: a folder, best of 10 million parameters or more. --text: text like the model's own; left out, both embedded worlds. Each seed calibrates on
other texts; what is held out is the same for all. size: of the weights in a folder as `groundup compress` writes it, and of the blocks alone a weight.
decoding: tokens a second of one text over those of the unchanged model in 32-bit floats, medians of 60 steps in turns, each in its thread's own time,
so that other programs on the machine count little: the compiled step with records of as many bits as the method's (torch for smoothquant, whose
inputs are rounded too and which has no compiled step). Writes methods.json, methods.md and methods.html after each method.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundup import files, plots
from groundup.cli.compress import texts
from groundup.compression import compress
from groundup.compression.config import CompressConfig
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.compiled.choose import decoder_for
from groundup.inference.handle import load
from groundup.machine.probe.timing import in_turns
from groundup.processor import processor

METHODS: dict[str, dict[str, Any]] = {
    "8 bits, rounded, a scale a row": {"method": "round", "bits": 8, "group_size": 0},
    "8 bits, rounded, groups of 32": {"method": "round", "bits": 8},
    "smoothquant (8 bits, inputs too)": {"method": "smoothquant"},
    "4 bits, rounded": {"method": "round"},
    "4 bits, gptq": {"method": "gptq"},
    "4 bits, awq": {"method": "awq"},
    "5 bits on average, gptq": {"method": "gptq", "mean_bits": 5.0},
    "half zero, magnitude": {"method": "magnitude"},
    "half zero, wanda": {"method": "wanda"},
    "half zero, sparsegpt": {"method": "sparsegpt"},
    "2 of 4 zero, sparsegpt": {"method": "sparsegpt", "pattern": "2:4"},
    "a quarter of the channels": {"method": "channels", "share": 0.25},
    "a fifth of the heads": {"method": "heads", "share": 0.2},
    "an eighth of the layers": {"method": "layers", "share": 0.125},
}
HEAD = ("method", "weights", "bits a weight of the blocks", "decoding", "perplexity", "change", "of each seed")
WARM, ROUNDS = 2, 60


def step_of(module: Any, bits: float | None) -> Callable[[], object]:
    """What writes one more token of one text, WARM + ROUNDS of them."""
    codec = "f32" if bits is None else "q8_0" if bits > 4 else "q4_0"
    lowered = decoder_for(module, codec, threads=1)
    if lowered is not None:
        text = lowered.text(WARM + ROUNDS)
        return lambda: text.step(0)
    cache, token = KVCache.of(module, 1, WARM + ROUNDS), torch.tensor([[0]])

    @torch.inference_mode()
    def step() -> object:
        return module(token, cache=cache)

    return step


def run(handle: Any, pieces: list[Any], held: Any, config: CompressConfig, timed: bool) -> dict[str, Any]:
    """One method on one part of the text. timed: the speed is asked for."""
    made = compress.change(copy.deepcopy(handle.module), config, pieces)
    row: dict[str, Any] = {"perplexity": compress.perplexity(made.module, held), "zeros": made.zeros, "bits": compress.mean_bits(made)}
    with tempfile.TemporaryDirectory() as folder:
        names = compress.file_names(handle.module) if config.quantises else {}
        compress.write(handle, Path(folder) / "made", config, made, names)
        row["bytes"] = compress.size_of(Path(folder) / "made")
    if timed:
        ways = {"plain": step_of(handle.module, None), "made": step_of(made.module, row["bits"])}
        seconds = in_turns(ways, ROUNDS, warm=WARM, clock=time.thread_time)
        row["speed"] = statistics.median(seconds["plain"]) / statistics.median(seconds["made"])
        row["tokens_per_s"] = 1 / statistics.median(seconds["made"])
    return row


def table(found: dict[str, Any]) -> str:
    """The results as markdown, a method a line."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---:|---:|---:|---:|---:|---:|"]
    for name, rows in found["runs"].items():
        first, mean = rows[0], statistics.mean(row["perplexity"] for row in rows)
        seeds = ", ".join(f"{row['perplexity'] / found['before'] - 1:+.2%}" for row in rows)
        bits = "32" if first["bits"] is None else f"{first['bits']:.1f}"
        speed = f"{first['speed']:.2f}x" if "speed" in first else ""
        lines.append(
            f"| {name} | {first['bytes'] / 1e6:.1f} MB | {bits} | {speed} | {mean:.3f} | "
            f"{mean / found['before'] - 1:+.2%} | {seeds} |"
        )
    return "\n".join([*lines, "", f"Before: {found['bytes'] / 1e6:.1f} MB, perplexity {found['before']:.3f}. {found['about']}.", ""])


def picture(found: dict[str, Any]) -> str:
    """What each method adds to the perplexity, with its size, from the least to the most of its seeds, as a page of two figures: their ranges are far apart."""
    fewer, gone = {}, {}
    for name, runs in found["runs"].items():
        lost = [100 * (row["perplexity"] / found["before"] - 1) for row in runs]
        quantised = runs[0]["bits"] is not None
        (fewer if quantised else gone)[f"{name}: {runs[0]['bytes'] / 1e6:.1f} MB"] = {
            "value": statistics.mean(lost), "low": min(lost), "high": max(lost),
        }  # fmt: skip
    title = f"what it costs a model of {found['bytes'] / 1e6:.1f} MB"
    parts = {f"Fewer bits: {title}": fewer, f"Weights gone: {title}": gone}
    figures = [plots.differences(rows, x="perplexity after over before, less 1, in %", title=part) for part, rows in parts.items() if rows]
    return plots.to_html(figures, title="Methods of compression")


def main() -> None:
    """Run every method from every seed; table and picture stand after each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--text", type=Path, default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--held", type=int, default=8192)
    parser.add_argument("--no-speed", action="store_true", help="leave out what decoding takes")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    handle = load(asked.model, dtype="float32", device="cpu")
    configs = {name: CompressConfig(**METHODS[name], calibration_tokens=asked.tokens, held_out_tokens=asked.held) for name in METHODS}
    parts = {}
    for seed in range(1, asked.seeds + 1):
        held, pieces = compress.pieces_of(handle, texts(asked.text, asked.model), replace(configs["4 bits, gptq"], seed=seed))
        parts[seed] = pieces
    weights = sum(one.numel() for one in handle.module.parameters())
    about = f"{weights:,} parameters, {asked.tokens:,} tokens of calibration and {asked.held:,} held out, one thread, {processor()}"
    before = compress.perplexity(handle.module, held)
    found: dict[str, Any] = {"before": before, "bytes": compress.size_of(asked.model), "about": about, "runs": {}}
    for name in asked.methods:
        config = configs[name]
        for seed in range(1, (asked.seeds if config.looks_at_texts else 1) + 1):
            row = run(handle, parts[seed], held, replace(config, seed=seed), seed == 1 and not asked.no_speed)
            found["runs"].setdefault(name, []).append(row)
            if not asked.json:
                print(f"{name}, seed {seed}: {row['perplexity']:.3f} ({row['perplexity'] / before - 1:+.2%})", flush=True)
        if asked.out:
            asked.out.mkdir(parents=True, exist_ok=True)
            files.write_json(asked.out / "methods.json", found)
            files.write_text(asked.out / "methods.md", table(found))
            files.write_text(asked.out / "methods.html", picture(found))
    print(json.dumps(found, indent=2) if asked.json else table(found))


if __name__ == "__main__":
    main()
