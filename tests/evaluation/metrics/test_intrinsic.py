"""Bits per byte by hand, against transformers' loss, and independent of windows and batches."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.evaluation.metrics import intrinsic
from groundup.evaluation.metrics.intrinsic import (
    TokenDocuments,
    bits_per_byte,
    fit_ngram,
    gap_closed,
    ngram_bits_per_byte,
    tokenize,
    windows,
)
from groundup.model.architectures import build, config_from_dict

VOCAB, CONTEXT = 50, 16
LLAMA = {
    "model_type": "llama",
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
}


class Bytes:
    """A tokenizer of single bytes behind one control token."""

    eos_token_id = 0

    def encode_packed(self, texts):
        ids = [[byte % (VOCAB - 1) + 1 for byte in text.encode()] for text in texts]
        return np.array([*itertools.chain(*ids)], np.int32), np.cumsum([0, *map(len, ids)])


def documents(*lengths: int) -> TokenDocuments:
    generator = np.random.default_rng(sum(lengths))
    return tokenize(
        ["".join(chr(97 + number) for number in generator.integers(0, 26, length)) for length in lengths], Bytes()
    )


@pytest.fixture(scope="module")
def module():
    decoder = build(config_from_dict(LLAMA), seed=0)
    for parameter in decoder.parameters():
        parameter.data *= 4  # far from uniform, so that a wrong context shows
    return decoder.eval()


def uniform(vocab: int = VOCAB, context: int = CONTEXT):
    config = SimpleNamespace(vocab_size=vocab, max_position_embeddings=context)

    class Uniform:
        def __call__(self, input_ids):
            return torch.full((*input_ids.shape, vocab), 3.5)

    made = Uniform()
    made.config = config
    return made


def test_a_uniform_model_needs_log2_of_the_vocabulary_for_each_token_and_end():
    texts = ["abc", "", "é", "a longer text than the context of sixteen tokens"]
    bits = bits_per_byte(uniform(), tokenize(texts, Bytes()))
    lengths = [len(text.encode()) + 1 for text in texts]
    assert bits.nats / math.log(2) == pytest.approx([length * math.log2(VOCAB) for length in lengths])
    assert bits.tokens == sum(lengths) and bits.sizes.tolist() == [length - 1 for length in lengths]
    assert bits.per_token == pytest.approx(math.log2(VOCAB))
    assert bits.per_byte == pytest.approx(sum(lengths) * math.log2(VOCAB) / (sum(lengths) - 4))


def test_the_end_of_a_document_counts_in_bits_and_not_in_bytes():
    made = uniform(vocab=4)
    bits = bits_per_byte(made, TokenDocuments(np.array([1, 2, 3], np.int32), np.array([0, 3]), np.array([6]), 0))
    assert bits.per_byte == pytest.approx(4 * 2 / 6)


def test_the_loss_is_that_of_transformers(module, tmp_path):
    from transformers import AutoModelForCausalLM

    from groundup.model.formats.huggingface import save_model

    save_model(tmp_path / "model", module)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    held_out = documents(5, 11, CONTEXT - 1, 3)
    measured = bits_per_byte(module, held_out)
    for index in range(len(held_out)):
        row = held_out.ids[held_out.offsets[index] : held_out.offsets[index + 1]]
        ids = torch.tensor([[0, *row.tolist(), 0]])
        with torch.no_grad():
            loss = theirs(ids, labels=ids).loss.item()
        assert measured.nats[index] == pytest.approx(loss * (len(row) + 1), rel=1e-5)


def test_a_document_that_fits_is_one_window_whatever_the_stride(module):
    held_out = documents(CONTEXT - 1, 4)
    whole = bits_per_byte(module, held_out)
    assert all(
        np.array_equal(bits_per_byte(module, held_out, stride=stride).nats, whole.nats) for stride in (1, 5, CONTEXT)
    )


def test_a_long_document_is_scored_as_window_after_window_by_hand(module):
    held_out = documents(37)
    stream = torch.tensor([[0, *held_out.ids.tolist(), 0]])
    nats = 0.0
    for start, scored, end in ((0, 0, 16), (8, 16, 24), (16, 24, 32), (24, 32, 38)):
        with torch.no_grad():
            scores = module(stream[:, start:end]).log_softmax(-1)[0]
        nats -= sum(scores[place - start, stream[0, place + 1]].item() for place in range(scored, end))
    assert bits_per_byte(module, held_out).nats[0] == pytest.approx(nats, rel=1e-5)


def test_batches_do_not_change_what_a_document_costs(module):
    held_out = documents(3, 40, 1, 15, 16, 17, 0, 25, 8)
    together = bits_per_byte(module, held_out)
    one_by_one = bits_per_byte(module, held_out, logits_at_once=1)
    assert one_by_one.nats == pytest.approx(together.nats, rel=1e-5)
    for index in range(len(held_out)):
        begin, end = held_out.offsets[index : index + 2]
        alone = TokenDocuments(
            held_out.ids[begin:end], np.array([0, end - begin]), held_out.sizes[index : index + 1], 0
        )
        assert bits_per_byte(module, alone).nats[0] == pytest.approx(together.nats[index], rel=1e-5)


def test_progress_hears_of_every_token(module):
    heard = []
    bits = bits_per_byte(module, documents(3, 40, 17), advance=heard.append)
    assert sum(heard) == bits.tokens


@given(st.lists(st.integers(1, 90), min_size=1, max_size=8), st.integers(1, 20), st.data())
def test_windows_score_each_token_once_and_never_look_beyond_the_context(lengths, context, data):
    stride = data.draw(st.integers(1, context))
    cut = windows(lengths, context, stride)
    scored = [
        [place for window in cut if window.document == document for place in range(window.scored, window.end)]
        for document in range(len(lengths))
    ]
    assert scored == [list(range(length)) for length in lengths]
    assert all(window.end - window.start <= context for window in cut)
    assert all(window.scored - window.start >= context - stride for window in cut if window.start)


ROWS = st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=6)


def of_rows(rows: list[list[int]]) -> TokenDocuments:
    ids, offsets = np.array([*itertools.chain(*rows)], np.int32), np.cumsum([0, *map(len, rows)])
    return TokenDocuments(ids, offsets, np.array([len(row) for row in rows]), 0)


@given(ROWS)
def test_the_stream_has_an_end_of_text_before_and_after_each_document(rows):
    made = of_rows(rows)
    stream, starts = made.stream()
    assert stream.tolist() == [0, *itertools.chain(*([*row, 0] for row in rows))]
    for row, start, length in zip(rows, starts, made.lengths, strict=True):
        assert stream[start - 1] == 0 and stream[start : start + length].tolist() == [*row, 0]


@given(ROWS, ROWS)
@settings(deadline=None)
def test_an_ngram_model_is_charged_for_the_same_tokens_each_document_afresh(training, held_out):
    model = fit_ngram(of_rows(training), order=3, vocab_size=10)
    measured = ngram_bits_per_byte(model, of_rows(held_out))
    by_hand = []
    for row in held_out:
        ids = [0, *row, 0]
        chances = [model.distribution(ids[max(0, place - 2) : place])[ids[place]] for place in range(1, len(ids))]
        by_hand.append(-sum(map(math.log2, chances)))
    assert measured.nats / math.log(2) == pytest.approx(by_hand, rel=1e-5)
    assert measured.tokens == bits_per_byte(uniform(), of_rows(held_out)).tokens


def test_the_interval_is_drawn_over_documents():
    bits = bits_per_byte(uniform(), documents(*range(1, 60)))
    value, low, high = bits.interval(seed=1)
    assert low < value == bits.per_byte < high


def test_the_gap_is_closed_at_the_floor_and_open_at_the_ngram_model():
    assert gap_closed(2.0, 2.0, 1.0) == 0 and gap_closed(1.0, 2.0, 1.0) == 1 and gap_closed(1.25, 2.0, 1.0) == 0.75
    assert math.isnan(gap_closed(1.0, 1.0, 1.0))


def test_memory_is_bounded_by_the_vocabulary(module, monkeypatch):
    seen = []
    monkeypatch.setattr(
        intrinsic, "_losses", lambda module, batch, *rest: seen.append(len(batch)) or np.zeros(len(batch))
    )
    bits_per_byte(module, documents(*[9] * 20), logits_at_once=VOCAB * 40)
    assert seen == [4] * 5
