"""Lesson: the main text of a page, found by two numbers a block: how many words, and how many of them are links."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Main text: what an author wrote, and what stands on every page", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.extract import Block, blocks, choose_blocks, measure, readable


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Main text: what an author wrote, and what stands on every page

    A page of the web is mostly not its text: menus, notices, lists of other pages. A model that reads them learns to write menus.
    Afterwards you can tell content from the rest with two numbers, and say what a wrong threshold costs.
    """)
    return


@app.cell
def _():
    html = (
        "<html><head><title>Eels</title><style>p {color: red}</style></head><body>"
        '<div class="nav"><a href="/">Home</a> <a href="/a">Animals</a> <a href="/p">Plants and all the other things that grow here</a></div>'
        "<h1>The way of the eel</h1>"
        "<p>Eels hatch in the Sargasso Sea and drift for two years until they reach the rivers of Europe, thin as a needle and clear as glass.</p>"
        "<p>Nobody has seen them spawn.</p>"
        "<p>After ten or twenty years in fresh water they turn silver, stop eating, and swim the five thousand kilometres back.</p>"
        "<h2>More to read</h2>"
        '<p><a href="/1">Ten fish that swim further than you would ever have thought, the third one will surprise you</a></p>'
        "<p>Contact</p><p>About us</p>"
        '<script>document.write("never read");</script></body></html>'
    )
    page = blocks(html)
    kept = readable(html)
    share = len(kept) / len(html)
    mo.md(
        f"The page has {len(html):,} characters; its text has {len(kept):,}: **{share:.0%}**.\n\n> {kept.replace(chr(10), '<br>')}"
    )
    return html, kept, page, share


@app.cell
def _(kept, share):
    assert kept.startswith("The way of the eel\nEels hatch") and kept.endswith("kilometres back.")
    assert "never read" not in kept and share < 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Blocks

    The page becomes a row of blocks: pieces of text between tags that begin a new line, so `<p>` and `<div>` but not `<b>`. Each block has two
    numbers: its words, and its **link density**, the part of its characters inside of links (Kohlschütter, Fankhauser, Nejdl 2010).
    """)
    return


@app.cell
def _(page):
    rows = [
        f"| {block.text[:44]} | {block.tag} | {block.words} | {block.link_density:.2f} | {'yes' if block.around else ''} |"
        for block in page
    ]
    mo.md("| text | tag | words | links | menu by name |\n|---|---|---|---|---|\n" + "\n".join(rows))
    return (rows,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The last column: the block stands inside of something whose tag, class or role says that it is a menu, as `class="nav"` does.

    ## Two rules

    1. A block of `long` words or more that is hardly linked is content. People write sentences; menus are words.
    2. A short one, hardly linked too, is content if one stands right after it. So the heading comes, and *Nobody has seen them spawn*. Standing after one is
       enough as well, but not for headings: *More to read* begins what is not the text.
    """)
    return


@app.cell
def _():
    long = mo.ui.slider(2, 26, step=2, value=10, label="words that make a block content", show_value=True)
    long
    return (long,)


@app.cell
def _(long, page):
    chosen = choose_blocks(page, long=long.value)
    names = [f"{at} {block.text[:16]}" for at, block in enumerate(page)]
    words = {
        "kept": {name: block.words for name, block, good in zip(names, page, chosen, strict=True) if good},
        "dropped": {name: block.words for name, block, good in zip(names, page, chosen, strict=True) if not good},
    }
    plots.value_bars(words, x="block", y="words", title=f"{sum(chosen)} of {len(page)} blocks stay")
    return chosen, names, words


@app.cell
def _(chosen, long, page):
    _linked = [block.link_density > 0.33 for block in page]
    assert not any(good and link for good, link in zip(chosen, _linked, strict=True)), "no linked block, however long"
    if long.value == 10:
        assert [block.text.split()[0] for block, good in zip(page, chosen, strict=True) if good] == [
            "The",
            "Eels",
            "Nobody",
            "After",
        ]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    At 2 words *About us* is long enough and brings *Contact* and *More to read* with it; from 22 on the second paragraph is lost. In between there is
    room, and that is why two such simple numbers work at all.

    ## By hand

    Five blocks: a menu's word, a heading, a long one, a short one, a menu's word. The long one pulls in its neighbours, and only them.
    """)
    return


@app.cell
def _():
    row = [
        Block("Home", 4, "div", 0),
        Block("The way of the eel", 0, "h1", 0),
        Block("Eels hatch in the Sargasso Sea and drift for two years.", 0, "p", 0),
        Block("Nobody has seen them.", 0, "p", 0),
        Block("Contact", 0, "p", 0),
    ]
    by_hand = choose_blocks(row)
    mo.md("`choose_blocks` says " + ", ".join("**stays**" if good else "goes" for good in by_hand) + ".")
    return by_hand, row


@app.cell
def _(by_hand, row):
    assert by_hand == [False, True, True, True, False]
    assert choose_blocks(row[:2]) == [False, False], "a heading alone is no text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a threshold costs

    How good is it? People mark on each page pieces that must stay and pieces that must go. **Precision** is the part of what came out that belongs there,
    **recall** the part of what belongs there that came out. Here are 40 made pages with sentences of 4 to 30 words and menus of 1 to 12.
    """)
    return


@app.cell
def _():
    def _made_page(number):
        draw = np.random.default_rng(number)

        def text(low, high, mark):
            return " ".join(f"{mark}{number}x{draw.integers(10**6)}" for _ in range(draw.integers(low, high)))

        stays = [text(4, 30, "good") for _ in range(6)]
        goes = [text(1, 12, "menu") for _ in range(6)]
        body = "".join(f"<p>{one}</p>" for one in stays) + "".join(f"<div>{one}</div>" for one in goes)
        return f"<body>{body}</body>", stays, goes

    pages = [_made_page(number) for number in range(40)]
    limits = list(range(1, 31))

    def _extract(text, limit):
        _page = blocks(text)
        return "\n".join(one.text for one, good in zip(_page, choose_blocks(_page, limit), strict=True) if good)

    scores = [measure(lambda text, limit=limit: _extract(text, limit), pages) for limit in limits]
    best = max(range(len(limits)), key=lambda at: scores[at].f_score)
    plots.lines(
        limits,
        {
            "precision": np.array([one.precision for one in scores]),
            "recall": np.array([one.recall for one in scores]),
            "F": np.array([one.f_score for one in scores]),
        },
        x="words that make a block content",
        y="part",
        title=f"The best F, {scores[best].f_score:.2f}, at {limits[best]} words",
    )
    return best, limits, pages, scores


@app.cell
def _(best, limits, scores):
    assert scores[0].recall == 1 and scores[0].precision < 0.6
    assert 5 <= limits[best] <= 20 and scores[best].f_score > scores[0].f_score + 0.15
    assert scores[-1].recall < scores[best].recall
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One number a threshold hides what it does: with few words everything comes in and precision is half; with many, whole texts are lost. F, the harmonic mean
    of both, is high only where neither is low.

    On 80 real pages the two rules and the list of names reach F 0.91. `trafilatura`, a well-kept package that knows hundreds of such cases, reaches 0.95: that
    is why it is the default, and why this one is here to be read.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Put `class="article"` in place of `class="nav"`: the menu's third link is long. Why does it still not come in?
    - Give the paragraph *Nobody has seen them spawn* the tag `h2`. What happens, and is it right?
    - Write a page of a poem, with short lines in `<p>`. What would you have to know to keep it?

    Write it yourself: `groundup learn start choose_blocks`
    """)
    return


if __name__ == "__main__":
    app.run()
