"""What a sweep found: a row a run, the law by three approaches with intervals, in JSON, Markdown and a page with its picture.

    size N    training FLOPs a token / 6: what computes, attention's products too, so that FLOPs = 6 N D is exact
    law       E + A / N^alpha + B / D^beta (`training.scaling.parametric`), E at least the exact entropy of the held-out text where it is known
    held      the same with E held there: right of a model trained for ever, while a law through short runs may end higher
    isoflop   the lowest point of each budget's parabola; envelope: the lowest curve at each budget

A law is given as soon as there are runs enough; with one seed it is there a third of the way. `best_use` answers for a budget.
"""

import html
import statistics
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.processor import machine_name
from groundup.runs.sweep.grid import Sweep
from groundup.training.scaling import frontier, parametric
from groundup.training.scaling.compute_optimal import compute_optimal
from groundup.training.scaling.parametric import NAMES, Fit, Law

NAME = "sweep.json"
DELTA = 0.01  # of Huber's loss: about the spread between seeds, so that only runs further off the law than that count by distance
LARGER = 8.0  # times the largest budget: how far ahead the picture goes
HEAD = ("size", "parameters", "N", "tokens", "FLOPs", "seeds", "{measure}", "spread")


def summary(
    sweep: Sweep, rows: Sequence[Mapping[str, Any]], floor: float | None, command: str = "", *, fitted: bool = True
) -> dict[str, Any]:
    """The results as plain values. A half-finished sweep has its rows, and a law when they fix one. fitted: whether to try."""
    made = sweep.recipe(sweep.points()[0], sweep.config.seeds[0])
    found = {
        "sweep": made.name,
        "description": made.description,
        "command": command,
        "machine": machine_name(),
        "measure": sweep.config.measure,
        "seeds": list(sweep.config.seeds),
        "budgets": sorted(sweep.config.budgets),
        "fewest_steps": sweep.config.fewest_steps,
        "base": dict(sweep.base),
        "floor": floor,
        "finished": len(rows) == len(sweep.points()) * len(sweep.config.seeds),
        "runs": [dict(row) for row in rows],
    }
    waiting = {
        name: {"missing": "it is fitted when a seed has ended"} for name in ("law", "held", "isoflop", "envelope")
    }
    return found | (laws(found) if fitted else waiting)


def laws(found: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is fitted; an entry is missing where the runs are too few for it."""
    made: dict[str, Any] = {}
    for name, fitted in {
        "law": lambda: table(fit(found)),
        "held": lambda: table(fit(found, held=True)),
        **frontiers(found),
    }.items():
        try:
            made[name] = fitted()
        except InputError as error:
            made[name] = {"missing": str(error)}
    return made


def columns(found: Mapping[str, Any]) -> tuple[list[float], list[float], list[float]]:
    """Sizes N, tokens and losses of the runs that ended."""
    rows = [row for row in found["runs"] if "value" in row]
    return (
        [row["flops"] / row["tokens"] / 6 for row in rows],
        [row["tokens"] for row in rows],
        [row["value"] for row in rows],
    )


def fit(found: Mapping[str, Any], *, held: bool = False) -> Fit:
    """The law of a sweep's results; held: E at the floor, and not only at least as high."""
    known = {"floor" if held else "least_floor": found["floor"]}
    return parametric.fit(*columns(found), **known, delta=DELTA)


def table(fitted: Fit) -> dict[str, Any]:
    """A law as plain values, each coefficient with its 90 % interval, and how far the runs lie from it."""
    ranges = {name: list(fitted.interval(name)) for name in NAMES}
    return {name: getattr(fitted.law, name) for name in NAMES} | {
        "interval": ranges,
        "residual": float(np.std(fitted.residuals)),
        "samples": [[getattr(law, name) for name in NAMES] for law in fitted.samples],
        "residuals": list(fitted.residuals),
        "places": fitted.places,
        "fitted": fitted.fitted,
    }


def fit_of(entry: Mapping[str, Any]) -> Fit:
    """The law that `table` wrote down."""
    samples = tuple(Law(*one) for one in entry["samples"])
    residuals = tuple(entry["residuals"])
    places = entry.get("places", len(residuals))  # an older file does not say it
    return Fit(Law(*(entry[name] for name in NAMES)), 0.0, samples, residuals, places, entry.get("fitted", 5))


def frontiers(found: Mapping[str, Any]) -> dict[str, Callable[[], dict[str, Any]]]:
    """Approaches 1 and 2, each over the means of the seeds."""
    means = points(found)

    def isoflop() -> dict[str, Any]:
        return vars_of(
            frontier.isoflop([p["budget"] for p in means], [p["N"] for p in means], [p["mean"] for p in means])
        )

    def envelope() -> dict[str, Any]:
        curves = {
            size: ([p["flops"] for p in means if p["N"] == size], [p["mean"] for p in means if p["N"] == size])
            for size in sorted({p["N"] for p in means})
        }
        return vars_of(frontier.envelope(curves))

    return {"isoflop": isoflop, "envelope": envelope}


def vars_of(found: frontier.Frontier) -> dict[str, Any]:
    """A frontier as plain values."""
    return {name: getattr(found, name) for name in ("budgets", "sizes", "losses", "exponent", "factor")}


def points(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The grid's places: mean and spread over the seeds that ended, in order of the budget and the size."""
    places: dict[tuple[float, str], list[Mapping[str, Any]]] = {}
    for row in found["runs"]:
        if "value" in row:
            places.setdefault((row["budget"], row["size"]), []).append(row)
    made = []
    for rows in places.values():
        first, values = rows[0], [row["value"] for row in rows]
        names = ("size", "budget", "parameters", "tokens", "flops", "steps")
        numbers = {"N": first["flops"] / first["tokens"] / 6, "mean": statistics.fmean(values), "seeds": len(values)}
        made.append({name: first[name] for name in names} | numbers | {"spread": max(values) - min(values)})
    return sorted(made, key=lambda one: (one["budget"], one["N"]))


def best_use(found: Mapping[str, Any], flops: float, confidence: float = 0.9) -> Any:
    """The best size and tokens for a budget, and the loss to expect, from a sweep's results."""
    if "missing" in found["law"]:
        raise InputError(
            f"the sweep has no law yet ({found['law']['missing']}); let `groundup run {found['sweep']}` end first"
        )
    return compute_optimal(fit_of(found["law"]), flops, confidence)


def head(found: Mapping[str, Any]) -> list[str]:
    """The names of the table's columns."""
    return [name.format(measure=found["measure"].replace("_", " ")) for name in HEAD]


def rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table's cells as words."""
    return [
        (
            one["size"],
            f"{one['parameters']:,}",
            f"{one['N']:,.0f}",
            f"{one['tokens']:,}",
            f"{one['flops']:.2g}",
            str(one["seeds"]),
            f"{one['mean']:.4f}",
            f"{one['spread']:.4f}",
        )
        for one in points(found)
    ]


def sentences(found: Mapping[str, Any]) -> list[str]:
    """What was found, a line each."""
    if "missing" in found["law"]:
        return [f"no law yet: {found['law']['missing']}"]
    said = [_law_sentence(found)]
    if found["floor"] is not None and "missing" not in found["held"]:
        low, high = found["law"]["interval"]["E"]
        said.append(
            f"E is {found['law']['E']:.3f} (90 %: {low:.3f} to {high:.3f}); the exact entropy is {found['floor']:.3f}, and with E held there "
            f"the runs lie {100 * found['held']['residual']:.1f} % from the law"
        )
    both = found["law"]["alpha"] + found["law"]["beta"]
    exponents = {"law": found["law"]["beta"] / both} | {
        name: found[name]["exponent"] for name in ("isoflop", "envelope") if "exponent" in found[name]
    }
    said.append(
        "best size grows with FLOPs to the power of "
        + ", ".join(f"{value:.2f} ({name})" for name, value in exponents.items())
    )
    return said


def _law_sentence(found: Mapping[str, Any]) -> str:
    law = found["law"]
    ranges = law["interval"]
    return (
        f"L = {law['E']:.3f} + {law['A']:.3g} / N^{law['alpha']:.3f} + {law['B']:.3g} / D^{law['beta']:.3f}; 90 %: alpha "
        f"{ranges['alpha'][0]:.3f} to {ranges['alpha'][1]:.3f}, beta {ranges['beta'][0]:.3f} to {ranges['beta'][1]:.3f}; "
        f"runs lie {100 * law['residual']:.1f} % from it"
    )


def picture(found: Mapping[str, Any], met: Mapping[str, Any] | None = None) -> Any:
    """Every run over its FLOPs, the law at the best size of each budget, its band, and the floor."""
    from groundup import plots

    measured: dict[str, tuple[list[float], list[float]]] = {}
    for row in found["runs"]:
        if "value" in row:
            across, up = measured.setdefault(row["size"], ([], []))
            across.append(row["flops"])
            up.append(row["value"])
    budgets = np.geomspace(min(found["budgets"]) / 2, LARGER * max(found["budgets"]), 40)
    uses = [best_use(found, float(budget)) for budget in budgets]
    return plots.law(
        measured,
        curves={"the law at its best size": (budgets.tolist(), [use.loss for use in uses])},
        band=(budgets.tolist(), [use.low for use in uses], [use.high for use in uses]),
        met=met,
        floor=found["floor"],
        x="training FLOPs",
        y=found["measure"].replace("_", " "),
        title="What operations buy, and the entropy they end on",
    )


def markdown(found: Mapping[str, Any]) -> str:
    """The whole as a Markdown text."""
    lines = [head(found), ["---"] + ["---:"] * (len(HEAD) - 1), *rows(found)]
    cells = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    said = "\n".join(f"- {sentence}" for sentence in sentences(found))
    command = f"`{found['command']}`\n\n" if found["command"] else ""
    return f"# {found['sweep']}\n\n{found['description']}\n\n{command}{note(found)}\n\n{said}\n\n{cells}\n"


def note(found: Mapping[str, Any]) -> str:
    """How the numbers came about."""
    return (
        f"{len(found['runs'])} runs, seeds {', '.join(map(str, found['seeds']))}, on {found['machine']}. N: training FLOPs a token / 6. "
        "Each run is whole: its rate falls to 0 at its own end. spread: largest minus smallest of the seeds."
    )


def page(found: Mapping[str, Any]) -> str:
    """Table and picture as one HTML page that needs no network."""
    from groundup.plots import page as pages
    from groundup.runs import report

    title, said = html.escape(found["sweep"]), "".join(f"<li>{html.escape(one)}</li>" for one in sentences(found))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{pages.CSS}{report.CSS}</style>{pages.plotly_script()}</head>\n<body>\n<h1>{title}</h1>"
        f"<p><code>{html.escape(found['command'])}</code></p><p>{html.escape(found['description'])}</p><ul>{said}</ul>"
        f'<p class="quiet">{html.escape(note(found))}</p>{pages.figure_html(picture(found), "law")}'
        f"{report.table(head(found), rows(found))}\n</body></html>\n"
    )


def write(folder: Path, found: Mapping[str, Any]) -> None:
    """Write sweep.json and sweep.md, and sweep.html when everything has run and there is a law."""
    files.write_json(folder / NAME, dict(found))
    files.write_text(folder / "sweep.md", markdown(found))
    if found["finished"] and "missing" not in found["law"]:
        files.write_text(folder / "sweep.html", page(found))


def read(source: str | Path | None = None) -> dict[str, Any]:
    """The results of a sweep: its run folder, or its sweep.json; None: those of the project's own, which come with groundup."""
    if source is None:
        source = Path(str(resources.files("groundup.recipes") / NAME))
    path = Path(source) / NAME if Path(source).is_dir() else Path(source)
    try:
        found = files.read_json(path)
    except (OSError, GroundupError):
        raise InputError(
            f"{source} holds no results of a sweep; `groundup run sweep` makes them in runs/sweep"
        ) from None
    if not {"runs", "law", "floor"} <= set(found):
        raise InputError(f"{path} is not what a sweep wrote (it has no runs and law); give a folder such as runs/sweep")
    return found
