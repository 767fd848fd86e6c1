"""Regular expressions against Python's own `re`, and what is said of one that cannot be read."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import after_a_blank, automaton_of
from groundup.inference.decoding.constrained.expression import utf8_runs

ATOMS = some.sampled_from(["a", "b", "é", "0", ".", r"\d", "[ab]", "[^a]", "[a-bé]", r"[\d_]", r"\n", r"\."])
EXPRESSIONS = some.recursive(
    ATOMS,
    lambda inner: some.one_of(
        some.tuples(inner, inner).map("".join),
        some.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        some.tuples(inner, some.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{0}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, some.lists(some.text("ab0é\n._\U0001f600", max_size=6), min_size=5, max_size=12))
def test_an_automaton_matches_what_python_matches(expression, texts):
    try:
        automaton = automaton_of(expression)
    except InputError as error:
        assert "explodes" in str(error)
        return
    for text in texts:
        assert automaton.matches(text) == bool(re.fullmatch(expression, text, re.ASCII)), text


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 0x10FFFF), some.integers(0, 0x10FFFF), some.data())
def test_the_runs_of_a_range_are_its_characters_and_no_other(one, other, data):
    low, high = sorted((one, other))
    runs = list(utf8_runs(low, high))
    near = some.sampled_from([low, high, max(low - 1, 0), min(high + 1, 0x10FFFF)])
    point = data.draw(
        some.one_of(near, some.integers(0, 0x10FFFF)).filter(lambda number: not 0xD800 <= number <= 0xDFFF)
    )
    code = chr(point).encode()
    found = sum(
        len(run) == len(code) and all(a <= byte <= b for byte, (a, b) in zip(code, run, strict=True)) for run in runs
    )
    assert found == (low <= point <= high)


@pytest.mark.parametrize(
    "expression, said",
    [
        ("(ab", r"at character 4: a \( is not closed; add the \)"),
        ("ab)", r"at character 3: a \) closes nothing; write \\\)"),
        ("[ab", r"a \[ is not closed; add the \]"),
        ("[]", r"a \[ \] is empty; put characters in it"),
        ("[z-a]", "runs backwards, or has a class at its end; give the smaller"),
        (r"[a-\d]", "runs backwards, or has a class at its end; give the smaller"),
        ("a**", r"a repeat of a repeat; put the inner one in brackets"),
        ("*a", r"\* repeats nothing; put something before it"),
        ("a{x}", r"\{ begins no count; write \{3\}"),
        ("a{3,1}", r"\{3,1\} ends below its beginning; give the smaller"),
        ("^a$", r"\^ is not needed, as the whole text must match; leave it out"),
        ("(?=a)", r"use \(\?:...\) or \(...\)"),
        (r"\q", r"\\q means nothing here; write"),
        (r"\x4", r"\\x needs 2 hexadecimal digits; write"),
        ("a\\", r"\\ means nothing here; write"),
        (r"[^\d\D]", "a class allows no character; change it"),
        ("(" * 200 + ")" * 200, "more than 100 deep; make them fewer"),
        ("a{99999999}", r"too large: \{99999999\} repeats more than 50,000 times; use fewer"),
        ("((a{200}){200}){200}", "too large: over 50,000 nodes; use smaller repeats"),
        ("(a|b)*a(a|b){20}", "explodes: over 5,000 states are needed to follow it; use smaller repeats"),
    ],
)
def test_an_expression_that_cannot_be_followed_says_why_and_what_to_do(expression, said):
    with pytest.raises(InputError, match=said):
        automaton_of(expression)


def test_zeros_before_a_count_say_nothing():
    for expression in ("a{0000000003}", "a{00000000001,00000000003}"):
        automaton = automaton_of(expression)
        assert automaton.matches("aaa") and not automaton.matches("") and not automaton.matches("aaaa")
    assert automaton_of("a{0000000000}").matches("") and automaton_of("a{00000000002,}").matches("a" * 9)


@pytest.mark.parametrize("expression", ["[ab]+", " ?a", " {2}b*", "a*", "(?: |ab)*"])
@pytest.mark.parametrize("text", ["", " ", "  ", "   ", "a", " a", "  a", "  b", "ab ab", " ab ab", "b a"])
def test_a_blank_that_is_taken_away_leaves_a_text_of_the_expression(expression, text):
    made, plain = after_a_blank(automaton_of(expression)), re.compile(expression)
    assert made.matches(" " + text) == bool(plain.fullmatch(text))
    if not text.startswith(" "):
        assert made.matches(text) == bool(plain.fullmatch(text))


def test_each_limit_names_itself(monkeypatch):
    from groundup.inference.decoding.constrained import automaton

    monkeypatch.setattr(automaton, "MOST_WORK", 2_000)
    with pytest.raises(InputError, match="explodes: over 2,000 nodes are looked at to follow it; use smaller repeats"):
        automaton_of("(?:a?){60}")  # 61 states, and each is 60 steps for nothing wide
    monkeypatch.setattr(automaton, "MOST_STATES", 10)
    with pytest.raises(InputError, match="explodes: over 10 states are needed to follow it; use smaller repeats"):
        automaton_of("a{20}")
