"""Lesson: one vector of the many that a model gives a text: mean, first, last; what padding does to it, and why its length is made one."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Pooling: one vector for a text", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.bert import BertConfig
    from groundup.serving.encoders.pooling import POOLINGS, Pooling, unit_length
    from groundup.serving.encoders.sentences import TextEncoder, batches
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Pooling: one vector for a text

    A model gives a vector for every token, and a search wants one for the whole text. Averaging sounds too simple to go wrong. Afterwards you know
    how it does, what else there is, and why the same text must have the same vector whoever stands beside it in the batch.
    """)
    return


@app.cell
def _():
    hidden = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [9.0, 9.0], [9.0, 9.0]]])
    real = torch.tensor([[True, True, False, False]])
    careless, right = hidden.mean(dim=1)[0].tolist(), POOLINGS["mean"](hidden, real)[0].tolist()
    mo.md(
        f"A text of two tokens, $(1, 4)$ and $(3, 0)$, filled up with two of padding. Their mean is **{right}**; the mean of the row, padding "
        f"included, is **{careless}**, a vector that belongs to no text at all."
    )
    return careless, hidden, real, right


@app.cell
def _(careless, right):
    assert right == [2.0, 2.0] and careless == [5.5, 5.5]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Five ways

    - **mean** of the real tokens: what encoders for sentences are trained with (Reimers and Gurevych 2019)
    - **first**: BERT's [CLS], a place that is there for the whole text
    - **last**: the only one that a decoder can use without training, as no other of its tokens has seen everything
    - **max**: of each number the largest
    - **root**: the sum over the square root of the length, between sum and mean

    None of them is better in itself: a model is good at the one it was trained with.
    """)
    return


@app.cell
def _(hidden, real):
    plots.value_bars(
        {name: {"first number": one[0], "second number": one[1]} for name, one in
         ((name, pool(hidden, real)[0].tolist()) for name, pool in POOLINGS.items())},
        y="value",
        title="The same two tokens, pooled in five ways",
    )  # fmt: skip
    return


@app.cell
def _(hidden, real):
    _longer = torch.cat([hidden, torch.full((1, 5, 2), 77.0)], dim=1)
    _real = torch.cat([real, torch.zeros(1, 5, dtype=torch.bool)], dim=1)
    for _pool in POOLINGS.values():
        torch.testing.assert_close(_pool(_longer, _real), _pool(hidden, real))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A whole encoder

    A tiny BERT with random weights is enough to see the rest. Each text's vector alone is compared with that from one batch, with and
    without telling model and pooling where the padding is.
    """)
    return


@app.cell
def _():
    texts = ["a cat", "the dog sat on the log and the cat sat on the mat", "frog", "the hat of the frog is on the dog"]
    tokenizer = train_tokenizer(texts, TokenizerConfig(vocab_size=280))
    module = build(
        BertConfig(vocab_size=280, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, head="none",
                   max_position_embeddings=64, initializer_range=0.3),
        seed=0,
        scheme="normal",
    ).eval()  # fmt: skip
    return module, texts, tokenizer


@app.cell
def _():
    mode = mo.ui.dropdown(["mean", "first", "max", "root"], value="mean", label="pooling")
    mode
    return (mode,)


@app.cell
def _(mode, module, texts, tokenizer):
    encoder = TextEncoder(module, tokenizer, Pooling(mode=mode.value))
    alone = np.concatenate([encoder.embed([text]) for text in texts])
    together = encoder.embed(texts)
    _rows = encoder.encode(texts)
    _width = max(map(len, _rows))
    _ids = torch.tensor([[*row, *[0] * (_width - len(row))] for row in _rows])
    with torch.no_grad():
        _blind = encoder.pooling(module.hidden(_ids), torch.ones_like(_ids, dtype=torch.bool)).numpy()
    _names = [f"{len(row)} tokens" for row in _rows]
    kept = {
        "padding told": dict(zip(_names, (alone * together).sum(1).tolist(), strict=True)),
        "padding taken for text": dict(zip(_names, (alone * _blind).sum(1).tolist(), strict=True)),
    }
    plots.value_bars(kept, y="cosine with the vector alone", title="One batch, four texts: the short ones suffer")
    return alone, encoder, kept, together


@app.cell
def _(alone, kept, together):
    assert np.allclose(alone, together, atol=1e-5)
    assert min(kept["padding told"].values()) > 0.9999 and min(kept["padding taken for text"].values()) < 0.95
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Length one

    Two vectors are compared by the angle between them. If each is divided by its length when it is made, the inner product *is* the cosine, and
    a million texts are searched with one matrix product.
    """)
    return


@app.cell
def _(encoder, module, texts, tokenizer):
    raw = TextEncoder(module, tokenizer, Pooling(mode=encoder.pooling.mode, normalize=False)).embed(texts)
    made_one = unit_length(torch.from_numpy(raw)).numpy()
    plots.heat_map(
        made_one @ made_one.T,
        x="text",
        y="text",
        low=-1,
        high=1,
        title=f"Cosines; before, the lengths went from {np.linalg.norm(raw, axis=1).min():.1f} to {np.linalg.norm(raw, axis=1).max():.1f}",
    )
    return made_one, raw


@app.cell
def _(made_one, raw, together):
    _cosines = (raw @ raw.T) / np.outer(np.linalg.norm(raw, axis=1), np.linalg.norm(raw, axis=1))
    assert np.allclose(made_one @ made_one.T, _cosines, atol=1e-5)
    assert np.allclose(made_one, together, atol=1e-5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Little padding

    Padding is computed for nobody. Texts that are sorted by length before they are put into batches need nearly none.
    """)
    return


@app.cell
def _():
    _lengths = np.random.default_rng(0).geometric(1 / 30, 512).clip(1, 256).tolist()

    def _computed(groups: list) -> int:
        return sum(len(group) * max(_lengths[place] for place in group) for group in groups)

    as_they_came = _computed([range(start, start + 32) for start in range(0, 512, 32)]) / sum(_lengths)
    by_length = _computed(list(batches(_lengths))) / sum(_lengths)
    mo.md(
        f"512 texts of 30 tokens in the mean: as they came **{as_they_came:.1f}** tokens are computed for each real one, by length **{by_length:.2f}**."
    )
    return as_they_came, by_length


@app.cell
def _(as_they_came, by_length):
    assert by_length < 1.2 < 2 < as_they_came
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Pooling by the first token: even then padding does harm, as [CLS] has looked at it.
    - A real encoder: `groundup get minilm`, then in Python
      `load_encoder("models/minilm").embed(["a cat sits on the mat", "a kitten rests on the rug"])`, whose inner product is about 0.6.

    Write it yourself: `groundup learn start mean_of_tokens`, then `groundup learn start last_token`
    """)
    return


if __name__ == "__main__":
    app.run()
