"""Every objective of the registry: its batches are a function of seed and step, small batches add up to the large one, documents stay apart."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.glm import GLM2022Config
from groundup.model.architectures.t5 import T5Config
from groundup.training.config import TrainConfig
from groundup.training.objectives import registry
from groundup.training.objectives.registry import OBJECTIVES
from groundup.training.objectives.task import LOSSES, TRANSFORMS, documents_of, draws, prepare
from groundup.training.step.accumulation import accumulate

END, EQUALS, SEQ, VOCABULARY = 0, 40, 24, 64
SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
    max_position_embeddings=64,
)  # fmt: skip


class Marked:
    """A tokenizer as far as objectives ask it: control tokens from id 41 on, the end of a text 0."""

    eos_token_id = pad_token_id = bos_token_id = END
    vocab_size, mask_token = VOCABULARY, None

    def __init__(self, objective, seq_len=SEQ):
        wanted = OBJECTIVES[objective].marks(seq_len)
        self.special_tokens = {"<|endoftext|>": END} | {mark: 41 + number for number, mark in enumerate(wanted)}

    def encode(self, text):
        assert text == " ="
        return [EQUALS]


@pytest.fixture(scope="module")
def shards():
    """Documents of 2 to 30 tokens, each with one EQUALS, closed by the end."""
    source = np.random.default_rng(0)
    documents = [source.integers(1, 40, source.integers(2, 31)) for _ in range(60)]
    for ids in documents:
        ids[len(ids) // 2] = EQUALS
    closed = [np.append(ids, END) for ids in documents]
    offsets = np.cumsum([0, *map(len, closed)])
    return Shards(np.concatenate(closed), offsets, None, END, 0)


def config_of(objective, **changes):
    return TrainConfig(objective=objective, seq_len=SEQ, batch_size=6, **changes)


def loader_of(objective, shards):
    return Loader(shards, registry.text_length(objective, SEQ), 6, 1, not OBJECTIVES[objective].whole)


def model_of(objective, tiny):
    choice = OBJECTIVES[objective]
    made = {
        registry.ENCODER: lambda: BertConfig(**SIZES, head=choice.head, initializer_range=0.2),
        registry.ENCODER_DECODER: lambda: T5Config(**SIZES),
        registry.BLANKS: lambda: GLM2022Config(**SIZES, initializer_range=0.2),
    }
    return build(made[choice.fits](), seed=0, scheme="normal") if choice.fits in made else tiny(0)


def rows_of(batch, places):
    """Some rows of a batch of whichever kind."""
    names = batch._fields if hasattr(batch, "_fields") else [field.name for field in dataclasses.fields(batch)]
    return type(batch)(*(getattr(batch, name)[places] for name in names))


def tensors(batch):
    names = batch._fields if hasattr(batch, "_fields") else [field.name for field in dataclasses.fields(batch)]
    return [getattr(batch, name) for name in names]


def gradients(module):
    return {name: one.grad.clone() for name, one in module.named_parameters() if one.grad is not None}


def test_the_tables_name_the_same_objectives():
    from typing import get_args

    from groundup.training.config import ObjectiveName

    assert set(OBJECTIVES) == set(LOSSES) == set(TRANSFORMS) == set(get_args(ObjectiveName))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_is_a_function_of_seed_and_number(objective, shards):
    one, other = (prepare(config_of(objective), Marked(objective)) for _ in range(2))
    loader = loader_of(objective, shards)
    for number in (5, 0, 5):  # in any order, any number of times
        pairs = zip(
            tensors(one.batches(loader.batch)(number)), tensors(other.batch(loader.batch(number), number)), strict=True
        )
        assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    if objective not in ("causal", "multi_token", "answer"):
        again, seeded = one.batch(loader.batch(0), 1), prepare(config_of(objective, seed=2), Marked(objective))
        for different in (again, seeded.batch(loader.batch(0), 0)):
            pairs = list(zip(tensors(one.batch(loader.batch(0), 0)), tensors(different), strict=True))
            assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES if name != "contrastive"])
def test_unequal_micro_batches_add_up_to_the_large_batch(objective, shards, tiny):
    z_loss = 1e-2 if objective in ("causal", "masked", "span") else 0.0
    task, loader = prepare(config_of(objective, z_loss=z_loss), Marked(objective)), loader_of(objective, shards)
    batch = task.batch(loader.batch(3), 3)
    rows = len(batch.loss_mask)
    parts = [rows_of(batch, slice(0, 1)), rows_of(batch, slice(1, 4)), rows_of(batch, slice(4, rows))]
    assert len({int(part.loss_mask.sum()) for part in parts}) == 3, "the parts are unequal"
    whole, small = (task.trained(model_of(objective, tiny)) for _ in range(2))
    assert accumulate(whole, [batch], task.loss) == pytest.approx(accumulate(small, parts, task.loss), rel=1e-6)
    mine, theirs = gradients(whole), gradients(small)
    assert mine.keys() == theirs.keys() and len(mine) > 5
    largest = max(float(one.abs().max()) for one in mine.values())
    for name, gradient in mine.items():
        assert (gradient - theirs[name]).abs().max() <= 1e-6 * max(1.0, largest), name


def test_small_batches_of_pairs_ask_an_easier_question(shards, tiny):
    task, loader = prepare(config_of("contrastive"), Marked("contrastive")), loader_of("contrastive", shards)
    batch, module = task.batch(loader.batch(3), 3), model_of("contrastive", tiny)
    whole = accumulate(module, [batch], task.loss)
    assert accumulate(module, [rows_of(batch, slice(0, 3)), rows_of(batch, slice(3, 6))], task.loss) < whole


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_stands_in_one_document_changes_no_other(objective, shards, tiny):
    """The loss of each document, taken alone, does not move when another document of the batch is exchanged."""
    if objective == "contrastive":
        pytest.skip("the other documents are what a document is told from")
    task, loader = prepare(config_of(objective), Marked(objective)), loader_of(objective, shards)
    module, plain = task.trained(model_of(objective, tiny)), loader.batch(2)
    batch = task.batch(plain, 2)
    if OBJECTIVES[objective].whole:
        alone = [task.loss(module, rows_of(batch, slice(row, row + 1)))[0] for row in range(len(batch.loss_mask))]
        torch.testing.assert_close(task.loss(module, batch)[0], torch.stack(alone).sum(), rtol=1e-5, atol=1e-4)
        return
    shared = [row for row, ids in enumerate(plain.document_ids) if int(ids.max()) > 0]
    assert shared, "no row holds two documents"
    row = shared[0]
    first = batch.document_ids[row] == 0
    only = dataclasses.replace(rows_of(batch, slice(row, row + 1)), loss_mask=(batch.loss_mask[row] & first)[None])
    ids = only.input_ids.clone()
    ids[0, ~first] = (ids[0, ~first] + 7) % 40  # the other documents become other ones
    changed = dataclasses.replace(only, input_ids=ids)
    before, after = task.loss(module, only), task.loss(module, changed)
    assert before[1] == after[1] and torch.equal(before[0], after[0])


def test_every_objective_learns_its_batch_and_says_so(shards, tiny):
    for objective in OBJECTIVES:
        task, loader = prepare(config_of(objective), Marked(objective)), loader_of(objective, shards)
        module = task.trained(model_of(objective, tiny))
        plain = [loader.batch(0)]
        before = task.measure(module, plain)
        batch = task.batch(plain[0], -1)
        optimizer = torch.optim.Adam(module.parameters(), 5e-3)
        for _ in range(30):
            accumulate(module, [batch], task.loss)
            optimizer.step()
            optimizer.zero_grad()
        after = task.measure(module, plain)
        assert after["loss"] < before["loss"] and after["accuracy"] > before["accuracy"] - 1e-9, objective
        assert 0 <= after["accuracy"] <= 1
        assert task.kept(module) is (module.module if objective == "multi_token" else module)


def test_the_numbers_of_a_batch_differ_from_its_neighbours():
    drawn = {
        tuple(torch.rand(3, generator=draws(seed, number)).tolist()) for seed in (1, 2) for number in range(-50, 50)
    }
    assert len(drawn) == 200


def test_texts_lose_their_end_and_keep_enough_to_ask():
    batch = SimpleNamespace(
        input_ids=torch.tensor([[END, 5, 6], [END, 7, 0], [9, 0, 0]]),
        targets=torch.tensor([[5, 6, END], [7, END, 0], [END, 0, 0]]),
        document_ids=torch.tensor([[0, 0, 0], [0, 0, -1], [0, -1, -1]]),
    )
    assert documents_of(batch, END) == [[5, 6], [END, 7, END], [9, END]]
    assert documents_of(batch, END, 0) == [[5, 6], [7], []]


@pytest.mark.parametrize("objective", ["span", "denoisers"])
def test_every_answer_is_asked_for_its_end(objective, shards):
    """Writing stops at the end of a text, so it must have been learned."""
    batch = prepare(config_of(objective), Marked(objective)).batch(loader_of(objective, shards).batch(0), 0)
    last = [row[real][-1] for row, real in zip(batch.targets, batch.loss_mask, strict=True)]
    assert last == [END] * len(batch.targets)


def test_only_the_end_of_a_document_is_learned_as_one(shards):
    """A row of fill_in_middle that is left in its order ends as its piece does; of a document that was cut, without the mark."""
    task, loader = prepare(config_of("fill_in_middle"), Marked("fill_in_middle")), loader_of("fill_in_middle", shards)
    moves, left = Marked("fill_in_middle").special_tokens["<|fim_middle|>"], []
    for number in range(8):
        plain = loader.batch(number)
        made = task.batch(plain, number)
        for row in range(len(made.targets)):
            mine, theirs = (one.targets[row][one.loss_mask[row]].tolist() for one in (made, plain))
            if moves in mine:
                assert mine[-1] == END
            else:
                assert mine == theirs
                left.append(mine[-1] == END)
    assert True in left and False in left


def test_a_tokenizer_without_the_tokens_is_refused():
    with pytest.raises(
        InputError,
        match=r"'span' needs the control tokens <extra_id_0>, <extra_id_1>, which this .* lacks; put the stage",
    ):
        prepare(config_of("span"), Marked("causal"))
    with pytest.raises(InputError, match=r"\[NLU\], \[S2S\], \[NLG\] and 5 more"):
        prepare(config_of("denoisers"), Marked("causal"))
