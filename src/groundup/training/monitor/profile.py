"""Where the time of a training step goes: an operation a row, a part of the model a row, and the flame picture.

Operations nest: `aten::linear` runs `aten::t` and `aten::addmm` inside itself. Their times therefore cannot be added up as
they stand; each has to give away what runs inside it, and what is left is its own. Own times add up to the whole.

    own(span) = end - start - sum of (end - start) of the spans directly inside it

torch.profiler tells which operations ran and when (a few steps, after the first ones have warmed up). Which part of the model
they belong to is told by marks around the modules; an operation of the way back has no module around it, and is matched by
the number that autograd gave to the forward operation whose gradient it is. Matrix products are counted by their shapes
(2 m n k operations) and compared with the machine's peak. The flame picture is Gregg's (2016, doi:10.1145/2927299.2927301)
with the root at the top. Being watched costs time, up to a third for small operations: read the shares.
Leaves out: other processes, and what a compiled step fuses, which is one row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup import files
from groundup.slots import slot

SHORT = {"feed-forward": "ffn", "head and loss": "head", "embedding and norms": "norms"}  # in a terminal's width
PARTS = ("attention", "feed-forward", "head and loss", "embedding and norms", "optimizer", "data", "rest")


@slot
def own_seconds(spans: Sequence[tuple[float, float]]) -> list[float]:
    """What each span (start, end) spends itself, without the spans directly inside it. Spans nest or lie apart, in any order.

    >>> own_seconds([(0, 10), (1, 4), (2, 3), (6, 8)])
    [5, 2, 1, 2]
    """
    own = [end - start for start, end in spans]
    around: list[int] = []  # the spans that are open, outermost first
    for number in sorted(range(len(spans)), key=lambda one: (spans[one][0], -spans[one][1])):
        start, end = spans[number]
        while around and spans[around[-1]][1] <= start:
            around.pop()
        if around:
            own[around[-1]] -= end - start
        around.append(number)
    return own


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation that ran: when, in which part of the model, what it called itself inside of."""

    name: str
    start: float  # seconds
    end: float
    thread: int = 0
    part: str = "rest"
    backward: bool = False
    around: tuple[str, ...] = ()  # names of the operations that it ran inside of, outermost first
    flops: int = 0
    bytes: int = 0  # memory that it took itself, given back or not
    count: bool = True  # False: a mark, whose own time is Python's


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What a few steps were spent on; seconds, calls and operations are of one step."""

    steps: int
    seconds: float
    parts: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    flame: list[dict[str, Any]]  # name, seconds, and the number of the row it stands in (None: the root)
    peak_flops: float | None
    machine: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def product_flops(name: str, shapes: Sequence[Sequence[int]]) -> int:
    """Operations of a matrix product by the shapes of what it was given; 0 for anything else.

    >>> product_flops("aten::mm", [[2, 3], [3, 5]])
    60
    """
    shapes = [shape for shape in shapes if len(shape) >= 2]
    if name in ("aten::addmm", "aten::baddbmm"):
        shapes = shapes[-2:]
    if name == "mkldnn::_linear_pointwise" or name.endswith("mkldnn_linear"):
        shapes = [shapes[0], shapes[1][::-1]] if len(shapes) > 1 else []
    elif name.startswith("aten::_scaled_dot_product") and "attention" in name:
        return _attention_flops(shapes, 5 if "backward" in name else 2)
    elif name not in ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"):
        return 0
    if len(shapes) < 2:
        return 0
    rows = 1
    for size in shapes[0][:-1]:
        rows *= size
    return 2 * rows * shapes[0][-1] * shapes[1][-1]


def _attention_flops(shapes: Sequence[Sequence[int]], products: int) -> int:
    """The two products of attention (backward: two for each, and the scores again), masked pairs included."""
    four = [shape for shape in shapes if len(shape) == 4]
    query, key = (four[-3:-1] if products == 5 and len(four) > 3 else four[:2]) if len(four) > 1 else ((0,), (0, 0))
    return products * 2 * query[0] * query[1] * query[2] * key[2] * query[3] if len(query) == 4 else 0


def summarize(
    operations: Sequence[Operation], steps: int, seconds: float, *, peak_flops: float | None = None, machine: str = ""
) -> Profile:
    """Rows and picture of what ran. seconds: of all steps by the wall, so that what no operation explains is a row too."""
    spent: list[tuple[Operation, float]] = []
    for thread in sorted({one.thread for one in operations}):  # spans nest in a thread
        inside = [one for one in operations if one.thread == thread]
        spent += zip(inside, own_seconds([(one.start, one.end) for one in inside]), strict=True)
    between = max(0.0, seconds - sum(own for _, own in spent))
    rows = sorted(_rows(spent, steps, peak_flops, seconds), key=lambda row: -row["seconds"])
    return Profile(
        steps=steps,
        seconds=seconds / steps,
        parts=_parts(spent, between, steps, seconds, peak_flops),
        operations=[*rows, _between(between, steps, seconds)],
        flame=_flame(spent, between, steps),
        peak_flops=peak_flops,
        machine=machine,
    )


PYTHON = "Python, in between"


def _between(between: float, steps: int, seconds: float) -> dict[str, Any]:
    row = {"operation": PYTHON, "part": "rest", "calls": 0, "seconds": between / steps, "share": between / seconds}
    return row | {"flops": 0, "flops_per_second": None, "of_peak": None, "bytes": 0}


def _rows(
    spent: Iterable[tuple[Operation, float]], steps: int, peak: float | None, seconds: float
) -> Iterator[dict[str, Any]]:
    """One row an operation and part."""
    kinds: dict[tuple[str, str], list[tuple[Operation, float]]] = {}
    for one, own in spent:
        kinds.setdefault((one.name if one.count else PYTHON, one.part), []).append((one, own))
    for (name, part), found in kinds.items():
        total, flops = sum(own for _, own in found), sum(one.flops for one, _ in found)
        yield {
            "operation": name,
            "part": part,
            "calls": sum(one.count for one, _ in found) / steps,
            "seconds": total / steps,
            "share": total / seconds,
            **_speed(flops, total, steps, peak),
            "bytes": sum(one.bytes for one, _ in found) / steps,
        }


def _speed(flops: int, seconds: float, steps: int, peak: float | None) -> dict[str, Any]:
    """Operations, a second, and of the peak; only matrix products are counted."""
    speed = flops / seconds if flops and seconds > 0 else None
    return {
        "flops": flops / steps,
        "flops_per_second": speed,
        "of_peak": speed / peak if speed and peak else None,
    }


def _parts(
    spent: Sequence[tuple[Operation, float]], between: float, steps: int, seconds: float, peak: float | None
) -> list[dict[str, Any]]:
    found = []
    for part in PARTS:
        inside = [(one, own) for one, own in spent if one.part == part]
        total = sum(own for _, own in inside) + (between if part == "rest" else 0.0)
        back = sum(own for one, own in inside if one.backward)
        products = sum(own for one, own in inside if one.flops)
        row = {"part": part, "seconds": total / steps, "share": total / seconds, "backward_seconds": back / steps}
        speed = _speed(sum(one.flops for one, _ in inside), products, steps, peak)
        found.append(row | {"products_seconds": products / steps} | speed)
    return found


def _flame(spent: Sequence[tuple[Operation, float]], between: float, steps: int) -> list[dict[str, Any]]:
    """The tree part -> way -> operation in operation, own times added where the way is the same; a row's seconds hold its children's."""
    totals: dict[tuple[str, ...], float] = {(): 0.0}
    for one, own in [*spent, (Operation(name=PYTHON, start=0.0, end=between), between)]:
        way = ("backward",) if one.backward else ("forward",) if one.part in PARTS[:4] else ()
        name = one.name if one.count else PYTHON
        path = (one.part, *way, *one.around, *(() if one.around[-1:] == (name,) else (name,)))
        for length in range(len(path) + 1):
            totals[path[:length]] = totals.get(path[:length], 0.0) + own
    kept = [path for path, total in totals.items() if total > 0]
    numbers = {path: number for number, path in enumerate(kept)}
    return [
        {
            "name": path[-1] if path else "step",
            "seconds": totals[path] / steps,
            "inside": numbers[path[:-1]] if path else None,
        }
        for path in kept
    ]


def write(profile: Profile, folder: str | Path) -> Path:
    """Write profile.json, and profile.html with the tables' pictures; the page's path."""
    from groundup import plots

    folder = Path(folder)
    files.write_json(folder / "profile.json", profile.plain())
    files.write_text(folder / "profile.html", plots.to_html(figures(profile), title="Where a step's time goes"))
    return folder / "profile.html"


def figures(profile: Profile, most: int = 12) -> list[Any]:
    """The flame picture, the parts, and the operations that take longest."""
    from groundup import plots

    parts = {row["part"]: 1000 * row["seconds"] for row in profile.parts if row["seconds"]}
    rows = sorted(profile.operations, key=lambda row: -row["seconds"])[:most]
    names: dict[str, float] = {}
    for row in rows:  # two operations that are cut to one name share a bar
        names[_short(row, 16)] = names.get(_short(row, 16), 0.0) + 1000 * row["seconds"]
    title = f"Where {1000 * profile.seconds:.0f} ms of a step go"
    return [
        plots.flame_graph(profile.flame, title=title),
        plots.value_bars({"own time": parts}, y="ms a step", title="By part"),
        plots.value_bars({"own time": names}, y="ms a step", title="By operation: own time"),
    ]


def table(profile: Mapping[str, Any], most: int = 20) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of a profile.json in words: parts, and the operations that take longest."""
    parts = [
        [row["part"], f"{1000 * row['seconds']:.2f}", f"{100 * row['share']:.1f} %", *_words(row)]
        for row in profile["parts"]
    ]
    longest = sorted(profile["operations"], key=lambda row: -row["seconds"])[:most]
    rows = [
        [
            _short(row),
            f"{row['calls']:.0f}",
            f"{1000 * row['seconds']:.2f}",
            f"{100 * row['share']:.1f} %",
            _words(row)[1],
            f"{row['bytes'] / 1e6:.1f}",
        ]
        for row in longest
    ]
    return parts, rows


def _short(row: Mapping[str, Any], most: int = 24) -> str:
    """Part and operation in a terminal's width: `ffn: linear_pointwise`."""
    name = row["operation"].rpartition("::")[2].lstrip("_")
    cut = name if len(name) <= most else f"{name[: most - 1]}…"
    return f"{SHORT.get(row['part'], row['part'])}: {cut}"


def _words(row: Mapping[str, Any]) -> list[str]:
    speed, share = row["flops_per_second"], row["of_peak"]
    return [f"{speed / 1e9:.1f}" if speed else "", f"{100 * share:.0f} %" if share else ""]
