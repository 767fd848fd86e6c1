"""Lesson: an ability that appears suddenly under one metric and rises evenly under another."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Emergence, or the choice of a metric", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.training.scaling.emergence import additions, exact_match_expected, judge, scores


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Emergence, or the choice of a metric

    "The large model can suddenly do what the small one could not." Afterwards you can say when that is a fact about the model and when it is one about
    the way of counting, and tell beforehand when an exact match will move.
    """)
    return


@app.cell
def _():
    # python benchmarks/training/scaling/emergence.py --steps 360 --digits 5 (AMD EPYC, 2 cores): step, digits, sums, if independent
    learned = (
        (30, 0.193, 0.000, 0.000),
        (60, 0.256, 0.002, 0.000),
        (90, 0.654, 0.028, 0.028),
        (120, 0.892, 0.498, 0.492),
        (150, 0.984, 0.912, 0.907),
        (180, 0.994, 0.966, 0.966),
        (210, 0.995, 0.972, 0.972),
        (240, 0.999, 0.994, 0.994),
    )
    before, after = learned[2], learned[3]
    mo.md(
        "A small model learns to add numbers of five digits. "
        f"Between steps {before[0]} and {after[0]} the share of right *digits* goes from "
        f"{before[1]:.0%} to {after[1]:.0%}, the share of right *sums* from {before[2]:.0%} to **{after[2]:.0%}**, eighteen times as many. The model "
        "and the answers are the same."
    )
    return after, before, learned


@app.cell
def _(after, before):
    assert after[2] / before[2] > 15 > 10 * after[1] / before[1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All or nothing

    An answer of six digits is right when all six are. By hand: two answers of three tokens, one of them with one wrong.
    """)
    return


@app.cell
def _():
    _truth = np.array([[1, 2, 3], [4, 5, 6]])
    _answers = np.array([[1, 2, 3], [4, 0, 6]])
    token, exact = judge(_answers, _truth)
    mo.md(f"Five tokens of six are right, {token:.0%}; one answer of two, {exact:.0%}.")
    return exact, token


@app.cell
def _(exact, token):
    assert token == 5 / 6 and exact == 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The power of the length

    If each token is right with chance $p$, independently, all $L$ are with $p^L$. Under a scaling law $p$ rises evenly with the size of the model. Its power
    stays at 0 for long and then climbs. Where the chance is $e^{-(c/N)^a}$ the power is the same curve, moved to sizes $L^{1/a}$
    times as large: late, and not steeper over the logarithm. Choose the length of an answer.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(steps=[1, 2, 5, 10, 30], value=5, label="tokens of an answer", show_value=True)
    length
    return (length,)


@app.cell
def _(length):
    sizes = np.geomspace(1e6, 1e12, 13)
    chance = np.exp(-((3e7 / sizes) ** 0.5))
    whole = exact_match_expected(chance, length.value)
    half = sizes[int(np.argmax(whole > 0.5))]
    plots.lines(
        sizes,
        {"a token is right": chance, f"all {length.value} are right": whole},
        x="parameters",
        y="share",
        log_x=True,
        title=f"Half of the answers are right from {half:.0e} parameters on",
    )
    return chance, half, sizes, whole


@app.cell
def _(chance, half, length, sizes, whole):
    assert all(np.diff(chance) > 0) and all(np.diff(whole) >= 0)
    assert length.value == 1 or whole[2] < chance[2]
    assert half >= sizes[int(np.argmax(chance > 0.5))], "an exact match is never earlier"
    _moved = exact_match_expected(np.exp(-((3e7 / (sizes * length.value**2)) ** 0.5)), length.value)
    assert np.allclose(_moved, chance), "the same curve at sizes L to the power of 1 / a larger"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Really learned

    The model of the first sentence: two blocks, 64 wide, sums with the last digit first, 64 of them a step. Each row of the table judges five hundred sums it
    never saw. `python benchmarks/training/scaling/emergence.py` makes the table.
    """)
    return


@app.cell
def _(learned):
    _steps, digits, sums, independent = (list(column) for column in zip(*learned, strict=True))
    plots.lines(
        _steps,
        {"a digit is right": digits, "the sum is right": sums, "if digits were independent": independent},
        x="training steps",
        y="share",
        marked=True,
        title="The same answers, counted twice",
    )
    return digits, independent, sums


@app.cell
def _(digits, independent, sums):
    assert max(abs(one - other) for one, other in zip(sums, independent, strict=True)) < 0.02
    _moved = {
        name: (values[2] - values[0]) / (values[-1] - values[0])
        for name, values in (("digits", digits), ("sums", sums))
    }
    assert _moved["digits"] > 0.5 > 0.1 > _moved["sums"]
    mo.md(
        f"At step 90 the digits have made {_moved['digits']:.0%} of their way, the sums {_moved['sums']:.0%}. The product of the chances of the "
        "single places tells the sums within two per cent: nothing new appeared, a product was taken."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A smooth metric tells beforehand

    At step 60 the sums say nothing: one of five hundred. The digits already have risen above a tenth, and so does the distance to the right answer fall.
    Who watches only the exact match is surprised; who watches both is not.
    """)
    return


@app.cell
def _():
    question, _right = additions(400, 5, seed=0)
    _drawn = np.random.default_rng(1)
    _guesses = {
        chance: np.where(_drawn.random(_right.shape) < chance, _right, (_right + 1) % 10) for chance in (0.3, 0.6, 0.9)
    }
    judged = {chance: scores(given, _right) for chance, given in _guesses.items()}
    mo.md(
        "| chance of a digit | sums right | wrong digits of a sum |\n|---|---|---|\n"
        + "\n".join(f"| {chance} | {one.exact_match:.1%} | {one.edit_distance:.2f} |" for chance, one in judged.items())
    )
    return judged, question


@app.cell
def _(judged, question):
    assert question.shape == (400, 12)
    assert judged[0.3].exact_match < 0.01 and judged[0.9].exact_match > 0.4
    assert all(abs(one.edit_distance - 6 * (1 - chance)) < 0.25 for chance, one in judged.items())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - an answer of one token: both curves are one; of thirty: a step
    - `python benchmarks/training/scaling/emergence.py --digits 3`: shorter answers, and the sums come earlier
    - not all jumps are of this kind: a model that first learns by heart and generalises much later jumps under every metric
    """)
    return


if __name__ == "__main__":
    app.run()
