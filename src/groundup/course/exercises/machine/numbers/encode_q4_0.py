"""Exercise: thirty-two weights in eighteen bytes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def block(**at):
    """A block of zeros with a few numbers: block(_0=8.0, _16=-2.0)."""
    import numpy as np

    made = np.zeros((1, 32), np.float32)
    for place, value in at.items():
        made[0, int(place[1:])] = value
    return made


def scale(data):
    """The scale of a block's bytes."""
    import numpy as np

    return float(data[0, :2].copy().view(np.float16)[0])


@check("shape")
def eighteen_bytes(mine):
    """Does not give eighteen bytes a block: two for the scale, sixteen for 32 steps of four bits."""
    for count in (1, 3):
        shape(mine(block(_0=1.0).repeat(count, axis=0)), (count, 18))


@check("dtype")
def plain_bytes(mine):
    """Does not give uint8."""
    import numpy as np

    dtype(mine(block(_0=1.0)), np.dtype(np.uint8))


@check("finite")
def a_block_of_zeros(mine):
    """Divides by 0 in a block of zeros: `inverse` gives 0 there, and every step is 8."""
    same(mine(block())[0, 2:].tolist(), [0x88] * 16)


@check("values")
def the_scale(mine):
    """Is not the number of largest size / -8 as the scale: 4 gives -0.5, so that its step is -8, exactly."""
    mistakes = {
        "Leaves the minus out: the largest number has to have the step -8, which is the end that exists.": 0.5,
        "Divides by 7, as symmetric integers do: here all 16 steps are used.": 4 / 7,
        "Divides by -7: the end that exists is -8.": -4 / 7,
    }
    same(scale(mine(block(_0=4.0))), -0.5, rtol=1e-3, mistakes=mistakes)


@check("values")
def its_sign(mine):
    """Takes the largest size for the largest number: for -4 the scale is +0.5, so that its step is -8 again."""
    same(scale(mine(block(_3=-4.0, _5=1.0))), 0.5)


@check("values")
def of_two_the_first(mine):
    """Takes the last of two numbers of the largest size: ggml's loop keeps the first."""
    same(scale(mine(block(_2=8.0, _9=-8.0))), -1.0)


@check("values")
def the_steps(mine):
    """Is not x / d + 8.5 without what follows the point: with d = -1 the numbers 8, 3 and -2.4 have the steps 0, 5 and 10."""
    got = mine(block(_0=8.0, _1=3.0, _2=-2.4))[0]
    same([int(one & 15) for one in got[2:5]], [0, 5, 10])
    same(int(mine(block(_0=8.0, _1=2.4))[0][3] & 15), 6, "Cuts without the half: add 8.5, not 8, so that it rounds.")


@check("values")
def the_short_end(mine):
    """Lets the other end overflow into 16: it has to stay at 15, one step short."""
    same(int(mine(block(_0=8.0, _1=-8.0))[0][3] & 15), 15)


@check("values")
def halves_of_a_byte(mine):
    """Puts the wrong neighbours into a byte: number i of the first half below, number 16 + i above."""
    got = mine(block(_0=8.0, _1=2.0, _16=-2.0))[0]
    mistakes = {
        "Pairs neighbours: the second in a byte is 16 numbers on.": [0x60, 0x88],
        "Puts the first half into the upper four bits.": [0x0A, 0x68],
    }
    same([int(got[2]), int(got[3])], [0xA0, 0x86], mistakes=mistakes)


@check("values")
def a_scale_that_half_precision_rounds(mine):
    """Takes steps by the rounded scale: they are reckoned in float32, and only what is stored is FP16."""
    import numpy as np

    row = block(_0=1.0001, _1=0.18752)
    d = row[0, 0] / np.float32(-8)
    same(int(mine(row)[0][3] & 15), int(row[0, 1] * (np.float32(1) / d) + np.float32(8.5)))


@check("values")
def as_one_number_at_a_time(mine):
    """Differs from the steps taken one number at a time."""
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32)
    got = mine(rows)
    for row, data in zip(rows, got, strict=True):
        d = row[np.abs(row).argmax()] / np.float32(-8)
        steps = [min(15, int(x * (np.float32(1) / d) + np.float32(8.5))) for x in row]
        same([int(one) for one in data[2:]], [steps[i] | steps[16 + i] << 4 for i in range(16)])


STEPS = "np.minimum(np.trunc(blocks * inverse(scale) + np.float32(8.5)), 15)"

EXERCISE = Exercise(
    slot="machine.numbers.encode_q4_0",
    title="Q4_0: thirty-two weights in eighteen bytes",
    task="""
    The oldest 4-bit format of GGUF files: 32 weights share a scale d, kept in FP16, and each is a step q from 0 to 15 that
    means d * (q - 8). There are eight steps below 0 and seven above. So that the number of largest size keeps its value, d is
    this number, with its sign, divided by -8: it gets the step -8. Where two have the same size, the first decides.

    q is x / d + 8.5 without what follows the point, and at most 15. Byte i of the sixteen holds q of number i in its lower
    four bits and q of number 16 + i in its upper. Work in float32; only the stored d is FP16. blocks is (n, 32), the bytes (n, 18).
    """,
    difficulty=2,
    minutes=30,
    prerequisites=("machine.numbers.formats", "machine.numbers.symmetric_codes"),
    hints=(
        "np.abs(blocks).argmax(axis=1, keepdims=True) and np.take_along_axis find the number of largest size with its sign.",
        "inverse(scale) is 1 / scale, or 0; half_bytes(scale) are its two bytes; np.trunc cuts.",
        "steps[:, :16] | steps[:, 16:] << 4 packs them (as uint8); np.concatenate with the scale's bytes along axis 1.",
    ),
    run="groundup --mine my learn lesson machine.numbers.blocks",
    checks=(
        eighteen_bytes,
        plain_bytes,
        a_block_of_zeros,
        the_scale,
        its_sign,
        of_two_the_first,
        halves_of_a_byte,
        the_steps,
        the_short_end,
        a_scale_that_half_precision_rounds,
        as_one_number_at_a_time,
    ),
    mutants=(
        Mutant("no scale", "eighteen bytes a block", (("[half_bytes(scale), _pairs(steps)]", "[_pairs(steps)]"),)),
        Mutant(
            "16 bits", "Does not give uint8", (("_pairs(steps)], axis=1)", "_pairs(steps)], axis=1).astype(np.int16)"),)
        ),
        Mutant(
            "steps of 0 at zero",
            "Divides by 0",
            ((STEPS, "np.where(scale == 0, 0, np.minimum(np.trunc(blocks * inverse(scale) + np.float32(8.5)), 15))"),),
        ),
        Mutant("no minus", "Leaves the minus out", (("np.float32(-8)", "np.float32(8)"),)),
        Mutant("by 7", "Divides by 7", (("np.float32(-8)", "np.float32(7)"),)),
        Mutant("by -7", "Divides by -7", (("np.float32(-8)", "np.float32(-7)"),)),
        Mutant(
            "without its sign",
            "largest size for the largest number",
            (("np.take_along_axis(blocks, largest, axis=1)", "np.abs(blocks).max(axis=1, keepdims=True)"),),
        ),
        Mutant(
            "the last",
            "the last of two",
            (
                (
                    "largest = np.abs(blocks).argmax(axis=1, keepdims=True)",
                    "largest = 31 - np.abs(blocks[:, ::-1]).argmax(axis=1, keepdims=True)",
                ),
            ),
        ),
        Mutant("no half", "Cuts without the half", (("np.float32(8.5)", "np.float32(8)"),)),
        Mutant("up", "is not x / d + 8.5".capitalize(), (("np.trunc(blocks", "np.rint(blocks"),)),
        Mutant("no end", "overflow into 16", ((STEPS, "np.trunc(blocks * inverse(scale) + np.float32(8.5))"),)),
        Mutant("neighbours", "Pairs neighbours", (("_pairs(steps)", "steps[:, 0::2] | steps[:, 1::2] << 4"),)),
        Mutant("upper first", "into the upper", (("_pairs(steps)", "steps[:, 16:] | steps[:, :16] << 4"),)),
    ),
)
