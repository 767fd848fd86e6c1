import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import groundup
from groundup import files
from groundup.data.pipeline.formats import write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import ConfigError, Diverged, Interrupted
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss

CONFIG = TrainConfig(steps=12, batch_size=4, seq_len=16, checkpoint_every=3, warmup_steps=2)


def weights(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def stop_after(count):
    calls = iter(range(1, 1000))
    return lambda: next(calls) == count


def test_the_loss_falls_on_something_that_can_be_learned(tiny, batches):
    module = tiny()
    first = loop.train(module, batches, TrainConfig(steps=1, batch_size=4, seq_len=16)).loss
    assert (
        loop.train(module, lambda step: batches(step % 4), TrainConfig(steps=60, batch_size=4, seq_len=16)).loss
        < 0.6 * first
    )


@pytest.mark.parametrize("stopped_at", [1, 3, 7, 11])
def test_a_stopped_run_goes_on_bit_for_bit(tiny, batches, tmp_path, stopped_at):
    whole = tiny()
    loop.train(whole, batches, CONFIG)
    with pytest.raises(Interrupted, match=f"after step {stopped_at} of 12 and saved; `again` goes on"):
        loop.train(tiny(), batches, CONFIG, folder=tmp_path, stop=stop_after(stopped_at), way_on="`again` goes on")
    resumed = tiny(seed=9)
    loop.train(resumed, batches, CONFIG, folder=tmp_path)
    assert same(weights(whole), weights(resumed))


def test_the_result_is_the_same_however_often_the_run_was_interrupted(tiny, batches, tmp_path):
    config = replace(CONFIG, steps=30)
    whole = loop.train(tiny(), batches, config)
    with pytest.raises(Interrupted):
        loop.train(tiny(), batches, config, folder=tmp_path, stop=stop_after(29))
    assert loop.train(tiny(), batches, config, folder=tmp_path).loss == whole.loss
    assert loop.train(tiny(), batches, config, folder=tmp_path).loss == whole.loss  # all steps are made already


def test_a_run_does_not_go_on_with_other_numbers(tiny, batches, tmp_path):
    loop.train(tiny(), batches, CONFIG, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"a run with learning_rate=0\.006 \(now 0\.1\); set it back"):
        loop.train(tiny(), batches, replace(CONFIG, learning_rate=0.1), folder=tmp_path)


def test_a_run_may_be_made_longer_and_kept_more_often(tiny, batches, tmp_path):
    loop.train(tiny(), batches, CONFIG, folder=tmp_path)
    longer = replace(CONFIG, steps=14, checkpoint_every=1, keep_checkpoints=5)
    told = []
    loop.train(tiny(), batches, longer, folder=tmp_path, listeners=[lambda event: told.append(event.step)])
    assert told == [13, 14]


def test_metrics_hold_every_step_once_after_a_resume(tiny, batches, tmp_path):
    path = tmp_path / "metrics.jsonl"
    with pytest.raises(RuntimeError):
        loop.train(tiny(), batches, CONFIG, folder=tmp_path, listeners=[loop.write_metrics(path), fail_at(8)])
    loop.train(tiny(), batches, CONFIG, folder=tmp_path, listeners=[loop.write_metrics(path)])
    assert [record["step"] for record in files.read_jsonl(path)] == list(range(1, 13))


def fail_at(step):
    def listen(event):
        if event.step == step:
            raise RuntimeError("a crash between two checkpoints")

    return listen


def test_resume_in_the_middle_of_the_second_epoch_sees_every_row_that_was_left(tmp_path):
    """A loader that skipped with epoch 0's order would show some rows twice and some never."""
    shards = write_shards(
        tmp_path / "shards", np.arange(1, 64 * 8 + 1) % 60, np.arange(65) * 8, start_id=0, text_bytes=1, vocab_size=64
    )
    loader = Loader(shards, seq_len=8, batch_size=4, seed=3)
    assert loader.rows_per_epoch == 64
    unbroken = [loader.chosen(step) for step in range(32)]
    resumed = Loader(shards, seq_len=8, batch_size=4, seed=3)
    assert [resumed.chosen(step) for step in range(21, 32)] == unbroken[21:]
    second = [row for step in unbroken[16:] for row in step]
    assert sorted(second) == [(0, row) for row in range(64)]
    assert second != [row for step in unbroken[:16] for row in step]


def test_a_loss_that_is_no_number_stops_the_run_with_the_way_out(tiny, batches):
    module = tiny()
    module.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(Diverged, match="loss of step 1 is nan.*--set train.matrix_learning_rate=0.01"):
        loop.train(module, batches, CONFIG)


def test_a_gradient_that_is_no_number_stops_the_run_before_it_reaches_the_weights(tiny, batches):
    module = tiny()
    module.model.norm.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weights(module)
    with pytest.raises(Diverged, match="gradient of step 1 is .*diverged; try --set"):
        loop.train(module, batches, CONFIG)
    assert same(before, weights(module))


def test_listeners_are_told_every_so_many_steps_and_at_the_end(tiny, batches):
    told = []
    loop.train(tiny(), batches, CONFIG, listeners=[loop.call_every(5, 12, lambda event: told.append(event.step))])
    assert told == [5, 10, 12]


CHILD = """
    import sys, torch
    from types import SimpleNamespace
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training import loop
    from groundup.training.config import TrainConfig
    torch.set_num_threads(2)
    module = build(Qwen3Config(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2), seed=0)
    def batch(number):
        ids = torch.randint(0, 64, (4, 17), generator=torch.Generator().manual_seed(number))
        return SimpleNamespace(input_ids=ids[:, :-1], targets=ids[:, 1:], loss_mask=torch.ones(4, 16, dtype=torch.bool),
                               document_ids=torch.zeros(4, 16, dtype=torch.int64), positions=torch.arange(16).expand(4, 16))
    told = lambda event: print(event.step, flush=True)
    loop.train(module, batch, TrainConfig(steps=30, batch_size=4, seq_len=16, checkpoint_every=2), folder=sys.argv[1], listeners=[told])
    import hashlib
    print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in module.parameters())).hexdigest())
"""


@pytest.mark.slow
def test_a_run_killed_at_several_moments_ends_with_the_same_weights(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD))

    environment = os.environ | {"GROUNDUP_QUIET": "1", "PYTHONPATH": str(Path(groundup.__file__).parents[1])}

    def start(folder):
        command = [sys.executable, str(script), str(folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    whole = start(tmp_path / "whole").communicate()[0].split()[-1]
    random = np.random.default_rng(0)
    for moment in (1, 6, 7, 19, 28):
        child = start(tmp_path / "killed")
        for line in child.stdout:
            if int(line) >= moment:
                break
        time.sleep(random.random() / 50)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert start(tmp_path / "killed").communicate()[0].split()[-1] == whole


# ───────── weights that are stored short ─────────


SMALL = replace(CONFIG, optimizer="adamw", learning_rate=6e-4, weight_decay=0.0, schedule="constant", warmup_steps=0)


def gains(module):
    return module.model.norm.weight.detach().float().clone()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_updates_smaller_than_the_spacing_of_stored_bf16_move_the_weights(tiny, batches, dtype):
    """A gain of 1 moved by 6e-4 would be 1 again after every step."""
    module = tiny().to(dtype)
    before = gains(module)
    loop.train(module, batches, SMALL)
    moved = (gains(module) - before).abs()
    assert (moved > 0).all() and 1e-4 < moved.max() <= 12 * 6.1e-4
    assert module.compute_dtype == dtype and module(torch.tensor([[1, 2]])).dtype == dtype
    assert {one.dtype for one in module.parameters()} == {torch.float32}


def test_masters_of_stored_bf16_survive_a_resume_bit_for_bit(tiny, batches, tmp_path):
    def short(seed=0):
        return tiny(seed, tie_word_embeddings=True).to(torch.bfloat16)

    whole, resumed = short(), short(seed=9)
    loop.train(whole, batches, SMALL)
    with pytest.raises(Interrupted):
        loop.train(short(), batches, SMALL, folder=tmp_path, stop=stop_after(7))
    loop.train(resumed, batches, SMALL, folder=tmp_path)
    assert same(weights(whole), weights(resumed)) and resumed.lm_head.weight is resumed.model.embed_tokens.weight
    kept = groundup.load(tmp_path / "checkpoints" / "step-000012", tokenizer=False).module
    assert same(weights(whole), weights(kept)), "the file holds the masters"


def test_frozen_weights_stay_as_they_are_stored(tiny, batches):
    module = tiny().to(torch.bfloat16)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_("layers.1" in name)
    loop.train(module, batches, replace(SMALL, steps=2))
    stored = {name: parameter.dtype for name, parameter in module.named_parameters()}
    assert all(dtype == (torch.float32 if "layers.1" in name else torch.bfloat16) for name, dtype in stored.items())


def test_a_run_whose_every_step_was_skipped_did_not_succeed(tiny, batches):
    def broken(module, batch):
        loss, count = causal_loss(module, batch)
        return loss * float("nan"), count

    config = replace(CONFIG, steps=3, on_spike="skip")
    with pytest.raises(Diverged, match="none of 3 steps was taken.*training diverged; try --set"):
        loop.train(tiny(), batches, config, objective=broken)
