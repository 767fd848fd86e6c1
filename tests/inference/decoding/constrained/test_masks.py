"""Token masks against their definition and the llguidance package; constrained answers match, from any model."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.decoding.constrained.automaton import automaton_of
from groundup.inference.decoding.constrained.masks import RegexConstraint, Trie, Vocabulary, constrained, token_mask
from groundup.inference.engine.batching import generate_batch

PIECES = (
    b"",
    *(bytes([byte]) for byte in range(256)),
    b"12",
    b"ab",
    b"abc",
    b'"a',
    b"\xc3\xa9",
    b"\xa9x",
    b"true",
    b'{"',
    b'": ',
)
WORDS = Vocabulary(PIECES, frozenset({0}))
EXPRESSIONS = [
    r"\d{4}-\d\d",
    r"(?:ab|c)+é?",
    r'"[^"\\]*"',
    r"[é-ü]{2,3}x",
    "true|false",
    r"-?\d+(?:\.\d+)?",
    r"[\w-]+\s\D\S?",
    ".*",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_tries_mask_is_that_of_the_definition_in_every_state(expression):
    automaton = automaton_of(expression)
    trie = Trie(PIECES)
    for state in range(len(automaton.final)):
        assert np.array_equal(trie.mask(automaton.next_state, state), token_mask(automaton.next_state, state, PIECES))


@settings(max_examples=50, deadline=None)
@given(some.lists(some.binary(max_size=4), min_size=1, max_size=30), some.sampled_from(EXPRESSIONS))
def test_any_vocabulary_has_the_masks_of_the_definition(pieces, expression):
    table = automaton_of(expression).next_state
    assert np.array_equal(Trie(pieces).mask(table, 0), token_mask(table, 0, pieces))


def walks(constraint, seed, steps=12):
    """States and tokens of a random allowed text."""
    state, source = constraint.start, np.random.default_rng(seed)
    for _ in range(steps):
        choice = torch.nonzero(constraint.mask(state))[:, 0].tolist()
        yield state, (id := int(source.choice(choice)))
        if id in WORDS.ends:
            return
        state = constraint.advance(state, id)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_two_engines_agree_on_every_mask_of_random_texts(expression):
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    ours, theirs = RegexConstraint(expression, WORDS), Guide(WORDS).regex(expression)
    for seed in range(6):
        other = theirs.start
        for state, id in walks(ours, seed):
            assert torch.equal(ours.mask(state), theirs.mask(other)), (seed, state)
            assert ours.is_final(state) == theirs.is_final(other)
            other = theirs.advance(other, id)


def test_a_random_model_writes_what_the_json_schema_accepts(tiny):
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 99}, "ok": {"type": "boolean"}},
    }
    schema |= {"required": ["n", "ok"], "additionalProperties": False}
    constraint = Guide(WORDS).json_schema(schema)
    for seed in range(3):
        ids = written(tiny(vocab_size=len(PIECES)), constraint, seed)
        answer = json.loads(b"".join(PIECES[id] for id in ids[:-1]))
        assert set(answer) == {"n", "ok"} and 0 <= answer["n"] <= 99 and isinstance(answer["ok"], bool)


def written(module, constraint, seed, **asked):
    """An answer under a constraint, drawn from everything it allows."""
    sampling = SamplingConfig(max_new_tokens=40, seed=seed, order=(constrained(constraint), *OFF), **asked)
    (done,) = generate_batch(module, [[5, 6]], sampling, WORDS.ends)
    return done.ids


@pytest.mark.parametrize(
    "asked", [dict(), dict(temperature=0.0), dict(top_k=1), dict(top_p=0.5, presence_penalty=1.0)], ids=str
)
def test_a_random_model_writes_only_what_matches(tiny, asked):
    module, expression = tiny(vocab_size=len(PIECES)), r"(?:ab|cé){1,4}-\d{2}"
    for seed in range(3):
        *ids, end = written(module, RegexConstraint(expression, WORDS), seed, **asked)
        assert end == 0 and re.fullmatch(expression, b"".join(PIECES[id] for id in ids).decode())


def test_rows_of_a_batch_have_states_of_their_own(tiny):
    module, constraint = tiny(vocab_size=len(PIECES)), RegexConstraint(r"\d{1,5}x", WORDS)
    sampling = SamplingConfig(max_new_tokens=12, seed=4, order=(constrained(constraint), *OFF))
    for done in generate_batch(module, [[5]] * 6, sampling, WORDS.ends):
        assert re.fullmatch(r"\d{1,5}x", b"".join(PIECES[id] for id in done.ids[:-1]).decode())


def test_what_is_not_allowed_is_refused_by_both_engines():
    with pytest.raises(InputError, match="token 98 is not allowed in state 0; take one that mask"):
        RegexConstraint("b", WORDS).advance(0, 98)
    with pytest.raises(InputError, match="no token of this vocabulary can go on with a text"):
        RegexConstraint("é", Vocabulary((b"", b"a"), frozenset({0}))).mask(0)
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    guide = Guide(WORDS)
    constraint = guide.regex("b")
    with pytest.raises(InputError, match="token 98 is not allowed here"):
        constraint.advance(constraint.start, 98)
    wide = guide.json_schema({"type": "object", "properties": {f"{number:x}": {"type": "string"} for number in range(3000)}})
    with pytest.raises(InputError, match="cannot be followed here: .*items; max is 2000.*; make it smaller"):
        wide.advance(wide.start, WORDS.pieces.index(b"{"))
    for broken in (
        lambda: guide.regex("(a"),
        lambda: guide.json_schema({"type": "nothing"}),
        lambda: guide.grammar("start: x"),
    ):
        with pytest.raises(InputError, match="the constraint cannot be followed: .*; make it smaller or mend it"):
            broken()
    with pytest.raises(InputError, match="needs a token that ends a text"):
        Guide(Vocabulary((b"a",), frozenset()))


def test_a_filled_mask_replaces_the_trie(monkeypatch):
    from groundup.inference.decoding.constrained import masks

    monkeypatch.setattr(masks, "filled", lambda slot: slot == "inference.decoding.token_mask")
    monkeypatch.setattr(masks, "token_mask", lambda table, state, pieces: np.arange(len(pieces)) == 7)
    assert torch.nonzero(RegexConstraint("a", WORDS).mask(0)).tolist() == [[7]]


def test_one_config_serves_prompts_of_any_length_and_more_of_them_than_fit_at_once(tiny):
    module, expression = tiny(vocab_size=len(PIECES)), r"(?:ab|c){2,4}-"
    order = (constrained(RegexConstraint(expression, WORDS)), *OFF)
    sampling = SamplingConfig(max_new_tokens=14, seed=2, order=order)
    for prompts in ([[5], [6, 7, 8], [9], [5, 6, 7, 8, 9]], [[3, 4, 5, 6], [7], [8, 9]]):
        for done in generate_batch(module, prompts, sampling, WORDS.ends, rows_at_once=2):
            assert re.fullmatch(expression, b"".join(PIECES[id] for id in done.ids[:-1]).decode())


def test_a_row_that_ended_waits_for_the_others_in_both_engines(tiny):
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    module, expression = tiny(vocab_size=len(PIECES)), r"a{1,9}"
    for constraint in (RegexConstraint(expression, WORDS), Guide(WORDS).regex(expression)):
        sampling = SamplingConfig(max_new_tokens=14, seed=4, order=(constrained(constraint), *OFF))
        made = generate_batch(module, [[number] for number in range(5, 25)], sampling, WORDS.ends)
        assert len({len(done.ids) for done in made}) > 3
        assert all(re.fullmatch(expression, b"".join(PIECES[id] for id in done.ids[:-1]).decode()) for done in made)


def test_a_matcher_that_has_stopped_takes_its_end_again_and_nothing_else():
    pytest.importorskip("llguidance")
    from groundup.inference.decoding.constrained.guided import Guide

    constraint = Guide(WORDS).regex("a")
    ended = constraint.advance(constraint.advance(constraint.start, 98), 0)
    assert torch.nonzero(constraint.mask(constraint.advance(ended, 0)))[:, 0].tolist() == [0]
    with pytest.raises(InputError, match="token 98 is not allowed here"):
        constraint.advance(ended, 98)
