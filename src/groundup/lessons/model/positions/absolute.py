"""Lesson: a vector for every place, made of clocks or learned, and what happens at the end of the table."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A vector for every place", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.errors import InputError
    from groundup.model.positions.absolute import learned, sinusoidal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A vector for every place

    Attention adds up what it finds, in any order. The first transformers told it the order by adding a vector to each token
    that says where it stands. Afterwards you can build these vectors by hand, know how a layer can look "three places back"
    with them, and why a learned table ends.
    """)
    return


@app.cell
def _():
    _table = sinusoidal(torch.arange(2000), 64)
    apart = torch.cdist(_table, _table).fill_diagonal_(9.0).min().item()
    mo.md(
        f"Two thousand places as vectors of 64 numbers, each of them between -1 and 1 and none of them learned: the two that are "
        f"most alike are still **{apart:.2f}** apart."
    )
    return (apart,)


@app.cell
def _(apart):
    assert apart > 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Clocks again

    How would one write a number so that it fits into coordinates from -1 to 1? As hands of clocks: a second hand tells neighbours
    apart, a slow one tells the hour. A hand at the angle $\varphi$ is a point, $(\sin \varphi, \cos \varphi)$. Pair $i$ of a
    vector of `width` numbers has the frequency

    $$ f_i = \theta^{-2i / \text{width}}, \qquad \theta = 10{,}000 $$

    and stands at the angle $p f_i$ at place $p$. By hand, for place 2 and width 4: the frequencies are 1 and 0.01, so the
    vector is $(\sin 2, \cos 2, \sin 0.02, \cos 0.02)$.
    """)
    return


@app.cell
def _():
    _two = sinusoidal(torch.tensor([2]), 4)[0]
    torch.testing.assert_close(_two, torch.tensor([0.9093, -0.4161, 0.0200, 0.9998]), atol=1e-4, rtol=0)
    mo.md(f"Place 2: ({', '.join(f'{one:.4f}' for one in _two)})")
    return


@app.cell
def _():
    width = mo.ui.slider(8, 64, step=8, value=32, label="width", show_value=True)
    width
    return (width,)


@app.cell
def _(width):
    places = sinusoidal(torch.arange(60), width.value)
    plots.heat_map(
        places, x="coordinate", y="place", low=-1, high=1, title="Sixty places: fast clocks left, slow ones right"
    )
    return (places,)


@app.cell
def _(places, width):
    torch.testing.assert_close(places.norm(dim=1), torch.full((60,), (width.value / 2) ** 0.5))
    assert places[0, 0::2].abs().max() == 0 and (places[0, 1::2] == 1).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three places back is a rotation

    From place $p$ to place $p + k$ every hand moves on by $k f_i$, whatever $p$ is. A linear layer that turns each pair by this
    angle makes of any place's vector that of the place $k$ further on: attention can learn "look $k$ back" as one matrix.
    """)
    return


@app.cell
def _(width):
    _angle = 3 * 10_000.0 ** (-torch.arange(0, width.value, 2).double() / width.value)
    _blocks = [torch.tensor([[a.cos(), a.sin()], [-a.sin(), a.cos()]]) for a in _angle]
    shift = torch.block_diag(*_blocks).float()
    _here, _there = (
        sinusoidal(torch.tensor([5, 41, 700]), width.value),
        sinusoidal(torch.tensor([8, 44, 703]), width.value),
    )
    torch.testing.assert_close(_here @ shift.T, _there, atol=1e-4, rtol=0)
    mo.md(f"One matrix, {width.value} by {width.value}, takes 5 to 8, 41 to 44, and 700 to 703.")
    return (shift,)


@app.cell
def _(places, shift):
    _alike = places @ places.T / (places[0] @ places[0])
    assert (_alike.diagonal() > 0.999).all() and torch.allclose(_alike, _alike.T, atol=1e-5)
    assert torch.allclose(shift @ shift.T, torch.eye(len(shift)), atol=1e-5), "a rotation keeps lengths"
    plots.heat_map(_alike, x="place", y="place", low=-1, high=1, title="How alike two places are: the distance decides")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Learned, and its end

    BERT and GPT-2 learn the vectors like those of tokens: row $p$ of a table. In 2017 both gave equal results. But a row is
    trained only by texts that reach it, and after the last row there is nothing.
    """)
    return


@app.cell
def _():
    _lengths = torch.randint(1, 65, (5000,), generator=torch.Generator().manual_seed(0))
    _rows = torch.zeros(64, 1, requires_grad=True)
    for _length in _lengths.tolist():
        learned(torch.arange(_length), _rows).sum().backward()
    seen = _rows.grad[:, 0] / 5000
    plots.lines(
        [*range(64)],
        {"share": seen},
        x="place",
        y="share of the texts that train this row",
        title="Who trains the last rows?",
    )
    return (seen,)


@app.cell
def _(seen):
    assert seen[0] == 1 and seen[-1] < 0.03
    try:
        learned(torch.arange(65), torch.zeros(64, 1))
    except InputError as _error:
        _said = str(_error)
    assert "position 64 has no row" in _said
    mo.md(
        f"With texts of 1 to 64 tokens the last row gets **{seen[-1]:.1%}** of the training. And at place 64 the library says: *{_said}*"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Sinusoidal vectors exist for every place, yet a model has not learned what to do with those that training never showed:
    it fails there too. What counts is the distance, and later schemes put it where it is needed, into the score: a bias
    (`relative`), or a rotation of query and key (`rotary`).

    ## Try

    - width 8: four clocks; in the picture of likeness far places look like near ones.
    - In `shift`, write -3: the matrix looks back instead of ahead.
    - Draw `_lengths` from 60 to 64 only: every row is trained.

    Write it yourself: `groundup learn start sinusoidal`
    """)
    return


if __name__ == "__main__":
    app.run()
