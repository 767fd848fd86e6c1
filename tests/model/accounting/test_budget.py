"""Bytes by part against what torch's allocator gave out, and against the resident size of fresh processes."""

import dataclasses
import json
import os
import subprocess
import sys
from typing import get_args

import pytest
import torch

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import Inference, Layout, Lora, Training, count, memory
from groundup.model.accounting.budget import cache_bytes, share
from groundup.model.accounting.use import OPTIMIZERS
from groundup.model.architectures import FAMILIES, build
from groundup.training.config import OptimizerName, TrainConfig
from groundup.training.objectives.causal import loss_of_targets
from groundup.training.optimizers import build_optimizer
from groundup.training.step.activation_checkpointing import offloading, recomputing

WIDE = dict(
    vocab_size=4096, hidden_size=256, intermediate_size=704, num_hidden_layers=4, num_attention_heads=4, head_dim=64
)
SHAPES = {
    "activations": ("llama", WIDE, Training(batch=8, seq_len=256)),
    "weights": ("llama", WIDE | dict(hidden_size=512, intermediate_size=1408), Training(batch=1, seq_len=32)),
    "vocabulary": ("llama", WIDE | dict(vocab_size=32_000, num_hidden_layers=1), Training(batch=2, seq_len=128)),
    "muon": ("qwen3", WIDE | dict(tie_word_embeddings=True), Training(batch=4, seq_len=128, optimizer="muon")),
    "short": ("qwen3", WIDE, Training(batch=4, seq_len=256, dtype="bfloat16")),
    "gpt2": ("gpt2", WIDE | dict(intermediate_size=1024, head_dim=0), Training(batch=4, seq_len=256)),
}


def step(config, use):
    """A function that makes one training step of a module that exists already."""
    module = build(config, seed=0)
    module.compute_dtype = getattr(torch, use.dtype)
    optimizer = build_optimizer(module, TrainConfig(optimizer=use.optimizer))
    text = torch.randint(0, config.vocab_size, (use.batch, use.seq_len), generator=torch.Generator().manual_seed(0))

    def run():
        loss = loss_of_targets(module.lm_head, module.hidden(text).flatten(0, 1), text.flatten())
        (loss / use.tokens).backward()
        optimizer.step()
        module.zero_grad(set_to_none=True)

    return module, run


@pytest.mark.parametrize("name", SHAPES)
def test_a_training_step_within_a_tenth_of_what_the_allocator_gives_out(allocated, name):
    family, sizes, use = SHAPES[name]
    config = FAMILIES[family][0](**sizes)
    _, run = step(config, use)
    run()  # the optimiser's numbers are there
    found = memory(config, use)
    before = found.parts["weights"] + found.parts["optimiser state"]
    assert before + allocated(run) == pytest.approx(found.total, rel=0.1), found


@pytest.mark.parametrize("mode", ["checkpointing", "offload"])
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("family, dtype", [("llama", "float32"), ("llama", "bfloat16"), ("gpt2", "float32")])
def test_blocks_that_keep_less_within_a_tenth(allocated, mode, every, family, dtype):
    sizes = WIDE | (dict(head_dim=0, intermediate_size=1024) if family == "gpt2" else {})
    config, plain = FAMILIES[family][0](**sizes), Training(batch=8, seq_len=256, dtype=dtype)
    use = dataclasses.replace(plain, **{mode: True, "every": every})
    module, run = step(config, use)
    with (recomputing if mode == "checkpointing" else offloading)(module, every):
        run()
        found = memory(config, use)
        before = found.parts["weights"] + found.parts["optimiser state"]
        assert before + allocated(run) == pytest.approx(found.total, rel=0.1), found
    assert found.total < (0.65 if every == 1 else 0.85) * memory(config, plain).total


@torch.no_grad()
@pytest.mark.parametrize("family, batch, read", [("llama", 8, 256), ("gpt2", 4, 512), ("qwen3", 1, 512)])
def test_reading_within_a_tenth_of_what_the_allocator_gives_out(allocated, family, batch, read):
    config = FAMILIES[family][0](**WIDE | (dict(head_dim=0, intermediate_size=1024) if family == "gpt2" else {}))
    module, use = build(config, seed=0), Inference(batch=batch, context=read + 1, prompt=read)
    text = torch.zeros(batch, read, dtype=torch.long)

    def run():
        cache = KVCache.of(module, batch, read + 1)
        module.lm_head(module.hidden(text, cache=cache)[:, -1])

    run()
    found = memory(config, use)
    assert found.parts["weights"] + allocated(run) == pytest.approx(found.total, rel=0.1), found


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("context", [10, 70, 300])
def test_the_cache_is_as_large_as_the_real_one(family, context):
    sizes = WIDE | dict(num_hidden_layers=6) | (dict(sliding_window=40) if family != "llama" else {})
    config = FAMILIES[family][0](**sizes)
    cache = KVCache.of(build(config, device="meta"), batch=3, capacity=context)
    held = sum(tensor.nbytes for tensor in cache.keys + cache.values)
    assert cache_bytes(config, context, batch=3) == held


@pytest.mark.parametrize(
    "family, changes", [("llama", {}), ("gpt2", dict(head_dim=0)), ("qwen3", dict(tie_word_embeddings=True))]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizers_state_is_as_large_as_the_real_one(optimizer, family, changes):
    config = FAMILIES[family][0](**WIDE | changes)
    name, _, form = optimizer.partition("_")
    chosen = TrainConfig(optimizer=name, optimizer_state=form or None)
    state = build_optimizer(build(config, seed=0), chosen).state()
    held = sum(tensor.nbytes for tensor in state.values() if tensor.dim())
    found = memory(config, Training(optimizer=optimizer)).moments["in the optimiser's step"].get("optimiser state", 0)
    # vectors and other small tensors stay in fp32: under a hundredth
    assert found == (pytest.approx(held, rel=0.01) if form else held)


def test_the_table_names_what_a_run_can_ask_for():
    forms = {f"{name}_{form}" for name in ("adamw", "muon") for form in ("bf16", "8bit")}
    assert set(OPTIMIZERS) == set(get_args(OptimizerName)) | forms


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_gradients_and_state_are_those_of_the_real_ones(optimizer):
    config = FAMILIES["qwen3"][0](**WIDE)
    module = build(config, seed=0)
    state = build_optimizer(module, TrainConfig(optimizer=optimizer)).state()
    numbers = sum(tensor.numel() for tensor in state.values() if tensor.dim())
    found = memory(config, Training(optimizer=optimizer)).moments["in the optimiser's step"]
    assert found["optimiser state"] == 4 * numbers
    assert found["weights"] == found["gradients"] == 4 * sum(parameter.numel() for parameter in module.parameters())


def llama(**changes):
    return FAMILIES["llama"][0](**WIDE | changes)


def test_the_parts_of_a_layout_add_up_to_the_whole():
    config, use = llama(num_key_value_heads=4), Training(batch=1, seq_len=64)
    whole = memory(config, use).moments["in the optimiser's step"]
    for layout in (Layout(data=8, zero=3), Layout(tensor=4), Layout(data=4, zero=3, tensor=2)):
        part = memory(config, use, layout).moments["in the optimiser's step"]
        for name in ("weights", "gradients", "optimiser state"):
            assert layout.devices * part[name] == pytest.approx(whole[name], rel=0.01), (layout, name)
    first = share(config, Layout(pipeline=2))
    assert 2 * first.matrices == share(config, Layout()).matrices


def test_each_stage_of_zero_shares_out_one_thing_more():
    config, use = llama(), Training(batch=1, seq_len=64)
    weights = 4 * count(config).parameters
    found = [memory(config, use, Layout(data=4, zero=stage)).moments["in the optimiser's step"] for stage in range(4)]
    for stage, parts in enumerate(found):
        assert parts["optimiser state"] == pytest.approx(2 * weights / (4 if stage >= 1 else 1), rel=1e-6)
        assert parts["gradients"] == pytest.approx(weights / (4 if stage >= 2 else 1), rel=1e-6)
        assert parts["weights"] == pytest.approx(weights / (4 if stage >= 3 else 1), rel=1e-6)


def test_lora_needs_no_state_for_what_is_frozen():
    config, use = llama(), Training(batch=1, seq_len=64, lora=Lora(rank=8))
    found, full = memory(config, use), memory(config, Training(batch=1, seq_len=64))
    thin = 8 * 4 * 2 * (256 + 256)  # rank, blocks, two targets, what each reads and writes
    assert found.parts["optimiser state"] == 8 * thin and found.total < 0.6 * full.total
    eight = memory(config, Training(batch=1, seq_len=64, optimizer="adamw_8bit")).parts["optimiser state"]
    assert eight == pytest.approx(full.parts["optimiser state"] * 0.254, rel=0.01)


@pytest.mark.parametrize(
    "layout, said",
    [(Layout(tensor=3), "tensor=3 cannot share 4 heads"), (Layout(pipeline=5), "pipeline=5 has more stages")],
)
def test_a_layout_by_which_the_model_cannot_be_divided_is_refused(layout, said):
    with pytest.raises(ConfigError, match=said):
        memory(llama(), Training(), layout)


RESIDENT = """
import json, sys
import torch
from groundup.model.architectures import FAMILIES, build
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.runs.resources import Meter
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import loss_of_targets
from groundup.training.optimizers import build_optimizer

torch.set_num_threads(1)
told = json.loads(sys.argv[1])


def train(sizes, batch, seq_len, steps):
    module = build(FAMILIES["llama"][0](**sizes), seed=0)
    optimizer = build_optimizer(module, TrainConfig(optimizer="adamw"))
    text = torch.randint(0, 90, (batch, seq_len))
    for _ in range(steps):
        loss = loss_of_targets(module.lm_head, module.hidden(text).flatten(0, 1), text.flatten())
        (loss / text.numel()).backward()
        optimizer.step()
        module.zero_grad(set_to_none=True)


def write(sizes, batch, prompt, context):
    module = build(FAMILIES["llama"][0](**sizes), seed=0)
    generate_batch(module, [[1 + row] * prompt for row in range(batch)], SamplingConfig(max_new_tokens=context - prompt, temperature=0))


small = dict(vocab_size=128, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1)
train(small, 2, 64, 2)
write(small, 2, 4, 8)
meter = Meter()
train(told["sizes"], told["batch"], told["seq_len"], 3) if "seq_len" in told else write(told["sizes"], *told["write"])
cost = meter.stop()
print(cost.peak_memory_bytes - cost.start_memory_bytes)
"""


def resident(**told):
    """The most that a fresh process holds over what it held before, libraries warm.

    The C library gives back at once what is freed: left to itself it kept up to half as much again for what comes next.
    """
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RESIDENT, json.dumps(told)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process can be put back only on Linux")
@pytest.mark.parametrize("sizes, batch, seq_len", [
    (WIDE, 16, 256), (WIDE | dict(hidden_size=768, intermediate_size=2048, num_attention_heads=12), 1, 64),
    (WIDE | dict(vocab_size=16_384), 8, 256),
])  # fmt: skip
def test_training_within_a_tenth_of_the_resident_size_of_a_fresh_process(sizes, batch, seq_len):
    found = memory(FAMILIES["llama"][0](**sizes), Training(batch=batch, seq_len=seq_len))
    assert found.total == pytest.approx(resident(sizes=sizes, batch=batch, seq_len=seq_len), rel=0.1), found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process can be put back only on Linux")
@pytest.mark.parametrize("batch, prompt, context", [(8, 384, 448), (64, 32, 96)])
def test_writing_within_a_tenth_of_the_resident_size_of_a_fresh_process(batch, prompt, context):
    sizes = WIDE | dict(hidden_size=512, intermediate_size=1408, num_attention_heads=8)
    found = memory(FAMILIES["llama"][0](**sizes), Inference(batch=batch, context=context, prompt=prompt))
    assert found.total == pytest.approx(resident(sizes=sizes, write=[batch, prompt, context]), rel=0.1), found
