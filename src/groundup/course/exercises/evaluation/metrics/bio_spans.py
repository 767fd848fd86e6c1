"""Exercise: the spans in a row of BIO tags."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("shape")
def a_list_of_spans(mine):
    """Gives another thing than a list with a Span for each: start, end and type."""
    got = mine(["B-PER", "O"])
    that(isinstance(got, list) and all(hasattr(one, "type") for one in got), expected="a list of Span", got=got)


@check("shape")
def nothing_where_all_is_outside(mine):
    """Finds a span where every word is O, or where there is no word."""
    for tags in ([], ["O"], ["O", "O"]):
        same(mine(tags), [])


@check("values")
def one_span_in_the_middle(mine):
    """Does not find words 1 and 2 as a PER in O B-PER I-PER O."""
    mistakes = {
        "Gives the span's last word as its end: the end is the word after it, as in a slice.": [(1, 2, "PER")],
        "Ends a span with its first word: I-PER after B-PER goes on with it.": [(1, 2, "PER"), (2, 3, "PER")],
    }
    same(mine(["O", "B-PER", "I-PER", "O"]), [(1, 3, "PER")], mistakes=mistakes)


@check("values")
def up_to_the_last_word(mine):
    """Loses the span that is still open at the sentence's end."""
    same(mine(["O", "B-LOC", "I-LOC"]), [(1, 3, "LOC")])
    same(mine(["B-LOC"]), [(0, 1, "LOC")])


@check("values")
def a_new_beginning_ends_the_last(mine):
    """Joins two spans of one type: every B begins a span, right after another one too."""
    same(mine(["B-PER", "B-PER", "I-PER"]), [(0, 1, "PER"), (1, 3, "PER")])


@check("values")
def a_loose_inside_begins(mine):
    """Loses an I-X that follows nothing: conlleval lets it begin a span."""
    same(mine(["I-PER", "I-PER", "O", "I-LOC"]), [(0, 2, "PER"), (3, 4, "LOC")])


@check("values")
def another_type_begins(mine):
    """Goes on with a span of one type at an I of another: there a span of the other type begins."""
    same(mine(["B-PER", "I-LOC", "I-LOC"]), [(0, 1, "PER"), (1, 3, "LOC")])


@check("values")
def types_with_a_hyphen(mine):
    """Cuts the tag at the wrong hyphen: B-creative-work is a span of the type creative-work."""
    same(mine(["B-creative-work", "I-creative-work"]), [(0, 2, "creative-work")])


@check("values")
def types_without_a_name(mine):
    """Loses the spans of plain B and I: their type is the empty string."""
    same(mine(["B", "I", "O"]), [(0, 2, "")])


EXERCISE = Exercise(
    slot="evaluation.metrics.bio_spans",
    title="Names in a row of tags",
    task="""
    A tagger gives each word one tag, but a name may have several words. In BIO tags B-X begins a span of the type X, I-X goes on
    with it, and O is outside of any. Give the spans of a sentence in order, each as Span(start, end, type), where end is the
    word after the last one. An I-X that follows O, another type or nothing begins a span of its own: so the program conlleval
    reads it, with which such taggers are compared. A type may hold hyphens, and B and I may stand without one (type "").
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.structure.ner",),
    hints=(
        "Walk through the tags and remember where the open span began and of what type it is; None where none is open.",
        'tag.partition("-") gives the letter and the type, hyphens in it included. An O behind the last tag closes what is open.',
        "First close: a span is open, and the tag is no I of its type. Then open: the tag is B or I, and nothing is open.",
    ),
    run="groundup --mine my learn lesson classical.structure.ner --run",
    checks=(
        a_list_of_spans,
        nothing_where_all_is_outside,
        one_span_in_the_middle,
        up_to_the_last_word,
        a_new_beginning_ends_the_last,
        a_loose_inside_begins,
        another_type_begins,
        types_with_a_hyphen,
        types_without_a_name,
    ),
    mutants=(
        Mutant(
            "an end too early",
            "Gives the span's last word as its end",
            (("Span(start, place,", "Span(start, place - 1,"),),
        ),
        Mutant("spans of one word", "Ends a span with its first word", (('mark != "I" or kind != type', "True"),)),
        Mutant("nothing behind the last", "still open at the sentence's end", (('[*tags, "O"]', "tags"),)),
        Mutant("beginnings joined", "Joins two spans of one type", (('mark != "I"', 'mark == "O"'),)),
        Mutant("loose ones lost", "Loses an I-X that follows nothing", (('mark in ("B", "I")', 'mark == "B"'),)),
        Mutant(
            "any inside goes on", "Goes on with a span of one type", (('(mark != "I" or kind != type)', 'mark != "I"'),)
        ),
        Mutant("the last hyphen", "Cuts the tag at the wrong hyphen", (("tag.partition", "tag.rpartition"),)),
        Mutant(
            "nameless lost",
            "Loses the spans of plain B and I",
            (('if mark in ("B", "I")', 'if kind and mark in ("B", "I")'),),
        ),
    ),
)
