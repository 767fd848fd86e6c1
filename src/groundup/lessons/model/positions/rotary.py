"""Lesson: rotary positions, clocks in every query and key that tell how far apart two tokens stand."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Rotary: positions as clocks", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.positions.rotary import Rotary, rotate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Rotary: positions as clocks

    Attention does not know what came first. Rotary position embedding tells it without adding anything to a token: it turns
    each query and key by an angle that grows with the position. Afterwards you can turn a vector by hand, say why only
    distances are left in the scores, and know what theta does to long texts.
    """)
    return


@app.cell
def _():
    _period = 2 * math.pi / Rotary(64).frequencies()
    fastest, slowest = _period[0].item(), _period[-1].item()
    mo.md(
        f"A head of 64 numbers holds 32 clocks. The fastest goes round once in **{fastest:.1f}** tokens, the slowest once in "
        f"**{slowest:,.0f}**, longer than most texts. Together they tell the time to the token."
    )
    return fastest, slowest


@app.cell
def _(fastest, slowest):
    assert math.isclose(fastest, 2 * math.pi, rel_tol=1e-5)
    assert math.isclose(slowest, 2 * math.pi * 10_000 ** (62 / 64), rel_tol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Without positions

    "dog bites man" and "man bites dog": the same three words with the same queries, keys and values. Attention gives each word
    the same mean in both.
    """)
    return


@app.cell
def _():
    _words = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    _swapped = _words[[2, 1, 0]]
    _mine = scaled_dot_product_attention(_words, _words, _words)
    _theirs = scaled_dot_product_attention(_swapped, _swapped, _swapped)
    _blindness = (_mine - _theirs[[2, 1, 0]]).abs().max().item()
    assert _blindness < 1e-5
    mo.md(f"Who bites whom makes a difference of **{_blindness:.0e}**: rounding, and nothing else.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One pair, by hand

    Take two coordinates $(a, b)$ of a query as a point in the plane. At position $m$ it is turned by the angle $m f$:

    $$a' = a \cos m f - b \sin m f, \qquad b' = b \cos m f + a \sin m f$$

    The same is done to keys. The dot product of two vectors depends on the angle between them, and between a query
    turned by $m f$ and a key turned by $n f$ the angle has grown by $(m - n) f$: the distance.
    """)
    return


@app.cell
def _():
    def turned(vector, positions, theta=10_000.0):
        """One vector as it stands at each position, (positions, width), by the library."""
        angles = Rotary(len(vector), theta).angles(positions, torch.float32)
        return rotate(vector.expand(1, len(positions), 1, -1), angles)[0, :, 0]

    _at_2 = turned(torch.tensor([1.0, 0.0]), torch.tensor([2]))[0]
    torch.testing.assert_close(_at_2, torch.tensor([math.cos(2), math.sin(2)]))  # f is 1 for the first pair
    mo.md(
        f"(1, 0) at position 2 stands at **({_at_2[0]:.3f}, {_at_2[1]:.3f})**, turned by 2 radians, which is 115 degrees."
    )
    return (turned,)


@app.cell
def _(turned):
    _positions = torch.tensor([5, 7, 1005, 1007])
    _query, _key = torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
    _queries, _keys = turned(_query, _positions), turned(_key, _positions)
    _near, _far = (_queries[1] @ _keys[0]).item(), (_queries[3] @ _keys[2]).item()
    assert abs(_near - _far) < 1e-3
    mo.md(
        f"A query at 7 scores **{_near:.4f}** with a key at 5. At 1,007 and 1,005, a thousand tokens on: **{_far:.4f}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The scores of one query with one key at all places therefore fall into stripes: each diagonal is one distance.
    """)
    return


@app.cell
def _(turned):
    _query, _key = torch.randn(2, 16, generator=torch.Generator().manual_seed(2))
    stripes = turned(_query, torch.arange(16)) @ turned(_key, torch.arange(16)).T
    plots.heat_map(
        stripes, x="position of the key", y="position of the query", title="The score knows only the distance"
    )
    return (stripes,)


@app.cell
def _(stripes):
    torch.testing.assert_close(stripes[1:, 1:], stripes[:-1, :-1], atol=1e-4, rtol=0)
    assert not torch.allclose(stripes, stripes.T, atol=0.1), "ahead and behind are told apart"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fast clocks and slow ones

    One clock would be no use: after a turn, far looks like near. So pair $i$ of a head of width $d$ has its own frequency,
    $f_i = \theta^{-2i/d}$. The first pairs see each single step, the last ones hardly move. Choose a pair.
    """)
    return


@app.cell
def _():
    pair = mo.ui.slider(0, 7, value=1, label="pair (of 8)", show_value=True)
    pair
    return (pair,)


@app.cell
def _(pair, turned):
    hands = turned(torch.ones(16), torch.arange(13))[:, [pair.value, pair.value + 8]]  # the pairs are (i, i + half)
    _circle = torch.linspace(0, 2 * math.pi, 100)
    plots.scatter(
        hands,
        labels=[*range(13)],
        x=f"coordinate {pair.value}",
        y=f"coordinate {pair.value + 8}",
        paths=[2**0.5 * torch.stack([_circle.cos(), _circle.sin()], dim=1)],
        square=True,
        title=f"Pair {pair.value} of 8 at the positions 0 to 12",
    )
    return (hands,)


@app.cell
def _(hands, pair):
    torch.testing.assert_close(hands.norm(dim=1), torch.full((13,), 2**0.5))  # turning keeps the length
    _step = math.acos(min(1.0, (hands[0] @ hands[1]).item() / 2))
    assert abs(_step - 10_000 ** (-pair.value / 8)) < 2e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What theta does

    A query and a key that are equal score highest at distance 0; further apart the clocks disagree and the score falls. Theta
    sets the slowest clock, and so how far away a match can still be felt.
    """)
    return


@app.cell
def _():
    theta = mo.ui.dropdown({"100": 100.0, "10,000": 10_000.0, "1,000,000": 1e6}, value="10,000", label="theta")
    theta
    return (theta,)


@app.cell
def _(theta, turned):
    _distance = torch.arange(1025)
    falls = {"theta 10,000": turned(torch.ones(64), _distance) @ torch.ones(64) / 64}
    falls = falls | {f"theta {theta.value:,.0f}": turned(torch.ones(64), _distance, theta.value) @ torch.ones(64) / 64}
    plots.lines(_distance, falls, x="distance", y="score, 1 at its own place", title="How a match fades with distance")
    return (falls,)


@app.cell
def _(falls, theta):
    _chosen, _usual = falls[f"theta {theta.value:,.0f}"], falls["theta 10,000"]
    assert abs(_chosen[0] - 1) < 1e-6
    assert _chosen[1:].max() < 0.99
    _order = (_chosen[100:].mean() - _usual[100:].mean()).item()
    assert (_order > 0.05) == (theta.value > 10_000) and (_order < -0.05) == (theta.value < 10_000)
    return


@app.cell
def _(theta):
    _period = 2 * math.pi / Rotary(64, theta.value).frequencies()
    _whole = int((_period < 1024).sum())
    _rest = (
        "The others show angles at position 2,000 that training on such texts never showed: one reason why a model fails "
        "beyond the length that it was trained on."
        if _whole < 32
        else "No angle at position 2,000 is new, but far places look alike."
    )
    mo.md(
        f"In a text of 1,024 tokens, **{_whole}** of the 32 clocks go round at least once at theta {theta.value:,.0f}. {_rest}"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A trap: positions in half precision

    bfloat16 has 8 significant bits. A position is a whole number, and beyond 256 not every whole number has a place there.
    """)
    return


@app.cell
def _():
    _positions = torch.arange(4096)
    distinct = len(_positions.bfloat16().unique())
    _coarse = _positions.bfloat16().float()
    wrong_by = (_coarse - _positions).abs().max().item()
    mo.md(
        f"Of 4,096 positions **{distinct}** are different numbers in bfloat16. The fastest clock is wrong by up to {wrong_by:.0f} "
        "radians, more than a full turn. So the library reckons angles in float32, and casts only the cosines and sines."
    )
    return distinct, wrong_by


@app.cell
def _(distinct, wrong_by):
    assert distinct == 769  # 257 up to 256, then 128 for each doubling
    assert wrong_by > 2 * math.pi
    _ours = Rotary(64).angles(torch.arange(4096), torch.bfloat16).cos.float()
    assert (_ours - Rotary(64).angles(torch.arange(4096), torch.float32).cos).abs().max() < 0.005
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the pair from 0 to 7: from scattered around the circle to all on one spot.
    - theta 100: a match 60 tokens away is gone. 1,000,000, as in models for long texts: it is felt over the whole picture.
    - In the stripes, give `_query` and `_key` the same numbers: the diagonal is the best place, and the picture symmetric.

    Write it yourself: `groundup learn start rotate`
    """)
    return


if __name__ == "__main__":
    app.run()
