"""Spikes in a whole run: what each policy leaves of it, and that a stopped run ends as the unbroken one."""

import math
from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.errors import Diverged, Interrupted
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss

CONFIG = TrainConfig(
    steps=40,
    batch_size=4,
    seq_len=16,
    checkpoint_every=10,
    warmup_steps=2,
    learning_rate=0.002,
    matrix_learning_rate=0.005,
)
BAD = 33  # the batch with which something is wrong


def poisoned(batches, how="loss", at=(BAD,)):
    """Batches of which some make a wild loss, or a NaN."""

    def batch(number):
        made = batches(number % 8)
        made.factor = {"loss": 40.0, "nan": math.nan}[how] if number in at else 1.0
        return made

    return batch


def weighted(module, batch):
    loss, count = causal_loss(module, batch)
    return loss * batch.factor, count


def run(module, batches, config, how="loss", at=(BAD,), **more):
    return loop.train(module, poisoned(batches, how, at), config, objective=weighted, **more)


def weights(module):
    return {name: tensor.detach().clone() for name, tensor in module.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def without(batches, gone):
    """The batches with some left out, the later ones moved forward."""
    numbers = [number for number in range(99) if number not in gone]
    return lambda step: batches(numbers[step])


def stop_after(count):
    calls = iter(range(1, 1000))
    return lambda: next(calls) == count


@pytest.mark.parametrize("how", ["loss", "nan"])
def test_a_skipped_batch_leaves_no_trace_in_weights_and_optimiser(tiny, batches, how):
    """After the odd step the weights are those before it, bit for bit; the next step moves on."""
    module, seen, kept = tiny(), [], {}

    def listen(event):
        seen.append(event)
        kept[event.step] = weights(event.module)

    result = run(module, batches, replace(CONFIG, on_spike="skip"), how, listeners=[listen])
    assert [event.step for event in seen if event.skipped] == [BAD + 1]
    assert same(kept[BAD], kept[BAD + 1]) and not same(kept[BAD + 1], kept[BAD + 2])
    assert [event.step for event in seen] == list(range(1, 41)) and math.isfinite(result.loss)


@pytest.mark.parametrize("how", ["loss", "nan"])
def test_a_rollback_ends_as_a_run_that_never_had_the_batches_since_the_last_checkpoint(tiny, batches, how, capsys):
    """Step 34 stands out, the state is that after step 30: batches 30 to 33 are not read again."""
    back, clean, told = tiny(), tiny(), []
    config = replace(CONFIG, on_spike="rollback")
    run(back, batches, config, how, listeners=[lambda event: told.append(event.step)])
    run(clean, without(poisoned(batches, how), range(30, 34)), config, at=())
    assert told == [*range(1, 34), *range(31, 41)]
    said = "step 34 stood out: back to the state after step 30; 4 steps' batches are left out"
    assert said in capsys.readouterr().err
    loop.train(clean := tiny(), without(poisoned(batches, how), range(30, 34)), config, objective=weighted)
    assert same(weights(back), weights(clean))


@pytest.mark.parametrize("policy", ["skip", "rollback"])
@pytest.mark.parametrize("stopped_at", [12, 33, 36])
def test_a_stopped_run_with_spikes_goes_on_bit_for_bit(tiny, batches, tmp_path, policy, stopped_at):
    config, at = replace(CONFIG, on_spike=policy, ema_decay=0.9, optimizer="adamw"), (BAD, 40)
    whole, resumed, path = tiny(), tiny(seed=9), tmp_path / "metrics.jsonl"
    unbroken = run(whole, batches, config, at=at)
    writing = {"folder": tmp_path, "listeners": [loop.write_metrics(path)]}
    with pytest.raises(Interrupted):
        run(tiny(), batches, config, at=at, stop=stop_after(stopped_at), **writing)
    result = run(resumed, batches, config, at=at, **writing)
    assert same(weights(whole), weights(resumed)) and result.loss == unbroken.loss
    assert same(unbroken.average.means, result.average.means)
    assert [record["step"] for record in files.read_jsonl(path)] == list(range(1, 41)), "undone steps are cut out"


def test_a_batch_that_grows_is_stopped_resumed_and_rolled_back_alike(tiny, batches, tmp_path):
    """One batch a step at first, three from step 21 on; what a step reads is a function of its number and of what was left out."""
    config = replace(CONFIG, on_spike="rollback", gradient_accumulation_steps=3, batch_ramp_steps=20, optimizer="adamw")
    at, whole, resumed, read = (80, 81), tiny(), tiny(seed=9), []

    def noted(number):
        read.append(number)
        return poisoned(batches, at=at)(number)

    loop.train(whole, noted, config, objective=weighted)
    assert read == list(range(len(read))), "each batch once, whatever was undone"
    assert config.tokens == (1 * 6 + 2 * 7 + 3 * 27) * 64
    with pytest.raises(Interrupted):
        run(tiny(), batches, config, at=at, folder=tmp_path, stop=stop_after(27))
    run(resumed, batches, config, at=at, folder=tmp_path)
    assert same(weights(whole), weights(resumed))


def test_the_run_is_stopped_before_the_spike_reaches_the_weights(tiny, batches):
    module, kept = tiny(), {}
    with pytest.raises(
        Diverged, match="the loss of step 34 is .* is normal: a spike; try --set .* or --set train.on_spike=rollback"
    ):
        run(
            module,
            batches,
            replace(CONFIG, on_spike="stop"),
            listeners=[lambda event: kept.update({event.step: weights(event.module)})],
        )
    assert same(kept[BAD], weights(module))


def test_without_a_policy_a_spike_is_taken_like_any_step(tiny, batches):
    off, watched = tiny(), tiny()
    run(off, batches, CONFIG)
    run(watched, batches, replace(CONFIG, on_spike="skip", spike_factor=1e9))
    assert same(weights(off), weights(watched)), "a policy that finds nothing changes nothing"


def test_a_batch_that_is_always_odd_stops_the_run_in_the_end(tiny, batches):
    with pytest.raises(Diverged, match="4 rollbacks to one state did not help, and the loss of step 31 is"):
        run(tiny(), batches, replace(CONFIG, on_spike="rollback"), at=range(30, 99))


def test_a_rate_that_diverges_is_said_early_and_once(tiny, batches, capsys):
    wild = replace(
        CONFIG, learning_rate=3.0, matrix_learning_rate=3.0, steps=60, max_grad_norm=0.0, schedule="constant"
    )
    loop.train(tiny(), batches, wild)
    said = [line for line in capsys.readouterr().err.splitlines() if "above its beginning" in line]
    assert len(said) == 1 and "--set train.matrix_learning_rate=1.5" in said[0]
    loop.train(tiny(), batches, CONFIG)
    assert "above its beginning" not in capsys.readouterr().err


def test_a_clock_that_jumps_changes_nothing(tiny, batches, monkeypatch):
    """Time is read from a clock that cannot be set; the day's clock is not asked."""
    import time

    monkeypatch.setattr(time, "time", lambda: -1e9)
    seen = []
    loop.train(tiny(), batches, replace(CONFIG, steps=3), listeners=[seen.append])
    assert all(0 <= event.seconds < 600 for event in seen)
