"""`report.html`: the pictures of a run as one file that opens without a network.

What each section needs is a part of `results.json`, or the metrics of a stage; a section whose part is missing is left out. What a model or a user wrote is
escaped everywhere: a report is opened in a browser.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundup import plots
from groundup.plots import page
from groundup.runs import told
from groundup.runs.about import stage_metrics
from groundup.runs.context import Context
from groundup.slots import ANOTHER_KIND

CSS = """
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } .quiet { opacity: .7; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
td.number { text-align: right; } pre { white-space: pre-wrap; margin: 0; }
"""
SHOWN_SAMPLES = 5  # moments of training; the others are in metrics.jsonl
BASELINES = ("5-gram", "xz, prepared", "zstd, prepared")

Section = tuple[str, str, Sequence[Any]]  # title, HTML, figures


def render(context: Context, results: Mapping[str, Any]) -> str:
    """The whole page."""
    sections = [section for part in SECTIONS for section in part(context, results)]
    pieces = [head(results)]
    for number, (title, text, figures) in enumerate(sections):
        drawn = "".join(page.figure_html(figure, f"figure-{number}-{place}") for place, figure in enumerate(figures))
        pieces.append(f"<h2>{html.escape(title)}</h2>\n{text}\n{drawn}")
    name = html.escape(str(results["recipe"]))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
        f"<style>{page.CSS}{CSS}</style>{page.plotly_script()}</head>\n<body>\n"
        + "\n".join(pieces)
        + "\n</body></html>\n"
    )


def head(results: Mapping[str, Any]) -> str:
    """What ran, where, and how it is run again."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [results["description"], f"{results['machine']}; seed {results['seed']}; {versions}"]
    command = f"<p><code>{html.escape(results['command'])}</code></p>" if results["command"] else ""
    return f"<h1>{html.escape(results['recipe'])}</h1>{command}" + "".join(
        f'<p class="quiet">{html.escape(line)}</p>' for line in lines
    )


def cleaning(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """What each step of the data pipeline did with the user's text."""
    found = results["data"].get("pipeline")
    if not found:
        return
    kept, seen = found["kept"]["documents"], found["steps"][0]["seen"] if found["steps"] else 0
    folder = f"{context.folders.get('data', context.folder)}/pipeline"
    words = f"{kept:,} of {seen:,} documents were kept; which were dropped and why: groundup data inspect {folder}"
    yield "Your text", table(*steps_table(found["steps"])) + f'<p class="quiet">{html.escape(words)}</p>', []


def steps_table(steps: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of what a pipeline's steps saw, kept, changed and dropped; the four commonest reasons."""
    rows = []
    for number, made in enumerate(steps, 1):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in list(made["dropped"].items())[:4])
        figures = [f"{made[name]:,}" for name in ("seen", "kept", "changed")]
        rows.append([f"{number} {made['step']['kind']}", *figures, reasons or "-"])
    return ["step", "seen", "kept", "changed", "dropped"], rows


def loss(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Bits per byte over the steps, beside the floor and the baselines, and the training loss."""
    records = stage_metrics(context, "train")
    figures = [world_curve(world, entry, records) for world, entry in results["bits_per_byte"].items()]
    steps = [record for record in records if "loss" in record]
    if steps:
        figures.append(plots.loss_curve([r["step"] for r in steps], [r["loss"] for r in steps], title="Training loss"))
    text = "".join(
        f"<p>{html.escape(gap_sentence(world, entry))}</p>"
        for world, entry in results["bits_per_byte"].items()
        if "gap_closed" in entry
    )
    if figures:
        yield "Loss against the floor", text, figures


def world_curve(world: str, entry: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Any:
    """Held-out bits per byte of one world while the model trained."""
    name, who = f"bits_per_byte_{world}", entry["who"]
    points = [record for record in records if name in record]
    figure = plots.loss_curve(
        [],
        [],
        validation=([record["step"] for record in points], [record[name] for record in points]),
        floor=who.get("floor", {}).get("value"),
        baselines={method: who[method]["value"] for method in BASELINES if method in who},
        unit="bits per byte",
        title=f"{world}: bits per byte of held-out text",
    )
    figure.data = [trace for trace in figure.data if trace.x]
    return figure


def own_objective(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Where the run's objective is another than the next token: its right guesses and its loss, on held-out documents and on trained ones."""
    records = [record for record in stage_metrics(context, "train") if "trained_accuracy" in record]
    if not records:
        return
    steps, figures = [record["step"] for record in records], []
    for kind, unit in (("accuracy", "share of right guesses"), ("loss", "nats a target")):
        names = [name for name in records[0] if name.startswith(f"heldout_{kind}_")]
        curves = {
            f"held out: {name.removeprefix(f'heldout_{kind}_')}": [one.get(name) for one in records] for name in names
        }
        curves["trained"] = [record[f"trained_{kind}"] for record in records]
        figures.append(plots.lines(steps, curves, x="step", y=unit, title=f"The objective's own {kind}"))
    objective = results["model"].get("objective", "")
    yield "What was asked", f"<p>Objective: <code>{html.escape(objective)}</code>.</p>", figures


def gap_sentence(world: str, entry: Mapping[str, Any]) -> str:
    """How far the model came between the n-gram model and the floor."""
    floor, share = entry["who"]["floor"]["value"], entry["gap_share_of_floor"]
    return (
        f"{world}: the world's entropy is {floor:.3f} bits per byte; the n-gram model is {100 * share:.0f} % above it, "
        f"and the model closes {100 * (entry['gap_closed'] or 0):.1f} % of that gap."
    )


def bits(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Bits per byte of everybody."""
    if results["bits_per_byte"]:
        yield (
            "Bits per byte",
            "",
            [plots.bits_per_byte_bars({world: entry["who"] for world, entry in results["bits_per_byte"].items()})],
        )


def samples(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """What the model wrote as it learned."""
    records = [record for record in stage_metrics(context, "train") if "samples" in record]
    if records:
        chosen = spread(records, SHOWN_SAMPLES)
        rows = [(record["step"], sample["prompt"], sample["text"]) for record in chosen for sample in record["samples"]]
        yield "Samples over time", table(("step", "beginning", "the model goes on"), rows), []


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` items at even distances, the last among them.

    >>> spread([1, 2, 3, 4, 5, 6, 7], 3)
    [1, 4, 7]
    """
    if len(items) <= count:
        return list(items)
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]


def accuracy(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Instructions answered exactly, by stage, composition and family."""
    found = results["accuracy"]
    if not found:
        return
    kinds = ("overall", "seen", "unseen")
    overall = {who: {kind: entry[kind] for kind in kinds if kind in entry} for who, entry in found.items()}
    families = {who: {name: one["overall"] for name, one in entry["families"].items()} for who, entry in found.items()}
    figures = [
        plots.accuracy_bars(overall, title="Held-out instructions"),
        plots.accuracy_bars(families, title="By kind of task"),
    ]
    rows = [(f"{pair['from']} → {pair['to']}", *differences(pair["overall"])) for pair in results["paired"]]
    hardest = [
        (f"{pair['from']} → {pair['to']}: {name}", *differences(one["overall"]))
        for pair in results["paired"]
        for name, one in gained(pair)
    ]
    yield "Accuracy", table(("paired difference", "points", "95 % interval", "p (McNemar)"), rows + hardest), figures


def gained(pair: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The families that changed most, three of them."""
    return sorted(pair["families"].items(), key=lambda one: -abs(one[1]["overall"]["value"]))[:3]


def differences(gain: Mapping[str, float]) -> tuple[str, str, str]:
    """A paired difference in words."""
    return (
        f"{100 * gain['value']:+.1f}",
        f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}",
        f"{gain['p_value']:.2g}",
    )


def rewards(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """The loss of tuning and the reward of alignment over their steps."""
    figures = []
    for stage, name, unit in (("tune", "loss", "nats a token"), ("align", "reward", "mean reward")):
        points = [record for record in stage_metrics(context, stage) if name in record]
        if points:
            figures.append(
                plots.loss_curve(
                    [p["step"] for p in points], [p[name] for p in points], unit=unit, title=f"{stage}: {unit}"
                )
            )
    if figures or told.rows(results["stages"]):
        yield "Tuning and alignment", table(("stage", "", ""), told.rows(results["stages"])), figures


def costs(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Time and memory of each stage, forecast beside truth, and what it all cost."""
    cost, stages = results["cost"], results["stages"]
    rows = [
        (
            s["name"],
            f"{s['seconds']:.1f}",
            off(undrifted(s), s["forecast_seconds"]),
            off(s["peak_memory_bytes"], s["forecast_memory_bytes"]),
        )
        for s in stages
    ]
    resumed = sum(stage["sittings"] > 1 for stage in stages)
    sittings = f" Times of {resumed} resumed stages are of their last sitting." if resumed else ""
    note = f'<p class="quiet">Energy: {html.escape(cost["energy_assumption"])}.{sittings}</p>'
    words = table(
        ("stage", "seconds", "time against forecast, machine's drift taken out", "memory against forecast"), rows
    )
    bar = plots.cost_bar(
        {s["name"]: s["seconds"] for s in stages}, cpu_hours=cost["cpu_hours"], energy_wh=cost["energy_wh"]
    )
    yield "Time, memory and cost", words + note, [plots.time_and_memory_bars(stages), bar]


def undrifted(stage: Mapping[str, Any]) -> float:
    """A stage's seconds as the machine would have taken at the speed it had when the forecast was made."""
    return stage["seconds"] / (stage["drift"] or 1.0)


def off(truth: float, forecast: float | None) -> str:
    """How far the truth is from the forecast.

    >>> off(110, 100), off(5, None)
    ('+10 %', '')
    """
    return f"{100 * (truth / forecast - 1):+.0f} %" if forecast else ""


def compression(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """Bytes a token."""
    found = results["tokenizer"].get("bytes_per_token")
    if found:
        yield "Tokenizer", "", [plots.compression_bars({f"{results['tokenizer']['vocab_size']:,} tokens": found})]


def slots(context: Context, results: Mapping[str, Any]) -> Iterator[Section]:
    """The learner's own functions: where they stand, how often they ran, what they changed."""
    used = results["slots"]
    if not used:
        return
    rows = [
        (
            slot["id"],
            slot["file"],
            f"{slot['calls']:,}",
            ", ".join(slot["stages"]),
            speed(slot),
            agreement(slot),
            loss_change(slot),
        )
        for slot in used
    ]
    words = table(("function", "file", "calls", "in stages", "time against the reference", "results", "loss"), rows)
    words += "".join(f"<p>{html.escape(sentence)}</p>" for sentence in verdicts(used))
    compared = next((slot["loss"] for slot in used if slot.get("loss")), None)
    figures = []
    if compared:
        steps = list(range(1, compared["steps"] + 1))
        curve = plots.loss_curve(
            steps,
            compared["mine_curve"],
            validation=(steps, compared["reference_curve"]),
            title="Loss with your functions and with the reference",
        )
        curve.data[0].name, curve.data[1].name = "yours", "reference"
        figures.append(curve)
    yield "Your functions", words, figures


def speed(slot: Mapping[str, Any]) -> str:
    """How the learner's function compares with the reference's speed."""
    return f"{slot['speed_ratio']:.2g} times" if slot.get("speed_ratio") else "not measured"


def agreement(slot: Mapping[str, Any]) -> str:
    """Whether the learner's function gave what the reference gives, on the run's own numbers."""
    if not slot.get("compared"):
        return "not compared"
    if slot["differs_at"] is None:
        return f"the reference's ({slot['compared']} calls compared)"
    return f"other than the reference's at call {slot['differs_at']:,} ({apart(slot)})"


def apart(slot: Mapping[str, Any]) -> str:
    """How far the results lie apart, in words."""
    if slot["difference"] >= ANOTHER_KIND:
        return "another shape or kind, or not finite"
    return f"by {slot['difference']:.2g} times the largest number"


def loss_change(slot: Mapping[str, Any]) -> str:
    """What a function alone, or else all of the learner's, changed in the loss of the first steps."""
    loss, only = slot.get("loss"), slot.get("loss_alone")
    if not loss:
        return ""
    measured = only is not None or slot["id"] in loss.get("alone", {})  # a loss that is no number is None here
    mine, whose = (only, "this one alone") if measured else (loss["mine"], "all of yours")
    if mine is None or loss["reference"] is None:
        return f"{whose}: {_loss(mine)} against {_loss(loss['reference'])} after {loss['steps']} steps"
    return f"{whose}: {mine:.4f} against {loss['reference']:.4f} after {loss['steps']} steps ({mine - loss['reference']:+.4f})"


def _loss(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"


def verdicts(used: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the comparison means, in a sentence or two: which function is wrong, and whether the loss is that of right ones."""
    for slot in used:
        if slot.get("differs_at"):
            effect = f"; {loss_change(slot)}" if slot.get("loss") else ""
            yield f"{slot['id']} gives other results than the reference, first at call {slot['differs_at']:,} ({apart(slot)}){effect}."
    loss = next((slot["loss"] for slot in used if slot.get("loss")), None)
    if loss and loss.get("noise") and None not in (loss["mine"], loss["reference"]):
        change = loss["mine"] - loss["reference"]
        inside = "within" if abs(change) <= loss["noise"] else "beyond"
        yield (
            f"After {loss['steps']} steps the loss with your functions is {change:+.4f} from the reference's, {inside} what another seed "
            f"changes (standard deviation {loss['noise']:.4f})."
        )


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An HTML table; every cell is text, never markup."""
    if not rows:
        return ""
    body = "".join(
        "<tr>" + "".join(f"<td><pre>{html.escape(str(cell))}</pre></td>" for cell in row) + "</tr>" for row in rows
    )
    return "<table><tr>" + "".join(f"<th>{html.escape(column)}</th>" for column in columns) + f"</tr>{body}</table>"


SECTIONS = (slots, cleaning, loss, own_objective, bits, accuracy, samples, rewards, compression, costs)
