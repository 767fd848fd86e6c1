"""Prompts are the ones that chats and training would have written."""

import pytest

from groundup.errors import InputError
from groundup.inference.decoding.beginnings import continued, fill_in, fill_in_marks
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
from groundup.training.objectives.fill_in_middle import Marks, question
from groundup.training.objectives.registry import FILL_IN_MIDDLE

CHAT = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "Yes, because"}]
TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
TEMPLATE = (
    "{% for m in messages %}" + TURN + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer():
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *FILL_IN_MIDDLE)
    made = train_tokenizer(
        ["Is it? Yes, because it was. " * 4], TokenizerConfig(vocab_size=262, special_tokens=special)
    )
    made.chat_template = TEMPLATE
    return made


def test_a_started_answer_stays_open(tokenizer):
    ids = continued(tokenizer, CHAT)
    whole = tokenizer.apply_chat_template(CHAT)
    assert ids == whole[: len(ids)] and tokenizer.decode(ids).endswith("<|im_start|>assistant\nYes, because")
    assert tokenizer.decode(whole[len(ids) :]) == "<|im_end|>\n"


def test_what_is_no_started_answer_is_refused(tokenizer):
    for messages, said in (
        ([], "the last message is that of nothing"),
        (CHAT[:1], "that of user, so there is no answer"),
        (CHAT[1:], "answers nothing"),
    ):
        with pytest.raises(InputError, match=said):
            continued(tokenizer, messages)
    with pytest.raises(InputError, match="has no text; give its beginning"):
        continued(tokenizer, [CHAT[0], {"role": "assistant", "content": None}])


@pytest.mark.parametrize("order", ["psm", "spm"])
def test_a_prompt_for_a_middle_is_the_one_that_training_asks(tokenizer, order):
    marks = Marks(*fill_in_marks(tokenizer), tokenizer.eos_token_id)
    asked = question(tokenizer.encode("Is it?"), tokenizer.encode(" it was."), marks, order)
    assert fill_in(tokenizer, "Is it?", " it was.", order) == [*tokenizer.encode_prompt(""), *asked]


def test_a_tokenizer_without_marks_and_an_unknown_order_are_refused(tokenizer):
    plain = train_tokenizer(["a"], TokenizerConfig(vocab_size=259))
    with pytest.raises(InputError, match="no tokens for filling in a middle, such as <|fim_prefix|>"):
        fill_in(plain, "a", "b")
    with pytest.raises(InputError, match="order='mps' is none of the two"):
        fill_in(tokenizer, "a", "b", "mps")
