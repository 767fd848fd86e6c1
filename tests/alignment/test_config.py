import pytest

from groundup.alignment.config import GrpoConfig
from groundup.errors import ConfigError


@pytest.mark.parametrize(
    "changes, way_out",
    [
        ({"samples_per_prompt": 1}, "use 2 or more"),
        ({"steps": 0}, "use 1 or more"),
        ({"prompts_per_step": 4, "updates_per_step": 5}, "use 4 or less"),
        ({"temperature": 0.0}, "use a number above 0"),
        ({"clip_low": 1.0}, "use 0.2 and 0.28"),
        ({"kl_coefficient": -1.0}, "use 0, or a small number"),
        ({"learning_rate": 0.0}, "use a number above 0"),
    ],
)
def test_an_impossible_number_is_refused_with_the_way_out(changes, way_out):
    with pytest.raises(ConfigError, match=way_out):
        GrpoConfig(**changes)


def test_a_short_run_reaches_its_peak_rate():
    training = GrpoConfig(steps=4, updates_per_step=2, warmup_steps=30).training()
    assert (training.steps, training.warmup_steps) == (8, 4)


def test_every_update_is_a_step_of_the_training_loop():
    config = GrpoConfig(steps=5, updates_per_step=4, checkpoint_every=2, warmup_steps=1).training()
    assert (config.steps, config.checkpoint_every, config.warmup_steps) == (20, 8, 4)
