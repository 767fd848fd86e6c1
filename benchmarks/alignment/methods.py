"""Every method of alignment on one tuned model: how far it raises the written gold reward of tinyworld, over three seeds, and what it costs.

    python benchmarks/alignment/methods.py runs/ppo/stages/04-tune-*/model [--seeds 3] [--steps 20] [--out FOLDER]

Each method practises the same families with the gold reward itself as its judge (right +3, polite +1, rude -1, 0.08 less a word), with the same number
of answers asked: what differs is what is made of them. The gain is the mean gold reward of drawn answers (temperature 1) to held-out questions after
training less before; the interval is Student's over seeds, each of which draws other tasks, other answers and another order. All runs are those of
`groundup align`. The table is Markdown, the picture a page; both go to --out.
"""

import argparse
import math
import statistics
import tempfile
from pathlib import Path
from typing import Any

from groundup import files, plots
from groundup.alignment.environments.rollouts import Environment, task
from groundup.alignment.rewards.verifiable import taste
from groundup.data.sources.tinyworld import instructions
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.handle import end_of_turn, load
from groundup.processor import machine_name
from groundup.runs import recipe, runner

METHODS = ("grpo", "rloo", "rejection", "dpo", "ppo", "reinforce")
FAMILIES = ["sort", "sum_long"]  # what the demo's model is often wrong in
HELD_OUT, DRAWS = 120, 2


def asked(method: str, seed: int, steps: int) -> dict[str, Any]:
    """The table [align] of one run; all methods ask for 128 answers a step."""
    shared = {"method": method, "families": FAMILIES, "reward": "taste", "seed": seed, "checkpoint_every": 0}
    if method == "dpo":  # as many answers, all asked before the first step
        return shared | {"pairs": steps * 32, "samples": 4, "epochs": 2.0, "learning_rate": 0.0003}
    groups = {"prompts_per_step": 128, "samples_per_prompt": 1} if method in ("reinforce", "ppo") else {"prompts_per_step": 32, "samples_per_prompt": 4}
    rate = {"rejection": 0.0006, "reinforce": 0.0003, "ppo": 0.0003, "grpo": 0.0006, "rloo": 0.0006}[method]
    # of wrong answers the shortest is worth most: none of them is learned (rejection), nor made as much of as the difference of right and wrong (grpo)
    groups |= {"rejection": {"least": 1.0}, "grpo": {"scale_advantages": False}}.get(method, {})
    return shared | groups | {"steps": steps, "learning_rate": rate, "warmup_steps": 1}


def gold(folder: Path) -> float:
    """The mean gold reward of drawn answers to held-out questions."""
    handle = load(folder, device="cpu")
    items = list(instructions(7, HELD_OUT, "heldout", tuple(FAMILIES)))
    tasks = [task(item.prompt, item, handle.tokenizer) for item in items]
    stops = handle.stop_ids() | end_of_turn(handle.tokenizer)
    environment = Environment(tasks, taste, handle.tokenizer, stops)
    groups = environment.rollout(handle.module, 0, HELD_OUT, DRAWS, SamplingConfig(max_new_tokens=24, temperature=1.0, seed=5))
    return statistics.fmean(one.reward for group in groups for one in group.tries)


def one_run(model: Path, method: str, seed: int, steps: int, folder: Path) -> dict[str, float]:
    """Align once; gold after, CPU seconds, memory."""
    changes = {"name": "align", "stages": ["align"], "inputs": {"model": str(model)}, "align": asked(method, seed, steps)}
    changes["machine"] = {"threads": 1, "dtype": "float32"}
    made = runner.run(recipe.load("demo", (), changes), folder)
    cost = made.stages[-1].done["cost"]
    return {"gold": gold(folder / "model"), "cpu_seconds": cost["cpu_seconds"], "memory": cost["peak_memory_bytes"]}


def interval(gains: list[float]) -> tuple[float, float, float]:
    """The mean over seeds and Student's 95 % interval."""
    if len(gains) < 2:
        return gains[0], -math.inf, math.inf
    return statistics.fmean(gains), *mean_interval(gains)


def table(found: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"Gold reward before: {found['before']:.3f}. {found['steps']} steps of 128 answers, {found['machine']}.",
        "",
        "| method | gain of gold reward | 95 % interval | seeds | CPU seconds | memory |",
        "|---|---|---|---|---|---|",
    ]
    for method, runs in found["runs"].items():
        mean, low, high = interval([run["gold"] - found["before"] for run in runs])
        seconds, memory = statistics.median(run["cpu_seconds"] for run in runs), max(run["memory"] for run in runs)
        lines.append(f"| {method} | {mean:+.3f} | {low:+.3f} to {high:+.3f} | {len(runs)} | {seconds:.0f} | {memory / 1e6:.0f} MB |")
    return "\n".join(lines) + "\n"


def picture(found: dict[str, Any]) -> str:
    """Gain of each method with its interval, as a page."""
    rows = {}
    for method, runs in found["runs"].items():
        value, low, high = interval([run["gold"] - found["before"] for run in runs])
        rows[method] = {"value": value} | ({"low": low, "high": high} if len(runs) > 1 else {})
    title = "What each method gains, 95 % over seeds"
    return plots.to_html([plots.differences(rows, x="gold reward after, less before", title=title)], title=title)


def main() -> None:
    """Run every method from every seed; the table stands after each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp(prefix="groundup-methods-"))
    found: dict[str, Any] = {"before": gold(options.model), "steps": options.steps, "machine": machine_name(), "runs": {}}
    for seed in range(1, options.seeds + 1):
        for method in options.methods:
            run = one_run(options.model, method, seed, options.steps, out / "runs" / f"{method}-{seed}")
            found["runs"].setdefault(method, []).append(run)
            files.write_json(out / "methods.json", found)
            files.write_text(out / "methods.md", table(found))
            files.write_text(out / "methods.html", picture(found))
            print(f"{method} {seed}: {run['gold'] - found['before']:+.3f}, {run['cpu_seconds']:.0f} CPU s", flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
