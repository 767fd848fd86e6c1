"""Lesson: counts of n-grams, what they look like in any language, and how often the next word was never seen."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Counting words: what a text tells, and what it cannot", width="medium")

with app.setup:
    import importlib
    from collections import Counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.text.ngram.additive import witten_bell
    from groundup.text.ngram.counts import count_ngrams, count_reference
    from groundup.text.ngram.good_turing import good_turing
    from groundup.text.ngram.laws import heaps, zipf
    from groundup.text.ngram.streamed import count_streamed
    from groundup.text.tokenizers.word import words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Counting words: what a text tells, and what it cannot

    A language model can be made of nothing but counts: how often did this word follow those? Afterwards you can count
    n-grams, know the two laws that every such count obeys, and can say how much a text has left unseen, from that text alone.
    """)
    return


@app.cell
def _():
    _topics = importlib.import_module("pydoc_data.topics").topics
    _text = " ".join(_topics[name] for name in sorted(_topics)).lower()
    words = [word for word in words_of(_text) if word.isalpha()]
    vocabulary = {word: id for id, word in enumerate(dict.fromkeys(words))}
    ids = np.array([vocabulary[word] for word in words])
    once = sum(count == 1 for count in Counter(words).values()) / len(vocabulary)
    mo.md(
        f"Python's own manual, which is on every machine that has Python: {len(words):,} words, {len(vocabulary):,} different ones. "
        f"**{once:.0%}** of the different words stand there exactly once."
    )
    return ids, once, vocabulary, words


@app.cell
def _(once):
    assert 0.2 < once < 0.6, "words seen once are a large part of any vocabulary"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Runs of words

    An n-gram is a run of $n$ words. By the **Markov assumption** the next word depends on the last $n - 1$ only, so counts of n-grams
    are all that a model needs: $P(w \mid c) = \text{count}(c\,w) / \text{count}(c)$. Count by hand first.
    """)
    return


@app.cell
def _():
    small = "the cat saw the cat and the dog".split()
    pairs = {" ".join(run): count for run, count in count_reference(small, 2).items() if len(run) == 2}
    plots.value_bars({"pairs": pairs}, y="count", title="the cat saw the cat and the dog")
    return pairs, small


@app.cell
def _(pairs, small):
    assert pairs["the cat"] == 2 and pairs["the dog"] == 1 and sum(pairs.values()) == len(small) - 1
    assert pairs["the cat"] / small.count("the") == 2 / 3, "after `the`, a cat in two of three"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Zipf: few words do most of the work

    Put the words in order of their counts. The word of rank $r$ occurs about $C / r^a$ times. Where both axes count by powers of ten,
    that is a straight line which falls by $a$.
    """)
    return


@app.cell
def _(ids, vocabulary):
    levels = count_ngrams(ids, 4, len(vocabulary))
    ranks, frequencies, zipf_law = zipf(levels[0].counts)
    plots.lines(
        ranks.tolist(),
        {
            "the manual": frequencies.tolist(),
            f"rank to the power {zipf_law.exponent:.2f}": [zipf_law.at(int(r)) for r in ranks],
        },
        x="rank",
        y="count",
        log_x=True,
        log_y=True,
        title="Zipf's law",
    )
    return frequencies, levels, ranks, zipf_law


@app.cell
def _(levels, ids, zipf_law):
    assert -1.8 < zipf_law.exponent < -0.8 and zipf_law.fit > 0.9
    _top = np.sort(levels[0].counts)[::-1][:100].sum() / len(ids)
    assert _top > 0.3, "a hundred words are a third of the text and more"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Heaps: new words never stop coming

    Read on, and count the different words so far. They grow as a power of the length, $K n^b$, more slowly all the time but without an end.
    So no vocabulary of words is ever complete: that is why tokens today are pieces of words.
    """)
    return


@app.cell
def _(ids):
    lengths, different, heaps_law = heaps(ids)
    plots.lines(
        lengths.tolist(),
        {
            "the manual": different.tolist(),
            f"length to the power {heaps_law.exponent:.2f}": [heaps_law.at(int(n)) for n in lengths],
        },
        x="words read",
        y="different words",
        log_x=True,
        log_y=True,
        title="Heaps' law",
    )
    return different, heaps_law, lengths


@app.cell
def _(heaps_law, different):
    assert 0.4 < heaps_law.exponent < 0.9 and heaps_law.fit > 0.95
    assert np.all(np.diff(different) >= 0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much is left unseen?

    Read the first nine tenths, then the last one: how many of its runs are new? And could that be known **before** reading it? Good and
    Turing found: as many as there are runs seen exactly once, divided by all. Choose how long the runs are.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(1, 4, value=2, label="words in a run", show_value=True)
    length
    return (length,)


@app.cell
def _(ids, length):
    _runs = [tuple(run) for run in np.lib.stride_tricks.sliding_window_view(ids, length.value).tolist()]
    _order = np.random.default_rng(0).permutation(len(_runs))
    _cut = len(_runs) * 9 // 10
    _read = Counter(_runs[at] for at in _order[:_cut])
    new = sum(_runs[at] not in _read for at in _order[_cut:]) / (len(_runs) - _cut)
    foretold = good_turing(Counter(_read.values()), 0) / _cut
    plots.value_bars(
        {"share of the runs": {"foretold by Good-Turing": foretold, "new when read": new}},
        y="never seen",
        title=f"Runs of {length.value} that nine tenths did not show (drawn in any order)",
    )
    return foretold, new


@app.cell
def _(foretold, new, length):
    assert abs(foretold - new) < 0.02, "what was seen once tells how much was not seen"
    assert length.value < 3 or new > 0.25, "most long runs are new: plain counts would call them impossible"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## After some words anything may come

    The unseen is not spread evenly. Witten and Bell ask each context by itself: of all that followed it, how often was it new to it?
    """)
    return


@app.cell
def _(levels, vocabulary):
    def surprise(word):
        """The probability that what follows a word is new to it."""
        _at, _pairs = vocabulary[word], levels[1]
        _here = slice(_pairs.first[_at], _pairs.first[_at + 1])
        return witten_bell(dict(zip(_pairs.words[_here].tolist(), _pairs.counts[_here].tolist(), strict=True)))[1]

    shown = {word: surprise(word) for word in ("such", "instead", "the", "a", "and", "is")}
    plots.value_bars({"Witten-Bell": shown}, y="chance of a new word", title="How much a context may still surprise")
    return shown, surprise


@app.cell
def _(ids, levels, shown, vocabulary):
    assert shown["instead"] < shown["and"], "`instead` is followed by `of`; `and` by anything"
    _streamed = count_streamed(np.array_split(ids, 9), 4, len(vocabulary), block=10_000)
    assert all(np.array_equal(one.counts, other.counts) for one, other in zip(_streamed, levels, strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Runs of one word: hardly any is new. Of four: most are, although this manual repeats itself. Good-Turing foretells both.
    - The last cell counted the text again in blocks of 10,000 words, sorted on disk and merged (`groundup.text.ngram.streamed`): the same counts, for
      texts larger than memory.
    - The exercises `groundup learn exercise good_turing` and `witten_bell` are the two estimates. What is done with them is the next lesson, smoothing.
    """)
    return


if __name__ == "__main__":
    app.run()
