"""Exercise: the segments of memory that a warp's addresses touch."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def floats(*places):
    """Addresses of numbers of four bytes."""
    return [4 * place for place in places]


@check("values")
def neighbours_share_a_segment(mine):
    """Is not 1 for 32 neighbouring floats: they lie in one segment of 128 bytes."""
    mistakes = {
        "Counts the threads: those whose bytes lie in one segment share it.": 32,
        "Counts the bytes that are wanted: what is moved are whole segments.": 128,
        "Counts in segments of 4 bytes, or of one number: a segment has `segment` bytes.": 31,
    }
    same(mine(floats(*range(32))), 1, mistakes=mistakes)


@check("values")
def a_stride_of_a_segment(mine):
    """Is not one segment a thread where the numbers lie 128 bytes apart."""
    same(mine(floats(0, 32, 64)), 3, mistakes={"Takes the span for one segment, or its border for the next one's.": 2})


@check("values")
def the_order_of_the_threads_does_not_matter(mine):
    """Counts a segment again when the threads come back to it: each is moved once, in whatever order it is asked for."""
    same(mine(floats(0, 40, 1)), 2)


@check("values")
def gaps_are_not_moved(mine):
    """Counts segments between the first and the last that nobody wants: only those with a wanted byte are moved."""
    same(mine(floats(0, 320)), 2)


@check("values")
def a_number_across_a_border(mine):
    """Misses the second segment of a number that lies across a border: its last byte counts as well as its first."""
    same(mine([126], 4), 2)


@check("values")
def sixteen_bytes_a_thread(mine):
    """Does not use `size`: a thread may read 16 bytes at once."""
    same(mine([16 * thread for thread in range(31)] + [500], 16), 5)


@check("values")
def sectors_of_32(mine):
    """Does not use `segment`: cards move sectors of 32 bytes too."""
    same(mine(floats(0, 9, 31), 4, 32), 3)


COUNT = "{byte // segment for address in addresses for byte in range(address, address + size)}"

EXERCISE = Exercise(
    slot="machine.kernels.transactions",
    title="What a warp's addresses cost",
    task="""
    The 32 threads of a warp read at once, and memory answers in whole segments: the bytes 0 to 127, 128 to 255 and so on. Each segment that
    holds at least one wanted byte is moved, once, whoever wants it. So neighbours are cheap, and numbers far apart cost a segment each.

    addresses are the first bytes that the threads read, each `size` bytes long; count the segments of `segment` bytes that are moved.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("machine.kernels.elements_of_thread",),
    hints=(
        "Byte b lies in segment b // segment.",
        "A set forgets what comes twice: collect the segment of every wanted byte.",
        "The bytes of a thread are range(address, address + size); the answer is the size of the set.",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.memory",
    checks=(
        neighbours_share_a_segment,
        a_stride_of_a_segment,
        the_order_of_the_threads_does_not_matter,
        gaps_are_not_moved,
        a_number_across_a_border,
        sixteen_bytes_a_thread,
        sectors_of_32,
    ),
    mutants=(
        Mutant(
            "changes counted",
            "Counts a segment again",
            source="""
            def transactions(addresses, size=4, segment=128):
                found = [byte // segment for address in addresses for byte in range(address, address + size)]
                return 1 + sum(one != other for one, other in zip(found, found[1:]))
            """,
        ),
        Mutant("threads", "Counts the threads", ((COUNT, "set(addresses)"),)),
        Mutant("bytes", "Counts the bytes", ((COUNT, COUNT.replace("byte // segment", "byte")),)),
        Mutant(
            "the span",
            "between the first and the last",
            source="""
            def transactions(addresses, size=4, segment=128):
                return (max(addresses) + size - 1) // segment - min(addresses) // segment + 1
            """,
        ),
        Mutant("first bytes only", "lies across a border", ((COUNT, "{address // segment for address in addresses}"),)),
        Mutant("always four bytes", "Does not use `size`", ((COUNT, COUNT.replace("+ size", "+ 4")),)),
        Mutant("always 128", "Does not use `segment`", ((COUNT, COUNT.replace("// segment", "// 128")),)),
    ),
)
