"""Lesson: a finished model with fewer bits: one scale for how many weights, which scale, and which matrices get the bits."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A finished model with fewer bits", width="medium")

with app.setup:
    import copy

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression import calibration
    from groundup.compression.quantization import grid, ptq
    from groundup.lessons import drawn_model


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A finished model with fewer bits

    Nothing is trained here: the matrices of a model that is done are rounded, one after another. Afterwards you can say what a scale for every 32 weights
    buys and costs, why the scale that holds the largest weight is not the best one, and who should get the bits when there are not enough for all.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _tails = torch.randn(64, 256, generator=_source) / torch.rand(64, 256, generator=_source).clamp(min=0.1)
    weight = _tails / _tails.std()  # most are small and a few are large, as in trained matrices

    def off(bits: int, group: int | None, search: bool = True) -> float:
        """The squared error of rounding, over the square of the weights."""
        made = ptq.rounded(weight, bits, group, search=search).numbers()
        return float((made - weight).square().sum() / weight.square().sum())

    by_row, by_group = off(4, None, False), off(4, 32, False)
    mo.md(
        f"4 bits a weight: with one scale a row {by_row:.1%} of the matrix is lost (squares), with one for every 32 weights **{by_group:.1%}**."
    )
    return by_group, by_row, off, weight


@app.cell
def _(by_group, by_row, weight):
    assert by_group < by_row / 2
    mo.md(
        f"The largest weight of this matrix is {weight.abs().max():.0f} times the usual one. Its row pays for it with coarse steps, all 256 of them."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a scale costs

    A scale is a number of 16 bits. Shared by $g$ weights it adds $16 / g$ bits to each: 0.5 for groups of 32, 0.06 for a row of 256. So the fair question is
    not which group is closer, but what is closest for so many bits *in all*. Choose how many bits a code has.
    """)
    return


@app.cell
def _():
    bits = mo.ui.slider(3, 7, value=4, label="bits a code", show_value=True)
    bits
    return (bits,)


@app.cell
def _(bits, off):
    groups = [256, 128, 64, 32, 16, 8]
    errors = [off(bits.value, group, False) for group in groups]
    whole = [bits.value + 16 / group for group in groups]
    plots.lines(
        whole,
        {"groups of 256 to 8": errors},
        x="bits a weight, with its share of a scale",
        y="squared error, relative",
        log_y=True,
        marked=True,
        title=f"{bits.value} bits a code: smaller groups are closer and dearer",
    )
    return errors, groups, whole


@app.cell
def _(bits, errors, groups, off, whole):
    _row, _more = (off(count, None, False) for count in (bits.value, bits.value + 1))
    _between = _row * (_more / _row) ** (0.5 - 16 / 256)  # as if a row's scale could be had with half a bit more a code
    assert all(finer < coarser for coarser, finer in zip(errors, errors[1:], strict=False))
    assert whole[groups.index(32)] == bits.value + 0.5 and whole[groups.index(16)] == bits.value + 1
    assert errors[groups.index(32)] < _between, "half a bit for scales is well spent"
    assert errors[groups.index(16)] > _more, "a whole bit for them is not: a finer code is closer"
    mo.md(
        f"Groups of 32 take {whole[3]:.1f} bits and lose **{errors[3]:.2e}**; so many bits for codes alone would lose about {_between:.2e}. Groups of 16 "
        f"take {whole[4]:.0f} bits and lose {errors[4]:.2e}: then rather {bits.value + 1} bits a code and a scale a row, {_more:.2e}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which scale

    The largest weight of a group fits when it is $7$ steps of the scale (4 bits: -8 to 7). But a group has one largest weight and 31 others. A smaller scale
    cuts the largest and rounds the others finer. Here is one group, and what every scale costs it.
    """)
    return


@app.cell
def _(weight):
    _rows = weight[:, :32]
    _full = _rows.abs().amax(1, keepdim=True) / 7
    shares = [0.4 + 0.02 * step for step in range(36)]
    costs = [((grid.nearest(_rows, _full * share, 4) * _full * share - _rows).square().sum(1)) for share in shares]
    mean = [float(one.mean()) for one in costs]
    plots.lines(
        shares,
        {"64 groups, on average": mean, "one of them": [float(one[3]) for one in costs]},
        x="scale, over the one that holds the largest",
        y="squared error",
        title="a little of the largest weight is given up",
    )
    return costs, mean, shares


@app.cell
def _(mean, off, shares):
    _best = shares[mean.index(min(mean))]
    _saved = 1 - off(4, 32) / off(4, 32, False)
    assert _best < 1 and 0.02 < _saved < 0.6
    assert mean[0] > min(mean)
    mo.md(
        f"On average {_best:.2f} of it is best; each group is tried with {len(grid.SHRINK)} scales and takes its own, which saves **{_saved:.0%}** of the "
        f"error. At {shares[0]:.1f} too much is cut. With 8 bits steps are fine, and there is little to gain: {1 - off(8, 32) / off(8, 32, False):.0%}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From a matrix to a model

    A model has many matrices, and what one loses the next one reads. Here is a small model whose weights were drawn. All matrices of its blocks are rounded;
    the embedding, the head and the norms stay. What is lost is the distance of its next-token distributions from those of the model before, in nats a token.
    """)
    return


@app.cell
def _():
    model = drawn_model(64, seed=1)
    _ids = torch.randint(0, 64, (4, 32), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        _before = model(_ids).log_softmax(-1)

    @torch.inference_mode()
    def lost(module) -> float:
        """Kullback-Leibler divergence from the model before, a token."""
        now = module(_ids).log_softmax(-1)
        return float((_before.exp() * (_before - now)).sum(-1).mean())

    def rounded_to(bits: int | dict[str, int]):
        """A copy of the model with so many bits."""
        made = copy.deepcopy(model)
        ptq.quantize(made, "round", bits, 16)
        return made

    return lost, model, rounded_to


@app.cell
def _(lost, model, rounded_to):
    counts = [8, 7, 6, 5, 4, 3, 2]
    falls = [lost(rounded_to(count)) for count in counts]
    assert abs(lost(model)) < 1e-6 and all(fine < coarse for fine, coarse in zip(falls, falls[1:], strict=False))
    plots.lines(
        counts,
        {"every matrix": falls},
        x="bits",
        y="nats a token",
        log_y=True,
        marked=True,
        title=f"8 bits {falls[0]:.1e}, 4 bits {falls[4]:.2f}, 2 bits {falls[6]:.1f}",
    )
    return counts, falls


@app.cell
def _(counts, falls):
    _factors = [coarse / fine for fine, coarse in zip(falls[:4], falls[1:5], strict=True)]
    assert all(2 < factor < 8 for factor in _factors)
    mo.md(
        f"From {counts[0]} to {counts[4]} bits each bit that goes multiplies the loss by {min(_factors):.1f} to {max(_factors):.1f}. "
        "A step twice as wide is a squared error four times as large: for small errors the loss is a square, too."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who minds

    Round one matrix, leave all others, and see what is lost. Done for each, this is the model's sensitivity. It costs a pass over some text for each matrix.
    """)
    return


@app.cell
def _(lost, model):
    rises = ptq.sensitivity(model, 4, 16, lost)
    sizes = {name: part.weight.numel() for name, part in calibration.linear_maps(model).items()}
    _short = {
        name.removeprefix("model.layers.").removesuffix("_proj").replace(".self_attn.", " ").replace(".mlp.", " "): rise
        for name, rise in rises.items()
    }
    assert abs(lost(model)) < 1e-6, "the model is left as it was"
    assert max(rises.values()) > 3 * min(rises.values())
    plots.value_bars({"4 bits": _short}, x="block and matrix", y="nats a token", title="each matrix rounded alone")
    return rises, sizes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who gets the bits

    Some matrices mind many times as much as others. So let those have 8 bits, and the others 4, so that a weight has as many on average as you choose. First
    comes who minds most *a weight*: a large matrix costs more bits to spare.
    """)
    return


@app.cell
def _():
    budget = mo.ui.slider(4.5, 7.5, step=0.5, value=5.0, label="bits a weight, on average", show_value=True)
    budget
    return (budget,)


@app.cell
def _(budget, lost, rises, rounded_to, sizes):
    chosen = ptq.choose_bits(rises, sizes, budget.value)
    _least = ptq.choose_bits({name: -rise for name, rise in rises.items()}, sizes, budget.value)
    _ways = {
        "4 bits for all": dict.fromkeys(rises, 4),
        "8 for who minds least": _least,
        "8 for who minds most": chosen,
        "8 bits for all": dict.fromkeys(rises, 8),
    }
    outcome = {way: lost(rounded_to(each)) for way, each in _ways.items()}
    plots.value_bars(
        {"nats a token": outcome},
        y="nats a token",
        title=f"{list(chosen.values()).count(8)} of {len(chosen)} matrices have 8 bits",
    )
    return chosen, outcome


@app.cell
def _(budget, chosen, outcome, sizes):
    _mean = sum(chosen[name] * size for name, size in sizes.items()) / sum(sizes.values())
    assert _mean <= budget.value
    assert outcome["8 for who minds most"] < min(outcome["8 for who minds least"], outcome["4 bits for all"])
    mo.md(
        f"{_mean:.2f} bits a weight. By who minds most **{outcome['8 for who minds most']:.3f}** nats are lost, by who minds least "
        f"{outcome['8 for who minds least']:.3f}, with 4 bits for all {outcome['4 bits for all']:.3f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 7 bits a code: the curve over the groups lies a hundredfold lower. This is why 8 bits need no care and 4 bits do.
    - Rounding asks nothing of any text. With a few texts one can do better: errors passed on (`gptq`), weights made larger before (`awq`).
    - On a model of yours: `groundup compress MODEL OUT --method round --mean-bits 5`, and the same without `--mean-bits`.

    Write it yourself: `groundup learn start choose_bits`
    """)
    return


if __name__ == "__main__":
    app.run()
