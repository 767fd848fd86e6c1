"""Lesson: MinHash, how near duplicates among a billion texts are found without comparing every pair."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="MinHash: nearly the same text", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.dedup.minhash import (
        MinHashConfig,
        candidate_probability,
        jaccard,
        permutations,
        signature_reference,
        signatures,
    )
    from groundup.data.dedup.neighbours import band_keys, similarity, twins


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # MinHash: nearly the same text

    A copied page rarely stays as it was: a date changes, a line is added. An exact comparison then sees two different texts, and comparing
    each of a billion texts with every other takes $10^{18}$ comparisons. Afterwards you can estimate how much two texts share from 128
    numbers each, and find those that share much by sorting.
    """)
    return


@app.cell
def _():
    _draw = np.random.default_rng(4)
    _words = np.array([f"w{at}" for at in range(4000)])
    originals = [" ".join(_draw.choice(_words, 120)) for _ in range(300)]

    def edited(text, changes, seed=0):
        """The text with some of its words replaced."""
        words, draw = text.split(), np.random.default_rng(seed)
        for at in draw.choice(len(words), changes, replace=False):
            words[at] = f"new{draw.integers(10**6)}"
        return " ".join(words)

    _copies = [edited(text, 3, seed) for seed, text in enumerate(originals)]
    config = MinHashConfig(threshold=0.6)
    _corpus = originals + _copies
    found = twins([signatures(_corpus, config)], config)[300:]
    hits = int((found == np.arange(300)).sum())
    mo.md(
        f"Here are 300 texts of 120 words, and a copy of each in which 3 words were changed. Of the {600 * 599 // 2:,} pairs, "
        f"none was compared; **{hits} of 300** copies were found with their original, and {int((found >= 0).sum()) - hits} wrongly."
    )
    return config, edited, found, hits, originals


@app.cell
def _(found, hits):
    assert hits > 250 and (found >= 0).sum() == hits
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    What two texts share is counted in *shingles*, runs of words: of two words here, of five in practice. The Jaccard index is the part of
    all shingles that both have. Now put all shingles into a random order. Which one comes first in each text? If it is one that both have, both
    begin with the same one. Every shingle has the same chance of being first of all, so that happens with the probability of the Jaccard index.
    """)
    return


@app.cell
def _():
    _small = MinHashConfig(ngram=2)
    shared = jaccard("a rose is a rose", "a rose is red", _small)
    _shingles = np.array([5, 7], np.uint32)
    by_order = signature_reference(_shingles, np.array([1, 3], np.uint32), np.array([0, 1], np.uint32))
    mo.md(
        f"*a rose, rose is, is a* and *a rose, rose is, is red*: 2 of 4 are shared, **{shared}**. An order is made by a product: the shingles 5 and 7 "
        f"go to 5 and 7 under $x$, to 16 and 22 under $3x + 1$. The smallest of each is the signature: **{by_order.tolist()}**."
    )
    return by_order, shared


@app.cell
def _(by_order, shared):
    assert shared == 0.5 and by_order.tolist() == [5, 16]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many orders?

    Each order is a coin that falls on "equal" with probability $s$. With $k$ of them the estimate is off by about $\sqrt{s (1 - s) / k}$. Below, one pair
    of texts, estimated 200 times with other orders each time.
    """)
    return


@app.cell
def _():
    places = mo.ui.slider(steps=[8, 32, 128, 512], value=128, label="places of a signature", show_value=True)
    places
    return (places,)


@app.cell
def _(edited, originals, places):
    _pair = [originals[0], edited(originals[0], 6)]
    true = jaccard(*_pair)
    estimates = np.array(
        [similarity(*signatures(_pair, MinHashConfig(permutations=places.value, seed=seed))) for seed in range(200)]
    )
    spread = np.sqrt(true * (1 - true) / places.value)
    plots.histogram(
        {f"{places.value} places": estimates},
        bins=20,
        title=f"True likeness {true:.2f}, estimates {estimates.mean():.2f} give or take {estimates.std():.2f}",
    )
    return estimates, spread, true


@app.cell
def _(estimates, places, spread, true):
    assert abs(estimates.mean() - true) < 4 * spread / np.sqrt(200), "right on average"
    assert 0.75 * spread < estimates.std() < 1.25 * spread, "and spread as coins are"
    assert len(permutations(places.value)[0]) == places.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bands

    Signatures are short, but there are still as many pairs. So a signature is cut into $b$ bands of $r$ places, and only texts that agree in a
    *whole band* are looked at: those are found by sorting. A band agrees with probability $s^r$, and at least one of $b$ does with

    $$P(s) = 1 - (1 - s^r)^b$$

    Long bands are strict, many bands are generous. The points are measured on texts with known likeness, the line is the formula.
    """)
    return


@app.cell
def _():
    rows = mo.ui.slider(steps=[1, 2, 4, 8, 16, 32], value=8, label="places of a band", show_value=True)
    rows
    return (rows,)


@app.cell
def _(rows):
    bands = 128 // rows.value
    _draw = np.random.default_rng(1)
    likeness, caught = [], []
    for _shared in (25, 50, 75, 90, 105, 115, 125, 135, 145):  # of 150 words each
        _sets = _draw.integers(0, 1 << 32, (150, 300 - _shared), dtype=np.uint32)
        _orders = permutations(128, 3)
        _keys = [
            band_keys(np.stack([signature_reference(one, *_orders) for one in part]), bands, rows.value)
            for part in (_sets[:, :150], _sets[:, -150:])
        ]
        likeness.append(_shared / (300 - _shared))
        caught.append(float((_keys[0] == _keys[1]).any(axis=1).mean()))
    theory = [candidate_probability(s, bands, rows.value) for s in likeness]
    plots.lines(
        likeness,
        {"measured": caught, "theory": theory},
        x="likeness of two texts",
        y="part of pairs that are candidates",
        marked=True,
        title=f"{bands} bands of {rows.value}: half of the pairs are found at {(1 - 0.5 ** (1 / bands)) ** (1 / rows.value):.2f}",
    )
    return bands, caught, likeness, theory


@app.cell
def _(bands, caught, rows, theory):
    assert bands * rows.value == 128
    assert np.allclose(caught, theory, atol=0.17), "150 pairs a point"
    assert theory == sorted(theory), "the more alike, the surer found"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Texts that are too short

    A text of fewer than five words has no run of five. If that gave it an empty signature, all short texts would be copies of each other: in a famous
    tool *cat* and *dog* were. So a short text is one shingle, all its words; and a text of nothing but white space is like no other.
    """)
    return


@app.cell
def _(config):
    _texts = ["cat", "dog", "cat", "", ""]
    short = twins([signatures(_texts, config)], config).tolist()
    mo.md(f"`{_texts}`: the twin of each is `{short}`, where -1 says that it came for the first time.")
    return (short,)


@app.cell
def _(short):
    assert short == [-1, -1, 0, -1, -1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 8 places: the estimate takes only 9 values, and 0.2 up or down is nothing.
    - Bands of 1: nearly everything is a candidate. Bands of 32: only copies that hardly changed are.
    - Change 3 to 12 words in the first cell: each change breaks five shingles, so the likeness falls fast, and with it what is found.

    Write it yourself: `groundup learn start signature_reference`, then `groundup learn start band_keys`
    """)
    return


if __name__ == "__main__":
    app.run()
