"""Exercise: the roof over a computation."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("shape")
def one_number(mine):
    """Does not give one number."""
    that(isinstance(mine(1.0, 100.0, 10.0), (int, float)), expected="a number", got=mine(1.0, 100.0, 10.0))


@check("finite")
def work_that_only_moves(mine):
    """Does not give 0 for work without operations: it moves bytes and computes nothing."""
    same(mine(0.0, 100.0, 10.0), 0.0)


@check("invariant")
def never_above_the_peak(mine):
    """Lets work of a high intensity run faster than the machine multiplies: the roof is flat there."""
    same(mine(1000.0, 100e9, 10e9), 100e9, mistakes={"Adds the two limits up: the lower one counts.": 100e9 + 1e13})


@check("invariant")
def never_above_what_memory_brings(mine):
    """Lets work of a low intensity run at the peak: it waits for its bytes."""
    same(
        mine(0.5, 100e9, 10e9),
        5e9,
        mistakes={
            "Divides the bandwidth by the operations a byte: each byte brings that many operations, so it multiplies.": 20e9,
            "Gives bytes a second: with the operations of each byte they become operations a second.": 10e9,
            "Takes the higher of the two limits: work waits for the slower one.": 100e9,
            "Takes 4 bytes for each number: the intensity counts bytes, not numbers.": 1.25e9,
        },
    )


@check("values")
def the_ridge(mine):
    """Is not the peak at the ridge, where both limits meet."""
    same(mine(153.0, 312e12, 312e12 / 153.0), 312e12)
    same(mine(10.0, 100.0, 10.0), 100.0)


EXERCISE = Exercise(
    slot="machine.probe.attainable",
    title="The roof over a computation",
    task="""
    A machine multiplies at most `flops` operations a second and moves at most `bytes_per_s` bytes a second. Work that does
    `intensity` operations for each byte it moves can wait for the one or for the other. Give back the operations a second
    that it reaches at best, when multiplying and moving go on at the same time.
    """,
    difficulty=1,
    minutes=10,
    hints=(
        "If only memory counted: so many bytes come in a second, and each brings so many operations.",
        "If only multiplying counted, the answer would be flops, whatever the intensity.",
        "The slower of the two decides: a minimum.",
    ),
    run="groundup --mine my learn lesson machine.probe.roofline",
    checks=(one_number, work_that_only_moves, never_above_what_memory_brings, never_above_the_peak, the_ridge),
    mutants=(
        Mutant("a list", "list where float is expected", (("return min(", "return [min("), ("bytes_per_s)", "bytes_per_s)]"))),
        Mutant("no roof", "faster than the machine multiplies", (("min(flops, intensity * bytes_per_s)", "intensity * bytes_per_s"),)),
        Mutant("the higher one", "give 0 for work without operations", (("min(", "max("),)),
        Mutant("divided", "Divides the bandwidth", (("intensity * bytes_per_s", "bytes_per_s / intensity if intensity else 0.0"),)),
        Mutant("bytes", "Gives bytes a second", (("intensity * bytes_per_s", "bytes_per_s * (intensity > 0)"),)),
        Mutant("numbers", "4 bytes for each number", (("intensity * bytes_per_s", "intensity * bytes_per_s / 4"),)),
        Mutant("harmonic", "it waits for its bytes", (
            ("min(flops, intensity * bytes_per_s)", "flops * intensity * bytes_per_s / (flops + intensity * bytes_per_s)"),)),
    ),
)  # fmt: skip
