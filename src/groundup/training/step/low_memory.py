"""The largest batch that fits: as many rows at once as memory allows, and as many accumulated as make the step the same.

    rows of a step = batch_size * gradient_accumulation_steps          stays
    batch_size     = the largest divisor of it whose step fits

Gradients summed over small batches are those of the large one (`accumulation.py`), so the choice changes memory and time, and the
loss by float error only. A larger batch is mostly faster, as matrix products are wider, until they fill the machine. Whether a batch
fits is found by trying it, in a process of its own that may die of it (`runs/largest_batch.py`): a formula
(`model/accounting/budget.py`) says where to begin, so that two trials are enough where it is right.

The other way to need less: the optimiser's two means in bf16 or 8 bit, `optimizers/low_memory.py`; what blocks keep,
`activation_checkpointing.py`; the scores of the vocabulary, `cross_entropy.py`.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from groundup.slots import slot


@slot
def largest_that_fits(choices: Sequence[int], fits: Callable[[int], bool], guess: int = 0) -> int:
    """Find the largest of the rising `choices` for which fits(choice) is true; 0 where none is.

    Where one fits, every smaller one does, so that they need not be asked. fits is dear, and never asked twice of one choice. The
    first to be asked is the largest up to `guess` (the smallest where all are larger): where that is the answer, only its
    neighbour is asked besides. From there steps double until the answer is between two that were asked, then the gap is halved.
    """
    low, high, step = 0, len(choices), 1  # choices[:low] fit, choices[high:] do not
    place = max(0, bisect_right(choices, guess) - 1)
    while low < high:
        if fits(choices[place]):
            low = place + 1
            ahead = low + step - 1
        else:
            high = place
            ahead = high - step
        between = 0 < low and high < len(choices)
        place = (low + high) // 2 if between else max(low, min(high - 1, ahead))
        step *= 2
    return choices[low - 1] if low else 0


def divisors(number: int) -> list[int]:
    """All numbers that divide a number, rising.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    return [one for one in range(1, number + 1) if number % one == 0]
