import copy

import numpy as np
import pytest
import torch

from groundup import files
from groundup.errors import ConfigError, InputError
from groundup.inference.handle import load
from groundup.model.formats.huggingface import save_model
from groundup.training.objectives.causal import causal_loss
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, encode, fit, loader_of, steps_of, tune

CONFIG = TuneConfig(epochs=40, batch_size=4, seq_len=32, learning_rate=0.01, matrix_learning_rate=0.02)
ONE_ROW = TuneConfig(seq_len=128, batch_size=1)


def talk(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def learned(tokenizer, shards, index):
    """The text that the mask of one conversation marks."""
    ids, place = shards.document(index), slice(shards.offsets[index], shards.offsets[index + 1])
    return tokenizer.decode(ids[shards.loss_mask[place].astype(bool)])


def test_only_the_answers_and_what_closes_them_are_learned(tokenizer, tmp_path):
    messages = [{"role": "system", "content": "Be kind."}, *talk("Hi", "Hello"), *talk("How?", "Well.")]
    shards = conversations_to_shards([talk("a?", "b"), messages], tokenizer, tmp_path / "shards")
    assert learned(tokenizer, shards, 0) == "b<|im_end|>"
    assert learned(tokenizer, shards, 1) == "Hello<|im_end|>Well.<|im_end|>"


def test_the_end_of_an_answer_is_learned_although_its_id_also_pads(tokenizer, tmp_path):
    """A mask by id drops the real end together with the padding, and the model never stops (huggingface/trl#1623)."""
    end = tokenizer.special_tokens["<|im_end|>"]
    shards = conversations_to_shards([talk("a?", "b")], tokenizer, tmp_path / "shards")
    batch = loader_of(shards, ONE_ROW).batch(0)
    padded = torch.where(batch.document_ids < 0, end, batch.targets)  # as if the pad token were the end token
    kept = padded[batch.loss_mask].tolist()
    assert kept == [*tokenizer.encode("b"), end]
    assert (padded[~batch.loss_mask & (batch.document_ids < 0)] == end).all()


def test_a_conversation_begins_as_a_prompt_does_with_nothing_before_it(tokenizer, tmp_path):
    shards = conversations_to_shards([talk("a?", "b")], tokenizer, tmp_path / "shards")
    prompt = tokenizer.apply_chat_template(talk("a?", "b")[:1], add_generation_prompt=True)
    batch = loader_of(shards, ONE_ROW).batch(0)
    assert batch.input_ids[0, : len(prompt)].tolist() == prompt
    assert int(batch.loss_mask[0].int().argmax()) == len(prompt) - 1  # the first target is the answer's first token


def test_a_packed_row_has_the_loss_of_its_conversations_one_by_one(tiny, tokenizer, conversations, tmp_path):
    module = tiny()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)) * 0.1)
    shards = conversations_to_shards(conversations[:3], tokenizer, tmp_path / "shards")
    with torch.no_grad():
        packed, count = causal_loss(module, loader_of(shards, ONE_ROW).batch(0))
    alone = 0.0
    for conversation in conversations[:3]:
        ids, mask = tokenizer.apply_chat_template(conversation, return_assistant_mask=True)
        scores = torch.log_softmax(module(torch.tensor([ids])).detach(), dim=-1)[0]
        alone -= sum(float(scores[place - 1, ids[place]]) for place in np.flatnonzero(mask))
    assert count == 6
    assert float(packed) == pytest.approx(alone, rel=1e-5)


def test_epochs_become_steps(tokenizer, conversations, tmp_path):
    config = TuneConfig(epochs=3, batch_size=4, seq_len=32)
    loader = loader_of(conversations_to_shards(conversations, tokenizer, tmp_path / "shards"), config)
    rows = loader.rows_per_epoch
    assert steps_of(config, loader) == -(-3 * rows // 4)
    assert steps_of(TuneConfig(epochs=3, steps=7), loader) == 7


def test_a_tuned_folder_answers_what_it_was_taught_and_stops(tiny, tokenizer, conversations, tmp_path):
    save_model(
        tmp_path / "base", tiny(), tokenizer, generation={"eos_token_id": tokenizer.special_tokens["<|im_end|>"]}
    )
    result = tune(tmp_path / "base", conversations, CONFIG, tmp_path / "out")
    model = load(result.model)
    assert [model.chat(conversation[:1], max_new_tokens=5) for conversation in conversations] == list("abcdefghij")
    assert len(files.read_jsonl(tmp_path / "out" / "metrics.jsonl")) == result.steps


def test_a_context_longer_than_the_models_is_refused_with_the_length_that_fits(
    tiny, tokenizer, conversations, tmp_path
):
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    with pytest.raises(InputError, match=r"use --set tune\.seq_len=64"):
        fit(tiny(), shards, TuneConfig(seq_len=128), tmp_path)


def test_nothing_to_learn_from_is_said(tokenizer, tmp_path):
    with pytest.raises(InputError, match="no conversation to learn from; give at least one"):
        conversations_to_shards([], tokenizer, tmp_path / "shards")


@pytest.mark.parametrize("changes", [{"epochs": 0.0}, {"steps": -1}, {"batch_size": 0}, {"learning_rate": -1.0}])
def test_impossible_numbers_are_refused_by_name(changes):
    with pytest.raises(ConfigError, match=f"{next(iter(changes))}=.*; use|{next(iter(changes))}=.*use a number"):
        TuneConfig(**changes)


def test_an_answer_longer_than_the_row_is_cut_and_one_without_answer_is_left_out_both_counted(tokenizer):
    conversations = [talk("a?", "b" * 60), talk("?" * 80, "b"), talk("a?", "b")]
    made = encode(conversations, tokenizer, longest=40)
    assert (made.cut, made.lost, len(made.ids)) == (1, 1, 2) and max(map(len, made.ids)) == 40
    assert (
        made.sentence
        == "of 3 conversations some are longer than a row: 1 were cut, 1 are left out: no answer was left of them"
    )
    with pytest.raises(InputError, match="is cut before its answer begins; use --set tune.seq_len with more than 5"):
        encode(conversations, tokenizer, longest=5)


def test_a_template_that_writes_no_answer_is_said(tokenizer):
    silent = copy.copy(tokenizer)
    silent.__dict__.pop("_template", None)
    silent.chat_template = (
        "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}"
    )
    with pytest.raises(InputError, match="conversation 1 has no token to learn: its chat template writes none"):
        encode([talk("a?", "b")], silent)


@pytest.mark.parametrize("told", [{"method": "lora"}, {"freeze": ("model.norm",)}, {"unfreeze_every": 2}])
def test_what_only_the_command_knows_is_refused_here(tmp_path, told):
    """All weights were tuned, whatever was asked for."""
    with pytest.raises(
        ConfigError, match="here all weights learn; leave method, freeze and unfreeze_every out, or use `groundup tune`"
    ):
        tune(tmp_path / "base", [], TuneConfig(**told), tmp_path / "out")


@pytest.mark.parametrize("told", [{"heldout": 5}, {"heldout_data": "kept.jsonl"}])
def test_rows_are_kept_back_only_of_a_users_own_file(told):
    with pytest.raises(ConfigError, match="name the file to learn from with --data, or leave them out"):
        TuneConfig(**told)
    with pytest.raises(ConfigError, match="keeps some of each text back by itself; leave heldout and heldout_data out"):
        TuneConfig(task="domain", data="law.txt", **told)
    assert TuneConfig(data="mine.jsonl", **told) and TuneConfig(heldout=0)
