"""Lesson: pages, by which the texts that run share one memory without gaps and without copies."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Pages: one memory for all texts", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.inference.cache.paged import PagePool, pages_for, slot_mapping
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Pages: one memory for all texts

    A server writes many texts at once, and nobody knows how long each will become. Give each one a block of memory as long as it may become,
    and most of it stays empty. Afterwards you can hand out memory in pages, say where a token's key is written, and let two answers share one
    question.
    """)
    return


@app.cell
def _():
    lengths = np.random.default_rng(0).geometric(1 / 300, 64).clip(20, 2048)  # most texts are short, a few are long
    blocks = 64 * 2048
    paged = sum(32 * pages_for(int(length), 32) for length in lengths)
    mo.md(
        f"64 texts, {lengths.sum():,} tokens. With a block of 2,048 for each, memory for **{blocks:,}** tokens is taken, "
        f"{lengths.sum() / blocks:.0%} of it used. In pages of 32 it is {paged:,}: {lengths.sum() / paged:.0%}."
    )
    return blocks, lengths, paged


@app.cell
def _(blocks, lengths, paged):
    assert lengths.sum() / blocks < 0.3
    assert lengths.sum() / paged > 0.9
    assert paged - lengths.sum() < 32 * len(lengths), "less than a page a text is lost"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A table a text

    Memory is cut into pages of a few tokens. A text has a table: which page holds its first tokens, which the next. A token's place is found by
    one division: its position over the page size says which entry of the table, the rest says where in that page. Below is a text whose
    pages are 4 and 1; three tokens are there, two more come.
    """)
    return


@app.cell
def _():
    _table = np.array([4, 1])
    placed = slot_mapping(_table, length=3, new=2, page_size=4)
    mo.md(
        f"Page 4 begins at place 16. Token 3 goes to place **{placed[0]}**, the last of page 4; token 4 to place **{placed[1]}**, the first of page 1."
    )
    return (placed,)


@app.cell
def _(placed):
    assert placed.tolist() == [4 * 4 + 3, 1 * 4 + 0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Growing, and ending

    Three texts grow in turns, one page after another, so their pages lie mixed. At step 8 text B ends, and its pages are free at once: what
    grows next takes them. Nothing was moved.
    """)
    return


@app.cell
def _():
    step = mo.ui.slider(1, 14, value=8, label="steps", show_value=True)
    step
    return (step,)


@app.cell
def _(step):
    def after(steps):
        """Which text holds each of 12 pages (0: free) after so many steps of 3 tokens a text."""
        pool = PagePool(1, 1, 1, pages=12, rows=3, page_size=4)
        rows = [pool.open() for _ in "ABC"]
        for now in range(steps):
            if now == 7:
                pool.free(rows[1])
            for row in rows if now < 7 else rows[::2]:
                if pool.allocate(row, 3):
                    pool.grow(row, 3)
        owners = np.zeros(12)
        for number, row in enumerate(rows, 1):
            if number != 2 or steps <= 7:
                owners[pool.pages_of(row)] = number
        return owners, pool.free_pages

    owners, free = after(step.value)
    plots.heat_map(
        owners[None], x="page", rows=["memory"], low=0, high=3, text=True,
        title=f"After {step.value} steps: who holds each page (1, 2, 3; 0 is free), {free} free",
    )  # fmt: skip
    return after, free, owners


@app.cell
def _(after, free, owners, step):
    assert (owners == 0).sum() == free
    assert (2 in owners) == (step.value <= 7)
    assert after(14)[1] < after(8)[1], "what text B gave back is taken by the others"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two answers to one question

    A page counts who holds it. A second answer begins with the same table, and no key is copied. Only when one of the two writes into a page that
    both hold, the page is copied first, so that neither writes into the other's text.
    """)
    return


@app.cell
def _():
    shared = PagePool(1, 1, 1, pages=8, rows=2, page_size=4)
    first = shared.open()
    shared.allocate(first, 10)
    shared.grow(first, 10)  # a question of ten tokens: three pages
    second = shared.fork(first)
    before = shared.free_pages
    shared.allocate(second, 1)
    mo.md(
        f"The question takes {8 - before} pages for both answers. The second one writes a token: its table is now {shared.pages_of(second)}, the first "
        f"one's {shared.pages_of(first)}. **One** page was copied, two are still shared."
    )
    return before, first, second, shared


@app.cell
def _(before, first, second, shared):
    assert before == 5 and shared.free_pages == 4
    assert shared.pages_of(first)[:2] == shared.pages_of(second)[:2]
    assert shared.pages_of(first)[2] != shared.pages_of(second)[2]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One call for all

    A model works token by token but for attention. So the new tokens of all texts go through it in one row, without padding: here the prompt of one text
    beside a single token of another. Attention alone asks the view whose tokens these are. The scores are those of each text by itself.
    """)
    return


@app.cell
def _():
    _model = build(
        LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, initializer_range=0.4),
        seed=0, scheme="normal",
    )  # fmt: skip
    _one, _other = (
        torch.randint(50, (1, 20), generator=torch.Generator().manual_seed(0)),
        torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]]),
    )

    def _run(pool, texts):
        """One call for the new tokens of several rows; the scores of all."""
        view = pool.view(list(texts), [ids.shape[1] for ids in texts.values()])
        return _model(torch.cat(list(texts.values()), dim=1), None, view.positions, view)[0]

    with torch.no_grad():
        _pool = PagePool.of(_model, pages=10, rows=2, page_size=4)
        _rows = [_pool.open(), _pool.open()]
        for _row, _size in zip(_rows, (8, 21), strict=True):
            _pool.allocate(_row, _size)
        _run(_pool, {_rows[0]: _other[:, :7]})
        together = _run(_pool, {_rows[0]: _other[:, 7:], _rows[1]: _one})
        alone = torch.cat([_model(_other)[0, 7:], _model(_one, cache=KVCache.of(_model, 1, 20))[0]])
    mo.md(
        f"1 + 20 tokens in one call; the largest difference to each text alone is **{(together - alone).abs().max():.0e}**."
    )
    return alone, together


@app.cell
def _(alone, together):
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the steps from 7 to 8: the pages of text 2 come free and are taken by 1 and 3, in another order than before.
    - In the first cell, pages of 256: the memory lost grows with the page. Pages of 1 lose nothing, but then a table is as long as its text.
    - Fork twice: with three holders, the page is copied by the first two that write, and the third has it to itself.

    Write it yourself: `groundup learn start slot_mapping`
    """)
    return


if __name__ == "__main__":
    app.run()
