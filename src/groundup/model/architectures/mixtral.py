"""Mixtral: Mistral's shape, and in place of each feed-forward eight of them, of which a token uses two.

Jiang et al. 2024, arXiv:2401.04088, section 2. Mixtral 8x7B holds 46.7 billion parameters and multiplies a token by 12.9: the
attention is not eightfold. Its files call the mixture block_sparse_moe and an expert's matrices w1, w3 (gate and up) and w2.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, Experts
from groundup.model.architectures.decoder import SLIDING, RMSConfig, windows
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class MixtralConfig(RMSConfig):
    """The configuration of `MixtralForCausalLM`. intermediate_size: of one expert. router_aux_loss_coef: read in training."""

    model_type: ClassVar[str] = "mixtral"
    architecture: ClassVar[str] = "MixtralForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 8, "max_position_embeddings": 131_072}
    without_effect: ClassVar[frozenset[str]] = frozenset(  # of training, and what else to return
        {"router_jitter_noise", "output_router_logits"}
    )
    names: ClassVar[Names] = Names(
        inside={"block_sparse_moe.gate": "mlp.gate"},
        experts={
            "mlp.experts.gate_up_proj": "block_sparse_moe.experts.#.w1.weight block_sparse_moe.experts.#.w3.weight",
            "mlp.experts.down_proj": "block_sparse_moe.experts.#.w2.weight",
        },
        also={"mlp.gate": "block_sparse_moe.gate"},
    )

    rms_norm_eps: float = 1e-5
    rope_theta: float = 1_000_000.0
    sliding_window: int | None = None
    num_local_experts: int = 8
    num_experts_per_tok: int = 2
    router_aux_loss_coef: float = 0.001

    def __post_init__(self) -> None:
        RMSConfig.__post_init__(self)
        self.experts()

    def experts(self) -> Experts:
        """What stands in place of the feed-forward."""
        sizes = self.num_local_experts, self.num_experts_per_tok
        return Experts(experts=sizes[0], chosen=sizes[1], intermediate=self.intermediate_size)

    def blueprint(self) -> Blueprint:
        """Mistral's blocks, with experts."""
        blocks = [
            Block(
                norm=self.norm(),
                attention=self.attention(rotary=self.rotary(), window=window),
                feed_forward=self.experts(),
            )
            for window in windows(None, self.sliding_window, self.num_hidden_layers, otherwise=SLIDING)
        ]
        return self.decoder(blocks, self.norm())
