"""Lesson: another head on a finished model: what it reads, what a word's pieces have to do with its tag, and how a span is found."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Another head on a finished model", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.classification import collate, encode, encoded, fit, headed, scores, span_loss
    from groundup.tuning.supervised.labelled import Example, names_of
    from groundup.tuning.supervised.predictions import best_span, measure, predict


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Another head on a finished model

    A model that scores the next token can score other things: what a text is about, how good it is, what each word is, where an
    answer stands. All four
    read the same hidden states through one new matrix. Afterwards you can say what each reads, and train one.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(
        ["the film is good and the play is bad, a warm song, a dull book\n"] * 4, TokenizerConfig(vocab_size=290)
    )
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    things, good, bad = (
        ("film", "play", "song", "book"),
        ("good", "warm", "great", "fine"),
        ("bad", "dull", "weak", "poor"),
    )
    reviews = [
        Example(f"the {thing} is {word}", label)
        for thing in things
        for words, label in ((good, "like"), (bad, "dislike"))
        for word in words
    ]
    model = build(config, seed=0)
    new = headed(model, "classify", reviews, seed=1).score.out_proj.weight
    mo.md(
        f"To tell two labels apart this model of {sum(one.numel() for one in model.parameters()):,} weights gets **{new.numel()}** new ones."
    )
    return bad, config, good, model, new, reviews, things, tokenizer


@app.cell
def _(config, new, reviews):
    assert new.shape == (2, config.hidden_size) and names_of(reviews, "classify") == ("dislike", "like")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The last token has read the whole text

    A decoder's token sees what stands before it, so only the last one has read everything: the head reads that. What follows as
    padding must not be it.
    Below are three texts side by side, each filled up to the longest.
    """)
    return


@app.cell
def _(model, reviews, tokenizer):
    _texts = [Example("a dull book", "dislike"), Example("the film is good", "like"), Example("bad", "dislike")]
    items = encoded(_texts, "classify", names_of(reviews, "classify"), tokenizer, 64)
    batch = collate(items, "classify")
    together = scores(headed(model, "classify", reviews, seed=1), batch)
    alone = torch.cat([scores(headed(model, "classify", reviews, seed=1), collate([one], "classify")) for one in items])
    plots.heat_map(batch.real.int(), x="place", y="text", title="Tokens, and what fills up")
    return alone, batch, items, together


@app.cell
def _(alone, batch, together):
    assert len(set(batch.real.sum(1).tolist())) > 1, "texts of different lengths"
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It learns from few rows

    Reviews of four words. Some are kept back, with words in combinations that were not trained. Choose how many rows are learned from.
    """)
    return


@app.cell
def _():
    rows = mo.ui.slider(steps=[4, 8, 16, 24], value=16, label="rows to learn from", show_value=True)
    rows
    return (rows,)


@app.cell
def _(config, reviews, rows, tokenizer):
    _order = np.random.default_rng(0).permutation(len(reviews))
    _labels = names_of(reviews, "classify")
    _all = encoded([reviews[place] for place in _order], "classify", _labels, tokenizer, 64)
    learned, kept = _all[: rows.value], _all[24:]
    told = TuneConfig(
        task="classify",
        data="reviews",
        steps=40,
        batch_size=8,
        optimizer="adamw",
        learning_rate=0.003,
        warmup_steps=0,
        checkpoint_every=0,
    )
    judge = headed(build(config, seed=0), "classify", reviews, seed=1)
    _before = measure(kept, predict(judge, kept, "classify"), "classify", _labels)
    fit(judge, learned, told)
    _after = measure(kept, predict(judge, kept, "classify"), "classify", _labels)
    _own = measure(learned, predict(judge, learned, "classify"), "classify", _labels)
    shares = {
        "before": _before["accuracy"]["value"],
        "after": _after["accuracy"]["value"],
        "on its own rows": _own["accuracy"]["value"],
    }
    plots.value_bars(
        {"right": shares}, y="share", title=f"{rows.value} rows: {shares['after']:.0%} of the kept reviews are right"
    )
    return judge, kept, learned, shares, told


@app.cell
def _(shares):
    assert shares["on its own rows"] == 1.0, "so few rows are learned by heart"
    assert 0 <= shares["after"] <= 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A word's first piece bears its tag

    Tags belong to words, a model reads pieces. Each word's tag stands at its first piece; at the others nothing is asked. So a long
    word does not count more
    than a short one.
    """)
    return


@app.cell
def _(tokenizer):
    _words = ("the", "unbelievable", "film")
    example = Example(" ".join(_words), ("O", "B-OPINION", "B-THING"), words=_words)
    tagged = encode(example, "tag", ("B-OPINION", "B-THING", "O"), tokenizer, 64)
    _asked = dict(tagged.targets)
    pieces = [
        (tokenizer.decode([id]), ("B-OPINION", "B-THING", "O")[_asked[place]] if place in _asked else "")
        for place, id in enumerate(tagged.ids)
    ]
    mo.md(" ".join(f"`{piece}`{' **' + tag + '**' if tag else ''}" for piece, tag in pieces))
    return example, pieces, tagged


@app.cell
def _(pieces, tagged):
    assert len(tagged.targets) == 3 and len(tagged.ids) > 3
    assert [tag for _, tag in pieces if tag] == ["O", "B-OPINION", "B-THING"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A span is two choices

    Where does the answer begin, where does it end? Each token gets two scores, and each of the two questions is a softmax over the
    tokens. The loss is the mean
    of the two surprises. The best span is the pair with the largest sum that ends where it begins or later: the best end alone may
    lie before the best
    beginning.
    """)
    return


@app.cell
def _():
    ends = torch.tensor([[0.0, 4.0], [3.0, 1.0], [1.0, 2.0], [0.0, 3.0]])
    best = best_span(ends)
    naive = (int(ends[:, 0].argmax()), int(ends[:, 1].argmax()))
    plots.heat_map(ends.T, x="token", y="first, last", title=f"Apart the best are {naive}; the best span is {best}")
    return best, ends, naive


@app.cell
def _(best, ends, naive):
    assert naive == (1, 0) and best == (1, 3)
    _flat = span_loss(0 * ends[None], torch.ones(1, 4, dtype=torch.bool), torch.tensor([[1, 3]]))
    assert abs(float(_flat) - np.log(4)) < 1e-6, "who knows nothing guesses among four, twice"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Four rows: all are learned by heart, and little is known of the rest.
    - `--freeze model` lets the head alone learn: what the model already knows has to be enough.
    - A regression is the same head with one label and a squared error.

    Write the loss yourself: `groundup learn start span_loss`. A real run: `groundup tune MODEL --task classify --data reviews.csv`
    """)
    return


if __name__ == "__main__":
    app.run()
