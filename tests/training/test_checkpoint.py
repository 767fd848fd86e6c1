import pytest
import torch

from groundup.errors import FormatError
from groundup.training import checkpoint
from groundup.training.config import TrainConfig
from groundup.training.optimizers import build_optimizer


def state(module, optimizer):
    return {**dict(module.named_parameters()), **optimizer.state()}


@pytest.fixture
def trained(tiny):
    module = tiny()
    optimizer = build_optimizer(module, TrainConfig())
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape)
    optimizer.step()
    return module, optimizer


def test_a_restored_checkpoint_is_equal_in_every_bit(tiny, trained, tmp_path):
    module, optimizer = trained
    checkpoint.save(tmp_path, 7, module, optimizer, {"note": "kept"})
    expected = torch.rand(3)
    other = tiny(seed=5)
    fresh = build_optimizer(other, TrainConfig())
    assert checkpoint.load_newest(tmp_path, other, fresh) == {"step": 7, "note": "kept"}
    assert all(torch.equal(tensor, state(module, optimizer)[name]) for name, tensor in state(other, fresh).items())
    assert torch.equal(torch.rand(3), expected)  # the random state too


def test_a_checkpoint_of_another_model_is_refused_before_anything_changes(tiny, trained, tmp_path):
    checkpoint.save(tmp_path, 7, *trained, {})
    other = tiny(seed=5, intermediate_size=40)
    before = {name: parameter.clone() for name, parameter in other.named_parameters()}
    with pytest.raises(FormatError, match="is of another model .*; remove it or choose another --out"):
        checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert all(torch.equal(parameter, before[name]) for name, parameter in other.named_parameters())


def test_a_checkpoint_of_another_optimiser_is_refused(trained, tmp_path):
    checkpoint.save(tmp_path, 7, *trained, {})
    with pytest.raises(FormatError, match="is of another model"):
        checkpoint.load_newest(tmp_path, trained[0], build_optimizer(trained[0], TrainConfig(optimizer="adamw")))


def test_checkpoints_are_ordered_by_their_number(trained, tmp_path):
    for step in (999_999, 1_000_000):
        checkpoint.save(tmp_path, step, *trained, {})
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 1_000_000


def test_only_the_newest_few_stay(trained, tmp_path):
    for step in (10, 20, 30):
        checkpoint.save(tmp_path, step, *trained, {}, keep=2)
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-000020", "step-000030"]


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_said_aloud_and_the_one_before_it_used(trained, tmp_path, file, capsys):
    for step in (10, 20):
        checkpoint.save(tmp_path, step, *trained, {})
    path = tmp_path / "step-000020" / file
    path.write_bytes(path.read_bytes()[:-9])
    assert checkpoint.load_newest(tmp_path, *trained)["step"] == 10
    assert "step-000020 is not used" in capsys.readouterr().err


def test_without_a_checkpoint_nothing_is_restored(trained, tmp_path):
    assert checkpoint.load_newest(tmp_path / "none", *trained) is None
