"""Every method of alignment on one model that has room: how far it raises tinyworld's written gold reward, over three seeds, and what it costs.

    python benchmarks/alignment/methods.py [MODEL] [--methods grpo dpo] [--seeds 3] [--steps 12] [--rates 0.001 0.003 0.01] [--out FOLDER]

First MODEL (left out: a small one made here) is tuned on answers of every manner: right in six of ten, plain, polite, rude or wordy. Then every method
aligns it by `groundup align`'s own stage, with the gold reward as its judge (right +3, polite +1, rude -1, 0.08 less a word) and the same number
of answers asked, 96 a step; methods that learn from pairs ask for as many before their first step. All else is the method's default but the rate:
each of --rates, if there are several, is tried from seed 0, and the one with the highest gold reward is taken. Seeds 1, 2, ... make the table. The gain is
the mean gold reward of drawn answers (temperature 1) to held-out questions, other ones for every seed, after less before; the interval is Student's
over the seeds. right: the share of those answers whose content is right, whatever the manner; a median.
Writes methods.json, methods.md and methods.svg after each run.
"""

import argparse
import functools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from groundup import files
from groundup.alignment.challenges import speaker
from groundup.alignment.challenges.taxing import right_in_any_manner
from groundup.alignment.environments.rollouts import Environment, task
from groundup.alignment.methods import FROM_PAIRS
from groundup.alignment.rewards.verifiable import taste
from groundup.data.sources.tinyworld import instructions, mannered
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.handle import end_of_turn, load
from groundup.model.formats.huggingface import save_model
from groundup.processor import processor
from groundup.runs import recipe, runner
from groundup.runs.stages.train import generation
from groundup.tuning.config import TuneConfig

METHODS = ("reinforce", "rloo", "grpo", "ppo", "rejection", "dpo", "ipo", "kto", "orpo", "simpo")
FAMILIES = ("opposite", "plural", "kind")
TALKS = 2400  # conversations of every manner that the model is tuned on
MANNERS = TuneConfig(
    steps=300, batch_size=16, seq_len=96, learning_rate=0.01, matrix_learning_rate=0.02, schedule="wsd", checkpoint_every=0
)
ANSWERS, SAMPLES, TOKENS = 96, 6, 32  # asked in a step; of them to one question; tokens of one at most
HELD_OUT, DRAWS = 150, 4  # questions, and answers to each, that the gold reward is measured by
CHOOSING = 0  # the seed whose tasks and held-out questions choose the rate
HEAD = ("method", "gain of gold reward", "95 % interval", "of each seed", "right", "rate", "CPU seconds")


def start(model: Path | None, folder: Path) -> Path:
    """The model that is aligned: tuned on answers of every manner, in a folder."""
    talks = [speaker.talk(item.prompt, text) for item, text in mannered(0, TALKS, families=FAMILIES)]
    words = [message["content"] for one in talks for message in one]
    untaught = speaker.of(model) if model else speaker.new(words, hidden_size=64, vocab_size=512)
    taught = speaker.teach(untaught, talks, MANNERS)
    save_model(folder, taught.module, taught.tokenizer, generation=generation(taught.tokenizer, chats=True))
    return folder


def measured(folder: Path, seed: int) -> dict[str, float]:
    """Of drawn answers to the seed's held-out questions: the mean gold reward, and the share that are right in whatever manner."""
    handle = load(folder, device="cpu")
    items = instructions(7000 + seed, HELD_OUT, "heldout", FAMILIES)
    tasks = [task(item.prompt, item, handle.tokenizer) for item in items]
    environment = Environment(tasks, taste, handle.tokenizer, handle.stop_ids() | end_of_turn(handle.tokenizer))
    sampling = SamplingConfig(max_new_tokens=TOKENS, temperature=1.0, seed=seed)
    groups = environment.rollout(handle.module, 0, HELD_OUT, DRAWS, sampling)
    tries = [(group.task.item, one) for group in groups for one in group.tries]
    right = statistics.fmean(right_in_any_manner(item, one.text) for item, one in tries)
    return {"gold": statistics.fmean(one.reward for _, one in tries), "right": right}


def asked(method: str, seed: int, steps: int, rate: float) -> dict[str, Any]:
    """The table [align] of one run."""
    shared = {"method": method, "families": list(FAMILIES), "reward": "taste", "seed": seed, "checkpoint_every": 0, "max_new_tokens": TOKENS}
    shared["learning_rate"] = rate
    if method in FROM_PAIRS:  # as many answers, all asked before the first step
        return shared | {"pairs": steps * ANSWERS // SAMPLES, "samples": SAMPLES, "epochs": 2.0}
    samples = 1 if method in ("reinforce", "ppo") else SAMPLES
    return shared | {"steps": steps, "prompts_per_step": ANSWERS // samples, "samples_per_prompt": samples}


def one_run(model: Path, method: str, seed: int, steps: int, rate: float, folder: Path) -> dict[str, float]:
    """Align once; what it gives after, and CPU seconds."""
    changes = {"name": "align", "stages": ["align"], "inputs": {"model": str(model)}, "align": asked(method, seed, steps, rate)}
    changes["machine"] = {"threads": 1, "dtype": "float32"}
    made = runner.run(recipe.load("demo", (), changes), folder)
    return {"seed": seed, "cpu_seconds": made.stages[-1].done["cost"]["cpu_seconds"], **measured(folder / "model", seed)}


def of_method(model: Path, method: str, options: argparse.Namespace, before: Callable[[int], dict[str, float]], folder: Path) -> dict[str, Any]:
    """The rate by the choosing seed, then every seed of the table."""

    def gained(seed: int, rate: float) -> dict[str, float]:
        run = one_run(model, method, seed, options.steps, rate, folder / f"{method}-{seed}-{rate:g}")
        run["gain"] = run["gold"] - before(seed)["gold"]
        print(f"{method}, seed {seed}, rate {rate:g}: {run['gain']:+.3f}, {run['cpu_seconds']:.0f} CPU s", flush=True)
        return run

    tried = {rate: gained(CHOOSING, rate)["gain"] if len(options.rates) > 1 else 0.0 for rate in options.rates}
    rate = max(tried, key=tried.__getitem__)
    return {"rate": rate, "tried": tried, "runs": [gained(seed, rate) for seed in range(1, options.seeds + 1)]}


def summary(runs: list[dict[str, float]]) -> tuple[float, float, float]:
    """The mean gain over seeds and Student's 95 % interval; of one seed the gain alone."""
    gains = [run["gain"] for run in runs]
    return (statistics.fmean(gains), *mean_interval(gains)) if len(gains) > 1 else (gains[0],) * 3


def table(found: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|---|---|"]
    for method, made in found["methods"].items():
        mean, low, high = summary(made["runs"])
        seeds = ", ".join(f"{run['gain']:+.2f}" for run in made["runs"])
        seconds, right = (statistics.median(run[name] for run in made["runs"]) for name in ("cpu_seconds", "right"))
        lines.append(f"| {method} | {mean:+.2f} | {low:+.2f} to {high:+.2f} | {seeds} | {right:.1%} | {made['rate']:g} | {seconds:.0f} |")
    before = ", ".join(f"{one['gold']:.2f}" for one in found["before"])
    right = statistics.median(one["right"] for one in found["before"])
    return "\n".join([*lines, "", f"Before: {before}, {right:.1%} right. {found['about']}.", ""])


def picture(found: dict[str, Any]) -> str:
    """Each method's gain with its interval, and each seed as a dot, as an SVG."""
    rows = {method: (*summary(made["runs"]), [run["gain"] for run in made["runs"]]) for method, made in found["methods"].items()}
    ends = [0.0, *(end for mean, low, high, gains in rows.values() for end in (low, high, *gains))]
    least, most = min(ends), max(ends)

    def place(gain: float) -> float:
        return 100 + 580 * (gain - least) / ((most - least) or 1)

    parts, height = [], 60 + 30 * len(rows)
    for number in range(round(least) - 1, round(most) + 2):
        if least <= number <= most:
            shade = "#888" if number == 0 else "#ddd"
            parts.append(f'<line x1="{place(number):.1f}" x2="{place(number):.1f}" y1="15" y2="{height - 40}" stroke="{shade}"/>')
            parts.append(f'<text x="{place(number):.1f}" y="{height - 25}" text-anchor="middle">{number:+d}</text>')
    for line, (method, (mean, low, high, gains)) in enumerate(rows.items()):
        y = 30 + 30 * line
        parts.append(f'<text x="8" y="{y + 4}">{method}</text>')
        parts.append(f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y}" y2="{y}" stroke="#1f77b4" stroke-width="2"/>')
        parts += [f'<circle cx="{place(gain):.1f}" cy="{y}" r="2.5" fill="#d62728"/>' for gain in gains]
        parts.append(f'<circle cx="{place(mean):.1f}" cy="{y}" r="4.5" fill="#1f77b4"/>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n'
        f'<text x="390" y="{height - 8}" text-anchor="middle">gold reward after, less before: mean, 95 % interval; red: each seed</text>\n</svg>\n'
    )


def main() -> None:
    """Tune the model, run every method from every seed; table and picture stand after each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=None)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.001, 0.003, 0.01])
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = options.out or Path(tempfile.mkdtemp(prefix="groundup-methods-"))
    model = start(options.model, out / "start")
    before = functools.cache(functools.partial(measured, model))
    weights = sum(one.numel() for one in load(model, device="cpu").module.parameters())
    about = f"{weights:,} parameters, {options.steps} steps of {ANSWERS} answers"
    about += f", {HELD_OUT * DRAWS} drawn answers a measurement, one thread, {processor()}"
    found: dict[str, Any] = {"before": [before(seed) for seed in range(1, options.seeds + 1)], "about": about, "methods": {}}
    for method in options.methods:
        found["methods"][method] = of_method(model, method, options, before, out / "runs")
        files.write_json(out / "methods.json", found)
        files.write_text(out / "methods.md", table(found))
        files.write_text(out / "methods.svg", picture(found))
    print(table(found))


if __name__ == "__main__":
    main()
