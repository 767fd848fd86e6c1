"""Lesson: how the mean of coin throws comes to rest (a small one, for the tests of the book)."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Coins", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Coins

    The standard error is $\frac{1}{2 \sqrt{n}}$.
    """)
    return


@app.cell
def _():
    heads = int(np.random.default_rng(0).integers(0, 2, 100).sum())
    mo.md(f"100 throws give **{heads}** heads.")
    return (heads,)


@app.cell
def _(heads):
    assert 30 < heads < 70
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More throws
    """)
    return


@app.cell
def _():
    throws = mo.ui.slider(10, 50, step=10, value=20, label="throws", show_value=True)
    throws  # noqa: B018
    return (throws,)


@app.cell
def _():
    kind = mo.ui.dropdown({"a fair coin": 0.5, "a bent coin": 0.9}, value="a fair coin", label="coin")
    kind  # noqa: B018
    return (kind,)


@app.cell
def _(kind, throws):
    faces = (np.random.default_rng(1).random(throws.value) < kind.value).astype(int)
    means = faces.cumsum() / np.arange(1, throws.value + 1)
    return faces, means


@app.cell
def _(means, throws):
    plots.lines(np.arange(throws.value), {"mean": means}, title=f"{throws.value} throws")
    return


@app.cell
def _(faces, means):
    assert means[-1] == faces.mean()
    assert set(faces.tolist()) <= {0, 1}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it means

    The error halves when the throws are four times as many.
    """)
    return


@app.cell
def _(means):
    sentence = f"the last mean is {means[-1]:.2f} <&"
    sentence  # noqa: B018
    return (sentence,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - a bent coin
    """)
    return


if __name__ == "__main__":
    app.run()
