"""Lesson: what attention costs as a text grows, in operations, in memory and in steps that must wait for one another."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Complexity: what twice the text costs", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.model.attention.complexity import VARIANTS, exponent, inputs, measured, seconds


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Complexity: what twice the text costs

    Twice the text costs full attention four times as much. The other kinds exist because of that one sentence. Afterwards you
    can count what each costs in three currencies, check the count against a run, and say what a recurrent network really lacked.
    """)
    return


@app.cell
def _():
    _full, _linear = (VARIANTS[name].cost(131_072, 64).flops for name in ("full", "linear, in chunks"))
    ratio = _full / _linear
    mo.md(
        f"One head of width 64 over 131,072 tokens, the length of a novel: full attention multiplies and adds {_full / 1e12:.1f} "
        f"million million times. Linear attention does **{ratio:,.0f} times** less."
    )
    return (ratio,)


@app.cell
def _(ratio):
    assert 500 < ratio < 1024, "131,072 pairs a token against the cost of about 130"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counted by formula

    Two matrix products make attention: scores, $n \times n$ from vectors of width $d$, and the mean of the values. Each takes
    $n^2 d$ multiplications and as many additions: $4 n^2 d$. A window of $w$ leaves $4 n w d$. On paper with logarithmic axes a
    power of $n$ is a straight line, and the power is its slope.
    """)
    return


@app.cell
def _():
    def formulas(names, lengths):
        """Operations a head of width 64, for each kind and length."""
        return {name: [VARIANTS[name].cost(length, 64).flops for length in lengths] for name in names}

    lengths = [2**power for power in range(10, 18)]
    lines = formulas(["full", "strided", "local and global", "linear, in chunks", "recurrent network"], lengths)
    plots.lines(
        lengths, lines, x="tokens", y="operations", log_x=True, log_y=True, title="Operations of one head, by formula"
    )
    return formulas, lengths, lines


@app.cell
def _(lengths, lines):
    slopes = {name: exponent(lengths, costs) for name, costs in lines.items()}
    assert slopes["full"] == 2 and 1.4 < slopes["strided"] < 1.6
    assert all(slopes[name] < 1.05 for name in lines if name not in ("full", "strided"))
    mo.md("Slopes: " + ", ".join(f"{name} **{slope:.2f}**" for name, slope in slopes.items()) + ".")
    return (slopes,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counted while it runs

    A formula may forget something. So let each kind run, and count every matrix product as it comes by; the largest tensor that is
    made; and the most bytes held at once. Choose one.
    """)
    return


@app.cell
def _():
    def counted(name, length):
        """One run, counted, with its formula."""
        given = inputs(length, 32)
        return measured(lambda: VARIANTS[name].run(*given)), VARIANTS[name].cost(length, 32)

    return (counted,)


@app.cell
def _():
    kind = mo.ui.dropdown([name for name in VARIANTS if name != "linear, step by step"], value="full", label="kind")
    kind
    return (kind,)


@app.cell
def _(counted, kind):
    short, short_formula = counted(kind.value, 512)
    long, long_formula = counted(kind.value, 1024)
    mo.md(
        f"""
    | {kind.value}, head of 32 | 512 tokens | 1,024 tokens | times |
    |---|---|---|---|
    | operations, formula | {short_formula.flops:,} | {long_formula.flops:,} | {long_formula.flops / short_formula.flops:.2f} |
    | operations, counted | {short.flops:,} | {long.flops:,} | {long.flops / short.flops:.2f} |
    | largest tensor, formula | {short_formula.largest:,} | {long_formula.largest:,} | {long_formula.largest / short_formula.largest:.2f} |
    | largest tensor, counted | {short.largest:,} | {long.largest:,} | {long.largest / short.largest:.2f} |
    | bytes at once | {short.peak_bytes:,} | {long.peak_bytes:,} | {long.peak_bytes / short.peak_bytes:.2f} |
    | longest chain of kernels | {short.steps:,} | {long.steps:,} | {long.steps / short.steps:.2f} |
    """
    )
    return long, long_formula, short, short_formula


@app.cell
def _(kind, long, long_formula, short, short_formula):
    assert (short.flops, long.flops) == (short_formula.flops, long_formula.flops)
    assert (short.largest, long.largest) == (short_formula.largest, long_formula.largest)
    _grows = long.peak_bytes / short.peak_bytes
    assert _grows > 3.5 if kind.value == "full" else _grows < 3, "only full attention holds all pairs"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What recurrence lacked

    A recurrent network costs $4 n d^2$: for texts longer than $d$ tokens nothing here is cheaper. Yet attention replaced it. The
    last row of the table says why: its steps wait for one another. The longest chain of kernels, each of which needs the
    result of the one before, is what no number of processors can shorten.
    """)
    return


@app.cell
def _(counted):
    sizes = [32, 64, 128]
    _wait = ("full", "linear, in chunks", "linear, step by step", "recurrent network")
    chains = {name: [counted(name, size)[0].steps for size in sizes] for name in _wait}
    plots.lines(
        sizes, chains, x="tokens", y="kernels in a row", log_x=True, log_y=True,
        title="Steps that cannot run side by side, counted",
    )  # fmt: skip
    return chains, sizes


@app.cell
def _(chains, sizes):
    assert len(set(chains["full"])) == 1, "the same few kernels, whatever the length"
    assert max(chains["linear, in chunks"]) == min(chains["linear, in chunks"])
    assert all(exponent(sizes, chains[name]) > 0.8 for name in ("linear, step by step", "recurrent network"))
    mo.md(
        f"At {sizes[-1]} tokens: full attention {chains['full'][-1]} kernels in a row, the recurrent network **{chains['recurrent network'][-1]}**. "
        "Linear attention is both: steps to write with, chunks to learn with."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What must be kept to go on

    The third currency is the memory that each further token needs: the cache, which decides how many users a server can hold.
    """)
    return


@app.cell
def _():
    tokens = mo.ui.slider(10, 17, step=1, value=14, label="tokens, as a power of 2", show_value=True)
    tokens
    return (tokens,)


@app.cell
def _(tokens):
    _shown = ("full", "local and global", "linear, in chunks", "Transformer-XL", "kNN memory", "recurrent network")
    kept = {name: VARIANTS[name].cost(2**tokens.value, 64).kept * 4 / 1e3 for name in _shown}
    plots.value_bars({"kB": kept}, y="kB a head", title=f"Kept to write on after {2**tokens.value:,} tokens")
    return (kept,)


@app.cell
def _(kept, tokens):
    assert kept["full"] == 2 * 2**tokens.value * 64 * 4 / 1e3
    assert max(kept, key=kept.get) == "full"
    assert min(kept, key=kept.get) == "recurrent network"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By the clock

    Operations are not time: a kernel costs something before it does anything, and small tensors live in a cache. So on short
    texts slopes are flatter than the formula's, and they grow into it. The best of three runs each, on this machine:
    """)
    return


@app.cell
def _():
    clocked = [512, 1024, 2048]
    _kinds = ("full", "local and global", "linear, in chunks", "Linformer")
    _best = []
    for _length in clocked:
        _given = inputs(_length, 64)
        _best.append(seconds({name: (lambda name=name, given=_given: VARIANTS[name].run(*given)) for name in _kinds}))
    _times = {name: [1e3 * one[name] for one in _best] for name in _kinds}
    assert all(one > 0 for each in _times.values() for one in each)
    plots.lines(
        clocked,
        {f"{name}: slope {exponent(clocked, each):.2f}": each for name, each in _times.items()},
        x="tokens", y="ms", log_x=True, log_y=True, title="One head of width 64, measured just now",
    )  # fmt: skip
    return (clocked,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `benchmarks/model/attention/complexity.py` measures all kinds from 1,024 to 16,384 tokens, where the start of a kernel no longer
    counts.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose "strided": 1.5 is the power by its formula, as each token sees about two roots of the length.
    - Choose "kNN memory": the search compares everything that is held, so its cost is that of what is held, not of what is read.
    - 2^10 tokens: the cache of full attention is not yet the trouble. 2^17: it is nothing else.

    The step that makes attention recurrent: `groundup learn start linear_attention_step`
    """)
    return


if __name__ == "__main__":
    app.run()
