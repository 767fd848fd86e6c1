"""Lesson: the token embedding, a one-hot vector times a matrix that is never multiplied, and the tied head."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Embedding: a product that is never computed", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.layers.embedding import Embedding


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Embedding: a product that is never computed

    A model computes with vectors, a text is a list of numbers without any order among them: token 17 is not more than
    token 16. The embedding gives each its vector. Afterwards you know why this is a matrix product, which rows learn
    from a text, and what happens when the last layer uses the same matrix.
    """)
    return


@app.cell
def _():
    _vocabulary, _hidden = 151_936, 1024  # Qwen3 0.6B
    as_product = 2 * _vocabulary * _hidden
    useful = 1 / _vocabulary
    mo.md(
        f"Qwen3 0.6B knows 151,936 tokens, each 1,024 numbers wide. Finding the vector of one token as a matrix product takes "
        f"**{as_product / 1e6:.0f} million** operations, more than a third of what all its layers take together. "
        f"Of the products, {1 - useful:.4%} are with zero. Looking the row up takes none."
    )
    return as_product, useful


@app.cell
def _(as_product, useful):
    assert as_product == 311_164_928 and useful < 1e-5
    assert 1 / 3 < as_product / (2 * 440_467_456) < 0.4, (
        "2 operations for each of the 440 M weights outside the embedding"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Seven words, three numbers each

    The **one-hot** vector of token $i$ has a 1 at place $i$ and 0 elsewhere. As a row times a matrix it picks row $i$:

    $$(0, \ldots, 1, \ldots, 0)\; E = E_i$$

    So the lookup is a linear map like any other layer: it has a weight, and the weight has a gradient.
    """)
    return


@app.cell
def _():
    words = ["the", "cat", "sat", "on", "mat", "moon", "seven"]
    text = ["the", "cat", "sat", "on", "the", "mat"]
    ids = torch.tensor([[words.index(word) for word in text]])
    matrix = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    one_hot = functional.one_hot(ids, 7).float()
    plots.heat_map(
        one_hot[0], rows=text, columns=words, text=True, x="token", y="the text", title="A text as one-hot rows"
    )
    return ids, matrix, one_hot, text, words


@app.cell
def _(ids, matrix, one_hot):
    reader = Embedding(7, 3)
    reader.weight = torch.nn.Parameter(matrix.clone())
    assert torch.equal(reader(ids), one_hot @ matrix), "not nearly: bit for bit"
    assert torch.equal(reader(ids)[0, 0], reader(ids)[0, 4]), "the same word, the same vector, wherever it stands"
    mo.md(f"`the` is ({', '.join(f'{number:.2f}' for number in reader(ids)[0, 0].tolist())}), both times.")
    return (reader,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The way back out

    At the other end a model has a vector and needs one score for every token. The **head** takes the inner product with
    a row for each token: $s_v = h \cdot U_v$. It may have a matrix of its own, or use the embedding: $U = E$. That is a
    **tied** head, and it saves as many weights as the embedding has.

    | | embedding | other weights | head of its own | tied |
    |---|---|---|---|---|
    | Qwen3 0.6B | 156 M | 440 M | 752 M in all | 596 M in all |

    The smaller the model, the more of it is vocabulary. What each row learns from one text is another matter. Here is
    the shortest model there is, which scores straight from the embedding, and the gradient of each row.
    """)
    return


@app.cell
def _():
    head = mo.ui.radio(["a matrix of its own", "tied"], value="a matrix of its own", label="head")
    head
    return (head,)


@app.cell
def _(ids):
    _source = torch.Generator().manual_seed(1)
    _read, _write = (torch.randn(7, 8, generator=_source).mul(0.3).requires_grad_() for _ in range(2))

    def _gradients(embedding, output):
        """The gradients of both matrices for the loss of each next word."""
        scores = embedding[ids[0, :-1]] @ output.T
        return torch.autograd.grad(functional.cross_entropy(scores, ids[0, 1:]), [embedding, output])

    apart = dict(zip(("embedding", "head"), _gradients(_read, _write), strict=True))
    _shared = _read.detach().clone().requires_grad_()
    _scores = _shared[ids[0, :-1]] @ _shared.T
    (tied,) = torch.autograd.grad(functional.cross_entropy(_scores, ids[0, 1:]), [_shared])
    _again = [_shared.detach().clone().requires_grad_() for _ in range(2)]
    halves = _gradients(*_again)
    return apart, halves, tied


@app.cell
def _(apart, head, tied, words):
    lengths = (
        {"the one row": tied.norm(dim=1)} if head.value == "tied" else {k: v.norm(dim=1) for k, v in apart.items()}
    )
    plots.value_bars(
        {name: dict(zip(words, values.tolist(), strict=True)) for name, values in lengths.items()},
        y="length of the gradient",
        title=f"Head: {head.value}",
    )
    return (lengths,)


@app.cell
def _(apart, head, lengths, words):
    _never_read = [words.index(word) for word in ("mat", "moon", "seven")]  # after `mat` nothing is asked
    assert apart["embedding"][_never_read].eq(0).all(), "a row learns from reading only where its token is read"
    assert apart["head"].norm(dim=1).min() > 0, "every row of the head learns: the right one up, the others down"
    assert (head.value == "tied") == (len(lengths) == 1)
    return


@app.cell
def _(halves, tied):
    torch.testing.assert_close(tied, halves[0] + halves[1])
    mo.md(
        "The gradient of a tied matrix is the sum of both: what the row should be to be read well, and to be written well. "
        f"Of its length, the words that the text never reads get **{tied[4:].norm() / tied.norm():.0%}**, all of it from writing."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A tied model begins by repeating itself

    In a fresh model of this library the blocks add nothing yet, so the last vector is the token's own row, scaled to a
    mean square of 1. With a tied head its score is the row times itself. If the first values have deviation $\sigma$
    and the width is $d$, the own token scores about $\sigma d$ and every other one about $0 \pm \sigma\sqrt{d}$. Move
    $\sigma$.
    """)
    return


@app.cell
def _():
    spread = mo.ui.slider(
        steps=[0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0],
        value=0.1,
        label="deviation of the first values",
        show_value=True,
    )
    spread
    return (spread,)


@app.cell
def _(spread):
    VOCABULARY, WIDTH = 500, 64
    _sizes = dict(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2
    )
    fresh = build(LlamaConfig(**_sizes, tie_word_embeddings=True, initializer_range=spread.value), seed=0)
    with torch.no_grad():
        scores = fresh(torch.arange(VOCABULARY)[None])[0]  # every token once; row i scores what follows token i
    own = scores.diagonal()
    others = scores[~torch.eye(VOCABULARY, dtype=torch.bool)]
    _next = torch.randint(0, VOCABULARY, (VOCABULARY,), generator=torch.Generator().manual_seed(2))
    loss = functional.cross_entropy(scores, _next).item()
    return VOCABULARY, WIDTH, fresh, loss, others, own, scores


@app.cell
def _(VOCABULARY, loss, others, own, spread):
    plots.histogram(
        {"every other token": others, "the token itself": own},
        bins=60,
        x="score",
        title=f"Loss {loss:.2f} nats (a guess: {math.log(VOCABULARY):.2f})",
    )
    return


@app.cell
def _(VOCABULARY, WIDTH, fresh, loss, others, own, scores, spread):
    assert fresh.lm_head.weight is fresh.model.embed_tokens.weight
    assert scores.argmax(1).equal(torch.arange(VOCABULARY)), "it expects every token to come again, at any deviation"
    assert abs(own.mean().item() / (spread.value * WIDTH) - 1) < 0.1
    assert abs(others.std().item() / (spread.value * WIDTH**0.5) - 1) < 0.1
    assert (loss < math.log(VOCABULARY) + 0.1) == (spread.value <= 0.02), "small first values: no worse than a guess"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One place decides the number format

    Every layer of this library casts its weight to the format of what comes in. What comes in first is the embedding's
    row, so one attribute there decides in which format the whole model multiplies; the weights stay as exact as they
    were.
    """)
    return


@app.cell
def _(ids, matrix):
    short = Embedding(7, 3)
    short.weight = torch.nn.Parameter(matrix.clone())
    short.compute_dtype = torch.bfloat16
    assert short(ids).dtype == torch.bfloat16 and short.weight.dtype == torch.float32
    _lost = (short(ids).float() - matrix[ids]).abs().max().item()
    assert 0 < _lost < 0.01
    mo.md(f"Handed out in bf16, a number differs from the stored one by **{_lost:.4f}** at most.")
    return (short,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the deviation to 1: the fresh model is sure of the wrong token, and its loss is ten times that of a guess. At
      0.02 it begins at a guess, which is why most models start there.
    - Switch the head to tied: `moon`, which the text never names, gets a gradient all the same. Which words have the
      longest?
    - Add `"moon"` to the end of `text`: `mat` is now read, and its row of the embedding has a gradient.

    Where a fresh model's other numbers come from: `groundup learn start deviation_of`
    """)
    return


if __name__ == "__main__":
    app.run()
