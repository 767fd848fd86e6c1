"""What no engine should be given: schemas that never end, expressions that explode; and the readable engine behind the same words."""

import json
import re

import pytest

from groundup.errors import InputError
from groundup.inference.decoding.constrained.masks import Vocabulary
from groundup.serving.api import possible, structured
from groundup.serving.api.errors import ApiError
from groundup.serving.api.possible import bare, check_schema, expanded, patterns

ITSELF = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
A_WAY_OUT = {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "#"}, "recursive without end"),
        (ITSELF, "recursive without end"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "recursive without end"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "recursive without end"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "impossible"),
        ({"enum": []}, "impossible"),
        ({"type": "string", "pattern": "(a{1000}){1000}"}, "too large"),
        ({"properties": {f"p{number}": {"pattern": f"a{{20000}}{number}"} for number in range(8)}}, "too large together"),
    ],
)  # fmt: skip
def test_what_never_ends_or_explodes_is_refused(schema, said):
    with pytest.raises(InputError, match=said):
        check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        A_WAY_OUT,
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "string", "pattern": r"(?<!a)b", "minLength": 3},
        {"not": {"type": "string"}},
        {"type": "object", "properties": {"pattern": {"type": "string"}, "minimum": {"$ref": "#"}}, "required": ["pattern"]},
        {"type": "array", "minItems": 100_000},
    ],
)  # fmt: skip
def test_what_ends_or_is_not_known_here_passes(schema):
    check_schema(schema)


def test_names_of_properties_are_no_conditions():
    schema = {"properties": {"pattern": {"pattern": "a"}, "maxLength": {"maxLength": 3}}, "enum": [{"pattern": 1}]}
    assert bare(schema) == {"properties": {"pattern": {}, "maxLength": {}}, "enum": [{"pattern": 1}]}
    assert list(patterns(schema)) == ["a"]
    assert list(patterns({"allOf": [{"pattern": "b"}], "patternProperties": {"c": {"pattern": "d"}}})) == [
        "b",
        "c",
        "d",
    ]


def test_an_expression_counts_with_its_repeats():
    assert expanded("a{300}") > 300 > expanded("a{3}") > 0 == expanded("(?<!a)b")
    for text in ("(a{1000}){1000}", "a{" + "9" * 40 + "}", "((a?){200}){300}"):
        with pytest.raises(InputError, match="too large"):
            expanded(text)


def test_a_request_with_one_of_them_is_a_400(client):
    for words in ({"regex": "(a{1000}){1000}"}, {"json": ITSELF}):
        error = client.refused("/v1/completions", {"prompt": "the", "max_tokens": 5, "structured_outputs": words})
        assert error["code"] == "invalid_constraint"
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": ITSELF}}
    body = {"messages": [{"role": "user", "content": "a"}], "response_format": wanted}
    assert "recursive without end" in client.refused("/v1/chat/completions", body)["message"]


@pytest.fixture
def own(monkeypatch):
    """As if llguidance were not installed."""
    monkeypatch.setattr(structured.importlib.util, "find_spec", lambda name: None)


def test_without_llguidance_the_readable_engine_follows(own, make_client, handle):
    client = make_client(handle)
    client.post("/v1/completions", {"prompt": "the", "max_tokens": 1})
    schema = {
        "type": "object",
        "properties": {"n": {"type": "boolean"}},
        "required": ["n"],
        "additionalProperties": False,
    }

    def ask(**words):
        return client.post("/v1/completions", {"prompt": "the", "max_tokens": 60, "structured_outputs": words})

    assert json.loads(ask(json=schema).json()["choices"][0]["text"])["n"] in (True, False)
    assert re.fullmatch("[0-9]{3}-[a-c]{2}", ask(regex="[0-9]{3}-[a-c]{2}").json()["choices"][0]["text"])
    told = ask(grammar="start: /a/")
    assert told.status_code == 400 and "llguidance" in told.json()["error"]["message"]
    assert ask(json=ITSELF).status_code == ask(regex="(a|b)*a(a|b){40}").status_code == 400


def test_both_engines_refuse_alike(tokenizer):
    pytest.importorskip("llguidance")
    vocabulary = Vocabulary.of(tokenizer, 288, {0})
    for guide in (structured.Guide(vocabulary), structured.OwnGuide(vocabulary)):
        for kind, words in (("json", json.dumps(ITSELF)), ("regex", "(a{1000}){1000}"), ("json", '{"enum": []}')):
            with pytest.raises(ApiError, match="recursive|too large|impossible"):
                structured.compiled(guide, (kind, words))


def test_all_patterns_together_have_a_bound():
    assert possible.MOST_TOGETHER == 200_000
