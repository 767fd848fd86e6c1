import pytest
import torch
import transformers

from groundup.errors import InputError
from groundup.inference.handle import Handle
from groundup.model.architectures import build
from groundup.model.architectures.t5 import T5Config
from groundup.model.formats.huggingface import save_model
from groundup.training.objectives.span import answers, span_loss
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.conversations import to_messages
from groundup.tuning.supervised.sequences import batches_of, fit, loss_of, pairs_of

ROWS = [to_messages({"inputs": f"say {number}", "targets": "abcdefgh"[number]}) for number in range(8)]
CONFIG = TuneConfig(
    epochs=60, batch_size=4, seq_len=64, optimizer="adamw", learning_rate=0.02, warmup_steps=0, schedule="constant"
)


@pytest.fixture
def t5(tokenizer):
    sizes = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 32,
        "head_dim": 16,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    return build(
        T5Config(**sizes, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id or 0), seed=0
    )


def test_the_answer_and_its_end_are_asked_for_and_nothing_of_the_question(tokenizer):
    (read, asked), *_ = pairs_of(ROWS, tokenizer, 64)
    assert read == tokenizer.apply_chat_template(ROWS[0][:1], add_generation_prompt=True)
    assert asked == [*tokenizer.encode("a"), tokenizer.eos_token_id]
    two = pairs_of([[*ROWS[0], *ROWS[1]]], tokenizer, 64)
    assert len(two) == 2 and len(two[1][0]) > len(two[0][0]), "each answer is an example behind all that came before"


def test_the_loss_is_that_of_transformers_t5(t5, tokenizer, tmp_path):
    batch = batches_of(pairs_of(ROWS, tokenizer, 64), CONFIG, 0)(0)
    loss, count = span_loss(t5, batch)
    save_model(tmp_path / "model", t5)
    theirs = transformers.T5ForConditionalGeneration.from_pretrained(tmp_path / "model").eval()
    labels = batch.targets.masked_fill(~batch.loss_mask, -100)
    found = theirs(input_ids=batch.input_ids, attention_mask=batch.attention_mask.long(), labels=labels)
    assert float(loss / count) == pytest.approx(float(found.loss), abs=1e-5)


def test_it_learns_the_form_of_an_answer_and_to_stop(t5, tokenizer):
    """In 120 steps so small a model knows what answers look like; which of the eight fits takes longer."""
    losses = []
    fit(t5, pairs_of(ROWS, tokenizer, 64), CONFIG, 0, listeners=[lambda event: losses.append(event.loss)])
    assert losses[-1] < 0.35 * losses[0]
    handle = Handle(t5.eval(), tokenizer)
    said = [handle.chat(row[:1], max_new_tokens=6, temperature=0.0) for row in ROWS]
    assert all(len(answer) == 1 and answer in "abcdefgh" for answer in said)


def test_a_conversation_without_a_question_has_nothing_to_read(tokenizer):
    bare = type(
        "Bare",
        (),
        {
            "chat_template": None,
            "eos_token_id": 0,
            "encode": lambda self, text: [1],
            "encode_prompt": lambda self, text: [2, 0],
        },
    )()
    assert pairs_of(ROWS[:1], bare, 64) == [([2, 0], [1, 0])], "without a template the question is read as it stands"
    with pytest.raises(InputError, match="nothing to read before it; let a user's message come first"):
        pairs_of([ROWS[0][1:]], bare, 64)
    assert torch.is_tensor(batches_of([([2, 0], [1, 0])], CONFIG, 0)(0).input_ids)


def test_a_cut_answer_has_no_end_and_a_cut_source_keeps_its_question(tokenizer, capsys):
    """A long answer was learned with an end in the middle of a sentence, and of a long conversation the first turns were read alone."""
    whole, answer = pairs_of(ROWS[:1], tokenizer, 64)[0][0], "ab" * 20
    row = [{"role": "user", "content": "say 0 " * 9 + "say 0"}, {"role": "assistant", "content": answer}]
    (read, asked), other = pairs_of([row, ROWS[0]], tokenizer, len(whole))
    assert (
        len(read) == len(whole)
        and read == tokenizer.apply_chat_template(row[:1], add_generation_prompt=True)[-len(whole) :]
    )
    assert asked == tokenizer.encode(answer)[: len(whole)] and tokenizer.eos_token_id not in asked
    assert other == (whole, [*tokenizer.encode("a"), tokenizer.eos_token_id])
    said = capsys.readouterr()
    assert (
        f"1 of 2 answers, or what is read before them, are longer than {len(whole)} tokens and were cut"
        in said.out + said.err
    )


def test_the_loss_of_the_kept_answers_is_a_mean_over_their_tokens(t5, tokenizer):
    pairs = pairs_of(ROWS, tokenizer, 64) * 3
    t5.train()
    found = loss_of(t5, pairs, 0)
    assert t5.training, "it is measured as it is and left as it was"
    with torch.no_grad():
        one_by_one = [span_loss(t5, answers([pair])) for pair in pairs]
    assert found == pytest.approx(
        float(sum(loss for loss, _ in one_by_one)) / sum(count for _, count in one_by_one), rel=1e-5
    )
