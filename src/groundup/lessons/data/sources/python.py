"""Lesson: the documentation and the source of Python itself as a corpus: what is in it, what is left out, and how a part is held out."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A corpus that is already there", width="medium")

with app.setup:
    import ast
    import hashlib
    import os
    import random
    import sys
    import sysconfig
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import python


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A corpus that is already there

    A first model needs some text, and a download can fail, change or be forbidden. But whoever runs this has a Python, and with it some
    megabytes of careful prose about code, and the code. Afterwards you know how that becomes a corpus which is the
    same on another machine, and how to hold out a part that the rest does not give away.
    """)
    return


@app.cell
def _():
    _documents = list(python.documents())
    rows = [(one.metadata["kind"], one.metadata["module"], one.metadata["split"], len(one.text)) for one in _documents]
    prose = {
        part: {module: text.text for text in _documents for module in [text.metadata["module"]]
               if (text.metadata["kind"], text.metadata["split"]) == ("documentation", part)}
        for part in ("train", "heldout")
    }  # fmt: skip
    total = sum(size for *_, size in rows)
    mo.md(
        f"This Python, {sys.version_info.major}.{sys.version_info.minor}, brings {len(rows)} documents with "
        f"**{total / 1e6:.1f} million characters**; at four characters a token, {total / 4e6:.1f} million tokens."
    )
    return prose, rows, total


@app.cell
def _(prose, rows, total):
    assert 4e6 < total < 40e6 and len(rows) > 300
    assert min(size for *_, size in rows) >= python.MIN_CHARACTERS
    assert not prose["train"].keys() & prose["heldout"].keys()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two kinds

    *Source* is the modules as they are. *Documentation* is the language reference, and what explains a module: its docstrings under
    the signatures they belong to. There is much more source than prose, so a model of all of it mostly learns to indent.
    """)
    return


@app.cell
def _(rows):
    sizes = {
        part: {kind: sum(size for *at, size in rows if (at[0], at[2]) == (kind, part)) / 1e6 for kind in python.KINDS}
        for part in ("train", "heldout")
    }
    plots.value_bars(
        {"to train on": sizes["train"], "held out": sizes["heldout"]},
        y="million characters",
        title=f"A character of prose to {sizes['train']['source'] / sizes['train']['documentation']:.1f} of source",
    )
    return (sizes,)


@app.cell
def _(sizes):
    assert 2 < sizes["train"]["source"] / sizes["train"]["documentation"] < 10
    assert all(0.02 < sizes["heldout"][kind] / sizes["train"][kind] < 0.2 for kind in python.KINDS), "about a sixteenth"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Read, never run

    `import antigravity` opens a web browser, and `import this` prints a poem: importing a module runs it. So docstrings are taken
    from the syntax tree, which a parser makes of the text alone. Here is one from a module that could not be imported at all:
    """)
    return


@app.cell
def _():
    module = "\n".join([
        '"""How to open a box."""',
        'raise SystemExit("nobody imports me")',
        'def open_box(lid: str = "red", *, gently: bool = True) -> None:',
        '    """Lift the lid by its left side, and let go of nothing."""',
    ])  # fmt: skip
    _tree = ast.parse(module)
    _function = _tree.body[-1]
    taken = [
        ast.get_docstring(_tree),
        f"{_function.name}({ast.unparse(_function.args)})\n{ast.get_docstring(_function)}",
    ]
    mo.md("```text\n" + "\n\n".join(taken) + "\n```")
    return module, taken


@app.cell
def _(prose, taken):
    assert taken[0] == "How to open a box." and taken[1].startswith("open_box(lid: str='red', *, gently: bool=True)\n")
    _bisect = (prose["train"] | prose["heldout"])["bisect"]
    assert "bisect_right(a, x, lo=0, hi=None" in _bisect and "import" not in _bisect, "the corpus has the same form"
    assert "antigravity" in dict(python.library()) and "antigravity" not in sys.modules
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is left out

    Beside the library lie its tests (much the largest part), tables that machines made, and packages that some systems install and
    others put into packages of their own: tkinter, idlelib, lib2to3. Installed packages (`site-packages`) are not even counted here.
    """)
    return


@app.cell
def _():
    bytes_of = {}
    _root = Path(sysconfig.get_path("stdlib"))
    for _folder, _folders, _names in os.walk(_root):
        _folders[:] = [name for name in _folders if name not in ("site-packages", "dist-packages")]
        _out = [part for part in Path(_folder).relative_to(_root).parts if part in python.LEFT_OUT]
        for _name in _names:
            if _name.endswith(".py"):
                _group = _out[0] if _out else "the corpus"
                bytes_of[_group] = bytes_of.get(_group, 0) + os.path.getsize(Path(_folder, _name)) / 1e6
    plots.value_bars(
        {"megabytes": dict(sorted(bytes_of.items(), key=lambda item: -item[1]))},
        y="megabytes of .py files",
        title=f"{bytes_of['the corpus']:.1f} of {sum(bytes_of.values()):.1f} MB are read",
    )
    return (bytes_of,)


@app.cell
def _(bytes_of, sizes):
    _source = sizes["train"]["source"] + sizes["heldout"]["source"]
    assert 0.9 * bytes_of["the corpus"] < _source <= 1.01 * bytes_of["the corpus"], "what is read is what is counted"
    assert not [name for name, _ in python.library() if set(name.split(".")) & (python.LEFT_OUT - {"encodings"})]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Thus what packagers move about is not in it, and **the same version gives the same corpus**, so two people can
    compare their losses. Another version does not: functions are new, docstrings are mended, and 3.13 removed nineteen modules. Whoever
    reports a figure names the version.

    ## Which module is held out?

    One in sixteen, chosen by the hash of its name. A place in a list would do as well, and a shuffled list too, until
    the next version. Take some modules away and see how many of the others change sides, from training to held out or back:
    """)
    return


@app.cell
def _():
    removed = mo.ui.slider(0, 20, step=1, value=1, label="modules removed", show_value=True)
    removed
    return (removed,)


@app.cell
def _(removed):
    def held_out(names):
        """The names that each way of splitting holds out."""
        listed = sorted(names)
        shuffled = random.Random(0).sample(listed, len(listed))
        return {
            "hash of the name": {name for name in listed if python.split_of(name) == "heldout"},
            "every 16th of the list": set(listed[:: python.HELD_OUT]),
            "every 16th, shuffled": set(shuffled[:: python.HELD_OUT]),
        }

    names = [name for name, _ in python.library()]
    gone = set(random.Random(1).sample(names, removed.value))
    before, after = held_out(names), held_out(set(names) - gone)
    moved = {way: len((before[way] - gone) ^ after[way]) for way in before}
    plots.value_bars(
        {"changed sides": moved},
        y="modules that changed sides",
        title=f"{removed.value} of {len(names)} modules removed",
    )
    return after, before, gone, held_out, moved, names


@app.cell
def _(before, moved, names, removed):
    assert moved["hash of the name"] == 0, "a name's hash knows nothing of other names"
    assert len(names) / 32 < len(before["hash of the name"]) < len(names) / 8
    if removed.value == 0:
        assert set(moved.values()) == {0}
    if removed.value >= 5:
        assert min(moved["every 16th of the list"], moved["every 16th, shuffled"]) > 10, (
            "what was trained on is now measured with"
        )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Held out by file, not by paragraph

    A module repeats itself: the same argument is explained for every method. If paragraphs are held out at random, each
    has its sisters in training, and the loss on it measures memory. How many runs of so many words of the held-out text also stand in
    the text for training?
    """)
    return


@app.cell
def _(prose):
    def runs(words, length):
        """Every run of so many words, in order: lists of words in, tuples out."""
        return [run for one in words for run in zip(*(one[at:] for at in range(length)), strict=False)]

    def known(train, heldout, length):
        """The part of the runs of the held-out texts that training has too."""
        seen, asked = set(runs(train, length)), runs(heldout, length)
        return sum(run in seen for run in asked) / len(asked)

    lengths = [4, 8, 16]
    _modules = {split: [text.split() for text in texts.values()] for split, texts in prose.items()}
    _drawn = {"train": [], "heldout": []}
    for _part in [part for split in prose.values() for text in split.values() for part in text.split("\n\n")]:
        _rest = hashlib.sha256(_part.encode()).digest()[-1] % python.HELD_OUT
        _drawn["train" if _rest else "heldout"].append(_part.split())
    leaks = {
        name: [known(split["train"], split["heldout"], length) for length in lengths]
        for name, split in {"by module": _modules, "by paragraph": _drawn}.items()
    }
    plots.lines(
        lengths,
        leaks,
        x="words in a run",
        y="part that training has too",
        log_y=True,
        marked=True,
        title=f"Runs of 8 words: {leaks['by module'][1]:.1%} by module, {leaks['by paragraph'][1]:.1%} by paragraph",
    )
    return known, leaks, lengths, runs


@app.cell
def _(leaks):
    assert all(np.diff(leaks["by module"]) < 0), "long runs are rarer"
    assert all(many > 2 * few for few, many in zip(*leaks.values(), strict=True))
    assert leaks["by module"][1] < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    What is left by module is common usage, and a few longer echoes. Whole paragraphs of 60 characters or more that also stand in
    training documents are cut out of the held-out ones: a licence, a warning, a method that was copied. How much that is:
    """)
    return


@app.cell
def _(sizes):
    uncut = sum(len(one.text) for one in python.read("heldout")) / 1e6
    cut = sum(sizes["heldout"].values())
    mo.md(f"{uncut * 1e6:,.0f} characters are held out before, and {cut * 1e6:,.0f} after: {1 - cut / uncut:.1%} less.")
    return cut, uncut


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The beginning is a fair sample

    A short run reads only the beginning. In the order of the alphabet that would be `asyncio` and hardly anything else. The corpus is in
    the order of the same hash: topics of the language first, then modules from everywhere.
    """)
    return


@app.cell
def _(names):
    packages = sorted({name.partition(".")[0] for name in names if "." in name})
    _orders = {"hash": names, "alphabet": sorted(names)}
    begun = {
        order: [len({name.partition(".")[0] for name in listed[:count]}) for count in range(1, len(listed) + 1)]
        for order, listed in _orders.items()
    }
    plots.lines(
        range(1, len(names) + 1),
        begun,
        x="modules read",
        y="packages and modules of the top level met",
        title="By the alphabet a reader stays in one place for long",
    )
    return begun, packages


@app.cell
def _(begun, cut, names, packages, uncut):
    assert 0.9 * uncut < cut < uncut
    _far = len(names) // 4
    assert begun["hash"][_far] > begun["alphabet"][_far] and begun["hash"][-1] == begun["alphabet"][-1]
    assert {"asyncio", "email", "json"} <= set(packages)
    assert names == [name for name, _ in python.library()], "the order is the same when it is read again"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## May one?

    Python's documentation and library are under the PSF licence (`license()` in a prompt prints it): using, changing and passing on
    are allowed if the notice goes with it. So a corpus read on the reader's own machine raises no question, and one that is copied
    elsewhere takes the notice along.

    ## Try

    - Remove 20 modules: how far does a shuffled list go wrong, and how far the hash?
    - `python.documents(["documentation"])` alone: what would a model of it never learn?
    - `groundup demo` trains on this documentation beside a made-up world, and reports the bits per byte of the held-out modules;
      `python_source = true` under `[data]` of a recipe adds the source.
    """)
    return


if __name__ == "__main__":
    app.run()
