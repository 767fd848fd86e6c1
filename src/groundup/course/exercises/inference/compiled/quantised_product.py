"""Exercise: a matrix of bytes times a vector of bytes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def blocks(*rows):
    """Q8_0 bytes: each row a list of (scale, steps) of blocks that begin with these steps; the others are 0."""
    import numpy as np

    made = []
    for row in rows:
        for scale, steps in row:
            block = np.zeros(34, np.uint8)
            block[:2] = np.array([scale], np.float16).view(np.uint8)
            block[2 : 2 + len(steps)] = np.array(steps, np.int8).view(np.uint8)
            made.append(block)
    return np.concatenate(made).reshape(len(rows), -1)


def vector(*groups):
    """Groups of 32 that begin with these numbers."""
    import numpy as np

    made = np.zeros((len(groups), 32), np.float32)
    for group, numbers in zip(made, groups, strict=True):
        group[: len(numbers)] = numbers
    return made.reshape(-1)


@check("shape")
def one_number_a_row(mine):
    """Does not give one number a row."""
    shape(mine(blocks([(1, [1]), (1, [1])], [(1, [2]), (1, [2])], [(1, [3]), (1, [3])]), vector([127], [127])), (3,))


@check("finite")
def a_group_of_zeros(mine):
    """Divides by 0 where a group of the vector is zeros: its steps are 0."""
    import numpy as np

    same(bool(np.isfinite(mine(blocks([(1, [5]), (1, [5])]), vector([0], [127]))).all()), True)


@check("values")
def by_hand(mine):
    """Is not the scale times the sum of the products: 0.5 (2 x 127 - 3 x 1) = 125.5."""
    mistakes = {
        "Leaves the weights' scale out.": 251.0,
        "Reads the steps without their sign: the byte 253 is -3.": 0.5 * (2 * 127 + 253),
        "Multiplies by the largest size: e is a 127th of it.": 125.5 * 127,
    }
    same(float(mine(blocks([(0.5, [2, -3])]), vector([127, 1]))[0]), 125.5, mistakes=mistakes)


@check("values")
def the_vectors_scale(mine):
    """Is not multiplied by the vector's scale again: its steps are x / e, and e is the largest size / 127."""
    mistakes = {
        "Leaves the vector's scale out.": 127.0,
        "Takes the largest number for the largest size: here it is 0.": 0.0,
    }
    same(float(mine(blocks([(1, [-1])]), vector([-254.0]))[0]), 254.0, rtol=1e-5, mistakes=mistakes)


@check("values")
def the_vector_is_rounded(mine):
    """Is not by whole numbers: the vector's numbers are rounded to steps first, here 63.2 to 63."""
    mistakes = {
        "Does not round the vector: then the products are no whole numbers, and the instruction for bytes cannot do them.": 126.4,
        "Cuts the vector's steps off: the nearest to 63.7 is 64.": 126.0 + 126,
    }
    matrix = blocks([(1, [0, 2, 0])], [(1, [0, 2, 2])])
    got = mine(matrix, vector([127, 63.2, 63.7]))
    same(float(got[0]), 126.0, mistakes=mistakes)
    same(float(got[1]), 254.0, mistakes=mistakes)


@check("values")
def a_scale_for_each_group(mine):
    """Gives all groups of the vector one scale: then a small group beside a large one is rounded to nothing."""
    same(float(mine(blocks([(0, [1]), (1, [1])]), vector([127000], [1]))[0]), 1.0, rtol=1e-5)


@check("values")
def sums_that_a_byte_does_not_hold(mine):
    """Lets the sum run over: 32 x 127 x 127 is 516,128, so widen the bytes before they are multiplied."""
    same(float(mine(blocks([(1, [127] * 32)]), vector([127] * 32))[0]), 516128.0)


STEPS = "np.ascontiguousarray(parts[:, :, 2:]).view(np.int8).astype(np.int32)"
LARGEST = "np.abs(groups).max(axis=1, keepdims=True)"

EXERCISE = Exercise(
    slot="inference.compiled.quantised_product",
    title="A matrix of bytes times a vector of bytes",
    task="""
    Weights in Q8_0 blocks are a byte each. To multiply them with a vector, one could make floats of them again; a processor
    does better with bytes on both sides: an instruction multiplies 64 pairs at once and adds them up as whole numbers.

    So the vector is rounded to steps too, in the same groups of 32: e is the largest size of the group / 127, a step is
    x / e rounded to the nearest whole number. Then each row is the sum over its groups of
    d (the block's scale) * e * (sum of step times step).

    blocks: uint8 (rows, 34 a group): two bytes FP16, 32 steps with a sign (int8). vector: float32. Give float32 (rows,).
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("machine.numbers.encode_q8_0",),
    hints=(
        "blocks.reshape(rows, -1, 34): two bytes .view(np.float16) are the scales, the others .view(np.int8) the steps.",
        "np.rint(groups * (127 / largest)) are the vector's steps; where largest is 0 take 0 for 127 / largest.",
        "Make int32 of both before you multiply; sum over the 32, then times scales and largest / 127, then sum over the groups.",
    ),
    run="groundup --mine my learn lesson inference.compiled.records",
    checks=(
        one_number_a_row, a_group_of_zeros, by_hand, the_vectors_scale, the_vector_is_rounded, a_scale_for_each_group,
        sums_that_a_byte_does_not_hold,
    ),
    mutants=(
        Mutant("groups left", "Does not give one number", ((".sum(axis=1, dtype=np.float32)", ""),)),
        Mutant(
            "division by 0", "Divides by 0",
            (("np.divide(np.float32(127), largest, out=np.zeros_like(largest), where=largest > 0)", "np.float32(127) / np.where(largest > 0, largest, np.nan)"),
             ("np.rint(groups * inverse).astype(np.int32)", "np.rint(groups * inverse)")),
        ),
        Mutant("no scale", "Leaves the weights' scale", (("sums * scales *", "sums *"),)),
        Mutant("no sign", "without their sign", ((STEPS, STEPS.replace("np.int8", "np.uint8")),)),
        Mutant("no scale of the vector", "Leaves the vector's scale", ((" * (largest[:, 0] / np.float32(127))", ""),)),
        Mutant("the largest", "Multiplies by the largest", (("(largest[:, 0] / np.float32(127))", "largest[:, 0]"),)),
        Mutant("the largest number", "Takes the largest number", ((LARGEST, "groups.max(axis=1, keepdims=True)"),)),
        Mutant("not rounded", "Does not round", (("np.rint(groups * inverse).astype(np.int32)", "groups * inverse"),)),
        Mutant("cut", "Cuts the vector's", (("np.rint(groups * inverse)", "np.trunc(groups * inverse)"),)),
        Mutant("one scale", "Gives all groups", ((LARGEST, "np.full((len(groups), 1), np.abs(groups).max())"),)),
        Mutant(
            "too narrow", "Lets the sum run over",
            (("sums = (steps * rounded).sum(axis=2)", "sums = (steps * rounded).sum(axis=2).astype(np.int16)"),),
        ),
    ),
)  # fmt: skip
