"""Every family in small, and torch's own record of what it allocates."""

import pytest
import torch

from groundup.machine.probe.allocation import peak_bytes
from groundup.model.architectures import FAMILIES

SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64
)  # fmt: skip
GROUPED = SIZES | dict(num_key_value_heads=2)
WINDOWS = GROUPED | dict(sliding_window=5, head_dim=12)
EXPERTS = GROUPED | dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=20)
LATENT = dict(
    num_key_value_heads=4, kv_lora_rank=12, q_lora_rank=20, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=6
)
CASES = {
    "llama": ("llama", GROUPED),
    "llama biased": ("llama", SIZES | dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "qwen3": ("qwen3", GROUPED),
    "groundup": ("groundup", GROUPED),
    "openai-gpt": ("openai-gpt", SIZES | dict(intermediate_size=128)),
    "gpt2": ("gpt2", SIZES),
    "opt": ("opt", SIZES),
    "gpt_neox": ("gpt_neox", SIZES),
    "falcon": ("falcon", SIZES | dict(intermediate_size=128)),
    "mistral": ("mistral", GROUPED | dict(sliding_window=5)),
    "qwen2": ("qwen2", GROUPED),
    "gemma": ("gemma", GROUPED | dict(head_dim=12)),
    "gemma2": ("gemma2", WINDOWS),
    "gemma3_text": ("gemma3_text", WINDOWS | dict(num_hidden_layers=6)),
    "phi": ("phi", SIZES),
    "phi3": ("phi3", GROUPED),
    "olmo": ("olmo", GROUPED),
    "olmo2": ("olmo2", GROUPED),
    "stablelm": ("stablelm", GROUPED),
    "starcoder2": ("starcoder2", GROUPED),
    "mixtral": ("mixtral", GROUPED | dict(num_local_experts=4, num_experts_per_tok=2)),
    "qwen2_moe": ("qwen2_moe", EXPERTS | dict(shared_expert_intermediate_size=28)),
    "qwen3_moe": ("qwen3_moe", EXPERTS | dict(head_dim=12, mlp_only_layers=(1,))),
    "deepseek_v3": (
        "deepseek_v3",
        SIZES
        | LATENT
        | dict(moe_intermediate_size=16, n_routed_experts=8, num_experts_per_tok=3, first_k_dense_replace=1),
    ),
    "bloom": ("bloom", SIZES | dict(intermediate_size=128)),
    "glm": ("glm", GROUPED | dict(head_dim=12)),
    "glm4": ("glm4", GROUPED | dict(head_dim=8, attention_bias=False)),
    "granite": ("granite", GROUPED | dict(residual_multiplier=0.5, logits_scaling=4.0)),
}


@pytest.fixture(params=CASES)
def case(request):
    """The configuration of each family in small."""
    family, sizes = CASES[request.param]
    return FAMILIES[family][0](**sizes)


@pytest.fixture
def ids():
    """Random token ids of a shape."""
    return lambda *shape, seed=0: torch.randint(0, 97, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def allocated():
    """The most bytes that torch's CPU allocator gave out at one time while something ran, over what it had given out before."""

    return peak_bytes
