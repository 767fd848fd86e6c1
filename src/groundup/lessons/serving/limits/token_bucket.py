"""Lesson: a bucket that lets so much through at once and so much a second, and what it promises for every window of time."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Token bucket: so much at once, so much a second", width="medium")

with app.setup:
    from itertools import pairwise

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.serving.limits.limits import Limits, LimitsConfig
    from groundup.serving.limits.token_bucket import TokenBucket, take


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Token bucket: so much at once, so much a second

    A server can do so much and no more. Whoever asks faster has to be told so, at once, and with the time after which asking is worth
    while. Afterwards you know the rule that nearly every server uses for that, what it promises, and what it costs to get it wrong.
    """)
    return


@app.cell
def _():
    _counted, _passed = {}, []
    for _at_s in [*np.linspace(59.0, 59.99, 60), *np.linspace(60.0, 60.99, 60)]:
        _minute = int(_at_s // 60)
        if _counted.get(_minute, 0) < 60:
            _counted = {**_counted, _minute: _counted.get(_minute, 0) + 1}
            _passed = [*_passed, _at_s]
    in_two_seconds = len(_passed)
    mo.md(
        "The obvious rule counts the requests of each minute of the clock and stops at 60. Somebody who sends 60 at the end of one minute and 60 at "
        f"the beginning of the next one gets **{in_two_seconds}** through in two seconds, and has broken no rule."
    )
    return (in_two_seconds,)


@app.cell
def _(in_two_seconds):
    assert in_two_seconds == 120
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bucket

    A bucket holds at most $C$ drops, and $r$ drops a second flow in; what does not fit runs over. A request takes its drops out, if they are
    there. If not, it takes nothing and is told when they will be:

    $$\text{level} = \min(C,\; \text{level before} + r \cdot \text{seconds since}) \qquad \text{wait} = \frac{\text{amount} - \text{level}}{r}$$

    Nothing has to run in the background. By hand, with ten drops, one a second:
    """)
    return


@app.cell
def _():
    first = take(10.0, 0.0, 2.0, 4.0, rate=1.0, capacity=10.0)
    second = take(*first[:2], 3.0, 9.0, rate=1.0, capacity=10.0)
    third = take(*second[:2], 5.0, 9.0, rate=1.0, capacity=10.0)
    mo.md(f"""
    | second | asks for | level afterwards | waits |
    |---|---|---|---|
    | 2 | 4 | {first[0]:g} | {first[2]:g} |
    | 3 | 9 | {second[0]:g} | {second[2]:g} |
    | 5 | 9 | {third[0]:g} | {third[2]:g} |

    Who was told to wait two seconds and did, got it.
    """)
    return first, second, third


@app.cell
def _(first, second, third):
    assert first == (6.0, 2.0, 0.0)
    assert second == (7.0, 3.0, 2.0), "nothing is taken by who is refused"
    assert third == (0.0, 5.0, 0.0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it looks like

    Requests come at random, twice as many as the rate allows. The capacity decides how long somebody may be faster than his rate: a
    small bucket cuts every burst, a large one lets it pass and then makes the client wait all the longer.
    """)
    return


@app.cell
def _():
    capacity = mo.ui.slider(1, 31, step=5, value=11, label="capacity", show_value=True)
    capacity
    return (capacity,)


@app.cell
def _(capacity):
    _source = np.random.default_rng(3)
    arrivals = np.cumsum(_source.exponential(0.5, 120))  # two a second, and one a second may pass
    _bucket = TokenBucket(rate=1.0, capacity=float(capacity.value))
    passed = [at_s for at_s in arrivals.tolist() if _bucket.take(1.0, at_s) == 0]
    _grid = np.arange(0, 60, 0.5)
    plots.lines(
        _grid,
        {
            "asked": [int((arrivals <= at_s).sum()) for at_s in _grid],
            "let through": [sum(one <= at_s for one in passed) for at_s in _grid],
            "capacity + rate * time": capacity.value + _grid,
        },
        x="seconds",
        y="requests so far",
        title=f"{len(passed)} of {len(arrivals)} requests pass a bucket of {capacity.value}",
    )
    return arrivals, passed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The promise

    In **any** window of $w$ seconds at most $C + r w$ passes: at its beginning the bucket held at most $C$, and $rw$ flowed in. No window is an
    exception, wherever it begins; the counter of minutes at the top had no such promise. All windows of the picture, tried:
    """)
    return


@app.cell
def _(capacity, passed):
    excess = [
        (last - first + 1) - (capacity.value + (passed[last] - passed[first]))
        for first in range(len(passed))
        for last in range(first, len(passed))
    ]
    mo.md(
        f"Of {len(excess):,} windows none lets more through; the closest one stays **{-max(excess):.2f}** requests below the bound."
    )
    return (excess,)


@app.cell
def _(arrivals, capacity, excess, passed):
    assert max(excess) <= 1e-9
    assert all(one < other for one, other in pairwise(passed)) and len(passed) < len(arrivals)
    assert len(passed) <= capacity.value + arrivals[-1], "and over all the time as well"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Tokens, and answers of unknown length

    A language model's work is counted in tokens, and an answer's are known only at its end. So the most it may take is charged when it is
    let in, and what it did not use is put back. A server without the second half counts a short answer as a long one.
    """)
    return


@app.cell
def _():
    def _served(gives_back: bool) -> int:
        limits, clock = None, [0.0]
        limits = Limits(LimitsConfig(tokens_per_minute=6000), clock=lambda: clock[0], wall_clock=lambda: clock[0])
        done = 0
        for second in range(600):  # each second somebody asks for at most 1,000 tokens and gets 150
            clock[0] = float(second)
            if limits.admit("anna", 1000) is None:
                done += 1
                limits.settle("anna", 1000, 150 if gives_back else 1000)
        return done

    with_it, without = _served(True), _served(False)
    mo.md(
        f"In ten minutes at 6,000 tokens a minute, answers of at most 1,000 tokens that have 150: **{with_it}** are served when the rest is put "
        f"back, **{without}** when it is not."
    )
    return with_it, without


@app.cell
def _(with_it, without):
    assert 60 <= without <= 70 and with_it >= 6 * without
    assert with_it * 150 <= 6000 + 100 * 600, "and even so no more is used than the bucket allows"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A capacity of 1: only single requests pass, and a client that sends two at once always loses one.
    - The largest capacity: the beginning is a burst, and the curve then runs along its bound.
    - `groundup serve MODEL --requests-per-minute 30 --burst-s 10`, and look at the headers `x-ratelimit-remaining-requests` and `Retry-After`.

    Write it yourself: `groundup learn start take`
    """)
    return


if __name__ == "__main__":
    app.run()
