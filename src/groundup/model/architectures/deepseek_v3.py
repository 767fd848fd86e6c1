"""DeepSeek-V3: attention from a small latent, and many fine-grained experts beside a shared one, balanced without a loss.

    attention     of each token 512 numbers and a turned key of 64 are kept, for 128 heads         model/attention/latent.py
    layers        the first first_k_dense_replace have one wide feed-forward, the others experts
    experts       256, of which 8 in 4 of 8 groups by sigmoid scores; a bias chooses, and is no weight     model/moe/routing.py

DeepSeek-AI 2024, arXiv:2412.19437, section 2.1; of 671 billion parameters 37 multiply a token. Where YaRN stretches the angles,
mscale_all_dim makes the scores larger, by the square of 0.1 mscale_all_dim ln(factor) + 1.
Left out: the layers that predict further tokens (2.2), which stand behind the last layer in its files and are not read; the
8-bit weights of its own files, which are refused; the balance loss within a text.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import Block, Blueprint, Experts, FeedForward, LatentAttention
from groundup.model.architectures.decoder import RMSConfig
from groundup.model.formats.names import EXPERTS, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepseekV3Config(RMSConfig):
    """The configuration of `DeepseekV3ForCausalLM`. intermediate_size: of the dense layers.

    head_dim is the part of a head that turns (qk_rope_head_dim), as transformers writes it; qk_head_dim the whole.
    """

    model_type: ClassVar[str] = "deepseek_v3"
    architecture: ClassVar[str] = "DeepseekV3ForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu", "num_nextn_predict_layers": 0}
    defaults: ClassVar[dict[str, Any]] = {
        "max_position_embeddings": 4096,
        "moe_intermediate_size": 2048,
        "n_routed_experts": 256,
        "num_experts_per_tok": 8,
        "n_group": 8,
        "topk_group": 4,
        "routed_scaling_factor": 2.5,
        "first_k_dense_replace": 3,
        "q_lora_rank": 1536,
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
    }
    older_keys: ClassVar[Mapping[str, str]] = {"num_local_experts": "n_routed_experts"}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "moe_layer_freq": (1,),
        "scoring_func": ("sigmoid",),
        "topk_method": ("noaux_tc",),
    }
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "num_nextn_predict_layers num_mtp_layers pretraining_tp ep_size output_router_logits aux_loss_alpha seq_aux".split()
    )
    names: ClassVar[Names] = Names(experts=EXPERTS)

    moe_intermediate_size: int
    n_routed_experts: int
    num_experts_per_tok: int
    n_shared_experts: int = 1
    n_group: int = 1
    topk_group: int = 1
    routed_scaling_factor: float = 1.0
    norm_topk_prob: bool = True
    first_k_dense_replace: int = 0
    q_lora_rank: int | None = None
    kv_lora_rank: int
    qk_nope_head_dim: int
    qk_rope_head_dim: int
    v_head_dim: int
    qk_head_dim: int = 0
    rope_interleave: bool = True
    attention_bias: bool = False

    def __post_init__(self) -> None:
        for name in ("kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "n_shared_experts"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        object.__setattr__(self, "qk_head_dim", self.qk_head_dim or self.qk_nope_head_dim + self.qk_rope_head_dim)
        RMSConfig.__post_init__(self)
        only = {
            "qk_head_dim": self.qk_nope_head_dim + self.qk_rope_head_dim,
            "head_dim": self.qk_rope_head_dim,
            "num_key_value_heads": self.num_attention_heads,
        }
        for name, value in only.items():
            if getattr(self, name) != value:
                raise ConfigError(
                    f"{name}={getattr(self, name)} cannot be said in deepseek_v3; leave it out, it is {value}"
                )
        self.experts()

    def _even_share(self) -> int:
        return self.qk_rope_head_dim

    def experts(self) -> Experts:
        """What stands in place of the feed-forward behind the dense layers."""
        return Experts(
            experts=self.n_routed_experts,
            chosen=self.num_experts_per_tok,
            intermediate=self.moe_intermediate_size,
            scores="sigmoid",
            normalize=self.norm_topk_prob,
            groups=self.n_group,
            chosen_groups=self.topk_group,
            scaling=self.routed_scaling_factor,
            shared=self.n_shared_experts * self.moe_intermediate_size,
        )

    def latent_attention(self) -> LatentAttention:
        """Heads made from a latent."""
        return LatentAttention(
            heads=self.num_attention_heads,
            kv_lora_rank=self.kv_lora_rank,
            q_lora_rank=self.q_lora_rank,
            qk_nope_head_dim=self.qk_nope_head_dim,
            qk_rope_head_dim=self.qk_rope_head_dim,
            v_head_dim=self.v_head_dim,
            rotary=self.rotary(),
            bias=self.attention_bias,
            interleaved=self.rope_interleave,
            scale=self.qk_head_dim**-0.5 * self._stretched() ** 2,
        )

    def _stretched(self) -> float:
        """What a stretched rotary position multiplies queries and keys by."""
        scaling = self.rope_scaling or {}
        factor, scale = scaling.get("factor") or 1.0, scaling.get("mscale_all_dim") or 0.0
        return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0

    def blueprint(self) -> Blueprint:
        """Dense blocks, then blocks of experts; all read through latent attention."""
        dense, attention = FeedForward(intermediate=self.intermediate_size), self.latent_attention()
        blocks = [
            Block(
                norm=self.norm(),
                attention=attention,
                feed_forward=dense if layer < self.first_k_dense_replace else self.experts(),
            )
            for layer in range(self.num_hidden_layers)
        ]
        return self.decoder(blocks, self.norm())

    def weight_names(self) -> Names:
        """The usual names; what stands behind the last layer is not read."""
        return replace(RMSConfig.weight_names(self), layers=self.num_hidden_layers)
