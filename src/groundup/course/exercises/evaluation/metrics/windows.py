"""Exercise: cut long documents into windows that score each token once."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

CASES = [  # length, context, stride: within one window, just full, one beyond it, several, no overlap, all but one shared
    (1, 2, 1),
    (2, 2, 1),
    (3, 2, 1),
    (3, 2, 2),
    (5, 4, 2),
    (7, 4, 2),
    (9, 4, 3),
    (7, 4, 1),
    (10, 4, 4),
]


def by_hand(length, context, stride, document=0):
    """The windows of one document, each (document, start, scored, end), by scoring token after token."""
    found, start, done = [], 0, 0
    while done < length:
        if start:
            assert done - start == context - stride, "each window but the first has this much before what it scores"
        end = min(start + context, length)
        found.append((document, start, done, end))
        start, done = start + stride, end
    return found


def scored(found):
    """The tokens that are scored, window by window."""
    return [token for window in found for token in range(window.scored, window.end)]


@check("shape")
def a_list_of_windows(mine):
    """Gives something else than a list of Window(document, start, scored, end)."""
    from groundup.evaluation.metrics.intrinsic import Window

    for length, context, stride in CASES[:3]:
        got = mine([length], context, stride)
        if not all(isinstance(one, Window) for one in got):
            raise Failed(expected=shown([Window(*one) for one in by_hand(length, context, stride)]), got=shown(got))


@check("invariant")
def none_is_longer_than_the_context(mine):
    """Makes a window of more than `context` tokens, which the model cannot read."""
    for length, context, stride in CASES:
        got = mine([length], context, stride)
        that(all(one.end - one.start <= context for one in got), expected=f"at most {context} tokens each", got=got)


@check("invariant")
def none_leaves_the_document(mine):
    """Reads beyond the end of the document: there the next one begins, or nothing is."""
    for length, context, stride in CASES:
        got = mine([length], context, stride)
        that(all(0 <= one.start and one.end <= length for one in got), expected=f"places in 0..{length}", got=got)


@check("invariant")
def all_places_are_the_documents(mine):
    """Counts `scored` or `end` from the window's own start: all three are places in the document."""
    for length, context, stride in CASES:
        got = mine([length], context, stride)
        that(all(one.start <= min(one.scored, one.end) for one in got), expected="start <= scored < end", got=got)


@check("invariant")
def each_scores_something(mine):
    """Makes a window that scores nothing: there is none behind the one that reaches the document's end, and none of an empty document."""
    for length, context, stride in [*CASES, (0, 2, 1)]:
        got = mine([length], context, stride)
        that(all(one.scored < one.end for one in got), expected="scored < end", got=got)


@check("invariant")
def no_token_is_left_out(mine):
    """Leaves tokens without a score: every token of a document counts, also those of a last window that is not full."""
    for length, context, stride in CASES:
        missing = sorted(set(range(length)) - set(scored(mine([length], context, stride))))
        that(not missing, expected=f"tokens 0 to {length - 1} scored", got=f"not scored: {missing}")


@check("invariant")
def no_token_counts_twice(mine):
    """Scores a token twice: a window reads the tokens that it shares with the one before, and scores only what comes after them."""
    for length, context, stride in CASES:
        tokens = scored(mine([length], context, stride))
        twice = sorted({token for token in tokens if tokens.count(token) > 1})
        that(not twice, expected="each token once", got=f"scored twice: {twice}")


@check("values")
def a_window_begins_every_stride(mine):
    """Places its windows otherwise: they begin at 0, stride, 2 * stride, ..., also the last one, which may be short."""
    overlap = "Moves on by the overlap: from one window to the next it is `stride` tokens, and the other `context - stride` are shared."
    for length, context, stride in CASES:
        mistakes = {overlap: by_hand(length, context, context - stride)} if stride < context else {}
        same(mine([length], context, stride), by_hand(length, context, stride), mistakes=mistakes)


@check("values")
def every_document_is_its_own(mine):
    """Mixes the documents: each is cut for itself, from 0 on, and its windows carry its number."""
    for lengths in ([1, 1], [1, 5], [3, 0, 9]):
        expected = [window for number, length in enumerate(lengths) for window in by_hand(length, 4, 2, number)]
        same(mine(lengths, 4, 2), expected)


@check("speed")
def no_loop_over_tokens(mine):
    """Is far slower than the reference: go from window to window, not from token to token."""
    from groundup.evaluation.metrics.intrinsic import windows

    fast(mine, windows, ([100_000], 1024, 1024))


EXERCISE = Exercise(
    slot="evaluation.metrics.windows",
    title="Measure a document that is longer than the context",
    task="""
    A model reads at most `context` tokens at once, and a document may be longer. Cut in blocks, the first tokens of every
    block would be guessed with nothing before them, and the model would look worse than it is. So the windows overlap:
    one begins every `stride` tokens, and each scores only the tokens that the one before it did not reach. Every token is
    scored once, and behind the first window each has at least `context - stride` tokens before it. The windows of a
    document end with the one that reaches its end.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("evaluation.metrics.intrinsic",),
    hints=(
        "Draw a document of 7 tokens with context 4 and stride 2: windows begin at 0, 2 and 4, and score 4, 2 and 1 tokens.",
        "The window before the one at `start` ended at start - stride + context: there scoring begins; in the first, at 0.",
        "range(0, max(length - context, 0) + stride, stride) gives the starts, and min(start + context, length) the ends; "
        "leave out a window that would score nothing.",
    ),
    run="groundup demo --fast && groundup --mine my eval runs/demo-fast/model --documents 50",
    checks=(
        a_list_of_windows,
        none_is_longer_than_the_context,
        none_leaves_the_document,
        all_places_are_the_documents,
        each_scores_something,
        no_token_is_left_out,
        no_token_counts_twice,
        a_window_begins_every_stride,
        every_document_is_its_own,
        no_loop_over_tokens,
    ),
    mutants=(
        Mutant(
            "plain tuples", "list of Window", (("Window(document,", "tuple((document,"), ("length)))", "length))))"))
        ),
        Mutant("up to the document's end", "more than `context` tokens", (("min(start + context, length)", "length"),)),
        Mutant(
            "always a full window",
            "beyond the end of the document",
            (("min(start + context, length)", "start + context"),),
        ),
        Mutant(
            "counted from the window",
            "from the window's own start",
            (("start - stride + context", "context - stride"),),
        ),
        Mutant(
            "windows behind the end",
            "scores nothing",
            (
                ("max(length - context, 0) + stride", "max(length - context, 0) + stride + 1"),
                ("            if scored < length:\n    ", ""),
            ),
        ),
        Mutant(
            "the tail dropped",
            "Leaves tokens without a score",
            (("max(length - context, 0) + stride, stride", "max(length - context, 0) + 1, stride"),),
        ),
        Mutant("all of a window scored", "Scores a token twice", (("start - stride + context", "start"),)),
        Mutant(
            "on by the overlap",
            "Moves on by the overlap",
            (
                (
                    "    cut = []",
                    "    stride = context - stride or stride\n    cut = []",
                ),
            ),
        ),
        Mutant(
            "the last one moved back",
            "Places its windows otherwise",
            (
                (
                    "Window(document, start, scored",
                    "Window(document, min(start, max(length - context, 0)), scored",
                ),
            ),
        ),
        Mutant("no document's number", "Mixes the documents", (("Window(document,", "Window(0,"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            (
                (
                    "    for document, length in enumerate(lengths):",
                    "    for document, length in enumerate(lengths):\n        for token in range(length):\n            hash(token)",
                ),
            ),
        ),
    ),
)
