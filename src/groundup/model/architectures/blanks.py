"""Blank infilling: a text with holes, and the holes one after another, as one row that a prefix LM learns (GLM's task).

What is read, where it stands and what is asked for is drawn at the top of `glm.py`. Du et al. 2022, arXiv:2103.10360, section 2.1;
UL2's and T5's denoisers (arXiv:2205.05131, arXiv:1910.10683 section 3.1.4) blank spans in the same way and put the answer into
a decoder of its own. Left out: how spans are drawn (their lengths from a Poisson distribution of mean 3 until 15 % are hidden).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from groundup.errors import InputError
from groundup.slots import slot

IGNORED = -100


class Blanked(NamedTuple):
    """One row: what is read, its two places, what is asked for (-100 in the prefix, where nothing is), and the prefix's length."""

    input_ids: Int[Tensor, " seq"]
    positions: Int[Tensor, "seq 2"]
    targets: Int[Tensor, " seq"]
    prefix: int


@slot
def blank_infilling(
    ids: Sequence[int], spans: Sequence[tuple[int, int]], mask_id: int, start_id: int, end_id: int
) -> Blanked:
    """Make the row that asks for some spans of a text; spans: (first, one after the last), in the order in which they are to be filled.

    Part A is the text with one mask_id for each span. Part B has for each span start_id and its tokens, and asks for its tokens
    and end_id. Its places: that of the span's mask_id in part A, and 1, 2, 3 ... in the span, where all of part A has 0.
    """
    prefix: list[int] = []
    place: dict[int, int] = {}  # where a span begins -> where its mask stands in part A
    end = 0
    for first, last in sorted(spans):
        prefix += ids[end:first]
        place[first] = len(prefix)
        prefix.append(mask_id)
        end = last
    prefix += ids[end:]
    read, asked = list(prefix), [IGNORED] * len(prefix)
    positions = [(index, 0) for index in range(len(prefix))]
    for first, last in spans:
        read += [start_id, *ids[first:last]]
        asked += [*ids[first:last], end_id]
        positions += [(place[first], step) for step in range(1, last - first + 2)]
    return Blanked(torch.tensor(read), torch.tensor(positions), torch.tensor(asked), len(prefix))


def check_spans(spans: Sequence[tuple[int, int]], length: int) -> None:
    """Refuse spans that are empty, lie outside the text, or overlap."""
    for first, last in spans:
        if not 0 <= first < last <= length:
            raise InputError(
                f"span ({first}, {last}) is no part of a text of {length} tokens; give first and one after the last"
            )
    ordered = sorted(spans)
    for (first, last), (other, another) in zip(ordered, ordered[1:], strict=False):
        if other < last:
            raise InputError(f"spans ({first}, {last}) and ({other}, {another}) overlap; join them into one")


def blanked(ids: Sequence[int], spans: Sequence[tuple[int, int]], mask_id: int, start_id: int, end_id: int) -> Blanked:
    """The same with its spans checked; at least one is needed."""
    if not spans:
        raise InputError("no span is given, so nothing is asked for; give at least one, such as (0, 1)")
    check_spans(spans, len(ids))
    return blank_infilling(ids, spans, mask_id, start_id, end_id)
