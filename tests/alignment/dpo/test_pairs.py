import pytest
import torch

from groundup.alignment.dpo import pairs
from groundup.alignment.dpo.trainer import whole_answers
from groundup.errors import InputError


class Letters:
    """A tokenizer of letters that knows one word, "foobar", and has no chat template."""

    chat_template, eos_token_id = None, 1

    def encode(self, text):
        ids = []
        while text:
            word = "foobar" if text.startswith("foobar") else text[0]
            ids.append(999 if word == "foobar" else ord(word))
            text = text[len(word) :]
        return ids


def test_prompt_and_answer_never_become_one_token():
    """huggingface/trl#2209: the boundary must not depend on what the answer begins with."""
    made = pairs.encode([{"prompt": "a foo", "chosen": "bar", "rejected": "x"}], Letters(), 64).pairs[0]
    assert made.prompt == [ord(letter) for letter in "a foo"]
    assert made.answers == ([*map(ord, "bar"), 1], [ord("x"), 1])


def test_an_answer_ends_in_the_token_that_the_template_closes_it_with(tokenizer, rows):
    """huggingface/trl#1623: a model must learn to stop; the end is marked by position, and counts."""
    end = tokenizer.special_tokens["<|im_end|>"]
    made = pairs.encode(rows, tokenizer, 128)
    assert all(answer[-1] == end and end not in answer[:-1] for pair in made.pairs for answer in pair.answers)
    whole = tokenizer.apply_chat_template([{"role": "user", "content": "0?"}, {"role": "assistant", "content": "a"}])
    assert whole[: len(made.pairs[0].prompt) + 2] == made.pairs[0].prompt + made.pairs[0].answers[0]
    assert made.sentence() is None


def test_chosen_and_rejected_in_one_row_score_as_if_each_stood_alone(undecided, tokenizer, rows):
    made = pairs.encode(rows, tokenizer, 128).pairs
    with torch.no_grad():
        together = whole_answers(undecided, pairs.lay_out(made), 2 * len(made))
        for number, answer in enumerate(answer for pair in made for answer in pair.answers):
            prompt = made[number // 2].prompt
            logits = undecided(torch.tensor([[*prompt, *answer]]))[0].log_softmax(-1)
            alone = sum(logits[len(prompt) - 1 + place, token] for place, token in enumerate(answer))
            torch.testing.assert_close(together[number], alone, rtol=1e-5, atol=1e-5)


def test_what_does_not_fit_is_dropped_or_cut_and_counted(tokenizer):
    rows = [
        {"prompt": "1?", "chosen": "a", "rejected": "b"},
        {"prompt": "2?", "chosen": "a" * 60, "rejected": "b"},
        {"prompt": "3?", "chosen": "c", "rejected": "c"},
        {"prompt": "4?" * 60, "chosen": "c", "rejected": "d"},
        {"prompt": "5?", "chosen": "abcd" * 20 + "x", "rejected": "abcd" * 20 + "y"},
    ]
    dropped = pairs.encode(rows, tokenizer, 40)
    assert len(dropped.pairs) == 1
    assert dropped.sentence() == (
        "preferences: 1 rows are used; 1 dropped, chosen equals rejected, 3 dropped, longer than 40 tokens"
    )
    cut = pairs.encode(rows, tokenizer, 40, "cut")
    assert [len(pair.prompt) + max(map(len, pair.answers)) for pair in cut.pairs[1:]] == [40]
    assert cut.counts["cut at 40 tokens"] == 1 and cut.counts["dropped, equal in the first 40 tokens"] == 1


def test_single_answers_come_from_both_shapes(tokenizer, rows):
    rows = [*rows[:1], {"prompt": "1?", "completion": "b", "label": True}]
    made = pairs.alone(pairs.encode(rows, tokenizer, 128).pairs)
    assert [(len(pair.answers), pair.desirable) for pair in made] == [(1, (True,)), (1, (False,)), (1, (True,))]


def test_an_answer_that_does_not_belong_is_the_nearest_before_it_to_another_prompt():
    """Of a pair half of the answers were measured at their own prompt, and beside a long prompt the row was longer than the context."""
    said = [([1], [5]), ([1], [6, 6]), ([2, 2, 2], [7, 7, 7]), ([3], [8]), ([3], [9])]
    made = pairs.mismatched([pairs.Pair(prompt, (answer,), (True,)) for prompt, answer in said], context=4)
    assert [(one.prompt, one.answers[0]) for one in made] == [([1], [9]), ([1], [9]), ([2, 2, 2], [6]), ([3], [7, 7, 7]), ([3], [7, 7, 7])]


SAID = {"role": "user", "content": "1?"}


@pytest.mark.parametrize(
    "row, sentence",
    [
        ({"chosen": "a", "rejected": "b"}, "row 1 has two answers and no prompt before them"),
        ({"prompt": "1?", "chosen": "a"}, "row 1 has not both a chosen and a rejected answer"),
        ({"prompt": "1?", "chosen": " ", "rejected": "b"}, "row 1 has an empty answer"),
        ({"prompt": "1?", "label": True}, "row 1 has a label and no completion; give the answer"),
        ({"messages": [{"content": "1?"}], "chosen": "a", "rejected": "b"}, "nor messages with role and content"),
        ({"messages": [{"role": "me", "content": "1?"}], "chosen": "a", "rejected": "b"}, "role is none of system, developer, user"),
        ({"prompt": "1?", "completion": "a", "label": "yes"}, "row 1 has the label 'yes'; write true for a good answer"),
        ({"completion": "a", "label": True}, "row 1 has an answer and no prompt before it; give it a prompt"),
        (
            {"messages": [{"role": "system", "content": "s"}] * 2 + [SAID], "chosen": "a", "rejected": "b"},
            "row 1 has two system messages; join them into one",
        ),
        ({"prompt": "1?", "chosen": "a", "rejected": "a"}, "no preference to learn from .1 dropped, chosen equals"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_said(tokenizer, row, sentence):
    with pytest.raises(InputError, match=sentence):
        pairs.encode([row], tokenizer, 128)


def test_no_row_and_messages_without_a_template_are_said(tokenizer):
    with pytest.raises(InputError, match="no row was given"):
        pairs.encode([], tokenizer, 128)
    with pytest.raises(InputError, match="the model has no chat template; tune it first"):
        pairs.encode([{"messages": [SAID, {"role": "assistant", "content": "1"}, SAID], "chosen": "a", "rejected": "b"}], Letters(), 128)
