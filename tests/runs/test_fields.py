"""Plain values become typed configurations, or one sentence that says what to write."""

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.runs import fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    width: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    steps: int
    rate: float = 0.1
    name: str = "a"
    on: bool = False
    kind: Literal["cosine", "linear"] = "cosine"
    words: tuple[str, ...] = ()
    limit: int | None = None
    unlimited: int | None = 5
    inner: Inner = Inner()

    def __post_init__(self):
        if self.steps < 0:
            raise ConfigError(f"steps={self.steps} is negative; use 0 or more")


def refused(table, match):
    with pytest.raises(ConfigError, match=match):
        fields.build(Example, table, "example", "recipe x")


def test_a_table_becomes_the_dataclass_with_lists_as_tuples_and_whole_numbers_as_fractions():
    made = fields.build(
        Example, {"steps": 3, "rate": 1, "words": ["a", "b"], "inner": {"width": 2}, "unlimited": "none"}, "example"
    )
    assert made == Example(steps=3, rate=1.0, words=("a", "b"), inner=Inner(width=2), unlimited=None)
    assert type(made.rate) is float


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    refused({"steps": 1, "rat": 0.2}, r"recipe x: 'rat' is not a key of \[example\]; did you mean 'rate'\?")


def test_an_unknown_key_unlike_any_other_lists_them_all():
    refused({"steps": 1, "zzz": 0.2}, "use one of inner, kind, limit, name, on, rate, steps, unlimited, words")


def test_an_unknown_key_of_an_inner_table_names_the_whole_way_to_it():
    refused({"steps": 1, "inner": {"widht": 2}}, r"'widht' is not a key of \[example.inner\]; did you mean 'width'\?")


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"steps": "many"}, 'example.steps wants a whole number, not "many"; write for example steps = 200'),
        ({"steps": True}, "wants a whole number, not true"),
        ({"steps": 1.5}, "wants a whole number, not 1.5"),
        ({"steps": 1, "rate": "fast"}, "example.rate wants a number"),
        ({"steps": 1, "on": 1}, "example.on wants true or false, not 1"),
        ({"steps": 1, "name": 1}, "example.name wants a text in quotes"),
        ({"steps": 1, "words": "a"}, 'example.words wants a list, not "a"'),
        ({"steps": 1, "words": [1]}, "example.words wants a text in quotes, not 1"),
        ({"steps": 1, "inner": 3}, "example.inner wants a table"),
        ({"steps": 1, "limit": "x"}, "example.limit wants a whole number"),
        ({"steps": 1, "kind": "cosinus"}, "is not one of cosine, linear; did you mean 'cosine'"),
        ({}, r"\[example\] has no steps; write steps = 200 into it"),
        ({"steps": -1}, r"recipe x: \[example\] steps=-1 is negative; use 0 or more"),
    ],
)
def test_a_wrong_value_is_refused_with_the_way_out(table, match):
    refused(table, match)


@given(
    st.integers(), st.floats(allow_nan=False), st.text(), st.booleans(), st.lists(st.text()), st.none() | st.integers()
)
def test_a_configuration_written_plain_and_built_again_is_the_same(steps, rate, name, on, words, limit):
    made = Example(steps=abs(steps), rate=rate, name=name, on=on, words=tuple(words), limit=limit, unlimited=limit)
    assert fields.build(Example, fields.plain(made), "example") == made


def test_a_value_that_is_no_toml_is_a_word_and_one_with_a_second_line_is_not_smuggled_in():
    assert fields.parse_value("muon") == "muon"
    assert fields.parse_value("1\nother = 2") == "1\nother = 2"
