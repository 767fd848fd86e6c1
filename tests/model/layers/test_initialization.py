"""The table of first values, and what it is for: a stream and gradients of sensible size at every depth."""

import math

import pytest
import torch

from groundup.model.architectures import FAMILIES, build


def deviation(module, name):
    return module.get_parameter(name).std().item()


def test_the_scaled_scheme_follows_the_table(config):
    module = build(config(hidden_size=64, head_dim=16, initializer_range=0.3), seed=0)
    first = "model.layers.0."
    assert deviation(module, "model.embed_tokens.weight") == pytest.approx(0.3, rel=0.05)
    assert deviation(module, first + "self_attn.q_proj.weight") == pytest.approx(1 / 8, rel=0.05)
    assert not module.get_parameter(first + "self_attn.o_proj.weight").any()
    assert not module.get_parameter(first + "mlp.down_proj.weight").any()
    assert not module.lm_head.weight.any()
    assert (module.get_parameter(first + "input_layernorm.weight") == 1).all()


def test_the_normal_scheme_divides_what_writes_to_the_stream_by_the_root_of_twice_the_depth(config):
    module = build(
        config(hidden_size=64, head_dim=16, initializer_range=0.3, num_hidden_layers=8), seed=0, scheme="normal"
    )
    assert deviation(module, "model.layers.3.mlp.up_proj.weight") == pytest.approx(0.3, rel=0.05)
    assert deviation(module, "model.layers.3.mlp.down_proj.weight") == pytest.approx(0.3 / math.sqrt(16), rel=0.05)
    assert deviation(module, "lm_head.weight") == pytest.approx(0.3, rel=0.05)


def test_a_tied_head_starts_as_the_embedding_and_not_as_zero(config):
    module = build(config(tie_word_embeddings=True), seed=0)
    assert module.lm_head.weight is module.model.embed_tokens.weight and module.lm_head.weight.any()


def test_the_same_seed_gives_the_same_model_and_another_seed_another(config):
    a, b, c = (build(config(), seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["model.embed_tokens.weight"], c["model.embed_tokens.weight"])


def test_a_seed_leaves_the_global_random_stream_alone(config):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    build(config(), seed=5)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("family", ["llama", "qwen3", "groundup"])
def test_every_parameter_learns_within_two_steps_from_zero_projections(config, ids, family):
    module = build(config(family), seed=0)
    for _ in range(3):
        module.zero_grad()
        torch.nn.functional.cross_entropy(module(ids(4, 9)).flatten(0, 1), ids(4, 9, seed=1).flatten()).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= 0.1 * parameter.grad
    assert all(parameter.grad.any() for parameter in module.parameters())


def test_a_gain_that_is_stored_less_one_starts_at_zero():
    from groundup.model.layers.initialization import initialize
    from groundup.model.layers.norms import LayerNorm, RMSNorm

    parts = torch.nn.ModuleDict({"plain": RMSNorm(4), "less": RMSNorm(4, offset=1.0), "layer": LayerNorm(4)})
    initialize(parts, layers=1, std=0.02, seed=0)
    assert [parts[name].weight.tolist() for name in ("plain", "less", "layer")] == [[1] * 4, [0] * 4, [1] * 4]
    assert not parts["layer"].bias.any()


def test_learned_positions_start_as_loud_as_the_tokens():
    config = FAMILIES["gpt2"][0](
        vocab_size=97, hidden_size=64, num_hidden_layers=1, num_attention_heads=4, initializer_range=0.3
    )
    assert deviation(build(config, seed=0), "model.embed_positions.weight") == pytest.approx(0.3, rel=0.05)


def test_each_expert_of_a_stack_starts_as_one_that_stands_alone():
    from groundup.model.layers.initialization import initialize
    from groundup.model.moe.experts import MixtureOfExperts

    layer = MixtureOfExperts(64, 100, 8, 2)
    initialize(layer, layers=2, std=0.3, seed=0)
    assert layer.experts.gate_up_proj.std().item() == pytest.approx(1 / 8, rel=0.05)
    assert not layer.experts.down_proj.any()
    initialize(layer, layers=8, std=0.3, seed=0, scheme="normal")
    assert layer.experts.down_proj.std().item() == pytest.approx(0.3 / 4, rel=0.05)


def test_a_part_that_says_what_it_starts_from_is_asked_and_the_others_draw_what_they_drew():
    from groundup.model.layers.initialization import initialize
    from groundup.model.layers.linear import Linear

    class Decay(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rate, self.map = torch.nn.Parameter(torch.empty(3)), Linear(4, 5)

        def first_values(self, generator=None):
            return {"rate": torch.tensor([1.0, 2.0, 3.0])}

    inside, alone = torch.nn.ModuleDict({"decay": Decay()}), Decay()
    for module in (inside, alone):
        initialize(module, layers=1, std=0.02, seed=0)
    assert inside["decay"].rate.tolist() == alone.rate.tolist() == [1, 2, 3]
    plain = Linear(4, 5)
    initialize(plain, layers=1, std=0.02, seed=0)
    assert torch.equal(alone.map.weight, plain.weight)
    initialize(Decay().to("meta"), layers=1, std=0.02, seed=0)
