"""How far a model really reads: its loss at every position, and what it finds at every depth of a text.

A longer context is worth something only where (1) the loss keeps falling, or at least does not rise, beyond the trained
length, and (2) a fact is found wherever it stands. The second is asked with a needle: one sentence is put into a text of
other sentences (the hay) at a depth from 0 (first) to 1 (last), and `score` says whether the question about it is answered.

Loss by position: Press et al. 2022, arXiv:2108.12409, figure 1. The needle: Kamradt 2023 (github.com/gkamradt/
LLMTest_NeedleInAHaystack), and Mohtashami and Jaggi 2023, arXiv:2305.16300, section 4.2 (a passkey).

Both take plain callables and lists: what is a token, a sentence or a right answer is the caller's.
Left out: several needles at once, reasoning over them (RULER).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.errors import InputError


def loss_by_position(
    logits: Float[Tensor, "batch seq vocab"], targets: Int[Tensor, "batch seq"]
) -> Float[Tensor, " seq"]:
    """The mean loss of each position in nats over the rows of a batch; exp of it is the perplexity there."""
    losses = functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
    return losses.view(targets.shape).mean(dim=0)


def haystack(hay: Sequence[Any], needle: Sequence[Any], depth: float) -> list[Any]:
    """The hay with the needle in it, in its own order: depth 0 puts it before everything, 1 after everything.

    >>> haystack(["a", "b", "c", "d"], ["!"], 0.5)
    ['a', 'b', '!', 'c', 'd']
    """
    if not 0 <= depth <= 1:
        raise InputError(f"depth={depth} is not in the text; use 0 (its beginning) to 1 (its end)")
    place = round(depth * len(hay))
    return [*hay[:place], *needle, *hay[place:]]


def retrieval(
    score: Callable[[list[Any], int], float],
    hay: Callable[[int, int], Sequence[Any]],
    needle: Callable[[int], Sequence[Any]],
    *,
    lengths: Sequence[int],
    depths: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    trials: int = 5,
) -> Float[Tensor, "depths lengths"]:
    """The share of needles that are found, for every depth (rows) and length (columns).

    score(text, trial): 1.0 where the needle of this trial is found in the text, 0.0 where not, or a probability between.
    hay(length, trial): that many tokens or sentences; needle(trial): those to hide, which count towards the length.
    """
    if not (lengths and depths) or trials < 1:
        raise InputError("nothing would be measured; give at least one length, one depth and one trial")
    found = torch.zeros(len(depths), len(lengths))
    for column, length in enumerate(lengths):
        for trial in range(trials):
            hidden = list(needle(trial))
            if len(hidden) > length:
                raise InputError(
                    f"a needle of {len(hidden)} does not fit a text of {length}; use lengths of at least {len(hidden)}"
                )
            rest = hay(length - len(hidden), trial)
            for row, depth in enumerate(depths):
                found[row, column] += score(haystack(rest, hidden, depth), trial)
    return found / trials
