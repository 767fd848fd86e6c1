"""Masked language modelling against the paper's rates, transformers' collator and torch's cross-entropy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.data.pipeline.streaming import Batch
from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.training.objectives.masked import both_ways, mask_tokens, masked, masked_loss

PAD, CLS, SEP, MASK, VOCABULARY = 0, 1, 2, 3, 64
SPECIAL = (PAD, CLS, SEP)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def masked_by(batch, seed=0, **changes):
    return masked(batch, source(seed), **dict(mask_id=MASK, vocab_size=VOCABULARY, special_ids=SPECIAL) | changes)


def rows(make_batch, batch=4, seq=50, seed=0):
    ids = torch.randint(4, VOCABULARY, (batch, seq), generator=source(seed))
    ids[:, 0], ids[:, -1] = CLS, SEP
    return make_batch(ids, ids)


@pytest.fixture(scope="module")
def encoder():
    return build(
        BertConfig(
            vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=64, initializer_range=0.3,
        ),
        seed=0, scheme="normal",
    )  # fmt: skip


def test_the_three_fates_by_hand():
    ids = torch.tensor([[10, 11, 12, 13, 14]])
    choice = torch.tensor([[0.1, 0.1, 0.1, 0.15, 0.1]])
    fate = torch.tensor([[0.79, 0.85, 0.95, 0.1, 0.1]])
    choosable = torch.tensor([[True, True, True, True, False]])
    read, chosen = mask_tokens(ids, choosable, choice, fate, ids + 10, MASK)
    assert read.tolist() == [[MASK, 21, 12, 13, 14]]
    assert chosen.tolist() == [[True, True, True, False, False]]


@settings(max_examples=30, deadline=None)
@given(some.integers(0, 10**6), some.floats(0.01, 1))
def test_the_text_comes_back_from_what_is_read_and_what_is_asked_for(seed, rate):
    ids = torch.randint(0, VOCABULARY, (2, 12), generator=source(seed))
    documents = torch.randint(-1, 2, (2, 12), generator=source(seed + 1))
    made = masked_by(Batch(ids, ids, ids >= 0, documents, ids), seed, rate=rate)
    assert torch.equal(torch.where(made.loss_mask, made.targets, made.input_ids), ids)
    special = torch.isin(ids, torch.tensor([*SPECIAL, MASK])) | (documents < 0)
    assert not made.loss_mask[special].any()
    new = made.input_ids[made.loss_mask]
    assert not torch.isin(new, torch.tensor(SPECIAL)).any(), "no special token is put in a token's place"


def test_the_vocabulary_is_gone_through_once(make_batch):
    from groundup.training.objectives.masked import _ordinary

    _ordinary.cache_clear()
    for seed, special in enumerate((list(SPECIAL), SPECIAL, SPECIAL)):
        masked_by(rows(make_batch), seed, special_ids=special)
    assert _ordinary.cache_info().misses == 1


def test_the_rates_are_the_papers(make_batch):
    batch = rows(make_batch, 400, 100)
    made = masked_by(batch)
    kept = made.input_ids[made.loss_mask] == batch.input_ids[made.loss_mask]
    n, chosen = 400 * 98, int(made.loss_mask.sum())
    assert abs(chosen / n - 0.15) < 4 * (0.15 * 0.85 / n) ** 0.5
    hidden = (made.input_ids[made.loss_mask] == MASK).float().mean().item()
    assert abs(hidden - 0.8) < 4 * (0.16 / chosen) ** 0.5
    same = 0.1 + 0.1 / (VOCABULARY - 4)  # kept, or exchanged for itself
    assert abs(kept.float().mean().item() - same) < 4 * (0.09 / chosen) ** 0.5


def test_the_statistics_are_those_of_transformers_collator(make_batch):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[MASK]": 3} | {f"w{index}": index for index in range(4, VOCABULARY)}
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[PAD]")),
        pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    batch = rows(make_batch, 300, 100)
    collator = transformers.DataCollatorForLanguageModeling(fast, mlm=True, mlm_probability=0.15, seed=0)
    theirs = collator([{"input_ids": row} for row in batch.input_ids.tolist()])
    asked = theirs["labels"] != -100
    made = masked_by(batch)
    ours = made.loss_mask
    assert not asked[:, [0, -1]].any() and not ours[:, [0, -1]].any()
    for one, other in (
        (asked.float().mean(), ours.float().mean()),
        ((theirs["input_ids"] == MASK)[asked].float().mean(), (made.input_ids == MASK)[ours].float().mean()),
        ((theirs["input_ids"] == batch.input_ids)[asked].float().mean(),
         (made.input_ids == batch.input_ids)[ours].float().mean()),
    ):  # fmt: skip
        assert abs(one - other) < 0.03


def test_a_seed_decides_everything(make_batch):
    batch = rows(make_batch)
    assert torch.equal(masked_by(batch, 1).input_ids, masked_by(batch, 1).input_ids)
    assert not torch.equal(masked_by(batch, 1).loss_mask, masked_by(batch, 2).loss_mask)


def test_the_loss_is_torchs_cross_entropy_at_the_chosen_places(encoder, make_batch):
    batch = rows(make_batch)
    made = masked_by(batch)
    loss, count = masked_loss(encoder, made)
    theirs = torch.nn.functional.cross_entropy(
        encoder(made.input_ids).flatten(0, 1),
        made.targets.masked_fill(~made.loss_mask, -100).flatten(),
        reduction="sum",
    )
    assert count == int(made.loss_mask.sum())
    torch.testing.assert_close(loss, theirs)


def test_documents_in_one_row_do_not_see_each_other(encoder, make_batch):
    ids = torch.randint(4, VOCABULARY, (1, 12), generator=source())
    documents = torch.tensor([[0] * 5 + [1] * 4 + [-1] * 3])
    places = torch.tensor([[*range(5), *range(4), *range(3)]])
    made = masked_by(make_batch(ids, ids, None, documents, places), 3, rate=0.5)
    together, count = masked_loss(encoder, made)
    alone = 0.0
    for first, last in ((0, 5), (5, 9)):
        part = make_batch(made.input_ids[:, first:last], ids[:, first:last], made.loss_mask[:, first:last])
        alone = alone + masked_loss(encoder, part)[0]
    assert count and not made.loss_mask[:, 9:].any()
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert both_ways(make_batch(ids, ids)) is None


def test_a_batch_without_a_chosen_token_has_a_loss_of_nothing(encoder, make_batch):
    ids = torch.full((1, 4), SEP)
    loss, count = masked_loss(encoder, masked_by(make_batch(ids, ids)))
    assert (loss.item(), count) == (0, 0)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(rate=0.0), "rate=0.0 is no share of tokens to hide; use a number above 0 and up to 1, such as 0.15"),
        (dict(rate=1.5), "rate=1.5 is no share"),
        (dict(mask_id=64), "mask_id=64 is not in a vocabulary of 64; use 0 to 63"),
        (dict(vocab_size=20), "ids reach from 1 to 63, and vocab_size=20; raise it"),
        (dict(special_ids=range(64)), "all 64 tokens are special, so none can be hidden"),
    ],
)
def test_numbers_that_cannot_be_are_refused(make_batch, changes, message):
    batch = rows(make_batch)
    batch.input_ids[0, 1] = 63
    with pytest.raises(InputError, match=message):
        masked_by(batch, **changes)
