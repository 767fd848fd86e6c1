"""Sets and logic: how alike two sets are, masks as sets, and formulas that say the same.

    Jaccard      |A & B| / |A | B|                    the share of what either has that both have (Jaccard 1901)
    De Morgan    not (a and b) = not a or not b       what is forbidden is forbidden by one rule or by another

A boolean mask over n things *is* a set of them: mask[i] says whether i belongs, & is the intersection, | the union and ~ the
complement. So an attention mask for packed documents is one expression, `causal & same_document`, and its complement, the
places that get -inf, is `~causal | ~same_document`. `truth_table` goes through all cases, which proves such an identity.

Left out: quantifiers, proofs; estimating Jaccard by hashes without comparing (MinHash) is a matter of `data`.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.slots import slot

Mask = NDArray[np.bool_]
MOST_VARIABLES = 20  # a million cases


@slot
def jaccard(first: Collection[Hashable], second: Collection[Hashable]) -> float:
    """The share of the things in either set that are in both: 1 for equal sets, 0 for those with nothing in common.

    What stands twice counts once. Two empty sets are equal, so they get 1.

    >>> jaccard({1, 2, 3}, {2, 3, 4}), jaccard("abc", "cab"), jaccard([], [])
    (0.5, 1.0, 1.0)
    """
    one, other = set(first), set(second)
    either = one | other
    return len(one & other) / len(either) if either else 1.0


def shingles(text: str, size: int = 5) -> set[str]:
    """All runs of `size` letters of a text, as a set: what two texts share of these says how alike they are.

    A text shorter than that is its own only one.

    >>> sorted(shingles("abcab", 3))
    ['abc', 'bca', 'cab']
    """
    if size < 1:
        raise InputError(f"size={size} is no length of a run of letters; use 1 or more (5 is usual)")
    return {text[start : start + size] for start in range(max(len(text) - size + 1, 1))}


# ───────── masks as sets ─────────


def mask_of(members: Iterable[int], size: int) -> Mask:
    """The mask over 0 ... size - 1 that is True at the members.

    >>> mask_of({0, 2}, 4).tolist()
    [True, False, True, False]
    """
    numbers = list(members)
    if outside := [number for number in numbers if not 0 <= number < size]:
        raise InputError(f"{outside[0]} lies outside of 0 to {size - 1}; give a larger size")
    mask = np.zeros(size, dtype=bool)
    mask[numbers] = True
    return mask


def members(mask: ArrayLike) -> set[int]:
    """The numbers at which a mask is True.

    >>> members([True, False, True])
    {0, 2}
    """
    (m,) = masks(mask)
    return set(np.flatnonzero(m).tolist())


def masks(*given: ArrayLike) -> list[Mask]:
    """The masks as arrays, after the check that they are boolean and of one shape.

    Refusing 0 and 1 has a reason: ~1 is -2, which counts as true, and an index of 0 and 1 picks places in place of keeping them.
    """
    arrays = [np.asarray(one) for one in given]
    for array in arrays:
        if array.dtype != bool:
            raise InputError(f"a mask is of {array.dtype}, and ~ would flip its bits; make it boolean by mask != 0")
        if array.shape != arrays[0].shape:
            raise InputError(f"masks of the shapes {arrays[0].shape} and {array.shape} are no sets of the same things")
    return arrays


def jaccard_of_masks(first: ArrayLike, second: ArrayLike) -> float:
    """Jaccard's similarity of two masks, without listing their members: two counts and a division.

    >>> jaccard_of_masks([True, True, False], [True, False, True])
    0.3333333333333333
    """
    one, other = masks(first, second)
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def subset(first: ArrayLike, second: ArrayLike) -> bool:
    """Whether all of the first is in the second: "in the first implies in the second", everywhere.

    >>> subset([True, False], [True, True]), subset([True, True], [True, False])
    (True, False)
    """
    one, other = masks(first, second)
    return bool((~one | other).all())


def union_size(sets: Collection[Collection[Hashable]]) -> int:
    """How many things are in at least one of the sets, from their intersections alone: inclusion and exclusion.

    Singles are added, what pairs share is taken off, what three share is added again, and so on. len(set.union(...)) is
    quicker; this is for when only intersections are known.

    >>> union_size([{1, 2, 3}, {2, 3, 4}, {3, 5}])
    5
    """
    kept = [set(one) for one in sets]
    return sum(
        (-1) ** (count + 1) * len(set.intersection(*chosen))
        for count in range(1, len(kept) + 1)
        for chosen in combinations(kept, count)
    )


# ───────── logic ─────────


def truth_table(formula: Callable[..., Any], variables: int) -> Mask:
    """The value of a formula in each of the 2^variables cases; it gets arrays and combines them by & | ^ ~.

    Case number k gives variable i the i-th binary digit of k, from the left: all False first, all True last.

    >>> truth_table(lambda a, b: ~a | b, 2).tolist()  # a implies b
    [True, True, False, True]
    """
    if not 1 <= variables <= MOST_VARIABLES:
        raise InputError(f"{variables} variables have no table here; use 1 to {MOST_VARIABLES}")
    cases = np.arange(2**variables)
    columns = [(cases >> (variables - 1 - place)) % 2 == 1 for place in range(variables)]
    values = np.asarray(formula(*columns))
    if values.shape not in ((), cases.shape) or values.dtype != bool:
        raise InputError("the formula gives no truth value for each case; combine the variables by & | ^ ~ only")
    return np.broadcast_to(values, cases.shape).copy()


def equivalent(first: Callable[..., Any], second: Callable[..., Any], variables: int) -> bool:
    """Whether two formulas agree in every case, which is a proof.

    >>> equivalent(lambda a, b: ~(a & b), lambda a, b: ~a | ~b, 2), equivalent(lambda a, b: ~(a & b), lambda a, b: ~a & ~b, 2)
    (True, False)
    """
    return bool((truth_table(first, variables) == truth_table(second, variables)).all())
