"""Lesson: one dial, the depth, and the rules by which it sets everything else."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One dial: depth", width="medium")

with app.setup:
    import math

    import marimo as mo

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.config import TrainConfig
    from groundup.training.loop.dial import TOKENS_PER_PARAMETER, dial, parameters


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One dial: depth

    A recipe has thirty numbers, and who wants a larger model has to change ten of them together. Afterwards you know which of them
    follow from one, by which rule each, and how far these rules can be trusted.
    """)
    return


@app.cell
def _():
    small, large = dial(2), dial(8)
    _weights = parameters(small["model"], 3072), parameters(large["model"], 3072)
    _tokens = [tables["train"]["steps"] * tables["train"]["batch_size"] * 256 for tables in (small, large)]
    grown = _weights[1] / _weights[0], _tokens[1] / _tokens[0]
    mo.md(
        f"Depth 8 instead of 2: four times the layers, **{grown[0]:.0f}** times the weights, {grown[1]:.0f} times the tokens, so "
        f"{grown[0] * grown[1]:.0f} times the work."
    )
    return grown, large, small


@app.cell
def _(grown, large, small):
    assert large["model"]["num_hidden_layers"] == 4 * small["model"]["num_hidden_layers"]
    assert 15 < grown[0] < 64 and abs(grown[1] / grown[0] - 1) < 0.02, "tokens follow the weights"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The shape

    Loss depends on how many weights a model has, and hardly on how they are shared out between depth and width, within wide bounds
    (Kaplan and others measured a few percent over a factor of ten). So one ratio is enough: **32 wide a layer**. With it the
    weights of the blocks grow with the third power of the depth: one power for the layers, two for the width.

    The width is cut into heads. A head of 32 numbers is small, but a model of 64 wide should have more than one; from 512 wide on
    heads are 64 wide, from 2,048 on 128. The inner width of the feed-forward is 8/3 of the width: it has three matrices, and then
    weighs what the older form with two matrices of four times the width did.
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(1, 24, value=4, label="depth", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth):
    tables = dial(depth.value)
    _rows = [f"| `{section}.{key}` | {value} |" for section, table in tables.items() for key, value in table.items()]
    mo.md("\n".join(["| key | value |", "|---|---|", *_rows]))
    return (tables,)


@app.cell
def _(depth, tables):
    _model = {key: value for key, value in tables["model"].items() if key != "model_type"}
    config, train = Qwen3Config(vocab_size=3072, **_model), TrainConfig(**tables["train"])
    assert config.num_attention_heads * config.head_dim == config.hidden_size >= 32 * depth.value
    assert count(config).parameters == parameters(tables["model"], 3072), "counted by the dial as by the accounting"
    assert abs(train.steps * train.tokens_per_step / count(config).parameters / TOKENS_PER_PARAMETER - 1) < 0.02
    return config, train


@app.cell
def _(config, depth):
    _vocabulary = config.vocab_size * config.hidden_size
    _shares = {"vocabulary": _vocabulary, "blocks": count(config).parameters - _vocabulary}
    assert (_shares["vocabulary"] > _shares["blocks"]) == (depth.value < 3), "a tiny model is mostly its vocabulary"
    plots.value_bars({f"depth {depth.value}": _shares}, title="Where the weights are")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long

    A budget of work can be spent on a larger model or on more tokens. Hoffmann and others trained over 400 models to find the
    best split, and it came out at about **20 tokens a weight**. A small model that is to be used much is trained longer than that;
    20 is what gives the lowest loss for the work of training.
    """)
    return


@app.cell
def _():
    depths = list(range(1, 25))
    weights = [parameters(dial(one)["model"], 3072) for one in depths]
    tokens = [dial(one)["train"]["steps"] * dial(one)["train"]["batch_size"] * 256 for one in depths]
    work = [6 * one * other for one, other in zip(weights, tokens, strict=True)]
    plots.lines(
        depths,
        {"weights": weights, "tokens": tokens},
        x="depth",
        y="how many",
        log_y=True,
        title="What the dial sets",
    )
    return depths, tokens, weights, work


@app.cell
def _(tokens, weights, work):
    assert weights == sorted(weights) and tokens == sorted(tokens), "more depth is never less"
    assert 20 < work[7] / work[3] < 2**6, (
        "twice the depth: up to 2^6 times the work, less while the vocabulary weighs much"
    )
    mo.md(
        f"From depth 4 to depth 8 the work of training grows **{work[7] / work[3]:.0f}** times: turn the dial by one, not by ten."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rates

    Two rates, two rules. Muon's step for a matrix has the same size whatever the matrix is wide, measured by how much it can
    change an output: its rate stays. AdamW moves each number of the embedding by about the rate. As an embedding that is right
    at every width. As a head, where `width` numbers are added up, the output moves by `width` times as much, so there the rate
    should fall with the width. The two are one matrix here, so the rule lies between: it falls with the **root** of the width.
    """)
    return


@app.cell
def _(depths):
    rates = [dial(one)["train"]["learning_rate"] for one in depths]
    assert rates == sorted(rates, reverse=True)
    assert abs(rates[3] / rates[15] - math.sqrt(512 / 128)) < 0.02, "four times the width, half the rate"
    plots.lines(
        depths,
        {
            "learning_rate": rates,
            "matrix_learning_rate": [dial(one)["train"]["matrix_learning_rate"] for one in depths],
        },
        x="depth",
        y="peak rate",
        title="One rate falls, one stays",
    )
    return (rates,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The batch

    More rows in a batch make the gradient less noisy, until there is little noise left and the rows only cost. Where that is
    depends on how far the training is meant to go: late in a long run the slope is small and noise counts. So the batch
    grows with the **root of the horizon**, in powers of two.
    """)
    return


@app.cell
def _(depths):
    batches = [dial(one)["train"]["batch_size"] for one in depths]
    assert batches == sorted(batches) and all(one & (one - 1) == 0 for one in batches)
    mo.md("Rows of 256 tokens at depth 1, 4, 8, 16: " + ", ".join(f"**{batches[one - 1]}**" for one in (1, 4, 8, 16)))
    return (batches,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far to trust it

    The constants were found at depth 4: ratio, rates and batch are those of the demo's model. What carries them to other depths
    are other people's rules; whether the rates are the best at each depth was not measured.
    What no dial knows is your text: if it has fewer tokens than a quarter of the horizon it will be read more than four times,
    and after that a reading teaches little.

    ## Try

    - Depth 15 and 16: heads become 64 wide, and there are 8 instead of 15.
    - Depth 1: a model of 110,000 weights, most of them in the vocabulary.
    - `groundup run demo --depth 2`, or `groundup plan demo --set depth=6`: what would it cost here? A key beside it stays as you give it:
      `--depth 4 --set train.steps=1000`.
    """)
    return


if __name__ == "__main__":
    app.run()
