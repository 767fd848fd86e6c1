"""Exercise: keys and values as small integers, each vector with its own scale."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def vectors(*tokens):
    """Keys of one head, in single precision."""
    import numpy as np

    return np.array([tokens], np.float32)


def codes_of(*tokens):
    """Codes of one head."""
    import numpy as np

    return np.array([tokens], np.int8)


@check("shape")
def codes_and_scales(mine):
    """Does not give codes in the shape of the vectors, and a scale for every group of each vector."""
    for group, groups in ((4, 1), (2, 2)):
        codes, scales = mine(vectors([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]), 8, group)
        shape(codes, (1, 2, 4))
        shape(scales, (1, 2, groups))


@check("dtype")
def bytes_with_a_sign(mine):
    """Does not give int8 codes and float32 scales, so that nothing is saved."""
    import numpy as np

    codes, scales = mine(vectors([1.0, 2.0]), 8, 2)
    dtype(codes, np.dtype(np.int8))
    dtype(scales, np.dtype(np.float32))


@check("finite")
def a_vector_of_zeros(mine):
    """Divides by 0 for a vector of zeros, such as a value that says nothing: its codes and its scale are 0."""
    codes, scales = mine(vectors([0.0, 0.0]), 8, 2)
    same(codes, codes_of([0, 0]))
    same(scales, vectors([0.0]))


@check("values")
def by_hand(mine):
    """Is not the largest size / 127 as the scale and the nearest whole number of scales as the code."""
    mistakes = {
        "Takes the largest number instead of the largest size: -254 is larger in size than 100.": vectors([100 / 127]),
        "Divides by 128: the code of the largest is 127, so that x and -x are treated alike.": vectors([254 / 128]),
    }
    codes, scales = mine(vectors([-254.0, 100.0, 3.4]), 8, 3)
    same(scales, vectors([2.0]), mistakes=mistakes)
    same(
        codes,
        codes_of([-127, 50, 2]),
        mistakes={"Cuts off instead of rounding: 1.7 steps are 2.": codes_of([-127, 50, 1])},
    )


@check("values")
def four_bits(mine):
    """Is not right for 4 bits: the largest size has the code 2^(bits-1) - 1 = 7."""
    codes, scales = mine(vectors([-14.0, 7.0, 2.2]), 4, 3)
    same(scales, vectors([2.0]))
    same(codes, codes_of([-7, 4, 1]))


@check("values")
def a_loud_token_spoils_no_other(mine):
    """Shares a scale between tokens: the first one, 1000 times as loud, rounds the second to nothing."""
    codes, scales = mine(vectors([1270.0, 0.0], [1.27, 0.64]), 8, 2)
    same(scales, vectors([10.0], [0.01]))
    same(codes, codes_of([127, 0], [127, 64]))


@check("values")
def a_loud_group_spoils_no_other(mine):
    """Shares a scale between the groups of a vector: every group_size numbers have their own."""
    codes, scales = mine(vectors([700.0, 0.0, 0.7, 0.1]), 4, 2)
    same(scales, vectors([100.0, 0.1]))
    same(codes, codes_of([7, 0, 7, 1]))


@check("speed")
def all_vectors_at_once(mine):
    """Is far slower than the reference: no loop over the vectors."""
    import numpy as np

    from groundup.inference.cache.quantized import quantize_vectors

    fast(mine, quantize_vectors, (np.random.default_rng(0).normal(size=(8, 512, 64)).astype(np.float32), 8, 64))


def written(**changes):
    """A whole file that rounds by hand, with one line changed: what a learner may write."""
    lines = {
        "groups": "vectors.reshape(*vectors.shape[:-1], -1, group_size)",
        "most": "2 ** (bits - 1) - 1",
        "scale": "np.abs(groups).max(axis=-1) / np.float32(most)",
        "whole": "np.rint(groups / np.where(scale == 0, np.float32(1), scale)[..., None])",
        "given": "whole.reshape(vectors.shape).astype(np.int8), scale",
    } | changes
    body = "".join(f"    {name} = {line}\n" for name, line in lines.items())
    return f"import numpy as np\n\n\ndef quantize_vectors(vectors, bits, group_size):\n{body}    return given\n"


EXERCISE = Exercise(
    slot="inference.cache.quantize_vectors",
    title="Quantised cache: a key in half the bytes",
    task="""
    A step of decoding reads all keys and values that are kept, so their bytes are the time it takes. Round `vectors` (heads, tokens,
    width) to whole numbers of `bits` bits: every `group_size` neighbours of a vector share a scale, which is their largest size divided by 2^(bits-1) - 1,
    and a code is the nearest whole number to x / scale. Give the codes (int8, in the shape of the vectors) and the scales
    (float32: heads, tokens, groups). A group of zeros has the scale 0 and the codes 0.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("machine.numbers.symmetric_codes",),
    hints=(
        "Reshape to (heads, tokens, width // group_size, group_size): then everything happens along the last axis.",
        "scale = abs(groups).max(axis=-1) / (2 ** (bits - 1) - 1); codes are np.rint(groups / scale).",
        "Where the scale is 0, divide by 1 instead; reshape the codes back to the vectors' shape and make them int8.",
    ),
    run="groundup --mine my learn lesson inference.cache.quantized --run",
    checks=(
        codes_and_scales,
        bytes_with_a_sign,
        a_vector_of_zeros,
        by_hand,
        four_bits,
        a_loud_token_spoils_no_other,
        a_loud_group_spoils_no_other,
        all_vectors_at_once,
    ),
    mutants=(
        Mutant(
            "scales of a vector",
            "a scale for every group",
            source=written(given="whole.reshape(vectors.shape).astype(np.int8), scale[..., :1]"),
        ),
        Mutant("codes as floats", "Does not give int8", source=written(given="whole.reshape(vectors.shape), scale")),
        Mutant(
            "the largest number",
            "Takes the largest number",
            source=written(scale="groups.max(axis=-1) / np.float32(most)"),
        ),
        Mutant("divided by 128", "Divides by 128", source=written(most="2 ** (bits - 1)")),
        Mutant(
            "cut off",
            "Cuts off",
            source=written(whole="np.trunc(groups / np.where(scale == 0, np.float32(1), scale)[..., None])"),
        ),
        Mutant("always 8 bits", "not right for 4 bits", source=written(most="127")),
        Mutant(
            "one scale for all tokens",
            "Shares a scale between tokens",
            source=written(
                scale="np.broadcast_to(np.abs(groups).max(axis=(1, 3), keepdims=True), (*groups.shape[:-1], 1))[..., 0] / np.float32(most)"
            ),
        ),
        Mutant(
            "one scale for all groups",
            "Shares a scale between the groups",
            source=written(
                scale="np.broadcast_to(np.abs(groups).max(axis=(2, 3), keepdims=True), (*groups.shape[:-1], 1))[..., 0] / np.float32(most)"
            ),
        ),
        Mutant(
            "a loop over the vectors",
            "far slower than the reference",
            source=written(
                groups="np.array([[np.stack([row[i : i + group_size] for i in range(0, len(row), group_size)]) "
                "for row in head for _ in range(9)][::9] for head in vectors], np.float32)"
            ),
        ),
    ),
)
