"""Beam search against every text there is, on small vocabularies; penalties by hand; rows apart."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.beam import BeamConfig, beam_search, beam_step, score_of, select_rows

VOCAB, LONGEST, END = 4, 4, 3


def tables(seed):
    """Log-probabilities by place, by the two tokens before, and of the next one."""
    source = torch.Generator().manual_seed(seed)
    return torch.log_softmax(2 * torch.randn(LONGEST, VOCAB * VOCAB, VOCAB, generator=source), -1)


def stepper(table):
    """A step over such a table; its state: the place, and the token before the last."""

    def step(state, ids):
        place, before = state
        return table[place, before * VOCAB + ids], (place + 1, ids)

    return step


def first(starts):
    return torch.zeros(len(starts), dtype=torch.long), torch.zeros(len(starts), dtype=torch.long)


def every_answer(table, start, limit, alpha):
    """All texts that end, or are `limit` long, best first: (score, ids)."""
    found = []
    for length in range(1, limit + 1):
        for ids in itertools.product(range(VOCAB), repeat=length):
            if END in ids[:-1] or (length < limit and ids[-1] != END):
                continue
            rows = zip((0, start, *ids), (start, *ids), ids, strict=False)
            total = sum(float(table[place, row[0] * VOCAB + row[1], row[2]]) for place, row in enumerate(rows))
            found.append((total / length**alpha, ids))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
def test_a_beam_as_wide_as_all_beginnings_finds_the_best_texts_there_are(alpha):
    table, starts = tables(1), [0, 1, 2]
    found = beam_search(
        stepper(table), first(starts), torch.tensor(starts), END, LONGEST, BeamConfig(beams=100, length_penalty=alpha)
    )
    for start, answers in zip(starts, found, strict=True):
        best = every_answer(table, start, LONGEST, alpha)[:8]
        assert [one.ids for one in answers[:8]] == [ids for _, ids in best]
        assert [one.score for one in answers[:8]] == pytest.approx([score for score, _ in best], abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.0, 0.7, 1.0]))
def test_rows_together_give_what_each_gives_alone_and_scores_are_true(seed, beams, alpha):
    table, starts, limits = tables(seed), [0, 1, 2], [4, 2, 3]
    config = BeamConfig(beams=beams, length_penalty=alpha)
    together = beam_search(stepper(table), first(starts), torch.tensor(starts), END, limits, config)
    for start, limit, answers in zip(starts, limits, together, strict=True):
        alone = beam_search(stepper(table), first([start]), torch.tensor([start]), END, limit, config)[0]
        assert [one.ids for one in alone] == [one.ids for one in answers]
        true = {ids: score for score, ids in every_answer(table, start, limit, alpha)}
        assert all(one.score == pytest.approx(true[one.ids], abs=1e-5) for one in answers)
        assert 1 <= len(answers) <= beams and len({one.ids for one in answers}) == len(answers)


def test_one_beam_is_the_likeliest_token_each_time():
    table = tables(5)
    (answer,) = beam_search(stepper(table), first([1]), torch.tensor([1]), END, LONGEST, BeamConfig(beams=1))[0]
    before, last, ids = 0, 1, []
    for place in range(LONGEST):
        token = int(table[place, before * VOCAB + last].argmax())
        before, last, ids = last, token, [*ids, token]
        if token == END:
            break
    assert answer.ids == tuple(ids)


def test_larger_penalties_prefer_longer_texts():
    assert score_of(-2.0, 2, 1.0) == -1.0 and score_of(-3.5, 4, 1.0) == -0.875, "the longer one wins"
    assert score_of(-2.0, 2, 0.0) > score_of(-3.5, 4, 0.0), "without a penalty the shorter one"


def chain(*shares):
    """Token 0 goes on with this share at each step, token 1 ends."""
    table = torch.tensor([[share, 1 - share] for share in shares]).log()
    return lambda place, ids: (table[place], place + 1)


def test_the_search_goes_on_while_a_running_text_can_still_win():
    step = chain(0.4, 0.999, 0.999, 0.999, 0.001)  # ending at once: 0.6; going on: 0.4, then nearly sure
    place = torch.zeros(1, dtype=torch.long)
    answers = {
        alpha: beam_search(step, place, torch.tensor([0]), 1, 5, BeamConfig(beams=2, length_penalty=alpha))[0][0].ids
        for alpha in (0.0, 1.0)
    }
    assert answers == {0.0: (1,), 1.0: (0, 0, 0, 0, 1)}


def test_a_step_by_hand():
    sums = torch.tensor([[-1.0, -2.0]])
    added = torch.tensor([[[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]]]).log()
    best, beams, tokens = beam_step(sums, added, 3)
    wanted = [-1 + math.log(0.5), -2 + math.log(0.9), -1 + math.log(0.3)]
    assert (
        best[0].tolist() == pytest.approx(wanted) and beams[0].tolist() == [0, 1, 0] and tokens[0].tolist() == [0, 0, 1]
    )


def test_what_is_impossible_is_never_part_of_an_answer():
    table = torch.full((LONGEST, VOCAB * VOCAB, VOCAB), -math.inf)
    table[..., 0] = 0.0
    found = beam_search(stepper(table), first([1]), torch.tensor([1]), END, 3, BeamConfig(beams=4))
    assert [one.ids for one in found[0]] == [(0, 0, 0)]


def test_the_rows_of_a_nested_state():
    state = (torch.arange(3), (torch.eye(3), None))
    picked = select_rows(state, torch.tensor([2, 2]))
    assert picked[0].tolist() == [2, 2] and picked[1][0].tolist() == [[0, 0, 1]] * 2 and picked[1][1] is None


def test_bad_input():
    with pytest.raises(ConfigError, match="use 1 for greedy"):
        BeamConfig(beams=0)
    with pytest.raises(ConfigError, match="larger is longer"):
        BeamConfig(length_penalty=-1.0)
    with pytest.raises(InputError, match="one number or one a text"):
        beam_search(stepper(tables(0)), first([0]), torch.tensor([0]), END, [1, 2])
    with pytest.raises(InputError, match=r"torch\.log_softmax"):
        beam_search(lambda state, ids: (torch.ones(1, 4), state), None, torch.tensor([0]), END, 3)
    with pytest.raises(InputError, match="or NaN"):
        beam_search(lambda state, ids: (torch.full((1, 4), math.nan), state), None, torch.tensor([0]), END, 3)
    with pytest.raises(InputError, match="for 1 rows"):
        beam_search(lambda state, ids: (torch.zeros(4), state), None, torch.tensor([0]), END, 3)
