"""The balance loss against transformers' own training loss, the bias against its rule, and both through the training loop."""

from types import SimpleNamespace

import pytest
import torch

from groundup.errors import Interrupted
from groundup.model.architectures import FAMILIES, build
from groundup.model.moe.balance import Load, loads
from groundup.training.config import TrainConfig
from groundup.training.loop import train
from groundup.training.objectives.balanced import Balanced, balanced
from groundup.training.objectives.causal import causal_loss

SIZES = dict(
    vocab_size=64, hidden_size=32, intermediate_size=24, num_attention_heads=2, max_position_embeddings=64,
    initializer_range=0.3,
)  # fmt: skip
LATENT = dict(kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8, q_lora_rank=None)


def mixtral(layers=1, seed=0, coefficient=0.5):
    config = FAMILIES["mixtral"][0](
        **SIZES, num_hidden_layers=layers, num_local_experts=6, router_aux_loss_coef=coefficient
    )
    return build(config, seed=seed, scheme="normal")


def deepseek(layers=2, seed=0):
    experts = dict(moe_intermediate_size=12, n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2)
    config = FAMILIES["deepseek_v3"][0](**SIZES, **LATENT, **experts, num_hidden_layers=layers, first_k_dense_replace=1)
    return build(config, seed=seed, scheme="normal")


def test_the_gradient_is_that_of_transformers_loss_and_the_number_stays_the_surprise(make_batch):
    transformers = pytest.importorskip("transformers")
    ours, ids = mixtral(), torch.randint(0, 64, (3, 9))
    written = ours.config.to_dict() | {"output_router_logits": True}
    theirs = transformers.MixtralForCausalLM(transformers.MixtralConfig.from_dict(written))
    theirs.load_state_dict(ours.state_dict())
    answer = theirs(ids, labels=ids)
    answer.loss.backward()
    rows = make_batch(ids, ids.roll(-1, 1), torch.arange(9).expand(3, 9) < 8)
    loss, count = Balanced(causal_loss, coefficient=0.5)(ours, rows)
    (loss / count).backward()
    assert count == 24
    assert (loss / count).item() == pytest.approx((answer.loss - 0.5 * answer.aux_loss).item(), rel=1e-5)
    found, expected = ours.model.layers[0].mlp.gate.weight.grad, theirs.model.layers[0].mlp.gate.weight.grad
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_the_bias_moves_once_a_step_by_the_load_of_all_its_batches_without_padding(make_batch):
    module, objective = deepseek(), Balanced(causal_loss, rate=0.01)
    real = torch.tensor([[0] * 9, [0] * 5 + [-1] * 4])
    pieces = [make_batch(ids, ids, real >= 0, real) for ids in torch.randint(0, 64, (2, 2, 9))]
    expected = torch.zeros(8)
    for piece in pieces:
        objective(module, piece)
        for row, length in ((0, 9), (1, 5)):
            (load,) = loads(module, piece.input_ids[row : row + 1, :length]).values()
            expected += torch.tensor(load.tokens)
    (load,) = objective.loads.values()
    assert load.tolist() == expected.tolist() and load.sum() == 2 * 14 * 2
    objective.steer(type("Event", (), {"module": module}))
    bias = module.model.layers[1].mlp.gate.e_score_correction_bias
    torch.testing.assert_close(bias, 0.01 * torch.sign(load.float().mean() - load))
    assert not objective.loads


def test_a_model_without_experts_keeps_its_objective(tiny):
    assert balanced(tiny()) == (causal_loss, [])


CONFIG = dict(batch_size=4, seq_len=16, warmup_steps=5, max_grad_norm=1.0, learning_rate=0.01)


def evenness(module, batches):
    """The mean over its layers of how evenly a model uses its experts."""
    found: list[Load] = list(
        loads(module, torch.cat([batches(900 + number).input_ids for number in range(16)])).values()
    )
    return sum(load.evenness for load in found) / len(found)


@pytest.mark.parametrize("make", [mixtral, deepseek])
def test_a_model_with_experts_learns_in_the_training_loop_and_goes_on_bit_for_bit(make, batches, tmp_path):
    def run(module, stop=lambda: False, folder=None):
        config = TrainConfig(steps=60, checkpoint_every=60, **CONFIG)
        return train(module, batches, config, folder=folder, stop=stop)

    whole, parted = make(2), make(2, seed=7)
    result = run(whole)
    assert result.loss < causal_loss(make(2), batches(0))[0].item() / 64 - 0.3
    with pytest.raises(Interrupted, match="stopped after step 25"):
        run(make(2), iter([False] * 24 + [True]).__next__, tmp_path)
    run(parted, folder=tmp_path)  # from the checkpoint, biases of the experts included
    for name, tensor in whole.state_dict().items():
        assert torch.equal(parted.state_dict()[name], tensor), name


@pytest.mark.parametrize("make, coefficient", [(mixtral, 1.0), (deepseek, 0.0)])
def test_what_keeps_experts_busy_keeps_them_busier(make, coefficient, batches):
    found = {}
    for busy in (False, True):
        module, objective = make(2), Balanced(causal_loss, coefficient * busy, 0.02 * busy)
        train(module, batches, TrainConfig(steps=40, **CONFIG), objective=objective)
        found[busy] = evenness(module, batches)
    assert 1 - found[True] < 0.5 * (1 - found[False]), found


def test_a_step_that_was_skipped_or_undone_moves_no_bias():
    watched = Balanced(lambda module, batch: (None, 0))
    watched.loads = {"router": torch.tensor([3.0, 1.0])}
    watched.steer(
        SimpleNamespace(module=torch.nn.Linear(1, 1), skipped=True)
    )  # with a load of a router that is not there
    assert watched.loads == {}
    watched.loads = {"router": torch.tensor([3.0, 1.0])}
    watched.forget()
    assert watched.loads == {}
