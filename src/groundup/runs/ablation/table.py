"""What an ablation found: means over seeds, paired differences with Student's interval, in JSON, Markdown and a page.

    difference of a variant = mean over seeds of (variant - base), the same seed in both
    interval                = mean ± t s / sqrt(n), 95 %, n - 1 degrees of freedom

Pairs share the first weights of what they share and the order of the data, so what a seed does to both falls out of the
difference. Three seeds make a wide interval (t = 4.30). It is one for each variant alone: of twenty variants without any effect one is
expected to look like one. What could not be told apart is in the table like everything else.
"""

import html
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.processor import machine_name
from groundup.runs.ablation.study import BASE, Study

HEAD = ("variant", "parameters", "{measure}", "difference", "95 % interval", "ms a step", "verdict")


def summary(study: Study, outcomes: Mapping[str, Sequence[Mapping[str, Any]]], command: str = "") -> dict[str, Any]:
    """The results as plain values. Only seeds that both sides have are compared, so a half-finished ablation has a table too."""
    base = study.recipe(BASE, study.config.seeds[0])
    train = base.configs["train"]
    entries = [entry(name, outcomes, study.variants.get(name, {})) for name in study.names if outcomes[name]]
    return {
        "ablation": base.name,
        "description": base.description,
        "command": command,
        "machine": machine_name(),
        "measure": study.config.measure,
        "seeds": list(study.config.seeds),
        "steps": train.steps,
        "tokens": train.steps * train.tokens_per_step,
        "finished": all(len(runs) == len(study.config.seeds) for runs in outcomes.values()),
        "variants": entries,
    }


def entry(name: str, outcomes: Mapping[str, Sequence[Mapping[str, Any]]], changes: Mapping[str, Any]) -> dict[str, Any]:
    """One variant: its runs, their mean, and how it differs from the base."""
    runs = list(outcomes[name])
    whole = [run for run in runs if "value" in run]
    made: dict[str, Any] = {
        "name": name,
        "changes": flat(changes),
        "runs": runs,
        "failed": [r["failed"] for r in runs if "failed" in r],
    }
    if not whole:
        return made
    made |= {
        "mean": statistics.fmean(run["value"] for run in whole),
        "milliseconds": min(run["milliseconds"] for run in whole),
        "parameters": whole[0]["parameters"],
    }
    base = {run["seed"]: run["value"] for run in outcomes[BASE] if "value" in run}
    differences = [run["value"] - base[run["seed"]] for run in whole if run["seed"] in base]
    return made if name == BASE or not differences else made | compared(differences)


def compared(differences: Sequence[float]) -> dict[str, Any]:
    """The mean of paired differences, its interval (from two pairs on) and what it says; below 0 is better.

    >>> compared([-0.1, -0.2, -0.3])["verdict"], compared([-0.19, -0.2, -0.21])["verdict"]
    ('not told apart', 'better')
    """
    value, spread = statistics.fmean(differences), max(differences) - min(differences)
    if len(differences) < 2:
        return {"difference": value, "verdict": "one seed"}
    low, high = (value, value) if spread < 1e-12 else mean_interval(np.array(differences))
    verdict = "better" if high < 0 else "worse" if low > 0 else "not told apart"
    return {"difference": value, "low": low, "high": high, "verdict": verdict}


def flat(tables: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Tables as `table.key` lines.

    >>> flat({"model": {"qk_norm": True}})
    {'model.qk_norm': True}
    """
    found: dict[str, Any] = {}
    for key, value in tables.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {before + key: value}
    return found


def rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table's cells as words, base first."""
    return [cells(variant, len(results["seeds"])) for variant in results["variants"]]


def cells(variant: Mapping[str, Any], seeds: int) -> tuple[str, ...]:
    """One row."""
    failed = f"diverged from {len(variant['failed'])} of {seeds} seeds" if variant["failed"] else ""
    if "mean" not in variant:
        return (variant["name"], "", "", "", "", "", failed)
    between = f"{variant['low']:+.4f} to {variant['high']:+.4f}" if "low" in variant else ""
    return (
        variant["name"],
        "" if variant["parameters"] is None else f"{variant['parameters']:,}",
        f"{variant['mean']:.4f}",
        f"{variant['difference']:+.4f}" if "difference" in variant else "",
        between,
        f"{variant['milliseconds']:.0f}",
        "; ".join(filter(None, (variant.get("verdict", ""), failed))),
    )


def head(results: Mapping[str, Any]) -> list[str]:
    """The names of the columns."""
    return [column.format(measure=results["measure"].replace("_", " ")) for column in HEAD]


def note(results: Mapping[str, Any]) -> str:
    """How the numbers came about, in one paragraph."""
    return (
        f"{len(results['variants']) - 1} variants and the base, seeds {', '.join(map(str, results['seeds']))}, {results['steps']:,} steps "
        f"({results['tokens'] / 1e6:.2g} million tokens) each, on {results['machine']}. Less is better. Differences are paired by seed; the interval "
        "is Student's for their mean, for each variant alone. ms a step: the fastest tenth of the steps, in the fastest seed."
    )


def markdown(results: Mapping[str, Any]) -> str:
    """The whole as a Markdown text."""
    lines = [head(results), ["---"] + ["---:"] * 5 + ["---"], *rows(results)]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    changes = "\n".join(
        f"- {variant['name']}: " + ", ".join(f"`{key} = {value}`" for key, value in variant["changes"].items())
        for variant in results["variants"]
        if variant["changes"]
    )
    command = f"`{results['command']}`\n\n" if results["command"] else ""
    return f"# {results['ablation']}\n\n{results['description']}\n\n{command}{note(results)}\n\n{table}\n\n## What each changes\n\n{changes}\n"


def picture(results: Mapping[str, Any]) -> Any:
    """Every variant's difference from the base as a dot with its interval."""
    from groundup import plots

    differences = {
        variant["name"]: {"value": variant["difference"], **{k: variant[k] for k in ("low", "high") if k in variant}}
        for variant in results["variants"]
        if "difference" in variant
    }
    measure = results["measure"].replace("_", " ")
    return plots.differences(
        differences, x=f"{measure}, difference from the base (left is better)", title="What each change is worth"
    )


def page(results: Mapping[str, Any]) -> str:
    """Table and picture as one HTML page that needs no network."""
    from groundup.plots import page as pages
    from groundup.runs import report

    title = html.escape(results["ablation"])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{pages.CSS}{report.CSS}</style>{pages.plotly_script()}</head>\n<body>\n<h1>{title}</h1>"
        f"<p><code>{html.escape(results['command'])}</code></p><p>{html.escape(results['description'])}</p>"
        f'<p class="quiet">{html.escape(note(results))}</p>{pages.figure_html(picture(results), "differences")}'
        f"{report.table(head(results), rows(results))}\n</body></html>\n"
    )


def write(folder: Path, results: Mapping[str, Any]) -> None:
    """Write ablation.json and ablation.md, and ablation.html when everything has run."""
    files.write_json(folder / "ablation.json", dict(results))
    files.write_text(folder / "ablation.md", markdown(results))
    if results["finished"]:
        files.write_text(folder / "ablation.html", page(results))
