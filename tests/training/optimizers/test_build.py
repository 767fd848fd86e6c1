from typing import get_args

import pytest
import torch

from groundup.training import optimizers
from groundup.training.config import OptimizerName, TrainConfig
from groundup.training.loop import train
from groundup.training.optimizers import build


def test_muon_takes_the_matrices_inside_the_blocks_and_adamw_the_rest(tiny):
    module = tiny()
    muon, adam = optimizers.build_optimizer(module, TrainConfig()).parts
    assert all(".layers." in name for name in muon.parameters)
    assert set(muon.parameters) | set(adam.parameters) == set(dict(module.named_parameters()))
    assert {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"} <= set(adam.parameters)


def test_adamw_alone_takes_everything(tiny):
    module = tiny()
    assert set(optimizers.build_optimizer(module, TrainConfig(optimizer="adamw")).parameters) == set(
        dict(module.named_parameters())
    )


@pytest.mark.parametrize("name", [name for name in get_args(OptimizerName) if name != "muon"])
def test_every_name_trains_a_small_model_with_it_alone(tiny, batches, name):
    module = tiny()
    rates = {"sgd": 0.3, "momentum": 0.1, "nesterov": 0.1, "adafactor": 0.03, "lion": 0.001}
    config = TrainConfig(
        steps=12, batch_size=4, seq_len=16, optimizer=name, learning_rate=rates.get(name, 0.003), warmup_steps=2
    )
    losses = []
    train(module, lambda number: batches(0), config, listeners=[lambda event: losses.append(event.loss)])
    optimizer = optimizers.build_optimizer(module, config)
    assert optimizer.label == name and set(optimizer.parameters) == set(dict(module.named_parameters()))
    assert losses[-1] < losses[0] - 0.05


def test_the_betas_of_the_configuration_arrive(tiny):
    config = {"beta1": 0.7, "beta2": 0.8, "weight_decay": 0.3, "learning_rate": 0.02}
    made = {name: optimizers.build_optimizer(tiny(), TrainConfig(optimizer=name, **config)) for name in build.ALONE}
    assert made["lion"].betas == made["adam"].betas == (0.7, 0.8)
    assert made["momentum"].beta == made["nesterov"].beta == 0.7 and made["rmsprop"].beta == 0.8
    assert all(one.weight_decay == 0.3 and one.learning_rate == 0.02 for one in made.values())


@pytest.mark.parametrize("form", ["bf16", "8bit"])
def test_a_short_state_is_adamws_also_beside_muon(tiny, form):
    config = {"optimizer_state": form}
    alone = optimizers.build_optimizer(tiny(), TrainConfig(optimizer="adamw", **config))
    _, beside = optimizers.build_optimizer(tiny(), TrainConfig(**config)).parts
    assert alone.form == beside.form == form


def test_frozen_weights_are_left_alone(tiny):
    module = tiny()
    module.model.embed_tokens.weight.requires_grad_(False)
    parts = optimizers.build_optimizer(module, TrainConfig()).parts
    assert not [name for part in parts for name in part.parameters if "embed_tokens" in name]


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(AttributeError, match="has no 'Lamb'; it has SGD, Momentum"):
        optimizers.Lamb  # noqa: B018


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "momentum", "nesterov"])
def test_a_weight_that_is_a_strided_view_is_moved_by_its_own_gradient(name):
    """GPT-2's query, key and value come as slices of one matrix, turned around; a fused kernel goes by address."""
    whole = torch.arange(48.0).reshape(4, 12) / 48
    plain, view = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
    plain.weight.data, view.weight.data = whole[:, 4:8].T.clone(memory_format=torch.contiguous_format), whole[:, 4:8].T
    config, x = (
        TrainConfig(optimizer=name, learning_rate=0.1),
        torch.randn(5, 4, generator=torch.Generator().manual_seed(0)),
    )
    for module in (plain, view):
        optimizer = optimizers.build_optimizer(module, config)
        for _ in range(3):
            module.zero_grad()
            module(x).square().sum().backward()
            optimizer.step()
    assert torch.equal(plain.weight, view.weight)


def test_each_optimizer_has_its_authors_share_of_the_mean_of_squares_unless_told():
    module = torch.nn.Linear(2, 2)
    built = lambda name, **told: optimizers.build_optimizer(module, TrainConfig(optimizer=name, **told))  # noqa: E731
    assert built("adamw").betas == (0.9, 0.95) and built("adam").betas == (0.9, 0.999)
    assert built("lion").betas == (0.9, 0.99) and built("rmsprop").beta == 0.99
    assert built("rmsprop", beta2=0.9).beta == 0.9 and built("adam", beta2=0.5).betas == (0.9, 0.5)
