"""Exercise: the sizes of blocks of weights, quantised too."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape


def sizes_of(count):
    """Sizes as blocks of normal weights have them."""
    import numpy as np

    return np.abs(np.random.default_rng(count).normal(2, 0.5, count)).astype(np.float32)


def decoded(found, block):
    """The sizes again."""
    import numpy as np

    from groundup.compression.quantization.nf4 import DYNAMIC

    return DYNAMIC[found.codes] * np.repeat(found.absmax, block)[: len(found.codes)] + np.float32(found.mean)


@check("shape")
def a_code_for_each_and_a_size_for_each_block(mine):
    """Gives another number of codes than sizes, or another number of scales than blocks: the last block may be short."""
    for count, blocks in ((8, 2), (9, 3), (1, 1)):
        found = mine(sizes_of(count), 4)
        shape(found.codes, (count,))
        shape(found.absmax, (blocks,))


@check("dtype")
def bytes_of_codes(mine):
    """Does not give uint8: a size is to take one byte."""
    import numpy as np

    dtype(mine(sizes_of(4), 4).codes, np.dtype(np.uint8))


@check("values")
def the_mean_is_taken_off(mine):
    """Keeps another mean than that of the sizes: they are all positive, so without it half of the codes would be unused."""
    import numpy as np

    same(mine(np.array([1, 2, 6], np.float32), 4).mean, 3.0)


@check("values")
def the_largest_of_each_block(mine):
    """Does not divide each block by its own largest magnitude, after the mean was taken off."""
    import numpy as np

    mistakes = {
        "Takes the largest before the mean was taken off.": np.array([4, 6], np.float32),
        "Takes the largest with its sign: the magnitude counts.": np.array([0, 2], np.float32),
        "Takes the largest of all for every block.": np.array([3, 3], np.float32),
    }
    same(mine(np.array([1, 4, 5, 6], np.float32), 2).absmax, np.array([3, 2], np.float32), mistakes=mistakes)


@check("values")
def alike(mine):
    """Is no number where all sizes are alike: a block of zeros stays zeros."""
    import numpy as np

    found = mine(np.full(5, 0.25, np.float32), 4)
    finite(found.absmax)
    same(decoded(found, 4), np.full(5, 0.25, np.float32))


@check("values")
def the_nearest_code(mine):
    """Does not give the code of the nearest of the sorted numbers DYNAMIC."""
    import numpy as np

    from groundup.compression.quantization.nf4 import DYNAMIC

    for count in (5, 64):
        given = sizes_of(count)
        centred = given - given.mean(dtype=np.float64).astype(np.float32)
        scaled = centred / np.abs(centred).max()
        same(mine(given, 64).codes, np.abs(scaled[:, None] - DYNAMIC).argmin(1).astype(np.uint8))


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: np.searchsorted finds all codes at once."""
    from groundup.compression.quantization.nf4 import quantize_sizes

    fast(mine, quantize_sizes, (sizes_of(20_000), 256), times=6)


EXERCISE = Exercise(
    slot="compression.quantization.quantize_sizes",
    title="Double quantisation: the scales in 8 bits too",
    task="""
    NF4 keeps a size (float32) for each 64 weights: half a bit a weight. QLoRA quantises these sizes as well. Take their mean off, since all
    are positive; divide each `block` of them by its largest magnitude (the last block may be short; a block of zeros stays zeros); and give
    each the code (uint8) of the nearest number of DYNAMIC, 256 sorted numbers from -1 to 1.

    Return Sizes(codes, absmax, mean): a code for each size, a largest magnitude (float32) for each block, and the mean as a float.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("compression.quantization.nf4",),
    hints=(
        "Fill the sizes up with zeros to whole blocks after the mean is off, and reshape to (-1, block): zeros change no largest magnitude.",
        "The middles between neighbours of DYNAMIC decide: np.searchsorted(middles, scaled) counts those below a number.",
        "Divide by np.where(largest > 0, largest, 1), and cut the codes to absmax.size at the end.",
    ),
    run="groundup --mine my learn lesson tuning.efficient.qlora",
    checks=(
        a_code_for_each_and_a_size_for_each_block,
        bytes_of_codes,
        the_mean_is_taken_off,
        the_largest_of_each_block,
        alike,
        the_nearest_code,
        all_at_once,
    ),
    mutants=(
        Mutant("filled up", "another number of codes", (("codes.ravel()[: absmax.size]", "codes.ravel()"),)),
        Mutant("int64", "does not give uint8".capitalize(), ((".astype(np.uint8)", ""),)),
        Mutant("no mean", "Keeps another mean", (("absmax.mean(dtype=np.float64)", "0"),)),
        Mutant(
            "before the mean",
            "before the mean was taken off",
            (("np.abs(centred).max(1)", "np.pad(absmax, (0, -absmax.size % block)).reshape(-1, block).max(1)"),),
        ),
        Mutant("with its sign", "with its sign", (("np.abs(centred).max(1)", "centred.max(1)"),)),
        Mutant(
            "one for all",
            "largest of all for every block",
            (("largest = np.abs(centred).max(1)", "largest = np.abs(centred).max(1) * 0 + np.abs(centred).max()"),),
        ),
        Mutant(
            "divides by zero",
            "Is no number where all sizes are alike",
            (("largest.astype(np.float32)", "np.where(largest > 0, largest, np.nan).astype(np.float32)"),),
        ),
        Mutant("goes down", "nearest of the sorted numbers", (("(DYNAMIC[1:] + DYNAMIC[:-1]) / 2", "DYNAMIC[1:]"),)),
        Mutant(
            "a loop",
            "far slower",
            (
                (
                    "np.searchsorted((DYNAMIC[1:] + DYNAMIC[:-1]) / 2, scaled)",
                    "np.array([[int(np.abs(DYNAMIC - one).argmin()) for one in row] for row in scaled])",
                ),
            ),
        ),
    ),
)
