"""The loader: a batch is a function of its step, an epoch is every row once, a resumed run loses nothing."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader, permutation
from groundup.errors import ConfigError, InputError
from groundup.model.architectures import build, config_from_dict
from groundup.training.objectives.causal import causal_loss, document_mask


def shards_of(lengths, seed=0, vocab_size=50, loss_mask=None, start_id=0):
    """Documents of random ids; each ends in 0."""
    offsets = np.cumsum([0, *lengths])
    tokens = np.random.default_rng(seed).integers(1, vocab_size, offsets[-1]).astype(np.uint16)
    tokens[offsets[1:] - 1] = 0
    return Shards(tokens, offsets, loss_mask, start_id, int(offsets[-1]))


def rows_of(count):
    """As many rows as documents: each fills one."""
    return shards_of([8] * count)


def read(loader, first, last):
    return [row for step in range(first, last) for row in loader.chosen(step)]


def equal(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in one.__slots__)


def test_twelve_rows_stopped_after_three_and_resumed_come_once_each():
    """A shuffle buffer's content was not in the saved state: rows were lost or repeated (huggingface/datasets#7901)."""
    before, after = Loader(rows_of(12), 8, 3), Loader(rows_of(12), 8, 3)
    assert sorted(read(before, 0, 1) + read(after, 1, 4)) == [(0, row) for row in range(12)]
    assert read(after, 1, 4) == read(before, 1, 4)


def test_a_resume_inside_the_second_epoch_reads_what_the_unbroken_run_reads():
    """Epoch 0's order came again, or a new one was drawn in the middle (huggingface/accelerate#4071)."""
    unbroken = read(Loader(rows_of(64), 8, 4), 0, 32)
    resumed = read(Loader(rows_of(64), 8, 4), 21, 32)  # 20 rows into the second epoch
    assert resumed == unbroken[84:]
    assert sorted(unbroken[64:84] + resumed[:44]) == [(0, row) for row in range(64)]
    assert unbroken[:64] != unbroken[64:]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 100))
def test_every_epoch_reads_every_row_once_also_when_batches_reach_over_its_end(count, batch_size, seed):
    rows = read(Loader(rows_of(count), 8, batch_size, seed), 0, -(-3 * count // batch_size))
    for epoch in range(3):
        assert sorted(rows[epoch * count : (epoch + 1) * count]) == [(0, row) for row in range(count)]


def test_batches_may_be_asked_for_in_any_order():
    sources = [(rows_of(10), 0.7), (shards_of([5] * 30, seed=1), 0.3)]
    forward = [Loader(sources, 8, 4).batch(step) for step in range(12)]
    loader = Loader(sources, 8, 4)
    assert all(equal(loader.batch(step), forward[step]) for step in (11, 0, 5, 5, 11, 3))


def test_the_order_is_that_of_a_written_hash():
    """Made by this code on 2026-11-25: another order would make a resumed run read other rows."""
    assert permutation(10, (1, 0, 0)).tolist() == [3, 7, 5, 6, 8, 4, 9, 1, 2, 0]


@settings(deadline=None)
@given(st.integers(0, 500), st.lists(st.integers(0, 2**40), min_size=1, max_size=3))
def test_a_permutation_holds_every_number_once(count, key):
    assert sorted(permutation(count, key)) == list(range(count))


def test_permutations_look_random():
    """Over 4,000 keys each of 10 numbers is at each of 10 places 400 times: chi-squared of 81 degrees of freedom."""
    counts = np.zeros((10, 10))
    for key in range(4000):
        counts[np.arange(10), permutation(10, (key, 0, 1))] += 1
    assert ((counts - 400) ** 2 / 400).sum() < 130  # 0.999 quantile: 126


def test_seeds_sources_and_epochs_have_orders_of_their_own():
    orders = {tuple(permutation(30, key)) for key in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1)]}
    assert len(orders) == 5


def test_a_batch_holds_the_tokens_of_its_rows():
    shards = shards_of([5, 3, 8])
    batch = Loader(shards, 8, 2).batch(0)
    assert batch.input_ids.shape == (2, 8) and batch.input_ids.dtype == torch.int64
    assert Counter(batch.targets.flatten().tolist()) == Counter(shards.tokens.tolist())
    assert (batch.input_ids[batch.positions == 0] == 0).all()


def test_shards_from_disk_and_from_memory_give_the_same_batches(tmp_path):
    memory = shards_of([5, 30, 8, 2], loss_mask=(np.arange(45) % 3 > 0).astype(np.uint8))
    disk = write_shards(
        tmp_path / "s",
        memory.tokens,
        memory.offsets,
        start_id=0,
        text_bytes=9,
        vocab_size=50,
        loss_mask=memory.loss_mask,
    )
    assert equal(Loader(memory, 10, 3).batch(1), Loader(disk, 10, 3).batch(1))


def test_sources_are_mixed_by_rows_and_each_has_its_own_epochs():
    loader = Loader([(rows_of(10), 3.0), (rows_of(50), 1.0)], 8, 16)
    rows = read(loader, 0, 10)
    assert Counter(source for source, _ in rows)[0] == 120
    first = [row for source, row in rows if source == 0]
    assert all(sorted(first[start : start + 10]) == list(range(10)) for start in range(0, 120, 10))
    assert loader.epochs(10) == [12.0, 0.8]


def test_a_source_with_share_0_is_left_out():
    assert Loader([(rows_of(3), 1), (rows_of(5), 0)], 8, 2).rows_per_epoch == 3


@pytest.fixture(scope="module")
def module():
    config = config_from_dict({
        "model_type": "qwen3", "vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 64,
    })  # fmt: skip
    module = build(config, seed=3).requires_grad_(False)
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():  # parts that begin at zero would hide a wrong mask
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3 + (parameter.dim() == 1))
    return module


def test_the_loss_of_packed_documents_is_the_sum_of_theirs_alone(module):
    """Positions restarted but the mask was only causal: 37.6 instead of 44.1 (MeetKai/functionary#265)."""
    lengths = [7, 9, 3, 12]
    shards = shards_of(lengths)
    loader = Loader(shards, 16, 2)
    assert loader.rows_per_epoch == 2 and loader.padding < 0.1
    packed, targets = causal_loss(module, loader.batch(0))
    alone = 0.0
    for begin, end in zip(shards.offsets, shards.offsets[1:], strict=False):
        ids = torch.tensor([0, *shards.tokens[begin:end].tolist()])[None]
        alone += float(torch.nn.functional.cross_entropy(module(ids[:, :-1])[0], ids[0, 1:], reduction="sum"))
    assert targets == sum(lengths)
    assert float(packed) == pytest.approx(alone, rel=1e-5)


def test_a_changed_token_moves_no_logit_of_the_other_document(module):
    """huggingface/nanoVLM#204, with the batches that training really gets."""
    shards = shards_of([7, 9])
    batch = Loader(shards, 16, 1).batch(0)
    assert batch.document_ids.unique().tolist() == [0, 1]
    changed = shards.tokens.copy()
    changed[2] = changed[2] % 49 + 1
    other = Loader(Shards(changed, shards.offsets, None, 0, 16), 16, 1).batch(0)
    before, after = (module(b.input_ids, document_mask(b), b.positions) for b in (batch, other))
    touched = int(batch.document_ids[batch.input_ids != other.input_ids])
    assert torch.equal(before[batch.document_ids != touched], after[batch.document_ids != touched])
    assert not torch.allclose(before[batch.document_ids == touched], after[batch.document_ids == touched])


def test_a_corpus_shorter_than_one_context_says_both_lengths_and_the_way_out():
    with pytest.raises(
        InputError, match=r"has 40 tokens, but one context needs 256; pass a longer text or --set train\.seq_len=32"
    ):
        Loader(shards_of([20, 20]), 256, 4)


def test_a_source_without_tokens_is_refused():
    empty = Shards(np.zeros(0, np.uint16), np.zeros(1, np.int64), None, 0, 0)
    with pytest.raises(InputError, match="no tokens at all; give it a text or the share 0"):
        Loader([(rows_of(5), 1.0), (empty, 1.0)], 8, 2)


@pytest.mark.parametrize(("seq_len", "batch_size"), [(0, 1), (8, 0)])
def test_an_impossible_shape_is_refused(seq_len, batch_size):
    with pytest.raises(ConfigError, match="must both be 1 or more"):
        Loader(rows_of(3), seq_len, batch_size)


def test_a_batch_moves_to_a_device_as_a_whole():
    moved = Loader(rows_of(3), 8, 2).batch(0).to("meta")
    assert {getattr(moved, name).device.type for name in moved.__slots__} == {"meta"}
