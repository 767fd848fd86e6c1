"""Lesson: latency against load, why it has a knee, and why a load test that waits for its answers never sees it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Latency against load: the knee", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.serving.scheduling.arrivals import gaps
    from groundup.serving.scheduling.queueing import mean_wait, percentile, time_in_system


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Latency against load: the knee

    A server that answers in a tenth of a second can do ten requests a second. With nine a second it has time to spare, and still its users wait
    long. Afterwards you know how long, why, and how to measure it without fooling yourself.
    """)
    return


@app.cell
def _():
    half, nine = time_in_system(5.0, 10.0), time_in_system(9.0, 10.0)
    mo.md(
        f"Alone a request takes 0.1 s. At half load it takes **{half:.1f} s** in the mean, at nine tenths **{nine:.1f} s**: ten times as long."
    )
    return half, nine


@app.cell
def _(half, nine):
    assert abs(half - 0.2) < 1e-12 and abs(nine - 1.0) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the waiting comes from

    If requests came one every 0.11 s, nobody would wait. But users do not ask each other: some come together, and while they are
    served one after another, the next come. Time that the server was idle before cannot be used afterwards. For arrivals at random, $\lambda$ a
    second, and a server that does $\mu$ a second, the mean time in the system is (M/M/1: Kleinrock 1975, section 3.2)

    $$T = \frac{1}{\mu - \lambda} = \frac{1/\mu}{1 - \rho}, \qquad \rho = \lambda / \mu$$
    """)
    return


@app.cell
def _():
    def queue(rate: float, service: float, even: bool, requests: int = 40_000) -> np.ndarray:
        """The times in the system of a queue that is really run, one server; service times are random."""
        arriving = gaps(rate, 0.0 if even else 1.0, seed=1)
        work = np.random.default_rng(2).exponential(1 / service, requests)
        arrived = done = 0.0
        times = np.empty(requests)
        for number in range(requests):
            arrived += next(arriving)
            done = max(done, arrived) + work[number]
            times[number] = done - arrived
        return times

    return (queue,)


@app.cell
def _(queue):
    loads = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95]
    measured = [queue(10 * load, 10.0, even=False) for load in loads]
    plots.lines(
        loads,
        {
            "mean, simulated": [one.mean() for one in measured],
            "mean, formula": [time_in_system(10 * load, 10.0) for load in loads],
            "99th percentile, simulated": [np.percentile(one, 99) for one in measured],
            "99th percentile, formula": [percentile(10 * load, 10.0, 0.99) for load in loads],
        },
        x="load",
        y="seconds",
        marked=True,
        levels={"alone": 0.1},
        title="Flat for long, then a wall",
    )
    return loads, measured


@app.cell
def _(loads, measured):
    for _load, _times in zip(loads[:-1], measured[:-1], strict=True):
        assert abs(_times.mean() / time_in_system(10 * _load, 10.0) - 1) < 0.15
        assert abs(np.percentile(_times, 99) / percentile(10 * _load, 10.0, 0.99) - 1) < 0.2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The mean is not what users remember: one in a hundred waits $\ln 100 = 4.6$ times as long. So a service is promised by its 99th percentile, and
    a sensible load is well below the wall. Choose a load and see all the waits.
    """)
    return


@app.cell
def _():
    load = mo.ui.slider(0.2, 0.9, step=0.1, value=0.7, label="load", show_value=True)
    load
    return (load,)


@app.cell
def _(load, queue):
    random_ones, even_ones = queue(10 * load.value, 10.0, even=False), queue(10 * load.value, 10.0, even=True)
    plots.histogram(
        {"at random": np.minimum(random_ones, 3).tolist(), "one every so often": np.minimum(even_ones, 3).tolist()},
        bins=60,
        title=f"Mean {random_ones.mean():.2f} s at random, {even_ones.mean():.2f} s when they come evenly",
    )
    return even_ones, random_ones


@app.cell
def _(even_ones, random_ones):
    assert even_ones.mean() < random_ones.mean(), "the same work in the same time: only the order of coming differs"
    assert np.median(random_ones) < random_ones.mean()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A test that waits sees nothing

    The usual load test starts ten clients, each of which asks again when its answer is there (a *closed loop*). It never has more than ten requests
    under way: when the server slows, so do the clients, and the queue cannot grow. Users do not wait for each other: an *open loop* sends
    at its times whatever happens, and counts from when a request was due. Both are shown a server that stands still for two seconds.
    """)
    return


@app.cell
def _():
    def _stalls(open_loop: bool) -> np.ndarray:
        now_s, due_s, times = 0.0, 0.0, []
        while due_s < 20:
            start = max(now_s, due_s)
            start = 7.0 if 5.0 <= start < 7.0 else start  # a stall from the fifth to the seventh second
            now_s = start + 0.05
            times.append(now_s - (due_s if open_loop else start if start != 7.0 else max(5.0, due_s)))
            due_s = due_s + 0.1 if open_loop else now_s + 0.05
        return np.array(times)

    opened, closed = _stalls(True), _stalls(False)
    mo.md(f"""
    | | requests | slower than 0.2 s | 99th percentile |
    |---|---|---|---|
    | closed loop, one client | {len(closed)} | **{(closed > 0.2).sum()}** | {np.percentile(closed, 99):.2f} s |
    | open loop | {len(opened)} | **{(opened > 0.2).sum()}** | {np.percentile(opened, 99):.2f} s |

    The closed loop met the stall once; twenty users would have.
    """)
    return closed, opened


@app.cell
def _(closed, opened):
    assert (closed > 0.2).sum() <= 1 and np.percentile(closed, 99) < 0.2
    assert (opened > 0.2).sum() >= 20 and np.percentile(opened, 99) > 1.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Several at once

    A model that answers many in one batch is not a single server. Two servers of half the speed, with one queue, are a first idea of it: a lone
    request takes twice as long, but at high load the waits shrink, as a long job holds up only one of the two (Erlang's formula).
    """)
    return


@app.cell
def _():
    one_fast, two_slow = mean_wait(9.0, 10.0, 1), mean_wait(9.0, 5.0, 2)
    mo.md(
        f"At 9 requests a second, one server of 10 a second: **{one_fast:.2f} s** in the queue. Two of 5 a second: **{two_slow:.2f} s**."
    )
    return one_fast, two_slow


@app.cell
def _(one_fast, two_slow):
    assert two_slow < one_fast
    assert one_fast + 1 / 10 < two_slow + 1 / 5, "in all the one fast server is still the better one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A load of 0.2: random and even arrivals are nearly the same. At 0.9 they are not.
    - Your own server: `groundup bench serve MODEL` finds its saturation, sends parts of it as an open loop and draws this picture with the
      formula's curve beside the measured ones.
    """)
    return


if __name__ == "__main__":
    app.run()
