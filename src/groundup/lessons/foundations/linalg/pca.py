"""Lesson: principal components: the directions in which data varies most, and pictures of words in 2D and 3D."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="PCA: a picture of many dimensions", width="medium")

with app.setup:
    import math
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.foundations.linalg.pca import pca
    from groundup.foundations.linalg.vectors import count_neighbours


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # PCA: a picture of many dimensions

    A word of a language model is hundreds of numbers. A screen shows two. Principal component analysis turns the data so that
    the two shown are those that say most. Afterwards you can compute the first component by hand for four points, draw words
    in two and three dimensions, and say how much such a picture leaves out.
    """)
    return


@app.cell
def _():
    kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "looks": "red blue wooden plain pretty big",
        "family": "aunt sister brother mother",
        "names": "tom lena ana ben leo rosa",
        "things": "ball cup hat hammer drum kite",
    }
    chosen = " ".join(kinds.values()).split()
    kind = [name for name, group in kinds.items() for _ in group.split()]
    _text = " ".join(document.text for document in tinyworld.sample(0, 400))
    words, _counts = count_neighbours(re.findall(r"[a-z]+", _text.lower()), window=2)
    _rows = _counts[[words.index(word) for word in chosen]]
    vectors = _rows / np.linalg.norm(_rows, axis=1, keepdims=True)  # of each word the direction alone

    def beside_its_kind(points):
        """The share of words whose nearest neighbour is of their own kind."""
        apart = np.linalg.norm(points[:, None] - points[None], axis=2) + np.diag(np.full(len(points), np.inf))
        return np.mean([kind[row] == kind[near] for row, near in enumerate(apart.argmin(axis=1))])

    share = beside_its_kind(pca(vectors, 2).transform(vectors))
    mo.md(
        f"{len(chosen)} words of six kinds, each a list of {vectors.shape[1]} numbers: how often which word stands beside it. "
        f"PCA leaves two numbers a word, and **{share:.0%}** of the words still have one of their own kind as nearest neighbour. "
        "It was never told the kinds."
    )
    return beside_its_kind, chosen, kind, kinds, share, vectors, words


@app.cell
def _(beside_its_kind, share, vectors):
    assert share > 0.8
    assert beside_its_kind(vectors) >= 0.95, "with all numbers"
    assert beside_its_kind(np.random.default_rng(0).normal(size=(len(vectors), 2))) < 0.5, "by luck"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four points, by hand

    (1, 1), (5, 5), (4, 2) and (2, 4). Their mean is (3, 3); seen from there they are (-2, -2), (2, 2), (1, -1) and
    (-1, 1). Along the rising diagonal the first two lie $\sqrt 8$ away from the middle and the others 0; along the
    falling one the last two lie $\sqrt 2$ away. **Variance** is the sum of squares, divided by one less than the number
    of points. (One less, since the mean was taken from the same points and lies too near to them; the lesson on maximum
    likelihood measures it.)
    """)
    return


@app.cell
def _():
    four = np.array([[1.0, 1.0], [5.0, 5.0], [4.0, 2.0], [2.0, 4.0]])
    by_hand = pca(four, 2)
    assert np.allclose(by_hand.mean, [3, 3])
    assert np.allclose(np.abs(by_hand.components), math.sqrt(0.5)), "the two diagonals"
    assert np.allclose(by_hand.explained_variance, [(8 + 8) / 3, (2 + 2) / 3])
    mo.md(
        f"The rising diagonal holds {by_hand.explained_variance[0]:.2f} of the variance, the falling one {by_hand.explained_variance[1]:.2f}: "
        f"a share of **{by_hand.explained_variance_ratio[0]:.0%}** for the first."
    )
    return by_hand, four


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which direction says most?

    Here is a cloud. If you may keep one number a point, its place along one line, which line do you take? Turn it: the
    longer the shadow of the cloud on the line, the more of the differences between points survives. The direction of the
    largest variance is the **first principal component**; the second is the best at a right angle to it, and so on.
    """)
    return


@app.cell
def _():
    degrees = mo.ui.slider(0, 180, step=10, value=90, label="the line, in degrees", show_value=True)
    degrees
    return (degrees,)


@app.cell
def _(degrees):
    cloud = np.random.default_rng(1).normal(size=(150, 2)) * [2.0, 0.6] @ np.array([[0.87, 0.5], [-0.5, 0.87]])
    along = np.array([math.cos(math.radians(degrees.value)), math.sin(math.radians(degrees.value))])
    found = pca(cloud, 2)
    shadow = (cloud - found.mean) @ along
    kept = shadow.var(ddof=1) / cloud.var(axis=0, ddof=1).sum()
    plots.scatter(
        [*cloud, *(found.mean + shadow[:, None] * along)],
        groups=["cloud"] * 150 + ["its shadow on the line"] * 150,
        paths=[[found.mean - 6 * along, found.mean + 6 * along], [[-6, -6]] * 2, [[6, 6]] * 2],
        square=True,
        title=f"The line keeps {kept:.0%} of the variance",
    )
    return along, cloud, found, kept, shadow


@app.cell
def _(along, cloud, found, kept, shadow):
    assert kept <= found.explained_variance_ratio[0] + 1e-12, "no line beats the first component"
    assert kept >= found.explained_variance_ratio[1] - 1e-12, "and none keeps less than the last"
    _matrix = np.cov(cloud.T)
    assert abs(along @ _matrix @ along - shadow.var(ddof=1)) < 1e-10, "the covariance matrix knows all shadows"
    assert np.allclose(np.linalg.eigvalsh(_matrix)[::-1], found.explained_variance), (
        "and its eigenvalues are the variances"
    )
    _best = math.degrees(math.atan2(*found.components[0][::-1]))
    mo.md(f"The best line is at **{_best:.1f}** degrees and keeps {found.explained_variance_ratio[0]:.1%}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Computed without squaring

    The textbook takes eigenvectors of the **covariance matrix** $X^T X / (n - 1)$, where $X$ is the data less its mean, a
    row a point. On its diagonal stand the variances of the features, beside it how two features vary together: 0 means
    that one says nothing of the other by a line (they are *uncorrelated*). The variance along a direction $d$ is
    $d^T (X^T X) d / (n - 1)$, and the eigenvectors are the directions in which that is largest, each at a right angle to
    those before. The library takes the singular value decomposition $X = U S V^T$ of the data itself. As
    $X^T X = V S^2 V^T$, the rows of $V^T$ are the directions, and $s^2 / (n - 1)$ the variances. On paper that is the
    same. In a computer a spread of $10^{-10}$ beside one of 1 becomes $10^{-20}$ when squared, and falls below the
    sixteen digits of the larger.
    """)
    return


@app.cell
def _():
    _signs = np.array([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])[
        1:
    ].T  # three columns at right angles
    _thin = _signs * [1, 1, 1e-10] @ np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    spread = math.sqrt(pca(_thin, 3).explained_variance[2])
    by_covariance = math.sqrt(abs(np.linalg.eigvalsh(np.cov(_thin.T))[0]))
    truth = 1e-10 * math.sqrt(4 / 3)
    assert abs(spread / truth - 1) < 1e-4
    assert abs(by_covariance / truth - 1) > 0.5
    mo.md(
        f"The smallest spread is {truth:.4e}. By the data's own SVD: **{spread:.4e}**; by the covariance: {by_covariance:.1e}."
    )
    return by_covariance, spread, truth


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The words

    Now the same with words, 822 numbers each. Choose which components are drawn, and turn the one in space with the mouse.
    """)
    return


@app.cell
def _():
    view = mo.ui.dropdown(
        {"1 and 2": [0, 1], "1 and 3": [0, 2], "2 and 3": [1, 2], "1, 2 and 3": [0, 1, 2]},
        value="1 and 2",
        label="components",
    )
    view
    return (view,)


@app.cell
def _(chosen, kind, vectors, view):
    components = pca(vectors, 8)
    scores = components.transform(vectors)
    _names = [f"component {number + 1}" for number in view.value]
    _share = components.explained_variance_ratio[view.value].sum()
    plots.scatter(
        scores[:, view.value],
        labels=chosen,
        groups=kind,
        x=_names[0],
        y=_names[1],
        z=_names[-1],
        title=f"{_share:.0%} of the variance",
    )
    return components, scores


@app.cell
def _(beside_its_kind, components, scores, view):
    assert np.allclose(components.components @ components.components.T, np.eye(8)), "directions at right angles"
    assert np.allclose(np.cov(scores.T), np.diag(components.explained_variance)), "no two components tell the same"
    assert (np.diff(components.explained_variance) <= 0).all()
    assert beside_its_kind(scores[:, view.value]) > 0.6
    mo.md(f"In this view **{beside_its_kind(scores[:, view.value]):.0%}** of the words stand beside one of their kind.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much is left out

    Keep $k$ components and go back: the points are the nearest ones that $k$ directions allow. What is missing is exactly the
    variance of the directions that were dropped. Words need few; random numbers of the same size need nearly all. (To
    **whiten** is to divide each component by its own spread, so that all have the variance 1.)
    """)
    return


@app.cell
def _(vectors):
    def missing(data, counts):
        """The share of the variance that is gone after so many components and back, for each count."""
        best = pca(data, max(counts))
        parts = best.transform(data)
        backs = [best.mean + parts[:, :count] @ best.components[:count] for count in counts]
        return [((data - back) ** 2).sum() / ((data - best.mean) ** 2).sum() for back in backs]

    sizes = [1, 2, 3, 5, 8, 12, 20, 30]
    _random = np.random.default_rng(3).normal(size=vectors.shape)
    left_out = {"words": missing(vectors, sizes), "random": missing(_random, sizes)}
    plots.lines(
        sizes, left_out, x="components", y="share of the variance left out", marked=True, title="There and back"
    )
    return left_out, missing, sizes


@app.cell
def _(components, left_out, sizes, vectors):
    assert abs(left_out["words"][4] - (1 - components.explained_variance_ratio.sum())) < 1e-10
    assert left_out["words"][4] < 0.25 < 0.6 < left_out["random"][4]
    assert sizes[4] == len(components.components)
    _back = components.inverse_transform(components.transform(vectors))
    assert abs(((vectors - _back) ** 2).sum() / ((vectors - components.mean) ** 2).sum() - left_out["words"][4]) < 1e-10
    assert np.allclose(np.cov(components.whiten(vectors).T), np.eye(8)), "whitened: all spreads 1, no correlation"
    _largest = np.abs(components.components).argmax(axis=1)
    assert (components.components[range(8), _largest] > 0).all(), "signs are fixed, so the picture never mirrors itself"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A warning. Large variance is not the same as importance: a rare but decisive difference may sit in the last component. And
    distances in a flat picture are too short, never too long: what looks near may be far apart in the rest.

    ## Try

    - Turn the line from 30 to 120 degrees: nearly all of the variance, then nearly nothing.
    - Draw 1 and 2: the first component is little else than "is it a day?". Which kinds does only the third one part?
    - In a new cell: `[words[row] for row in np.abs(components.components[0]).argsort()[-3:]]` are the neighbours that decide
      the first component: it sets what follows `the` against what follows `on`.

    Write it yourself: `groundup learn start pca`
    """)
    return


if __name__ == "__main__":
    app.run()
