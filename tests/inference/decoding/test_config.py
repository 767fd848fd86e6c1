"""What may be asked of the sampler, and how it says no."""

import pytest

from groundup.errors import ConfigError
from groundup.inference.decoding.config import SamplingConfig, from_generation_config


@pytest.mark.parametrize(
    "asked",
    [
        dict(temperature=-1.0),
        dict(top_p=0.0),
        dict(top_p=1.5),
        dict(min_p=2.0),
        dict(top_k=-3),
        dict(repetition_penalty=0.0),
        dict(max_new_tokens=0),
        dict(stop=("",)),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_one_that_can(asked):
    name = next(iter(asked))
    with pytest.raises(ConfigError, match=rf"^{name}=.* is not possible; use ."):
        SamplingConfig(**asked)


def test_one_stop_string_may_stand_alone():
    assert SamplingConfig(stop="END").stop == ("END",) and SamplingConfig(stop=["a", "b"]).stop == ("a", "b")


def test_a_generation_config_without_do_sample_is_greedy_as_in_transformers():
    assert from_generation_config({"temperature": 0.6, "top_k": 20, "eos_token_id": 3}).greedy
    drawn = from_generation_config({"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": None})
    assert (drawn.temperature, drawn.top_k, drawn.top_p) == (0.6, 20, 1.0)
