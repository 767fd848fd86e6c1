"""Lesson: surprise in bits, its average, and how much less it is when something else is known."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How much is there to know?", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.foundations.information.entropy import (
        conditional_entropy,
        entropy,
        entropy_of_counts,
        mutual_information,
        pairs,
        surprise,
        surprises,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How much is there to know?

    News that was certain is no news. This lesson makes a number of that: how surprising one letter is, how surprising a
    text is on average, and how much less when the letter before is known. That average is the floor which no language
    model gets below.
    """)
    return


@app.cell
def _():
    letters = "".join(document.text for document in tinyworld.sample(0, 300))
    _counts = Counter(letters)
    shares = {letter: count / len(letters) for letter, count in _counts.most_common()}
    whole = entropy(list(shares.values()))
    after = conditional_entropy(pairs(letters))
    mo.md(
        f"A text of {len(letters):,} letters is stored with 8 bits for each. The letters' own frequencies need only "
        f"{whole:.2f} bits; "
        f"with the letter before known, **{after:.2f} bits** are left to say."
    )
    return after, letters, shares, whole


@app.cell
def _(after, shares, whole):
    assert after < whole - 1 < 7
    assert whole < np.log2(len(shares)), "less than if all its letters were equally frequent"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Questions with two answers

    Somebody thinks of one of eight cards, each as likely as the others. Ask "is it in the first half?", and again, and
    again: three questions find it, since $2 \cdot 2 \cdot 2 = 8$. So to hear which of eight cards it is, is worth three
    questions, three **bits**. In general something of the probability $p$ is worth

    $$\log_2 \frac{1}{p} \text{ bits}$$

    and this is called its **surprise**: how often 2 must be multiplied by itself to give $1/p$.
    """)
    return


@app.cell
def _():
    chances = np.linspace(0.02, 1, 50)
    heights = [surprise(chance) for chance in chances]
    plots.lines(
        chances, {"surprise": heights}, x="probability", y="bits", title="Half as likely is one bit more surprising"
    )
    return chances, heights


@app.cell
def _(chances, heights):
    assert (surprise(1.0), surprise(0.5), surprise(1 / 8)) == (0.0, 1.0, 3.0)
    assert surprise(0.0) == float("inf"), "what cannot happen would be infinitely surprising"
    assert np.allclose(surprise(0.5 * 0.25), surprise(0.5) + surprise(0.25)), "two independent surprises add up"
    assert all(np.diff(heights) < 0), f"from {chances[0]:.2f} to {chances[-1]:.0f} it only falls"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The average

    Four cards again, and now the first comes half of the time, the second in a quarter, the others in an eighth. Their
    surprises are 1, 2, 3 and 3 bits. Each is met as often as its card comes, so on average:

    $$\tfrac12 \cdot 1 + \tfrac14 \cdot 2 + \tfrac18 \cdot 3 + \tfrac18 \cdot 3 = 1.75$$

    This is the **entropy**. With four equal cards it would be 2. Less even means less to learn.
    """)
    return


@app.cell
def _():
    cards = [0.5, 0.25, 0.125, 0.125]
    by_hand = sum(p * surprise(p) for p in cards)
    mo.md(f"By hand {by_hand} bits, by the library {entropy(cards):.2f}, four equal cards {entropy([0.25] * 4):.2f}.")
    return by_hand, cards


@app.cell
def _(by_hand, cards):
    assert by_hand == 1.75 and np.isclose(entropy(cards), 1.75)
    assert np.isclose(entropy([0.25] * 4), 2)
    assert np.isclose(entropy([1.0, 0.0]), 0), "nothing to learn; what never happens adds nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A coin has one number, its share of heads. Move it and watch two curves: the surprise of heads, and the average over
    heads and tails.
    """)
    return


@app.cell
def _():
    heads = mo.ui.slider(0.1, 0.9, step=0.1, value=0.9, label="share of heads", show_value=True)
    heads
    return (heads,)


@app.cell
def _(heads):
    _p = float(heads.value)
    _coins = np.linspace(0.01, 0.99, 99)
    entropies = [entropy([p, 1 - p]) for p in _coins]
    own = entropy([_p, 1 - _p])
    plots.lines(
        _coins,
        {"average over both sides": entropies, "surprise of heads alone": [surprise(p) for p in _coins]},
        x="share of heads",
        y="bits",
        levels={f"a coin with {_p:.1f} heads": own},
        title=f"{_p:.1f} heads: they surprise by {surprise(_p):.2f} bits, tails by {surprise(1 - _p):.2f}; mean {own:.2f}",
    )
    return entropies, own


@app.cell
def _(entropies, heads, own):
    assert int(np.argmax(entropies)) == 49 and np.isclose(max(entropies), 1), "the fair coin has most to tell: one bit"
    assert 0 < own < 1 + 1e-9
    assert np.isclose(own, entropy([1 - heads.value, heads.value])), "what the sides are called does not matter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Knowing something else

    After `q` comes `u`. One letter tells about the next. Put all pairs of neighbours into a table, the letter before in
    the rows, the letter after in the columns, and divide by the number of pairs. In the text `abababcc`:
    """)
    return


@app.cell
def _():
    small = pairs("abababcc")
    plots.heat_map(
        small, rows="abc", columns="abc", x="then", y="first", text=True, title="The seven pairs of abababcc"
    )
    return (small,)


@app.cell
def _(small):
    told = mutual_information(small)
    mo.md(
        f"Of the next letter there are {entropy(small.sum(0)):.2f} bits to know. With the one before known, "
        f"{conditional_entropy(small):.2f} "
        f"are left. So a letter tells **{told:.2f} bits** about its follower: their **mutual information**."
    )
    return (told,)


@app.cell
def _(small, told):
    assert np.isclose(told, entropy(small.sum(0)) - conditional_entropy(small))
    assert np.isclose(told, mutual_information(small.T)), "the follower tells just as much about the one before"
    assert np.isclose(mutual_information([[0.25, 0.25], [0.25, 0.25]]), 0), (
        "two separate coins tell nothing of each other"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far back does a text remember?

    Nothing says that the pairs must be neighbours. Take a letter and the one 2, 3, ... 40 places later. To know how
    much of the curve is chance, do the same with the letters shuffled: they have the same frequencies and no memory at
    all.
    """)
    return


@app.cell
def _(letters):
    _shuffled = np.random.default_rng(0).permutation(list(letters)).tolist()
    _distances = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40]
    memory = [mutual_information(pairs(letters, distance)) for distance in _distances]
    noise = [mutual_information(pairs(_shuffled, distance)) for distance in _distances]
    plots.lines(
        _distances,
        {"the text": memory, "its letters shuffled": noise},
        x="letters back",
        y="bits that are told",
        log_y=True,
        marked=True,
        title=f"One letter back tells {memory[0]:.2f} bits, forty back {memory[-1]:.3f}",
    )
    return memory, noise


@app.cell
def _(memory, noise):
    assert memory[0] == max(memory) and memory[0] > 10 * memory[-1]
    assert min(memory) > 1.2 * max(noise), "forty letters back is still more than chance"
    assert min(noise) > 0, "and chance is never nothing: a sample always seems to hold a pattern"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The shuffled letters should tell 0 and do not quite. Counted shares look more orderly than what they were counted
    from, so an entropy that is counted is too low, by about $(K - 1) / (2 N \ln 2)$ bits for $K$ different things seen in $N$
    draws (Miller 1955). With few draws it matters: throw a die of eight sides, whose entropy is 3 bits, a few times.
    """)
    return


@app.cell
def _():
    _throws = [10, 20, 40, 80, 160]
    _generator = np.random.default_rng(1)
    _counts = {n: _generator.multinomial(n, [1 / 8] * 8, size=300) for n in _throws}
    counted = [float(np.mean([entropy(one / n) for one in _counts[n]])) for n in _throws]
    corrected = [float(np.mean([entropy_of_counts(one) for one in _counts[n]])) for n in _throws]
    plots.lines(
        _throws,
        {"from the shares": counted, "with (K - 1) / (2 N ln 2) added": corrected},
        x="throws N",
        y="bits",
        log_x=True,
        levels={"the die": 3.0},
        marked=True,
        title=f"Ten throws seem to hold {counted[0]:.2f} bits instead of 3",
    )
    return corrected, counted


@app.cell
def _(corrected, counted):
    assert all(np.diff(counted) > 0) and counted[-1] < 3
    assert all(abs(after - 3) < abs(before - 3) for before, after in zip(counted, corrected, strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A sentence, letter by letter

    Last, the use. Whoever guesses each letter of a sentence from the one before is surprised more at some places than
    at others. Here the guesses are the table of pairs of the text above, row by row.
    """)
    return


@app.cell
def _(letters, shares):
    _alphabet = sorted(set(letters), key=str)
    _table = pairs(letters) + 1e-6
    _rows = _table / _table.sum(1, keepdims=True)
    _first = np.array([shares[letter] for letter in _alphabet])
    sentence = "Where is the guitar?"
    _ids = [_alphabet.index(letter) for letter in sentence]
    bits = surprises(_ids, lambda before: _rows[before[-1]] if len(before) else _first)
    plots.value_bars(
        {
            "surprise": {
                f"{place + 1} {letter}": float(bit)
                for place, (letter, bit) in enumerate(zip(sentence, bits, strict=True))
            }
        },
        y="bits",
        title=f"{bits.sum():.0f} bits in all for {len(sentence)} letters, instead of {8 * len(sentence)}",
    )
    return bits, sentence


@app.cell
def _(bits, sentence):
    assert bits.sum() < 4 * len(sentence), "half of what the file needs"
    assert bits[13:19].mean() > 2 * bits[1:12].mean(), "a rare word costs much, letter by letter; a frequent one little"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move heads from 0.5 to 0.9: the average falls to less than half, though tails became more surprising. They come
      too seldom to count.
    - Change `sentence` to `Where is the zebra?`: in the text no word begins with a `z`, so this letter alone costs 17
      bits, nearly as much as all of `here is the`.
    - `pairs("abc" * 50, 3)`: three letters back tells everything about a letter, 1.58 bits, and so does one letter
      back.

    Write it yourself: `groundup learn start entropy`, then `groundup learn start mutual_information`
    """)
    return


if __name__ == "__main__":
    app.run()
