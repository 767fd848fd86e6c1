import subprocess
import sys

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.loop.dial import DEEPEST, dial, parameters

DEPTHS = range(1, DEEPEST + 1)


def config_of(depth, vocab_size=3072, seq_len=256):
    table = {key: value for key, value in dial(depth, vocab_size, seq_len)["model"].items() if key != "model_type"}
    return Qwen3Config(vocab_size=vocab_size, **table)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_gives_a_model_and_a_training_that_can_be(depth):
    config, train = config_of(depth), TrainConfig(**dial(depth)["train"])
    assert config.num_attention_heads * config.head_dim == config.hidden_size
    assert config.num_attention_heads % config.num_key_value_heads == 0 and config.intermediate_size % 32 == 0
    assert train.warmup_steps < train.steps


def test_more_depth_is_never_less_model_less_training_or_a_higher_rate():
    made = [dial(depth) for depth in DEPTHS]
    for name in ("hidden_size", "intermediate_size", "num_hidden_layers"):
        values = [tables["model"][name] for tables in made]
        assert values == sorted(values)
    tokens = [tables["train"]["steps"] * tables["train"]["batch_size"] for tables in made]
    rates = [tables["train"]["learning_rate"] for tables in made]
    batches = [tables["train"]["batch_size"] for tables in made]
    assert tokens == sorted(tokens) and batches == sorted(batches) and rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("depth", [1, 3, 4, 16, 17])
def test_the_weights_are_counted_as_they_are_built(depth):
    with torch.device("meta"):
        module = build(config_of(depth), device="meta")
    tables = dial(depth)
    assert parameters(tables["model"], 3072) == sum(weight.numel() for weight in module.parameters())
    tokens = tables["train"]["steps"] * tables["train"]["batch_size"] * 256
    assert tokens == pytest.approx(20 * parameters(tables["model"], 3072), rel=0.02)


def test_depth_4_is_the_demos_model_and_the_same_depth_is_always_the_same():
    model = dial(4)["model"]
    assert (model["hidden_size"], model["num_attention_heads"], model["num_key_value_heads"], model["head_dim"]) == (
        128,
        4,
        2,
        32,
    )
    assert model["intermediate_size"] == 352 and dial(4)["train"]["learning_rate"] == 0.01
    assert dial(7) == dial(7) and dial(4, 512, 128) != dial(4)


@pytest.mark.parametrize("depth", [0, -3, DEEPEST + 1])
def test_a_depth_that_is_not_on_the_dial_is_refused(depth):
    with pytest.raises(ConfigError, match=f"depth={depth} is not on the dial; use 1 to 64, such as 4"):
        dial(depth)


def test_turning_the_dial_loads_no_torch():
    check = "from groundup.training.loop.dial import dial; dial(4); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_at_three_depths_the_loss_falls_and_nothing_diverges(depth, make_batch):
    """A tenth of each horizon, on texts whose second half repeats the first; half of the tokens can be known."""
    table = dial(depth, vocab_size=64, seq_len=32)
    config = TrainConfig(
        **table["train"] | {"steps": max(120, table["train"]["steps"] // 10), "on_spike": "stop", "spike_factor": 20.0}
    )

    def batch(number):
        ids = torch.randint(0, 64, (config.batch_size, 33), generator=torch.Generator().manual_seed(number))
        ids[:, 16:] = ids[:, :17]
        return make_batch(ids[:, :-1], ids[:, 1:])

    losses = []
    loop.train(
        build(config_of(depth, 64, 32), seed=1), batch, config, listeners=[lambda event: losses.append(event.loss)]
    )
    assert sum(losses[-10:]) / 10 < 0.95 * losses[0]
