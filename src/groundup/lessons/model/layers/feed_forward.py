"""Lesson: the feed-forward, where most of a model's weights are, and what its gate is good for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Feed-forward: what a token does alone", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.layers.feed_forward import GatedFeedForward, SquaredReluFeedForward, swiglu
    from groundup.model.layers.initialization import initialize


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Feed-forward: what a token does alone

    Attention carries things from token to token. What is done with them happens in the feed-forward, for each token
    by itself. Afterwards you can compute a gated unit by hand, read a feed-forward as a list of small writers, and say what the
    gate can do that a plain activation cannot.
    """)
    return


@app.cell
def _():
    _config = LlamaConfig(
        vocab_size=32_000, hidden_size=4096, intermediate_size=11_008, num_hidden_layers=32, num_attention_heads=32
    )
    _cost = count(_config)
    share = 32 * 3 * 4096 * 11_008 / _cost.parameters
    mo.md(
        f"Of the {_cost.parameters / 1e9:.1f} billion weights of LLaMA 7B, **{share:.0%}** are in its feed-forwards, which never look "
        "at another token. Attention, after which the design is named, has a third."
    )
    return (share,)


@app.cell
def _(share):
    assert 0.6 < share < 0.67
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why there must be a bend

    Widen with one matrix, narrow with another: two matrices behind one another are one matrix, however wide the middle. Nothing
    was won. Between them stands a function with a bend. Choose one, and look at its slope as well: where the slope is
    0, a unit learns nothing.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _x, _up, _down = (torch.randn(*size, generator=_source) for size in ((5, 4), (16, 4), (4, 16)))
    torch.testing.assert_close((_x @ _up.T) @ _down.T, _x @ (_down @ _up).T, atol=1e-4, rtol=1e-4)
    activations = {
        "ReLU": functional.relu,
        "squared ReLU": lambda x: functional.relu(x).square(),
        "SiLU": functional.silu,
    }
    return (activations,)


@app.cell
def _(activations):
    bend = mo.ui.dropdown(list(activations), value="SiLU", label="activation")
    bend
    return (bend,)


@app.cell
def _(activations, bend):
    _x = torch.linspace(-4, 2, 121).requires_grad_()
    _y = activations[bend.value](_x)
    slope = torch.autograd.grad(_y.sum(), _x)[0]
    plots.lines(
        _x.detach(),
        {bend.value: _y.detach(), "its slope": slope},
        x="what comes in",
        y="what goes on",
        title=bend.value,
    )
    return (slope,)


@app.cell
def _(bend, slope):
    _dead = slope[:70].eq(0).float().mean().item()  # what comes in is below -0.5
    assert (_dead == 1.0) == ("ReLU" in bend.value), "ReLU has no slope below 0, SiLU nearly everywhere some"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A gate, by hand

    $$\text{SwiGLU}(x) = W_\text{down}\left(\text{silu}(W_\text{gate}\, x) \odot W_\text{up}\, x\right)$$

    Each unit looks at the token twice. One look says something, the other decides how much of it goes on: a product of two
    looks. Here a single unit says the second coordinate, and its gate looks at the first.
    """)
    return


@app.cell
def _():
    def unit(x):
        """One unit: open where the first coordinate is large, it says the second."""
        return swiglu(x, lambda y: 6 * y[..., :1], lambda y: y[..., 1:], lambda y: y / 6)

    _open, _shut = unit(torch.tensor([[1.0, 5.0], [-1.0, 5.0]]))[:, 0].tolist()
    torch.testing.assert_close(_open, 5 / (1 + torch.tensor(-6.0).exp().item()))
    assert abs(_shut) < 0.02
    mo.md(f"The token (1, 5) gets **{_open:.2f}**, the token (-1, 5) gets **{_shut:.2f}**.")
    return (unit,)


@app.cell
def _(unit):
    _axis = torch.linspace(-2, 2, 17)
    said = unit(torch.cartesian_prod(_axis, _axis))[:, 0].view(17, 17).T.flip(0)
    plots.heat_map(
        said,
        rows=[f"{value:g}" for value in _axis.flip(0).tolist()],
        columns=[f"{value:g}" for value in _axis.tolist()],
        x="first coordinate (the gate)",
        y="second coordinate",
        title="One gated unit: shut at the left, open at the right",
    )
    return (said,)


@app.cell
def _(said):
    assert said[:, :6].abs().max() < 0.05 * said.abs().max(), "shut: nothing goes on, whatever is said"
    assert said[0, -1] > 3.9 and said[-1, -1] < -3.9, "open: the product of the two"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A list of small writers

    Column $i$ of `down_proj` is what unit $i$ writes into the stream, and its activation is how strongly. The output is the sum over
    all units; each is a small memory: a pattern to wait for, and a thing to write when it comes. No token matters to another.
    """)
    return


@app.cell
def _():
    def fresh(kind, intermediate):
        """A feed-forward, 64 wide, with the first values of a fresh model."""
        module = kind(64, intermediate)
        initialize(module, layers=1, std=1 / 8, seed=0, scheme="normal")
        return module.requires_grad_(False)

    x = torch.randn(1, 32, 64, generator=torch.Generator().manual_seed(1))
    gated, ungated = fresh(GatedFeedForward, 176), fresh(SquaredReluFeedForward, 264)
    return fresh, gated, ungated, x


@app.cell
def _(gated, x):
    _strength = functional.silu(gated.gate_proj(x)) * gated.up_proj(x)
    _written = _strength[0, 0, :, None] * gated.down_proj.weight.T  # unit by unit, for the first token
    torch.testing.assert_close(_written.sum(0), gated(x)[0, 0])
    _other = torch.cat([x[:, :3], x[:, 3:4] + 1, x[:, 4:]], dim=1)
    _moved = (gated(_other) - gated(x)).norm(dim=-1)[0] > 1e-5
    assert _moved.nonzero().flatten().tolist() == [3], "one token changed, one output moved"
    _strongest = _written.norm(dim=1).sort(descending=True).values
    loudest = (_strongest[:18].sum() / _strongest.sum()).item()
    mo.md(
        f"176 units write for the first token. The loudest tenth does **{loudest:.0%}** of the writing, in a fresh model already."
    )
    return (loudest,)


@app.cell
def _(gated, loudest, ungated, x):
    assert loudest > 0.25
    _weights = [sum(weight.numel() for weight in module.parameters()) for module in (gated, ungated)]
    assert _weights[0] == _weights[1], "three matrices of 8/3 and two of 4 are as many weights"
    silent = ungated.up_proj(x).relu().eq(0).float().mean().item()
    mo.md(
        f"For the same {_weights[0]:,} weights the squared ReLU has 264 units, and **{silent:.0%}** of them are silent at any token: "
        "exactly 0. Hardware that can skip zeros gains by it; a gate is almost never exactly shut."
    )
    return (silent,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which one is better?

    At what? Small feed-forwards of equal weights (96 to 100 in all) learn one function of four numbers, 200 steps each.
    Choose the function. The loss is given as a share of the function's variance: 1 is learning nothing.
    """)
    return


@app.cell
def _():
    task = mo.ui.dropdown(
        {
            "a product: a * b": lambda x: x[:, :1] * x[:, 1:2],
            "a bend: |a|": lambda x: x[:, :1].abs(),
            "a wave: sin(3a)": lambda x: (3 * x[:, :1]).sin(),
        },
        value="a product: a * b",
        label="to be learned",
    )
    task
    return (task,)


@app.cell
def _(activations, task):
    def learn(name, wanted, units, gated_by):
        """The loss after 200 steps of Adam, as a share of the variance."""
        source = torch.Generator().manual_seed(0)
        x = torch.randn(256, 4, generator=source)
        y = wanted(x)
        sizes = [(units, 4)] * (1 + gated_by) + [(1, units)]
        weights = [(torch.randn(size, generator=source) / size[1] ** 0.5).requires_grad_() for size in sizes]
        adam = torch.optim.Adam(weights, lr=0.02)
        for _ in range(200):
            inner = activations[name](x @ weights[0].T)
            inner = inner * (x @ weights[1].T) if gated_by else inner
            loss = (inner @ weights[-1].T - y).square().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        return loss.item() / y.var().item()

    left = {
        "ReLU": learn("ReLU", task.value, 20, False),
        "squared ReLU": learn("squared ReLU", task.value, 20, False),
        "SwiGLU": learn("SiLU", task.value, 11, True),
    }
    plots.value_bars({"loss": left}, y="loss left, of 1", title="What is not yet learned")
    return learn, left


@app.cell
def _(left, task):
    _four = task.value(torch.tensor([[2.0, 3.0, 0.0, 0.0]])).item()  # which function it is
    if _four == 6.0:
        assert left["ReLU"] > 10 * max(left["SwiGLU"], left["squared ReLU"]), "who can square can multiply"
    elif _four == 2.0:
        assert left["ReLU"] < min(left["SwiGLU"], left["squared ReLU"]) / 10, "a bend is made of bends"
    else:
        assert min(left.values()) > 0.1, "too few units for a wave, in any of the three"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Products are what a gate is made for, and the squared ReLU multiplies too, since $4ab = (a + b)^2 - (a - b)^2$. The plain ReLU
    has to patch a saddle together from planes. That says nothing yet of language: there it was measured, and SwiGLU came out a
    little ahead at equal weights (Shazeer 2020), the squared ReLU close to it (So et al. 2021).

    ## Try

    - Choose the bend: ReLU wins. No activation is best at everything.
    - In `unit`, change both 6 to 1: the gate becomes soft, and the left half of the picture no longer quite shut.
    - Choose the wave: after 200 steps at least a tenth of it is left in all three; none of them is made of waves.

    Write it yourself: `groundup learn start swiglu`
    """)
    return


if __name__ == "__main__":
    app.run()
