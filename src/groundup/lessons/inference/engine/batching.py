"""Lesson: many prompts in one batch, why padding stands on the left, and a row that is the same alone and in company."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Batches: alone or in company, the same answer", width="medium")

with app.setup:
    import time
    from collections import Counter

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch, steps
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.attention import masks


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Batches: alone or in company, the same answer

    Reading the weights of a model takes most of the time of a step, and one reading serves as many texts as one likes. So prompts are put
    into one batch, although they have different lengths and end at different times. Afterwards you know what has to be done so that
    nobody can tell from an answer who else was in the batch.
    """)
    return


@app.cell
def _():
    model = build(
        LlamaConfig(
            vocab_size=60,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            initializer_range=0.4,  # large first weights: an untrained model that is sure of something
        ),
        seed=0,
        scheme="normal",
    )
    prompts = [[5, 6], [9, 8, 7, 6, 5, 4], [11, 3, 20], [30, 31, 32, 33]]
    _width = max(map(len, prompts))
    careless = torch.tensor([[0] * (_width - len(prompt)) + prompt for prompt in prompts])
    with torch.no_grad():
        alone = torch.stack([model(torch.tensor([prompt]))[0, -1] for prompt in prompts])
        together = model(careless)[:, -1]
    changed = int((alone.argmax(1) != together.argmax(1)).sum())
    mo.md(
        "Four prompts of 2, 6, 3 and 4 tokens, filled up with zeros to the same length and given to the model as they are: "
        f"**{changed}** of the 4 next tokens are others than if each prompt had been alone. No error was raised."
    )
    return alone, careless, changed, model, prompts, together


@app.cell
def _(alone, changed, together):
    assert changed >= 1
    assert torch.allclose(alone[1], together[1], atol=1e-3), "the longest row has no padding and is right"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three things

    - **Which side.** The newest token has to stand in the last column of every row, for there the next one is appended. So rows are
      filled up on the left.
    - **Who is seen.** Padding is no text: no token may look at it. That is a mask.
    - **Which place.** A model that turns queries and keys by their positions must count real tokens only.

    Choose what is done.
    """)
    return


@app.cell
def _():
    cares = {
        "nothing": (False, False),
        "the mask": (True, False),
        "the positions": (False, True),
        "the mask and the positions": (True, True),
    }
    return (cares,)


@app.cell
def _(cares):
    done = mo.ui.dropdown(list(cares), value="the mask and the positions", label="taken care of")
    done
    return (done,)


@app.cell
def _(alone, careless, cares, done, model, prompts, together):
    _masked, _placed = cares[done.value]
    real = torch.tensor([[0] * (6 - len(prompt)) + [1] * len(prompt) for prompt in prompts]).bool()
    _mask = masks.causal(6) & masks.padding(real) if _masked else None
    _positions = (real.cumsum(1) - 1).clamp(min=0) if _placed else None
    with torch.no_grad():
        filled = model(careless, _mask, _positions)[:, -1]
    away = (filled.softmax(1) - alone.softmax(1)).abs().sum(1) / 2
    _names = [f"row {row}: {len(prompt)} tokens" for row, prompt in enumerate(prompts)]
    _without = (together.softmax(1) - alone.softmax(1)).abs().sum(1) / 2
    plots.value_bars(
        {
            "with no care": dict(zip(_names, _without.tolist(), strict=True)),
            f"taken care of: {done.value}": dict(zip(_names, away.tolist(), strict=True)),
        },
        y="probability that went elsewhere",
        title=f"The worst row has moved {away.max():.1%} of its probability",
    )
    return away, filled, real


@app.cell
def _(alone, away, done, filled):
    assert away[1] < 1e-3, "the longest row is right in any case"
    if done.value == "the mask and the positions":
        torch.testing.assert_close(filled, alone, rtol=1e-3, atol=1e-3)
    if done.value in ("nothing", "the positions"):
        assert away.max() > 0.05, "padding was taken for text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With the mask alone the rows are right too, here: rotary positions tell attention how far apart two tokens are, and a row that stands
    three places further right has the same distances. A model with learned positions, one vector a place, would be wrong. The library
    counts real tokens in any case.

    The mask of one row: a dark place may be seen. The first columns are padding, and nobody looks there.
    """)
    return


@app.cell
def _(real):
    seen = (masks.causal(6) & masks.padding(real))[2]
    plots.heat_map(seen, x="key", y="query", low=0, high=1, title="Row 2: three places of padding, then three tokens")
    return (seen,)


@app.cell
def _(seen):
    assert not seen[:, :3].any()
    assert torch.equal(seen[3:, 3:], masks.causal(3)[0]), "among its tokens it is the mask of the prompt alone"
    assert not seen[:3].any(), "padding sees nothing, and attention gives it zeros instead of 0 / 0"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chance that belongs to the row

    Drawing is a second way in which company could be noticed: with one generator for the batch, each row would get other numbers when a
    row is added. So a row's number is computed from (seed, row, position). `generate_batch` does all of this. Its promise, tested on
    twenty prompts that are answered together, and each alone with its own stream.
    """)
    return


@app.cell
def _(model):
    _source = np.random.default_rng(1)
    many = [_source.integers(0, 60, _source.integers(1, 20)).tolist() for _ in range(20)]
    drawing = SamplingConfig(max_new_tokens=16, temperature=0.7, top_p=0.95, seed=5)
    in_company = generate_batch(model, many, drawing, stop_ids={1, 2})
    each_alone = [
        generate_batch(model, [prompt], drawing, stop_ids={1, 2}, streams=[row])[0] for row, prompt in enumerate(many)
    ]
    same = sum(one.ids == other.ids for one, other in zip(in_company, each_alone, strict=True))
    ends = Counter(one.finish_reason for one in in_company)
    mo.md(
        f"**{same}** of {len(many)} answers are the same, token by token. {ends['stop']} ended by a stop token, {ends['length']} at the "
        "limit of 16 tokens."
    )
    return drawing, each_alone, ends, in_company, many, same


@app.cell
def _(drawing, each_alone, ends, in_company, many, model, same):
    assert same == len(many)
    for _one, _other in zip(in_company, each_alone, strict=True):
        assert np.allclose(_one.log_probabilities, _other.log_probabilities, atol=1e-3)
    assert set(ends) == {"stop", "length"}
    _again = generate_batch(model, many[:1] * 8, drawing)
    assert len({tuple(one.ids) for one in _again}) > 1, "equal prompts in one batch have streams of their own"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rows that are done

    Rows end at different times, and a row that is done still occupies its place: the model computes it and nobody reads it. When a
    quarter of the rows are done, the cache is closed up around the others. The picture is one batch of 64 rows; the number of running
    rows is what `steps` reports.
    """)
    return


@app.cell
def _():
    stops = mo.ui.slider(1, 12, value=4, label="how many of 60 tokens end an answer", show_value=True)
    stops
    return (stops,)


@app.cell
def _(model, stops):
    _source = np.random.default_rng(2)
    _prompts = [_source.integers(0, 60, _source.integers(1, 20)).tolist() for _ in range(64)]
    _sampling = SamplingConfig(max_new_tokens=24, seed=2)
    running = [len(step.rows) for step in steps(model, _prompts, _sampling, set(range(stops.value)))]
    useful = sum(running) / (64 * len(running))
    plots.lines(
        range(1, len(running) + 1),
        {"rows that run": running},
        x="step",
        y="rows",
        levels={"rows at the beginning": 64},
        title=f"Without closing up, {1 - useful:.0%} of the places would be computed for nobody",
    )
    return running, useful


@app.cell
def _(running, useful):
    assert running[0] == 64 and all(one >= two for one, two in zip(running, running[1:], strict=False))
    assert 0 < useful <= 1 and len(running) <= 24
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it gains

    Measured on this machine just now, with a model of 3.7 million weights: tokens a second by the number of rows. As long as reading weights
    takes the time, twice the rows are twice the tokens; then multiplying does, and the curve bends.
    """)
    return


@app.cell
def _():
    _config = LlamaConfig(
        vocab_size=256, hidden_size=384, intermediate_size=1024, num_hidden_layers=2, num_attention_heads=6
    )
    _model, _rates = build(_config, seed=0), []
    for _rows in (1, 2, 4, 8, 16, 32):
        _start = time.perf_counter()
        generate_batch(_model, [[number] for number in range(_rows)], SamplingConfig(max_new_tokens=6, temperature=0))
        _rates = [*_rates, 6 * _rows / (time.perf_counter() - _start)]
    plots.lines(
        [1, 2, 4, 8, 16, 32],
        {"measured": _rates, "twice the rows, twice the tokens": [_rates[0] * rows for rows in (1, 2, 4, 8, 16, 32)]},
        x="rows",
        y="tokens a second",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"32 rows: {_rates[-1] / _rates[0]:.0f} times the tokens of one row in a second",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Take care of nothing: the shortest rows suffer most. Positions alone: what is seen is still wrong.
    - Many stop tokens: rows leave early, and most of an open batch would be empty.
    - Leave out `streams=[row]` above: each prompt alone is then row 0, draws other numbers, and most answers differ.

    What a server does beyond this is to take new prompts in as soon as rows are free; that is called continuous batching.
    """)
    return


if __name__ == "__main__":
    app.run()
