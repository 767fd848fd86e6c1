"""Lesson: how many threads a multiprocessor can hold: registers, shared memory and blocks, and what one register too many costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Occupancy: who fits", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.machine.kernels.cuda.occupancy import (
        LIMITS,
        best_threads,
        blocks_by_registers,
        occupancy_of,
        rounded_up,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Occupancy: who fits

    A GPU does not make memory faster; it finds something else to do while it waits. For that it needs many threads at hand.
    Afterwards you can compute how many there are, from three numbers that the compiler prints, and say which of them to change.
    """)
    return


@app.cell
def _():
    fits, one_more = occupancy_of(256, 32), occupancy_of(256, 33)
    mo.md(
        f"An A100's multiprocessor runs {fits.warps * 32:,} threads of a kernel with 32 registers. Give each thread **one register more**, and it "
        f"runs {one_more.warps * 32:,}: from {fits.share:.0%} to {one_more.share:.0%}."
    )
    return fits, one_more


@app.cell
def _(fits, one_more):
    assert fits.share == 1 and one_more.share == 0.75 and one_more.limited_by == "registers"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why many

    A read from memory takes some 500 cycles. In each cycle a scheduler issues one instruction of one warp (32 threads in step).
    If a warp has 20 instructions to do between two reads, it takes 25 other warps to fill the 500 cycles. The warps that are
    **resident** keep their registers all the time: changing between them costs nothing. So the registers, 65,536 of four bytes,
    say how many there can be.
    """)
    return


@app.cell
def _():
    def hidden_share(warps, wait=500, work=20):
        """The share of the cycles in which a scheduler has something to issue: each warp works, then waits."""
        return min(1.0, warps * work / (wait + work))

    counts = list(range(1, 33))
    busy = {f"{work} instructions between reads": [hidden_share(n, work=work) for n in counts] for work in (10, 20, 40)}
    plots.lines(counts, busy, x="warps of a scheduler", y="share of cycles at work", title="Waiting, hidden")
    return busy, counts, hidden_share


@app.cell
def _(hidden_share):
    assert hidden_share(26) == 1 and hidden_share(13) == 0.5
    assert hidden_share(14, work=40) == 1, "twice the work between reads needs about half the warps"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Registers, by hand

    NVIDIA's own example: a kernel of 128 threads a block, 37 registers a thread, on a card of compute capability 7.0. A warp
    needs $32 \cdot 37 = 1{,}184$ registers, and gets them in portions of 256: 1,280. The registers are four quarters of 16,384,
    and a warp's lie in one: 12 warps in each, 48 in all. A block is four warps: 12 blocks. 48 of 64 warps are 75 %.
    """)
    return


@app.cell
def _():
    of_warp = rounded_up(32 * 37, 256)
    warps = 4 * (16_384 // of_warp)
    assert (of_warp, warps, warps // 4) == (1280, 48, 12)
    assert blocks_by_registers(128, 37) == 12 and occupancy_of(128, 37, capability="7.0").share == 0.75
    assert occupancy_of(320, 37, capability="7.0").share == 0.625, "the same kernel in blocks of 320: four fit"
    f"{of_warp} registers a warp, {warps} warps, {warps // 4} blocks"
    return of_warp, warps


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two other things let no more in: a multiprocessor takes at most 16 to 32 **blocks**, so tiny blocks leave it half empty; and
    its **shared memory** is shared out to blocks as they ask for it. What allows least decides. Choose a block and see how
    registers press.
    """)
    return


@app.cell
def _():
    threads = mo.ui.dropdown([32, 64, 128, 256, 512, 1024], value=256, label="threads of a block")
    threads
    return (threads,)


@app.cell
def _():
    def share(threads, registers, capability):
        """Occupancy, or 0 where a block has more registers than there are."""
        return (
            occupancy_of(threads, registers, capability=capability).share
            if blocks_by_registers(threads, registers)
            else 0.0
        )

    return (share,)


@app.cell
def _(share, threads):
    registers = list(range(16, 256))
    cards = {"7.5 (T4)": "7.5", "8.0 (A100)": "8.0", "8.6 (RTX 30)": "8.6", "9.0 (H100)": "9.0"}
    curves = {name: [share(threads.value, n, capability) for n in registers] for name, capability in cards.items()}
    plots.lines(
        registers,
        curves,
        x="registers of a thread",
        y="occupancy",
        title=f"Steps down: blocks of {threads.value} threads",
    )
    return cards, curves, registers


@app.cell
def _(curves, registers, threads):
    assert all(a >= b for curve in curves.values() for a, b in zip(curve, curve[1:], strict=False)), "never up again"
    assert curves["8.0 (A100)"] == curves["9.0 (H100)"], (
        "the same registers, warps and blocks; the H100 has more shared memory"
    )
    assert (curves["8.0 (A100)"][0] == 1) == (threads.value >= 64), "32 blocks of one warp are half of 64 warps"
    assert (curves["8.0 (A100)"][registers.index(128)] > 0) == (threads.value <= 512)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Shared memory

    A matrix product with two tiles of 64 x 32 numbers of two bytes, three steps on their way at once, needs $3 \cdot 2 \cdot 64
    \cdot 32 \cdot 2 = 24$ kB a block. Each block of the newer cards gives one kB more to the system.
    """)
    return


@app.cell
def _():
    kilobytes = list(range(0, 97, 4))
    held = {
        name: [occupancy_of(128, 32, kb << 10, capability).warps for kb in kilobytes]
        for name, capability in {"8.0 (A100)": "8.0", "8.6 (RTX 30)": "8.6", "9.0 (H100)": "9.0"}.items()
    }
    plots.lines(
        kilobytes,
        held,
        x="kB of shared memory a block",
        y="resident warps (blocks of 128 threads)",
        title="The other store",
    )
    return held, kilobytes


@app.cell
def _(held, kilobytes):
    _at = kilobytes.index(24)
    assert held["8.0 (A100)"][_at] == 4 * (164 // 25) and held["9.0 (H100)"][_at] == 4 * (228 // 25)
    best, found = best_threads(registers=40, shared_a_thread=96)
    assert found.warps == max(occupancy_of(n, 40, 96 * n).warps for n in (64, 128, 256, 512, 1024))
    _limits = LIMITS["8.0"]
    assert found.warps <= _limits.warps
    mo.md(
        f"`best_threads` tries the sizes: with 40 registers and 96 bytes of shared memory a thread, blocks of **{best}** hold {found.warps} of "
        f"{_limits.warps} warps; {found.limited_by} allow no more."
    )
    return best, found


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A high occupancy is no aim in itself. A matrix product keeps its results in registers, 128 and more a thread, runs at 25 %
    and is at the card's peak: it has so much to do between two reads that few warps suffice (the first picture, upwards).
    Forcing the registers down makes the compiler put numbers into memory, and that is slower.

    ## Try

    - Blocks of 32 threads: an A100 takes 32 blocks and is half empty whatever the registers. Which size is full with the fewest?
    - Blocks of 1,024: from 65 registers on nothing runs at all on any card. Why 65?
    - Which limit decides at 8.6 for blocks of 1,024 threads with 32 registers? (`occupancy_of(1024, 32, capability="8.6")`)

    Write it yourself: `groundup learn start blocks_by_registers`
    """)
    return


if __name__ == "__main__":
    app.run()
