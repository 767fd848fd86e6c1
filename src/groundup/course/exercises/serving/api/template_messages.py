"""Exercise: bring a client's messages into the form that chat templates were written for."""

import copy
import json

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def call(arguments, name="add"):
    """A call of a tool as clients send it back."""
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def one(mine, message, roles=()):
    """What becomes of one message."""
    got = mine([message], roles)
    that(isinstance(got, list) and len(got) == 1, expected="a list with one message", got=got)
    return got[0]


@check("shape")
def as_many_messages(mine):
    """Gives another number of messages than it got, or something else than dicts."""
    for count in (0, 1, 3):
        got = mine([{"role": "user", "content": "a"}] * count)
        that(
            isinstance(got, list) and len(got) == count and all(isinstance(item, dict) for item in got),
            expected=f"{count} dicts",
            got=got,
        )


@check("invariant")
def the_given_messages_stay(mine):
    """Changes the messages that it was given: make new dicts, down to the function of a call; the client's request may be needed again."""
    given = [
        {"role": "developer", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": None, "tool_calls": [call('{"a": 1}')]},
    ]
    before = copy.deepcopy(given)
    mine(given)
    same(given, before)


@check("values")
def parts_become_one_text(mine):
    """Joins the parts of a content wrongly: a template prints a content as it is, so it has to be one text, nothing added between parts."""
    blank = "Puts something between the parts: they are joined as they stand."
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]
    same(one(mine, {"role": "user", "content": parts})["content"], "Be brief.", mistakes={blank: "Be  brief."})
    same(one(mine, {"role": "user", "content": []})["content"], "")
    same(one(mine, {"role": "user", "content": "as it is"})["content"], "as it is")


@check("values")
def null_is_no_text(mine):
    """Leaves None as a content: an answer that only calls a tool has content null, and a template would print "None"."""
    for message in (
        {"role": "assistant", "content": None, "tool_calls": [call("{}")]},
        {"role": "assistant", "tool_calls": [call("{}")]},
    ):
        same(one(mine, message)["content"], "")


@check("values")
def arguments_become_an_object(mine):
    """Leaves the arguments of a call as text: on the wire they are JSON in a string, and a template would quote all of it again."""
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [call('{"a": 1, "b": [2]}'), call('{"c": null}', "other")],
    }
    got = one(mine, message)
    same([one_call["function"]["arguments"] for one_call in got["tool_calls"]], [{"a": 1, "b": [2]}, {"c": None}])


@check("values")
def a_call_keeps_the_rest(mine):
    """Loses what a call has beside its arguments: id, type and name."""
    got = one(mine, {"role": "assistant", "content": None, "tool_calls": [call("{}", "sum")]})["tool_calls"][0]
    same(
        {"id": got.get("id"), "type": got.get("type"), "name": got["function"].get("name")},
        {"id": "call_1", "type": "function", "name": "sum"},
    )


@check("values")
def what_is_no_object_stays(mine):
    """Fails on arguments that are no JSON object, or changes them: a model may have written half of them, and the text is then all there is."""
    for text in ('{"a": ', "nothing", "[1]", "3"):
        try:
            got = one(mine, {"role": "assistant", "content": "", "tool_calls": [call(text)]})
        except ValueError as error:
            that(False, expected=text, got=f"{type(error).__name__}: {error}")
        same(got["tool_calls"][0]["function"]["arguments"], text)


@check("values")
def empty_arguments_are_no_arguments(mine):
    """Leaves "" as arguments: some clients send it for a call without arguments, which is the empty object."""
    got = one(mine, {"role": "assistant", "content": "", "tool_calls": [call("")]})
    same(got["tool_calls"][0]["function"]["arguments"], {})


@check("values")
def newer_roles_have_older_names(mine):
    """Leaves a role that templates do not know: `developer` is the newer name of system, and a `function` message is the older form of tool."""
    for role, expected in (("developer", "system"), ("function", "tool"), ("user", "user"), ("system", "system")):
        same(one(mine, {"role": role, "content": "a"})["role"], expected)


@check("values")
def a_role_that_the_template_knows_stays(mine):
    """Renames a role that the template knows: what stands in `roles` is left as it is."""
    same(one(mine, {"role": "developer", "content": "a"}, ["developer", "user"])["role"], "developer")


@check("values")
def keys_that_are_none_are_left_out(mine):
    """Keeps keys that are None: templates ask whether a key is there (`if message.tool_calls is defined`), and None is there."""
    got = one(mine, {"role": "assistant", "content": "a", "tool_calls": None, "name": None})
    same(sorted(got), ["content", "role"])


@check("values")
def the_other_keys_stay(mine):
    """Loses a key: name, tool_call_id and whatever else a message has is for the template."""
    message = {"role": "tool", "content": "5", "tool_call_id": "call_1", "name": "add"}
    same(json.dumps(one(mine, message), sort_keys=True), json.dumps(message, sort_keys=True))


EXERCISE = Exercise(
    slot="serving.api.template_messages",
    title="From a client's messages to a chat template's",
    task="""
    Clients write conversations as OpenAI's API has them, and chat templates were written for almost the same form. The difference is where
    answers go wrong without an error: a content in parts, null beside a call, arguments as JSON inside a string, a role of a newer name.
    Bring every message into the form of the templates, and leave the given ones as they are: the content is one text (`text_of` joins the parts and
    refuses what is no text), arguments are an object where they are one, developer is system and function is tool unless `roles` has them, None is
    left out.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("serving.api", "text.tokenizers.special_tokens"),
    hints=(
        "Make a new dict for each message, without the keys that are None; then set content, role and tool_calls in it.",
        "A call is nested: {**call, 'function': {**call['function'], 'arguments': ...}} copies both levels.",
        "json.loads(arguments or '{}') in a try; only a dict is taken over, everything else stays text.",
    ),
    run="groundup demo --fast && groundup --mine my serve runs/demo-fast/model",
    checks=(
        as_many_messages,
        the_given_messages_stay,
        parts_become_one_text,
        null_is_no_text,
        arguments_become_an_object,
        a_call_keeps_the_rest,
        what_is_no_object_stays,
        empty_arguments_are_no_arguments,
        newer_roles_have_older_names,
        a_role_that_the_template_knows_stays,
        keys_that_are_none_are_left_out,
        the_other_keys_stay,
    ),
    mutants=(
        Mutant("a generator", "where list is expected", (("    return written", "    return iter(written)"),)),
        Mutant(
            "in place",
            "Changes its argument messages in place",
            (("one = {key: value for key, value in message.items() if value is not None}", "one = message"),),
        ),
        Mutant(
            "a blank between parts",
            "Puts something between the parts",
            (
                (
                    'text_of(message.get("content"), f"messages.{number}.content")',
                    '" ".join(text_of([part], "") for part in message["content"]) if type(message.get("content")) is list '
                    'else text_of(message.get("content"), "")',
                ),
            ),
        ),
        Mutant(
            "None stays",
            "Leaves None as a content",
            (('one["content"] = text_of(', 'one["content"] = None if message.get("content") is None else text_of('),),
        ),
        Mutant(
            "arguments stay text",
            "Leaves the arguments of a call as text",
            (('[_with_object(call) for call in one["tool_calls"]]', '[dict(call) for call in one["tool_calls"]]'),),
        ),
        Mutant(
            "only the function",
            "Loses what a call has",
            (
                (
                    '[_with_object(call) for call in one["tool_calls"]]',
                    '[{"function": _with_object(call)["function"]} for call in one["tool_calls"]]',
                ),
            ),
        ),
        Mutant(
            "no JSON, no answer",
            "Fails on arguments",
            (
                (
                    '[_with_object(call) for call in one["tool_calls"]]',
                    '[{**call, "function": {**call["function"], "arguments": __import__("json").loads(call["function"]["arguments"] '
                    'or "{}")}} for call in one["tool_calls"]]',
                ),
            ),
        ),
        Mutant(
            "empty stays empty",
            'Leaves "" as arguments',
            (
                (
                    '[_with_object(call) for call in one["tool_calls"]]',
                    '[_with_object(call) if call["function"]["arguments"] else dict(call) for call in one["tool_calls"]]',
                ),
            ),
        ),
        Mutant("roles stay", "Leaves a role", (('{"developer": "system", "function": "tool"}', "dict[str, str]()"),)),
        Mutant(
            "always renamed", "Renames a role that the template knows", (('if one["role"] not in roles:', "if True:"),)
        ),
        Mutant("None is kept", "Keeps keys that are None", ((" if value is not None}", "}"),)),
        Mutant(
            "only role and content",
            "Loses a key",
            (
                (
                    "message.items() if value is not None}",
                    'message.items() if value is not None and key in ("role", "content", "tool_calls")}',
                ),
            ),
        ),
    ),
)
