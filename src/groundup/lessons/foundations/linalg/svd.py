"""Lesson: any matrix as turn, stretch, turn; a picture from a few terms; singular values found to the last digit."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="SVD: turn, stretch, turn", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.linalg.svd import (
        condition_number,
        jacobi_svd,
        low_rank,
        low_rank_errors,
        pseudo_inverse,
        singular_values,
        sweep,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # SVD: turn, stretch, turn

    Every matrix, whatever its shape, does three simple things one after the other: it turns, stretches along the axes, and
    turns again. The stretches say what in a matrix matters; keep the large ones, drop the small ones, and a big table
    becomes a short one. Afterwards you can read this decomposition, compute it by rotations, and shrink a picture with it.
    """)
    return


@app.cell
def _():
    _y, _x = np.mgrid[0:48, 0:48] / 47 * 2 - 1
    _ring = np.hypot(_x, _y - 0.05)
    _eyes = sum((_x - side) ** 2 + (_y + 0.3) ** 2 < 0.02 for side in (-0.35, 0.35))
    _mouth = (_ring > 0.45) & (_ring < 0.58) & (_y > 0.15)
    face = 0.6 * (_x**2 + _y**2 < 0.85) + 0.4 * (_eyes + _mouth)
    kept = 8 * (48 + 48)
    missing = np.linalg.norm(face - low_rank(face, 8)) / np.linalg.norm(face)
    mo.md(
        f"A picture of 48 by 48 dots is {face.size:,} numbers. Written in another way, {kept} numbers give it back with an error "
        f"of **{missing:.0%}**. Nothing about pictures is used: it works for any table that repeats itself."
    )
    return face, kept, missing


@app.cell
def _(face, kept, missing):
    assert kept * 3 == face.size
    assert 0.05 < missing < 0.15
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A circle becomes an ellipse

    A matrix sends the circle of all arrows of length 1 to an ellipse. Some arrow becomes the longest, and the one at a right
    angle to it the shortest. Their new lengths are the **singular values** $s_1 \ge s_2 \ge 0$. So the matrix can be written

    $$A = U S V^T$$

    $V^T$ turns these two arrows onto the axes, $S$ stretches by $s_1$ and $s_2$, and $U$ turns the ellipse to its place.
    (A turn may come with a mirror.) Choose how much of it is done.
    """)
    return


@app.cell
def _():
    stage = mo.ui.dropdown(
        ["nothing yet", "turned", "turned, stretched", "turned, stretched, turned"],
        value="turned, stretched",
        label="done",
    )
    stage
    return (stage,)


@app.cell
def _(stage):
    map_ = np.array([[1.0, 2.0], [-0.5, 1.5]])
    u, s, vt = jacobi_svd(map_)
    done = {
        "nothing yet": np.eye(2),
        "turned": vt,
        "turned, stretched": np.diag(s) @ vt,
        "turned, stretched, turned": u @ np.diag(s) @ vt,
    }[stage.value]
    _round = np.linspace(0, 2 * math.pi, 73)
    _circle = np.column_stack([np.cos(_round), np.sin(_round)]) @ done.T
    _long, _short = done @ vt[0], done @ vt[1]
    plots.scatter(
        [[0, 0], _long, [0, 0], _short],
        groups=["becomes the longest", "becomes the longest", "becomes the shortest", "becomes the shortest"],
        joined=True,
        paths=[_circle, [[-3, -3]] * 2, [[3, 3]] * 2],
        square=True,
        title=stage.value,
    )
    return done, map_, s, u, vt


@app.cell
def _(done, map_, s, stage, u, vt):
    assert np.allclose(u @ np.diag(s) @ vt, map_, atol=1e-12)
    assert np.allclose(u.T @ u, np.eye(2)) and np.allclose(vt @ vt.T, np.eye(2)), "turns keep lengths and angles"
    assert abs((done @ vt[0]) @ (done @ vt[1])) < 1e-12, "the two arrows stand at a right angle at every stage"
    assert "stretched" not in stage.value or abs(np.linalg.norm(done @ vt[0]) - s[0]) < 1e-12
    mo.md(
        f"The singular values are **{s[0]:.3f}** and {s[1]:.3f}; their product {s.prod():.3f} is how much larger an area becomes."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Finding it: rotate until all columns stand upright

    If the columns of a matrix stand at right angles to each other, one is done: their lengths are the singular values. If two
    do not, rotate them in their own plane until they do. That disturbs other pairs, but each round less: after a few
    **sweeps** over all pairs nothing is left to rotate. This is one-sided Jacobi (Hestenes 1958).

    By hand: the columns (1, 1) and (1, 0) have the dot product 1. All that is needed is one rotation.
    """)
    return


@app.cell
def _():
    _columns, _turns = np.array([[1.0, 1.0], [1.0, 0.0]]), np.eye(2)
    sweep(_columns, _turns)  # one pair, so one sweep does it, in place
    lengths = np.linalg.norm(_columns, axis=0)
    assert abs(_columns[:, 0] @ _columns[:, 1]) < 1e-15
    assert np.allclose(np.sort(lengths), [(math.sqrt(5) - 1) / 2, (math.sqrt(5) + 1) / 2])
    mo.md(f"Afterwards they are {max(lengths):.3f} and {min(lengths):.3f} long: the golden ratio and its inverse.")
    return (lengths,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Twenty columns make 190 pairs. Watch the largest cosine that a sweep still meets: it is 0 when all stand upright.
    """)
    return


@app.cell
def _():
    _columns, _turns = np.random.default_rng(0).normal(size=(30, 20)), np.eye(20)
    _given = _columns.copy()
    cosines = [sweep(_columns, _turns) for _ in range(8)]
    assert cosines[-1] < 1e-14 < 0.1 < cosines[0]
    assert np.allclose(_columns, _given @ _turns), "only rotations were used"
    plots.lines(
        range(1, 9),
        {"30 x 20 random numbers": cosines},
        x="sweep",
        y="largest cosine that was met",
        log_y=True,
        marked=True,
        title="Slow at first, then all at once",
    )
    return (cosines,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A sum of simple tables

    $U S V^T$ is also a sum: $s_1 u_1 v_1^T + s_2 u_2 v_2^T + \dots$ Each term is a multiplication table, one column times
    one row, a matrix of **rank** 1. The first $k$ terms are the best table of rank $k$ that there is (Eckart and Young 1936).
    "Best" by two measures of what is missing: the root of the sum of its squared numbers (**Frobenius norm**), and the most
    that it can make of an arrow one long (**spectral norm**), which is its largest singular value.
    Each term costs 48 + 48 numbers for our picture. Take more and more of them.
    """)
    return


@app.cell
def _():
    rank = mo.ui.slider(steps=[0, 1, 2, 4, 8, 12, 16, 20], value=4, label="terms", show_value=True)
    rank
    return (rank,)


@app.cell
def _(face, rank):
    shown = low_rank(face, rank.value)
    plots.heat_map(shown, low=0, high=1, title=f"{rank.value} terms, {rank.value * 96:,} numbers of {face.size:,}")
    return (shown,)


@app.cell
def _(face, rank, shown):
    _spectral, _frobenius = low_rank_errors(face)
    _rival = np.random.default_rng(rank.value).normal(size=(48, rank.value))
    _best_on_rival = _rival @ np.linalg.lstsq(_rival, face, rcond=None)[0] if rank.value else 0 * face
    assert abs(np.linalg.norm(face - shown) - _frobenius[rank.value]) < 1e-9, "what is left out is known beforehand"
    assert abs(np.linalg.norm(face - shown, 2) - _spectral[rank.value]) < 1e-9
    assert np.linalg.norm(face - _best_on_rival) >= np.linalg.norm(face - shown) - 1e-9, "other columns do no better"
    assert np.linalg.matrix_rank(shown) == rank.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Does this work for any table? The error of every rank is known from the singular values alone: it is the root of the sum
    of squares of those that are left out. Here it is for the face, and for a table of random numbers.
    """)
    return


@app.cell
def _(face):
    _noise = np.random.default_rng(1).uniform(size=(48, 48))
    errors = {
        name: one / one[0] for name, one in (("face", low_rank_errors(face)[1]), ("noise", low_rank_errors(_noise)[1]))
    }
    assert errors["face"][20] < 1e-9 < 0.2 < errors["noise"][20]
    plots.lines(range(49), errors, x="terms", y="what is missing", title="A picture can be shortened, noise cannot")
    return (errors,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The left half of the face is the right half mirrored, and rows repeat: after 20 terms nothing is missing. Noise has no
    such order. Later rooms use this: a method called LoRA bets that what a further training changes in a model's weights is
    more like the face, and stores only a few such terms.

    ## Turning back

    Stretches can be undone by dividing. Where a singular value is 0, an arrow was pressed flat and nothing brings it back; the
    **pseudo-inverse** leaves it at 0. The largest over the smallest singular value is the **condition number**: by so much an
    error may grow on the way back.
    """)
    return


@app.cell
def _():
    _flat = np.array([[1.0, 2.0], [2.0, 4.0]])  # both columns on one line
    _back = pseudo_inverse(_flat)
    assert np.allclose(_flat @ _back @ _flat, _flat), "there, back and there again is there"
    assert np.allclose(_back @ [1, 2], [0.2, 0.4]), "the shortest of all x with x + 2 y = 1"
    conditions = [condition_number([[1, 0], [0, 1]]), condition_number([[1, 1], [1, 1.001]])]
    assert conditions[0] == 1 and conditions[1] > 1000
    mo.md(
        f"Condition numbers: {conditions[0]:.0f} for two axes, **{conditions[1]:,.0f}** for two arrows that are nearly the same."
    )
    return (conditions,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Small values, to the last digit

    The singular values are also the square roots of the eigenvalues of $A^T A$, which is $V S U^T U S V^T = V S^2 V^T$.
    On paper. Here is a matrix of small integers whose columns are scaled by $2^{-30}$, $2^{-60}$ and 1. Its determinant,
    by which it makes volumes larger, is known exactly, $12 \cdot 2^{-90}$, and the product of the singular values has to
    be the same.
    """)
    return


@app.cell
def _():
    _scaled = np.array([[1.0, 2, 1], [1, -1, 2], [2, 1, -1]]) * [2.0**-30, 2.0**-60, 1]
    by_rotations = singular_values(_scaled)
    by_eigenvalues = np.sqrt(np.abs(np.linalg.eigvalsh(_scaled.T @ _scaled)))[::-1]
    by_numpy = np.linalg.svd(_scaled, compute_uv=False)
    assert abs(by_rotations.prod() / (12 * 2.0**-90) - 1) < 1e-14
    assert abs(by_eigenvalues.min() / by_rotations[2] - 1) > 0.1, "not one digit is right"
    mo.md(
        f"The smallest value by rotations: **{by_rotations[2]:.4e}**, and the product is right to 14 digits. By the eigenvalues of "
        f"$A^T A$: {by_eigenvalues.min():.1e}. By `numpy.linalg.svd`: {by_numpy[2]:.1e}, since it promises digits of the "
        "largest value only. For most uses that is enough, and it is far faster."
    )
    return by_eigenvalues, by_numpy, by_rotations


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Go through the four stages: the two arrows first come to lie on the axes, and only then change their lengths.
    - Take 1 term, then 2, then 4: first a dark block, the same in every row up to a factor; at 4 there are
      eyes and a mouth.
    - In a new cell: `singular_values([[0, -1], [1, 0]])`, a quarter turn, is all ones. Which matrices have only one that
      is not 0?

    Write it yourself: `groundup learn start jacobi_svd`, then `groundup learn start low_rank`
    """)
    return


if __name__ == "__main__":
    app.run()
