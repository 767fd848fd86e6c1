"""Lesson: one network in several frameworks, the same gradients, and the two ways in which a framework gets its graph."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Frameworks: two ways to get a graph", width="medium")

with app.setup:
    from operator import attrgetter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.autograd.backprop import make_layers
    from groundup.foundations.autograd.chain_rule import topological_order
    from groundup.foundations.autograd.frameworks import choose, compare, trace


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Frameworks: two ways to get a graph

    PyTorch, JAX and TensorFlow, the libraries in which networks are written today, are millions of lines. Their heart is
    what you have built: notes of what was computed, and a walk back. They differ in **when** the notes are taken.
    Afterwards you know what each way can do that the other cannot, and can explain the error that everybody meets first,
    an `if` inside a compiled function.
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(0)
    answers = compare(_random.normal(size=(32, 10)), _random.integers(0, 4, 32), make_layers([10, 64, 64, 4]))
    worst = max(one.error for one in answers)
    mo.md(
        f"A network of 5,124 numbers, derived here in {len(answers)} ways: {', '.join(one.way for one in answers)}. The gradients are "
        f"the same; the largest difference from those by hand is **{worst:.0e}** of the largest of them. That is rounding."
    )
    return answers, worst


@app.cell
def _(answers, worst):
    assert worst < 1e-12, "every way gives the same gradients"
    assert max(one.loss for one in answers) - min(one.loss for one in answers) < 1e-12
    assert [one.way for one in answers[:2]] == ["by hand", "our autodiff"], "frameworks join where they are installed"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    How it reads in each. The network is the same two lines everywhere; what differs is how one asks:

    | framework | one asks for the gradient by |
    |---|---|
    | ours, PyTorch | `loss.backward()`; it is left at each tensor, in `.grad` |
    | JAX | `grad(loss_of)`, a function made from a function |
    | TensorFlow | `tape.gradient(loss, parameters)`, where a tape listened to the computation |

    ## First way: the program runs, and takes notes

    Our `Tensor` and PyTorch do what the program says, at once, and each operation adds its note. The graph is whatever the
    program did **this time**. So a `while` may ask for values, and another input makes another graph. Below: halve until
    the number is at most 1. Move the input.
    """)
    return


@app.cell
def _():
    start = mo.ui.slider(steps=[0.5, 1.5, 3.0, 6.0, 12.0], value=6.0, label="input", show_value=True)
    start
    return (start,)


@app.cell
def _(start):
    def halved(x):
        """Halve until at most 1, then square."""
        while x.item() > 1:
            x = x * 0.5
        return x * x

    _x = Tensor(start.value, requires_grad=True)
    _y = halved(_x)
    _y.backward()
    slope, made = float(_x.grad), [one for one in topological_order(_y, attrgetter("parents")) if one.requires_grad]
    _names = {id(one): f"n{number}" for number, one in enumerate(made)}
    plots.flow_chart(
        {_names[id(one)]: f"{one.operation or 'input'}\n{one.item():g}" for one in made},
        [(_names[id(p)], _names[id(one)]) for one in made for p in dict.fromkeys(one.parents) if id(p) in _names],
        title=f"This time {len(made) - 1} operations; the derivative is {slope:g}",
    )
    return halved, made, slope


@app.cell
def _(made, slope, start):
    _halvings = max(0, int(np.ceil(np.log2(start.value))))
    assert len(made) == _halvings + 2, "the input, the halvings, the square"
    assert abs(slope - 2 * start.value * 0.25**_halvings) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Second way: the program is traced

    JAX, `torch.compile` and TensorFlow's `tf.function` run the function once on **stand-ins** that have a name and no value.
    A stand-in writes down whatever is done to it. What is on paper afterwards is a program of its own, free of Python: it
    can be checked, shortened, compiled for another machine, and run a million times. `trace` is the smallest form of it.
    """)
    return


@app.cell
def _():
    def formula(x, w):
        """A function in which the same is computed twice, and something for nothing."""
        _unused = x.exp()
        return (x * w).tanh() * 2 + (x * w).tanh() ** 2

    program = trace(formula, "x", "w")
    mo.md(f"```text\n{program}\n```")
    return formula, program


@app.cell
def _(formula, program):
    _x, _w = Tensor(0.5), Tensor(3.0)
    assert program.run(_x, _w).item() == formula(_x, _w).item(), "the paper computes what the function does"
    assert len(program.steps) == 8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What one can do with a program on paper

    Read it: `x * w` and its tanh stand there twice, and `exp` is used by nobody. Who runs line after line cannot know what
    will be needed later. Who has the whole can leave it out. Choose which one is drawn; the result and the gradients are
    the same.
    """)
    return


@app.cell
def _():
    version = mo.ui.radio(["as traced", "improved"], value="as traced", label="program")
    version
    return (version,)


@app.cell
def _(program, version):
    shown = program if version.value == "as traced" else program.improved()
    _results = [step.result for step in shown.steps]
    plots.flow_chart(
        {name: name for name in shown.inputs}
        | {step.result: f"{step.result}: {step.operation}" for step in shown.steps},
        [
            (str(one), step.result)
            for step in shown.steps
            for one in dict.fromkeys(step.inputs)
            if one in (*shown.inputs, *_results)
        ],
        title=f"{len(shown.steps)} steps, {version.value}",
    )
    return (shown,)


@app.cell
def _(formula, shown, version):
    _ours, _given = [[Tensor(0.5, requires_grad=True), Tensor(3.0, requires_grad=True)] for _ in range(2)]
    _by_function, _by_program = formula(*_ours), shown.run(*_given)
    _by_function.backward()
    _by_program.backward()
    assert abs(_by_function.item() - _by_program.item()) < 1e-12
    assert all(abs(float(one.grad - other.grad)) < 1e-12 for one, other in zip(_ours, _given, strict=True))
    assert len(shown.steps) == (8 if version.value == "as traced" else 5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Its price: no `if` on a value

    `halved` asks "is it larger than 1?". A stand-in has no value, so there is no answer, and the tracer says so. JAX refuses
    for the same reason; `torch.compile` stops the program there, lets Python decide, and begins another; `tf.function`
    rewrites such an `if` before it traces. The plain way out is an operation that takes both branches and **chooses**:
    then the choice is a line of the program.
    """)
    return


@app.cell
def _():
    def branched(x):
        """An `if`, as one writes it."""
        return x * 2 if x > 0 else -x

    try:
        refusal = str(trace(branched, "x"))
    except InputError as error:
        refusal = str(error)
    chosen = trace(lambda x: choose(x > 0, x * 2, -x), "x")
    mo.md(f"> {refusal}\n\nWith `choose`:\n\n```text\n{chosen}\n```")
    return branched, chosen, refusal


@app.cell
def _(chosen, refusal):
    assert "no value" in refusal
    assert [chosen.run(Tensor(value)).item() for value in (3.0, -3.0)] == [6.0, 3.0]
    return


@app.cell
def _(chosen):
    _values = np.linspace(-2, 2, 81)
    _inputs = [Tensor(value, requires_grad=True) for value in _values]
    for _one in _inputs:
        chosen.run(_one).backward()
    steep = np.array([float(one.grad) for one in _inputs])
    plots.lines(
        _values,
        {"result": [chosen.run(Tensor(value)).item() for value in _values], "its derivative": steep},
        x="x",
        title="Both branches are in the program; only the chosen one gets a gradient",
    )
    return (steep,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Its trap: what Python knew is frozen

    The function runs **once**. A Python number that it read then stands in the program forever, and a `print` in it prints
    once. Below the scale is changed after tracing.
    """)
    return


@app.cell
def _():
    _settings = {"scale": 2.0}
    _program = trace(lambda x: x * _settings["scale"], "x")
    _settings["scale"] = 10.0
    frozen, alive = _program.run(Tensor(1.0)).item(), (Tensor(1.0) * _settings["scale"]).item()
    mo.md(f"Run directly: {alive:g}. The traced program: **{frozen:g}**, the scale of the day it was traced.")
    return alive, frozen


@app.cell
def _(alive, frozen, steep):
    assert set(steep.tolist()) == {-1.0, 2.0}, "the slope of one branch or of the other"
    assert (frozen, alive) == (2.0, 10.0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Input 12: four halvings, and a derivative of 2 times 12 times a quarter to the fourth. Input 0.5: none.
    - Trace a function with `for _ in range(5): x = x * x`. The loop is gone: five steps are on paper.
    - Make the scale an input of the function, `lambda x, scale: x * scale`: now it can change. That is the usual way out.
    - Read `by_torch` and `by_jax` in the source beside `by_autodiff`: which lines differ?

    The gradients by hand are yours to write: `groundup learn start mlp_backward`
    """)
    return


if __name__ == "__main__":
    app.run()
