"""The loss of a run eight times as large as a sweep's largest, foretold by the sweep's law, then met.

    groundup run sweep                                              once: about 13 minutes on one core of an AMD EPYC
    python benchmarks/training/scaling/compute_optimal.py runs/sweep [--seeds 1 2 3] [--larger 8] [--out runs/larger]

Plans the best model for so many operations (`runs.sweep.budget`), trains it from each seed, and prints the forecast, its interval, and what
came: whether it lies inside, and how far off it is. Each seed is a run of its own and goes on where it was killed.
"""

import argparse
import statistics
import time
from pathlib import Path

from groundup import files
from groundup.processor import machine_name
from groundup.runs import recipe, runner
from groundup.runs.sweep import budget, law


def met(planned: budget.Planned, seed: int, folder: Path, measure: str) -> float:
    """Train the planned run from a seed; its loss."""
    made = recipe.resolve(
        recipe.merge(
            recipe.parse(planned.recipe.to_toml(), "the plan"),
            {"train": {"seed": seed, "sample_every": 0, "validate_every": 0}},
        ),
        "the plan",
    )
    train = next(stage for stage in runner.run(made, folder).stages if stage.name == "train")
    return float(
        [record[measure] for record in files.read_jsonl(train.folder / "metrics.jsonl") if measure in record][-1]
    )


def main() -> None:
    """Foretell, train, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sweep", nargs="?", default=None)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--larger", type=float, default=law.LARGER)
    parser.add_argument("--out", type=Path, default=Path("runs/larger"))
    given = parser.parse_args()
    found = law.read(given.sweep)
    planned = budget.plan(found, budget.Budget(flops=given.larger * max(found["budgets"])))
    print(
        f"{machine_name()}: {planned.flops:.3g} FLOPs, {planned.beyond:.1f} times the sweep's: {planned.parameters:,} weights, {planned.tokens:,} tokens"
    )
    print(
        f"foretold {planned.loss:.4f}, 90 % between {planned.low:.4f} and {planned.high:.4f}; floor {found['floor']:.4f}",
        flush=True,
    )
    losses = []
    for seed in given.seeds:
        began = time.perf_counter()
        losses.append(met(planned, seed, given.out, found["measure"]))
        inside = planned.low <= losses[-1] <= planned.high
        print(
            f"seed {seed}: {losses[-1]:.4f}, {losses[-1] / planned.loss - 1:+.1%}, {'inside' if inside else 'outside'}, {time.perf_counter() - began:.0f} s",
            flush=True,
        )
    mean, spread = statistics.fmean(losses), max(losses) - min(losses)
    print(f"mean {mean:.4f}, {mean / planned.loss - 1:+.1%} from the forecast; spread {spread:.4f}")


if __name__ == "__main__":
    main()
