"""A step on a published chip: which bound it meets, by numbers that can be checked by hand."""

import pytest

from groundup.errors import ConfigError
from groundup.machine.probe.accelerators import accelerator
from groundup.model.accounting.accounting import count
from groundup.model.accounting.steps import step_on
from groundup.model.architectures.llama import LlamaConfig

SEVEN = LlamaConfig(vocab_size=32000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32,
                    num_key_value_heads=32, tie_word_embeddings=False)  # fmt: skip
A100 = accelerator("a100")


def test_one_token_waits_for_the_weights():
    found = step_on(A100, SEVEN, "decode", seq_len=1)
    read = 2 * (count(SEVEN).parameters - count(SEVEN).embedding_parameters)
    assert found.times.bound == "memory" and found.fits
    assert found.times.seconds == pytest.approx(read / 2.039e12, rel=0.01)


def test_a_batch_at_the_ridge_waits_for_both():
    rows = round(A100.ridge())  # 2 operations for 2 bytes a row and weight
    found = step_on(A100, SEVEN, "decode", batch=rows, seq_len=1)
    assert found.times.compute == pytest.approx(found.times.memory, rel=0.1)


def test_training_and_reading_multiply():
    train = step_on(A100, SEVEN, "train", batch=1, seq_len=2048)
    prefill = step_on(A100, SEVEN, "prefill", batch=1, seq_len=2048)
    assert train.times.bound == prefill.times.bound == "compute"
    assert train.times.compute == pytest.approx(3 * prefill.times.compute, rel=1e-3)  # which counts the norms
    assert train.times.compute == pytest.approx(6 * count(SEVEN).matrix_parameters * 2048 / 312e12, rel=0.1)
    assert train.fits is False, "16 bytes for each of 6.7 billion weights are more than 80 GB"


def test_copies_of_the_model_sum_their_gradients_over_the_link():
    found = step_on(A100, SEVEN, "train", devices=8)
    assert found.times.link == pytest.approx(2 * 7 / 8 * 2 * count(SEVEN).parameters / 300e9)
    assert found.tokens == 8 * 1024
    one_row = step_on(accelerator("l4"), SEVEN, "train", devices=64, seq_len=128)
    assert one_row.times.bound == "link", "few tokens a step over PCIe"


def test_shared_out_matrices_are_read_in_parts_and_sum_up_twice_a_block():
    alone, eight = (step_on(A100, SEVEN, "decode", devices=devices) for devices in (1, 8))
    assert eight.times.memory == pytest.approx(alone.times.memory / 8)
    assert eight.times.link == pytest.approx(2 * 32 * 2 * 7 / 8 * 2 * 4096 / 300e9)
    assert step_on(A100, SEVEN, "decode", devices=8, latency_s=5e-6).times.bound == "link", "14 messages, 64 times"


def test_what_cannot_be_timed_is_said():
    with pytest.raises(ConfigError, match="'sleep' is no step that is counted; use one of train, prefill, decode"):
        step_on(A100, SEVEN, "sleep")
    with pytest.raises(ConfigError, match="use 1 or more of each"):
        step_on(A100, SEVEN, "train", devices=0)
    with pytest.raises(ConfigError, match="the width of 'fp7' is not known; use one of float64, float32"):
        step_on(A100, SEVEN, "train", dtype="fp7")
    with pytest.raises(ConfigError, match="of Google TPU v4 no bandwidth between chips is stated; ask for devices=1"):
        step_on(accelerator("tpu-v4"), SEVEN, "train", devices=2)
    assert step_on(A100, SEVEN, "decode", dtype="bf16").times.seconds > 0
