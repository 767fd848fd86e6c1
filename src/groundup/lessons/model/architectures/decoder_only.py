"""Lesson: GPT-1, GPT-2, GPT-3, what grew and what it cost, published figures beside counted ones."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="From GPT-1 to GPT-3: one shape, a thousand times larger", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures.decoder_only import (
        GPT3_TOKENS,
        MIXTURE,
        PETAFLOP_DAY,
        PUBLISHED,
        published,
        table,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # From GPT-1 to GPT-3: one shape, a thousand times larger

    Three models of three years differ in few lines of code and by a factor of thousands in compute. Afterwards you can compute
    GPT-3's published cost in your head, say what that figure leaves out and for which sizes it matters, and which of the few
    changed lines is worth most in a small model.
    """)
    return


@app.cell
def _():
    first, last = published("gpt-1"), published("gpt-3")
    weights_grew, compute_grew = last.parameters / first.parameters, last.operations / first.operations
    mo.md(
        f"From 2018 to 2020 the weights grew **{weights_grew:,.0f} times**, and the operations of a training "
        f"{compute_grew:,.0f} times. The context grew {last.context // first.context} times, the vocabulary not by a quarter."
    )
    return compute_grew, first, last, weights_grew


@app.cell
def _(compute_grew, first, last, weights_grew):
    assert 1400 < weights_grew < 1600 and 3700 < compute_grew < 3900
    assert last.vocab / first.vocab < 1.25
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The table

    What the three papers say, and in the column "counted" what `model.accounting` finds for the shape: nobody had to
    believe a figure. GPT-2's sizes are those of the released files; its paper says 117 to 1,542 million.
    A petaflop day is $10^{15}$ operations a second for a day. Where nothing stands, nothing was published.
    """)
    return


@app.cell
def _():
    def short(number):
        """A number as a paper writes it: 124 million, 175 billion."""
        if number is None:
            return ""
        return f"{number / 1e9:.4g} billion" if number >= 1e9 else f"{number / 1e6:.4g} million"

    rows = table()
    _lines = [
        f"| {row['name']} | {row['layers']} | {row['width']:,} | {row['heads']} | {row['context']:,} | {short(row['parameters'])} "
        f"| {short(row['counted_parameters'])} | {short(row['tokens'])} | {row['petaflop_days'] or ''} |"
        for row in rows
    ]
    mo.md(
        "| model | layers | width | heads | context | parameters | counted | tokens | petaflop days |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|\n" + "\n".join(_lines)
    )
    return rows, short


@app.cell
def _(rows):
    for _row in rows:
        _bound = 0.03 if _row["year"] == 2020 else 0.01  # GPT-3's sizes are rounded to two places
        assert abs(_row["counted_parameters"] / _row["parameters"] - 1) < _bound, _row["name"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Six operations a weight and token

    A weight multiplies and adds: two operations a token forwards, and four back. A training on $D$ tokens costs

    $$C = 6 N D$$

    For GPT-3: six times 175 billion weights times 300 billion tokens.
    """)
    return


@app.cell
def _(last):
    by_hand = 6 * 175e9 * 300e9
    mo.md(
        f"By hand {by_hand:.3g} operations, which are **{by_hand / PETAFLOP_DAY:,.0f} petaflop days**; "
        f"the paper says {last.petaflop_days:,.0f}."
    )
    return (by_hand,)


@app.cell
def _(by_hand, last, rows):
    assert abs(by_hand / last.operations - 1) < 0.01
    for _row in rows:
        if _row["year"] == 2020:
            assert abs(_row["operations"] / (6 * _row["parameters"] * GPT3_TOKENS) - 1) < 0.03, _row["name"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    All eight sizes of GPT-3 read the same 300 billion tokens, so on logarithmic axes they stand on a line of slope 1. GPT-1 stands
    below, for it read less: its operations over six times its weights tell how many tokens, which its paper does not.
    """)
    return


@app.cell
def _(first, rows):
    _known = sorted((row for row in rows if row["operations"]), key=lambda row: row["parameters"])
    _nothing = float("nan")
    plots.lines(
        [row["parameters"] for row in _known],
        {
            "published, GPT-3": [row["operations"] if row["year"] == 2020 else _nothing for row in _known],
            "published, GPT-1": [row["operations"] if row["year"] == 2018 else _nothing for row in _known],
            "counted, with attention": [row["counted_operations"] or _nothing for row in _known],
        },
        x="parameters",
        y="operations of the training",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"GPT-1's compute is worth {first.operations / (6 * first.parameters) / 1e9:.0f} billion tokens",
    )
    return


@app.cell
def _(first):
    _tokens = first.operations / (6 * first.parameters)
    assert 1.1e11 < _tokens < 1.3e11
    mo.md(
        f"{_tokens / 1e9:.0f} billion is an upper bound: the operations were estimated from 8 GPUs for a month, not counted. "
        f"100 epochs then leave {_tokens / 1e11:.1f} billion tokens for the books, and BooksCorpus was described with about 1 billion words (Zhu et al. 2015)."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What six leaves out

    Attention multiplies queries with keys, which are no weights. In a layer of width $d$, with $L$ tokens of context, a token costs
    $4 d L$ for that and $2 \cdot 12 d^2$ for the matrices, so attention is

    $$\frac{4 d L}{24 d^2} = \frac{L}{6 d}$$

    of the blocks' matrices. Choose a model. (Hidden pairs are counted too, as in most kernels; half of it can be left out.)
    """)
    return


@app.cell
def _():
    chosen = mo.ui.dropdown([one.name for one in PUBLISHED if one.tokens], value="gpt-3-small", label="model")
    chosen
    return (chosen,)


@app.cell
def _(chosen):
    model = published(chosen.value)
    shape = model.config()
    counted = count(shape)
    _head = model.vocab * shape.hidden_size  # tied to the embedding, and multiplied all the same
    parts = {
        "matrices of the blocks": 6 * (counted.matrix_parameters - _head),
        "scores of the vocabulary": 6 * _head,
        "attention": 3 * counted.attention_flops_per_pair * model.context,
    }
    _published = model.operations / model.tokens
    plots.value_bars(
        {"operations a token": parts | {"published, all of it": _published}},
        y="operations a token",
        title=f"{model.name}: counted {sum(parts.values()) / _published - 1:.0%} above what was published",
    )
    return counted, model, parts, shape


@app.cell
def _(counted, model, parts, shape):
    assert sum(parts.values()) == counted.training_flops_per_token(model.context)
    _share = parts["attention"] / parts["matrices of the blocks"]
    assert abs(_share - model.context / (6 * shape.hidden_size)) < 1e-9
    mo.md(
        f"Attention is **{_share:.1%}** of the blocks' matrices, which is {model.context:,} / (6 x {shape.hidden_size:,}); the scores "
        f"of the vocabulary are {parts['scores of the vocabulary'] / sum(parts.values()):.1%} of everything."
    )
    return


@app.cell
def _(rows):
    above = {
        row["name"]: row["counted_operations"] / row["operations"] - 1 for row in rows if row["counted_operations"]
    }
    plots.value_bars(
        {"above": above}, y="counted above published", title="What is left out matters where the model is narrow"
    )
    return (above,)


@app.cell
def _(above):
    assert list(above.values()) == sorted(above.values(), reverse=True), "the wider, the less"
    assert above["gpt-3-small"] > 0.25 and above["gpt-3"] < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it was fed

    GPT-3's sources were not read as often as they are large. What was held to be good was read up to 3.4 times, and of the
    crawled web not half.
    """)
    return


@app.cell
def _():
    plots.value_bars(
        {"times read": {name.split(" (")[0]: times for name, _, times in MIXTURE}},
        y="times read",
        title="GPT-3's 300 billion tokens: how often each source",
    )
    return


@app.cell
def _(last):
    _shares = {name: share for name, share, _ in MIXTURE}
    assert abs(sum(_shares.values()) - 100) <= 1.5, "rounded shares"
    per_weight = last.tokens / last.parameters
    assert 1.7 < per_weight < 1.72
    mo.md(
        f"{per_weight:.1f} tokens a weight. Two years later Chinchilla found about 20 to be the best use of a budget: at equal cost a "
        "smaller model that reads more. See `groundup learn lesson compute_optimal`."
    )
    return (per_weight,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which step is worth what

    Each change alone on a GPT-1 of 0.27 million weights, trained three times on 0.26 million tokens. Bits a byte, against the GPT-1 of the
    same seed; stored figures of `groundup run gpt-steps`. An interval that crosses zero says that three seeds are too few.
    """)
    return


@app.cell
def _():
    base_bits = 2.0607
    steps = {
        "norms before each part (GPT-2)": (1.8057, -0.3556, -0.1544),
        "first weights by depth (GPT-2)": (1.9005, -0.2435, -0.0769),
        "both (GPT-2's block)": (1.7037, -0.4760, -0.2381),
        "twice the context, equal tokens": (2.1162, -0.1142, 0.2250),
        "half the vocabulary": (2.6485, 0.5265, 0.6491),
        "four times the weights (GPT-3's step)": (1.7918, -0.6473, 0.1095),
    }
    worth = {name: {"value": bits - base_bits, "low": low, "high": high} for name, (bits, low, high) in steps.items()}
    plots.differences(worth, x="bits a byte, less is better", title="Each step beside the small GPT-1")
    return base_bits, steps, worth


@app.cell
def _(worth):
    for _name, _one in worth.items():
        assert abs((_one["low"] + _one["high"]) / 2 - _one["value"]) < 2e-4, f"{_name}: Student's interval is symmetric"
    _sure = [name for name, one in worth.items() if one["high"] < 0]
    assert len(_sure) == 3 and all("GPT-2" in name for name in _sure)
    mo.md(
        "Three seeds show that GPT-2's block is better and half the vocabulary worse. Four times the weights gained in every one of "
        "the three runs, but by 0.10, 0.40 and 0.30, which is no figure to rely on: GPT-1's block leaves its first plateau "
        "sooner or later by chance."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `gpt-3-small` and then `gpt-3`: the vocabulary's scores fall from a quarter of everything to a third of a percent.
    - How long a context makes attention as dear as the matrices in the largest GPT-3? Solve $L / 6d = 1$.
    - Repeat the steps on this machine, in a few minutes: `groundup run gpt-steps`, and `groundup learn lesson residual` says why the
      place of the norm matters.

    Write the formula yourself: `groundup learn start token_flops`
    """)
    return


if __name__ == "__main__":
    app.run()
