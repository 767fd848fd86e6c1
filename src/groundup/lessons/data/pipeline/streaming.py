"""Lesson: a shuffle that can be resumed, because the order of an epoch is computed from a seed and never kept."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Shuffling without a memory", width="medium")

with app.setup:
    import random
    from collections import Counter

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.streaming import Loader, permutation


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Shuffling without a memory

    A run of days is stopped and goes on: a power cut, a full disk, a cheaper machine. The weights are saved. But which
    rows had it read? Afterwards you know why the usual way of shuffling forgets some, and how to have an order that
    needs no saving at all.
    """)
    return


@app.cell
def _():
    def buffered(rows, size, seed):
        """The usual way: fill a buffer, give out one of it at random, fill its place with the next row; what is left at the end."""
        source, buffer, given = random.Random(seed), list(rows[:size]), []
        for row in rows[size:]:
            place = source.randrange(size)
            given, buffer = [*given, buffer[place]], [*buffer[:place], row, *buffer[place + 1 :]]
        return given, buffer

    _rows = list(range(1000))
    _before, _in_the_buffer = buffered(_rows[:600], 200, 0)  # the run stops here: 600 rows were read from the disk
    _after, _rest = buffered(_rows[600:], 200, 1)  # and goes on behind them
    lost = set(_rows) - set(_before + _after + _rest)
    mo.md(
        f"1,000 rows, shuffled through a buffer of 200. The run stops when 600 have been read, and goes on behind them: **{len(lost)}** "
        "rows are never seen in this epoch. They were in the buffer, which nobody saved."
    )
    return buffered, lost


@app.cell
def _(buffered, lost):
    assert len(lost) == 200
    _given, _left = buffered(list(range(300)), 50, 0)
    assert sorted(_given + _left) == list(range(300)), "as long as nothing stops, nothing is lost"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## An order that is computed

    Give each row a number that looks random but is computed from the row, the seed and the epoch: a **hash**. Sort by it. That is
    the order, the same on every machine, today and after the power cut. Here is the hash by hand (SplitMix64): two rounds of
    shifting, mixing in and multiplying, after which every bit has touched every other.
    """)
    return


@app.cell
def _():
    def hashed(number):
        """SplitMix64's finaliser, on 64 bits."""
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
        return number ^ number >> 31

    golden = 0x9E3779B97F4A7C15

    def order_by_hand(count, key):
        """The rows 0 to count - 1 sorted by their hashes."""
        base = 0
        for part in key:
            base = hashed((base + part + 1) * golden % 2**64)
        return sorted(range(count), key=lambda row: hashed(((row + 1) * golden + base) % 2**64))

    mo.md(
        "Twelve rows of source 0 under seed 1:\n\n"
        + "\n".join(f"- epoch {epoch}: {order_by_hand(12, (1, 0, epoch))}" for epoch in range(3))
    )
    return hashed, order_by_hand, golden


@app.cell
def _(hashed, order_by_hand):
    for _epoch in range(3):
        assert order_by_hand(12, (1, 0, _epoch)) == permutation(12, (1, 0, _epoch)).tolist()
    assert permutation(12, (1, 0, 0)).tolist() != permutation(12, (1, 0, 1)).tolist(), "every epoch has its own"
    _flips = [(hashed(number) ^ hashed(number ^ 1)).bit_count() for number in range(1, 2000)]
    assert 30 < sum(_flips) / len(_flips) < 34, "one bit of the number changes half of the 64 bits of its hash"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How well is it mixed?

    A corpus comes in an order: all of one site, then all of the next. A buffer hands a row on somewhat later than it came, and
    never much earlier. Across: when a row is read. Upwards: where it stood in the corpus. A true shuffle
    fills the square.
    """)
    return


@app.cell
def _():
    mixed_by = mo.ui.dropdown(
        ["buffer of 10", "buffer of 50", "buffer of 200", "buffer of 400", "hash"],
        value="buffer of 50",
        label="mixed by",
    )
    mixed_by
    return (mixed_by,)


@app.cell
def _(buffered, mixed_by):
    def order_of(way):
        """The rows 0 to 799 in the order in which they are read."""
        if way == "hash":
            return permutation(800, (0, 0, 0))
        given, left = buffered(list(range(800)), int(way.split()[-1]), 0)
        return np.array(given + random.Random(1).sample(left, len(left)))

    read = order_of(mixed_by.value)
    early = float(((np.arange(800) - read) < -100).mean())
    plots.scatter(
        np.stack([np.arange(800), read], 1),
        x="when it is read",
        y="where it stood",
        title=f"{mixed_by.value}: {early:.0%} come more than 100 places early",
    )
    return early, read, order_of


@app.cell
def _(early, mixed_by, read):
    assert sorted(read.tolist()) == list(range(800)), "an order: every row once"
    _size = {"hash": 800}.get(mixed_by.value) or int(mixed_by.value.split()[-1])
    assert (read - np.arange(800)).max() <= _size, "from a buffer no row comes earlier than the buffer is long"
    assert mixed_by.value != "hash" or abs(early - 0.38) < 0.05, "at random: (7/8)² / 2 of them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A batch is a function of its step

    The loader asks for nothing but the step: step · batch size is how many rows came before, which says the epoch and the
    place in its order. The one thing to save is a whole number that the checkpoint has anyway.
    """)
    return


@app.cell
def _():
    def corpus(rows):
        """So many documents of eight tokens, each of which fills a row; its number is its first token."""
        tokens = np.repeat(np.arange(1, rows + 1), 8).astype(np.uint16)
        return Shards(tokens, np.arange(0, 8 * rows + 1, 8), None, 0, 8 * rows)

    def opened():
        """A loader of 50 rows, made anew, as after a power cut."""
        return Loader(corpus(50), seq_len=8, batch_size=8, seed=1)

    mo.md(f"The rows of step 1,000,000, asked for at once: {[row for _, row in opened().chosen(1_000_000)]}.")
    return corpus, opened


@app.cell
def _(corpus, opened):
    _one, _other = opened(), opened()
    for _step in (1_000_000, 3, 0, 17):  # in any order
        assert _other.chosen(_step) == _one.chosen(_step)
        assert torch.equal(_other.batch(_step).input_ids, _one.batch(_step).input_ids)
    assert _one.chosen(3) != Loader(corpus(50), 8, 8, seed=2).chosen(3)
    return


@app.cell
def _():
    stop = mo.ui.slider(5, 45, step=5, value=25, label="stopped after step", show_value=True)
    stop
    return (stop,)


@app.cell
def _(buffered, corpus, stop):
    _first, _second = (Loader(corpus(200), 8, 4, seed=1) for _ in range(2))
    _computed = [row for step in range(stop.value) for _, row in _first.chosen(step)]
    _computed += [row for step in range(stop.value, 50) for _, row in _second.chosen(step)]
    _size, _read = 20, min(4 * stop.value + 20, 200)  # with a buffer, the disk is ahead of the model by its size
    _before, _ = buffered(list(range(_read)), _size, 0)
    _after, _rest = buffered(list(range(_read, 200)), min(_size, 200 - _read), 1) if _read < 200 else ([], [])
    times = {
        name: [Counter(rows)[row] for row in range(200)]
        for name, rows in {"a buffer of 20": _before + _after + _rest, "computed": _computed}.items()
    }
    plots.value_bars(
        {name: {f"read {count} times": values.count(count) for count in (0, 1, 2)} for name, values in times.items()},
        y="rows of 200",
        title=f"One epoch of 50 steps, stopped after step {stop.value}",
    )
    return (times,)


@app.cell
def _(times):
    assert times["computed"] == [1] * 200, "wherever it stops, every row is read once"
    assert times["a buffer of 20"].count(0) == 20, "and the buffer is lost, wherever it stops"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The end of an epoch

    50 rows are no multiple of 8. Some loaders drop the two that are left over, in every epoch; here the seventh batch takes them and goes
    on with the next epoch's first six, so that each epoch is every row once.
    """)
    return


@app.cell
def _(opened):
    straddling = [row for _, row in opened().chosen(6)]
    _last = permutation(50, (1, 0, 0))[48:].tolist()
    _next = permutation(50, (1, 0, 1))[:6].tolist()
    mo.md(f"Step 6 reads {straddling}: the last of epoch 0 are {_last}, the first of epoch 1 are {_next}.")
    return (straddling,)


@app.cell
def _(opened, straddling):
    _loader = opened()
    _rows = [row for step in range(25) for _, row in _loader.chosen(step)]
    for _epoch in range(4):
        assert sorted(_rows[50 * _epoch : 50 * (_epoch + 1)]) == list(range(50))
    assert straddling == _rows[48:56] and _loader.epochs(25) == [4.0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Mixed by a buffer of 10: a thin diagonal, the corpus nearly in its own order. Of 400: half of the square is still empty.
    - Stop after step 5 and 45: the buffer loses as many rows each time, and others.
    - Change `batch_size` of the second loader above: the rows are the same, cut into other batches.
    """)
    return


if __name__ == "__main__":
    app.run()
