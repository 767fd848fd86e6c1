"""Lesson: gradient clipping, a bound on how far one batch can throw the weights."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Clipping: no batch may throw you far", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.adamw import AdamW
    from groundup.training.step.clipping import clip_


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Clipping: no batch may throw you far

    A step is the gradient times a rate, and nothing bounds the gradient. Afterwards you know where gradients get wild, how one
    line makes them harmless, how to choose its number, and why Adam needs it although its steps are short by themselves.
    """)
    return


@app.cell
def _():
    def slope(weight):
        """Gradient of (weight^30 - 0.5)^2 / 2: a recurrent network of one weight that was read 30 times."""
        return (weight**30 - 0.5) * 30 * weight**29

    flat, steep = abs(slope(0.8)), abs(slope(1.2))
    mo.md(
        "A network with one weight passes its state on 30 times, each time multiplied by the weight. With the weight 0.8 the gradient is "
        f"{flat:.3f}, with 1.2 it is **{steep:,.0f}**. Which learning rate fits both?"
    )
    return flat, slope, steep


@app.cell
def _(flat, steep):
    assert steep > 1_000_000 * flat
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A wall

    Its loss over the weight is a plain, then a wall. The goal is at $0.5^{1/30} = 0.977$, just before it. Whoever comes to the
    wall gets a gradient that throws him across the plain, and there it is so flat that nothing brings him back.
    """)
    return


@app.cell
def _():
    _weights = np.linspace(0.5, 1.2, 141)
    plots.lines(
        _weights,
        {"loss": (_weights**30 - 0.5) ** 2 / 2},
        x="weight",
        y="loss",
        log_y=True,
        title="One weight, read 30 times",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Shorter, in the same direction

    $$g \leftarrow g \cdot \min\left(1, \frac{\text{max\_norm}}{\lVert g \rVert}\right)$$

    The norm is that of **all** gradients together, as one long vector: then all shrink by one factor and the direction stays. Were each
    tensor clipped alone, or each number, the step would point elsewhere.
    """)
    return


@app.cell
def _():
    def with_gradients(*numbers):
        """Parameters of one number each that have these gradients."""
        made = [torch.nn.Parameter(torch.zeros(1)) for _ in numbers]
        for parameter, number in zip(made, numbers, strict=True):
            parameter.grad = torch.tensor([float(number)])
        return made

    _together, _alone = with_gradients(0.6, 8.0), with_gradients(0.6, 8.0)
    norm = clip_(_together, 1.0)
    _norms_alone = [clip_([one], 1.0) for one in _alone]
    clipped = {
        "gradient": [0.6, 8.0],
        "clipped together": [one.grad.item() for one in _together],
        "each clipped alone": [one.grad.item() for one in _alone],
    }
    plots.value_bars(
        {name: {"weight a": pair[0], "weight b": pair[1]} for name, pair in clipped.items()},
        title=f"Norm {norm:.2f}, at most 1: b / a was 13.3, and is {clipped['clipped together'][1] / clipped['clipped together'][0]:.1f} "
        f"or {clipped['each clipped alone'][1] / clipped['each clipped alone'][0]:.1f}",
    )
    return clipped, norm, with_gradients


@app.cell
def _(clipped, norm, with_gradients):
    assert np.isclose(norm, np.hypot(0.6, 8.0)), "the answer is the norm before"
    assert np.isclose(np.hypot(*clipped["clipped together"]), 1.0)
    assert np.allclose(np.divide(clipped["gradient"], clipped["clipped together"]), norm)
    _short = with_gradients(0.3, 0.4)
    assert np.isclose(clip_(_short, 1.0), 0.5) and torch.equal(_short[0].grad, torch.tensor([0.3])), "a short one stays"
    _ours, _torchs = with_gradients(3, -4, 12), with_gradients(3, -4, 12)
    assert np.isclose(clip_(_ours, 2.0), torch.nn.utils.clip_grad_norm_(_torchs, 2.0).item())
    assert all(torch.allclose(one.grad, other.grad) for one, other in zip(_ours, _torchs, strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Down the wall

    From 1.2, with the rate 0.005. Without clipping the first step goes to about -7,000. With it, no step is longer than the rate times the
    limit. Choose the limit, and look for the two ways in which it can be wrong.
    """)
    return


@app.cell
def _():
    limit = mo.ui.slider(steps=[0.1, 0.3, 1, 3, 10, 30, 100], value=3, label="max_norm", show_value=True)
    limit
    return (limit,)


@app.cell
def _(limit, slope, with_gradients):
    _weight, _longest, path, lengths = 1.2, float(limit.value), [1.2], []
    for _ in range(600):
        _held = with_gradients(slope(_weight))
        clip_(_held, _longest)
        lengths = [*lengths, 0.005 * abs(_held[0].grad.item())]
        _weight -= 0.005 * _held[0].grad.item()
        path = [*path, _weight]
    plots.lines(
        range(1, 602),
        {"weight": path},
        x="step",
        y="weight",
        levels={"goal": 0.5 ** (1 / 30)},
        log_x=True,
        title=f"max_norm {limit.value:g}",
    )
    return lengths, path


@app.cell
def _(lengths, limit, path, slope):
    assert abs(1.2 - 0.005 * slope(1.2)) > 5000, "without clipping"
    assert max(lengths) <= 0.005 * limit.value * 1.001
    _arrived = abs(path[-1] - 0.5 ** (1 / 30)) < 0.01
    assert _arrived == (limit.value <= 30), "100 throws it over the goal into the plain"
    _first = next((step for step, weight in enumerate(path) if weight < 0.99), 600)
    mo.md(
        f"Before the goal after **{_first}** steps; after 600 at {path[-1]:.3f}"
        + (", the goal." if _arrived else ", for good.")
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Adam takes short steps anyway. Why clip?

    Adam divides by the root of the mean squared gradient, so a wild gradient cannot make a wild step. But it is **remembered**: it stands in
    that mean for a long time, and all steps after it are divided by it. Below, 300 equal gradients, and at step 50 one a thousand
    times as large.
    """)
    return


@app.cell
def _():
    def step_lengths(max_norm):
        """How far AdamW moves at each step, in rates."""
        weight = torch.nn.Parameter(torch.zeros(1, 1))
        optimizer = AdamW({"w": weight}, learning_rate=0.01, beta2=0.95, weight_decay=0.0)
        lengths, norms = [], []
        for step in range(300):
            weight.grad = torch.full((1, 1), 1000.0 if step == 50 else 1.0)
            norms = [*norms, clip_([weight], max_norm)]
            before = weight.item()
            optimizer.step()
            lengths = [*lengths, (before - weight.item()) / 0.01]
        return lengths, norms

    moved = {"clipped at 2": step_lengths(2.0)[0], "not clipped": step_lengths(0.0)[0]}
    plots.lines(range(300), moved, x="step", y="length of the step, in rates", title="One wild gradient at step 50")
    return moved, step_lengths


@app.cell
def _(moved, step_lengths):
    _lost = {name: sum(1 - length for length in lengths[51:]) for name, lengths in moved.items()}
    assert max(moved["not clipped"]) < 1.01, "no step is long"
    assert _lost["not clipped"] > 100 and abs(_lost["clipped at 2"]) < 10
    assert step_lengths(2.0)[1][50] == 1000.0, "the norm before clipping still tells of it: this is what one watches"
    mo.md(
        f"The steps that are missing after it: **{_lost['not clipped']:.0f}**, and {_lost['clipped at 2']:.1f} with clipping."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - max_norm 0.1: safe, and 400 steps for what others do in 10. 100: one throw, and no way back. All between are good: the
      number need not be exact, it is usually 1.
    - Begin at 0.8 instead of 1.2, on the plain: clipping does nothing there. It cures gradients that are too long, not too short.
    - In a run of your own plot `gradient_norm` of metrics.jsonl: where is it above 1, and what was in that batch?

    Write it yourself: `groundup learn start clip_`
    """)
    return


if __name__ == "__main__":
    app.run()
