"""Lesson: Good-Turing, how much belongs to what was never seen, read off what was seen once."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Counting what was never seen", width="medium")

with app.setup:
    import importlib
    from collections import Counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.text.ngram.good_turing import averaged, expected_counts, good_turing, good_turing_ratios, katz_ratios
    from groundup.text.tokenizers.word import words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Counting what was never seen

    How likely is it that the next word is one you have never met? A count of what was met seems to say nothing about it. It does: look at what was met
    **once**. Afterwards you can estimate the unseen, correct small counts by it, and say where the estimate is ragged and what is done about that.
    """)
    return


@app.cell
def _():
    _topics = importlib.import_module("pydoc_data.topics").topics
    _parts = "\n\n".join(_topics[name] for name in sorted(_topics)).split("\n\n")
    _parts = np.array(list(dict.fromkeys(_parts)), dtype=object)
    _shuffled = np.random.default_rng(0).permutation(_parts)  # no topic may be all at the end
    words = words_of(" ".join(_shuffled).lower())
    _half = len(words) // 2
    _counts = Counter(words[:_half])
    _once = sum(count == 1 for count in _counts.values())
    new = float(np.mean([word not in _counts for word in words[_half : _half + 5000]]))
    guess = good_turing(Counter(_counts.values()), 0) / _half
    mo.md(
        f"After half of Python's manual, {_once:,} of {_half:,} words are the only one of their kind: {guess:.2%}. Of the next 5,000 words **{new:.2%}** "
        "are new."
    )
    return guess, new, words


@app.cell
def _(guess, new):
    assert 1 < new / guess < 1.6, "the first number, known before, tells the second"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why it works

    Take a word out of the text and look whether it is still there: it is not, if it was the only one. So a share of $n_1 / N$ of all places would be
    a surprise to somebody who had read all but that place. That is the estimate:

    $$P(\text{new}) = \frac{n_1}{N}$$

    Nothing is assumed about how frequent words are, but one thing about their order: that any place might have been the last. A text breaks that, since
    words come in bunches: a new paragraph brings its own. With the words shuffled it holds. How much has been read?
    """)
    return


@app.cell
def _():
    read = mo.ui.slider(10, 90, step=10, value=50, label="read, in percent", show_value=True)
    read
    return (read,)


@app.cell
def _(read, words):
    _mixed = np.random.default_rng(1).permutation(words).tolist()
    _places = [len(words) * share // 100 for share in range(5, read.value + 1, 5)]

    def _new(text, end):
        known = set(text[:end])
        return float(np.mean([word not in known for word in text[end : end + 4000]]))

    told = np.array([sum(count == 1 for count in Counter(_mixed[:end]).values()) / end for end in _places])
    mixed = np.array([_new(_mixed, end) for end in _places])
    in_order = np.array([_new(words, end) for end in _places])
    plots.lines(
        _places, {"told: n1 / N": told, "new in the next 4,000, shuffled": mixed, "new in the next 4,000, in order": in_order},
        x="words read", y="share", marked=True, title="The unseen, told beforehand and met afterwards",
    )  # fmt: skip
    return in_order, mixed, told


@app.cell
def _(in_order, mixed, told):
    assert np.abs(told - mixed).max() < 0.025, "where any place might have been the last, it is told rightly"
    assert in_order.mean() > told.mean(), "a text brings more that is new"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Small counts are too large

    The same thought goes on. A word with two places is, without one of them, a word seen once. So those who were seen once in all but one
    place are the $2 n_2$ places of the words seen twice, and each kind seen once may be expected

    $$r^* = (r + 1)\, \frac{n_{r+1}}{n_r}$$

    times in as much new text. With ten kinds seen once, four twice and two three times: $1^* = 2 \cdot 4 / 10$ and $2^* = 3 \cdot 2 / 4$.
    """)
    return


@app.cell
def _():
    by_hand = {1: 10, 2: 4, 3: 2}
    assert good_turing(by_hand, 1) == 0.8 and good_turing(by_hand, 2) == 1.5 and good_turing(by_hand, 0) == 10
    mo.md(
        f"`good_turing` says {good_turing(by_hand, 1)} and {good_turing(by_hand, 2)}; all the unseen together may be expected "
        f"{good_turing(by_hand, 0):.0f} times."
    )
    return (by_hand,)


@app.cell
def _(words):
    _half = len(words) // 2
    _first, _second = (
        Counter(zip(words[:_half], words[1:_half], strict=False)),
        Counter(zip(words[_half : 2 * _half], words[_half + 1 : 2 * _half], strict=False)),
    )
    pairs = Counter(_first.values())
    again = {r: float(np.mean([_second[pair] for pair, count in _first.items() if count == r])) for r in range(1, 7)}
    star = {r: good_turing(pairs, r) for r in range(1, 7)}
    plots.value_bars(
        {"seen": {str(r): float(r) for r in star}, "r*": {str(r): value for r, value in star.items()},
         "in the other half": {str(r): value for r, value in again.items()}},
        y="times", title="Pairs of words: what a count promises, and what came",
    )  # fmt: skip
    return again, pairs, star


@app.cell
def _(again, star):
    assert abs(star[1] - again[1]) < 0.25 and all(star[r] < r and again[r] < r for r in star)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Ragged where counts are high

    One kind seen 57 times and none 58 times: then $57^* = 0$. Gale and Sampson first share each $n_r$ out over the zeros around it, draw a line through the
    logarithms, and take the line from where it no longer contradicts the ragged estimate.
    """)
    return


@app.cell
def _(pairs):
    smooth = averaged(pairs)
    _most = [r for r in sorted(pairs) if r <= 300]
    plots.lines(
        _most, {"n": [pairs[r] for r in _most], "shared out over the zeros": [smooth[r] for r in _most]}, log_x=True, log_y=True,
        x="seen r times", y="kinds", title="Counts of counts of pairs of words",
    )  # fmt: skip
    return (smooth,)


@app.cell
def _(pairs, smooth):
    assert averaged({1: 12, 2: 6, 5: 4}) == {1: 12.0, 2: 3.0, 5: 4 / 3}, "4 kinds at 5, for 4 counts from 3.5 to 6.5"
    expected = expected_counts(pairs)
    _falling = [expected[r] / r for r in sorted(expected)]
    assert smooth[max(pairs)] < 1 and all(0 < share < 1.05 for share in _falling)
    mo.md(f"Of a count of 1 it leaves {_falling[0]:.2f}, of {max(pairs)} it leaves {_falling[-1]:.3f} of each.")
    return (expected,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whole again

    A smoothing multiplies each count by what is left of it. Scaled a little, all seen kinds together leave exactly $n_1 / N$. Katz believes
    counts above 5 as they are and takes what is needed from the small ones. Who gets it is the lesson combining.
    """)
    return


@app.cell
def _(pairs):
    _whole = sum(r * n for r, n in pairs.items())
    _left, _katz = good_turing_ratios(pairs), katz_ratios(pairs)
    freed = {
        "simple Good-Turing": 1 - sum(_left[r] * r * n for r, n in pairs.items()) / _whole,
        "Katz": sum((1 - _katz.get(r, 1.0)) * r * n for r, n in pairs.items()) / _whole,
    }
    assert all(np.isclose(value, pairs[1] / _whole, rtol=0.02) for value in freed.values())
    mo.md("Freed for the unseen: " + ", ".join(f"{name} {value:.1%}" for name, value in freed.items()) + ".")
    return (freed,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Read 10 percent: one word in ten is still new, and in order one in seven. The curves fall slowly: language does not run out of words.
    - Ask of your own notes: count the words that stand there once, divide by all. So much of your next page is new.

    Write it yourself: `groundup learn start good_turing`
    """)
    return


if __name__ == "__main__":
    app.run()
