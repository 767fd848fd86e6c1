"""Lesson: hierarchical clustering: the two nearest groups become one, again and again, and what remains is a tree."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A tree of groups: who is nearest to whom", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.samples import squared_distances
    from groundup.foundations.learning.unsupervised.hierarchy import cut, linkage
    from groundup.foundations.learning.unsupervised.k_means import k_means


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A tree of groups: who is nearest to whom

    Families of languages, kinds of texts, words that mean nearly the same: groups that contain groups. Afterwards you can build such a tree
    by hand, read it, cut it into any number of groups, and say why three definitions of "near" give three trees.
    """)
    return


@app.cell
def _():
    counting = {
        "English": "one two three four five six seven eight nine ten",
        "Dutch": "een twee drie vier vijf zes zeven acht negen tien",
        "German": "eins zwei drei vier fünf sechs sieben acht neun zehn",
        "Danish": "en to tre fire fem seks syv otte ni ti",
        "Swedish": "ett två tre fyra fem sex sju atta nio tio",  # atta for åtta: å counts as an a
        "Spanish": "uno dos tres cuatro cinco seis siete ocho nueve diez",
        "Italian": "uno due tre quattro cinque sei sette otto nove dieci",
        "Portuguese": "um dois três quatro cinco seis sete oito nove dez",
        "French": "un deux trois quatre cinq six sept huit neuf dix",
        "Finnish": "yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen",
    }
    languages = list(counting)
    _letters = sorted({word[0] for text in counting.values() for word in text.split()})
    first = np.array(
        [[float(word[0] == one) for word in text.split() for one in _letters] for text in counting.values()]
    )
    families = cut(linkage(first), 3)
    trees = math.prod(range(3, 2 * len(languages) - 2, 2))
    named = [" ".join(languages[i] for i in np.flatnonzero(families == group)) for group in range(3)]
    mo.md(
        f"Ten languages count to ten. Look at nothing but the first letter of each word. There are {trees:,} ways to arrange ten languages in "
        f"a tree; nine merges of the nearest two find one, and cut into **{families.max() + 1}** it says: *{named[0]}* / *{named[1]}* / "
        f"*{named[2]}*. Linguists agree."
    )  # fmt: skip
    return counting, families, first, languages, named, trees


@app.cell
def _(families, languages, trees):
    assert trees == 34_459_425, "3 * 5 * 7 * ... * 17"
    assert dict(zip(languages, families.tolist(), strict=True)) == {
        **dict.fromkeys(["English", "Dutch", "German", "Danish", "Swedish"], 0),
        **dict.fromkeys(["Spanish", "Italian", "Portuguese", "French"], 1),
        "Finnish": 2,
    }, "Germanic, Romance, Finnic"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four points, by hand

    On a line: 0, 1, 3, 7. At first each is a group of its own. The nearest two are 0 and 1, at the distance 1: they become one group. And
    how far is the point 3 from the group {0, 1}? It is 3 from the one and 2 from the other. Three answers have names (**linkages**):

    | linkage | distance of groups | {0, 1} to 3 | {0, 1, 3} to 7 |
    |---|---|---|---|
    | single | of the nearest pair | 2 | 4 |
    | complete | of the farthest pair | 3 | 7 |
    | average | mean of all pairs | 2.5 | (7 + 6 + 4) / 3 = 5.67 |

    The distance at which two groups become one is the **height** of their merge.
    """)
    return


@app.cell
def _():
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    heights = {method: linkage(line, method)[:, 2] for method in ("single", "complete", "average")}
    assert np.allclose(heights["single"], [1, 2, 4])
    assert np.allclose(heights["complete"], [1, 3, 7])
    assert np.allclose(heights["average"], [1, 2.5, 17 / 3])
    assert cut(linkage(line), 2).tolist() == [0, 0, 0, 1]
    "; ".join(f"{name}: " + ", ".join(f"{one:.2f}" for one in found) for name, found in heights.items())
    return heights, line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Read the tree

    The languages again. Two of them are apart by how many of the ten words begin with another letter; that number is half the squared
    distance. Each bracket joins two groups, and stands where they merge. Choose the linkage.
    """)
    return


@app.cell
def _(first):
    differ = squared_distances(first, first) / 2

    def as_drawn(merges):
        """The order of the leaves, and a bracket for each merge: its four corners."""
        n = len(merges) + 1
        under = {leaf: [leaf] for leaf in range(n)}
        for step, (one, other) in enumerate(merges[:, :2].astype(int).tolist()):
            under = {**under, n + step: under[one] + under[other]}
        place = {leaf: (0.0, float(spot)) for spot, leaf in enumerate(under[2 * n - 2])}
        brackets: list[np.ndarray] = []
        for step, (one, other, height, _) in enumerate(merges.tolist()):
            (a, low), (b, high) = place[int(one)], place[int(other)]
            brackets = [*brackets, np.array([[a, low], [height, low], [height, high], [b, high]])]
            place = {**place, n + step: (height, (low + high) / 2)}
        return under[2 * n - 2], brackets

    return as_drawn, differ


@app.cell
def _():
    method = mo.ui.dropdown(["single", "average", "complete"], value="average", label="linkage")
    method
    return (method,)


@app.cell
def _(as_drawn, first, languages, method):
    merges = linkage(first, method.value)
    _order, _brackets = as_drawn(merges)
    _groups = cut(merges, 3)[_order]
    plots.scatter(
        np.column_stack([np.full(10, -0.4), np.arange(10)]),
        labels=[languages[leaf] for leaf in _order], groups=[f"group {one + 1} of 3" for one in _groups],
        paths=[*_brackets, np.array([[-1.2, 0], [-1.2, 0]])],  # room for the names
        x="height", title=f"The tree of {method.value} linkage",
    )  # fmt: skip
    return (merges,)


@app.cell
def _(differ, first, languages, merges, method):
    _same = int((merges[:, 2] == 0).sum())
    assert (np.diff(merges[:, 2]) >= -1e-12).all(), "no merge is lower than the one before"
    assert _same == 1 and differ[languages.index("Italian"), languages.index("Portuguese")] == 0
    assert [differ[0, languages.index(one)] for one in ("Swedish", "Italian", "Finnish")] == [2, 6, 9]
    _germanic = cut(merges, 3)[:5]
    assert (len(set(_germanic.tolist())) == 1) == (method.value != "complete")
    _wide = np.sqrt(2 * differ.max())
    assert merges[-1, 2] <= _wide
    mo.md(
        f"The last merge stands at {merges[-1, 2]:.2f}. Italian and Portuguese begin all ten words alike: height 0. English and Swedish differ in "
        f"2 words, English and Italian in 6, English and Finnish in 9. "
        + (
            "Complete linkage looks at the farthest pair only, and one pair that differs in many words keeps relatives apart: Dutch and German "
            "are cut off from the other Germanic ones."
            if method.value == "complete"
            else "Cut at three groups, the families are whole."
        )
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Cut where you like

    The tree is made once. Cutting it costs nothing: undo the last merges, until there are as many groups as you want. k-means would have
    to start anew for each number, and its groups need not lie inside each other.
    """)
    return


@app.cell
def _():
    number = mo.ui.slider(1, 10, value=3, label="groups", show_value=True)
    number
    return (number,)


@app.cell
def _(first, languages, number):
    tree = linkage(first)
    parts = cut(tree, number.value)
    _finer = cut(tree, min(number.value + 1, 10))
    assert len(set(parts.tolist())) == number.value
    assert all(len(set(parts[_finer == one].tolist())) == 1 for one in range(_finer.max() + 1)), (
        "finer groups lie inside"
    )
    _together = (parts[:, None] == parts).astype(float)
    plots.heat_map(
        _together, rows=languages, columns=languages, low=0, high=1, title=f"{number.value} groups: who is with whom"
    )
    return parts, tree


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chains and balls

    Two half-moons of 60 points each. A person sees them at once. k-means cannot: it wants balls. Single linkage follows a chain of near
    points however long it is. That is its strength and its weakness: a few points in between are a bridge. Choose the linkage and how
    many stray points there are.
    """)
    return


@app.cell
def _():
    near = mo.ui.dropdown(["single", "average", "complete"], value="single", label="linkage")
    near
    return (near,)


@app.cell
def _():
    stray = mo.ui.slider(0, 40, step=20, value=0, label="stray points", show_value=True)
    stray
    return (stray,)


@app.cell
def _(near, stray):
    _generator = np.random.default_rng(0)
    _angle = np.linspace(0, np.pi, 60)
    _upper = np.column_stack([np.cos(_angle), np.sin(_angle)])
    _moons = np.concatenate([_upper, [1.0, 0.4] - _upper]) + 0.05 * _generator.normal(size=(120, 2))
    points = np.concatenate([_moons, _generator.uniform([-1.2, -0.8], [2.2, 1.2], (stray.value, 2))])
    found = cut(linkage(points, near.value), 2)

    def agreement(labels):
        """The part of the 120 points of the moons that is in the right one of two groups, whatever they are called."""
        right = float((labels[:120] == np.repeat([0, 1], 60)).mean())
        return max(right, 1 - right)

    _order = found.argsort(kind="stable")
    plots.scatter(
        points[_order], groups=[f"group {one + 1}" for one in found[_order]], square=True,
        title=f"{near.value}, {stray.value} stray points: {agreement(found):.0%} right",
    )  # fmt: skip
    return agreement, found, points


@app.cell
def _(agreement, found, near, points, stray):
    _balls = agreement(k_means(points[:120], 2).labels)
    assert 0.7 < _balls < 0.8
    assert (agreement(found) == 1) == (near.value == "single" and stray.value == 0)
    assert not (near.value == "single" and stray.value) or agreement(found) < 0.6, "a bridge, and all is one"
    mo.md(
        f"k-means gets {_balls:.0%} of the moons' points right, this tree **{agreement(found):.0%}**; 50% is guessing."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Never look at the points again

    When groups $i$ and $j$ merge, the distance from both together to a third group $k$ follows from the two old distances: for the average
    linkage it is their mean, weighted by the sizes; for single and complete it is the smaller and the larger. So after the first table of
    distances the points are not needed. Here the last heights, computed the long way: from all pairs of points.
    """)
    return


@app.cell
def _(points):
    _apart = np.sqrt(squared_distances(points, points))

    def both_ways(method, way):
        """The last height of the tree, and the same from all pairs of its last two groups."""
        merges = linkage(points, method)
        group = cut(merges, 2)
        return float(merges[-1, 2]), float(way(_apart[group == 0][:, group == 1]))

    last = {
        name: both_ways(name, way) for name, way in {"single": np.min, "average": np.mean, "complete": np.max}.items()
    }
    assert all(abs(one - other) < 1e-12 for one, other in last.values())
    "; ".join(f"{name}: height {one:.4f}, from all pairs {other:.4f}" for name, (one, other) in last.items())
    return both_ways, last


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The price is the table: 100,000 points have 10 billion distances, 80 GB. k-means needs none of them.

    ## Try

    - Complete linkage for the languages: relatives are torn apart. Of Dutch and English 7 words begin differently, more than of English and Spanish.
    - Two groups, then three, then four: Finnish leaves first, then the two families part. The heat map's squares only ever break.
    - Write åtta in Swedish, so that å is a letter of its own: one word changes, and the average linkage tears German and Dutch away as well.
      Single linkage does not. A tree looks as certain on thin data as on any; ask what a small change does to it.
    - The moons with 20 stray points: single linkage finds one stray point, and everything else.

    The other ways to groups: `groundup learn start kmeans_step`, `groundup learn start expectation_step`
    """)
    return


if __name__ == "__main__":
    app.run()
