"""Who gets how many tokens of a step, and who has to leave when memory is short. Plain functions of plain numbers.

A step of the model costs by the tokens it reads. Texts that are being written want one token each; a prompt wants all of its
tokens at once, and everybody would wait for it. So a step has a budget: writers are served first, and prompts share what is left,
a piece a step ("chunked prefill": Agrawal et al. 2023, arXiv:2308.16369). When the pages for keys and values run out, a text is
pushed out and read again later (Kwon et al. 2023, arXiv:2309.06180, section 4.5, recomputation).
"""

from collections.abc import Sequence
from typing import NamedTuple

from groundup.slots import slot


class Standing(NamedTuple):
    """What is asked about a running text: its priority, higher first, and its number in the order of arrival."""

    priority: int
    number: int


@slot
def share_budget(wanted: Sequence[int], budget: int) -> list[int]:
    """How many tokens each text gets of a step's budget. wanted: 1 for one that is being written, more for a prompt.

    Those that want one are served first, in order; then the others in order, each as much as is left.

    >>> share_budget([100, 1, 30, 1], budget=64)
    [62, 1, 0, 1]
    """
    given = [0] * len(wanted)
    for short in (True, False):
        for place, want in enumerate(wanted):
            if (want == 1) == short:
                given[place] = min(want, budget)
                budget -= given[place]
    return given


@slot
def whom_to_push_out(running: Sequence[Standing]) -> int:
    """The place of the text that leaves when memory is short: of the lowest priority the one that came last.

    It has the least to lose, and whoever came first is never pushed out by a later one of the same priority, so all get done.

    >>> whom_to_push_out([Standing(0, 3), Standing(5, 9), Standing(0, 7)])
    2
    """
    return min(range(len(running)), key=lambda place: (running[place].priority, -running[place].number))
