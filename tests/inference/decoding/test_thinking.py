"""Budgets to the token, in batches and with drafts; an answer in its two fields."""

import pytest
import torch

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.decoding.drafts import ModelDraft, NGramDraft
from groundup.inference.decoding.speculative import speculate
from groundup.inference.decoding.thinking import (
    Marks,
    Parts,
    begun_by,
    close_thought,
    parts,
    thinking_budget,
)
from groundup.inference.engine.batching import generate_batch
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

MARKS, LONG = Marks((1,), (2,)), Marks((7, 8), (8, 9, 7))


def test_after_the_budget_only_the_closing_tokens_are_left_one_after_another():
    logits = torch.randn(6, 5)
    closed = close_thought(logits, torch.tensor([-1, 1, 2, 3, 4, 0]), 2, (3, 1))
    assert torch.equal(closed[[0, 1, 4, 5]], logits[[0, 1, 4, 5]])
    assert closed[[2, 3]].isfinite().nonzero()[:, 1].tolist() == [3, 1]


def test_an_answer_is_taken_apart():
    assert parts([1, 5, 6, 2, 7], MARKS) == Parts([5, 6], [7], True)
    assert parts([5, 6, 2, 7], MARKS, begun=True) == Parts([5, 6], [7], True)
    assert parts([1, 5], MARKS) == Parts([5], [], False)
    assert parts([4, 1, 5, 2, 6, 1], MARKS) == Parts([5], [4, 6, 1], True)
    assert parts([4], MARKS) == Parts(None, [4], False) and parts([], LONG) == Parts(None, [], False)
    assert parts([7, 8, 8, 9, 8, 9, 7, 7], LONG) == Parts([8, 9], [7], True)
    assert [begun_by(ids, MARKS) for ids in ([], [1], [1, 2], [1, 5], [2, 1])] == [False, True, False, True, True]


@pytest.mark.parametrize("asked", [dict(temperature=0.0), dict()], ids=str)
def test_a_thought_is_closed_after_its_budget_in_every_row_and_with_drafts(tiny, asked):
    module, marks = tiny(vocab_size=12), Marks((1,), (3,))
    prompts = [[5, 1], [7, 1, 6, 6], [4, 1, 3]]

    def sampling(ending=(), forbid=(3,)):
        free = lambda logits, ids: logits.index_fill(1, torch.tensor([*forbid, 1]), -1e9)  # noqa: E731 never by itself
        return SamplingConfig(max_new_tokens=12, seed=3, order=(free, thinking_budget(marks, 4, ending), *OFF), **asked)

    first, second, third = generate_batch(module, prompts, sampling((9,)))
    for done in (first, second):
        assert done.ids[4:6] == [9, 3] and len(done.ids) == 12
        assert [len(parts(done.ids, marks, begun=True)[place]) for place in (0, 1)] == [5, 6]
    assert 3 not in third.ids  # its thought was closed by the prompt
    for draft in (NGramDraft(shortest=1), ModelDraft(module, 3)):
        written = [one for chunk in speculate(module, prompts[0], sampling((9,)), draft) for one in chunk.ids]
        assert written[4:6] == [9, 3] and (written == first.ids or (isinstance(draft, ModelDraft) and not asked))


def test_a_budget_of_none_closes_at_once(tiny):
    sampling = SamplingConfig(max_new_tokens=3, order=(thinking_budget(Marks((1,), (3,)), 0), *OFF))
    (done,) = generate_batch(tiny(vocab_size=12), [[5, 1]], sampling)
    assert done.ids[0] == 3 and Marks((1,), (3,)).off == (1, 3)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["a cat <think> sat </think> on the mat. " * 5], TokenizerConfig(vocab_size=262))


def test_marks_are_control_tokens_or_spelled(tokenizer):
    with pytest.raises(
        InputError, match="this tokenizer has no token that begins a thought, such as <think>; name its two marks"
    ):
        Marks.of(tokenizer)
    spelled_out = Marks.of(tokenizer, ("<think>", "</think>"))
    assert tokenizer.decode(spelled_out.open) == "<think>" and tokenizer.decode(spelled_out.close) == "</think>"
    own = train_tokenizer(
        ["a cat"], TokenizerConfig(vocab_size=259, special_tokens=("<|endoftext|>", "<think>", "</think>"))
    )
    assert Marks.of(own) == Marks((1,), (2,))
    assert parts([1, *own.encode("a cat"), 2, *own.encode("a")], Marks.of(own)).thinking == own.encode("a cat")


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="a budget of -1 tokens is not possible"):
        thinking_budget(MARKS, -1)
    with pytest.raises(ConfigError, match="give at least one token for each"):
        Marks((), (1,))
