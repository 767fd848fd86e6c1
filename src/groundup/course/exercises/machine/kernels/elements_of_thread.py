"""Exercise: which numbers a thread owns, in a grid that walks over an array."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def the_place_in_the_grid(mine):
    """The first place is not block * threads + thread."""
    mistakes = {
        "Takes the block alone for the place: whole blocks of `threads` come before.": [1],
        "Takes the place in the block for the place in the grid: `block` whole blocks come before.": [2],
        "Multiplies by the number of blocks: before block 1 come `threads` threads, not `blocks`.": [4],
    }
    same(mine(1, 2, 2, 4, 8), [6], mistakes=mistakes)


@check("values")
def the_stride_is_the_grid(mine):
    """The next place is not the whole grid (blocks * threads) further on."""
    mistakes = {
        "Walks on by the threads of one block: the other blocks are there too, and would do the same numbers.": [
            1, 5, 9, 13, 17,
        ],
        "Takes neighbouring places for one thread: then a warp's threads read places far apart.": [3, 4, 5],
        "Stops after the first place: an array longer than the grid needs several rounds.": [1],
    }  # fmt: skip
    same(mine(0, 1, 2, 4, 20), [1, 9, 17], mistakes=mistakes)


@check("values")
def a_thread_beyond_the_edge_owns_nothing(mine):
    """Gives a thread beyond the end of the array a place: the last block hangs over, and its threads own nothing."""
    same(mine(1, 3, 2, 4, 7), [])


@check("values")
def all_together_own_every_place_once(mine):
    """Some place has no owner, or two: together the threads own each place of the array exactly once."""
    for blocks, threads, size in ((2, 3, 13), (3, 2, 5), (1, 4, 4)):
        owned = [one for b in range(blocks) for t in range(threads) for one in mine(b, t, blocks, threads, size)]
        same(sorted(owned), list(range(size)))


EXERCISE = Exercise(
    slot="machine.kernels.elements_of_thread",
    title="Which numbers a thread owns",
    task="""
    A kernel says what one thread does; the grid is `blocks` blocks of `threads` threads, and the array has `size` numbers, more or fewer than
    there are threads. So a thread begins at its own place in the grid and walks on by the length of the whole grid until the array
    ends. Then 32 neighbouring threads always read 32 neighbouring numbers.

    Give the places of the thread number `thread` of the block number `block`, in order; both are counted from 0.
    """,
    difficulty=1,
    minutes=10,
    hints=(
        "How many threads stand before this block, and before this thread in it?",
        "The place in the grid is block * threads + thread; the grid is blocks * threads long.",
        "range(first, size, stride) stops by itself before the end of the array, and is empty for a thread beyond it.",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.grid",
    checks=(
        the_place_in_the_grid,
        the_stride_is_the_grid,
        a_thread_beyond_the_edge_owns_nothing,
        all_together_own_every_place_once,
    ),
    mutants=(
        Mutant(
            "no edge",
            "beyond the end",
            (("list(range(block * threads + thread, size,", "[block * threads + thread] + list(range(block * threads + thread + blocks * threads, size,"),),
        ),
        Mutant("the block alone", "the block alone", (("block * threads + thread, size", "block, size"),)),
        Mutant("the place in the block", "place in the block", (("block * threads + thread, size", "thread, size"),)),
        Mutant("times blocks", "number of blocks", (("block * threads + thread, size", "block * blocks + thread, size"),)),
        Mutant("a block further", "threads of one block", (("size, blocks * threads)", "size, threads)"),)),
        Mutant(
            "a piece for each",
            "neighbouring places for one thread",
            source="""
            def elements_of_thread(block, thread, blocks, threads, size):
                piece = -(-size // (blocks * threads))
                first = (block * threads + thread) * piece
                return list(range(first, min(first + piece, size)))
            """,
        ),
        Mutant("one round", "Stops after the first", (("size, blocks * threads))", "size, blocks * threads))[:1]"),)),
    ),
)  # fmt: skip
