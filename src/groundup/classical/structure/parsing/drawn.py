"""A dependency tree as lines for a terminal: arcs above the words, as far apart as they have to be.

An arc goes over all arcs that lie within it, so its height is one more than the highest of these. Heads of 0, the root, are
drawn as a word of their own at the end, where the arc-eager parser has it. Constituency trees: `tree_text` in `trees.py`.
"""

from collections.abc import Sequence


def heights(arcs: Sequence[tuple[int, int]]) -> list[int]:
    """How high each arc (two places) stands: one more than the highest arc that lies within it.

    >>> heights([(0, 1), (0, 2), (3, 2)])
    [1, 2, 1]
    """
    spans = [tuple(sorted(arc)) for arc in arcs]
    found = [0] * len(spans)
    for place in sorted(range(len(spans)), key=lambda place: spans[place][1] - spans[place][0]):
        a, b = spans[place]
        found[place] = 1 + max(
            (found[other] for other, (c, d) in enumerate(spans) if a <= c and d <= b and other != place), default=0
        )
    return found


def arcs_text(words: Sequence[str], heads: Sequence[int], labels: Sequence[str] | None = None) -> str:
    """Arcs over words; the point of an arrow is at the dependent, and the label of its arc stands under the word.

    >>> print(arcs_text(["cats", "sleep"], [2, 0], ["nsubj", "root"]))
      ┌──────┐┌──────┐
      ▼      │▼      │
    cats    sleep    ROOT
    nsubj   root
    """
    shown, below = [*words, "ROOT"], [*(labels or [""] * len(words)), ""]
    widths = [max(map(len, pair)) + 3 for pair in zip(shown, below, strict=True)]
    begins = [sum(widths[:place]) for place in range(len(widths))]
    middles = [begin + len(word) // 2 for begin, word in zip(begins, shown, strict=True)]
    arcs = [(word, head - 1 if head else len(words)) for word, head in enumerate(heads)]
    levels = heights(arcs)
    grid = [[" "] * sum(widths) for _ in range(max(levels, default=0) + 1)]
    for (word, head), level in sorted(zip(arcs, levels, strict=True), key=lambda pair: -pair[1]):
        # an arc that comes in stands on the word's middle, those that go out beside it, on the side they go to
        side = 1 if head < word else -1
        ends = {middles[word]: "▼", middles[head] + side: "│"}
        _arc(grid, ends, level)
    lines = ["".join(row) for row in grid]
    lines += ["".join(map(str.ljust, texts, widths)) for texts in (shown, below)]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _arc(grid: list[list[str]], ends: dict[int, str], level: int) -> None:
    """Draw one arc: a line at its height, and down from both ends, through nothing that is drawn already."""
    top, low, high = len(grid) - 1 - level, min(ends), max(ends)
    for column in range(low, high + 1):
        if grid[top][column] in " ":
            grid[top][column] = "─"
    for column, corner in ((low, "┌"), (high, "┐")):
        grid[top][column] = corner if grid[top][column] in "─ " else "┬"
        for row in range(top + 1, len(grid)):
            grid[row][column] = (
                "│" if grid[row][column] in " │" else "┼" if grid[row][column] == "─" else grid[row][column]
            )
        if ends[column] == "▼":
            grid[-1][column] = "▼"
