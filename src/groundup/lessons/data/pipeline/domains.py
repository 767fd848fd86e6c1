"""Lesson: what a model that read one kind of text knows of another: the transfer matrix, and what it is good for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Transfer: what one kind of text teaches about another", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.pipeline.domains import CODE, WEB
    from groundup.data.pipeline.steps import described
    from groundup.data.splits import hold_out
    from groundup.evaluation.metrics import intrinsic
    from groundup.runs.transfer import TransferConfig, embedded_kinds, exchanged
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Transfer: what one kind of text teaches about another

    A corpus is a mixture: prose, code, sums, several languages. Is a gigabyte of code of use to a model that shall write prose? Afterwards you can read a
    transfer matrix, and say why bits a byte make it fair.
    """)
    return


@app.cell
def _():
    config = TransferConfig(train_bytes=60_000, heldout_bytes=6000)
    kinds = embedded_kinds(config)
    _bytes_as_tokens = train_tokenizer(["any"], TokenizerConfig(vocab_size=257, special_tokens=("<|endoftext|>",)))
    parts = {name: hold_out(documents, most_bytes=config.heldout_bytes) for name, documents in kinds.items()}
    trained, measured = (
        {name: intrinsic.tokenize([one.text for one in part[at]], _bytes_as_tokens) for name, part in parts.items()}
        for at in (0, 1)
    )
    _found = {
        name: intrinsic.ngram_bits_per_byte(intrinsic.fit_ngram(trained[name], 4, 257), measured["prose"])
        for name in ("prose", "code")
    }
    own, other = (_found[name].per_byte for name in ("prose", "code"))
    mo.md(
        f"A model of four bytes that read prose needs {own:.2f} bits for a byte of new prose. One that read as much code needs "
        f"**{other:.2f}**: of what is to be known about prose, code taught a good part."
    )
    return config, kinds, measured, other, own, parts, trained


@app.cell
def _(other, own):
    assert own < other < 8, "own text is best, and code is still better than nothing: a byte alone takes 8 bits"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Five kinds

    Two are of this machine: the documentation of Python and its source. Sums are made. Stories come from tinyworld; and *their language* is the same stories
    with every letter exchanged for another, always the same: the same grammar, not one word in common.
    """)
    return


@app.cell
def _(kinds):
    rows = [
        f"| {name} | {documents[0].text[:70].replace(chr(10), ' ').replace('|', ' ')} |"
        for name, documents in kinds.items()
    ]
    mo.md("| kind | how it begins |\n|---|---|\n" + "\n".join(rows))
    return (rows,)


@app.cell
def _(kinds):
    assert exchanged(kinds["stories"][0].text) == kinds["their language"][0].text
    assert exchanged("A cat sat.") == "E dev tev."
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The matrix

    Each model is trained on the kind of its row and measured on held-out text of every column. The number is the mean of $-\log_2 p$ over bytes, so it does not
    ask what tokens a model uses. The models are n-gram models here, because five of them are counted in a second; the command
    `groundup data transfer` trains small transformers and draws the same picture.
    """)
    return


@app.cell
def _():
    order = mo.ui.dropdown([1, 2, 3, 5], value=3, label="bytes that a model looks at, the next one with them")
    order
    return (order,)


@app.cell
def _(measured, order, trained):
    models = {name: intrinsic.fit_ngram(text, order.value, 257) for name, text in trained.items()}
    names = list(models)
    bits = np.array(
        [[intrinsic.ngram_bits_per_byte(models[row], measured[column]).per_byte for column in names] for row in names]
    )
    plots.heat_map(bits, rows=names, columns=names, x="measured on", y="trained on", text=True, title="Bits a byte")
    return bits, models, names


@app.cell
def _(bits):
    assert (bits.argmin(axis=0) == np.arange(len(bits))).all(), "each column's best is the model that read that kind"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Read a column from above: who is near the diagonal knows that kind nearly as well as its own model. Sums help nobody and nobody helps with sums. Prose and
    code are neighbours, for half of code is English words.

    ## What a language shares with another

    With one byte a model knows how frequent each letter is. The exchanged language has the same frequencies for *other* letters, so the stories' model is
    badly wrong about it. What is common, the lengths of words and where full stops stand, it cannot show in letters.
    """)
    return


@app.cell
def _(bits, names):
    stories, language = names.index("stories"), names.index("their language")
    lost = bits[stories, language] - bits[language, language]
    back = bits[language, stories] - bits[stories, stories]
    mo.md(
        f"Stories cost the model of stories {bits[stories, stories]:.2f} bits a byte, and *their language* its own model about as much: "
        f"{bits[language, language]:.2f}. Read by the other's model each costs **{lost:.2f}** and **{back:.2f}** bits more."
    )
    return back, language, lost, stories


@app.cell
def _(back, bits, language, lost, stories):
    assert abs(bits[stories, stories] - bits[language, language]) < 0.25, (
        "about as hard, for they are one text (other parts held out)"
    )
    assert lost > 0.5 and back > 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That is the limit of the picture: a matrix shows what is shared *without further training*. A model that goes on to read a little of the
    other language finds a grammar that it knows already, and what that is worth this number does not say.

    ## Each kind wants its own rules

    Rules that clean prose throw code away: many lines that begin alike, hardly any full stops. So the pipelines differ.
    """)
    return


@app.cell
def _():
    steps = {made.name: [described(step)["kind"] for step in made.steps] for made in (WEB, CODE)}
    mo.md("\n".join(f"- **{name}**: {', '.join(listed)}" for name, listed in steps.items()))
    return (steps,)


@app.cell
def _(steps):
    assert "rules" in steps["web"] and "rules" not in steps["code"]
    assert {"minhash", "exact", "pii"} <= set(steps["web"]) & set(steps["code"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - At 1 byte the columns of prose, code and stories hardly differ by row. Why do they part at 3?
    - `groundup data transfer --steps 20`, then 400: which cells move most, those on the diagonal or the others?
    - `groundup data transfer english=a/ german=b/` with your own folders. Is the matrix symmetric?

    Measure it yourself: `groundup learn start per_byte`
    """)
    return


if __name__ == "__main__":
    app.run()
