"""Schemas by hand, random schemas against the jsonschema-rs and llguidance packages, and refusals that say what is wrong."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.decoding.constrained import grammar, json_schema, pushdown
from groundup.inference.decoding.constrained.automaton import automaton_of
from groundup.inference.decoding.constrained.json_schema import JsonConstraint, grammar_of
from groundup.inference.decoding.constrained.json_texts import (
    alternatives,
    at_least,
    at_most,
    multiple_of,
    string_automaton,
    whole_pattern,
)
from groundup.inference.decoding.constrained.masks import Constraint, Trie, Vocabulary, constrained
from groundup.inference.decoding.constrained.pushdown import ACCEPT, Pushdown, PushdownConstraint
from groundup.inference.engine.batching import generate_batch

PIECES = (
    b"",
    *(bytes([byte]) for byte in range(256)),
    b'":',
    b'","',
    b"12",
    b"tru",
    b'{"',
    b'"}',
    b"ab",
    b"]}",
    b"\xc3\xa9",
    b"-1",
    b'"a',
    b", ",
)
WORDS = Vocabulary(PIECES, frozenset({0}))
TRIE = Trie(PIECES)
BYTES = Vocabulary(
    PIECES[:257], frozenset({0})
)  # what is forced the other engine allows in one cut alone, so they are compared by bytes
BYTE_TRIE = Trie(BYTES.pieces)
TREE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
}
TREE |= {"required": ["v", "next"], "additionalProperties": False}
AB = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["b"]}
CLOSED = AB | {"additionalProperties": False}


def accepts(schema, text):
    return Pushdown(grammar_of(schema)).matches(text)


@pytest.mark.parametrize(
    "schema, right, wrong",
    [
        (CLOSED, ['{"b":true}', '{"a":-1,"b":false}'], ["{}", '{"a":1}', '{"b":true,"a":1}', '{"b":true,}', '{"b": true}', '{"b":true,"c":1}']),
        (AB, ['{"b":true,"c":[1,{"b":null}]}', '{"a":1,"b":true,"":0,"bb":1}'], ['{"b":true,"a":1}', '{"b":true,"b":1}', '{"c":1}']),
        (TREE, ['{"v":1,"next":{"v":2,"next":null}}'], ['{"v":1,"next":{"v":2,"next":null}', '{"v":1}', '{"v":1,"next":{}}']),
        ({}, ['{"a":[1,"b",{}],"c":-0.5e+7}', "[]", "null", '"\\u001f\\n"'], ["", "01", "[1,]", "{1:2}", "'a'", "nul", '"\n"', "1 "]),
        ({"type": ["string", "null"], "maxLength": 2}, ['"é\\""', "null", '""'], ['"abc"', "1"]),
        ({"type": "string", "minLength": 2}, ['"ab"', '"abcdef"'], ['"a"', '""']),
        ({"type": "string", "pattern": "^a|b$"}, ['"ax"', '"xb"', '"a\\n"'], ['"xa"', '"bx"']),
        ({"type": "string", "pattern": "b", "maxLength": 3}, ['"b"', '"abc"'], ['"abcd"', '"ac"']),
        ({"type": "string", "format": "date"}, ['"2024-02-29"'], ['"2024-04-31"', '"24-01-01"']),
        ({"enum": [1, "a", None, {"a": [1, 2]}, 1.5]}, ["1", '"a"', "null", '{"a":[1,2]}', "1.5"], ["2", '{"a":[1]}', '{"a": [1,2]}']),
        ({"enum": [1, "a", True, 12], "type": "integer", "minimum": 2}, ["12"], ["1", '"a"', "true"]),
        ({"enum": [[1, 2], [1], [], {}], "maxItems": 1}, ["[1]", "[]", "{}"], ["[1,2]"]),
        ({"enum": [{"a": 1}, {"a": 2, "b": [3]}], "required": ["b"]}, ['{"a":2,"b":[3]}'], ['{"a":1}']),
        ({"enum": [{"b": 2, "a": 1}, {"a": "x"}], "properties": {"a": {"type": "integer"}}}, ['{"b":2,"a":1}'], ['{"a":"x"}']),
        ({"enum": [[[5]], [["x"]]], "items": {"items": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"minimum": 4, "type": "integer"}}}, ["[[5]]"], ['[["x"]]']),
        ({"allOf": [{"enum": [1, True, [1]]}, {"enum": [True, [True], [1]]}]}, ["true", "[1]"], ["1", "[true]"]),
        ({"const": "\n\""}, ['"\\n\\""', '"\\u000a\\""', '"\\u000A\\""'], ['"\n\\""', '"n"']),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}, ["[1]", "[1,2,3]"], ["[]", "[1,2,3,4]", "[1,]"]),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}}, ["[]", "[1]", "[1,2]", "[1,2,3,3]"], ["[2]", "[1,3]"]),
        ({"type": "array", "prefixItems": [{"const": 1}], "items": False}, ["[]", "[1]"], ["[1,1]"]),
        ({"type": "integer", "minimum": -12, "exclusiveMaximum": 105}, ["-12", "0", "104", "99", "9"], ["-13", "105", "1e1", "1.0", "999"]),
        ({"type": "number", "exclusiveMinimum": 0.25, "maximum": 3}, ["0.251", "1", "3.00", "0.3", "2.9"], ["0.25", "0.250", "3.01", "0", "10", "1e0"]),
        ({"type": "number", "maximum": -1.5}, ["-1.5", "-1.50", "-20"], ["-1.49", "1", "-1"]),
        ({"type": "integer", "multipleOf": 7, "minimum": 10}, ["14", "700"], ["7", "15"]),
        ({"type": "number", "multipleOf": 0.05}, ["0.05", "1.10", "3", "-0.15", "1.000"], ["0.01", "1.051"]),
        ({"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "minimum": 3}], "maximum": 4}, ["3", "4"], ["1", "5", "3.0"]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}], "maximum": 5, "maxLength": 1}, ["5", '"a"'], ["6", '"ab"']),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, ["5", '"a"'], ["null"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}, "required": ["z"]}, ['{"z":1}', '{"z":1,"y":2}'], ["{}", '{"z":""}', '{"y":2,"z":1}']),
        ({"$ref": "#/$defs/a~1b/0", "minimum": 4, "$defs": {"a/b": [{"type": "integer"}]}}, ["4"], ["3", '"4"']),
        ({"type": "object", "properties": {"a": False, "b": True}, "additionalProperties": False}, ["{}", '{"b":1}'], ['{"a":1}']),
        (True, ["1"], ["x"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_schema_accepts(schema, right, wrong):
    pushdown = Pushdown(grammar_of(schema))
    assert [text for text in right if not pushdown.matches(text)] == []
    assert [text for text in wrong if pushdown.matches(text)] == []


def test_a_whole_number_above_an_open_bound_is_written_without_the_sign_of_what_is_below():
    above = {"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 2.5}
    assert [text for text in ("0", "1", "2") if not accepts(above, text)] == []
    assert [text for text in ("-0", "-1", "3") if accepts(above, text)] == []


@settings(max_examples=60, deadline=None)
@given(some.decimals(0, 200, places=2), some.decimals(0, 200, places=2), some.booleans())
def test_bounds_are_those_of_numbers(bound, value, strict):
    text = format(value, "f")
    for shown in {text, text + "0", text.rstrip("0").rstrip(".") if "." in text else text}:
        assert automaton_of(f"(?:{at_least(bound, strict)})").matches(shown) == (
            value > bound if strict else value >= bound
        )
        below = at_most(bound, strict)
        assert (bool(below) and automaton_of(f"(?:{below})").matches(shown)) == (
            value < bound if strict else value <= bound
        )


@settings(max_examples=40, deadline=None)
@given(some.decimals("0.01", 3, places=2).filter(bool), some.decimals(-50, 50, places=3))
def test_multiples_are_those_of_decimal_arithmetic(divisor, value):
    assert multiple_of(divisor).matches(format(value, "f")) == (value % divisor == 0)


@settings(max_examples=15, deadline=None)
@given(some.text(some.characters(codec="utf-8"), max_size=8))
def test_every_text_can_be_written_and_its_length_is_counted_in_characters(text):
    written = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    assert string_automaton(r"(?:.|\n)*").matches(written)
    assert accepts({"type": "string", "minLength": len(text), "maxLength": len(text)}, written)
    assert not accepts({"type": "string", "minLength": len(text) + 1}, written)
    assert accepts({"const": text}, written)


def test_a_pattern_is_cut_where_its_alternatives_are():
    assert alternatives(r"^a|(b|c)|[|]|\|") == ["^a", "(b|c)", "[|]", r"\|"]
    assert whole_pattern("^a$") == "(?:a)" and whole_pattern(r"^a\$").endswith("*")


def walk(constraint, seed, most=90):
    """States and tokens of a random text, drawn so that it likes to end."""
    state, source, made = constraint.start, np.random.default_rng(seed), []
    for _ in range(most):
        choice = torch.nonzero(constraint.mask(state))[:, 0].tolist()
        liked = [id for id in choice if id == 0 or PIECES[id][:1] in b'"]}' or PIECES[id].isalnum()]
        if 0 in choice and source.random() < 0.5:
            liked = [0]
        id = int(source.choice(liked if liked and source.random() < 0.9 else choice))
        made.append((state, id))
        if id == 0:
            return made, True
        state = constraint.advance(state, id)
    return made, False


def random_schema(source, depth=0):
    """A schema with all that both engines follow; objects are closed, as the other engine lets open ones spell a key in more ways."""
    kinds = ["integer", "string", "number", "boolean", "null", "enum", "any"] + (
        ["object", "array", "anyOf", "types"] * 2 if depth < 3 else []
    )
    kind = kinds[source.integers(len(kinds))]
    below = lambda: random_schema(source, depth + 1)  # noqa: E731
    low = int(source.integers(-20, 20))
    if kind in ("integer", "number"):
        bounds = (
            {}
            if source.random() < 0.4
            else {"minimum": low, "maximum": low + int(source.integers(1, 300))}
            if source.random() < 0.6
            else {"minimum": abs(low)}  # below 0 and without a maximum the other engine knows no -0
        )
        return {"type": kind} | bounds
    if kind == "string":
        made = [
            {},
            {"minLength": 1, "maxLength": int(source.integers(1, 6))},
            {"pattern": "^[a-c]+x?$"},
            {"pattern": "[0-9]"},
            {"format": "date"},
        ]
        return {"type": "string"} | made[source.integers(len(made))]
    if kind == "enum":
        return {"enum": [[1, "a"], ["on", "off"], [None, True], [{"a": [1]}, 2.5]][source.integers(4)]}
    if kind == "object":
        names = [name for name in ("a", "b", "né", 'q"') if source.random() < 0.6]
        made = {"type": "object", "properties": {name: below() for name in names}, "additionalProperties": False}
        return made | {"required": [name for name in names if source.random() < 0.6]}
    if kind == "array":
        made = {"type": "array", "items": below(), "minItems": int(source.integers(0, 2))}
        made |= {"maxItems": int(source.integers(2, 4))} if source.random() < 0.7 else {}
        return made | ({"prefixItems": [below()]} if source.random() < 0.3 else {})
    if kind == "anyOf":
        return {"anyOf": [below() for _ in range(source.integers(1, 4))]}
    return {"null": {"type": "null"}, "boolean": {"type": "boolean"}, "types": {"type": ["integer", "string"]}}.get(
        kind, {"type": "boolean"}
    )


def agree(schema, seed, guide):
    """A random text, byte by byte, in both engines: the same bytes allowed all along. Its value, or None where it did not end in time."""
    ours, other = JsonConstraint(schema, BYTES, BYTE_TRIE), guide.json_schema(schema)
    state, (steps, whole) = other.start, walk(ours, seed)
    for place, (before, id) in enumerate(steps):
        assert torch.equal(ours.mask(before), other.mask(state)), (
            seed,
            schema,
            bytes(one - 1 for _, one in steps[:place]),
        )
        state = other.advance(state, id)
    return json.loads(bytes(id - 1 for _, id in steps[:-1])) if whole else None


def check_schemas(first, count):
    """Random schemas: every text is what its schema accepts, and the two engines allow the same bytes all along."""
    package = pytest.importorskip("jsonschema_rs")
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    guide, ended, unfinished = Guide(BYTES), 0, object()
    for seed in range(first, first + count):
        schema = random_schema(np.random.default_rng(seed))
        agree(schema, seed, guide)
        ours = JsonConstraint(schema, WORDS, TRIE)
        steps, whole = walk(ours, seed)
        value = json.loads(b"".join(PIECES[id] for _, id in steps[:-1])) if whole else unfinished
        if whole and "Infinity" not in json.dumps(value):  # 1e999 is JSON, and no float
            package.validate(schema, value)
        ended += whole
    assert ended > 0.6 * count


def test_random_schemas_hold_and_both_engines_agree_on_every_byte():
    check_schemas(0, 25)


@pytest.mark.slow
def test_thousands_of_random_schemas_hold_and_both_engines_agree():
    check_schemas(1000, 2500)


def test_a_recursive_schema_is_followed_by_both_engines_alike():
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    guide = Guide(BYTES)
    for seed in range(4):
        agree(TREE, seed, guide)


def test_a_mask_allows_the_tokens_whose_bytes_lead_on():
    for schema in (TREE, AB, {}):
        ours = JsonConstraint(schema, WORDS, TRIE)
        for state, _ in walk(ours, 1)[0][:25]:
            allowed = [bool(piece) and ours.pushdown.after(state, piece) is not None for piece in PIECES]
            assert ours.mask(state).tolist() == [ours.is_final(state), *allowed[1:]]


def test_a_random_model_writes_what_the_schema_accepts(tiny):
    module, digit = tiny(vocab_size=len(PIECES)), {"type": "integer", "maximum": 9, "minimum": 1}
    schema = {
        "type": "object",
        "properties": {"n": digit, "s": {"enum": ["x", "yy"]}, "l": {"type": "array", "items": digit, "maxItems": 3}},
    }
    schema |= {"required": ["n", "s", "l"], "additionalProperties": False}
    constraint = JsonConstraint(schema, WORDS, TRIE)
    assert isinstance(constraint, Constraint)
    sampling = SamplingConfig(max_new_tokens=40, seed=1, order=(constrained(constraint), *OFF))
    for done in generate_batch(module, [[5, 6]], sampling, WORDS.ends):
        assert done.ids[-1] == 0
        value = json.loads(b"".join(PIECES[id] for id in done.ids[:-1]))
        assert list(value) == ["n", "s", "l"] and value["s"] in ("x", "yy") and len(value["l"]) <= 3


@pytest.mark.parametrize(
    "schema, said",
    [
        (TREE | {"properties": {"v": {}, "next": {"$ref": "#"}}}, "recursive without end: each value needs another inside it"),
        ({"$ref": "#"}, r"recursive without end: a \$ref leads to itself"),
        ({"allOf": [{"$ref": "#"}]}, "recursive without end"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "recursive without end"),
        ({"enum": []}, "impossible: nothing satisfies #;"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "impossible"),
        ({"type": "number", "exclusiveMinimum": 3, "maximum": 3}, "impossible"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "impossible"),
        ({"type": "string", "pattern": "^ab$", "maxLength": 1}, "impossible"),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "impossible"),
        ({"properties": {"a": {"items": False, "minItems": 1, "type": "array"}}, "required": ["a"], "type": "object"}, "satisfies #/properties/a"),
        ({"allOf": [{"type": "integer"}, {"type": "string"}]}, "impossible"),
        ({"allOf": [{"const": 1}, {"const": True}]}, "impossible"),
        ({"const": [1, 2], "minItems": 3}, "impossible"),
        (False, "impossible"),
        ({"type": "nothing"}, "type 'nothing' is none of JSON's"),
        ({"not": {}}, "the schema at # cannot be followed: not is not followed; leave it out"),
        ({"items": {"uniqueItems": True}}, "the schema at #/items cannot be followed: uniqueItems"),
        ({"oneOf": [{"minimum": 1}, {"type": "string"}]}, "options are of different types; use anyOf"),
        ({"$ref": "#/$defs/x"}, "names nothing: there is no '\\$defs'"),
        ({"$ref": "http://elsewhere"}, "leads out of the schema"),
        ({"pattern": "a{99999999}"}, "the schema at # cannot be followed: the regular expression is too large"),
        ({"pattern": "(?=a)"}, "begins something that is not understood"),
        ({"format": "color"}, "format='color' is not known; use date, time"),
        ({"maxLength": 10**9}, "maxLength=1000000000 is not followed; use a whole number up to 5,000"),
        ({"minItems": -1}, "minItems=-1 is not followed"),
        ({"minimum": "3"}, "minimum='3' is of a wrong kind; JSON Schema wants int or float"),
        ({"multipleOf": 0}, "multipleOf=0 is not followed"),
        ({"enum": [float("nan")]}, "is no value of JSON"),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "two different conditions of pattern"),
        ({"anyOf": [5]}, "5 is no schema"),
        ([], r"\[\] is no schema"),
        ({"properties": [1]}, "wrong kind; JSON Schema wants Mapping"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_in_one_sentence(schema, said):
    with pytest.raises(InputError, match=said):
        grammar_of(schema)


def test_schemas_that_grow_are_refused(monkeypatch):
    monkeypatch.setattr(json_schema, "MOST_RULES", 20)
    with pytest.raises(InputError, match="the schema explodes at #/prefixItems/20: it is over 20 schemas"):
        grammar_of({"type": "array", "prefixItems": [{"const": n} for n in range(30)]})
    monkeypatch.setattr(grammar, "LARGEST", 900)
    with pytest.raises(InputError, match="the schema is too large: over 900 nodes"):
        grammar_of({"type": "array", "maxItems": 400, "items": {"const": 1}})
    monkeypatch.undo()
    many = {"anyOf": [{"type": "array", "items": {"$ref": "#"}, "maxItems": n} for n in range(2, 9)]}
    constraint = JsonConstraint(many, WORDS, TRIE)
    with pytest.raises(InputError, match="over 300 ways at once"):
        state = constraint.start
        for _ in range(8):
            state = constraint.advance(state, 1 + ord("["))


def test_a_token_that_is_not_allowed_is_refused_and_the_end_stays_the_end():
    constraint = JsonConstraint({"const": 1}, WORDS, TRIE)
    with pytest.raises(InputError, match="token 5 is not allowed here"):
        constraint.advance(constraint.start, 5)
    one = constraint.advance(constraint.start, 1 + ord("1"))
    ended = constraint.advance(one, 0)
    assert constraint.is_final(one) and constraint.is_final(ended) and not constraint.is_final(constraint.start)
    assert (
        torch.nonzero(constraint.mask(ended))[:, 0].tolist()
        == [0]
        == torch.nonzero(constraint.mask(one))[:, 0].tolist()
    )
    assert constraint.advance(ended, 0) == ended
    with pytest.raises(InputError, match="no token can go on with this text"):
        JsonConstraint({"const": 1}, Vocabulary((b"", b"2"), frozenset({0}))).mask(constraint.start)


def test_states_outlive_the_table(monkeypatch):
    constraint, fresh = (JsonConstraint(TREE, WORDS, TRIE) for _ in range(2))
    steps, _ = walk(fresh, 3)
    monkeypatch.setattr(pushdown, "MOST_STATES", 4)
    monkeypatch.setattr(pushdown, "MOST_MASKS", 2)
    for state, _ in steps:
        assert torch.equal(constraint.mask(state), fresh.mask(state))
    assert len(constraint.pushdown.states) < 60 and (ACCEPT, None) not in constraint.start
    assert isinstance(constraint, PushdownConstraint)


@pytest.mark.parametrize("key", ["items", "anyOf", "allOf", "enum"])
def test_a_schema_that_is_nested_without_measure_is_a_sentence(key):
    schema = {"type": "integer"}
    for _ in range(5_000):
        schema = {key: schema if key == "items" else [schema]}
    with pytest.raises(InputError, match="nested too deep"):
        grammar_of(schema)


@pytest.mark.parametrize("wrong", [5, None, {"a": 1}])
def test_a_type_of_a_wrong_kind_is_a_sentence(wrong):
    with pytest.raises(InputError, match="type=.* is none; use null"):
        grammar_of({"type": wrong})
