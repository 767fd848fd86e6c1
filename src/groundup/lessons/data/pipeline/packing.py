"""Lesson: packing, documents of all lengths in rows of one length, and how they are kept from seeing each other."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Packing: no row for padding", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.packing import best_fit, best_fit_reference, cut, pack
    from groundup.data.pipeline.streaming import Loader
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.training.objectives.causal import document_mask


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Packing: no row for padding

    A batch is a rectangle, and documents are not. Whatever the documents leave empty is computed all the same, for nothing.
    Afterwards you can fill rows by hand, say what is lost by cutting, and check that two documents in one row do not meet.
    """)
    return


@app.cell
def _():
    _texts = [document.text for document in tinyworld.sample(0, 500)]
    _tokenizer = train_tokenizer(_texts, TokenizerConfig(vocab_size=512))
    lengths = np.array([len(_tokenizer.encode(text)) + 1 for text in _texts])  # and the mark that ends it
    offsets = np.concatenate([[0], lengths.cumsum()])
    alone = 1 - lengths.sum() / (256 * (-(-lengths // 256)).sum())  # the longest takes two
    packed = pack(offsets, 256)
    mo.md(
        f"500 stories, {lengths.min()} to {lengths.max()} tokens long. Each in a row of 256 of its own, **{alone:.0%}** of all "
        f"positions are padding; packed, {packed.padding:.1%} are, in {len(packed)} rows instead of 500."
    )
    return alone, lengths, offsets, packed


@app.cell
def _(alone, packed):
    assert alone > 5 * packed.padding
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    Rows of 10, and documents of 7, 6, 3, 2 and 2. Best fit, longest first: put each into the **fullest** row that still has
    room, or begin a new one. 7 begins row 0 and 6 row 1. Then 3 fits both; row 0 is fuller, and now it is full.
    The twos go to row 1, which has room for 4.
    """)
    return


@app.cell
def _():
    by_hand = [0, 1, 0, 1, 1]
    rows, count = best_fit_reference(np.array([7, 6, 3, 2, 2]), 10)
    mo.md(f"The library's rows: {rows.tolist()}, **{count}** in all, and not one position is empty.")
    return by_hand, count, rows


@app.cell
def _(by_hand, count, rows):
    assert rows.tolist() == by_hand and count == 2
    _worse, _more = best_fit_reference(np.array([2, 2, 3, 6, 7]), 10)  # the shortest first
    assert _more == 3, "small ones first fill a row with what the large ones would have needed to fit"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four ways to fill

    The largest pieces first, since small ones find a gap anywhere: as with suitcases. Below are 24 stories in rows of
    256, the first in each row dark, the next lighter. Choose how they are placed.
    """)
    return


@app.cell
def _():
    def one_each(sizes, room):
        """A row for each."""
        return np.arange(len(sizes))

    def next_fit(sizes, room):
        """Into the row at hand, or a new one when it has no room."""
        rows, row, used = [], 0, 0
        for size in sizes.tolist():
            row, used = (row, used + size) if used + size <= room else (row + 1, size)
            rows = [*rows, row]
        return np.array(rows)

    def longest_first(sizes, room):
        """The library's way."""
        order = np.argsort(-sizes, kind="stable")
        return best_fit_reference(sizes[order], room)[0][np.argsort(order)]

    ways = {
        "a row each": one_each,
        "in order, the next row when full": next_fit,
        "best fit, in order": lambda sizes, room: best_fit_reference(sizes, room)[0],
        "best fit, longest first": longest_first,
    }
    return ways, longest_first, next_fit, one_each


@app.cell
def _(ways):
    way = mo.ui.dropdown(list(ways), value="in order, the next row when full", label="way")
    way
    return (way,)


@app.cell
def _(lengths, way, ways):
    few = lengths[lengths <= 256][:24]
    placed = ways[way.value](few, 256)
    picture = np.full((placed.max() + 1, 256), np.nan)
    for _row in range(len(picture)):
        _inside = np.flatnonzero(placed == _row)
        _line = np.repeat(8.0 / 2 ** np.arange(len(_inside)), few[_inside])
        picture[_row, : len(_line)] = _line
    plots.heat_map(
        picture[:, ::8],
        x="position / 8",
        y="row",
        title=f"{way.value}: {len(picture)} rows, {np.isnan(picture).mean():.0%} padding",
        low=0,
        high=8,
    )
    return few, picture, placed


@app.cell
def _(few, picture, placed, way, ways):
    assert np.bincount(placed, few).max() <= 256, "no row is overfull"
    assert np.isfinite(picture).sum() == few.sum(), "and every token has its place"
    assert len(picture) >= -(-few.sum() // 256), "fewer rows than this cannot be"
    assert len(picture) >= ways["best fit, longest first"](few, 256).max() + 1, (
        "none of the other ways needs fewer rows"
    )
    assert way.value != "a row each" or len(picture) == len(few)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is too long is cut

    The usual shortcut writes all documents one after the other and cuts every 256 tokens. It pads nothing. But where the knife
    falls, a story loses its beginning, and the model learns from its rest without knowing who is meant. Packing cuts only what
    is longer than a row.
    """)
    return


@app.cell
def _():
    seq_len = mo.ui.slider(steps=[64, 128, 256, 512], value=256, label="length of a row", show_value=True)
    seq_len
    return (seq_len,)


@app.cell
def _(lengths, offsets, seq_len):
    fitted = pack(offsets, seq_len.value)
    _first, _last = offsets[:-1] // seq_len.value, (offsets[1:] - 1) // seq_len.value
    shares = {
        "one stream, cut": {"padding": 0.0, "stories cut": float((_first != _last).mean())},
        "packed": {"padding": fitted.padding, "stories cut": float((lengths > seq_len.value).mean())},
        "a row each": {
            "padding": float(1 - lengths.sum() / seq_len.value / (-(-lengths // seq_len.value)).sum()),
            "stories cut": float((lengths > seq_len.value).mean()),
        },
    }
    plots.value_bars(shares, y="share", title=f"Rows of {seq_len.value}")
    return fitted, shares


@app.cell
def _(fitted, lengths, offsets, seq_len, shares):
    assert fitted.lengths.sum() == lengths.sum(), "every token is a target exactly once"
    _pieces = cut(offsets, seq_len.value)[1]
    assert (_pieces <= seq_len.value).all() and len(_pieces) == (-(-lengths // seq_len.value)).sum()
    _sorted = np.sort(_pieces)[::-1].copy()
    assert np.array_equal(best_fit(_sorted, seq_len.value)[0], best_fit_reference(_sorted, seq_len.value)[0])
    assert shares["packed"]["stories cut"] <= shares["one stream, cut"]["stories cut"]
    assert shares["packed"]["padding"] <= shares["a row each"]["padding"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Side by side, and strangers

    Three documents share a row below: `e` stands before each as its context, every token of a document is a target once. The row
    carries two more numbers for each position. The **document** says whom attention may look at, and the **position** begins
    anew with every document. With both, the loss of a row is that of its documents one by one.
    """)
    return


@app.cell
def _():
    _short = [1, 2, 3, 0, 4, 5, 0, 6, 0]  # three documents, each ended by 0, and a long one that fills a row of its own
    _tokens = np.array([*_short, 7, 8, 9, 7, 8, 9, 7, 8, 9, 0], np.uint16)
    _loader = Loader(Shards(_tokens, np.array([0, 4, 7, 9, 19]), None, 0, 19), seq_len=10, batch_size=1)
    batch = _loader.assemble([(0, 1)])

    def line(name, values):
        """A line of the table."""
        return f"| {name} | " + " | ".join(map(str, values)) + " |"

    _inputs, _targets = (["e" if id == 0 else id for id in row[0].tolist()] for row in (batch.input_ids, batch.targets))
    _inputs, _targets = [*_inputs[:9], "-"], [*_targets[:9], "-"]
    mo.md(
        "\n".join(
            [
                line("", range(10)),
                "|---" * 11 + "|",
                line("input", _inputs),
                line("target", _targets),
                line("document", batch.document_ids[0].tolist()),
                line("position", batch.positions[0].tolist()),
            ]
        )
    )
    return batch, line


@app.cell
def _(batch):
    may_look = document_mask(batch)
    _seen = may_look.reshape(-1, 10, 10)[0]
    plots.heat_map(_seen, x="looks at", y="position", title="Who may look at whom in this row", low=0, high=1)
    return (may_look,)


@app.cell
def _(batch, may_look):
    _seen, _documents = may_look.reshape(-1, 10, 10)[0], batch.document_ids[0]
    _strangers = _documents[:, None] != _documents[None, :]
    assert not (_seen & _strangers)[:9].any(), "nobody looks into another document"
    assert not _seen.triu(1).any(), "nor ahead"
    assert batch.positions[0, :9].tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1]
    assert sorted(batch.targets[batch.loss_mask].tolist()) == [0, 0, 0, 1, 2, 3, 4, 5, 6]
    assert torch.equal(batch.loss_mask[0], _documents >= 0), "padding counts for nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - The four ways: in order and without looking back, a row is left for good once a story does not fit.
    - Rows of 64: nearly every story is cut, packed or not, and the choice hardly matters. Rows of 512: none is.
    - Make the stories all 129 tokens long and the rows 256: no way of packing helps. What would?

    Write it yourself: `groundup learn start best_fit_reference`
    """)
    return


if __name__ == "__main__":
    app.run()
