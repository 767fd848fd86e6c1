"""Lesson: the logs of many processes as one story, though no two clocks agree."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Logs: what happened first", width="medium")

with app.setup:
    import json
    import tempfile

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.training.monitor.logging import STEP_END, Log, clock_offsets, merge, merged, read, search


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Logs: what happened first

    A large model is trained by many processes, and when it fails each has a log with a time at every line. Afterwards you know why
    these times cannot tell what happened first, what can, and how to get from a number in the metrics to the lines of its step.
    """)
    return


@app.cell
def _():
    def process(rank, ahead, steps=12, jitter=0.0):
        """The log of a process whose clock is so many seconds ahead: one line inside each step, one at its end."""
        draws = np.random.default_rng(rank)
        moments = [(step, step - 0.6 + rank / 10, f"rank {rank} works") for step in range(1, steps + 1)]
        moments = [*moments, *((step, step + jitter * draws.random(), STEP_END) for step in range(1, steps + 1))]
        return [
            {"sitting": 0, "step": step, "monotonic": at + ahead, "message": message, "rank": rank, "level": "info"}
            for step, at, message in sorted(moments)
        ]

    def by_time(streams):
        """What one does first: sort all lines by their time."""
        return sorted((line for stream in streams for line in stream), key=lambda line: line["monotonic"])

    def wrong(lines):
        """The share of neighbouring lines in which a later step stands before an earlier one."""
        pairs = list(zip(lines, lines[1:], strict=False))
        return sum(first["step"] > second["step"] for first, second in pairs) / len(pairs)

    three = [process(rank, ahead) for rank, ahead in enumerate((0.0, 1.7, -3.2))]
    mo.md(
        "Three processes, one clock 1.7 s ahead, one 3.2 s behind. Sort their lines by time, and "
        f"**{wrong(by_time(three)):.0%}** of them stand before a line of an earlier step: effects before causes."
    )
    return by_time, process, three, wrong


@app.cell
def _(by_time, three, wrong):
    assert wrong(by_time(three)) > 0.2
    assert wrong(merged(three)) == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What can be relied on

    Lamport asked in 1978 what "before" means when every machine has a clock of its own. His answer: one thing is before another if it
    could have caused it. In one process, line after line. Between processes, when one waits for a word of the other.

    Processes that train one model wait for each other at every step: nobody begins step 8 before all gave their gradients of step 7. So
    the **step** is a clock that all share. It only has no seconds. The order of the lines is therefore

    1. the sitting: steps that are made again after a kill come later,
    2. the step,
    3. the time, brought to one clock,

    and a line never overtakes an earlier line of its own process.
    """)
    return


@app.cell
def _():
    first = [
        {"sitting": 0, "step": 1, "monotonic": 5.0, "message": "a"},
        {"sitting": 0, "step": 2, "monotonic": 6.0, "message": "c"},
    ]
    second = [
        {"sitting": 0, "step": 1, "monotonic": 9.0, "message": "b"},
        {"sitting": 0, "step": 2, "monotonic": 9.5, "message": "d"},
    ]
    smallest = "".join(line["message"] for line in merge([first, second], [0.0, 0.0]))
    assert smallest == "abcd", "by time alone it would be acbd"
    smallest
    return first, second, smallest


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far apart are two clocks

    Within a step the time does matter: who came first? All processes end a step together, so the difference of their clocks at that
    moment is how far apart the clocks are. One step's difference is noisy (who was told a little later?), so take the **median** over
    all steps: it stays where it is even if some steps are far off. Draw the differences for a noise of your choice.
    """)
    return


@app.cell
def _():
    noise = mo.ui.slider(
        steps=[0.0, 0.1, 0.2, 0.4, 0.8], value=0.2, label="noise at the end of a step, seconds", show_value=True
    )
    noise
    return (noise,)


@app.cell
def _(noise, process):
    pair = [process(0, 0.0, 60, noise.value), process(1, 42.0, 60, noise.value)]
    ends = [{line["step"]: line["monotonic"] for line in stream if line["message"] == STEP_END} for stream in pair]
    apart = [ends[0][step] - ends[1][step] for step in ends[0]]
    late = [difference - (30.0 if step in (20, 21, 22, 23) else 0.0) for step, difference in enumerate(apart)]
    plots.lines(
        range(1, 61),
        {"what each step says, four of them late": late},
        levels={"median": float(np.median(late)), "mean": float(np.mean(late))},
        x="step",
        y="seconds to add to the second clock",
        title=f"The median says {np.median(late):.2f}, the mean {np.mean(late):.2f}; the truth is -42",
    )
    return apart, ends, late, pair


@app.cell
def _(apart, late, noise, pair):
    assert abs(clock_offsets(pair)[1] + 42) <= noise.value / 2
    assert clock_offsets(pair) == [0.0, float(np.median(apart))]
    assert abs(np.median(late) + 42) <= noise.value and abs(np.mean(late) + 42) > 1.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A clock that jumps

    A machine asks a time server and finds that it was wrong by an hour: its wall clock is set, in the middle of the run. Nothing here looks at
    that clock. A line also holds the machine's steady clock, which counts from when it was started and is never set; where even that is
    of no use (the machine was started anew), it is another sitting, with an offset of its own.
    """)
    return


@app.cell
def _(process):
    calm = process(1, 3.0)
    restarted = [*calm, *({**line, "sitting": 1, "monotonic": line["monotonic"] - 5000} for line in calm)]
    other = [*process(0, 0.0), *({**line, "sitting": 1} for line in process(0, 0.0))]
    story = [
        (line["sitting"], line["step"], line["rank"])
        for line in merged([other, restarted])
        if line["message"] != STEP_END
    ]
    assert story == [(sitting, step, rank) for sitting in (0, 1) for step in range(1, 13) for rank in (0, 1)]
    story[:4]
    return calm, other, restarted, story


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From a number to its lines

    A line is JSON: it has run, rank, sitting and step beside its words, so it can be searched by any of them, and no secret: what looks like a
    key is blanked before it is written. Here a process says three things, then we ask what was said around step 40.
    """)
    return


@app.cell
def _():
    with tempfile.TemporaryDirectory() as _folder:
        _log = Log(_folder, "demo", number=0, clock=lambda: 100.0, steady=lambda: 1.0)
        _log.write("39 was fine", step=39)
        _log.write("the loss jumped to 9.1", step=40, level="warning", factor=7.5)
        _log.write("asked https://me:hunter22@host for help", step=41)
        said = read(_log.path)
    found = search(said, step=40, level="warning")
    mo.md("\n\n".join(f"`{json.dumps(line)}`" for line in said))
    return found, said


@app.cell
def _(found, said):
    assert [line["message"] for line in found] == ["the loss jumped to 9.1"]
    assert [line["step"] for line in search(said, step=40, around=1)] == [39, 40, 41]
    assert "hunter22" not in str(said) and "[secret]" in said[2]["message"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `groundup runs log runs/demo --step 40 --around 2` on a run of yours: the numbers of these steps, and what was said in them.
    - set `OTEL_EXPORTER_OTLP_ENDPOINT` to your collector: the same lines arrive there, with run, rank and step as attributes.
    - in the cell `process`, let one clock run 10 % too fast. From which step on is the median no longer enough?

    Write it yourself: `groundup learn start merge`
    """)
    return


if __name__ == "__main__":
    app.run()
