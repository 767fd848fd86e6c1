"""Lesson: Constitutional AI: a written law, a critic that can be counted, and a judge that must see both orders."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Constitutional AI: who labels when nobody does", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.constitutional.constitutional import CONSTITUTION, demonstrations, preferred


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Constitutional AI: who labels when nobody does

    Ten thousand people who mark answers as rude are dear, and their marks are thousands of small decisions that nobody reads again. A constitution
    is a page. The model itself criticises
    its answers by it, revises them, and later says which of two keeps it better. Afterwards you know both phases, and two ways in which a judge
    fools you: it is wrong, or it always likes the first.
    """)
    return


@app.cell
def _():
    rude, wordy = CONSTITUTION
    answers = ["61", "Not again. 61", "Let me think about this for a moment. 61", "61, as anyone knows."]
    _broken = [(text, [law.name for law in CONSTITUTION if law.broken(text)]) for text in answers]
    mo.md(
        f"The constitution here has **{len(CONSTITUTION)}** lines: not rude, not wordy. Its truth is written, so that the critic can be counted:\n\n"
        + "\n".join(f"- `{text}` {'breaks: ' + ', '.join(names) if names else 'keeps it'}" for text, names in _broken)
    )
    return answers, rude, wordy


@app.cell
def _(answers, rude, wordy):
    assert [rude.broken(text) for text in answers] == [False, True, False, True]
    assert [wordy.broken(text) for text in answers] == [False, False, True, False]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Phase one: critique and revision

    The model answers; it is asked whether the answer breaks a principle, drawn anew each time; if it says yes, it is asked to say it again. What
    comes out is what it is tuned on. The
    model reads only these words:
    """)
    return


@app.cell
def _():
    asked = mo.ui.dropdown({"critique": 1, "revision": 2, "comparison": 3}, value="critique", label="what is asked")
    asked
    return (asked,)


@app.cell
def _(asked):
    made = list(demonstrations(3, 40, ("add", "plural")))
    _some = made[asked.value :: 4][:4]
    mo.md(
        "\n\n".join(
            "> " + talk[0]["content"].replace("\n", "\n>\n> ") + f"\n>\n> **{talk[1]['content']}**" for talk in _some
        )
    )
    return (made,)


@app.cell
def _(made):
    for _talk in made[1::4]:
        _lines = _talk[0]["content"].split("\n")
        _law = next(law for law in CONSTITUTION if law.name in _lines[-1])
        assert (_talk[1]["content"] == "yes") == _law.broken(_lines[-2].removeprefix("Answer: "))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a critic's mistakes cost

    Of the answers some share is rude. The critic finds a rude one with one chance and takes a good one for rude with another; a revision is good.
    After tuning, the model answers as what it
    was tuned on. Choose how good the critic is.
    """)
    return


@app.cell
def _():
    finds = mo.ui.slider(0.5, 1.0, step=0.05, value=0.9, label="finds what is rude", show_value=True)
    finds
    return (finds,)


@app.cell
def _(finds):
    _turns = list(range(7))
    share = [0.4]
    for _ in _turns[1:]:
        share.append(share[-1] * (1 - finds.value))  # what it misses stays, and the model answers so again
    plots.lines(
        _turns,
        {"rude answers": share},
        x="rounds of critique, revision and tuning",
        y="share",
        marked=True,
        title=f"from {share[0]:.0%} to {share[1]:.1%} in one round, {share[3]:.2%} in three",
    )
    return (share,)


@app.cell
def _(finds, share):
    assert abs(share[1] - 0.4 * (1 - finds.value)) < 1e-9
    assert all(after <= before for before, after in zip(share, share[1:], strict=False))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Phase two: the model's own preferences

    Two answers, and the model says which is less rude, 1 or 2. Its log odds say how sure it is. But models lean to a place. Below, a judge whose
    real preference you choose and that leans
    to place 1; shown one order it is wrong as often as it leans.
    """)
    return


@app.cell
def _():
    lean = mo.ui.slider(0.0, 6.0, step=0.5, value=3.0, label="leaning to place 1, nats", show_value=True)
    lean
    return (lean,)


@app.cell
def _(lean):
    _source = torch.Generator().manual_seed(0)
    _quality = 2 * torch.randn(4000, generator=_source)  # how much better the first answer really is, in the judge's eyes
    _one_order = (_quality + lean.value).sigmoid()
    both_orders = preferred(_quality + lean.value, -_quality + lean.value)
    _truth = _quality > 0
    right = {
        "one order": float(((_one_order > 0.5) == _truth).float().mean()),
        "both orders": float(((both_orders > 0.5) == _truth).float().mean()),
    }
    _order = _quality.argsort()
    plots.lines(
        _quality[_order],
        {"one order": _one_order[_order].tolist(), "both orders": both_orders[_order].tolist()},
        x="how much better the first answer is",
        y="probability that it is preferred",
        title="; ".join(f"{name}: {value:.0%} right" for name, value in right.items()),
    )
    return both_orders, right


@app.cell
def _(both_orders, lean, right):
    assert right["both orders"] > 0.99, "a leaning cancels"
    assert lean.value < 1 or right["one order"] < 0.9
    assert float(both_orders.min()) >= 0 and float(both_orders.max()) <= 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sure enough

    A leaning does not make a judge of both orders wrong, but unsure: its probabilities come near one half. Pairs of which it is less sure than 60
    % are left out. What is learned from
    the rest, here by DPO, are the model's own preferences, with the constitution in them and no person's mark.
    """)
    return


@app.cell
def _(both_orders, lean):
    kept = float(((both_orders > 0.6) | (both_orders < 0.4)).float().mean())
    mo.md(f"With a leaning of {lean.value:.1f} nats **{kept:.0%}** of the pairs are kept.")
    return (kept,)


@app.cell
def _(kept, lean):
    assert kept > 0.7 or lean.value > 1
    assert kept > 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whose values

    The law is in three places: in the sentence of each principle, in what the model takes the sentence to mean, and in what it was shown of
    critiques. Here the second can be counted, as
    the truth is written; elsewhere somebody must read samples. What the constitution does not name, it does not improve: a model held to "not
    rude" may become
    wrong, and so the right answers are counted beside.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A critic that finds half: three rounds still leave 5 %.
    - No leaning: one order is as good as both, at half the price.
    - A leaning of 6: shown once, the judge says "1" to everything.

    Write it yourself: `groundup learn start preferred`. A real run: `groundup align MODEL --method constitutional`
    """)
    return


if __name__ == "__main__":
    app.run()
