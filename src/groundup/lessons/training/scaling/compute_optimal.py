"""Lesson: how large a model, and how many tokens, for a given number of operations."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The best size for a budget", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.runs.sweep import law as sweeps
    from groundup.training.scaling.compute_optimal import allocate, compute_optimal, penalty, smaller
    from groundup.training.scaling.published import CHINCHILLA_AGAIN, COMPUTE_OPTIMAL


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The best size for a budget

    A budget of operations can go into a large model that reads little, or into a small one that reads much: about $6 N D$ operations either
    way. Afterwards you can say which is best, what it costs to be off, and what loss to expect.
    """)
    return


@app.cell
def _():
    _gopher = 5.76e23
    best = compute_optimal(CHINCHILLA_AGAIN, _gopher)
    mo.md(
        f"Gopher had 280 billion parameters. For what its training cost, the law says **{best.size / 1e9:.0f} billion** parameters and "
        f"{best.tokens / 1e12:.1f} trillion tokens, {best.tokens / best.size:.0f} a parameter. That is Chinchilla, which was better with a quarter of the size."
    )
    return (best,)


@app.cell
def _(best):
    assert 60e9 < best.size < 80e9
    assert abs(6 * best.size * best.tokens / best.flops - 1) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A valley

    Hold the operations and vary the size: the loss falls as the model grows, and rises again when too little can be read. Choose a budget and
    watch the valley's lowest place move.
    """)
    return


@app.cell
def _():
    exponent = mo.ui.slider(18, 25, value=21, label="FLOPs: 10 to the power of", show_value=True)
    exponent
    return (exponent,)


@app.cell
def _(exponent):
    flops = 10.0**exponent.value
    place, _read = allocate(
        flops, CHINCHILLA_AGAIN.A, CHINCHILLA_AGAIN.B, CHINCHILLA_AGAIN.alpha, CHINCHILLA_AGAIN.beta
    )
    _around = place * np.geomspace(0.05, 20, 81)
    valley = CHINCHILLA_AGAIN.loss(_around, flops / 6 / _around)
    plots.lines(
        _around,
        {"loss": valley},
        x="parameters",
        y="loss",
        log_x=True,
        title=f"Lowest at {place:.2g} parameters and {_read:.2g} tokens",
    )
    return flops, place, valley


@app.cell
def _(flops, place, valley):
    assert valley.argmin() == 40, "the closed form stands at the lowest of all places tried"
    assert penalty(CHINCHILLA_AGAIN, flops, 0.5) < penalty(CHINCHILLA_AGAIN, flops, 0.2)
    assert place > 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In closed form

    With $D = C / 6N$ there is one unknown left; its derivative is 0 where $\alpha A / N^\alpha = \beta B / D^\beta$:

    $$N = G \left(\frac{C}{6}\right)^{\beta / (\alpha + \beta)}, \qquad G = \left(\frac{\alpha A}{\beta B}\right)^{1 / (\alpha + \beta)}$$

    The exponents are near each other, so size and tokens both grow about with the root of the budget: a hundred times the operations, ten times the
    size and ten times the tokens. That is why people say "twenty tokens a parameter".
    """)
    return


@app.cell
def _():
    rows = [
        (flops, size, allocate(flops, *[getattr(CHINCHILLA_AGAIN, name) for name in ("A", "B", "alpha", "beta")])[0])
        for size, flops, _ in COMPUTE_OPTIMAL
    ]
    mo.md(
        "| FLOPs | size in the paper's table | by the law |\n|---|---|---|\n"
        + "\n".join(f"| {flops:.2g} | {size / 1e9:.1f} B | {found / 1e9:.1f} B |" for flops, size, found in rows)
    )
    return (rows,)


@app.cell
def _(rows):
    assert all(0.7 < found / size < 1.4 for _, size, found in rows)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Smaller is nearly free

    The valley is flat at its bottom. A model of half the best size reaches the same loss with a little more training, and costs half in every
    use after that. So models that are used much are trained far beyond twenty tokens a parameter.
    """)
    return


@app.cell
def _():
    _shares = [0.7, 0.5, 0.35, 0.25]
    more = [smaller(CHINCHILLA_AGAIN, 1e23, share) for share in _shares]
    plots.value_bars(
        {
            "operations to the same loss": {
                f"{share:.0%} of the size": value for share, value in zip(_shares, more, strict=True)
            }
        },
        title="What a smaller model costs once, to be cheaper ever after",
    )
    return (more,)


@app.cell
def _(more):
    assert more == sorted(more) and more[1] < 1.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## On this machine

    The same question with groundup's own small models, whose law was measured on its small world: for a budget the best size, and the range in which the
    loss is expected. `groundup plan --budget 30m` asks it for a time, with the speed of your machine, and writes a recipe that you can run.
    """)
    return


@app.cell
def _():
    sweep = sweeps.read()
    uses = {budget: sweeps.best_use(sweep, budget) for budget in (1e12, 1e13, 1e14)}
    mo.md(
        "| FLOPs | size N | tokens | bits a byte |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {budget:.0e} | {use.size:,.0f} | {use.tokens:,.0f} | {use.loss:.3f} ({use.low:.3f} to {use.high:.3f}) |"
            for budget, use in uses.items()
        )
        + f"\n\nThe floor is {sweep['floor']:.3f}."
    )
    return sweep, uses


@app.cell
def _(sweep, uses):
    _losses = [use.loss for use in uses.values()]
    assert _losses == sorted(_losses, reverse=True) and _losses[-1] > sweep["floor"]
    assert all(use.low < use.loss < use.high for use in uses.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - move the budget: the valley keeps its form and moves to the right by half a decade for each decade of operations
    - `groundup plan --budget 1e13 --out planned.toml`, then `groundup run planned.toml`: was the loss inside the interval?

    Write it yourself: `groundup learn start allocate`
    """)
    return


if __name__ == "__main__":
    app.run()
