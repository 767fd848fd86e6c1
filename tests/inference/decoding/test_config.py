"""What may be asked of the sampler, and how it says no."""

import pytest

from groundup.errors import ConfigError
from groundup.inference.decoding.config import SamplingConfig, from_generation_config, wants_the_prompt


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
        dict(typical_p=0.0),
        dict(frequency_penalty=2.5),
        dict(presence_penalty=float("nan")),
        dict(temperature=float("nan")),
        dict(temperature=float("inf")),
        dict(temperature=1e-40),
        dict(repetition_penalty=1e-40),
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


def test_an_order_that_cannot_be_says_what_can():
    with pytest.raises(ConfigError, match="'top_z' is no step; name repetition_penalty, "):
        SamplingConfig(order=("top_z",))
    with pytest.raises(ConfigError, match="top_k stands there twice; name each step once"):
        SamplingConfig(order=("top_k", "top_k"))
    with pytest.raises(ConfigError, match="min_p=0.1 is not in order=.*; name it there, or leave it out"):
        SamplingConfig(min_p=0.1, order=("temperature",))


def test_only_what_is_switched_on_is_a_step_and_greedy_keeps_penalties_and_functions():
    def mine(logits, ids):
        return logits

    drawn = SamplingConfig(top_k=3, presence_penalty=0.5, order=("top_k", mine, "presence_penalty", "temperature"))
    assert drawn.steps == ("top_k", mine, "presence_penalty") and drawn.reads_the_text
    assert not SamplingConfig(top_k=3).reads_the_text
    greedy = SamplingConfig(top_k=3, presence_penalty=0.5, temperature=0, order=("top_k", mine, "presence_penalty"))
    assert greedy.steps == (mine, "presence_penalty")


def test_typical_p_of_a_generation_config_is_read():
    assert from_generation_config({"do_sample": True, "typical_p": 0.9}).typical_p == 0.9


def test_one_step_may_stand_alone_as_a_name_or_a_function():
    def mine(logits, ids):
        return logits

    assert SamplingConfig(order="top_k").order == ("top_k",) and SamplingConfig(order=mine).order == (mine,)


def test_a_step_is_told_of_the_prompt_where_it_takes_a_third_argument():
    class Mine:
        def __call__(self, logits, ids, prompt):
            return logits

    assert wants_the_prompt(Mine()) and wants_the_prompt(lambda logits, ids, prompt: logits)
    for other in (lambda logits, ids: logits, lambda logits, ids, strength=2.0: logits, lambda *all: all[0], max):
        assert not wants_the_prompt(other)
