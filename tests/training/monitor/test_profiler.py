"""A real model under the profiler: every part is found, forward and back; nothing stays behind; the run is the same."""

import json

import pytest
import torch

from groundup.data.pipeline.streaming import Batch
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.monitor.profiler import Profiler, marks, part_of, profile_steps

LLAMA = LlamaConfig(vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
GPT2 = GPT2Config(vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32)
CONFIG = TrainConfig(batch_size=2, seq_len=16, steps=9, warmup_steps=0, checkpoint_every=0)


def batch(number):
    ids = torch.randint(0, 97, (2, 17), generator=torch.Generator().manual_seed(number))
    zeros = torch.zeros(2, 16, dtype=torch.long)
    return Batch(ids[:, :-1], ids[:, 1:], torch.ones(2, 16, dtype=torch.bool), zeros, torch.arange(16).expand(2, 16))


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    return profile_steps(build(LLAMA, seed=0), batch, CONFIG, folder=folder, warm=2, steps=2, peak_flops=1e12), folder


def test_every_part_of_a_step_is_found(profiled):
    made, _ = profiled
    parts = {row["part"]: row for row in made.parts}
    assert all(parts[part]["seconds"] > 0 for part in parts)
    assert sum(row["share"] for row in made.parts) == pytest.approx(1, abs=0.02)
    for part in ("attention", "feed-forward", "embedding and norms"):
        assert parts[part]["backward_seconds"] > 0
    assert parts["optimizer"]["backward_seconds"] == parts["data"]["backward_seconds"] == 0


def test_the_products_of_a_part_are_those_of_its_matrices(profiled):
    parts = {row["part"]: row for row in profiled[0].parts}
    tokens, layers, width = 32, 2, 32
    assert parts["feed-forward"]["flops"] == 3 * 2 * tokens * layers * 3 * width * 64
    attention = 3 * 2 * tokens * layers * 4 * width * width + (4 + 10) * layers * tokens * 16 * width
    assert parts["attention"]["flops"] == pytest.approx(attention, rel=0.01)


def test_memory_that_was_taken_goes_to_the_operation_that_took_it(profiled):
    rows = [row for row in profiled[0].operations if row["operation"] == "aten::empty"]
    assert all(row["bytes"] >= 0 for row in profiled[0].operations) and sum(row["bytes"] for row in rows) > 0


def test_a_trace_that_browsers_read_is_written(profiled):
    trace = json.loads((profiled[1] / "trace.json").read_text())
    assert any(event.get("name") == "aten::mm" for event in trace["traceEvents"])


def test_a_profiled_run_learns_the_same(tmp_path):
    losses = []
    for listeners in ([], [Profiler(tmp_path, warm=1, steps=2)]):
        module, seen = build(LLAMA, seed=0), []
        loop.train(module, batch, CONFIG, listeners=[*listeners, lambda event, seen=seen: seen.append(event.loss)])
        losses.append(seen)
        assert not any(one._forward_hooks or one._forward_pre_hooks for one in module.modules())
    assert losses[0] == losses[1]


def test_a_run_that_ends_early_leaves_no_profiler_open(tmp_path):
    module, watcher = build(LLAMA, seed=0), Profiler(tmp_path, warm=1, steps=50)
    loop.train(module, batch, CONFIG, listeners=[watcher])
    watcher.stop()
    assert watcher.profile is None and watcher.tool is None
    assert not any(one._forward_hooks for one in module.modules())
    with torch.profiler.profile():  # another one can begin
        torch.ones(1)


@pytest.mark.parametrize("config", [LLAMA, GPT2])
def test_parts_are_known_in_other_families(config):
    module = build(config, seed=0)
    parts = {part_of(name, one) for name, one in module.named_modules()}
    assert {"attention", "feed-forward", "embedding and norms", "head and loss"} <= parts
    with marks(module):
        module(torch.zeros(1, 4, dtype=torch.long))
