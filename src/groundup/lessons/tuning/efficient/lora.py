"""Lesson: LoRA, a frozen matrix that learns by two thin ones, how much rank is enough, and what may be merged."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="LoRA: learn beside a frozen model", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.efficient.config import LoraConfig
    from groundup.tuning.efficient.lora import dora_gain, lora_linear
    from groundup.tuning.efficient.many import apply, merge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # LoRA: learn beside a frozen model

    To tune a model usually means to change every weight of it, and to keep every weight once more for each task. Afterwards you can say
    how few numbers are enough and why, compute what a thin adapter does by hand, and merge one into its model without a trace.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=1000, hidden_size=128, intermediate_size=344, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=64,
    )  # fmt: skip
    whole = count(config).parameters
    learned = sum(one.numel() for one in apply(build(config, seed=0), LoraConfig(r=4)).parameters())
    mo.md(
        f"This model has **{whole:,}** weights. The adapter that tunes it has **{learned:,}**, one in {whole // learned}. What can so few do?"
    )
    return config, learned, whole


@app.cell
def _(learned, whole):
    assert learned == 4 * 4 * 4 * (128 + 128), "4 layers, 4 matrices each, rank 4, a row of A and a column of B"
    assert whole > 50 * learned
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two thin matrices

    $$y = W x + s\, B (A x)$$

    $W$ stays as it is. $A$ takes the inputs down to $r$ numbers, $B$ takes these up to the outputs. $B$ begins as zeros, so at first nothing
    is changed. The smallest case, by hand: $W$ is the identity, $A$ adds its two inputs up, $B$ writes twice that into the first output.
    """)
    return


@app.cell
def _():
    weight, thin_a, thin_b = torch.eye(2), torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0], [0.0]])
    given = torch.tensor([[1.0, 2.0]])
    answer = lora_linear(given, weight, thin_a, thin_b, 0.5)
    mo.md(
        f"x = (1, 2): A x = 3, B A x = (6, 0), half of it (3, 0), and W x = (1, 2). Together **{tuple(answer[0].tolist())}**."
    )
    return answer, given, thin_a, thin_b, weight


@app.cell
def _(answer, given, thin_a, thin_b, weight):
    assert answer.tolist() == [[4.0, 2.0]]
    torch.testing.assert_close(answer, given @ (weight + 0.5 * thin_b @ thin_a).T)
    assert torch.equal(lora_linear(given, weight, thin_a, 0 * thin_b, 0.5), given), "with B = 0 nothing is changed"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much rank is enough

    $B A$ has rank $r$ at most, so it cannot be every change. Suppose the change a task needs were known. The best that rank $r$ can do are its $r$ largest
    singular directions, and the error is what is left. Here are three changes of a 64 by 64 matrix: one that moves four directions, one that fades from
    direction to direction, and plain noise, which moves all alike. Choose a rank.
    """)
    return


@app.cell
def _():
    rank = mo.ui.slider(steps=[1, 2, 4, 8, 16, 32, 64], value=4, label="rank", show_value=True)
    rank
    return (rank,)


@app.cell
def _():
    _draw = np.random.default_rng(0)
    _left, _right = (np.linalg.qr(_draw.normal(size=(64, 64)))[0] for _ in range(2))
    _places = np.arange(64)
    changes = {
        "four directions": _left * np.where(_places < 4, 1.0, 0.0) @ _right,
        "fading": _left * 0.8**_places @ _right,
        "noise": _draw.normal(size=(64, 64)),
    }
    ranks = [0, 1, 2, 4, 8, 16, 32, 64]
    errors = {}
    for _name, _change in changes.items():
        _squares = np.linalg.svd(_change, compute_uv=False) ** 2
        errors[_name] = [float(np.sqrt(_squares[_one:].sum() / _squares.sum())) for _one in ranks]
    return changes, errors, ranks


@app.cell
def _(errors, rank, ranks):
    plots.lines(
        ranks,
        errors,
        x="rank",
        y="share of the change that is missed",
        marked=[rank.value],
        title=f"Rank {rank.value} misses "
        + ", ".join(f"{errors[_name][ranks.index(rank.value)]:.0%} of {_name}" for _name in errors),
    )
    return


@app.cell
def _(changes, errors, rank, ranks):
    _u, _sizes, _v = np.linalg.svd(changes["fading"])
    _thin = (_u[:, : rank.value] * _sizes[: rank.value]) @ _v[: rank.value]
    _missed = np.linalg.norm(changes["fading"] - _thin) / np.linalg.norm(changes["fading"])
    assert abs(_missed - errors["fading"][ranks.index(rank.value)]) < 1e-6
    assert errors["four directions"][ranks.index(4)] < 1e-6, "rank 4 is all that it needs"
    assert errors["noise"][ranks.index(16)] > 0.6, "noise needs nearly all of the matrix"
    assert errors["fading"][ranks.index(8)] < 0.2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    LoRA works because the change that a task needs looks like the first two curves, and not like the third: Hu and others found rank 1 to 8
    enough in large models. That is a finding about tasks and no law; where much is to be learned, a small rank falls behind.

    ## Scale and rank

    $s$ is $\alpha / r$, so that the same learning rate serves several ranks. It overdoes it: with a large $r$ the adapter hardly moves. Divided by $\sqrt r$
    (rank-stabilised) the size of what $B A$ gives stays the same. Here $A$ and $B$ are drawn, and the length of the output is measured.
    """)
    return


@app.cell
def _():
    _draw = torch.Generator().manual_seed(0)
    _x = torch.randn(200, 64, generator=_draw)
    sizes = {"alpha / r": [], "alpha / sqrt(r)": []}
    for _r in (1, 4, 16, 64):
        _a, _b = torch.randn(_r, 64, generator=_draw), torch.randn(256, _r, generator=_draw)
        for _name, _stable in (("alpha / r", False), ("alpha / sqrt(r)", True)):
            _scale = LoraConfig(r=_r, lora_alpha=1.0, use_rslora=_stable).scaling
            sizes[_name].append(float(lora_linear(_x, torch.zeros(256, 64), _a, _b, _scale).square().mean().sqrt()))
    plots.lines(
        [1, 4, 16, 64],
        sizes,
        x="rank",
        y="size of the adapter's output",
        log_x=True,
        log_y=True,
        title="Which scale keeps its size",
    )
    return (sizes,)


@app.cell
def _(sizes):
    assert sizes["alpha / r"][-1] < 0.3 * sizes["alpha / r"][0], "with the rank it fades"
    assert 0.5 < sizes["alpha / sqrt(r)"][-1] / sizes["alpha / sqrt(r)"][1] < 2, "its root keeps it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Length apart from direction

    DoRA also learns how long each row of the matrix is. A row of $W + s B A$ is brought to the length $m$ by a gain. Turned only, a row keeps its length.
    """)
    return


@app.cell
def _():
    row, turn_a, turn_b = torch.tensor([[3.0, 4.0]]), torch.tensor([[-4.0, 3.0]]), torch.tensor([[1.0]])
    gain = dora_gain(row, turn_a, turn_b, 1.0, torch.tensor([5.0]))
    turned = gain[:, None] * (row + turn_b @ turn_a)
    mo.md(
        f"The row (3, 4) plus (-4, 3) is (-1, 7), of length {50**0.5:.2f}. With the gain {float(gain):.3f} it has the length {float(turned.norm()):.1f} again."
    )
    return gain, row, turn_a, turn_b, turned


@app.cell
def _(gain, row, turn_a, turn_b, turned):
    assert float((row * (turn_b @ turn_a)).sum()) == 0, "at right angles"
    assert abs(float(gain) - 5 / 50**0.5) < 1e-6 and abs(float(turned.norm()) - 5) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Merged without a trace

    While it trains, the adapter stands beside the model. Then $W + s B A$ is computed once, in fp32, and the model is as fast as before. The other
    way round, the
    model stays as it is, and many adapters of a few hundred kilobytes share it.
    """)
    return


@app.cell
def _(config):
    _model, _ids = build(config, seed=0), torch.arange(20)[None]
    with torch.no_grad():
        for _one in _model.parameters():
            _one.add_(0.05 * torch.randn(_one.shape, generator=torch.Generator().manual_seed(1)))
        before = _model(_ids)
        _adapted = apply(_model, LoraConfig(r=4))
        same_at_first = torch.equal(_adapted(_ids), before)
        for _one in _adapted.parameters():
            _one.add_(0.05 * torch.randn(_one.shape, generator=torch.Generator().manual_seed(2)))
        beside = _adapted(_ids)
        with _adapted.disabled():
            switched_off = torch.equal(_adapted(_ids), before)
        merged = merge(_adapted)(_ids)
    mo.md(
        f"The adapter moves the scores by up to {float((beside - before).abs().max()):.2f}; merging it by {float((merged - beside).abs().max()):.0e}."
    )
    return before, beside, merged, same_at_first, switched_off


@app.cell
def _(before, beside, merged, same_at_first, switched_off):
    assert same_at_first and switched_off, "the base is there to the last bit"
    assert (beside - before).abs().max() > 0.01
    torch.testing.assert_close(merged, beside, rtol=1e-4, atol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rank 1 takes one of four equal directions: a quarter of the squares is gone, and 87 % of the length is still missed.
    - At rank 64 nothing is missed of anything: $B A$ is then any matrix, and twice as many numbers as $W$.
    - Rank 32 of noise still misses a third or so. Where your task needs that, tune all weights.

    Write it yourself: `groundup learn start lora_linear`, then `groundup learn start dora_gain`. A real run: `groundup tune MODEL --method lora`
    """)
    return


if __name__ == "__main__":
    app.run()
