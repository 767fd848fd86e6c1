import pytest

from groundup.training import optimizers
from groundup.training.config import TrainConfig


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


def test_frozen_weights_are_left_alone(tiny):
    module = tiny()
    module.model.embed_tokens.weight.requires_grad_(False)
    parts = optimizers.build_optimizer(module, TrainConfig()).parts
    assert not [name for part in parts for name in part.parameters if "embed_tokens" in name]


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(AttributeError, match="has no 'Lion'; it has AdamW, Muon"):
        optimizers.Lion  # noqa: B018
