"""Operations by formula against torch's counter, for every family, forward, backward, decoding, LoRA and checkpointing."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop
from torch.utils.flop_counter import FlopCounterMode

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import Inference, Layout, Lora, Training, flops
from groundup.model.accounting.operations import forward, lora_parameters, newton_schulz, pairs
from groundup.model.architectures import FAMILIES, build
from groundup.model.layers.linear import Linear
from groundup.training.optimizers.muon import Muon

# it decodes in its latents, in another order of products than the one that is counted
IN_LATENTS = {"deepseek_v3": 0.05}


def counted(run):
    """What torch counts while something runs; its counter does not know the fused kernel for the CPU."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def test_forward_and_training_of_every_family_are_what_torch_counts(case, ids):
    module, text = build(case, seed=0, scheme="normal"), ids(2, 24)
    ahead = counted(lambda: module(text))
    both = counted(lambda: module(text).sum().backward())
    found = flops(case, Training(batch=2, seq_len=24))
    assert sum(found.forward.values()) == ahead
    assert found.total == pytest.approx(both, rel=0.02)  # the norms' gradients have small products


@torch.no_grad()
def test_a_step_of_decoding_is_what_torch_counts_at_every_length_about_the_window(case, ids):
    module, text = build(case, seed=0, scheme="normal"), ids(1, 12)
    cache = KVCache.of(module, 1, 12)
    module(text[:, :1], cache=cache)
    for length in range(2, 12):
        found = counted(lambda at=length: module(text[:, at - 1 : at], cache=cache))
        predicted = sum(forward(case, 1, length).values())
        assert found == pytest.approx(predicted, rel=IN_LATENTS.get(case.model_type, 0)), length


@torch.no_grad()
def test_reading_and_continuing_adds_up(case, ids):
    module, text = build(case, seed=0, scheme="normal"), ids(2, 14)

    def run():
        cache = KVCache.of(module, 2, 14)
        module.lm_head(module.hidden(text[:, :8], cache=cache)[:, -1])
        for place in range(8, 14):
            module(text[:, place : place + 1], cache=cache)

    predicted = flops(case, Inference(batch=2, context=14, prompt=8)).total
    assert predicted == pytest.approx(counted(run), rel=IN_LATENTS.get(case.model_type, 0))


def test_pairs_by_counting_them_one_by_one():
    for queries, keys in ((1, 1), (1, 7), (4, 4), (3, 9), (9, 9)):
        for window in (None, 1, 2, 5, 9, 20):
            seen = sum(
                1
                for query in range(keys - queries, keys)
                for key in range(query + 1)
                if window is None or query - key < window
            )
            assert pairs(queries, keys, window, causal=True) == seen, (queries, keys, window)
            assert pairs(queries, keys, window) >= seen


def llama(**changes):
    sizes = dict(
        vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2
    )  # fmt: skip
    return FAMILIES["llama"][0](**sizes | changes)


def test_half_of_the_pairs_is_saved_where_what_is_hidden_is_not_computed():
    whole, seen = (flops(llama(), Training(seq_len=1024), causal=causal).forward for causal in (False, True))
    assert seen["scores"] / whole["scores"] == pytest.approx(0.5, rel=0.002)
    assert {name: number for name, number in seen.items() if name not in ("scores", "values")} == {
        name: number for name, number in whole.items() if name not in ("scores", "values")
    }


class Adapted(torch.nn.Module):
    """A frozen matrix and two thin ones."""

    def __init__(self, frozen: Linear, rank: int):
        super().__init__()
        self.frozen, (outputs, inputs) = frozen.requires_grad_(False), frozen.weight.shape
        self.down, self.up = Linear(inputs, rank), Linear(rank, outputs)
        for part in (self.down, self.up):
            torch.nn.init.normal_(part.weight)

    def forward(self, x):
        return self.frozen(x) + self.up(self.down(x))


@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), ("q_proj", "k_proj", "v_proj", "o_proj", "down_proj")])
def test_lora_is_what_torch_counts(ids, targets):
    config = llama(num_hidden_layers=8)
    module = build(config, seed=0).requires_grad_(False)
    for block in module.model.layers:
        for name in targets:
            part = block.self_attn if hasattr(block.self_attn, name) else block.mlp
            setattr(part, name, Adapted(getattr(part, name), 4))
    learning = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    lora = Lora(rank=4, targets=targets)
    assert lora_parameters(config, lora) == learning
    found = flops(config, Training(batch=2, seq_len=16, lora=lora))
    assert found.total == pytest.approx(counted(lambda: module(ids(2, 16)).sum().backward()), rel=0.02)


def test_checkpointing_computes_each_block_once_more(ids):
    module, config, text = build(llama(), seed=0), llama(), ids(2, 16)
    for block in module.model.layers:
        inner = block.forward
        block.forward = lambda x, *rest, inner=inner: checkpoint(inner, x, *rest, use_reentrant=False)
    found = flops(config, Training(batch=2, seq_len=16, checkpointing=True))
    with set_checkpoint_early_stop(False):  # torch can leave out each block's last product
        assert found.total == pytest.approx(counted(lambda: module(text).sum().backward()), rel=0.02)
    assert sum(found.again.values()) == sum(found.forward.values()) - found.forward["head"]


def test_muons_products_are_what_torch_counts():
    module = build(llama(), seed=0)
    inside = {name: one for name, one in module.named_parameters() if one.dim() == 2 and ".layers." in name}
    for parameter in inside.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer = Muon(inside)
    assert counted(optimizer.step) == newton_schulz(llama())
    assert flops(llama(), Training(optimizer="muon")).optimizer == newton_schulz(llama())


def test_a_device_of_a_layout_has_its_share():
    use = Training(batch=4, seq_len=64)
    whole, part = flops(llama(), use), flops(llama(), use, Layout(data=2, tensor=2, pipeline=3))
    assert part.total == pytest.approx(whole.total / 6, rel=1e-3)
    assert whole.by_part()["q"] == 3 * whole.forward["q"]


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Training(batch=0), "batch=0"),
        (lambda: Training(source=-1), "source=-1"),
        (lambda: Inference(source=-1), "source=-1"),
        (lambda: Training(optimizer="lyon"), "adamw_8bit"),
        (lambda: Training(dtype="int4"), "bfloat16"),
        (lambda: Inference(context=8, prompt=9), "prompt=9"),
        (lambda: Lora(rank=0), "rank=0"),
        (lambda: Lora(targets=()), "q_proj"),
        (lambda: flops(llama(), Training(lora=Lora(targets=("query",)))), "q_proj, up_proj, v_proj"),
        (lambda: Layout(zero=4), "zero=4"),
        (lambda: Layout(data=3, expert=2), "expert=2 does not divide data=3"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(make, said):
    with pytest.raises(ConfigError, match=said):
        make()
