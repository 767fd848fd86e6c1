"""Lesson: vectors as information: length, angle, and which words of a text are near each other."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A word is a list of numbers", width="medium")

with app.setup:
    import math
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.foundations.linalg.vectors import (
        angle,
        cosine_similarity,
        count_neighbours,
        distance,
        dot,
        dot_product_similarity,
        nearest,
        norm,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A word is a list of numbers

    A computer does not know what a Monday is. It can count, though, and from nothing but counts it can find the words that
    are like `monday`. Afterwards you can compute the length of a list of numbers, the angle between two, and say why the
    angle compares words better than the plain product does.
    """)
    return


@app.cell
def _():
    _text = " ".join(document.text for document in tinyworld.sample(0, 400))
    tokens = re.findall(r"[a-z]+", _text.lower())
    words, counts = count_neighbours(tokens, window=2)
    place = {word: row for row, word in enumerate(words)}
    found = [(words[row], score) for row, score in nearest(counts[place["monday"]], counts, 4, {place["monday"]})]
    together = max(counts[place["monday"], place[word]] for word, _ in found)
    mo.md(
        f"A text of {len(tokens):,} words from the world of this course, {len(words)} of them different. The four most like "
        f"`monday` are **{', '.join(word for word, _ in found)}**; yet within two places of `monday` they stand "
        f"{together:.0f} times. How can words be alike that never meet?"
    )
    return counts, found, place, together, tokens, words


@app.cell
def _(found, together, words):
    assert {word for word, _ in found} == {"tuesday", "wednesday", "thursday", "friday"}
    assert together == 0
    assert len(words) == 822, "as the text below says"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How to read the code

    The numbers of all lessons live in arrays of NumPy. These signs are nearly all that is used of it:

    | written | meaning |
    |---|---|
    | `np.array([3.0, 4.0])` | a list of numbers to calculate with; a list of lists is a table, whose `shape` is (rows, columns) |
    | `a + b`, `2 * a`, `a**2`, `a > 3` | number by number, all at once |
    | `a @ b` | multiply number by number and add up; of tables, each row of the first with each column of the second |
    | `m[0]`, `m[:, 1]`, `m[[1, 0]]`, `m[m > 3]` | row 0; column 1; rows 1 and 0; the numbers above 3 |
    | `m.sum(axis=0)`, `m.sum(axis=1)` | down the columns, one number a column; along the rows, one a row (`keepdims=True`: as a column) |
    | `m.T` | rows and columns exchanged |
    | `a[:, None] + b` | `a` set upright as a column: each number of `a` with each of `b`, which makes a table |
    | `np.zeros(3)`, `np.eye(3)`, `np.linspace(0, 1, 5)` | three zeros; a table with 1 on its diagonal and 0 elsewhere; five numbers from 0 to 1 |
    | `m.reshape(-1, 2)`, `np.linalg.norm(a)` | the same numbers in rows of 2, as many rows as it takes; the length of `a` |
    | `np.random.default_rng(0).normal(size=(2, 3))` | a table of random numbers around 0, the same at every run, most of them between -2 and 2 |
    | `a.argmax()`, `np.argsort(a)` | the place of the largest; all places, from that of the smallest number on |
    | `np.where(a > 3, a, 0)` | the number where the condition holds, 0 elsewhere |
    | `np.allclose(a, b)` | whether they are equal but for rounding |

    An `assert` is a claim that the computer checks: if it were false, the lesson would stop there.
    """)
    return


@app.cell
def _():
    _a, _m = np.array([3.0, 4.0]), np.array([[1, 2], [5, 6]])
    assert _m.shape == (2, 2) and (_a > 3).tolist() == [False, True]
    assert _a @ _a == 3 * 3 + 4 * 4
    assert _m[0].tolist() == [1, 2] and _m[:, 1].tolist() == [2, 6] and _m[_m > 3].tolist() == [5, 6]
    assert _m.sum(axis=0).tolist() == [6, 8] and _m.sum(axis=1).tolist() == [3, 11]
    assert (_m / _m.sum(axis=1, keepdims=True)).sum(axis=1).tolist() == [1, 1]
    assert _m.T.tolist() == [[1, 5], [2, 6]]
    assert np.argsort([7, 5, 6]).tolist() == [1, 2, 0] and np.where(_a > 3, _a, 0).tolist() == [0, 4]
    assert np.arange(6).reshape(-1, 2).tolist() == [[0, 1], [2, 3], [4, 5]] and np.linalg.norm(_a) == 5
    every_pair = _a[:, None] + np.array([10.0, 20.0])
    assert every_pair.tolist() == [[3 + 10, 3 + 20], [4 + 10, 4 + 20]]
    every_pair
    return (every_pair,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The smallest example

    Count, for each word, which words stand next to it. That row of counts is the word's **vector**: a list of numbers, one
    for each word that may be its neighbour. "You shall know a word by the company it keeps" (Firth, 1957).
    """)
    return


@app.cell
def _():
    _text = "the cat eats . the dog eats . the cat sleeps . the dog sleeps . we like tea .".split()
    small_words, small = count_neighbours(_text, window=1)
    plots.heat_map(
        small, rows=small_words, columns=small_words, x="neighbour", y="word", title="Who stands beside whom"
    )
    return small, small_words


@app.cell
def _(small, small_words):
    _cat, _dog = (small[small_words.index(word)] for word in ("cat", "dog"))
    assert _cat.tolist() == _dog.tolist(), "in this text cat and dog are the same list of numbers"
    assert small[small_words.index("cat"), small_words.index("dog")] == 0
    assert (small == small.T).all(), "if a stands beside b, then b beside a"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Here is the answer in small: `cat` and `dog` never meet, but both stand between `the` and `eats` or `sleeps`. Their rows
    are equal. In a real text rows are never quite equal, so we need a measure of *how* equal two lists of numbers are.

    ## Two numbers are an arrow

    A list of two numbers is an arrow from 0 to a point of the plane. Its **length**, or norm, is what Pythagoras says:
    $|a| = \sqrt{a_1^2 + a_2^2}$. With three numbers, or 822, one for each word of our text, one adds more squares;
    nothing else changes.
    The **dot product** multiplies number by number and adds up: $a \cdot b = a_1 b_1 + a_2 b_2$.
    """)
    return


@app.cell
def _():
    a, b = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    _by_hand = 3 * 4 + 4 * 3
    assert norm(a) == math.sqrt(3**2 + 4**2) == 5
    assert dot(a, b) == _by_hand
    assert norm(a, 1) == 7 and norm(a, math.inf) == 4, (
        "two other ways to measure: blocks in a city, and the largest number"
    )
    mo.md(f"The arrow (3, 4) is {norm(a):.0f} long. Its dot product with (4, 3) is {dot(a, b):.0f}.")
    return a, b


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The dot product knows the angle: $a \cdot b = |a|\,|b| \cos(\text{angle})$. To see it, write the squared distance
    $|a - b|^2$ in two ways: multiplied out it is $|a|^2 + |b|^2 - 2\, a \cdot b$, and by school's law of cosines
    $|a|^2 + |b|^2 - 2\, |a|\,|b| \cos(\text{angle})$. So divide the product by both lengths, and the direction alone is
    left. This is the **cosine similarity**: 1 for the same direction, 0 for a right angle, -1 for opposite ones. Turn the
    second arrow and make it longer.
    """)
    return


@app.cell
def _():
    degrees = mo.ui.slider(0, 180, step=15, value=45, label="angle in degrees", show_value=True)
    degrees
    return (degrees,)


@app.cell
def _():
    length = mo.ui.slider(1, 5, step=1, value=2, label="length of the second arrow", show_value=True)
    length
    return (length,)


@app.cell
def _(degrees, length):
    first = np.array([2.0, 0.0])
    _radians = math.radians(degrees.value)
    second = length.value * np.array([math.cos(_radians), math.sin(_radians)])
    product = dot(first, second)
    cosine = cosine_similarity([first], [second])[0, 0]
    _corners = [[[-5, 0]] * 2, [[5, 5]] * 2]  # invisible: they hold the picture's size
    plots.scatter(
        [first, second],
        labels=["first", "second"],
        paths=[[[0, 0], first], [[0, 0], second], *_corners],
        square=True,
        title=f"dot product {product:.2f}, cosine {cosine:.2f}",
    )
    return cosine, first, product, second


@app.cell
def _(cosine, degrees, first, length, product, second):
    assert abs(cosine - math.cos(math.radians(degrees.value))) < 1e-12, "whatever the length"
    assert abs(product - 2 * length.value * cosine) < 1e-12, "the dot product grows with the length"
    assert abs(angle(first, second) - math.radians(degrees.value)) < 1e-12
    assert abs(distance(first, second) ** 2 - (4 + length.value**2 - 2 * product)) < 1e-9, "the law of cosines"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why length misleads

    Back to the text. The word `the` has many neighbours of every kind: a long arrow. Its dot product with anything is large.
    Choose a word and compare: which five words are nearest by the dot product, and which by the cosine?
    """)
    return


@app.cell
def _():
    word = mo.ui.dropdown(["monday", "garden", "red", "brother", "mira"], value="garden", label="word")
    word
    return (word,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The picture shows the cosines of both lists side by side. The first words come from the dot product, the last ones from
    the cosine; where the lists share a word it is drawn once.
    """)
    return


@app.cell
def _(counts, place, word, words):
    def best(scores, own):
        """The five words with the largest scores, without the word itself."""
        return [words[row] for row in np.argsort(-scores, kind="stable") if row != own][:5]

    _own = place[word.value]
    products = dot_product_similarity(counts[[_own]], counts)[0]
    cosines = cosine_similarity(counts[[_own]], counts)[0]
    by_product, by_cosine = best(products, _own), best(cosines, _own)
    plots.value_bars(
        {"cosine": {other: cosines[place[other]] for other in dict.fromkeys(by_product + by_cosine)}},
        x="five best by dot product, then by cosine",
        y="cosine similarity",
        title=f"Nearest to {word.value}",
    )
    return best, by_cosine, by_product, cosines, products


@app.cell
def _(by_cosine, by_product, counts, place, word, words):
    _longest = [words[row] for row in np.argsort(-np.array([norm(row) for row in counts]), kind="stable")[:12]]
    frequent = sum(other in _longest for other in by_product)
    mo.md(
        f"By dot product `{word.value}` is nearest to {', '.join(by_product)}: **{frequent}** of these five are among the 12 "
        f"longest arrows of all {len(place)}. By cosine it is nearest to **{', '.join(by_cosine)}**."
    )
    return (frequent,)


@app.cell
def _(by_cosine, cosines, frequent, place, word):
    assert abs(cosines[place[word.value]] - 1) < 1e-12, "a word is most like itself"
    assert frequent >= 3, "the dot product answers with long arrows, whatever was asked"
    assert not {"the", "is", "in"} & set(by_cosine)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All at once

    The similarities of all pairs are one table, a **matrix**. Divide every row by its length: then it is *one long*, as we
    shall say. Then take the dot product of each row with each.
    Four kinds of words become four squares. The **window** says how far a neighbour may stand: a wide one sees what a text is
    about, a narrow one what part a word plays.
    """)
    return


@app.cell
def _():
    window = mo.ui.slider(1, 10, step=1, value=2, label="window", show_value=True)
    window
    return (window,)


@app.cell
def _(tokens, window):
    _kinds = [
        "monday tuesday thursday friday",
        "garden kitchen park attic",
        "red blue plain",
        "aunt sister brother mother",
    ]
    chosen = " ".join(_kinds).split()
    kind = np.array([number for number, group in enumerate(_kinds) for _ in group.split()])
    _words, _counts = count_neighbours(tokens, window.value)
    _rows = _counts[[_words.index(one) for one in chosen]]
    likeness = cosine_similarity(_rows, _rows)
    plots.heat_map(
        likeness, rows=chosen, columns=chosen, low=0, high=1, title=f"Cosine similarity, window {window.value}"
    )
    return chosen, kind, likeness


@app.cell
def _(kind, likeness):
    _same = kind[:, None] == kind
    within = likeness[_same & ~np.eye(len(kind), dtype=bool)].mean()
    between = likeness[~_same].mean()
    assert within > between + 0.1, "whatever the window, words of a kind are more alike"
    assert np.abs(np.diagonal(likeness) - 1).max() < 1e-12
    mo.md(f"Words of one kind: **{within:.2f}** on average. Words of two kinds: **{between:.2f}**.")
    return between, within


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is left out

    Counts are long and crude: one number for each word of the language, and most are 0. A language model learns short
    vectors instead. Where it decides which words look at which (its *attention*, a lesson far ahead), it compares them by
    the dot product, so that there a long arrow may speak louder.

    ## Try

    - Set the window to 1: only the weekdays stand apart, since all other words here follow `the`. Set it to 10: everything
      grows alike, since all stand in the same stories. In between the four squares are clearest.
    - Choose `mira`: the nearest words by cosine are other names. Nobody told the machine what a name is.
    - Copy the small text and let only the dog sleep: the rows of `cat` and `dog` are no longer equal, but still near.

    Write it yourself: `groundup learn start cosine_similarity`
    """)
    return


if __name__ == "__main__":
    app.run()
