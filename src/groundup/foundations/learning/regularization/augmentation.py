"""Data augmentation: more examples, made from those there are by changes that should not change the answer.

Points may tremble (jitter): for a linear model, noise of variance s^2 on the inputs is on average exactly ridge with
penalty s^2 (Bishop 1995). Pictures may be moved by a pixel or two: a convolution knows that a shifted digit is the same
digit, other models must be shown. Pairs may be blended, answers too (mixup: Zhang et al. 2018, arXiv:1710.09412). A
change that does matter teaches a lie: a 6 upside down is a 9. Only the training part is augmented, after the split, or
copies of one example stand on both sides.

Left out: rotations by small angles, colours, cut-outs; noise on texts.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_count
from groundup.foundations.linalg.arrays import Array, as_matrix


def jitter(x: ArrayLike, spread: float, generator: np.random.Generator) -> Array:
    """The points with normal noise of this standard deviation on every number."""
    points = as_matrix(x, "x")
    if spread < 0:
        raise InputError(f"spread={spread:g} is a standard deviation; give 0 or more")
    return points + spread * generator.standard_normal(points.shape)


def shift(images: ArrayLike, down: int, right: int) -> Array:
    """The pictures, shape (..., rows, columns), moved by whole pixels; what comes in from outside is 0.

    >>> shift([[1, 2], [3, 4]], down=1, right=0).tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """
    pictures = _pictures(images)
    rows, columns = pictures.shape[-2:]
    moved = np.zeros_like(pictures)
    if abs(down) < rows and abs(right) < columns:
        to_rows, from_rows = _overlap(down, rows)
        to_columns, from_columns = _overlap(right, columns)
        moved[..., to_rows, to_columns] = pictures[..., from_rows, from_columns]
    return moved


def _pictures(images: ArrayLike) -> Array:
    """Pictures as floats of their own."""
    pictures = np.array(images, np.float64)
    if pictures.ndim < 2:
        raise InputError(f"images have the shape {pictures.shape}; give (rows, columns) or (count, rows, columns)")
    return pictures


def _overlap(by: int, size: int) -> tuple[slice, slice]:
    """Where a shifted axis lands, and where it comes from."""
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size - max(by, 0))


def augment_images(
    images: ArrayLike, labels: ArrayLike, copies: int, pixels: int, generator: np.random.Generator
) -> tuple[Array, NDArray]:
    """The pictures and `copies` more of each, every one moved by up to `pixels` both ways; with their labels."""
    pictures, answers = _pictures(images), np.asarray(labels)
    same_count(pictures, answers, "labels")
    if pictures.ndim != 3 or copies < 0 or pixels < 0:
        raise InputError(
            f"images {pictures.shape}, copies={copies}, pixels={pixels}; give (count, rows, columns) and numbers of 0 or more"
        )
    moves = generator.integers(-pixels, pixels + 1, size=(copies, len(pictures), 2))
    moved = [
        shift(one, int(down), int(right)) for turn in moves for one, (down, right) in zip(pictures, turn, strict=True)
    ]
    return np.concatenate([pictures, np.reshape(moved, (-1, *pictures.shape[1:]))]), np.tile(answers, copies + 1)


def mixup(x: ArrayLike, targets: ArrayLike, alpha: float, generator: np.random.Generator) -> tuple[Array, Array]:
    """Blend every example with another, x and targets (one-hot or numbers, one row an example) by the same share.

    The share is drawn from Beta(alpha, alpha): small alphas blend little.
    """
    points, answers = as_matrix(x, "x"), as_matrix(targets, "targets")
    same_count(points, answers, "targets")
    if not 0 < alpha < np.inf:
        raise InputError(f"alpha={alpha:g}; give a positive number, 0.2 to 0.4 are usual")
    share = generator.beta(alpha, alpha, size=(len(points), 1))
    other = generator.permutation(len(points))
    return share * points + (1 - share) * points[other], share * answers + (1 - share) * answers[other]
