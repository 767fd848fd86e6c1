"""Exercise: how many blocks the registers of a multiprocessor suffice for."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def powers_of_two(mine):
    """Is not 16 for blocks of 128 threads with 32 registers: 65,536 / (32 * 32) are 64 warps, in blocks of four."""
    mistakes = {
        "Counts warps: a block has several of them, and comes whole.": 64,
        "Takes the registers of a thread for those of a warp, or forgets that a warp is 32 threads.": 512,
        "Forgets the four quarters at the end: all of them hold warps.": 4,
    }
    same(mine(128, 32), 16, mistakes=mistakes)


@check("values")
def a_warp_that_has_begun(mine):
    """Does not count a warp that has begun as a whole one: 33 threads are two warps."""
    same(mine(33, 32), 32, mistakes={"Rounds the warps of a block down: 33 threads need two.": 64})


@check("values")
def in_portions_of_256(mine):
    """Does not round the registers of a warp up to a multiple of 256: 37 a thread are 1,184, and cost 1,280 (NVIDIA's own example)."""
    same(
        mine(128, 37),
        12,
        mistakes={
            "Does not round the registers of a warp up: 1,184 are given as 1,280.": 13,
            "Rounds the registers of a warp down to a multiple of 256: then it would have too few.": 16,
            "Rounds the registers of a thread up to a multiple of 256: it is a warp's that are rounded.": 2,
        },
    )


@check("values")
def in_four_quarters(mine):
    """Takes all registers as one store: they are four quarters, and a warp's lie in one of them."""
    same(mine(320, 37), 4, mistakes={"Takes all registers as one store: a warp's lie in one of the four quarters.": 5})
    # 16,384 / 3,328 are 4 warps a quarter, 16 in all; 65,536 / 3,328 would be 19
    same(
        mine(32, 104), 16, mistakes={"Takes all registers as one store: a warp's lie in one of the four quarters.": 19}
    )


@check("values")
def too_many(mine):
    """Is not 0 for a block that does not fit at all."""
    same(mine(1024, 255), 0)


@check("values")
def another_processor(mine):
    """Does not use `of_processor`."""
    same(mine(128, 32, 32_768), 8)


OF_WARP = "-(-32 * registers // 256) * 256"

EXERCISE = Exercise(
    slot="machine.kernels.blocks_by_registers",
    title="Registers and the blocks that fit",
    task="""
    A multiprocessor hides the wait for memory by having many warps at hand, and its registers decide how many: each thread keeps its own
    for as long as its block is there. They are handed out so: a block is whole warps of 32 threads; a warp gets 32 * registers, rounded up
    to a multiple of 256; the registers are four quarters, and a warp's lie in one of them. What all four quarters hold in warps is then
    shared out in whole blocks.

    Give the number of blocks of `threads` threads with `registers` registers each, for `of_processor` registers in all.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("machine.kernels.cuda",),
    hints=(
        "-(-a // b) is a / b rounded up, in whole numbers; a warp that has begun counts.",
        "Warps in one quarter: a quarter of the registers // registers of a warp, rounded up to 256. Times four.",
        "The blocks: all those warps // warps of a block.",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.occupancy",
    checks=(
        powers_of_two,
        a_warp_that_has_begun,
        in_portions_of_256,
        in_four_quarters,
        too_many,
        another_processor,
    ),
    mutants=(
        Mutant("warps", "Counts warps", (("return warps // warps_of_block", "return warps"),)),
        Mutant("one quarter", "Forgets the four quarters", (("// of_warp * 4", "// of_warp"),)),
        Mutant("rounded down", "Rounds the warps of a block down", (("-(-threads // 32)", "max(1, threads // 32)"),)),
        Mutant("a warp of one", "forgets that a warp is 32", ((OF_WARP, "registers"),)),
        Mutant("not rounded", "Does not round the registers of a warp up: 1,184 are", ((OF_WARP, "32 * registers"),)),
        Mutant("rounded to less", "Rounds the registers of a warp down", ((OF_WARP, "32 * registers // 256 * 256"),)),
        Mutant("a thread's rounded", "Rounds the registers of a thread", ((OF_WARP, "32 * -(-registers // 256) * 256 if registers > 32 else 32 * registers"),)),
        Mutant("one store", "Takes all registers as one store: a warp's", (("of_processor // 4 // of_warp * 4", "of_processor // of_warp"),)),
        Mutant("at least one", "Is not 0", (("return warps // warps_of_block", "return max(1, warps // warps_of_block)"),)),
        Mutant("always 65,536", "Does not use `of_processor`", (("of_processor // 4", "65_536 // 4"),)),
    ),
)  # fmt: skip
