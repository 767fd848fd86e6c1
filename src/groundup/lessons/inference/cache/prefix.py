"""Lesson: a prefix cache, which reads a shared beginning once and never mistakes one text for another."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A beginning that is known", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.inference.cache.paged import PagePool
    from groundup.inference.cache.prefix import Block, PrefixCache, longest_prefix


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A beginning that is known

    Most requests begin as another did: the same instructions, the same examples, the chat so far. Keys and values of a token depend on
    what stands before it and on nothing after, so a beginning need be read only once. Afterwards you know how it is found again, and
    why a hash is not enough.
    """)
    return


@app.cell
def _():
    _turns = [(300 + 60 * turn, 60) for turn in range(10)]  # a chat: instructions of 300 tokens, then 60 a turn
    plainly = sum(before + new for before, new in _turns)
    with_pages = 300 + sum(new for _, new in _turns)
    mo.md(
        f"Ten turns of a chat. Plainly the model reads **{plainly:,}** tokens; where the beginning is kept, {with_pages:,}."
    )
    return plainly, with_pages


@app.cell
def _(plainly, with_pages):
    assert plainly == 6300 and with_pages == 900
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A chain of hashes

    Full pages are kept under a number: the hash of the page's tokens together with the number of the page before. So the same
    four tokens have another number behind another beginning, and one look-up a page finds the longest known beginning.
    """)
    return


@app.cell
def _():
    _cache = PrefixCache(PagePool(1, 1, 1, pages=20, rows=2, page_size=4))

    def request(prefixes, ids):
        """Read a prompt: take what is known, pretend to read the rest, keep its full pages. How many tokens were known."""
        row = prefixes.pool.open()
        known = prefixes.begin(row, ids)
        prefixes.count(len(ids), known)
        prefixes.allocate(row, len(ids) - known)
        prefixes.pool.grow(row, len(ids) - known)
        prefixes.keep(row, ids)
        prefixes.pool.free(row)
        return known

    _text = list(range(100, 114))
    found = [request(_cache, ids) for ids in (_text, [*_text[:9], 7, 7, 7, 7], [7, *_text])]
    mo.md(
        f"A text of 14 tokens, then one that shares 9 of them, then one with a token before: known are **{found}** tokens."
    )
    return found, request


@app.cell
def _(found):
    assert found == [0, 8, 0], "two full pages of four; with a token before, all positions are others"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A hash is no proof

    Suppose the hash were poor, say the sum of the tokens. Then 1 2 and 2 1 have one number, and who trusts the number answers one user
    from another's text. No hash is free of this, it is only rare; so the tokens are compared as well, and so is the page before.
    """)
    return


@app.cell
def _():
    def poor(before, tokens):
        return sum(tokens)

    known = {3: Block(tokens=(1, 2), before=0, page=5)}
    by_hash = [name for name in [poor(0, (2, 1))] if name in known]
    compared = longest_prefix([2, 1], known, page_size=2, start=0, hash_of=poor)
    mo.md(f"Asked for 2 1, the number finds the page of 1 2: {by_hash}. With the tokens compared it is **{compared}**.")
    return by_hash, compared, known, poor


@app.cell
def _(by_hash, compared, known, poor):
    assert by_hash == [3] and compared == []
    assert longest_prefix([1, 2], known, page_size=2, start=0, hash_of=poor) == [3]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When memory runs short

    Pages that no text holds may go: leaves first, the longest unused before the others, for a page without the one before it can never be
    found. 200 requests come below, each with one of 12 beginnings of 8 pages, some asked often and some seldom. The slider is how many pages there are.
    """)
    return


@app.cell
def _():
    room = mo.ui.slider(16, 128, step=16, value=48, label="pages", show_value=True)
    room
    return (room,)


@app.cell
def _(request, room):
    def _rate(pages):
        """The share of prompt tokens that were known, over 200 requests."""
        prefixes, draws = PrefixCache(PagePool(1, 1, 1, pages=pages, rows=1, page_size=4)), np.random.default_rng(0)
        popular = 1 / np.arange(1, 13)
        for which in draws.choice(12, 200, p=popular / popular.sum()):
            request(prefixes, [int(which)] * 32 + draws.integers(100, 999, 6).tolist())
        return prefixes.hits.rate

    _sizes = list(range(16, 129, 16))
    rates = [_rate(pages) for pages in _sizes]
    plots.lines(
        _sizes, {"known": rates}, x="pages", y="share of prompt tokens",
        title=f"{room.value} pages: {rates[_sizes.index(room.value)]:.0%} of the prompt tokens need not be read", marked=room.value,
    )  # fmt: skip
    return (rates,)


@app.cell
def _(rates):
    assert rates[-1] > rates[0] + 0.2
    assert rates[-1] < 32 / 38, "six tokens of each prompt are its own"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 16 pages hold two beginnings; near 112 all twelve fit, and more memory gains little.
    - Give `begin` and `keep` a `salt`: texts of two users are then kept apart, and neither can tell by the time what the other asked.
    - Ask twice for a text of exactly 8 tokens: only 4 are known, for the last token must be read to know what follows it.

    Write it yourself: `groundup learn start longest_prefix`
    """)
    return


if __name__ == "__main__":
    app.run()
