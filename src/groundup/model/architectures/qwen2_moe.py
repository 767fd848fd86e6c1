"""Qwen2-MoE: Qwen 2's attention; many small experts, and beside them a shared one that each token opens as far as it likes.

    y = sum over chosen p_e expert_e(x) + sigmoid(g x) shared(x)

Qwen team 2024, arXiv:2407.10671, section 2.2.2 (Qwen1.5-MoE-A2.7B: 60 experts, of which a token uses 4). The weights are the
probabilities themselves, not divided by their sum, unless norm_topk_prob says so. Layers may be left dense: those in
mlp_only_layers, and all but every decoder_sparse_step-th.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import Block, Blueprint, Experts, FeedForward
from groundup.model.architectures.decoder import FULL, SLIDING, RMSConfig, windows
from groundup.model.formats.names import EXPERTS, Names

SHARED = {f"mlp.shared_expert.{part}_proj": f"mlp.shared_experts.{part}_proj" for part in ("gate", "up", "down")}


@dataclass(frozen=True, kw_only=True, slots=True)
class QwenMoeConfig(RMSConfig):
    """What Qwen2-MoE and Qwen3-MoE share. intermediate_size: of the layers without experts. router_aux_loss_coef: read in training."""

    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    older_keys: ClassVar[dict[str, str]] = {"num_local_experts": "num_experts"}
    without_effect: ClassVar[frozenset[str]] = frozenset({"output_router_logits"})
    names: ClassVar[Names] = Names(experts=EXPERTS)

    moe_intermediate_size: int
    num_experts: int
    num_experts_per_tok: int
    norm_topk_prob: bool = False
    decoder_sparse_step: int = 1
    mlp_only_layers: tuple[int, ...] | None = None
    router_aux_loss_coef: float = 0.001
    use_sliding_window: bool = False
    sliding_window: int | None = None

    def __post_init__(self) -> None:
        if not self.use_sliding_window:
            object.__setattr__(self, "sliding_window", None)  # files carry a number even where it is switched off
        if self.decoder_sparse_step < 1:
            raise ConfigError(f"decoder_sparse_step={self.decoder_sparse_step} is not possible; use 1 or more")
        object.__setattr__(self, "mlp_only_layers", self.mlp_only_layers or ())
        RMSConfig.__post_init__(self)
        self.experts()

    def experts(self, **parts: Any) -> Experts:
        """What stands in place of most feed-forwards; parts: what else it has."""
        return Experts(
            experts=self.num_experts,
            chosen=self.num_experts_per_tok,
            intermediate=self.moe_intermediate_size,
            normalize=self.norm_topk_prob,
            **parts,
        )

    def feed_forward(self, layer: int) -> Experts | FeedForward:
        """The experts of a layer, or its one feed-forward where it is left dense."""
        if (layer + 1) % self.decoder_sparse_step or layer in (self.mlp_only_layers or ()):
            return FeedForward(intermediate=self.intermediate_size)
        return self.experts()

    def windows(self) -> list[int | None]:
        """For each layer how many tokens a query sees; None: all before it."""
        return windows(None, self.sliding_window, self.num_hidden_layers, otherwise=SLIDING)

    def of_attention(self, **parts: Any) -> Blueprint:
        """Pre-norm blocks of experts and an attention with these parts."""
        blocks = [
            Block(
                norm=self.norm(),
                attention=self.attention(rotary=self.rotary(), window=window, **parts),
                feed_forward=self.feed_forward(layer),
            )
            for layer, window in enumerate(self.windows())
        ]
        return self.decoder(blocks, self.norm())


@dataclass(frozen=True, kw_only=True, slots=True)
class Qwen2MoeConfig(QwenMoeConfig):
    """The configuration of `Qwen2MoeForCausalLM`."""

    model_type: ClassVar[str] = "qwen2_moe"
    architecture: ClassVar[str] = "Qwen2MoeForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {
        "num_key_value_heads": 16,
        "max_position_embeddings": 32_768,
        "sliding_window": 4096,
        "moe_intermediate_size": 1408,
        "num_experts": 60,
        "num_experts_per_tok": 4,
    }
    names: ClassVar[Names] = Names(inside=SHARED, experts=EXPERTS)

    shared_expert_intermediate_size: int = 5632
    qkv_bias: bool = True
    max_window_layers: int = 28
    layer_types: tuple[str, ...] | None = None

    def experts(self, **parts: Any) -> Experts:
        """Experts beside a shared one with its gate."""
        return QwenMoeConfig.experts(self, shared=self.shared_expert_intermediate_size, shared_gate=True)

    def windows(self) -> list[int | None]:
        """As layer_types says; without it every second of the first max_window_layers layers has the window."""
        layers = range(self.num_hidden_layers)
        types = self.layer_types or tuple(
            SLIDING if self.use_sliding_window and i % 2 == 0 and i < self.max_window_layers else FULL for i in layers
        )
        return windows(types, self.sliding_window, self.num_hidden_layers)

    def blueprint(self) -> Blueprint:
        """Qwen 2's attention, with three biases, and experts."""
        return self.of_attention(bias="qkv" if self.qkv_bias else "")
