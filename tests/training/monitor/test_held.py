"""What batches hold, by hand for each kind, and speeds and MFU that padding does not raise."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import files
from groundup.data.pipeline.streaming import Batch
from groundup.model.accounting import row_work
from groundup.model.accounting.operations import forward
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.mistral import MistralConfig
from groundup.model.architectures.mixtral import MixtralConfig
from groundup.model.architectures.t5 import T5Config
from groundup.training.config import TrainConfig
from groundup.training.monitor.held import Held, Tally, held
from groundup.training.monitor.monitoring import Monitor, costs, mfu
from groundup.training.objectives.contrastive import Views
from groundup.training.objectives.masked import masked_loss
from groundup.training.objectives.prefix import prefixed
from groundup.training.objectives.span import answers, span_loss

SIZES = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA, T5, BERT = LlamaConfig(**SIZES), T5Config(**SIZES, head_dim=8), BertConfig(**SIZES, head="masked_language_model")
OTHERS = (MistralConfig(**SIZES, sliding_window=3), MixtralConfig(**SIZES, num_local_experts=4))
LIMITS = SimpleNamespace(matmul_flops={"float32": 1e9}, memory_bytes_per_s=1e9)


def rows(lengths, width, asked=None):
    """A batch with padding behind each row; asked: how many of a row's tokens are targets."""
    real = torch.arange(width) < torch.tensor(lengths)[:, None]
    targets = real if asked is None else torch.arange(width) < torch.tensor(asked)[:, None]
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    places = torch.arange(width).expand(len(lengths), width)
    return Batch(ids, ids, targets, torch.where(real, 0, -1), places)


@pytest.mark.parametrize("config", [LLAMA, T5, BERT, *OTHERS], ids=lambda one: one.model_type)
@given(queries=st.integers(0, 40), source=st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_the_coefficients_are_those_of_forward_at_any_length(config, queries, source):
    found, whole = row_work(config), forward(config, queries, source=source)
    body = found.token * queries + found.source * source + found.pair * queries**2
    body += found.source_pair * source**2 + found.crossed * queries * source
    assert body == sum(number for name, number in whole.items() if name != "head")
    assert found.target * queries == whole["head"]


def test_rows_of_their_own_by_hand():
    found = held(rows([3, 1], 4, asked=[1, 0]))
    assert found == Held(places=8, tokens=4, targets=1, pairs=10) and found.padding == 0.5


def test_sources_and_answers_by_hand():
    found = held(answers([([5, 6, 7], [8]), ([5], [8, 9])]))
    assert found == Held(places=6 + 4, tokens=3, targets=3, pairs=1 + 4, read=4, read_pairs=9 + 1, crossed=3 + 2)
    assert found.all_tokens == 7


def test_two_views_are_two_batches_without_a_head():
    first, second = torch.tensor([[True, True, False]]), torch.tensor([[True, False, False]])
    assert held(Views(torch.zeros(1, 3, dtype=torch.long), first, second)) == Held(places=6, tokens=3, pairs=5)


def test_a_prefix_is_a_token_and_no_target():
    found = held(prefixed([([1, 2, 3], [-100, 3, 4], 2), ([1], [2], 1)]))
    assert (found.places, found.tokens, found.targets) == (6, 4, 3)


def test_a_step_holds_its_own_batches_alone_though_others_were_made_before_a_rollback():
    tally = Tally()
    batch = tally.batches(lambda number: rows([number], 8))
    for number in (7, 1, 2):
        batch(number)
    assert tally.take(2).tokens == 3 and tally.take(2) is None


def counted_by_torch(config, loss, batch):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    module = build(config, seed=0)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # it knows no fused kernel of a CPU
        loss(module, batch)[0].backward()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("config", "loss", "batch"),
    [
        (BERT, masked_loss, rows([16, 16], 16, asked=[3, 2])),
        (T5, span_loss, answers([([5] * 12, [6] * 5)] * 3)),
    ],
    ids=["masked", "span"],
)
def test_operations_of_an_objective_are_those_that_torch_counts(config, loss, batch):
    found = held(batch)
    spent = costs(config, TrainConfig(batch_size=2, seq_len=16))
    mine = mfu(*spent.of_a_token(found), found.all_tokens, 1.0)
    assert counted_by_torch(config, loss, batch) == pytest.approx(mine, rel=0.01)


def test_padding_raises_neither_speed_nor_mfu(tmp_path):
    config = TrainConfig(batch_size=2, seq_len=16, optimizer="adamw")
    event = SimpleNamespace(step=1, seconds=0.5, rate_factor=1.0, numbers={"step": 1})
    lines = []
    for width in (8, 16):
        monitor = Monitor(tmp_path / f"{width}.jsonl", costs(LLAMA, config, LIMITS), gauges=dict)
        monitor.batches(lambda number, width=width: rows([8, 4], width))(0)
        monitor(event)
        lines += files.read_jsonl(tmp_path / f"{width}.jsonl")
    assert [line["tokens_per_second"] for line in lines] == [24, 24] and lines[0]["mfu"] == lines[1]["mfu"]
    assert [line["padding"] for line in lines] == [0.25, 0.625]


def test_full_rows_are_what_the_plain_formula_says(tmp_path):
    spent = costs(LLAMA, TrainConfig(batch_size=2, seq_len=16), LIMITS)
    full = held(rows([16, 16], 16))
    assert spent.of_a_token(full) == (spent.weights, spent.pair_flops, 16)
    assert spent.numbers(0.5, held=full) == spent.numbers(0.5)
    nothing = spent.numbers(0.5, held=Held())  # a step of reinforcement may find nothing to learn from
    assert nothing["tokens_per_second"] == 0 and "mfu" not in nothing


def test_each_further_head_is_work_too():
    plain, further = (costs(LLAMA, TrainConfig(seq_len=16, objective=name)) for name in ("causal", "multi_token"))
    head = LLAMA.vocab_size * LLAMA.hidden_size
    assert further.weights - plain.weights == 2 * (head + LLAMA.hidden_size**2)
    assert further.of_a_token(held(rows([16], 16))) == (further.weights, plain.pair_flops, 16)
    assert replace(further, row=None).of_a_token(Held(tokens=1)) == (further.weights, plain.pair_flops, 16)
