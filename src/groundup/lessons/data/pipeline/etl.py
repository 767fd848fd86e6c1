"""Lesson: a pipeline that can say what happened to every document, and that gives the same bytes however it was interrupted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What happened to that document?", width="medium")

with app.setup:
    import json
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.inspect.paging import Wanted, page
    from groundup.data.documents import Document, read_documents
    from groundup.data.pipeline.etl import Pipeline, run
    from groundup.data.pipeline.report import StepReport, added, smallest
    from groundup.data.pipeline.shard import run_guarded
    from groundup.data.pipeline.steps import Dropped, Exact, Length, Match, first_equal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What happened to that document?

    Between the raw web and a training set nine of ten pages disappear. Tools that drop them without a word leave their users to
    guess. Afterwards you know how a pipeline keeps account of every document, how it goes on after it was killed, and how many
    processes can share the work without changing a byte of the result.
    """)
    return


@app.cell
def _():
    folder = Path(tempfile.mkdtemp())
    (folder / "pages").mkdir()
    _draw = np.random.default_rng(0)
    for _file in range(6):
        _rows = []
        for _row in range(60):
            _kind = _draw.random()
            _words = "short" if _kind < 0.2 else f"Story {_draw.integers(0, 90)}: a fox met a bee, and both went home."
            _rows.append(_words + (" Subscribe now" if _kind > 0.9 else ""))
        (folder / "pages" / f"{_file}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in _rows))
    pipeline = Pipeline(steps=(Length(min_characters=10), Exact(), Match(pattern="Subscribe")), shard_bytes=1)
    report = run(pipeline, folder / "pages", folder / "out")
    _seen = report["steps"][0]["seen"]
    mo.md(
        f"Of {_seen} documents **{report['kept']['documents']}** stay, and each of the other {_seen - report['kept']['documents']} can be looked up."
    )
    return folder, pipeline, report


@app.cell
def _(report):
    for _before, _after in zip(report["steps"], report["steps"][1:], strict=False):
        assert _before["kept"] == _after["seen"], "what one step keeps the next one sees"
    for _step in report["steps"]:
        assert _step["kept"] + sum(_step["dropped"].values()) == _step["seen"], "kept or dropped, nothing else"
    return


@app.cell
def _(report):
    _names = [f"{number} {step['step']['kind']}" for number, step in enumerate(report["steps"], 1)]
    plots.value_bars(
        {what: dict(zip(_names, [step[what] for step in report["steps"]], strict=True)) for what in ("seen", "kept")},
        y="documents",
        title="What each step saw and kept",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One document, asked for

    A dropped document goes into a table of its own, with the step, the reason, and what was found in it. So the question in the title has
    an answer, also months later.
    """)
    return


@app.cell
def _(folder):
    _dropped = page(folder / "out", Wanted(step="exact"), size=1)["documents"][0]
    asked = page(folder / "out", Wanted(id=_dropped["id"]))["documents"][0]
    mo.md(f"`{asked['id']}` was dropped by step **{asked['step']}**: {asked['reason']}, {asked['detail']}.")
    return (asked,)


@app.cell
def _(asked, folder):
    _twin = asked["detail"].removeprefix("first seen in ")
    _texts = {
        one.id: one.text for path in sorted((folder / "out" / "documents").iterdir()) for one in read_documents(path)
    }
    _gone = page(folder / "out", Wanted(id=_twin))["documents"][0]
    assert _gone["text"] == asked["text"], "the named twin has the same text"
    assert _twin in _texts or _gone["step"] == "3 match", "it stayed, or a later step dropped it and says so"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A shard is a pure function

    The input is cut into shards. What comes out of a shard depends on what goes in and on the steps, on nothing else: not on the
    process, the order, or what happened before. So shards can be done anywhere, and done again. Backwards, for example:
    """)
    return


@app.cell
def _(folder, pipeline):
    run(pipeline, folder / "pages", folder / "backwards", execute=lambda tasks: map(run_guarded, reversed(tasks)))
    same = all(
        path.read_bytes() == (folder / "out" / path.relative_to(folder / "backwards")).read_bytes()
        for path in (folder / "backwards").rglob("*")
        if path.is_file()
    )
    mo.md(f"Shards done in reverse order: the same bytes in every file: **{same}**.")
    return (same,)


@app.cell
def _(same):
    assert same
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A finished shard leaves a report with the hash of all that it followed from: the steps, their settings, the input's files. A killed run
    finds these and does only the others. Choose after how many shards the power fails.
    """)
    return


@app.cell
def _():
    survived = mo.ui.slider(0, 6, step=1, value=4, label="shards before the power fails", show_value=True)
    survived
    return (survived,)


@app.cell
def _(folder, pipeline, survived):
    def _until(most):
        def execute(tasks):
            for _number, _task in enumerate(tasks):
                if _number == most:
                    raise InterruptedError("power")
                yield run_guarded(_task)

        return execute

    _out = Path(tempfile.mkdtemp(dir=folder)) / "again"
    try:
        run(pipeline, folder / "pages", _out, execute=_until(survived.value))
    except InterruptedError:
        pass
    rest = []

    def _counting(tasks):
        rest.append(len(tasks))
        return map(run_guarded, tasks)

    run(pipeline, folder / "pages", _out, execute=_counting)
    equal = (_out / "report.json").read_bytes() == (folder / "out" / "report.json").read_bytes()
    _left = rest[0] if survived.value < 6 else 0
    plots.value_bars(
        {"done before": {"first stage": 6 - _left}, "done after": {"first stage": _left}},
        y="shards",
        title=f"Nothing is done twice, and the report is the same: {equal}",
    )
    return equal, rest


@app.cell
def _(equal, rest, survived):
    assert equal
    assert not rest or rest[0] == 6 - survived.value or survived.value == 6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Steps that need all documents

    Whether a text came before cannot be seen in one shard. Such a step works in three parts: each shard writes a few numbers for each document,
    a *sketch*; one place looks at the sketches of all; each shard carries out what was decided. For equal texts the sketch is a
    fingerprint of 16 bytes.
    """)
    return


@app.cell
def _():
    _shards = [["a fox", "a bee"], ["a  fox", "an ant", "a bee"]]
    sketches = [np.concatenate(Exact().sketch([Document("", text, "") for text in shard])) for shard in _shards]
    twins = first_equal(sketches)
    mo.md(
        f"Two shards with five texts. Twins: `{twins.tolist()}`: the third is the first again, the fifth the second; -1 means new."
    )
    return sketches, twins


@app.cell
def _(sketches, twins):
    assert twins.tolist() == [-1, -1, 0, -1, 1]
    assert first_equal(sketches, memory_bytes=50).tolist() == twins.tolist(), "part by part in little memory: the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Samples that can be added

    A report shows a few documents for each reason. The first three would all come from the first file. Instead each document has a
    rank, the hash of its name, and the smallest ranks are shown. The smallest of two parts together are among the smallest of each, so
    reports of shards can be added in any order, and every document has the same chance to be shown.
    """)
    return


@app.cell
def _():
    def _counted(numbers):
        """The report of a step that drops all of these."""
        _made = StepReport.of(Length(), 3)
        for _number in numbers:
            _made.count(Document(f"{_number:03}", "x", "s"), Dropped("odd"))
        return [_made.plain()]

    together = added([_counted(range(300))], 3)[0]
    apart = added([_counted(range(start, start + 50)) for start in (250, 0, 100, 50, 200, 150)], 3)[0]
    shown = [sample["id"] for sample in together["samples"]["odd"]]
    mo.md(
        f"Of 300 documents dropped for one reason these are shown: {', '.join(shown)}; counted in six shards, the same."
    )
    return apart, shown, together


@app.cell
def _(apart, shown, together):
    assert apart == together
    assert shown != ["000", "001", "002"], "not simply the first"
    assert smallest([{"rank": "b", "id": 1}, {"rank": "a", "id": 2}], 1) == [{"rank": "a", "id": 2}]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the control to 6: the first stage was done when the power failed, and what is left belongs to the second.
    - Write your steps into a file and run them: `groundup data build --text FOLDER --pipeline FILE.toml --workers 2`.
    - Then ask: `groundup data inspect OUT --find ID`, and read OUT/README.md, which the run wrote about itself.
    """)
    return


if __name__ == "__main__":
    app.run()
