from collections import Counter

import pytest
import torch

from groundup.errors import InputError
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, fit
from groundup.tuning.supervised.labelled import Example
from groundup.tuning.supervised.transfer import (
    Way,
    answer_scores,
    conversations_of,
    drawn_shots,
    few_shot_messages,
    shown,
)

POOL = [
    Example(f"{letter}{number}", "vowel" if letter in "aeiou" else "other")
    for letter in "abeirst"
    for number in range(6)
]


def test_a_labels_score_is_the_sum_of_its_tokens_log_probabilities(tiny, tokenizer):
    module = tiny()
    messages = few_shot_messages([("a1", "vowel")], "b1")
    found = answer_scores(module, tokenizer, [messages, few_shot_messages([], "b1")], ["other", "vowel"])
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    answer = [*tokenizer.encode("vowel"), tokenizer.special_tokens["<|im_end|>"]]
    with torch.no_grad():
        scores = torch.log_softmax(module(torch.tensor([[*prompt, *answer]])), dim=-1)[0]
    expected = sum(float(scores[len(prompt) + place - 1, id]) for place, id in enumerate(answer))
    assert float(found[0, 1]) == pytest.approx(expected, abs=1e-4)
    assert float(answer_scores(module, tokenizer, [messages], ["vowel"])) == pytest.approx(expected, abs=1e-4), (
        "alone as beside others"
    )


def test_every_label_is_shown_as_often_and_more_examples_begin_with_the_fewer():
    shots = drawn_shots(POOL, 6, seed=1)
    assert Counter(one.label for one in shots) == {"vowel": 3, "other": 3} and len(set(shots)) == 6
    assert drawn_shots(POOL, 2, seed=1) == shots[:2] and drawn_shots(POOL, 6, seed=2) != shots
    with pytest.raises(InputError, match="are asked for and 42 are there; show fewer"):
        drawn_shots(POOL, 100)


def test_examples_stand_before_the_question_in_their_order():
    messages = few_shot_messages([("1?", "a"), ("2?", "b")], "3?")
    assert [message["content"] for message in messages] == ["1?", "a", "2?", "b", "3?"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]


def test_what_is_tuned_is_asked_in_the_same_words_and_then_knows(tiny, tokenizer, tmp_path):
    kept, learned = POOL[::3], [one for place, one in enumerate(POOL) if place % 3]
    module = tiny()
    before = shown(module, tokenizer, learned, kept, 0)
    shards = conversations_to_shards(conversations_of(learned), tokenizer, tmp_path / "shards")
    fit(
        module,
        shards,
        TuneConfig(epochs=25, batch_size=4, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02),
        tmp_path,
    )
    after = shown(module, tokenizer, learned, kept, 0)
    assert before.name == "zero-shot" and sum(after.right) >= 12 and len(after.right) == 14
    row = Way("tuned", after.right).row(before.right)
    assert (
        row["gain"] == pytest.approx((sum(after.right) - sum(before.right)) / 14)
        and row["low"] < row["value"] < row["high"] + 1e-9
    )


def test_examples_that_do_not_fit_the_context_are_said(tiny, tokenizer):
    with pytest.raises(InputError, match="tokens and the context is 64; show fewer or shorter"):
        shown(tiny(), tokenizer, POOL, POOL[:2], 8)
