"""Results as tables in the terminal: stdout, with rich, which obeys NO_COLOR and leaves colours out of a pipe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from groundup import files, progress

WORDS = 28  # a cell with more characters is a text, which may be broken into lines


def console(on_stderr: bool = False) -> Console:
    """Where results go; what is said before them goes to stderr."""
    return Console(highlight=False, stderr=on_stderr)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], on_stderr: bool = False) -> None:
    """Print one table; the first column is words, the others numbers. Too wide for the terminal: without lines between, else in several parts."""
    where = console(on_stderr)
    where.print(title, style="bold", markup=False)
    columns = [[str(row[place]) for row in rows] for place in range(len(head))]
    least = [least_width(name, cells) for name, cells in zip(head, columns, strict=True)]
    dense = where.width < sum(least) + 3 * len(least) + 1 and sum(least) + 2 * len(least) + 1 <= where.width
    for places in [list(range(len(head)))] if dense else side_by_side(least, where.width):
        shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False) if dense else Table()
        for place in places:  # where a table is divided or dense, every column has the room that its figures need
            narrowest = least[place] if place and (dense or len(places) < len(head)) else None
            shown.add_column(head[place], justify="right" if place else "left", no_wrap=not place, min_width=narrowest)
        for row in range(len(rows)):
            shown.add_row(*(columns[place][row] for place in places))
        where.print(shown)


def least_width(name: str, cells: Sequence[str]) -> int:
    """How narrow a column may be: no word of its head is broken, and no cell but of a long text."""
    return max([*map(len, name.split()), *(min(_longest(cell), WORDS) for cell in cells), 1])


def side_by_side(widths: Sequence[int], room: int) -> list[list[int]]:
    """Which columns stand in one table: all where they fit, else as many as do, each time behind the first column.

    >>> side_by_side([10, 20, 20, 20], 90), side_by_side([10, 20, 20, 20], 60)
    ([[0, 1, 2, 3]], [[0, 1, 2], [0, 3]])
    """
    parts, used = [[0]], widths[0] + 4
    for place, width in enumerate(widths[1:], 1):
        if used + width + 3 > room and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0] + 4
        parts[-1].append(place)
        used += width + 3
    return parts


def _longest(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def stage(planned: Any, reused: bool) -> None:
    """Say that a stage begins, or that its result is there already."""
    done = "reused" if reused else planned.stage.about
    progress.say(f"[{planned.number}] {planned.stage.name}: {done}")


def read_results(folder: Path) -> dict[str, Any]:
    """The results.json of a run; empty when its recipe has no report."""
    path = folder / "results.json"
    return files.read_json(path) if path.is_file() else {}


def results(found: Mapping[str, Any], folder: Path) -> None:
    """The results of a run: bits per byte, accuracy, cost, the learner's functions, and where the report is."""
    if cleaned := found.get("data", {}).get("pipeline"):
        steps("what the pipeline did with your text", cleaned["steps"])
    bits(found.get("bits_per_byte", {}))
    accuracy(found.get("accuracy", {}))
    costs(found.get("stages", []))
    slots(found.get("slots", []))
    if (folder / "report.html").is_file():
        console().print(f"report: {folder / 'report.html'}    model: {folder / 'model'}")
        if any(entry["name"] == "compress" for entry in found.get("stages", [])):
            print(f"serve it: groundup serve {folder / 'model'}")


def steps(title: str, found: Sequence[Mapping[str, Any]]) -> None:
    """What each step of a data pipeline kept, changed and dropped, and for which reasons."""
    from groundup.runs.report import steps_table

    table(title, *steps_table(found))


def bits(found: Mapping[str, Any]) -> None:
    """Bits per byte: one row a model or baseline, one column a world."""
    if not found:
        return
    names = list(dict.fromkeys(who for world in found.values() for who in world["who"]))
    rows = [[who, *(number(world["who"].get(who, {}).get("value")) for world in found.values())] for who in names]
    if any(world.get("gap_closed") is not None for world in found.values()):
        gaps = [world.get("gap_closed") for world in found.values()]
        rows.append(["gap to the floor closed", *("" if gap is None else f"{100 * gap:.0f} %" for gap in gaps)])
    table("bits per byte on held-out text", ["", *found], rows)


def accuracy(found: Mapping[str, Any]) -> None:
    """Instructions answered exactly, by model and baseline."""
    if found:
        kinds = ("overall", "seen", "unseen")
        rows = [[who, *(percent(entry.get(kind)) for kind in kinds)] for who, entry in found.items()]
        table("held-out instructions answered exactly", ["after", "all", "seen compositions", "unseen"], rows)


def costs(found: Sequence[Mapping[str, Any]]) -> None:
    """Time and memory of every stage, forecast beside truth."""
    rows = []
    for entry in found:
        times = [seconds(entry["seconds"]), seconds(entry["forecast_seconds"])]
        memory = [size(entry["peak_memory_bytes"]), size(entry["forecast_memory_bytes"])]
        rows.append([entry["name"], *times, *memory, f"{entry['drift']:.2f}" if entry["drift"] else ""])
    if rows:
        total = [sum(entry["seconds"] for entry in found), max(entry["peak_memory_bytes"] for entry in found)]
        rows.append(["whole run", seconds(total[0]), "", size(total[1]), "", ""])
        table("time and memory", ["stage", "time", "forecast", "memory", "forecast", "machine's drift"], rows)


def slots(found: Sequence[Mapping[str, Any]], file: TextIO | None = None) -> None:
    """The learner's own functions that ran, and which of them are wrong. file: where it is written; left out: where results go."""
    from groundup.runs import report

    for slot in found:
        ratio = f", {slot['speed_ratio']:.2g} times the reference's time" if slot.get("speed_ratio") else ""
        print(f"yours: {slot['id']} from {slot['file']}, {slot['calls']:,} calls{ratio}", file=file)
    for sentence in report.verdicts(found):
        print(sentence, file=file)


def next_steps(folder: Path, chats: bool) -> None:
    """Three things to do after a demo."""
    model = folder / "model"
    steps = {
        f"groundup chat {model}" if chats else f'groundup generate {model} "Once"': "talk with your model"
        if chats
        else "let your model write",
        "groundup demo --text PATH": "the same on your own text",
        "groundup plan demo --set model.hidden_size=768": "what a real model would cost on this machine",
    }
    width = max(map(len, steps))
    print("\nnext:\n" + "\n".join(f"  {command:<{width}}   {about}" for command, about in steps.items()))


def forecast(found: Mapping[str, Any], on_stderr: bool = False) -> None:
    """What a run will cost, by stage."""
    rows = [
        [
            one["name"],
            seconds(one["seconds"]),
            size(one["memory_bytes"]),
            size(one["disk_bytes"]),
            count(one.get("tokens")),
            count(one.get("flops")),
        ]
        for one in found["stages"]
    ]
    total = ["whole run", seconds(found["seconds"]), size(found["memory_bytes"]), size(found["disk_bytes"]), "", ""]
    parameters = f"{count(found['parameters'])} parameters" if found.get("parameters") else "no model"
    title = f"forecast for {found['recipe']}: {parameters}, on {found['machine']}"
    table(title, ["stage", "time", "memory", "disk", "tokens", "operations"], [*rows, total], on_stderr)


def uses(found: Sequence[Mapping[str, Any]]) -> None:
    """What a model costs in use, counted from its configuration: memory, its largest part, operations."""
    rows = []
    for one in found:
        largest = max(one["parts"], key=lambda name: one["parts"][name])
        tokens = f"{one['rows']:,} x {one['tokens']:,}"
        rows.append([one["use"], tokens, size(one["memory_bytes"]), largest, count(one["flops"])])
    if rows:
        title = f"in use, counted from the configuration: {found[0]['dtype']}, without the program itself"
        table(title, ["use", "tokens", "memory", "most of it", "operations"], rows)


def recipes(found: Mapping[str, str], as_json: bool) -> None:
    """The recipes that come with groundup."""
    if as_json:
        console().print_json(data=dict(found))
    else:
        table("recipes", ["name", "what it is"], list(found.items()))


def stage_result(done: Any, as_json: bool) -> None:
    """What a stage verb made, and its numbers."""
    from groundup.cli import watched

    last = done.stages[-1]
    made = [str(done.folder / role) for role in ("tokenizer", "model") if (done.folder / role).is_dir()] or [
        str(last.folder / last.plan.stage.makes)
    ]
    numbers = {key: value for key, value in last.done["numbers"].items() if isinstance(value, (int, float, str))}
    if as_json:
        console().print_json(
            data={
                "stage": last.name,
                "made": made,
                "seconds": last.done["cost"]["seconds"],
                "numbers": last.done["numbers"],
                **watched.profiles(done),
            }
        )
        return
    table(
        f"{last.name}: {seconds(last.done['cost']['seconds'])}",
        ["", ""],
        [[key, number(value)] for key, value in numbers.items()],
    )
    watched.show_profiles(done)
    console().print("made: " + ", ".join(made))


def scores(found: Mapping[str, Any]) -> None:
    """What `groundup eval` measured."""
    bits(found.get("bits_per_byte", {}))
    accuracy(found.get("accuracy", {}))


def runs(found: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """The runs of a folder."""
    from groundup.cli import watched

    rows = []
    for run in found:
        state = "finished" if run["finished"] else f"{len(run['ended'])} of {len(run['stages'])} stages"
        state += f"\n{watched.progress_words(run['progress'])}" if run.get("progress") else ""
        rows.append(
            [
                run["run"],
                run["recipe"],
                state,
                seconds(run["results"].get("cost", {}).get("seconds")),
                size(run["size_bytes"]),
            ]
        )
    table(f"runs in {folder}", ["run", "recipe", "state", "time", "disk"], rows)


def checkpoints(found: Sequence[Mapping[str, Any]], run: Path) -> None:
    """The checkpoints of a run, and how the newest whole one is used."""
    rows = [
        [
            str(Path(one["checkpoint"]).relative_to(run)),
            str(one["step"]),
            number(one["validation"]) if one["validation"] is not None else "",
            size(one["size_bytes"]),
            one["damage"] or "whole",
        ]
        for one in found
    ]
    table(f"checkpoints of {run}", ["checkpoint", "step", "validation", "disk", "state"], rows)
    whole = [one["checkpoint"] for one in found if one["damage"] is None and one["model_folder"]]
    if whole:
        console().print(f"each is a model: groundup generate {whole[-1]}", markup=False, soft_wrap=True)


def comparison(found: Mapping[str, Any]) -> None:
    """Two runs side by side."""
    main = {
        key: pair
        for key, pair in found["numbers"].items()
        if key.startswith("cost.") or (".value" in key and ".families." not in key)
    }
    for title, part in (("settings that differ", found["settings"]), ("results", main)):
        table(title, ["", *found["runs"]], [[key, *(number(value) for value in pair)] for key, pair in part.items()])
    for stage, sentence in found["losses"].items():
        console().print(f"{stage}: {sentence}", markup=False, soft_wrap=True)


def number(value: Any) -> str:
    """A number with four figures, or the words of anything else."""
    if value is None:
        return ""
    return (
        f"{value:.4g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else str(value)
    )


def percent(entry: Mapping[str, float] | None) -> str:
    """A share with its interval."""
    return f"{100 * entry['value']:.1f} % ({100 * entry['low']:.0f}-{100 * entry['high']:.0f})" if entry else ""


def seconds(value: float | None) -> str:
    """A time as people say it.

    >>> seconds(4.2), seconds(75), seconds(4020)
    ('4.2 s', '1 min 15 s', '1 h 07 min')
    """
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(value: float | None) -> str:
    """Bytes as people say them.

    >>> size(1.5e9), size(2e5)
    ('1.50 GB', '200 kB')
    """
    if value is None:
        return ""
    return (
        f"{value / 1e9:.2f} GB"
        if value >= 1e9
        else f"{value / 1e6:.1f} MB"
        if value >= 1e6
        else f"{value / 1e3:.0f} kB"
    )


def count(value: float | None) -> str:
    """A large number with a letter; powers of ten beyond.

    >>> count(2.5e6), count(3.1e14)
    ('2.5M', '3.1e+14')
    """
    if value is None:
        return ""
    return progress.short(value) if value < 1e12 else f"{value:.2g}"
