"""Zero-, one- and few-shot against tuned, on one task of tinyworld or on labelled rows of your own: a table and a picture.

    python benchmarks/tuning/supervised/transfer.py MODEL [DATA.tsv] [--question "Is this review positive or negative?"] [--words negative positive]
        [--rows 400] [--shots 0 1 4] [--steps 60] [--rate 0.01] [--out FOLDER]

MODEL: a folder with a chat template. DATA: rows with text and label (also .csv, .jsonl, .gz), of which the first --rows are taken; left out, a task on
tinyworld's sentences, none twice: is something with a person or in a place? --words: what the labels are called, in their order, where they are numbers.
Half of the rows are learned from or shown, the other half is asked; the tuned model is an adapter (LoRA, rank 8).
Answers are chosen among the labels by their log-probability. gain: over zero-shot on the same questions, with a 95 % bootstrap interval.
"""

import argparse
import copy
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundup import files, plots
from groundup.inference.handle import load
from groundup.processor import processor
from groundup.tuning.config import TuneConfig
from groundup.tuning.efficient.methods import put_on
from groundup.tuning.supervised.instruction import conversations_to_shards, fit
from groundup.tuning.supervised.labelled import Example, names_of, read_examples
from groundup.tuning.supervised.transfer import Way, conversations_of, shown

QUESTION = "With whom or where? Answer person or place."


def own_rows(count: int) -> list[Example]:
    """Captions of tinyworld, none twice, with what they are about: a person that has something, or a place where it is."""
    from groundup.data.sources import tinyworld

    rows: dict[str, Example] = {}
    for one in tinyworld.instructions(3, 400 * count, "train"):
        if one.family == "caption" and (" with " in one.answer or " in the " in one.answer):
            rows.setdefault(one.answer, Example(one.answer, "person" if " with " in one.answer else "place"))
        if len(rows) == count:
            break
    return list(rows.values())


def called(rows: list[Example], words: list[str]) -> list[Example]:
    """The rows with words as labels, in the order of the labels."""
    names = names_of(rows, "classify")
    if len(words) != len(names):
        raise SystemExit(f"--words gives {len(words)} words for the labels {', '.join(names)}; give one for each, in this order")
    return [replace(one, label=words[names.index(one.label)]) for one in rows]


def tuned(
    handle: Any, pool: list[Example], question: str, steps: int, seq_len: int, rate: float
) -> tuple[Any, float]:
    """A copy with an adapter that learned the pool, and its CPU seconds."""
    config = TuneConfig(
        method="lora",
        steps=steps,
        batch_size=8,
        seq_len=seq_len,
        optimizer="adamw",
        learning_rate=rate,
        checkpoint_every=0,
    )
    start = time.thread_time()
    with tempfile.TemporaryDirectory() as folder:
        shards = conversations_to_shards(
            conversations_of(pool, question), handle.tokenizer, Path(folder) / "shards", seq_len + 1
        )
        trained = put_on(copy.deepcopy(handle.module), config, steps)
        fit(trained.module, shards, config, folder, objective=trained.objective, listeners=trained.listeners)
    return trained.module, time.thread_time() - start


def table(found: dict[str, Any]) -> str:
    """The results as markdown."""
    lines = ["| way | right | 95 % | gain over zero-shot | 95 % |", "|---|---:|---:|---:|---:|"]
    for name, row in found["rows"].items():
        gain = f"{row['gain']:+.3f} | {row['gain_low']:+.3f} to {row['gain_high']:+.3f}"
        lines.append(f"| {name} | {row['value']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {gain} |")
    return "\n".join([*lines, "", found["about"], ""])


def picture(found: dict[str, Any]) -> str:
    """What each way gains over zero-shot, with its interval, as a page."""
    rows = {name: {"value": row["gain"], "low": row["gain_low"], "high": row["gain_high"]} for name, row in found["rows"].items()}
    title = "What examples and tuning gain over asking without any"
    return plots.to_html([plots.differences(rows, x="share right, less zero-shot's", title=title)], title=title)


def main() -> None:
    """Ask in every way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seq-len", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--words", nargs="+", default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    handle = load(asked.model, dtype="float32", device="cpu")
    rows = (read_examples(asked.data, "classify") if asked.data else own_rows(asked.rows))[: asked.rows]
    rows = called(rows, asked.words) if asked.words else rows
    pool, kept = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    ways = [shown(handle.module, handle.tokenizer, pool, kept, count, asked.question) for count in asked.shots]
    module, seconds = tuned(handle, pool, asked.question, asked.steps, asked.seq_len, asked.rate)
    ways.append(Way("tuned", shown(module, handle.tokenizer, pool, kept, 0, asked.question).right))
    about = f"{len(pool)} rows to learn from or to show, {len(kept)} asked; LoRA tuned in {seconds:.0f} CPU s, one thread, {processor()}."
    found = {"about": about, "rows": {way.name: way.row(ways[0].right) for way in ways}}
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        files.write_json(asked.out / "transfer.json", found)
        files.write_text(asked.out / "transfer.md", table(found))
        files.write_text(asked.out / "transfer.html", picture(found))
    print(json.dumps(found, indent=2) if asked.json else table(found))


if __name__ == "__main__":
    main()
