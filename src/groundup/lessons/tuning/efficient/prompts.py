"""Lesson: tuning by tokens that no text has: learned vectors, or keys and values, that stand before the text."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Prompts that nobody could type", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.efficient.config import PromptConfig
    from groundup.tuning.efficient.many import apply
    from groundup.tuning.efficient.prompts import mask_with_places


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Prompts that nobody could type

    A good prompt changes what a model does, and no weight of it. A prompt is a row of vectors, and vectors can be learned. They need
    not be those of any word.
    Afterwards you can say what the three methods of this kind learn, who sees whom, and why none of them can be merged.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64,
    )  # fmt: skip
    kinds = ("prompt", "p_tuning", "prefix")
    learned = {
        kind: sum(
            one.numel()
            for one in apply(
                build(config, seed=0), PromptConfig(kind=kind, num_virtual_tokens=8, encoder_hidden_size=64)
            ).parameters()
        )
        for kind in kinds
    }
    mo.md(f"Eight places before the text, each a vector of 32: **{learned['prompt']}** numbers learn.")
    return config, kinds, learned


@app.cell
def _(config, learned):
    assert learned["prompt"] == 8 * config.hidden_size
    assert learned["prefix"] == 8 * 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    assert learned["p_tuning"] == 8 * 32 + (32 * 64 + 64) + (64 * 64 + 64) + (64 * 32 + 32)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three places to learn

    - **prompt tuning**: the vectors themselves, before the embedded text.
    - **p-tuning**: a small network makes them from learned ones. It makes them move together while training; afterwards only the
      vectors are kept.
    - **prefix tuning**: keys and values in every layer. The text looks at them, and nothing has to be computed for them.
    """)
    return


@app.cell
def _(kinds, learned):
    plots.value_bars(
        {"numbers that learn": {kind: learned[kind] for kind in kinds}},
        y="numbers",
        title="Eight places, three methods",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who sees whom

    The places stand first, in order. Every token of the text sees all of them. Where several documents share a row, each sees the
    places and none of the others.
    Choose how many places there are.
    """)
    return


@app.cell
def _():
    places = mo.ui.slider(0, 6, step=1, value=3, label="places", show_value=True)
    places
    return (places,)


@app.cell
def _(places):
    packed = torch.zeros(1, 6, 6, dtype=torch.bool)
    for _start, _size in ((0, 2), (2, 4)):
        packed[:, _start : _start + _size, _start : _start + _size] = torch.ones(_size, _size).tril().bool()
    seen = mask_with_places(packed, places.value)
    plots.heat_map(
        seen[0].int(), x="is seen", y="sees", title=f"{places.value} places before two documents of 2 and 4 tokens"
    )
    return packed, seen


@app.cell
def _(packed, places, seen):
    _n = places.value
    assert torch.equal(seen[:, _n:, _n:], packed), "in the text nothing changes"
    assert seen[:, _n:, :_n].all() and not seen[:, :_n, _n:].any()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model that is told by vectors

    This model's weights were drawn at random and stay so. A prompt of eight vectors is learned so that behind it the model names one
    token. What is learned is
    no word's vector: its nearest words lie far from it.
    """)
    return


@app.cell
def _(config):
    _module = build(config, seed=0)
    _draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _one in _module.parameters():
            _one.add_(0.2 * torch.randn(_one.shape, generator=_draw))
    adapted = apply(_module, PromptConfig(num_virtual_tokens=8))
    texts = torch.randint(0, 40, (16, 8), generator=torch.Generator().manual_seed(4))
    first = adapted.adapters["default"].vectors.detach().clone()
    optimizer, curve = torch.optim.Adam(adapted.parameters(), lr=0.1), []
    for _ in range(60):
        _loss = torch.nn.functional.cross_entropy(adapted(texts)[:, -1], torch.full((16,), 7))
        curve.append(float(_loss.detach()))
        optimizer.zero_grad()
        _loss.backward()
        optimizer.step()
    vectors = adapted.adapters["default"].vectors.detach()
    table = adapted.base.embedding.weight.detach()
    cosine = torch.nn.functional.normalize(vectors, dim=1) @ torch.nn.functional.normalize(table, dim=1).T
    plots.lines(
        range(60),
        {"loss": curve},
        x="step",
        y="nats",
        title=f"The nearest word has a cosine of {float(cosine.max(1).values.mean()):.2f}",
    )
    return adapted, cosine, curve, first, optimizer, table, texts, vectors


@app.cell
def _(adapted, cosine, curve, first, table, texts, vectors):
    assert curve[-1] < 0.5 * curve[0]
    assert (first[:, None] == table[None]).all(-1).any(1).all(), "each began as the vector of some token"
    assert not torch.allclose(first, vectors) and float(cosine.max(1).values.mean()) < 0.99
    with adapted.disabled(), torch.no_grad():
        assert adapted(texts).shape == (16, 8, 40), "without it the model is what it was"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - No place at all: the mask is the text's own.
    - A prompt takes room: 16 places of a context of 256 are gone for the text. `groundup tune` says so where both do not fit.
    - None of the three is a change of a matrix, so none can be merged: they stay beside the model, a few kilobytes a task.

    Write the mask yourself: `groundup learn start mask_with_places`. Real runs: `groundup tune MODEL --method prompt`, `--method
    prefix`, `--method p_tuning`
    """)
    return


if __name__ == "__main__":
    app.run()
