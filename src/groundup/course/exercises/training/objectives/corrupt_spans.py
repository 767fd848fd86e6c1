"""Exercise: T5's task: spans cut out of a text, and an answer that holds them."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

X, Y, Z = 97, 98, 99
TEXT = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
SPANS = [(2, 4), (8, 9)]


@check("shape")
def two_lists(mine):
    """Gives something else than two lists: what is read, and what is asked for."""
    got = mine(TEXT, SPANS, [X, Y, Z])
    that(isinstance(got, tuple) and len(got) == 2, expected="(read, asked)", got=type(got).__name__)
    that(all(isinstance(part, list) for part in got), expected="two lists", got=[type(part).__name__ for part in got])


@check("values")
def what_is_read(mine):
    """Reads something else than the text with one sentinel in place of each span."""
    mistakes = {
        "Puts a sentinel for every token: one stands for the whole span, so its length is not given away.": [
            *(1, 2, X, X),
            *(5, 6, 7, 8, Y, 10),
        ],
        "Leaves the spans out without a sentinel.": [1, 2, 5, 6, 7, 8, 10],
        "Uses the same sentinel for both spans: the answer could not say which it fills.": [1, 2, X, 5, 6, 7, 8, X, 10],
        "Leaves out the text behind the last span.": [1, 2, X, 5, 6, 7, 8, Y],
        "Leaves the spans in beside their sentinels.": [1, 2, X, 3, 4, 5, 6, 7, 8, Y, 9, 10],
    }
    same(mine(TEXT, SPANS, [X, Y, Z])[0], [1, 2, X, 5, 6, 7, 8, Y, 10], mistakes=mistakes)


@check("values")
def what_is_asked_for(mine):
    """Asks for something else than each sentinel with its span, and the next sentinel at the end."""
    mistakes = {
        "Asks without the last sentinel: it says that there is no more, and without it an answer never ends.": [
            *(X, 3, 4),
            *(Y, 9),
        ],
        "Ends with the sentinel of the last span: the next one says that there is no more.": [X, 3, 4, Y, 9, Y],
        "Puts each sentinel behind its span: it stands in front, or the first token answers an unknown gap.": [
            *(3, 4, X),
            *(9, Y, Z),
        ],
        "Asks for the spans without their sentinels.": [3, 4, 9, Z],
        "Asks for the whole text: only what was cut is asked for.": [*TEXT, Z],
    }
    same(mine(TEXT, SPANS, [X, Y, Z])[1], [X, 3, 4, Y, 9, Z], mistakes=mistakes)


@check("values")
def a_text_that_begins_with_a_span(mine):
    """Differs where a span begins the text, and where one ends it."""
    same(mine([1, 2, 3], [(0, 1), (2, 3)], [X, Y, Z]), ([X, 2, Y], [X, 1, Y, 3, Z]))


@check("values")
def more_sentinels_than_spans(mine):
    """Ends with the last of all sentinels: it is the one after those that were used."""
    same(mine([1, 2, 3], [(1, 2)], [X, Y, Z]), ([1, X, 3], [X, 2, Y]))


@check("values")
def no_span(mine):
    """Differs without a span: the text as it is, and the first sentinel, which says that nothing is missing."""
    same(mine([1, 2], [], [X, Y]), ([1, 2], [X]))


EXERCISE = Exercise(
    slot="training.objectives.corrupt_spans",
    title="Span corruption: T5's task",
    task="""
    Cut spans out of a text. The encoder reads the text with one sentinel in place of each span: the first sentinel for the first span, the
    second for the second. The decoder is asked for each sentinel followed by its span's tokens, and at the end for the next sentinel, which says
    that there is no more. So *Thank you for inviting me* becomes *Thank you X me*, and the answer *X for inviting Y*.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("model.architectures.encoder_decoder", "training.objectives.masked"),
    hints=(
        "Walk through the spans and remember where the last one ended.",
        "For each: read gets the text from the last end to the span's first, then the sentinel; asked gets the sentinel, then the span.",
        "At the end read gets ids[end:], and asked gets sentinels[len(spans)].",
    ),
    run="groundup --mine my learn lesson training.objectives.span --run",
    checks=(
        two_lists,
        what_is_read,
        what_is_asked_for,
        a_text_that_begins_with_a_span,
        more_sentinels_than_spans,
        no_span,
    ),
    mutants=(
        Mutant(
            "a sentinel a token",
            "for every token",
            (("[*ids[end:first], sentinel]", "[*ids[end:first], *[sentinel] * (last - first)]"),),
        ),
        Mutant("no sentinel", "without a sentinel", (("[*ids[end:first], sentinel]", "ids[end:first]"),)),
        Mutant(
            "one sentinel for all",
            "the same sentinel",
            (("[*ids[end:first], sentinel]", "[*ids[end:first], sentinels[0]]"),),
        ),
        Mutant("no text after", "behind the last span", (("[*read, *ids[end:]]", "read"),)),
        Mutant("the spans stay", "leaves the spans in".capitalize(), (("end = last", "end = first"),)),
        Mutant("no end", "an answer never ends", (("[*asked, sentinels[len(spans)]]", "asked"),)),
        Mutant(
            "the last again", "sentinel of the last span", (("sentinels[len(spans)]]", "sentinels[len(spans) - 1]]"),)
        ),
        Mutant("behind", "in front", (("[sentinel, *ids[first:last]]", "[*ids[first:last], sentinel]"),)),
        Mutant("spans alone", "without their sentinels", (("[sentinel, *ids[first:last]]", "ids[first:last]"),)),
        Mutant("the very last", "last of all sentinels", (("sentinels[len(spans)]]", "sentinels[-1]]"),)),
    ),
)
