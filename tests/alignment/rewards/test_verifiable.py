import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.rewards import verifiable
from groundup.data.sources.tinyworld import instructions
from groundup.errors import InputError


def test_the_right_answer_is_tinyworlds_own():
    for item in instructions(1, 20):
        assert verifiable.right(item, item.answer) == verifiable.near(item, item.answer) == 1
        assert verifiable.right(item, "zzz") == 0 and verifiable.near(item, "zzz") <= 0.5
        assert verifiable.taste(item, item.answer) > verifiable.taste(item, "Not again. zzz")
    assert verifiable.right("a  b", " a b") == 1


@pytest.mark.parametrize(
    "item, text, worth",
    [("#### 72", "48/2 = 24, so 48 + 24 = 72.", 1), (1200, "It is 1,200", 1), (3, "no idea", 0), (-5, "it is -5", 1), (2.5, "2.50", 1), (7, "7 or 8", 0)],
)  # fmt: skip
def test_the_last_number_is_what_counts(item, text, worth):
    assert verifiable.number(item, text) == worth


def test_a_form_is_matched_as_a_whole():
    tagged = verifiable.formatted()
    assert tagged(None, "<think>2 and 2</think>\n<answer>4</answer>") == 1
    assert tagged(None, "<answer>4</answer>") == tagged(None, "<think></think> 4") == 0
    judge = verifiable.in_tags(verifiable.right)
    assert judge("4", "<think>x</think><answer> 4 </answer>") == 1 and judge("4", "4") == 0


def test_length_is_free_up_to_a_point_and_then_costs():
    judge = verifiable.length(2, 4)
    assert [judge(None, "w " * count) for count in range(6)] == [1, 1, 1, 0.5, 0, 0]


@given(st.lists(st.sampled_from("abc"), max_size=20), st.integers(1, 4))
def test_repetition_is_a_debit_between_minus_1_and_0(words, size):
    worth = verifiable.repetition(size)(None, " ".join(words))
    assert -1 < worth <= 0 or worth == 0


def test_the_same_word_again_and_again_is_nearly_minus_1():
    assert verifiable.repetition(1)(None, "a b c") == 0
    assert verifiable.repetition(2)(None, "go " * 101) == pytest.approx(-0.99)


def test_together_is_the_weighted_sum():
    judge = verifiable.together({verifiable.right: 2.0, verifiable.length(1, 3): 0.5})
    assert judge("a", "a") == 2.5 and judge("a", "a b") == 0.25


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(InputError, match="has no number as its answer; use another reward"):
        verifiable.number("blue", "3")
    with pytest.raises(InputError, match="no regular expression"):
        verifiable.formatted("(")
    with pytest.raises(InputError, match="give a larger most"):
        verifiable.length(4, 4)
    with pytest.raises(InputError, match="use 1 or more"):
        verifiable.repetition(0)
    with pytest.raises(InputError, match="finite weight"):
        verifiable.together({verifiable.right: float("nan")})
