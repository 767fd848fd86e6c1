import pytest
import torch

from groundup.inference.handle import Handle
from groundup.training.objectives.causal import mean_loss
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.exact import answered, answered_exactly, comparison, loss_of
from groundup.tuning.supervised.instruction import conversations_to_shards, fit, loader_of


def test_an_answer_counts_exactly_where_greedy_decoding_writes_it(tiny, tokenizer, conversations, tmp_path):
    """The oracle is the decoder itself, writing token by token."""
    module = tiny()
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    config = TuneConfig(epochs=14, batch_size=4, seq_len=32, learning_rate=0.01, matrix_learning_rate=0.02)
    fit(module, shards, config, tmp_path)
    module.eval()
    handle = Handle(module, tokenizer, generation={"eos_token_id": tokenizer.special_tokens["<|im_end|>"]})
    written = [handle.chat(one[:1], max_new_tokens=4, temperature=0.0) == one[1]["content"] for one in conversations]
    found = answered_exactly(module, tokenizer, conversations)
    assert found == written and len(set(found)) == 2, "some are right and some are not"


def test_what_stands_beside_a_text_and_its_length_change_nothing(tiny, tokenizer, conversations):
    module, longer = (
        tiny(),
        [
            {"role": "user", "content": "much longer, and so padded on the other side?"},
            {"role": "assistant", "content": "no"},
        ],
    )
    with torch.no_grad():
        module.embedding.weight.mul_(5)
    alone = [answered_exactly(module, tokenizer, [one])[0] for one in [*conversations, longer]]
    assert answered_exactly(module, tokenizer, [*conversations, longer]) == alone
    assert answered_exactly(module, tokenizer, [longer], longest=10) == [False]


def test_the_gain_is_taken_over_the_same_questions():
    found = comparison([True, False, False, False] * 20, [True, True, True, False] * 20)
    assert found["before"]["value"] == 0.25 and found["after"]["value"] == 0.75 and found["n"] == 80
    assert found["gain"]["value"] == 0.5 and 0.35 < found["gain"]["low"] < 0.5 < found["gain"]["high"] < 0.65


def test_the_loss_is_the_mean_over_all_tokens_of_all_answers(tiny, tokenizer, conversations, tmp_path):
    """The oracle is the training loop's own loss over the packed rows."""
    module = tiny().eval()
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    loader = loader_of(shards, TuneConfig(seq_len=64, batch_size=1))
    expected = mean_loss(module, [loader.batch(number) for number in range(loader.rows_per_epoch)])
    assert loss_of(answered(module, tokenizer, conversations)) == pytest.approx(expected, abs=1e-4)
