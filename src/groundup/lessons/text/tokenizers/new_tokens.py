"""Lesson: tokens added to a trained tokenizer: ids behind the old ones, and rows that begin where the model already was."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="New tokens: room behind the last id", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.new_tokens import add_tokens, grow_rows, spellings


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # New tokens: room behind the last id

    A trained model is to learn a new mark, `<think>`, or a trade's word that it spells in many pieces. Afterwards you know how a
    vocabulary grows without disturbing what is there, and with which numbers a new token should begin.
    """)
    return


@app.cell
def _():
    _stories = [document.text for document in tinyworld.sample(0, 150)]
    old = train_tokenizer(_stories, TokenizerConfig(vocab_size=600))
    new = add_tokens(old, ["<think>", "</think>", "Rindfleischetikettierung"])
    long = "<think>Rindfleischetikettierung</think>"
    unchanged = [new.encode_batch([story]) == old.encode_batch([story]) for story in _stories]
    mo.md(
        f"`{long}` takes the old tokenizer **{len(old.encode(long))}** tokens and the new one {len(new.encode(long))}. Of all "
        f"{len(_stories)} stories, which hold none of the three, {sum(unchanged)} kept every id."
    )
    return long, new, old, unchanged


@app.cell
def _(long, new, old, unchanged):
    assert len(old.encode(long)) > 20 and new.encode(long) == [600, 602, 601]
    assert all(unchanged)
    assert (old.vocab_size, new.vocab_size) == (600, 603)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Behind the last id

    The old ids must stay: each is the number of a row in the model's embedding table, and of an output. New tokens get the next
    numbers. They are looked for in a text before it is cut into pieces, so no merge has to make them, and none is learned.
    """)
    return


@app.cell
def _(new):
    mo.md(
        "| token | id | a control token? |\n|---|---|---|\n"
        + "\n".join(f"| `{t.content}` | {t.id} | {'yes' if t.special else 'no'} |" for t in new.added_tokens)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Text, or a control token?

    A mark that only the program may write is a control token: typed by somebody it stays text. A word is none. Whoever adds a
    mark for reasoning or tools chooses with `special`, and a token cannot be both.
    """)
    return


@app.cell
def _(new):
    guarded = add_tokens(new, ["<|tool|>"], special=True)
    typed, written = guarded.encode("<|tool|>"), guarded.encode("<|tool|>", allow_special=True)
    try:
        add_tokens(guarded, ["<|tool|>"])
        refusal = "nothing"
    except InputError as error:
        refusal = str(error)
    mo.md(f"Typed: {typed}. Written by the program: {written}. Added again as text: *{refusal}*")
    return guarded, refusal, typed, written


@app.cell
def _(guarded, refusal, typed, written):
    assert written == [603] and 603 not in typed and "is a control token" in refusal
    assert guarded.decode([603, 602], skip_special_tokens=True) == "Rindfleischetikettierung"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## With which row does a token begin?

    The model has 600 rows and needs 603. It has read `<think>` before, in pieces; the mean of their rows is where the model
    already was. Here a table in which the rows lie around a common middle, as those of trained models do.
    """)
    return


@app.cell
def _(new, old):
    _draw = np.random.default_rng(0)
    rows = (_draw.normal(size=64) * 2 + _draw.normal(size=(600, 64))).astype(np.float32)
    spelled = spellings(old, new)
    grown = grow_rows(rows, spelled)
    mo.md(
        f"`</think>` was spelled by {len(spelled[1])} pieces: "
        + " ".join(f"`{old.decode([id])}`" for id in spelled[1])
        + f". The table grew from {rows.shape} to {grown.shape}."
    )
    return grown, rows, spelled


@app.cell
def _(grown, rows, spelled):
    assert np.array_equal(grown[:600], rows), "the old rows are the same to the last bit"
    assert np.allclose(grown[601], rows[spelled[1]].mean(axis=0), atol=1e-5)
    assert grown.dtype == rows.dtype
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How often a new token is said by mistake

    The output of a tied model for a token is the product of its row and the hidden state. A row of zeros or of fresh noise has
    product near 0, and where the model's own outputs are mostly negative that is *large*: the new token takes probability from all
    that it knew. Choose how the row begins.
    """)
    return


@app.cell
def _():
    begin = mo.ui.dropdown(["zeros", "noise", "mean of its pieces"], value="zeros", label="the new rows begin as")
    begin
    return (begin,)


@app.cell
def _(begin, grown, rows):
    _draw = np.random.default_rng(1)
    _starts = {
        "zeros": np.zeros((3, 64)),
        "noise": _draw.normal(scale=0.02, size=(3, 64)),
        "mean of its pieces": grown[600:],
    }
    _table = np.concatenate([rows, _starts[begin.value]])
    _states = _draw.normal(size=(200, 64)) * 0.3 - 0.15 * rows.mean(axis=0)
    _outputs = _states @ _table.T
    _chances = np.exp(_outputs - _outputs.max(axis=1, keepdims=True))
    share = float((_chances[:, 600:].sum(axis=1) / _chances.sum(axis=1)).mean())
    plots.value_bars(
        {"mean of 200 states": {"three new tokens": share, "their fair share": 3 / 603}},
        y="probability",
        title=f"New rows: {begin.value}",
    )
    return (share,)


@app.cell
def _(begin, share):
    assert (share > 0.5) == (begin.value != "mean of its pieces"), share
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Zeros and noise give nearly the same: it is the missing middle that hurts, not the missing meaning.
    - Add `" the"` to the tokenizer, blank included: it is in the vocabulary, so the table does not grow. Which id does it have?
    - Add `"is"`: the stories' ids change now. In which words, and would `single_word=True` help?

    Write it yourself: `groundup learn start grow_rows`
    """)
    return


if __name__ == "__main__":
    app.run()
