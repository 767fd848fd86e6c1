"""Exercise: find the calls of tools in a text that is still being written."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

ADD = '{"name": "add", "arguments": {"a": 1}}'
CALL = f"<tool_call>\n{ADD}\n</tool_call>"


def calls(*pairs):
    """Calls as they are expected."""
    from groundup.serving.api.tool_formats.calls import Call

    return tuple(Call(*pair) for pair in pairs)


def parsed(words, *pairs):
    """What is expected of a text."""
    from groundup.serving.api.tool_formats.calls import Parsed

    return Parsed(words, calls(*pairs))


@check("shape")
def words_and_calls(mine):
    """Gives something else than Parsed(words, calls), with a text and a tuple of Call."""
    for text in ("hello", CALL):
        got = mine(text)
        that(
            type(got).__name__ == "Parsed" and isinstance(got.words, str) and isinstance(got.calls, tuple),
            expected="Parsed(words, calls)",
            got=got,
        )


@check("values")
def a_text_without_a_mark_is_words(mine):
    """Loses or changes words: a text without a mark is words as they stand, blanks too."""
    for text in ("hello", " a < b ", "", " \n"):
        same(tuple(mine(text)), tuple(parsed(text)))


@check("values")
def a_call_is_no_words(mine):
    """Reads a call wrongly: the marks and the blanks around the object belong to the format, the arguments are given as they were written."""
    same(tuple(mine(CALL)), tuple(parsed("", ("add", '{"a": 1}'))))
    same(tuple(mine("Sum: " + CALL)), tuple(parsed("Sum: ", ("add", '{"a": 1}'))))


@check("values")
def there_may_be_several(mine):
    """Finds one call only, or makes words of what stands between two: blanks there are the format's."""
    same(
        tuple(mine(CALL + "\n" + CALL.replace("add", "sub"))),
        tuple(parsed("", ("add", '{"a": 1}'), ("sub", '{"a": 1}'))),
    )


@check("values")
def words_behind_a_call_stay(mine):
    """Loses the words behind a call, or keeps the closing mark in them."""
    same(tuple(mine(CALL + " Done.")), tuple(parsed("Done.", ("add", '{"a": 1}'))))


@check("values")
def a_mark_inside_a_string_is_none(mine):
    """Takes a mark inside a string for a mark: read the object to its end first, and look for the next mark behind it."""
    inner = '{"name": "say", "arguments": {"text": "<tool_call> and </tool_call>"}}'
    expected = parsed("", ("say", '{"text": "<tool_call> and </tool_call>"}'))
    same(tuple(mine(f"<tool_call>{inner}</tool_call>")), tuple(expected))


@check("values")
def the_beginning_of_a_mark_waits(mine):
    """Sends the beginning of a mark as words: until more comes, `<tool` may become `<tool_call>`; at the end it is words."""
    early = "Holds it back at the end too: when no more text comes, it is words."
    for text, words in (("Sum: <", "Sum: "), ("Sum: <tool_cal", "Sum: ")):
        same(tuple(mine(text, False)), tuple(parsed(words)))
        same(tuple(mine(text, True)), tuple(parsed(text)), mistakes={early: tuple(parsed(words))})


@check("values")
def a_call_without_a_name_waits(mine):
    """Announces a call before its name is known, or sends its text as words: half an object is nothing yet."""
    for text in ("<tool_call>", '<tool_call>\n{"na', '<tool_call>{"name": "ad'):
        same(tuple(mine(text, False)), tuple(parsed("")))


@check("values")
def arguments_come_while_they_are_written(mine):
    """Waits for the end of a call: once the name is known, the arguments are given as far as they came."""
    text = '<tool_call>{"name": "add", "arguments": {"a": 1'
    same(tuple(mine(text, False)), tuple(parsed("", ("add", '{"a": 1'))))


@check("values")
def a_mark_without_a_call_is_words(mine):
    """Loses a mark that no call follows: the model only spoke of it, and so it is words."""
    for text in ("The mark <tool_call> is one.", "<tool_call>{nothing}", "<tool_call>"):
        same(tuple(mine(text)), tuple(parsed(text)))


@check("values")
def nothing_is_taken_back(mine):
    """Takes back what it said of a shorter text: what is certain must be the beginning of what is certain later."""
    text = "Sum: " + CALL + "\n" + CALL + " Done. <tool"
    before = mine("", False)
    for cut in range(len(text) + 1):
        now = mine(text[:cut], False)
        that(now.words.startswith(before.words) and len(now.calls) >= len(before.calls), expected=before, got=now)
        for old, new in zip(before.calls, now.calls, strict=False):
            that(new.name == old.name and new.arguments.startswith(old.arguments), expected=old, got=new)
        before = now


EXERCISE = Exercise(
    slot="serving.api.hermes_calls",
    title="Calls of tools in a text that is being written",
    task="""
    A model calls a tool by writing <tool_call>{"name": ..., "arguments": {...}}</tool_call> into its answer. The client wants words as words and
    calls as calls, and wants both while they are written. So say of the text so far what is certain: the words, and the calls with as much of
    their arguments as came. What may still turn out otherwise waits. `read_object(text)` reads the object at the beginning of a text, whole or
    half: its `.call` is None while the name is not known, `.end` is where it is closed or -1, `.broken` says that it never will be a call.
    """,
    difficulty=3,
    minutes=45,
    prerequisites=("serving.api", "inference.decoding"),
    hints=(
        "Go on in a loop: partition the rest at the next <tool_call>; before it are words, behind it (without blanks) an object.",
        "Without a mark the rest is words, but for an end that may become one: held_back(rest, ('<tool_call>',), final).",
        "behind_call(text, '</tool_call>', final) takes away what belongs to the format behind a closed object. Words that are only blanks "
        "count where there is no call and no more text comes.",
    ),
    run="groundup --mine my learn lesson serving.api.sse --run",
    checks=(
        words_and_calls,
        a_text_without_a_mark_is_words,
        a_call_is_no_words,
        there_may_be_several,
        words_behind_a_call_stay,
        a_mark_inside_a_string_is_none,
        the_beginning_of_a_mark_waits,
        a_call_without_a_name_waits,
        arguments_come_while_they_are_written,
        a_mark_without_a_call_is_words,
        nothing_is_taken_back,
    ),
    mutants=(
        Mutant("a list of calls", "something else than Parsed", (("tuple(calls))", "list(calls))"),)),
        Mutant(
            "words stripped", "Loses or changes words", (("return Parsed(words if", "return Parsed(words.strip() if"),)
        ),
        Mutant(
            "the closing mark stays",
            "Reads a call wrongly",
            (("rest = behind_call(body[found.end :], closing, final)", "rest = body[found.end :].lstrip()"),),
        ),
        Mutant(
            "one call only",
            "Finds one call only",
            (("        calls.append(found.call)\n", "        calls = [*calls, found.call][:1]\n"),),
        ),
        Mutant(
            "nothing behind",
            "Loses the words behind",
            (("closing, final) if found.end", "closing, final).lstrip(' .Done') if found.end"),),
        ),
        Mutant(
            "nothing is held back",
            "Sends the beginning of a mark",
            (("held_back(before, (opening,), final)", "before"),),
        ),
        Mutant(
            "held back for ever",
            "Holds it back at the end",
            (("held_back(before, (opening,), final)", "held_back(before, (opening,), False)"),),
        ),
        Mutant(
            "half an object is words",
            "or sends its text as words",
            (("if found.call is None and not (final or found.broken or found.end >= 0):", "if False:"),),
        ),
        Mutant(
            "only whole calls",
            "Waits for the end of a call",
            (
                (
                    "        calls.append(found.call)\n",
                    "        if found.end < 0:\n            break\n        calls.append(found.call)\n",
                ),
            ),
        ),
        Mutant(
            "a lost mark", "Loses a mark", (("words, rest = words + opening, behind", "words, rest = words, behind"),)
        ),
    ),
)
