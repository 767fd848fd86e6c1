"""Heads that are tuned, against transformers' losses and a plain loop of torch."""

import json
from pathlib import Path

import pytest
import torch
import transformers

from groundup.errors import ConfigError
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.formats.huggingface import load_model, save_model
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.classification import (
    batches_of,
    collate,
    encode,
    encoded,
    fit,
    headed,
    objective_of,
    scores,
    span_loss,
    steps_of,
    tags_of,
)
from groundup.tuning.supervised.labelled import Example, names_of, read_examples
from groundup.tuning.supervised.predictions import best_span, measure, predict

TEXTS = [
    Example(f"What is {colour} {thing}?", label)
    for colour in ("blue", "the", "a", "of")
    for thing, label in (("sky", "s"), ("user", "u"), ("colour", "c"))
]
NUMBERS = [Example(one.text, float(len(one.text)) / 10) for one in TEXTS]
TAGGED = [
    Example("sky is blue", ("B-X", "O", "B-Y"), words=("sky", "is", "blue")),
    Example("It is", ("O", "O"), words=("It", "is")),
] * 3
SPANS = [Example("It is blue. sky", (6, 10), "What colour?"), Example("the sky is user", (11, 15), "What is?")] * 3
DATA = {"classify": TEXTS, "regress": NUMBERS, "tag": TAGGED, "span": SPANS}
SHARED = Path(__file__).parents[4] / "shared" / "data"
LOADED = {
    "classify": "AutoModelForSequenceClassification",
    "regress": "AutoModelForSequenceClassification",
    "tag": "AutoModelForTokenClassification",
}


def told(task, **more):
    return TuneConfig(
        **{
            "task": task,
            "data": "x",
            "optimizer": "adamw",
            "learning_rate": 0.003,
            "schedule": "constant",
            "warmup_steps": 0,
            "batch_size": 4,
            "steps": 10,
            "max_grad_norm": 0.0,
        }
        | more
    )


def made(tiny, tokenizer, task, seed=3):
    module = headed(tiny(), task, DATA[task], seed)
    return module, encoded(DATA[task], task, names_of(DATA[task], task), tokenizer, 64)


def bert(tokenizer):
    """A tiny encoder for the same tokens."""
    return build(
        BertConfig(
            vocab_size=tokenizer.vocab_size,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
        ),
        seed=0,
    )


@pytest.mark.parametrize("family", ["decoder", "encoder"])
@pytest.mark.parametrize("task", ["classify", "regress", "tag"])
def test_the_loss_is_that_of_transformers_on_the_saved_model(tiny, tokenizer, tmp_path, task, family):
    module = headed(tiny() if family == "decoder" else bert(tokenizer), task, DATA[task], 3)
    items = encoded(DATA[task], task, names_of(DATA[task], task), tokenizer, 64)
    batch = collate(items[:5], task, tokenizer.pad_token_id or 0)
    loss, count = objective_of(task)(module, batch)
    save_model(tmp_path / "model", module)
    theirs = getattr(transformers, LOADED[task]).from_pretrained(tmp_path / "model").eval()
    theirs.config.pad_token_id = tokenizer.pad_token_id or 0
    labels = batch.targets if task != "tag" else batch.targets.masked_fill(~batch.loss_mask, -100)
    found = theirs(input_ids=batch.input_ids, attention_mask=batch.real.long(), labels=labels)
    assert float(loss / count) == pytest.approx(float(found.loss), abs=1e-5)
    with torch.no_grad():
        ours = scores(module, batch)
    there = batch.real if task == "tag" else torch.ones(len(ours), dtype=torch.bool)
    torch.testing.assert_close(ours[there], found.logits.squeeze(-1)[there], atol=1e-5, rtol=1e-4)


def test_the_span_loss_is_that_of_transformers_question_answering(tokenizer):
    """With the weights of our two scores in their head; their loss takes padding's scores too, so the texts are of one length."""
    items = encoded(SPANS[:1] * 3, "span", ("start", "end"), tokenizer, 64)
    batch = collate(items, "span")
    module = headed(bert(tokenizer), "span", SPANS, 3)
    theirs = transformers.BertForQuestionAnswering(
        transformers.BertConfig(
            vocab_size=tokenizer.vocab_size,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
        )
    ).eval()
    found = theirs(
        input_ids=batch.input_ids,
        attention_mask=batch.real.long(),
        start_positions=batch.targets[:, 0],
        end_positions=batch.targets[:, 1],
    )
    made = torch.stack((found.start_logits, found.end_logits), dim=-1)
    assert float(span_loss(made, batch.real, batch.targets).mean()) == pytest.approx(float(found.loss), abs=1e-5)
    assert scores(module, batch).shape == made.shape


def test_padding_can_be_no_span_and_changes_no_loss():
    made, spans = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([[0, 2], [1, 1]])
    real = torch.tensor([[True] * 3 + [False] * 2] * 2)
    torch.testing.assert_close(span_loss(made, real, spans), span_loss(made[:, :3], real[:, :3], spans))
    by_hand = -(torch.log_softmax(made[0, :3, 0], 0)[0] + torch.log_softmax(made[0, :3, 1], 0)[2]) / 2
    torch.testing.assert_close(span_loss(made, real, spans)[0], by_hand)


@pytest.mark.parametrize("task", ["classify", "regress", "tag"])
def test_ten_steps_give_the_weights_of_a_plain_loop_over_transformers_model(tiny, tokenizer, tmp_path, task):
    module, items = made(tiny, tokenizer, task)
    config, pad = told(task), tokenizer.pad_token_id or 0
    save_model(tmp_path / "model", module)
    theirs = getattr(transformers, LOADED[task]).from_pretrained(tmp_path / "model")
    theirs.config.pad_token_id = pad
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.003, betas=(0.9, 0.95), weight_decay=0.0)
    batches = batches_of(items, task, config, pad)
    for step in range(10):
        batch = batches(step)
        labels = batch.targets if task != "tag" else batch.targets.masked_fill(~batch.loss_mask, -100)
        theirs(input_ids=batch.input_ids, attention_mask=batch.real.long(), labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    fit(module, items, config, pad)
    theirs.save_pretrained(tmp_path / "theirs")
    other = load_model(tmp_path / "theirs")
    for (name, mine), one in zip(module.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, one, rtol=0, atol=1e-4, msg=name)


@pytest.mark.parametrize("task", ["classify", "tag", "span"])
def test_a_small_model_learns_its_rows(tiny, tokenizer, task):
    module, items = made(tiny, tokenizer, task)
    fit(module, items, told(task, steps=60, max_grad_norm=1.0))
    found = measure(items, predict(module, items, task), task, names_of(DATA[task], task))
    share = found["exact"] if task == "span" else found["accuracy"]
    assert share["value"] >= 0.9
    assert task != "tag" or found["spans"]["f1"] >= 0.9


def test_numbers_are_learned_better_than_their_mean(tiny, tokenizer):
    module, items = made(tiny, tokenizer, "regress")
    fit(module, items, told("regress", steps=60, max_grad_norm=1.0))
    found = measure(items, predict(module, items, "regress"), "regress", ())
    assert found["error"] < 0.5 * found["error_of_the_mean"] and found["correlation"] > 0.8


def test_a_words_first_piece_bears_its_tag(tokenizer):
    example = Example("sky Rome blue", ("A", "B", "C"), words=("sky", "Rome", "blue"))
    item = encode(example, "tag", ("A", "B", "C"), tokenizer, 64)
    ids, places = tokenizer.offsets(example.text, add_special_tokens=True)
    for (token, label), word in zip(item.targets, example.words, strict=True):
        extra = len(item.ids) - len(ids)
        assert (
            word.startswith(example.text[slice(*places[token - extra])].strip())
            and "ABC"[label] == dict(zip(example.words, "ABC", strict=True))[word]
        )
    assert tags_of(example, [(0, 3), (3, 5)]) == [(0, "A"), (1, "B")], "what was cut off is left out"


def test_what_is_cut_off_with_its_answer_is_left_out(tokenizer):
    assert encode(SPANS[0], "span", ("start", "end"), tokenizer, 8) is None
    item = encode(SPANS[0], "span", ("start", "end"), tokenizer, 64)
    first, last = item.targets
    assert SPANS[0].text[item.places[first][0] : item.places[last][1]].strip() == "blue"


def test_the_best_span_ends_where_it_begins_or_later():
    assert best_span(torch.tensor([[0.0, 7.0], [5.0, 0.0], [0.0, 4.0]])) == (1, 2)
    assert best_span(torch.tensor([[5.0, 0.0], [0.0, 0.0], [0.0, 9.0]]), longest=2) in ((0, 0), (1, 2), (2, 2))


def test_epochs_become_steps_and_adapters_are_refused():
    assert steps_of(100, told("classify", steps=0, epochs=3.0, batch_size=16)) == 19
    with pytest.raises(ConfigError, match="puts a new head on the model, which has to learn too; use method='full'"):
        TuneConfig(task="classify", data="x", method="lora")
    with pytest.raises(ConfigError, match="learns from the user's own file; name it with --data"):
        TuneConfig(task="tag")


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "wnut17").is_dir(), reason="no real data here")
def test_real_names_and_reviews_are_read_whole():
    root = SHARED
    assert len(read_examples(root / "sst2" / "dev.tsv.gz", "classify")) == 872
    sentences = read_examples(root / "wnut17" / "wnut17train.conll", "tag")
    assert len(sentences) == 3394 and json.dumps(names_of(sentences, "tag")).count("B-") == 6
