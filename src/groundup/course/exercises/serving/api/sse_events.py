"""Exercise: read the events of a stream."""

import re

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


def by_hand(wire):
    """The events, block by block."""
    found = []
    blocks = re.sub(r"\r\n?", "\n", wire).split("\n\n")
    for block in blocks[:-1]:
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        pairs = [(line.partition(":")[0], line.partition(":")[2].removeprefix(" ")) for line in lines]
        data = [value for field, value in pairs if field == "data"]
        names = [value for field, value in pairs if field == "event"]
        if data:
            found.append(((names or ["message"])[-1], "\n".join(data)))
    return found


@check("shape")
def pairs_in_a_list(mine):
    """Gives something else than a list of pairs (name, data), one an event."""
    for wire in ("data: a\n\n", "data: a\n\ndata: b\n\n", ""):
        got = mine(wire)
        that(
            isinstance(got, list) and all(isinstance(one, tuple) and len(one) == 2 for one in got),
            expected=by_hand(wire),
            got=got,
        )


@check("values")
def the_empty_line_ends_an_event(mine):
    """Cuts events in the wrong place: an event ends at an empty line, and not before."""
    every_line = (
        "Makes an event of every line: the lines of data before an empty line are one event, joined by line ends."
    )
    same(
        mine("data: a\ndata: b\n\n"), [("message", "a\nb")], mistakes={every_line: [("message", "a"), ("message", "b")]}
    )
    same(mine("data: a\n\ndata: b\n\n"), [("message", "a"), ("message", "b")])


@check("values")
def one_blank_belongs_to_the_wire(mine):
    """Takes away the wrong blanks: the one after the colon belongs to the wire, all others to the data."""
    all_blanks = (
        "Strips all blanks: only one after the colon belongs to the wire. A model's tokens often begin with a blank."
    )
    none = "Leaves the blank after the colon in the data."
    same(mine("data: a\n\n"), [("message", "a")], mistakes={none: [("message", " a")]})
    same(mine("data:  a \n\n"), [("message", " a ")], mistakes={all_blanks: [("message", "a")]})
    same(mine("data:a\n\n"), [("message", "a")])


@check("values")
def the_first_colon_divides(mine):
    """Divides a line at the wrong colon: JSON is full of colons, and only the first one ends the field's name."""
    same(mine('data: {"a": 1}\n\n'), [("message", '{"a": 1}')])
    same(mine("data: a: b: c\n\n"), [("message", "a: b: c")])


@check("values")
def an_event_may_have_a_name(mine):
    """Loses the name of an event: it stands behind `event:`, and is "message" where there is none."""
    kept = "Keeps the name for the next event: a name belongs to one event, and the next begins without one."
    wire = "event: note\ndata: a\n\ndata: b\n\n"
    same(mine(wire), [("note", "a"), ("message", "b")], mistakes={kept: [("note", "a"), ("note", "b")]})
    same(mine("data: a\nevent: late\n\n"), [("late", "a")])


@check("values")
def comments_and_unknown_fields_say_nothing(mine):
    """Takes a comment or an unknown field for data: a line that begins with a colon is a sign of life, and `id` and `retry` are not data."""
    same(mine(": waiting\ndata: a\n\n"), [("message", "a")])
    same(mine("id: 7\nretry: 10\ndata: a\n\n"), [("message", "a")])


@check("values")
def without_data_there_is_no_event(mine):
    """Gives an event without data: a comment alone, a name alone or two empty lines are none."""
    for wire in (": waiting\n\n", "event: note\n\n", "data: a\n\n\n\n"):
        same(mine(wire), by_hand(wire))
    same(mine("data:\n\n"), [("message", "")])


@check("values")
def what_breaks_off_is_no_event(mine):
    """Gives an event that the stream broke off in: half a JSON is worse than none, so wait for the empty line."""
    same(mine("data: a\n\ndata: b"), [("message", "a")])
    same(mine("data: a\n\ndata: b\n"), [("message", "a")])


@check("values")
def three_line_ends(mine):
    """Knows one line end only: a line may end in \\n, \\r\\n or \\r."""
    for end in ("\r\n", "\r"):
        same(mine(f"event: note{end}data: a{end}data: b{end}{end}"), [("note", "a\nb")])


@check("values")
def characters_that_only_look_like_line_ends(mine):
    """Cuts the data at a character that is no line end here: str.splitlines() also cuts at U+2028 and others, which models do write."""
    for character in ("\u2028", "\x0b", "\x85"):
        same(mine(f"data: a{character}b\n\n"), [("message", f"a{character}b")])


@check("speed")
def once_through(mine):
    """Is far slower than the reference on a long stream: go through the lines once."""
    from groundup.serving.api.sse import sse_events

    fast(mine, sse_events, ("data: token\n\n" * 3000,), times=8)


EXERCISE = Exercise(
    slot="serving.api.sse_events",
    title="Streaming: read an answer off the wire",
    task="""
    A chat client shows an answer word by word. What reaches it is text: lines with a field's name, a colon and a value, and an empty
    line after each event. `data` lines of one event are joined by line ends, `event` names it, everything else says nothing. Read a
    whole stream into its events, as (name, data), with "message" for one without a name. An event without data is none, and so is
    one that the stream breaks off in.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("serving.api",),
    hints=(
        "Keep two things while you go through the lines: the name so far, and the list of data so far. At an empty line, give and forget both.",
        "`line.partition(':')` divides at the first colon; a comment then has the field ''. `value.removeprefix(' ')` takes one blank.",
        r"re.split(r'\r\n|\r|\n', wire) knows the three line ends and no other; the last part, behind the last line end, never ends an event.",
    ),
    run="groundup --mine my learn lesson serving.api.sse --run",
    checks=(
        pairs_in_a_list,
        one_blank_belongs_to_the_wire,
        the_empty_line_ends_an_event,
        the_first_colon_divides,
        an_event_may_have_a_name,
        comments_and_unknown_fields_say_nothing,
        without_data_there_is_no_event,
        what_breaks_off_is_no_event,
        three_line_ends,
        characters_that_only_look_like_line_ends,
        once_through,
    ),
    mutants=(
        Mutant("a generator", "where list is expected", (("    return events", "    return iter(events)"),)),
        Mutant(
            "every line an event",
            "Makes an event of every line",
            (("            data.append(value)", '            events.append((name or "message", value))'),),
        ),
        Mutant("all blanks", "Strips all blanks", (('value = value.removeprefix(" ")', "value = value.strip()"),)),
        Mutant("no blank", "Leaves the blank", (('value = value.removeprefix(" ")', "value = str(value)"),)),
        Mutant("the last colon", "the wrong colon", (('line.partition(":")', 'line.rpartition(":")'),)),
        Mutant(
            "the name stays",
            "Keeps the name for the next",
            (
                (
                    '            name, data = "", list[str]()\n            continue',
                    "            data = list[str]()\n            continue",
                ),
            ),
        ),
        Mutant("no names", "Loses the name", (("            name = value", '            name = ""'),)),
        Mutant(
            "comments are data",
            "Takes a comment",
            (('if field == "data":', 'if field in ("data", ""):'),),
        ),
        Mutant("empty events", "Gives an event without data", (("            if data:\n", "            if True:\n"),)),
        Mutant(
            "the broken end",
            "broke off in",
            (("    return events", '    return events + ([(name or "message", "\\n".join(data))] if data else [])'),),
        ),
        Mutant("one line end", "Knows one line end only", (("LINE_END.split(wire)", 'wire.split("\\n")'),)),
        Mutant("splitlines", "Cuts the data at a character", (("LINE_END.split(wire)", '[*wire.splitlines(), ""]'),)),
    ),
)
