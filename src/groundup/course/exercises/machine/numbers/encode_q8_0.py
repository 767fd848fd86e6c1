"""Exercise: thirty-two weights in thirty-four bytes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def block(*values):
    """A block that begins with these numbers; the others are 0."""
    import numpy as np

    made = np.zeros((1, 32), np.float32)
    made[0, : len(values)] = values
    return made


def scale(data):
    """The scale of a block's bytes."""
    import numpy as np

    return float(data[0, :2].copy().view(np.float16)[0])


def steps(data, count):
    """The first steps of a block's bytes."""
    import numpy as np

    return data[0, 2 : 2 + count].copy().view(np.int8).tolist()


@check("shape")
def thirty_four_bytes(mine):
    """Does not give thirty-four bytes a block: two for the scale, and one for each step."""
    for count in (1, 3):
        shape(mine(block(1.0).repeat(count, axis=0)), (count, 34))


@check("dtype")
def plain_bytes(mine):
    """Does not give uint8: steps have a sign, and their bytes are written as they are (.view)."""
    import numpy as np

    dtype(mine(block(1.0, -1.0)), np.dtype(np.uint8))


@check("finite")
def a_block_of_zeros(mine):
    """Divides by 0 in a block of zeros: `inverse` gives 0 there."""
    same(mine(block())[0].tolist(), [0] * 34)


@check("values")
def the_scale(mine):
    """Is not the largest size / 127 as the scale."""
    mistakes = {
        "Divides by 128: then the largest number would need the step 128, which a byte does not have.": 254 / 128,
        "Takes the largest number: -254 is larger in size than 127.": 1.0,
        "Keeps the sign, as Q4_0 does: here the scale is a size.": -2.0,
        "Divides by 255: half of the steps are for negative numbers.": 254 / 255,
    }
    same(scale(mine(block(127.0, -254.0))), 2.0, rtol=1e-3, mistakes=mistakes)


@check("values")
def the_steps(mine):
    """Is not the nearest whole number to x / d as the step."""
    mistakes = {"Cuts off what follows the point: round to the nearest.": [127, 63, -1, 0]}
    same(steps(mine(block(127.0, 63.2, -1.8, 0.4)), 4), [127, 63, -2, 0], mistakes=mistakes)


@check("values")
def halves_go_away_from_zero(mine):
    """Rounds halves as NumPy does, to the even neighbour: ggml rounds them away from zero, as `round_half_away`."""
    mistakes = {"Rounds halves up: away from zero is down for negative numbers.": [127, 1, 3, 0, -2]}
    same(steps(mine(block(127.0, 0.5, 2.5, -0.5, -2.5)), 5), [127, 1, 3, -1, -3], mistakes=mistakes)


@check("values")
def a_scale_for_each_block(mine):
    """Gives all blocks the scale of the largest number: each block has its own."""
    import numpy as np

    got = mine(np.concatenate([block(1270.0), block(127.0)]))
    same(steps(got[1:], 1), [127])


@check("values")
def steps_in_single_precision(mine):
    """Takes steps by the scale as it is stored: they are reckoned by the float32 one, and only the bytes are FP16."""
    # d is 1.0003 and would be stored as 1; 126.54 / d = 126.502 rounds to 127, 64.51 / d = 64.49 to 64
    same(steps(mine(block(1.0003 * 127, 64.51)), 2), [127, 64])


STEPS = "round_half_away(blocks * inverse(scale))"

EXERCISE = Exercise(
    slot="machine.numbers.encode_q8_0",
    title="Q8_0: thirty-two weights in thirty-four bytes",
    task="""
    The plainest block format of GGUF files: 32 weights share a scale d, which is their largest size / 127, and each weight is a
    whole number q from -127 to 127 that means d * q. A block is two bytes of d in FP16, then 32 bytes of q.

    blocks is float32, (n, 32); give back bytes (uint8), (n, 34). q is x times the inverse of d, rounded to the nearest with
    halves away from zero, as C's roundf does. Work in float32; only the stored d is FP16.
    """,
    difficulty=1,
    minutes=20,
    prerequisites=("machine.numbers.formats", "machine.numbers.symmetric_codes"),
    hints=(
        "np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127) is the scale of each block as a column.",
        "inverse(scale) is 1 / scale, or 0; round_half_away rounds; half_bytes(scale) are the two bytes of each scale.",
        "Steps .astype(np.int8).view(np.uint8), behind the scale's bytes: np.concatenate([...], axis=1).",
    ),
    run="groundup --mine my learn lesson machine.numbers.blocks",
    checks=(
        thirty_four_bytes,
        plain_bytes,
        a_block_of_zeros,
        the_scale,
        the_steps,
        halves_go_away_from_zero,
        a_scale_for_each_block,
        steps_in_single_precision,
    ),
    mutants=(
        Mutant(
            "no scale",
            "thirty-four bytes a block",
            (("[half_bytes(scale), steps.view(np.uint8)]", "[steps.view(np.uint8)]"),),
        ),
        Mutant(
            "signed",
            "Does not give uint8",
            (("steps.view(np.uint8)], axis=1)", "steps.view(np.uint8)], axis=1).view(np.int8)"),),
        ),
        Mutant("division by 0", "Divides by 0", ((STEPS, "np.nan_to_num(round_half_away(blocks / scale), nan=1.0)"),)),
        Mutant("by 128", "Divides by 128", (("np.float32(127)", "np.float32(128)"),)),
        Mutant("the largest number", "the largest number:", (("np.abs(blocks).max(", "blocks.max("),)),
        Mutant(
            "its sign",
            "Keeps the sign",
            (
                (
                    "np.abs(blocks).max(axis=1, keepdims=True)",
                    "np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)",
                ),
            ),
        ),
        Mutant("by 255", "Divides by 255", (("np.float32(127)", "np.float32(255)"),)),
        Mutant("cut", "Cuts off", ((STEPS, "np.trunc(blocks * inverse(scale))"),)),
        Mutant("to even", "as NumPy does", ((STEPS, "np.rint(blocks * inverse(scale))"),)),
        Mutant("up", "Rounds halves up", ((STEPS, "np.floor(blocks * inverse(scale) + np.float32(0.5))"),)),
        Mutant(
            "one scale",
            "scale of the largest number: each",
            (("np.abs(blocks).max(axis=1, keepdims=True)", "np.full_like(blocks[:, :1], np.abs(blocks).max())"),),
        ),
        Mutant(
            "by the stored scale",
            "scale as it is stored",
            ((STEPS, "round_half_away(blocks * inverse(scale.astype(np.float16).astype(np.float32)))"),),
        ),
    ),
)
