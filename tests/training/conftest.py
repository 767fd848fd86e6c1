"""A decoder of 30,000 parameters and batches that are a function of their number."""

from types import SimpleNamespace

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config

VOCABULARY, SEQ = 64, 16


@pytest.fixture
def tiny():
    """Make a fresh small module; the same seed gives the same weights."""

    def make(seed=0, **changes):
        sizes = dict(
            vocab_size=VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=64,
        )
        module = build(Qwen3Config(**(sizes | changes)), seed=seed)
        with torch.no_grad():  # zero projections would hide a wrong gradient
            for parameter in module.parameters():
                if not parameter.any():
                    parameter.normal_(0, 0.1, generator=torch.Generator().manual_seed(seed))
        return module

    return make


def batch_of(input_ids, targets, loss_mask=None, document_ids=None, positions=None):
    """A batch of the loader's form around given ids."""
    rows, seq = input_ids.shape
    return SimpleNamespace(
        input_ids=input_ids,
        targets=targets,
        loss_mask=torch.ones(rows, seq, dtype=torch.bool) if loss_mask is None else loss_mask,
        document_ids=torch.zeros(rows, seq, dtype=torch.int64) if document_ids is None else document_ids,
        positions=torch.arange(seq).expand(rows, seq) if positions is None else positions,
    )


@pytest.fixture
def make_batch():
    """Build a batch around given ids."""
    return batch_of


@pytest.fixture
def batches():
    """Batch number -> 4 rows in which the second half repeats the first: something to learn."""

    def batch(number):
        ids = torch.randint(0, VOCABULARY, (4, SEQ + 1), generator=torch.Generator().manual_seed(number))
        ids[:, SEQ // 2 :] = ids[:, : SEQ // 2 + 1]
        return batch_of(ids[:, :-1], ids[:, 1:])

    return batch
