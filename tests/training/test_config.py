import math

import pytest

from groundup.errors import ConfigError
from groundup.training.config import TrainConfig


@pytest.mark.parametrize(
    "name, value",
    [
        ("steps", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("matrix_learning_rate", -1.0),
        ("warmup_steps", -1),
        ("beta2", 1.0),
        ("decay_fraction", 0.0),
        ("weight_decay", -0.1),
        ("ema_decay", 1.0),
        ("spike_factor", 0.0),
        ("score_every", -1),
        ("batch_ramp_steps", -1),
    ],
)
def test_an_impossible_number_is_refused_by_name_with_the_way_out(name, value):
    with pytest.raises(ConfigError, match=f"{name}={value}.*; use|{name}={value}.*use a number"):
        TrainConfig(**{name: value})


def test_a_mistyped_optimizer_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="optimizer='loin' is not known; did you mean 'lion'?"):
        TrainConfig(optimizer="loin")
    with pytest.raises(ConfigError, match="optimizer='x' is not known; use one of adafactor, adam, adamw"):
        TrainConfig(optimizer="x")


def test_short_states_are_for_adamw_alone():
    with pytest.raises(ConfigError, match="and lion keeps others; use optimizer = 'adamw' or 'muon'"):
        TrainConfig(optimizer="lion", optimizer_state="8bit")
    with pytest.raises(ConfigError, match="optimizer_state='4bit' is not known; use 'bf16', '8bit'"):
        TrainConfig(optimizer="adamw", optimizer_state="4bit")


def test_a_step_counts_the_tokens_of_all_its_batches():
    assert TrainConfig(batch_size=3, seq_len=5, gradient_accumulation_steps=2).tokens_per_step == 30


def test_an_unknown_policy_for_spikes_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="on_spike='jump' is not known; use 'off', 'skip', 'rollback' or 'stop'"):
        TrainConfig(on_spike="jump")


def test_a_growing_batch_makes_a_run_of_fewer_tokens():
    assert (
        TrainConfig(steps=10, batch_size=1, seq_len=1, gradient_accumulation_steps=4, batch_ramp_steps=8).tokens == 28
    )
    assert TrainConfig(steps=10, batch_size=2, seq_len=3).tokens == 60


@pytest.mark.parametrize("other", [{"batch_ramp_steps": 5}, {"objective": "contrastive"}])
def test_a_step_that_depends_on_its_division_is_not_divided_by_the_memory(other):
    with pytest.raises(ConfigError, match="largest_batch = true divides .*; set batch_size"):
        TrainConfig(largest_batch=True, **other)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["learning_rate", "matrix_learning_rate", "weight_decay", "max_grad_norm"])
def test_what_is_no_finite_number_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"{name}={value} is no finite number; use one such as"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "word", "meant"), [("schedule", "cosin", "cosine"), ("initialization", "scale", "scaled")]
)
def test_a_mistyped_word_is_refused_before_the_run_with_the_nearest(name, word, meant):
    with pytest.raises(ConfigError, match=f"{name}='{word}' is not known; did you mean '{meant}'?"):
        TrainConfig(**{name: word})
    with pytest.raises(ConfigError, match=f"{name}='x' is not known; use one of .*{meant}"):
        TrainConfig(**{name: "x"})


def test_a_batch_that_has_nothing_to_grow_to_is_refused():
    with pytest.raises(ConfigError, match="batch_ramp_steps=5 lets .* which is 1; use 2 or more"):
        TrainConfig(batch_ramp_steps=5)
