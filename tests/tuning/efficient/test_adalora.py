import types

import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.errors import ConfigError
from groundup.tuning.efficient.adalora import budget, drop, with_orthogonality
from groundup.tuning.efficient.config import AdaLoraConfig
from groundup.tuning.efficient.many import apply

CONFIG = AdaLoraConfig(init_r=4, target_r=2, total_step=12, tinit=2, tfinal=3, target_modules=("q_proj", "v_proj"))


@pytest.mark.slow
def test_importance_and_budget_are_those_of_peft(make):
    """The same parameters and gradients through PEFT's own allocator keep the same triplets, step by step."""
    layer = pytest.importorskip("peft.tuners.adalora.layer")
    adapted = drawn(apply(make(), CONFIG), 1, 0.1)
    parts = [part for _, _, part in adapted.around("default")]
    theirs = torch.nn.ParameterDict()
    for number, part in enumerate(parts):
        for name in "ABE":
            theirs[f"lora_{name}_default_{number}"] = getattr(part, f"lora_{name}").detach().clone()
    named = [(key.replace("_default_", ".default."), one) for key, one in theirs.items()]
    model = types.SimpleNamespace(named_parameters=lambda: named)
    allocator = layer.RankAllocator(model, _peft(), "default")
    draw = torch.Generator().manual_seed(5)
    for step in range(1, 13):
        for number, part in enumerate(parts):
            for name in "ABE":
                mine, other = getattr(part, f"lora_{name}"), theirs[f"lora_{name}_default_{number}"]
                other.grad = torch.randn(mine.shape, generator=draw)
                part.last[name] = (mine * other.grad).abs().detach()
        kept = drop(parts, step)
        wanted, masked = allocator.budget_schedule(step)
        if step < CONFIG.total_step - CONFIG.tfinal:
            allocator.update_ipt(model)
            if masked:
                allocator.mask_to_budget(model, wanted)
            for number, part in enumerate(parts):
                torch.testing.assert_close(part.lora_E.detach(), theirs[f"lora_E_default_{number}"].detach())
            assert kept == wanted or not masked
    assert sum(int(part.kept.sum()) for part in parts) == 2 * len(parts)
    assert all(not part.lora_E[part.kept == 0].any() for part in parts)


def _peft():
    return types.SimpleNamespace(
        init_r=4, target_r=2, total_step=12, tinit=2, tfinal=3, deltaT=1, beta1=0.85, beta2=0.85, orth_reg_weight=0.5
    )


def test_skewed_triplets_cost_and_the_loss_is_told_without_it(make, ids):
    adapted = drawn(apply(make(), CONFIG), 1, 0.3)
    parts = [part for _, _, part in adapted.around("default")]
    plain = lambda module, batch: (module(batch).square().sum() * 0, 10)  # noqa: E731
    loss, count = with_orthogonality(parts, plain)(adapted, ids)
    assert float(loss.detach()) == 0 and count == 10
    loss.backward()
    part = parts[0]
    cost = 10 * 0.5 * torch.linalg.matrix_norm(part.lora_A @ part.lora_A.T - torch.eye(4)) / (2 * len(parts))
    (expected,) = torch.autograd.grad(cost, part.lora_A)
    torch.testing.assert_close(part.lora_A.grad, expected)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="target_r=9"):
        AdaLoraConfig(init_r=4, target_r=9)
    with pytest.raises(ConfigError, match="leave none"):
        AdaLoraConfig(total_step=20, tinit=10, tfinal=10)
    assert budget(CONFIG, 1, 4) == 16 and budget(CONFIG, 12, 4) == 8
