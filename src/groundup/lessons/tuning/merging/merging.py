"""Lesson: merging models, what an average cancels, an arc that keeps the length, and a vote over signs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Merging: two models into one, without training", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.tuning.merging.merging import average, dare_drop, slerp, ties_merge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Merging: two models into one, without training

    Two people tune the same model, one for sums and one for stories. Must somebody train again to have both? Afterwards you can compute four answers by hand,
    know what the plain mean loses and why, and choose.
    """)
    return


@app.cell
def _():
    _draw = torch.Generator().manual_seed(0)
    ones = torch.nn.functional.normalize(torch.randn(2, 10_000, generator=_draw), dim=1)
    middle = float(average(ones).norm())
    mo.md(
        f"Two random vectors of length 1, with ten thousand numbers each: their mean has the length **{middle:.2f}**. Almost a third of it is gone. Where to?"
    )
    return middle, ones


@app.cell
def _(middle, ones):
    assert abs(middle - 0.5**0.5) < 0.02, "they are nearly at right angles"
    torch.testing.assert_close(average(ones, (1.0, 0.0)), ones[0])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Along the chord, or along the arc

    The mean lies on the straight line between the two, inside of the circle on which both are. SLERP stays on the circle: it turns from one to the other.
    Choose the angle between them.
    """)
    return


@app.cell
def _():
    angle = mo.ui.slider(steps=[20, 60, 90, 120, 160], value=90, label="degrees between them", show_value=True)
    angle
    return (angle,)


@app.cell
def _(angle):
    _turn = torch.deg2rad(torch.tensor(float(angle.value)))
    first, second = torch.tensor([1.0, 0.0]), torch.stack((_turn.cos(), _turn.sin()))
    _way = [step / 20 for step in range(21)]
    lengths = {
        "mean": [float(average(torch.stack((first, second)), (1 - t, t)).norm()) if 0 < t < 1 else 1.0 for t in _way],
        "slerp": [float(slerp(first, second, t).norm()) for t in _way],
    }
    plots.lines(
        _way,
        lengths,
        x="from the first to the second",
        y="length",
        title=f"Half way at {angle.value} degrees the mean has {lengths['mean'][10]:.0%} of the length",
    )
    return first, lengths, second


@app.cell
def _(angle, first, lengths, second):
    _half = torch.deg2rad(torch.tensor(angle.value / 2.0))
    assert abs(lengths["mean"][10] - float(_half.cos())) < 1e-5, "the middle of a chord"
    assert max(abs(one - 1) for one in lengths["slerp"]) < 1e-5
    torch.testing.assert_close(slerp(first, second, 0.5), torch.stack((_half.cos(), _half.sin())))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two tunings of one base are no random vectors: nearly all of each is the base, and the angle between them is a few degrees. There both ways
    agree. What differs
    is what they changed.

    ## What they changed

    Take the base away from each. What is left is its change, and changes disagree. Four numbers of three models:
    """)
    return


@app.cell
def _():
    changed = torch.tensor([[3.0, 1.0, -2.0, 0.1], [2.0, -4.0, 0.2, 0.3], [-1.0, 0.0, -6.0, 5.0]])
    by = {"mean": average(changed), "TIES, the larger half": ties_merge(changed, 0.5)}
    plots.value_bars(
        {
            name: dict(zip(("first", "second", "third", "fourth"), numbers.tolist(), strict=True))
            for name, numbers in by.items()
        },
        x="number",
        y="merged change",
        title="Where models disagree, a mean forgets",
    )
    return by, changed


@app.cell
def _(by, changed):
    assert by["TIES, the larger half"].tolist() == [2.5, -4.0, -4.0, 5.0]
    assert abs(by["mean"][1] + 1.0) < 1e-6 and abs(by["mean"][3] - 1.8) < 1e-6
    torch.testing.assert_close(ties_merge(changed[:1], 1.0), changed[0])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    TIES does it in three steps. **Trim**: of each change only the largest numbers stay, here two of four. **Elect**: each number's sign is that of the sum of
    what is left. **Merge**: the mean of those that agree. In the second column -4 stands alone after trimming, so nobody waters it down.

    ## Two tasks at once

    Now a case with a known truth. Each of several tasks needs 20 of 1000 numbers moved by 1, and tuning moved all others a little, by noise. The
    merged change ought to
    serve every task. How much of what each needed is still there? Choose how many tasks.
    """)
    return


@app.cell
def _():
    tasks = mo.ui.slider(2, 8, value=4, label="tasks", show_value=True)
    tasks
    return (tasks,)


@app.cell
def _(tasks):
    _draw = torch.Generator().manual_seed(1)
    _needed = [torch.arange(20) + 20 * task for task in range(tasks.value)]
    moved = 0.1 * torch.randn(tasks.value, 1000, generator=_draw)
    for _task, _places in enumerate(_needed):
        moved[_task, _places] += 1
    _dropped = torch.stack([dare_drop(one, 0.9, _draw) for one in moved])
    ways = {
        "mean": average(moved),
        "sum": moved.sum(0),
        "TIES, 5 %": ties_merge(moved, 0.05),
        "DARE, 90 % dropped, sum": _dropped.sum(0),
    }
    kept = {name: float(torch.stack([one[places].mean() for places in _needed]).mean()) for name, one in ways.items()}
    noise = {name: float(one[20 * tasks.value :].square().mean().sqrt()) for name, one in ways.items()}
    plots.value_bars(
        {"of what was needed": kept, "noise elsewhere": noise},
        x="merged by",
        y="size",
        title=f"{tasks.value} tasks in one",
    )
    return kept, moved, noise, ways


@app.cell
def _(kept, moved, noise, tasks, ways):
    torch.testing.assert_close(ways["sum"], tasks.value * average(moved))
    assert abs(kept["mean"] - 1 / tasks.value) < 0.1, "a mean gives each task its share only"
    assert kept["TIES, 5 %"] > 0.8, "nobody else moved these numbers far, so nobody dilutes them"
    assert noise["TIES, 5 %"] < noise["sum"], "what was small was trimmed"
    assert noise["DARE, 90 % dropped, sum"] > noise["sum"], "dropping keeps the expected change, and pays in noise"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The mean gives a task an n-th of its change. The sum gives all of it, and all the noise. TIES keeps nearly all and drops the noise. DARE keeps
    the expected change
    with a tenth of the numbers, which helps where models have many small changes that agree, and costs noise here.

    ## Try

    - Two tasks and eight: the mean fades with each task, TIES hardly.
    - 160 degrees: the mean of nearly opposite vectors is nearly nothing. A model merged so says nothing.
    - Two models that were not tuned from one base are no neighbours: their numbers stand for different things, and no way of merging helps.

    Write it yourself: `groundup learn start ties_merge`. A real run: `groundup merge ONE OTHER --method ties --base BASE`
    """)
    return


if __name__ == "__main__":
    app.run()
