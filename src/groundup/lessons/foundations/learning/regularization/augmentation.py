"""Lesson: data augmentation: more examples from the same ones, by changes that must not change the answer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Augmentation: changes that do not matter", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.regularization.augmentation import augment_images, jitter, mixup, shift
    from groundup.foundations.learning.regularization.penalties import ridge
    from groundup.foundations.learning.supervised.linear import linear_regression
    from groundup.foundations.learning.supervised.neighbours import nearest_neighbours


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Augmentation: changes that do not matter

    A digit stays the same digit when it moves by a pixel. You know that; a program that compares pixels does not. Afterwards you can teach it
    by examples that cost nothing, say which changes teach a lie, and why noise on the inputs is a penalty on the weights.
    """)
    return


@app.cell
def _():
    _drawn = """
    .###. ..#.. ####. ####. #..#. ##### .###. ##### .###. .###.
    #...# .##.. ....# ....# #..#. #.... #.... ...#. #...# #...#
    #...# ..#.. .###. .###. ##### ####. ####. ..#.. .###. .####
    #...# ..#.. #.... ....# ...#. ....# #...# .#... #...# ....#
    .###. .###. ##### ####. ...#. ####. .###. .#... .###. .###."""
    _rows = [line.split() for line in _drawn.strip().splitlines()]
    _small = np.array([[[float(dot == "#") for dot in row[digit]] for row in _rows] for digit in range(10)])
    digits = np.pad(_small, ((0, 0), (2, 2), (2, 2)))  # five by five in the middle of nine by nine
    _moved, _answers = augment_images(digits, np.arange(10), 20, 2, np.random.default_rng(1))
    asked, answers = _moved[10:] + 0.2 * np.random.default_rng(2).normal(size=(200, 9, 9)), _answers[10:]

    def read(images, labels, queries):
        """Each query gets the label of the picture that is nearest to it, pixel by pixel."""
        flat = [one.reshape(len(one), -1) for one in (images, queries)]
        return nearest_neighbours(flat[0], labels, flat[1], 1)

    def score(copies):
        """The part of the asked pictures that is read rightly after seeing each digit and so many moved copies."""
        seen, labels = augment_images(digits, np.arange(10), copies, 2, np.random.default_rng(0))
        return float((read(seen, labels, asked) == answers).mean())

    plain, taught = score(0), score(100)
    mo.md(
        f"A program has seen each digit once, in the middle of the picture. Shown digits that are moved by up to two pixels it reads {plain:.0%}, "
        f"and dice would read 10%. Then it sees 100 moved copies of each, made by a line of code: **{taught:.0%}**."
    )
    return answers, asked, digits, plain, read, score, taught


@app.cell
def _(plain, taught):
    assert plain < 0.25
    assert taught > 0.95
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why pixels do not know

    A picture is a list of numbers, and a move by one pixel changes most of them. Two rows of two pixels, moved down by one:

    | before | after |
    |---|---|
    | 1 2 | 0 0 |
    | 3 4 | 1 2 |

    What leaves is lost, what comes in is 0. In squared distance the digit 1 is farther from itself, one pixel to the right, than from other
    digits.
    """)
    return


@app.cell
def _(digits):
    assert shift([[1, 2], [3, 4]], down=1, right=0).tolist() == [[0, 0], [1, 2]]
    _apart = ((shift(digits[1], 0, 1) - digits) ** 2).sum(axis=(1, 2))
    nearest = int(_apart.argmin())
    assert nearest != 1
    assert _apart[nearest] < _apart[1]
    mo.md(
        f"From the moved 1 to the 1 in the middle: {_apart[1]:.0f} pixels differ. To the digit {nearest}: **{_apart[nearest]:.0f}**."
    )
    return (nearest,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Move it

    The digit 4, moved sideways. Two programs read it: one that has seen each digit once, and one that has seen moved copies as well.
    """)
    return


@app.cell
def _():
    right = mo.ui.slider(-2, 2, value=0, label="pixels to the right", show_value=True)
    right
    return (right,)


@app.cell
def _(digits, read, right):
    four = shift(digits[4], 0, right.value)
    _seen, _labels = augment_images(digits, np.arange(10), 100, 2, np.random.default_rng(0))
    once, often = int(read(digits, np.arange(10), four[None])[0]), int(read(_seen, _labels, four[None])[0])
    plots.heat_map(four, low=0, high=1, title=f"Seen once each: reads {once}. With moved copies: {often}")
    return four, often, once


@app.cell
def _(four, often, once, right):
    assert often == 4
    assert (once == 4) == (right.value == 0)
    assert four.sum() == 11, "the frame is wide enough: nothing is lost"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many copies?

    There are 25 moves by up to two pixels. Copies are drawn at random, so it takes some more than 25 to have met nearly all.
    """)
    return


@app.cell
def _(score):
    copies = [1, 3, 10, 30, 100]
    scores = [score(one) for one in copies]
    assert (np.diff(scores) > 0).all()
    plots.lines(
        copies, {"read rightly": scores}, levels={"without": score(0)}, log_x=True, marked=True,
        x="moved copies of each digit", y="share", title="Ten drawings, many copies",
    )  # fmt: skip
    return copies, scores


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A change that lies

    Turned upside down, a 0 is still a 0. So why not turn all digits too? Because a 6 upside down *is* a 9, here pixel for pixel. Give the
    turned pictures the old labels, and the program is told that one picture is both.
    """)
    return


@app.cell
def _(answers, asked, digits, read):
    _turned = digits[:, ::-1, ::-1]
    assert (_turned[6] == digits[9]).all()
    _seen, _labels = augment_images(digits, np.arange(10), 100, 2, np.random.default_rng(0))
    _order = np.random.default_rng(5).permutation(2 * len(_seen))  # of equally near pictures the first one counts
    _both, _twice = np.concatenate([_seen, _seen[:, ::-1, ::-1]])[_order], np.tile(_labels, 2)[_order]
    told, lied = (read(one, of, asked) == answers for one, of in ((_seen, _labels), (_both, _twice)))
    confused = {name: float(one[np.isin(answers, [6, 9])].mean()) for name, one in {"told": told, "lied": lied}.items()}
    assert confused["told"] > 0.9
    assert 0.2 < confused["lied"] < 0.8, "a coin decides"
    mo.md(
        f"Of the sixes and nines {confused['told']:.0%} are read rightly, and with turned copies **{confused['lied']:.0%}**."
    )
    return confused, lied, told


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Noise is a penalty

    Numbers may tremble (**jitter**): a measurement is never exact. For a weighted sum the noise can be averaged by hand. Noise of variance
    $s^2$ on each input adds $s^2 |w|^2$ to the mean squared error, and that is **ridge** (lesson *penalties*) with the penalty $s^2$.
    Below: weights from 300 trembling copies of 20 examples, and weights from ridge on the 20 alone.
    """)
    return


@app.cell
def _():
    spread = mo.ui.slider(0.0, 2.0, step=0.5, value=1.0, label="noise s", show_value=True)
    spread
    return (spread,)


@app.cell
def _(spread):
    _generator = np.random.default_rng(4)
    _x = _generator.normal(size=(20, 4))
    _y = _x @ [2.0, -1.0, 0.5, 0.0] + 0.3 * _generator.normal(size=20)
    _noisy = jitter(np.tile(_x, (300, 1)), spread.value, _generator)
    shaken = linear_regression(_noisy, np.tile(_y, 300)).weights
    held = ridge(_x, _y, spread.value**2).weights
    plots.value_bars(
        {name: {f"weight {n + 1}": float(w) for n, w in enumerate(one)} for name, one in {"noise": shaken, "ridge": held}.items()},
        y="weight", title=f"Noise {spread.value:g}, or penalty {spread.value**2:g}",
    )  # fmt: skip
    return held, shaken


@app.cell
def _(held, shaken, spread):
    assert np.abs(shaken - held).max() < 0.1, "the same but for chance"
    assert spread.value > 0 or np.allclose(shaken, held)
    f"largest difference of two weights: {np.abs(shaken - held).max():.3f}"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Between two examples

    **Mixup** blends pairs, answers too: 70% of a 1 and 30% of a 7 is to be read as "1 with 0.7, 7 with 0.3". What lies between examples should
    get an answer between theirs. The shares are drawn at random; each row below is an answer.
    """)
    return


@app.cell
def _(digits):
    _flat = digits.reshape(10, -1)
    blended, shares = mixup(_flat, np.eye(10), 0.4, np.random.default_rng(6))
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(blended, shares @ _flat), "pictures and answers by the same shares"
    plots.heat_map(shares, low=0, high=1, x="digit", y="new example", title="What each new example is to be read as")
    return blended, shares


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Split first

    Where copies of one example stand in the training part and in the validation part, the program is asked what it was told. To show it, 100
    points of pure noise, with labels thrown by dice: there is nothing to be learned, and 10% is all that can be right.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(7)
    _points, _labels = _generator.normal(size=(100, 20)), _generator.integers(0, 10, 100)
    _copies, _same = jitter(np.tile(_points, (5, 1)), 0.2, _generator), np.tile(_labels, 5)
    _order = _generator.permutation(500)
    _train, _asked = _order[:400], _order[400:]
    leaked = float((nearest_neighbours(_copies[_train], _same[_train], _copies[_asked], 1) == _same[_asked]).mean())
    _known = np.arange(500) % 100 < 80  # the first 80 points and all their copies
    honest = float((nearest_neighbours(_copies[_known], _same[_known], _points[80:], 1) == _labels[80:]).mean())
    assert leaked > 0.9
    assert honest < 0.35
    mo.md(f"Copied first and split then: **{leaked:.0%}** right, on dice. Split first: {honest:.0%}.")
    return honest, leaked


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the 4: one pixel, and the first program reads another digit. The second is right everywhere.
    - Noise 0: both are least squares. At 2 all weights are small, and equal for both but for chance.
    - Which changes leave a sentence's meaning alone? Another case, a synonym, a typing error. And "not" left out?

    Write it yourself: `groundup learn start ridge`, `groundup learn start nearest_neighbours`
    """)
    return


if __name__ == "__main__":
    app.run()
