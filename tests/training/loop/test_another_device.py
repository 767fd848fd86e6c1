"""Training and writing on a device that is not the processor: every tensor that a step makes is made where the weights are.

No card is needed: `tests/another_device.py` plays one, which refuses to mix as a card does. Losses and tokens are those of the processor.
"""

import dataclasses
import importlib.util
from pathlib import Path

import pytest
import torch

from groundup.errors import Interrupted
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss, mean_loss
from groundup.training.step import choose_dtype
from groundup.training.step.float8 import multiply_in_float8

_spec = importlib.util.spec_from_file_location("another_device", Path(__file__).parents[2] / "another_device.py")
another = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(another)
moved, other_device, NAME = another.moved, another.other_device, another.NAME

CONFIG = TrainConfig(steps=2, batch_size=4, seq_len=16, optimizer="adamw", learning_rate=0.003, warmup_steps=1)


@pytest.fixture
def there():
    """Within the test there is the other device."""
    with other_device():
        yield


def losses(module, batches, config=CONFIG, **how):
    seen = []
    loop.train(module, batches, config, listeners=[lambda event: seen.append(event.loss)], **how)
    return seen


def test_what_does_not_lie_together_does_not_mix(there):
    far, near = torch.ones(2, device=NAME), torch.ones(2)
    with pytest.raises(RuntimeError, match="same device"):
        far + near
    assert (far + near.to(NAME)).cpu().tolist() == [2.0, 2.0] and (far * torch.tensor(2.0)).sum().item() == 4.0


@pytest.mark.parametrize(
    "changes",
    [
        dict(optimizer="muon", ema_decay=0.9),
        dict(activation_checkpointing="layers", z_loss=1e-3),
        pytest.param(dict(optimizer="adafactor"), marks=pytest.mark.slow),
        pytest.param(dict(optimizer="lion"), marks=pytest.mark.slow),
        pytest.param(dict(activation_checkpointing="offload"), marks=pytest.mark.slow),
        pytest.param(dict(on_spike="rollback", gradient_accumulation_steps=2), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_the_loop_gives_the_processors_losses(tiny, batches, changes, there):
    config = dataclasses.replace(CONFIG, **changes)
    assert losses(moved(tiny()), batches, config) == pytest.approx(losses(tiny(), batches, config), rel=1e-5)


@pytest.mark.parametrize(
    "dtype, short",
    [
        (torch.bfloat16, True),
        pytest.param(torch.bfloat16, False, marks=pytest.mark.slow),
        pytest.param(torch.float16, False, marks=pytest.mark.slow),
    ],
)
def test_shorter_formats_train_there(tiny, batches, dtype, short, there):
    module, same = moved(tiny()), tiny()
    for one in (module, same):
        one.compute_dtype = dtype
        if short:
            multiply_in_float8(one)
    assert losses(module, batches) == pytest.approx(losses(same, batches), rel=0.01)


def test_a_stopped_run_goes_on_with_the_losses_it_would_have_had(tiny, batches, tmp_path, there):
    whole = losses(moved(tiny()), batches)
    with pytest.raises(Interrupted):
        losses(moved(tiny()), batches, folder=tmp_path, stop=lambda: True)
    assert losses(moved(tiny(seed=5)), batches, folder=tmp_path) == whole[1:]


def test_packed_rows_measures_and_the_choice_of_a_format(tiny, batches, there):
    batch = batches(0)
    batch.document_ids = (torch.arange(16) > 7).long().expand(4, 16)
    assert mean_loss(moved(tiny()), [batch]) == pytest.approx(mean_loss(tiny(), [batch]), rel=1e-6)
    assert choose_dtype(moved(tiny()), batch, causal_loss, 1) in ("float32", "bfloat16")


@pytest.mark.parametrize(
    "drawing", [dict(temperature=0.0), dict(top_k=5), dict(top_p=0.9, repetition_penalty=1.2), dict(min_p=0.1)], ids=str
)
def test_the_same_tokens_are_written_there(tiny, drawing, there):
    sampling = SamplingConfig(**({"max_new_tokens": 5, "temperature": 1.0, "seed": 1} | drawing))
    prompts = [[1, 2, 3], [4, 5], [6, 7, 8, 9], [1, 2, 3]]
    far, near = (generate_batch(module, prompts, sampling) for module in (moved(tiny()), tiny()))
    assert [one.ids for one in far] == [one.ids for one in near]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_trains_stops_goes_on_and_writes(tiny, batches, tmp_path):
    expected, whole = losses(tiny(), batches), losses(tiny().to("cuda"), batches)
    assert whole == pytest.approx(expected, rel=1e-4)
    with pytest.raises(Interrupted):
        losses(tiny().to("cuda"), batches, folder=tmp_path, stop=lambda: True)
    assert losses(tiny(seed=5).to("cuda"), batches, folder=tmp_path) == pytest.approx(whole[1:], rel=1e-6)
    sampling = SamplingConfig(max_new_tokens=12, temperature=0.0)
    far, near = (generate_batch(module, [[1, 2, 3], [4, 5]], sampling) for module in (tiny().to("cuda"), tiny()))
    assert [one.ids for one in far] == [one.ids for one in near]
