"""Lesson: the ARPA file, a language model that one can read line by line."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A language model as a text file", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import FormatError
    from groundup.text.ngram import arpa
    from groundup.text.ngram.smoothing import fit


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A language model as a text file

    Since 1992 models of counts are exchanged as a text that one can open, read and correct. Speech recognisers and KenLM take it today.
    Afterwards you can compute the probability of a sentence from such a file with a pencil, and you know what happens where a run of words is not in it.
    """)
    return


@app.cell
def _():
    words = ["<unk>", "</s>", "the", "cat", "sat", "dog", "ran"]
    _text = "the cat sat|the dog sat|the cat ran|the dog ran|the cat sat|the cat|a dog sat".split("|")
    stream = np.array(
        [1] + [id for line in _text for id in [*(words.index(w) if w in words else 0 for w in line.split()), 1]]
    )
    model = fit(stream, 3, "kneser_ney", vocab_size=len(words), boundary=1)

    def as_text(model):
        """The file that a model makes."""
        with tempfile.TemporaryDirectory() as folder:
            arpa.write(Path(folder) / "small.arpa", model, words)
            return (Path(folder) / "small.arpa").read_text(encoding="utf-8")

    text = as_text(model)
    mo.md(
        f"Seven sentences of seven words make a model of {len(text.splitlines())} lines. This is all of it:\n\n```\n{text}\n```"
    )
    return as_text, model, stream, text, words


@app.cell
def _(text):
    _sizes = [int(line.partition("=")[2]) for line in text.splitlines() if line.startswith("ngram ")]
    _tabbed = sum("\t" in line for line in text.splitlines())
    assert len(_sizes) == 3 and _tabbed == sum(_sizes), "a line for each run of words"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A line

    First stands $\log_{10}$ of the probability of the **last** word after the words before it; then the run of words; then, where the run can be a
    context itself, $\log_{10}$ of its **back-off weight**. So `-0.30103` is one half, and `-1` a tenth. A sum of logarithms is a product of
    probabilities, and never becomes too small to be written.
    """)
    return


@app.cell
def _(text):
    lines = {}
    for _line in text.splitlines():
        if "\t" in _line:
            _chance, _run, *_weight = _line.split("\t")
            lines = {**lines, _run: (float(_chance), float(_weight[0]) if _weight else 0.0)}
    _shares = {
        run.split()[1]: 10**chance
        for run, (chance, _) in lines.items()
        if run.startswith("the ") and run.count(" ") == 1
    }
    plots.value_bars(
        {"P(word | the)": _shares}, y="probability", title="Read out of the file: the runs that begin with 'the'"
    )
    return (lines,)


@app.cell
def _(lines):
    assert 10 ** lines["the dog"][0] > 10 ** lines["the cat"][0] > 0.1, "though 'the cat' came more often"
    assert lines["<s>"][0] == -99, "nobody predicts the beginning; -99 stands for never"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    *The cat* came four times, *the dog* twice, and yet the file prefers the dog. These lines are asked only where a run of three is missing, and for that
    Kneser and Ney count after how many **different** words a run came, not how often: *the cat* and *the dog* both came only after a beginning, so they
    count alike. What the shorter context says then decides, and *dog* came after two different words, *cat* after one.

    ## A run that is not there

    Where the whole run has no line, take the **weight of the context**, drop the context's first word, and look again:

    $$\log P(w \mid a\, b) = \text{weight}(a\, b) + \log P(w \mid b)$$

    A context that has no line either weighs $\log 1 = 0$. Five lines of Python read any such file. Choose a question.
    """)
    return


@app.cell
def _():
    question = mo.ui.dropdown(
        ["the cat sat", "<s> the dog", "cat sat </s>", "dog cat ran", "ran ran ran", "the cat dog"], value="dog cat ran",
        label="P(the last word | the two before)",
    )  # fmt: skip
    question
    return (question,)


@app.cell
def _(lines, question):
    def _asked(run):
        """log10 P(last | before), and the lines that were used."""
        if run in lines:
            return lines[run][0], {f"line '{run}'": lines[run][0]}
        context, rest = run.rpartition(" ")[0], run.partition(" ")[2]
        weight = lines.get(context, (0, 0.0))[1]
        further, used = _asked(rest)
        return weight + further, {f"weight of '{context}'": weight, **used}

    by_pencil, _used = _asked(question.value)
    plots.value_bars(
        {"log10": {**_used, "together": by_pencil}},
        y="log10",
        title=f"P = {10**by_pencil:.4f}, out of {len(_used)} lines",
    )
    return (by_pencil,)


@app.cell
def _(by_pencil, model, question, words):
    _names = [*words, "<s>"]
    _ids = [_names.index(word) if word != "<s>" else 1 for word in question.value.split()]
    _exact = model.distribution(_ids[:2])[_ids[2]]
    assert np.isclose(10**by_pencil, _exact, rtol=1e-6), "the file says what the model says"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## There and back

    Nine digits are written. Read again, the model scores a text as before, up to the last of them:
    """)
    return


@app.cell
def _(stream, text):
    with tempfile.TemporaryDirectory() as _folder:
        _path = Path(_folder) / "read.arpa"
        _path.write_text(text, encoding="utf-8")
        again, spelled = arpa.read(_path)
    read_back = again.log_probabilities(stream)
    mo.md(
        f"{again.order} words a run at most, {len(spelled)} words, {read_back.sum():.6f} nats for the text that was counted."
    )
    return again, read_back, spelled


@app.cell
def _(again, model, read_back, spelled, stream, words):
    assert spelled == words and again.order == 3
    assert np.abs(read_back - model.log_probabilities(stream)).max() < 1e-7
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A text that anyone can edit can be damaged by anyone. Whoever reads it names the line:
    """)
    return


@app.cell
def _(text):
    _damages = {
        "a probability above 1": ("\\1-grams:\n-", "\\1-grams:\n"),
        "a line too few": ("ngram 1=", "ngram 1=1"),
        "no end": ("\\end\\", ""),
    }
    said = {}
    for _name, (_old, _new) in _damages.items():
        with tempfile.TemporaryDirectory() as _folder:
            _path = Path(_folder) / "small.arpa"
            _path.write_text(text.replace(_old, _new, 1), encoding="utf-8")
            try:
                arpa.read(_path)
            except FormatError as error:
                said = {**said, _name: str(error).partition(": ")[2]}
    mo.md("\n".join(f"- {name}: *{sentence}*" for name, sentence in said.items()))
    return (said,)


@app.cell
def _(said):
    assert len(said) == 3 and all("line" in sentence for sentence in said.values())
    return


@app.cell
def _(as_text, stream, words):
    runs = [
        as_text(fit(stream, order, "kneser_ney", vocab_size=len(words), boundary=1)).count("\t")
        for order in (1, 2, 3, 4)
    ]
    assert runs == sorted(runs)
    plots.lines(
        [1, 2, 3, 4], {"tabs in the file": runs}, x="order", y="tabs", marked=True, title="Longer runs, a longer file"
    )
    return (runs,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - *ran ran ran*: no line for the run, none for its context, so what is left is the weight of one word and the probability of one.
    - `<s>` and `</s>`: a sentence begins after the one and is over when the other was predicted; only the second has a probability.
    - `groundup train ngram --text FILE --out model`, then in Python `NgramLanguageModel.load("model").to_arpa("mine.arpa.gz")`: KenLM reads it.

    What a weight has to be: `groundup learn start back_off_weight`
    """)
    return


if __name__ == "__main__":
    app.run()
