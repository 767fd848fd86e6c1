"""Lesson: counting without listing: texts, cuts of a word, and the birthday bound behind hashing."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="When do two of them meet?", width="medium")

with app.setup:
    import itertools
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.discrete.combinatorics import (
        bags,
        birthday_approximation,
        birthday_collision,
        birthday_items,
        birthday_simulated,
        compositions,
        draws_to_see_all,
        expected_collisions,
        segmentations,
        sequences,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # When do two of them meet?

    Some numbers are found only by counting what nobody could list: how many texts there are, in how many ways a word
    can be cut, how many documents a program can tell apart by a short number made of each. Afterwards you can do these
    three, and know why the last is a square root of what one would think.
    """)
    return


@app.cell
def _():
    half = birthday_items(2**32)
    removed = expected_collisions(1_000_000, 2**32)
    mo.md(
        f"A number of 32 bits has {2**32:,} values. Give one at random to each of **{half:,.0f}** documents, and as "
        "likely as not two have the "
        f"same. Of a million documents, about {removed:.0f} would be thrown away as copies and are none."
    )
    return half, removed


@app.cell
def _(half, removed):
    assert 0.49 < birthday_collision(round(half), 2**32) < 0.51
    assert half < 2**32 / 50_000 and 110 < removed < 120
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Choices multiply

    Two letters, `a` and `b`; texts of three letters. For the first place there are two choices, for each of them two
    for the second, for each of these two for the third: $2 \cdot 2 \cdot 2 = 8$. If the order does not count there are
    fewer. Both are few enough to be listed:
    """)
    return


@app.cell
def _():
    texts = ["".join(one) for one in itertools.product("ab", repeat=3)]
    unordered = sorted({"".join(sorted(text)) for text in texts})
    mo.md(f"In order: {' '.join(texts)}. As bags of letters: {' '.join(unordered)}.")
    return texts, unordered


@app.cell
def _(texts, unordered):
    assert len(texts) == sequences(2, 3) == 8
    assert len(unordered) == bags(2, 3) == 4
    assert sequences(50_257, 1024) > 10**4814, "texts that fit into GPT-2: a number of 4,815 digits"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Cutting a word

    Between the letters of `abab` are three gaps, and each is either cut or not: $2^3 = 8$ ways in all. A tokenizer may
    use only pieces that its vocabulary holds. To count the ways then, go through the word from the left and write down,
    for each beginning, how many ways there are to spell it. A beginning can end in any piece that fits there, and what
    is before that piece has been counted already.
    """)
    return


@app.cell
def _():
    vocabulary = {"a", "b", "ab", "aba"}
    ways = {"abab"[:end] or "(empty)": segmentations("abab"[:end], vocabulary) for end in range(5)}
    _listed = [
        _pieces
        for cuts in itertools.product([False, True], repeat=3)
        if set(_pieces := "".join(c + "|" * cut for c, cut in zip("abab", [*cuts, False], strict=True)).split("|"))
        <= vocabulary
    ]
    spelled = ["|".join(pieces) for pieces in _listed]
    plots.value_bars(
        {"ways": ways}, y="ways to spell it", title=f"abab is spelled by a, b, ab, aba in {ways['abab']} ways"
    )
    return spelled, vocabulary, ways


@app.cell
def _(spelled, vocabulary, ways):
    assert compositions(4) == 8 and compositions(4, 2) == 3
    assert len(spelled) == ways["abab"] == 5, spelled
    assert segmentations("abc", vocabulary) == 0, "no piece for the c"
    assert segmentations("ab" * 100, vocabulary) > 10**30, "a table of 200 numbers counts what cannot be listed"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So there are many spellings of a text, and a tokenizer always chooses the same one. The others are sequences that
    the model never sees.

    ## Birthdays

    How many people must be in a room until two have the same birthday, as likely as not? One thinks of half of 365. But
    the question is not who has *my* birthday, it is whether any two share one, and pairs grow fast: 23 people are 253
    pairs.

    Let them come in one by one. The second has a free day with probability 364/365, the third with 363/365, and so on.
    Nobody shares if all of this happens:

    $$\frac{364}{365} \cdot \frac{363}{365} \cdots \frac{365 - (n - 1)}{365}$$
    """)
    return


@app.cell
def _():
    _crowd = np.arange(1, 71)
    exact = [birthday_collision(int(people), 365) for people in _crowd]
    simulated = {people: birthday_simulated(people, 365, trials=2000) for people in (10, 23, 40, 60)}
    plots.lines(
        _crowd,
        {
            "two share a birthday": exact,
            "one has mine": 1 - (364 / 365) ** (_crowd - 1.0),
        },
        x="people in the room",
        y="probability",
        levels={"as likely as not": 0.5},
        title=f"23 people: {exact[22]:.3f}; in 2,000 rooms drawn at random {simulated[23]:.3f}",
    )
    return exact, simulated


@app.cell
def _(exact, simulated):
    _by_hand = 1 - math.prod((365 - already) / 365 for already in range(23))
    assert math.isclose(exact[22], _by_hand)
    assert exact[21] < 0.5 < exact[22], "23 are enough, 22 are not"
    assert all(abs(share - exact[people - 1]) < 0.04 for people, share in simulated.items())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The square root

    With $N$ days in place of 365, each pair meets with probability $1/N$. There are about $n^2/2$ pairs. So it becomes
    likely when $n^2/2$ is about as large as $N$, that is, at $n$ about $\sqrt{2N}$; for "as likely as not",
    $1.18 \sqrt{N}$. Choose how many binary digits a hash has; it is a number that a program makes of a document, as if
    at random, but the same for the same text.
    """)
    return


@app.cell
def _():
    digits = mo.ui.dropdown(
        {"16 bits": 16, "32 bits": 32, "64 bits": 64, "128 bits": 128}, value="64 bits", label="hash"
    )
    digits
    return (digits,)


@app.cell
def _(digits):
    documents = [10**power for power in range(1, 20)]
    chance = [birthday_approximation(count, 2**digits.value) for count in documents]
    middle = birthday_items(2**digits.value)
    _shown = f"{middle:,.0f}" if middle < 1e6 else f"{middle:.1e}"
    plots.lines(
        documents,
        {"some two documents have the same hash": chance},
        x="documents",
        y="probability",
        log_x=True,
        marked=True,
        title=f"{digits.value} bits: as likely as not among {_shown} documents",
    )
    return chance, documents, middle


@app.cell
def _(chance, digits, documents, middle):
    assert math.isclose(middle, 1.1774 * 2 ** (digits.value / 2), rel_tol=1e-4), "half of the bits"
    assert all(value < 0.01 for value, count in zip(chance, documents, strict=True) if count < middle / 10)
    assert all(value > 0.999 for value, count in zip(chance, documents, strict=True) if count > 10 * middle)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    From hardly ever to nearly always takes less than a factor of a hundred. A training text of ten thousand million
    documents is safe with 128 bits and not with 64.

    ## When everybody has been met

    A cousin of the question: packets with one of six pictures each; how many until one has all six? The first is new
    for sure. When five are there, only one in six packets is new, which takes six more on average. Added up:
    $6 \cdot (1 + \tfrac12 + \tfrac13 + \tfrac14 + \tfrac15 + \tfrac16) = 14.7$. The last one is the dearest.
    """)
    return


@app.cell
def _():
    _kinds = [2, 6, 26, 100, 500]
    _generator = np.random.default_rng(0)
    _draws = [_generator.integers(0, 26, 600) for _ in range(300)]
    waited = float(np.mean([max(np.unique(one, return_index=True)[1]) + 1 for one in _draws]))
    draws = {f"{kind} kinds": draws_to_see_all(kind) / kind for kind in _kinds}
    plots.value_bars(
        {"draws": draws},
        y="draws for each kind",
        title=f"26 kinds take {26 * draws['26 kinds']:.0f} draws; counted: {waited:.0f}",
    )
    return draws, waited


@app.cell
def _(draws, waited):
    assert math.isclose(6 * draws["6 kinds"], 14.7)
    assert abs(waited - draws_to_see_all(26)) < 8
    assert list(draws.values()) == sorted(draws.values()), "more kinds take more draws, for each of them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A text is such a row of packets, with words that are not even equally likely: however much is read, some words were
    met once or never.

    ## Try

    - 16 bits: two of some 300 documents agree. 128 bits: the curve does not leave the floor before $10^{18}$ documents.
    - `expected_collisions(10**10, 2**64)`: between two and three documents lost of ten thousand million. What is
      probable need not be bad.
    - Add `"bab"` to the vocabulary: one more spelling of `abab`, `a|bab`.

    Write it yourself: `groundup learn start birthday_collision`
    """)
    return


if __name__ == "__main__":
    app.run()
