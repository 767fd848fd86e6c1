"""The whole book as a folder of static pages: one a lesson, and a contents page by room in the order of the syllabus.

marimo's own export loads its scripts from a network, so the pages are made here from what each lesson showed when it ran.
They share one style and one copy of Plotly's script, and open from the disk.
"""

import html
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path

from groundup import files, progress
from groundup.course.book import render
from groundup.course.book.run import Ran, moved, places, run
from groundup.course.book.shelf import Lesson, lessons
from groundup.errors import InputError

PATIENCE_S = 4.0  # for one place of a control; whose cells take longer stands still in the book
STYLE = """
:root { color-scheme: light dark; --line: rgba(128,128,128,0.3); }
body { font: 17px/1.6 system-ui, -apple-system, 'Segoe UI', sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem;
       background: Canvas; color: CanvasText; }
a { color: #2f7ed8; } nav { display: flex; justify-content: space-between; gap: 1rem; font-size: 0.9rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.2rem; } .paragraph { display: block; margin: 0.8rem 0; }
.codehilite pre, pre { overflow-x: auto; font-size: 0.82rem; line-height: 1.45; padding: 0.6rem 0.8rem; margin: 0.8rem 0;
       border-left: 3px solid var(--line); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { padding: 0.25rem 0.8rem; border-bottom: 1px solid var(--line); text-align: left; }
.control { display: flex; align-items: center; gap: 0.8rem; margin: 1rem 0; padding: 0.6rem 0.8rem; border: 1px solid var(--line);
       border-radius: 6px; } .control input { flex: 1; } output { min-width: 3rem; font-variant-numeric: tabular-nums; }
math[display=block] { margin: 1rem 0; font-size: 1.15rem; } footer { margin-top: 3rem; border-top: 1px solid var(--line); }
"""


def export(
    folder: str | Path,
    model: str | Path | None = None,
    chosen: Iterable[Lesson] | None = None,
    workers: int | None = None,
) -> list[Path]:
    """Run the lessons (all, or the chosen) and write them as pages; the pages' paths, the contents first.

    model: the learner's model folder. workers: processes, as many as there are CPUs by default; 1 stays in this process.
    """
    wanted = list(lessons() if chosen is None else chosen)
    workers = min(workers or os.cpu_count() or 1, len(wanted))
    with files.atomic_folder(folder) as new, progress.progress(len(wanted), "lessons", "lessons") as bar:
        for number, inner in enumerate(_bodies(wanted, model, workers)):
            lesson = wanted[number]
            (new / _page(lesson)).write_text(_lesson_html(wanted, number, lesson.title, inner), encoding="utf-8")
            bar.update(1)
        (new / "index.html").write_text(_html("Contents", contents(wanted)), encoding="utf-8")
        (new / "style.css").write_text(f"{STYLE}\n{render.code_css()}", encoding="utf-8")
        (new / "controls.js").write_text(render.SCRIPT, encoding="utf-8")
        (new / "plotly.min.js").write_text(_plotly(), encoding="utf-8")
    return [Path(folder) / name for name in ["index.html", *map(_page, wanted)]]


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _bodies(wanted: Sequence[Lesson], model: str | Path | None, workers: int) -> Iterator[str]:
    """The lessons' inner HTML, in order, each as soon as it is there."""
    if workers <= 1:
        yield from (body_of(lesson, model) for lesson in wanted)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        yield from pool.map(body_of, wanted, [model] * len(wanted))


def _one_thread() -> None:
    """The workers share the CPUs, so each takes one."""
    import torch

    torch.set_num_threads(1)


def body_of(lesson: Lesson, model: str | Path | None = None) -> str:
    """Run one lesson and give what stands in its page; InputError that names the lesson when one of its cells fails."""
    try:
        return body(run(lesson.path, model), model)
    except Exception as error:
        raise InputError(
            f"the lesson {lesson.id} does not run ({type(error).__name__}: {error}); mend {lesson.path}"
        ) from error


def body(ran: Ran, model: str | Path | None = None) -> str:
    """A lesson that ran as HTML: prose, code, what it showed, its controls with all their places."""
    controls = ran.controls()
    after = _after(ran, model)
    pieces = []
    for number, (cell, output) in enumerate(ran.outputs):
        control = next((name for name in cell.makes if name in controls), None)
        if control is not None:
            pieces.append(render.control(control, controls[control], places(controls[control])))
            continue
        if cell.prose is None and not cell.hidden:
            pieces.append(render.code(cell.code))
        others = {
            key: render.shown(outputs[number], _id(number, *key)) for key, outputs in after.items() if number in outputs
        }
        pieces.append(render.exchanged(render.shown(output, _id(number)), others))
    return "\n".join(piece for piece in pieces if piece)


def _id(number: int, name: str = "", place: int = 0) -> str:
    """The name of the element of one figure."""
    return f"figure-{number}" + (f"-{name}-{place}" if name else "")


def _after(ran: Ran, model: str | Path | None) -> dict[tuple[str, int], dict[int, object]]:
    """By (control, place): what the cells after the control show there, by their number; only cells that show something."""
    numbers = {id(cell.node): number for number, (cell, _) in enumerate(ran.outputs)}
    found: dict[tuple[str, int], dict[int, object]] = {}
    for name, control in ran.controls().items():
        for at, value in enumerate(places(control)):
            again = moved(ran, name, value, model)
            found[name, at] = {numbers[id(cell.node)]: out for cell, out in again.outputs if out is not None}
            if again.seconds > PATIENCE_S:
                return {key: outputs for key, outputs in found.items() if key[0] != name}
    return found


# ───────── pages ─────────


def _page(lesson: Lesson) -> str:
    return f"{lesson.id}.html"


def _html(title: str, inner: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="style.css">'
        f"</head>\n<body>\n{inner}\n</body></html>\n"
    )


def _lesson_html(wanted: Sequence[Lesson], number: int, title: str, inner: str) -> str:
    """A lesson's page: the ways to its neighbours, what it says, where its source is."""
    here = wanted[number]
    before = _link(wanted[number - 1], "← ") if number else ""
    then = _link(wanted[number + 1], "", " →") if number + 1 < len(wanted) else ""
    nav = f'<nav><span>{before}</span><a href="index.html">Contents</a><span>{then}</span></nav>'
    source = f"<p>Source: <code>groundup/{here.place.as_posix()}</code>. Open it: <code>groundup learn lesson {here.id}</code></p>"
    scripts = '<script src="plotly.min.js"></script>'
    return _html(
        title, f'{scripts}\n{nav}\n{inner}\n<footer>{source}{nav}</footer>\n<script src="controls.js"></script>'
    )


def _link(lesson: Lesson, before: str = "", after: str = "") -> str:
    return f'<a href="{_page(lesson)}">{before}{html.escape(lesson.title)}{after}</a>'


def contents(wanted: Sequence[Lesson]) -> str:
    """The contents page: a heading a room, its lessons with the topics they teach."""
    parts = ["<h1>The book</h1>", f"<p>{len(wanted)} lessons, each run when this page was made.</p>"]
    for room, group in groupby(wanted, lambda lesson: lesson.room):
        parts.append(f"<h2>{html.escape(room)}</h2>\n<ul>")
        for lesson in group:
            goals = "; ".join(topic.goal for topic in lesson.topics())
            parts.append(f"<li>{_link(lesson)}<br><small>{html.escape(goals)}</small></li>")
        parts.append("</ul>")
    return "\n".join(parts)
