"""Lesson: steps that remember the steps before them, in a valley that is long and narrow."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A ball that keeps rolling", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.gradient_descent import gradient_descent
    from groundup.foundations.optimize.momentum import best_heavy_ball, heavy_ball, nesterov, nesterov_lookahead


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A ball that keeps rolling

    Down a narrow valley plain descent jumps from wall to wall and hardly gets along. One more line of code, a velocity, cures
    that. Afterwards you know what the number 0.9 in every optimizer's settings means, what it gains, and what it costs.
    """)
    return


@app.cell
def _():
    curvatures = np.array([1.0, 100.0])

    def slope(point):
        """The slope of a valley that is a hundred times as steep across (y) as along (x)."""
        return curvatures * point

    def steps_needed(path):
        """How many steps until the distance stays below a thousandth of the first."""
        far = np.linalg.norm(path, axis=1) > np.linalg.norm(path[0]) / 1000
        return int(np.flatnonzero(far)[-1]) + 1

    _start = np.array([1.0, 1.0])
    plain = steps_needed(gradient_descent(slope, _start, 2 / 101, 600))
    _rate, _beta = best_heavy_ball(1.0, 100.0)
    rolling = steps_needed(heavy_ball(slope, _start, _rate, 600, _beta))
    mo.md(
        f"To come a thousand times closer to the bottom of this valley, plain descent takes **{plain}** steps at the best of all "
        f"its rates. With a velocity it takes **{rolling}**."
    )
    return curvatures, plain, rolling, slope, steps_needed


@app.cell
def _(plain, rolling):
    assert 300 < plain < 400, "0.980 to the power of 346 is 0.001"
    assert rolling < plain / 5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand: what a velocity adds up

    The velocity keeps a part $\beta$ of itself and adds the new slope; the step follows the velocity:

    $$v \leftarrow \beta v + \text{slope} \qquad x \leftarrow x - \text{rate} \cdot v$$

    Let the slope be always 1 and $\beta = 0.9$. Then $v$ is 1, then $0.9 + 1 = 1.9$, then $0.9 \cdot 1.9 + 1 = 2.71$, and so on
    up to 10: it walks ten times as fast as the slope alone would. Let the slope be 1, -1, 1, -1 and $v$ never grows: what
    changes its sign cancels. Along the valley the slope is constant, across it changes sign. That is the whole idea.
    """)
    return


@app.cell
def _():
    _path = heavy_ball(lambda x: np.ones(1), np.zeros(1), rate=1.0, steps=60, beta=0.9)[:, 0]
    velocities = -np.diff(_path)
    assert np.allclose(velocities[:3], [1, 1.9, 2.71])
    assert abs(velocities[-1] - 1 / (1 - 0.9)) < 0.02
    plots.lines(
        range(1, 61),
        {"velocity": velocities},
        x="step",
        y="v",
        levels={"1 / (1 - 0.9) =": 10.0},
        title="A constant slope of 1, remembered",
    )
    return (velocities,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The valley

    Seen from above, with the rate held at 0.015. At $\beta = 0$ it is plain descent: the walls are left behind in a few
    jumps, and then it creeps. Give it a memory. Too much, and it shoots past the bottom and has to come back.
    """)
    return


@app.cell
def _():
    beta = mo.ui.slider(0.0, 0.95, step=0.05, value=0.8, label="β", show_value=True)
    beta
    return (beta,)


@app.cell
def _(beta, curvatures, slope):
    walk = heavy_ball(slope, np.array([1.0, 0.25]), 0.015, 60, beta.value)
    _xs, _ys = np.linspace(-0.8, 1.1, 60), np.linspace(-0.3, 0.3, 40)
    plots.contour_map(
        _xs,
        _ys,
        np.sqrt(curvatures[0] * _xs[None] ** 2 + curvatures[1] * _ys[:, None] ** 2),
        paths={f"β = {beta.value:.2f}": walk},
        x="along",
        y="across",
        title=f"60 steps end {np.linalg.norm(walk[-1]):.4f} from the bottom",
    )
    return (walk,)


@app.cell
def _(beta, walk):
    assert np.linalg.norm(walk[-1]) < 0.45, "all of them go down"
    assert (walk[:, 0].min() < 0) == (beta.value > 0.79), "with much memory it runs past the bottom, along the valley"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best memory

    How much of the distance is left after one step, in the long run? For plain descent $(\kappa - 1) / (\kappa + 1)$ at best (the
    lesson on convexity shows why), where $\kappa$ is how many times steeper it is across than along, here 100. With the best
    velocity it is $(\sqrt\kappa - 1) / (\sqrt\kappa + 1)$: the same formula with 10 in place of 100. The curve shows it for every
    $\beta$, each with the rate that suits it best of many tried.
    """)
    return


@app.cell
def _(curvatures):
    def left_after_a_step(rate, beta):
        """The largest factor of both directions: the size of the larger root of z² - (1 + β - rate λ) z + β."""
        middle = np.abs(1 + beta - np.multiply.outer(rate, curvatures))
        root = (middle + np.sqrt(np.maximum(middle**2 - 4 * beta, 0))) / 2
        return np.maximum(root, np.sqrt(beta)).max(-1)

    betas = np.linspace(0, 0.95, 39)
    left = [left_after_a_step(np.linspace(0.004, 0.04, 145), beta).min() for beta in betas]
    rate_and_beta = best_heavy_ball(*curvatures.tolist())
    assert abs(left_after_a_step(*rate_and_beta) - 9 / 11) < 1e-6
    assert min(left) > 9 / 11 - 1e-6, "none of those tried is better than Polyak's"
    plots.lines(
        betas,
        {"best rate": left},
        x="β",
        y="factor",
        levels={"plain": 99 / 101, "Polyak": 9 / 11},
        title=f"Polyak's choice: β = {rate_and_beta[1]:.3f}, rate {rate_and_beta[0]:.4f}",
    )
    return betas, left, left_after_a_step, rate_and_beta


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    0.98 against 0.82 looks like little. A step that leaves 0.82 removes as much as ten steps that leave 0.98.

    ## Nesterov looks ahead

    The ball overshoots because it measures the slope where it is, and then the velocity carries it elsewhere. Nesterov measures
    where the velocity is about to carry it, and so brakes before the bottom. In a simple bowl, from 1, with much memory:
    """)
    return


@app.cell
def _():
    rolled = {
        "heavy ball": heavy_ball(lambda x: x, np.ones(1), 0.1, 60, 0.9)[:, 0],
        "Nesterov": nesterov(lambda x: x, np.ones(1), 0.1, 60, 0.9)[:, 0],
    }
    assert rolled["Nesterov"].min() > rolled["heavy ball"].min(), "it runs past the bottom less far"
    assert abs(rolled["Nesterov"][-20:]).max() < abs(rolled["heavy ball"][-20:]).max(), "and is quieter in the end"
    plots.lines(range(61), rolled, x="step", y="x", levels={"bottom": 0.0}, title="Two memories of 0.9 in the bowl ½x²")
    return (rolled,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two ways to write it are in use. Told as above, the slope is taken at another place than the one that is kept. Libraries
    keep that other place instead, so that the slope is always taken where the weights are; the ways are the same.
    """)
    return


@app.cell
def _(slope):
    _start = np.array([1.0, 0.25])
    ahead = nesterov_lookahead(slope, _start, 0.005, 40)["ahead"]
    kept = nesterov(slope, _start, 0.005, 40)
    assert np.allclose(ahead, kept)
    f"largest difference between the two in 40 steps: {np.abs(ahead - kept).max():.0e}"
    return ahead, kept


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - β from 0 to 0.95: first it gets further along, then it runs past the bottom. Where does it end closest?
    - In the first code, make the valley 10,000 times as steep across: plain descent needs a hundred times as many steps, the
      velocity ten times as many.
    - Give `nesterov` a β of 0: it becomes plain descent.

    Write it yourself: `groundup learn start nesterov`
    """)
    return


if __name__ == "__main__":
    app.run()
