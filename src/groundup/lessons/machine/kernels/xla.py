"""Lesson: what a compiler saves: a step traced by jax, its program read, and the arrays that never reach memory counted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What XLA never writes down", width="medium")

with app.setup:
    import importlib.util

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import pip_line
    from groundup.machine.kernels import jax_step
    from groundup.machine.kernels.xla import lower_gradients, read, saved, size


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What XLA never writes down

    TPUs are programmed through a compiler, XLA. It gets a whole step as a list of operations on arrays, and joins many into one loop, whose
    middle results stay in registers. Afterwards you can read its programs, find the fusions, and count the bytes that were saved.
    """)
    return


@app.cell
def _():
    _elements, _operations = 1 << 20, 5  # y = tanh(exp(x) * 2 + 1) - x
    apart = _operations * 2 * 4 * _elements
    fused = 2 * 4 * _elements
    mo.md(
        f"tanh(exp(x) * 2 + 1) - x for a million numbers: one operation after the other moves {apart / 1e6:.0f} MB, "
        f"one loop **{fused / 1e6:.0f} MB**, for the same operations."
    )
    return apart, fused


@app.cell
def _(apart, fused):
    assert apart == 5 * fused
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Such operations stand far left on the roofline, where only bytes count: a fusion of five runs five times as fast. (Matrix products gain little:
    they use each number many times as it is.)

    ## A program, read

    XLA's programs have a text form, HLO. Each line makes one array: a name, its shape, an operation and what it works on. A fusion calls a list of
    its own. By hand:
    """)
    return


@app.cell
def _():
    _text = """HloModule by_hand

%fused (p: f32[1024]) -> f32[1024] {
  %p = f32[1024]{0} parameter(0)
  %e = f32[1024]{0} exponential(%p)
  %t = f32[1024]{0} tanh(%e)
  ROOT %s = f32[1024]{0} subtract(%t, %p)
}

ENTRY %main (x: f32[1024]) -> f32[1024] {
  %x = f32[1024]{0} parameter(0)
  ROOT %loop = f32[1024]{0} fusion(%x), kind=kLoop, calls=%fused
}
"""
    program = read(_text)
    [loop] = program.fusions()
    mo.md(
        f"The fusion `{loop.name}` does {', '.join(loop.operations)}; it writes {loop.written:,.0f} bytes, and "
        f"{', '.join(one.name for one in loop.inside)} ({loop.bytes_inside:,.0f} bytes) exist in registers only."
    )
    return loop, program


@app.cell
def _(loop, program):
    assert loop.operations == ("exponential", "tanh", "subtract") and [one.name for one in loop.inside] == ["e", "t"]
    assert loop.written == size("f32[1024]{0}") == 4096 == program.written() and loop.bytes_inside == 2 * 4096
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The model's step

    `jax_step` holds a LLaMA's training step as pure functions: the same weights by the same names as the torch module, the same numbers. jax traces it for
    arrays of given shapes and hands the list to XLA. The whole step of two small blocks is 936 operations, which become 220 loops (jax 0.10.2 on a
    CPU; compiling takes some seconds). Here are its parts, with their way back. Choose one.
    """)
    return


@app.cell
def _():
    there = importlib.util.find_spec("jax") is not None
    mo.md(
        "jax is installed: what follows is compiled here, for this processor; for a TPU it would be the same list, with other fusions."
        if there
        else f"jax is not installed, so the figures below were noted down before. To see your own: `{pip_line('xla')}`"
    )
    return (there,)


@app.cell
def _():
    part = mo.ui.radio(options=["norm", "feed-forward", "attention"], value="norm", label="part")
    part
    return (part,)


@app.cell
def _(there):
    noted = {  # jax 0.10.2 on a CPU: operations, loops, fusions; bytes each by itself, compiled, inside fusions
        "norm": (40, 13, 10, 42368, 33088, 15168),
        "feed-forward": (32, 24, 22, 112640, 77824, 94208),
        "attention": (255, 54, 52, 224160, 103952, 176864),
    }

    def gradients(name):
        """A part's gradients by its weights and by what it reads, lowered."""
        draw = np.random.default_rng(0).normal
        sides = {
            "q": (32, 32),
            "k": (16, 32),
            "v": (16, 32),
            "o": (32, 32),
            "gate": (48, 32),
            "up": (48, 32),
            "down": (32, 48),
        }
        weights = {f"a.{one}_proj.weight": draw(size=both).astype(np.float32) for one, both in sides.items()}
        weights["gain"] = np.ones(32, np.float32)
        functions = {
            "norm": lambda weights, x: jax_step.rms_norm(x, weights["gain"], 1e-6),
            "feed-forward": lambda weights, x: jax_step.feed_forward(weights, "a", x),
            "attention": lambda weights, x: jax_step.attention(weights, "a", x, jax_step.Shape(heads=4, kv_heads=2)),
        }
        return lower_gradients(functions[name], weights, draw(size=(2, 8, 32)).astype(np.float32))

    programs = {name: gradients(name) for name in noted} if there else {}
    return gradients, noted, programs


@app.cell
def _(noted, part, programs):
    _one = saved(*programs[part.value]) if programs else None
    counts = (_one.operations, _one.steps, _one.fusions) if _one else noted[part.value][:3]
    plots.value_bars(
        {
            part.value: {
                "operations, as traced": counts[0],
                "loops, as compiled": counts[1],
                "fusions of these": counts[2],
            }
        },
        y="how many",
        title=f"{part.value}, forward and back: {counts[0]} operations become {counts[1]} loops",
    )
    return (counts,)


@app.cell
def _(counts):
    assert counts[1] < counts[0] and 0 < counts[2] <= counts[1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The bytes

    What is written to memory if every operation writes its result, and what the compiled step writes. The difference is what stays in registers; some of it
    is computed twice where two fusions need it, for computing is cheaper than fetching.
    """)
    return


@app.cell
def _(noted, programs):
    written = {name: figures[3:] for name, figures in noted.items()}
    for _name, _both in programs.items():
        _found = saved(*_both)
        written = {**written, _name: (_found.bytes_before, _found.bytes_after, _found.bytes_inside)}
    mo.md(
        "| part | each by itself | compiled | inside fusions |\n|---|---|---|---|\n"
        + "".join(
            f"| {name} | {a / 1e3:,.0f} KB | {b / 1e3:,.0f} KB | {c / 1e3:,.0f} KB |\n"
            for name, (a, b, c) in written.items()
        )
    )
    return (written,)


@app.cell
def _(written):
    assert all(after < before and inside > 0 for before, after, inside in written.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The longest fusion

    Which operations went into one loop? The longest ones are norms, the softmax, and the activation with its derivative: chains of small operations
    that the torch module runs one by one, unless somebody wrote a kernel for them.
    """)
    return


@app.cell
def _(programs):
    longest = max(programs["attention"][1].fusions(), key=lambda one: len(one.operations)) if programs else None
    mo.md(
        f"`{longest.name}`: {len(longest.operations)} operations in one loop: {', '.join(longest.operations)}."
        if longest
        else "(needs jax)"
    )
    return (longest,)


@app.cell
def _(longest):
    assert longest is None or len(longest.operations) >= 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Attention: most of its operations are no products. Which are they? Print `programs["attention"][0].operations()`.
    - Print `programs["feed-forward"][1].operations()`: how many `dot` are there, and why three times as many as the way forward has?
    - The same idea in torch is `torch.compile`; by hand, in one kernel, it is the RMSNorm in `machine.kernels.triton`.
    """)
    return


if __name__ == "__main__":
    app.run()
