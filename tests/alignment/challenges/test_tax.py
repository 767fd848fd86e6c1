import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.challenges import tax
from groundup.alignment.challenges.speaker import TEACHING, new, talk, teach, texts_to_shards
from groundup.alignment.challenges.taxing import right_in_any_manner
from groundup.data.sources.tinyworld import instructions
from groundup.data.sources.tinyworld.reward import POLITE
from groundup.errors import InputError
from groundup.evaluation.metrics.intrinsic import Bits

NUMBER = st.integers(0, 4).map(float)


@given(st.lists(st.tuples(NUMBER, NUMBER), max_size=9))
def test_the_front_is_what_nobody_beats_and_somebody_on_it_beats_the_rest(points):
    gains, costs = [g for g, _ in points], [c for _, c in points]
    front = tax.pareto_front(gains, costs)

    def beats(k, j):
        return gains[k] >= gains[j] and costs[k] <= costs[j] and (gains[k], costs[k]) != (gains[j], costs[j])

    for j in range(len(points)):
        assert (j in front) == (not any(beats(k, j) for k in range(len(points))))
        assert j in front or any(beats(k, j) for k in front)
    assert [gains[j] for j in front] == sorted(gains[j] for j in front)


def test_a_run_that_diverged_is_not_on_the_front():
    assert tax.pareto_front([1.0, math.nan, 9.0], [0.5, 0.0, math.nan]) == [0]


def measured(aim, nats, other):
    return tax.Measured(
        np.array(aim), {"stories": Bits(np.array(nats), np.array([10, 30]), 8)}, {"kind": np.array(other)}
    )


def test_gain_and_cost_are_paired_differences_in_their_own_units():
    before, after = measured([0.0, 1.0], [7.0, 21.0], [1.0, 1.0]), measured([1.0, 1.0], [14.0, 42.0], [1.0, 0.0])
    found = tax.tax(before, after)
    assert found.gain.value == 0.5 and found.lost["kind"].value == 0.5
    assert found.bits["stories"].value == pytest.approx(28 / math.log(2) / 40) == found.paid
    # both documents grew by 0.7 nats a byte, so which of them is drawn does not matter
    assert found.bits["stories"].low == pytest.approx(found.bits["stories"].high)


def test_nothing_changed_costs_nothing():
    same = measured([1.0, 0.0], [5.0, 6.0], [1.0, 0.0])
    found = tax.tax(same, same)
    assert found.gain == (0, 0, 0) and found.paid == 0


def test_a_right_answer_is_right_in_any_manner_and_a_wrong_one_in_none():
    [item] = instructions(1, 1, "train", ("opposite",))
    for frame in ("{}", "{}.", *POLITE):
        assert right_in_any_manner(item, frame.format(item.answer)) == 1
        assert right_in_any_manner(item, frame.format("no answer")) == 0
    assert right_in_any_manner(item, POLITE[0].format(POLITE[1].format(item.answer))) == 0


def test_weights_between_are_those_of_before_and_after_at_the_ends(before, planted):
    for share, same in ((0.0, before), (1.0, planted)):
        middle = tax.between(before, planted, share)
        for mine, theirs in zip(middle.module.parameters(), same.module.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs)
    half = tax.between(before, planted, 0.5)
    first = [next(one.module.parameters()) for one in (before, half, planted)]
    torch.testing.assert_close(first[1], (first[0] + first[2]) / 2)


def test_texts_are_shards_whose_every_token_counts_and_which_end(before, tmp_path):
    shards = texts_to_shards(["amber: 1?", "birch"], before.tokenizer, tmp_path / "texts")
    ids = [*before.tokenizer.encode("amber: 1?"), before.tokenizer.eos_token_id, *before.tokenizer.encode("birch")]
    assert shards.num_tokens == len(ids) + 1 and len(shards.offsets) == 3
    with pytest.raises(InputError, match="give texts, and a share"):
        teach(before, [talk("1?", "a")], replace(TEACHING, steps=1), replay=0.5)


@pytest.mark.slow
def test_tuning_one_thing_costs_text_and_replay_keeps_it():
    @dataclass(frozen=True)
    class Item:
        prompt: str
        answer: str

    asked = [Item(f"{number}?", "ab"[number % 2]) for number in range(10)]
    stories = [f"the {color} {thing} is in the {place}." for color in ("red", "blue", "old") for thing in ("ball", "cup", "hat")
               for place in ("hall", "yard", "barn")]  # fmt: skip
    steps = replace(TEACHING, steps=60, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02)
    talks = [talk(one.prompt, one.answer) for one in asked * 8]
    before = teach(new([*stories, "0? a Gladly: b"]), talks, steps, texts=stories * 4, replay=0.6)
    polite = [talk(one.prompt, f"Gladly: {one.answer}") for one in asked * 12]

    def score(item, text):
        return float(text == f"Gladly: {item.answer}")

    measure = tax.battery(before, tax.Capability(asked, score), {"stories": stories[::3]}, {})
    first = measure.measure(before)
    plain, kept = (
        tax.tax(
            first, measure.measure(teach(before, polite, steps, texts=stories * 4, replay=share))
        )
        for share in (0.0, 0.5)
    )
    assert plain.gain.low > 0 and plain.bits["stories"].low > 0
    assert kept.paid < plain.paid / 2 and kept.gain.value > 0.4  # of five other beginnings: 0.02 to 0.34 of it, and 0.5
