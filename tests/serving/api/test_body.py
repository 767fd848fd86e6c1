"""What a body costs has a bound, however it was made: nobody else is answered while it is read."""

import json

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")

from pydantic import ValidationError

from groundup.serving.api.app import routes
from groundup.serving.api.body import MOST_NESTED, parse
from groundup.serving.api.chat_fields import ChatFields
from groundup.serving.api.completions import CompletionFields
from groundup.serving.api.errors import ApiError

KINDS = sorted({route.fields for route in routes()}, key=lambda kind: kind.__name__)
MANY = 3000
NAMES = {f"k{number}": "x" for number in range(MANY)}
WRONG = ([{}] * MANY, [None] * MANY, [1, "a"] * MANY, [[1, "a"] * MANY], [[[]] * MANY], NAMES, [{"role": "user", "content": [{}] * MANY}], [NAMES])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_few_complaints_are_made_of_many_mistakes(kind):
    """A prompt of a million empty objects took a minute and a half: a complaint for each, and for each type that a prompt may have."""
    for name, field in kind.model_fields.items():
        for wrong in WRONG:
            try:
                kind.model_validate({field.alias or name: wrong})
            except ValidationError as error:
                assert error.error_count() < 60, (name, str(wrong)[:40])
    with pytest.raises(ValidationError) as error:
        kind.model_validate(NAMES)
    assert error.value.error_count() < 60 and any(one["loc"] == ("k0",) for one in error.value.errors())


def test_an_unknown_name_beside_all_that_are_known_is_named():
    given = {field.alias or name: None for name, field in CompletionFields.model_fields.items()} | {"prompt": "a", "temprature": 1, "more": 2}
    with pytest.raises(ApiError, match="temprature; did you mean temperature"):
        parse(json.dumps(given).encode(), CompletionFields)


def test_more_lists_and_objects_than_are_read_are_refused_and_texts_are_not_counted():
    for part in ("[1]", "{}", '{"role": "user", "content": "a"}'):
        for kind, name in ((CompletionFields, "prompt"), (ChatFields, "messages")):
            with pytest.raises(ApiError, match="lists and objects but at most 50,000") as refused:
                parse(f'{{"{name}": [{",".join([part] * (MOST_NESTED + 1))}]}}'.encode(), kind)
            assert refused.value.status == 400
    text = '[{\\"' * MOST_NESTED + '"[{'
    assert parse(json.dumps({"prompt": text}).encode(), CompletionFields).prompt == text
    assert len(parse(json.dumps({"prompt": [[1]] * 1000}).encode(), CompletionFields).prompt) == 1000


@pytest.mark.parametrize("raw", [b'{"a": "' + b"[" * 60_000, b'\\"' * 60_000 + b"[" * 60_000, b'{"a": "' + b"\\" * 60_001 + b"[" * 60_000])
def test_texts_without_an_end_are_no_json(raw):
    with pytest.raises(ApiError) as refused:
        parse(raw, CompletionFields)
    assert refused.value.status == 400
