"""Lesson: how long a number takes to arrive, from each cache and from memory, measured by a chase that nothing can foresee."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How far away is a number?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.probe.bandwidth import bytes_per_s
    from groundup.machine.probe.caches import cache_levels, chase, latency_ns, ring, single_cycle, stated
    from groundup.processor import processor


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How far away is a number?

    A processor keeps copies of what it used lately in small, fast memories: its caches. Afterwards you can measure them with a
    loop of one line, read their sizes off a staircase, and say why the same addition is ten times slower in a large array.
    """)
    return


@app.cell
def _():
    _near, _far = latency_ns(1 << 14, steps=20_000), latency_ns(1 << 24, steps=20_000)
    assert _far > _near > 0
    mo.md(
        f"On {processor()}, a number in an array of 16 KB arrives after {_near:.1f} ns, in one of 16 MB after {_far:.0f} ns: "
        f"**{_far / _near:.0f} times** as long, for the same instruction."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A chase that nothing can foresee

    Reading an array from front to back shows little of this: the processor sees the pattern and fetches ahead. So let each number say
    where the next one stands. The place is not known before the number is there, and nothing can be fetched early.

        place = following[place]

    The way must lead through the whole array. Take six places, shuffled:
    """)
    return


@app.cell
def _():
    def cycles(following):
        """The cycles that an order falls into, each from its smallest place."""
        left, found = set(range(len(following))), []
        while left:
            way = [min(left)]
            while (step := int(following[way[-1]])) != way[0]:
                way = [*way, step]
            left, found = left - set(way), [*found, way]
        return found

    shuffled = np.random.default_rng(6).permutation(6)
    mo.md(f"places 0 to 5 lead to {shuffled.tolist()}: the chase falls into the cycles {cycles(shuffled)}.")
    return cycles, shuffled


@app.cell
def _(cycles, shuffled):
    assert len(cycles(shuffled)) > 1, "a chase that starts at 0 never sees the other cycles"
    _lengths = [len(cycles(np.random.default_rng(seed).permutation(64))[0]) for seed in range(200)]
    assert 24 < np.mean(_lengths) < 40, "on average half of the array is left out"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A shuffle leaves half of the array out, on average: what would be measured is a cache for half the size. Sattolo's shuffle exchanges each
    place with an earlier one, *never with itself*. Every exchange then joins two cycles, and at the end there is one. Move the number of places.
    """)
    return


@app.cell
def _():
    places = mo.ui.slider(2, 40, value=12, label="places", show_value=True)
    places
    return (places,)


@app.cell
def _(places):
    order = single_cycle(places.value, np.random.default_rng(0))
    _angle = 2 * np.pi * np.arange(places.value) / places.value
    circle = np.stack([np.cos(_angle), np.sin(_angle)], axis=1)
    plots.scatter(
        circle,
        labels=range(places.value),
        paths=[circle[[place, order[place]]] for place in range(places.value)],
        square=True,
        title=f"One cycle through {places.value} places",
    )
    return circle, order


@app.cell
def _(cycles, order, places):
    assert [len(way) for way in cycles(order)] == [places.value]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A line at a time

    Memory is moved in lines, here of 64 bytes, eight numbers at once. So the chase stands in every eighth number only, and each step meets a line
    that it has not met before. An array of `ring` holds such a way; going as many steps as it has lines leads back to the start.
    """)
    return


@app.cell
def _():
    _array = ring(1 << 12)
    assert len(_array) == 512 and np.count_nonzero(_array) <= 64
    assert chase(_array, 64) == 0 and all(chase(_array, steps) for steps in range(1, 64))
    mo.md(f"4 KB are {len(_array)} numbers in 64 lines; after 64 steps the chase is back at place {chase(_array, 64)}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The staircase

    One chase for each size, from 4 KB on. While the array fits into a level, each step takes that level's time; beyond it the time climbs to
    the next. What is measured differs from machine to machine and from minute to minute, so nothing is claimed about it here.
    """)
    return


@app.cell
def _():
    _sizes = [int(4096 * 2 ** (step / 2)) // 64 * 64 for step in range(23)]
    _times = [latency_ns(size, steps=5000, repeats=2) for size in _sizes]
    _read = cache_levels(_sizes, _times)
    assert min(_times) > 0 and [size for size, _ in _read] == sorted(size for size, _ in _read)
    plots.lines(
        [size / 1024 for size in _sizes],
        {"one step": _times},
        x="KB",
        y="nanoseconds",
        log_x=True,
        log_y=True,
        marked=True,
        levels={f"up to {size / 1024:,.0f} KB, ns:": latency for size, latency in _read},
        title=f"{processor()}: the stairs of the chase",
    )
    return


@app.cell
def _():
    mo.md(
        "The system says:\n\n| | |\n|---|---|\n"
        + "".join(f"| level {one.level} | {one.size / 1024:,.0f} KB, shared by {one.threads} |\n" for one in stated())
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The two pictures need not agree. A rented machine is often a part of a larger one: the last level is then shared with strangers, and the chase
    sees it end early. What a program gets is what the chase says.

    ## Reading stairs

    A level is a stretch of sizes with equal times; sizes in between, where part of the array still fits, belong to none. To see the rule at work,
    take stairs without noise: levels of 32 KB, 1 MB and 32 MB, at 1, 4 and 12 ns, and memory at 90, with a rise about each end. The tolerance says how much
    times of one stretch may differ.
    """)
    return


@app.cell
def _():
    tolerance = mo.ui.slider(steps=[0.02, 0.1, 0.25, 0.5, 1.0, 3.0], value=0.25, label="tolerance", show_value=True)
    tolerance
    return (tolerance,)


@app.cell
def _(tolerance):
    _grown = [4096 * 2 ** (step / 4) for step in range(66)]
    _rises = np.log(
        [share * end for end in (1 << 15, 1 << 20, 1 << 25) for share in (0.7, 1.5)]
    )  # around each level's end
    steps = np.exp(np.interp(np.log(_grown), _rises, np.log([1, 4, 4, 12, 12, 90]))).tolist()
    found = cache_levels(_grown, steps, tolerance.value)
    plots.lines(
        [size / 1024 for size in _grown],
        {"one step": steps},
        x="KB",
        y="nanoseconds",
        log_x=True,
        log_y=True,
        levels={f"up to {size / 1024:,.0f} KB": latency for size, latency in found},
        title=f"Tolerance {tolerance.value:.0%}: {len(found)} levels",
    )
    return found, steps


@app.cell
def _(found, steps, tolerance):
    assert steps == sorted(steps)
    _latencies = [round(latency) for _, latency in found]
    if tolerance.value <= 1.0:
        assert _latencies == [1, 4, 12, 90], "levels lie further apart than that, so nothing is mistaken"
    else:
        assert _latencies != [1, 4, 12, 90], "four times as long is still taken for alike"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In bulk

    Latency is the price of one number that nobody expected. Whoever reads in order pays less: lines are fetched ahead, many at a time. Then the
    bandwidth counts, and it falls with every level too. A language model reads its weights in order; that is why bandwidth is what decides how
    fast it writes, and why an embedding, whose rows are anywhere, is the one part that meets the latency.
    """)
    return


@app.cell
def _():
    _speeds = {
        f"{size >> 10:,} KB": bytes_per_s("read", size, threads=1, seconds=0.02) / 1e9
        for size in (1 << 14, 1 << 18, 1 << 22, 1 << 26)
    }
    assert min(_speeds.values()) > 0
    plots.value_bars({"reading in order": _speeds}, x="array", y="GB/s", title="One thread that adds an array up")
    return


@app.cell
def _():
    _chased, _in_order = (
        64 / latency_ns(1 << 24, steps=10_000),
        bytes_per_s("read", 1 << 25, threads=1, seconds=0.02) / 1e9,
    )
    mo.md(
        f"A line of 64 bytes a step, an array of 16 MB gives {_chased:.2f} GB/s to the chase, and one of 32 MB in order {_in_order:.1f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - The slider at 2 places: there is one cycle only, there and back.
    - A tolerance of 300 %: which two levels become one, and where does one appear that is none?
    - The whole measurement, three times, with memory and products: `groundup bench machine`

    Write it yourself: `groundup learn start single_cycle`, and then `groundup learn start cache_levels`
    """)
    return


if __name__ == "__main__":
    app.run()
