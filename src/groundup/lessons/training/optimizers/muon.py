"""Lesson: Muon, a step in which every direction of a matrix counts alike."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Muon: all directions at once", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.data.sources import tinyworld
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.objectives.causal import causal_loss
    from groundup.training.optimizers.adamw import AdamW
    from groundup.training.optimizers.muon import Muon, orthogonalize


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Muon: all directions at once

    A weight matrix is no heap of numbers: it maps directions to directions, each with a factor, its **singular value**. Afterwards you
    know what a gradient looks like in these terms, how Muon makes it even with nothing but products, and when it pays.
    """)
    return


@app.cell
def _():
    _text = "".join(document.text for document in tinyworld.sample(0, 12)).encode()[: 8 * 65]
    _rows = torch.tensor(list(_text)).view(8, 65)
    _ids, _targets = _rows[:, :-1], _rows[:, 1:]
    _batch = Batch(_ids, _targets, torch.ones_like(_ids).bool(), torch.zeros_like(_ids), torch.arange(64).expand(8, 64))
    _sizes = {"vocab_size": 256, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2}
    _heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32}
    _model = build(LlamaConfig(**_sizes, **_heads), seed=0, scheme="normal")
    causal_loss(_model, _batch)[0].backward()
    gradient = _model.model.layers[0].mlp.up_proj.weight.grad.clone()
    singular = torch.linalg.svdvals(gradient)
    half = int(((singular**2).cumsum(0) / (singular**2).sum() < 0.5).sum()) + 1
    mo.md(
        "The gradient of one 64 x 64 matrix of a small language model, from eight lines of text: it has 64 directions, and half "
        f"of its square stands in **{half}** of them. The strongest is {singular[0] / singular[31]:,.0f} times the 32nd."
    )
    return gradient, half, singular


@app.cell
def _(half, singular):
    assert half <= 6 and singular[0] > 10 * singular[31]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A matrix and its directions

    Every matrix is $U S V^T$: turn ($V^T$), stretch each direction by its own factor ($S$), turn again ($U$). A step along the gradient
    moves the weights mostly in the few directions with large factors: those that every text has in common. What is rare, and may
    be worth more, hardly moves. **Orthogonalised** it is $U V^T$: the same turns, every factor 1.
    """)
    return


@app.cell
def _():
    matrix = torch.tensor([[3.0, 1.0], [1.0, 3.0]])
    _u, stretch, _vt = torch.linalg.svd(matrix)
    even = _u @ _vt
    mo.md(
        f"[[3, 1], [1, 3]] stretches by **{stretch[0]:.0f}** along (1, 1), which all its rows share, and by {stretch[1]:.0f} along (1, -1), "
        f"in which they differ. With both factors 1 it is [[{even[0, 0]:.0f}, {even[0, 1].abs():.0f}], [{even[1, 0].abs():.0f}, "
        f"{even[1, 1]:.0f}]]: what the rows share no longer counts for more."
    )
    return even, matrix, stretch


@app.cell
def _(even, stretch):
    torch.testing.assert_close(stretch, torch.tensor([4.0, 2.0]))
    torch.testing.assert_close(even, torch.eye(2), atol=1e-5, rtol=0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Without a decomposition

    Finding $U$ and $V$ for each matrix at each step would cost too much. But an odd polynomial of a matrix, with
    $X X^T X$ for the cube, acts on its singular values alone and leaves the turns as they are:

    $$X \leftarrow a X + b\, (X X^T) X + c\, (X X^T)^2 X \quad\text{does}\quad s \leftarrow a s + b s^3 + c s^5$$

    First the matrix is divided by its norm, so all $s$ are at most 1. Then $a, b, c = 3.4445, -4.775, 2.0315$ are chosen so that small
    values rise as fast as possible, 3.4 times each step, and large ones stay about 1.
    """)
    return


@app.cell
def _():
    def lifted(values, steps):
        """Singular values after so many steps of the polynomial."""
        for _ in range(steps):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        return values

    before = np.logspace(-4, 0, 400)
    plots.lines(
        before,
        {f"{steps} steps": lifted(before, steps) for steps in (1, 3, 5)},
        x="singular value before",
        y="after",
        log_x=True,
        title="Five steps lift whatever is above a hundredth to about 1",
    )
    return before, lifted


@app.cell
def _(before, lifted):
    _after = lifted(before, 5)
    assert 0.65 < _after[before > 0.01].min() and _after.max() < 1.25
    assert np.isclose(lifted(1e-6, 5) / 1e-6, 3.4445**5, rtol=1e-3), "nearly 500 times for the smallest"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The real gradient

    The 64 singular values of the gradient above, of Adam's first step with it (its signs), and of `orthogonalize` after so
    many steps; each divided by its largest. Move the steps: the line fills up from the left.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 8, value=5, label="steps of the iteration", show_value=True)
    steps
    return (steps,)


@app.cell
def _(gradient, singular, steps):
    made = orthogonalize(gradient[None].double(), torch.float64, steps.value)[0]
    spectra = {
        "gradient": singular,
        "Adam's first step": torch.linalg.svdvals(gradient.sign()),
        f"{steps.value} steps": torch.linalg.svdvals(made),
    }
    plots.lines(
        range(1, 65),
        {name: (values / values[0]).tolist() for name, values in spectra.items()},
        x="direction, the strongest first",
        y="singular value, of the largest",
        title="How evenly a step uses its directions",
    )
    return made, spectra


@app.cell
def _(gradient, lifted, made, singular, spectra, steps):
    _expected = lifted((singular / singular.norm()).double(), steps.value).sort(descending=True).values
    torch.testing.assert_close(spectra[f"{steps.value} steps"], _expected, rtol=1e-3, atol=1e-4)
    _u, _, _vt = torch.linalg.svd(gradient.double())
    _inside = _u.T @ made @ _vt.T
    assert (_inside - torch.diag(_inside.diagonal())).abs().max() < 1e-5, "only the factors have changed, no direction"
    _used = {name: ((values**2).sum() / values[0] ** 2).item() for name, values in spectra.items()}
    assert steps.value < 4 or list(_used.values())[2] > 2 * _used["gradient"]
    mo.md(
        "Directions in use, as if all were as strong as the first: "
        + ", ".join(f"{name} **{used:.1f}**" for name, used in _used.items())
        + "."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it learn faster?

    The smallest honest race: a 32 x 32 matrix is to be found from its products with inputs that vary much in a few directions and
    little in most, as activations do. 60 steps, the rate falls evenly to 0. Each optimizer gets five peak rates around its best (a step of Muon is spread over
    all directions, so its rates are larger), and the best counts.
    """)
    return


@app.cell
def _():
    def race(make, rates, steps=60):
        """The loss over the steps at the best of the rates: ((W - target) inputs)^2 / 2, the inputs' variances 1 / k^2."""
        source = torch.Generator().manual_seed(0)
        turn = torch.linalg.qr(torch.randn(32, 32, generator=source)).Q
        covariance = turn @ torch.diag(1 / torch.arange(1.0, 33.0) ** 2) @ turn.T
        target = torch.randn(32, 32, generator=source)
        runs = []
        for rate in rates:
            weight = torch.nn.Parameter(torch.zeros(32, 32))
            optimizer, losses = make({"w": weight}, rate), []
            for step in range(steps):
                weight.grad = (weight.detach() - target) @ covariance
                losses = [*losses, ((weight.grad * (weight.detach() - target)).sum() / 2).item()]
                optimizer.step(1 - step / steps)
            runs = [*runs, losses]
        return min(runs, key=lambda losses: losses[-1])

    raced = {
        "AdamW": race(
            lambda named, rate: AdamW(named, learning_rate=rate, beta2=0.95, weight_decay=0.0),
            (0.1, 0.2, 0.4, 0.8, 1.6),
        ),
        "Muon": race(lambda named, rate: Muon(named, learning_rate=rate), (0.4, 0.8, 1.6, 2.4, 3.2)),
    }
    plots.lines(range(60), raced, x="step", y="loss", log_y=True, title="The best of five rates each")
    return race, raced


@app.cell
def _(raced):
    assert raced["Muon"][0] == raced["AdamW"][0] and raced["Muon"][-1] < raced["AdamW"][-1] / 3
    mo.md(f"After 60 steps AdamW is at {raced['AdamW'][-1]:.4f}, Muon at **{raced['Muon'][-1]:.4f}**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it is for, and what it costs

    Muon moves the matrices inside the blocks; embedding, head and gains stay with AdamW, since a row of the embedding is looked up, not
    multiplied. A matrix that is taller than wide gets a step larger by the root of their ratio.
    For an n x n matrix the five steps are 30 n³ operations, forward and backward 6 n² for each token: the ratio is 5 n over the tokens.
    """)
    return


@app.cell
def _():
    _named = {"tall": torch.nn.Parameter(torch.zeros(48, 12)), "square": torch.nn.Parameter(torch.zeros(12, 12))}
    for _number, _weight in enumerate(_named.values()):
        _weight.grad = torch.randn(_weight.shape, generator=torch.Generator().manual_seed(_number))
    Muon(_named, learning_rate=0.1).step()
    moves = {name: torch.linalg.svdvals(weight.detach()) for name, weight in _named.items()}
    assert (moves["square"] > 0.06).all() and (moves["square"] < 0.125).all(), "0.6 to 1.25 times the rate"
    assert (moves["tall"] > 0.12).all() and (moves["tall"] < 0.25).all(), "twice that: 48 / 12 = 4, its root 2"
    cost = {tokens: 5 * 1024 / tokens for tokens in (16_384, 524_288)}
    mo.md(
        f"Width 1,024: **{cost[16_384]:.0%}** more work at 16,384 tokens a step, {cost[524_288]:.0%} at half a million."
    )
    return cost, moves


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 0 steps: the gradient over its norm. 3 steps: the middle of the line rises. 8: also the weakest directions, which may be only noise.
    - Give the inputs of the race equal variances, `torch.ones(32)` in place of the quotient: does Muon still win?
    - Why are five steps enough, when values below a thousandth do not arrive? Look at what such a direction weighs in the gradient.

    Write it yourself: `groundup learn start orthogonalize`
    """)
    return


if __name__ == "__main__":
    app.run()
