"""Lesson: structured pruning, whole channels, heads and layers that go, and why the least of them go in rounds."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Narrower, not emptier", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression.pruning import structured
    from groundup.compression.pruning.structured import choose, damped, repaired, structure_errors
    from groundup.compression.quantization.gptq import output_error
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Narrower, not emptier

    A matrix in which half of the numbers are zero takes as long to multiply as a full one. A matrix with half of the columns takes half as long, on
    every machine, in every program. Afterwards you can say what a whole column is worth, why two columns that are worth nothing may not both go,
    and take layers out of a model that nobody misses.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(4)
    _causes = torch.randn(2000, 12, generator=_source) @ torch.randn(12, 48, generator=_source)
    inputs = _causes / 3 + torch.randn(2000, 48, generator=_source) * torch.logspace(-1, 0, 48)
    moments = inputs.T @ inputs / len(inputs)
    weight = torch.randn(24, 48, generator=_source)
    columns = torch.arange(48)[:, None]  # each structure is one column
    kept, made = choose(weight, moments, columns, keep=36, rounds=8)
    _wide = torch.zeros(24, 48, dtype=torch.float64)
    repaired_error = output_error(_wide.index_copy(1, kept, made) - weight, moments)
    bare_error = output_error(_wide.index_copy(1, kept, weight[:, kept].double()) - weight, moments)
    mo.md(
        f"A quarter of the inputs of a layer go. The columns that stay are moved a little, so that they do the work of those that went: "
        f"**{repaired_error / bare_error:.0%}** of the error is left."
    )
    return bare_error, columns, inputs, kept, made, moments, repaired_error, weight


@app.cell
def _(bare_error, kept, made, repaired_error):
    assert repaired_error < 0.5 * bare_error
    assert made.shape == (24, 36) and len(kept) == 36
    plots.value_bars(
        {"multiplications a token": {"full": 24 * 48, "a quarter is zero": 24 * 48, "a quarter is gone": made.numel()}},
        title="What a processor has to do",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a column is worth

    Not how large it is, and not how loud its input is either. What counts is what is missing when it has gone and **all others have done
    their best** to make up for it. With $H = X X^T$ of the inputs this needs no trial:

    $$\text{error}(S) = \sum_{\text{rows}} w_S \left([H^{-1}]_{SS}\right)^{-1} w_S^T$$

    Here is the same by trying: each column is left out once, and least squares fits the rest.
    """)
    return


@app.cell
def _(columns, inputs, moments, weight):
    worth = structure_errors(weight.double(), torch.linalg.inv(damped(moments)), columns)
    _wanted = inputs.double() @ weight.T.double()
    _tried = []
    for _number in range(48):
        _others = torch.cat((inputs[:, :_number], inputs[:, _number + 1 :]), dim=1).double()
        _fit = _others @ torch.linalg.lstsq(_others, _wanted).solution
        _tried = [*_tried, float((_fit - _wanted).square().sum() / len(inputs))]
    tried = torch.tensor(_tried)
    plots.scatter(
        torch.stack((tried, worth.float()), dim=1).tolist(),
        x="by leaving it out and fitting the others",
        y="by the formula",
        title="48 columns, two ways",
    )
    return tried, worth


@app.cell
def _(moments, tried, weight, worth):
    _ratio = worth / tried  # a little is added to the diagonal of H, which makes the formula a little careful
    assert 0.99 < _ratio.min() and _ratio.max() < 2
    _carries = weight.square().sum(0) * moments.diagonal()
    assert worth.argmin() != _carries.argmin() and (worth < 1.5 * _carries).all()
    mo.md(
        f"The column that carries least still carries {_carries.min():.2f}; the one that is missed least is missed by **{worth.min():.2f}**, though it "
        f"carries {_carries[worth.argmin()]:.1f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Twins

    Two inputs that always say the same: either can do the work of both, so each alone is worth nothing. If both go at once, because both stood at the end
    of the list, nobody is left to do it. So the columns go in rounds, and after each round the rest is judged anew. Choose the number of rounds.
    """)
    return


@app.cell
def _():
    rounds = mo.ui.slider(steps=[1, 2, 4, 12], value=1, label="rounds", show_value=True)
    rounds
    return (rounds,)


@app.cell
def _(rounds):
    _source = torch.Generator().manual_seed(5)
    _half = torch.randn(2000, 12, generator=_source)
    _both = torch.cat(
        (_half, _half + 0.02 * torch.randn(2000, 12, generator=_source)), dim=1
    )  # input 12 + i is a twin of input i
    _weight = torch.randn(8, 24, generator=_source)
    _moments = _both.T @ _both / len(_both)
    _kept, _made = choose(_weight, _moments, torch.arange(24)[:, None], keep=12, rounds=rounds.value)
    pairs = torch.bincount(_kept % 12, minlength=12)
    _lost = output_error(torch.zeros(8, 24, dtype=torch.float64).index_copy(1, _kept, _made) - _weight, _moments)
    lost_share = _lost / output_error(_weight, _moments)
    plots.value_bars(
        {"left of the two": {f"pair {number + 1}": count for number, count in enumerate(pairs.tolist())}},
        title=f"Rounds: {rounds.value}; {int((pairs == 0).sum())} of 12 pairs are gone, {lost_share:.0%} of the output with them",
    )
    return lost_share, pairs


@app.cell
def _(lost_share, pairs, rounds):
    assert pairs.sum() == 12
    if rounds.value == 12:
        assert (pairs == 1).all() and lost_share < 0.02, "one at a time: each pair keeps one"
    if rounds.value == 1:
        assert (pairs == 0).any() and lost_share > 0.1, "all at once: some pairs lose both"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much can go

    The inputs here have a dozen causes behind them. As long as the columns that stay can tell these apart, little is lost. Move the share.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(steps=[0.125, 0.25, 0.5, 0.75, 0.875], value=0.5, label="share that goes", show_value=True)
    share
    return (share,)


@app.cell
def _(columns, moments, share, weight):
    _keep = 48 - round(share.value * 48)
    _all, _wide = output_error(weight, moments), torch.zeros(24, 48, dtype=torch.float64)
    _least = (weight.square().sum(0) * moments.diagonal()).argsort(descending=True)[:_keep].sort().values
    _left, _moved = choose(weight, moments, columns, _keep, rounds=8)
    _changes = {
        "those that carry most": (_least, weight[:, _least].double()),
        "the same, repaired": (_least, repaired(weight.double(), damped(moments), _least)),
        "those that are missed most, repaired": (_left, _moved),
    }
    ways = {name: output_error(_wide.index_copy(1, *pair) - weight, moments) / _all for name, pair in _changes.items()}
    plots.value_bars({"error over the output": ways}, title=f"{48 - _keep} of 48 columns gone, who stays?")
    return (ways,)


@app.cell
def _(ways):
    _bare, _mended, _chosen = ways.values()
    assert _chosen <= 1.001 * _mended < _bare
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In a model: channels

    A feed-forward's channel is a row of `gate` and of `up` and a column of `down`. Here half of the channels of a small model are dead: their row of
    `up` is zero. They are found, they go, the configuration says so, and the model answers as before.
    """)
    return


@app.cell
def _():
    config = Qwen3Config(
        vocab_size=32, hidden_size=32, intermediate_size=64, num_hidden_layers=4, head_dim=16, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    _source = torch.Generator().manual_seed(6)
    texts = torch.randint(0, 32, (40, 32), generator=_source).tolist()
    _dead = torch.randperm(64, generator=_source)[:32]
    _whole = build(config, seed=0)
    with torch.no_grad():
        for _block in _whole.model.layers:
            _block.mlp.up_proj.weight[_dead] = 0
        _before = _whole(torch.tensor(texts[:4]))
        _small = structured.prune(_whole, "channels", 0.5, texts)
        torch.testing.assert_close(_small(torch.tensor(texts[:4])), _before, rtol=1e-4, atol=1e-4)
    width_before, width_after = config.intermediate_size, _small.config.intermediate_size
    mo.md(f"From {width_before} to **{width_after}** channels, and the same scores for every next token.")
    return config, texts, width_after, width_before


@app.cell
def _(width_after, width_before):
    assert width_after == width_before // 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Layers

    Each block adds something to the stream that runs through the model. A block that hardly turns it is hardly missed:
    $1 - \cos(\text{in}, \text{out})$, on average over tokens. In this model the blocks speak with the loudness that you see, and one of them says nothing.
    """)
    return


@app.cell
def _():
    silent = mo.ui.dropdown(
        {"the first": 0, "the second": 1, "the third": 2, "the last": 3},
        value="the third",
        label="which block is silent",
    )
    silent
    return (silent,)


@app.cell
def _(config, silent, texts):
    _module, _source = build(config, seed=1), torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _number, _block in enumerate(_module.model.layers):
            for _part in (_block.self_attn.o_proj, _block.mlp.down_proj):
                torch.nn.init.normal_(_part.weight, std=0.0 if _number == silent.value else 0.05 * (1 + _number), generator=_source)
        _before = _module(torch.tensor(texts[:4]))
    turned = structured.influence(_module, texts)
    _shorter = structured.prune(_module, "layers", 0.25, texts)
    with torch.no_grad():
        same_scores = bool(torch.allclose(_shorter(torch.tensor(texts[:4])), _before, atol=1e-5))
    layers_left = _shorter.config.num_hidden_layers
    plots.value_bars(
        {"1 - cosine": {f"block {number + 1}": one for number, one in enumerate(turned)}},
        y="how much it turns the stream",
        title=f"Block {silent.value + 1} can go: {layers_left} are left",
    )
    return layers_left, same_scores, turned


@app.cell
def _(layers_left, same_scores, silent, turned):
    assert min(range(4), key=lambda number: turned[number]) == silent.value and abs(turned[silent.value]) < 1e-6
    assert layers_left == 3 and same_scores, "nobody misses a block that says nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One round, then twelve: the same number of columns goes, and hardly any of the output.
    - A share of 0.875 of 48 columns: fewer stay than there are causes, and no repair helps.
    - On a model of yours: `groundup compress MODEL OUT --method channels --share 0.25`, then `--method layers --share 0.125`; both say the perplexity
      before and after, and the folder that they write is smaller and faster in every program.

    Write it yourself: `groundup learn start structure_errors`, and the way without structures: `groundup learn start wanda_score`
    """)
    return


if __name__ == "__main__":
    app.run()
