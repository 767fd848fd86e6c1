"""groundup: combinations that no published family says; loadable here only, and the model card says so.

By default a squared ReLU instead of the gate, with QK-norm. Every other trick of small models is a switch that is off: what
each does, where it stands and who found it is listed in `tricks.py`. What LLaMA or Qwen 3 can express is written under their
name, so that every tool reads it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import ORDERS, Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import RMSConfig

CAPS = ("attn_logit_softcapping", "final_logit_softcapping")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundupConfig(RMSConfig):
    """A decoder with switches. Without a gate the feed-forward has two matrices instead of three, for equal weights wider by half.

    value_embedding_layers: numbers of the blocks that have one, from 0. zero_init_projections: only for initialization "scaled".
    """

    model_type: ClassVar[str] = "groundup"
    architecture: ClassVar[str] = "GroundupForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {"partial_rotary_factor": 1.0}

    qk_norm: bool = True
    hidden_act: str = "relu2"
    gated_mlp: bool = False
    attn_logit_softcapping: float | None = None
    final_logit_softcapping: float | None = None
    zero_init_projections: bool = True
    block_order: str = "pre_norm"
    partial_rotary_factor: float = 1.0
    embedding_norm: bool = False
    residual_scalars: bool = False
    value_embedding_layers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        RMSConfig.__post_init__(self)
        for name in CAPS:
            if (cap := getattr(self, name)) is not None and not cap > 0:
                raise ConfigError(f"{name}={cap} bends every score to nothing; use a bound above 0, or leave it out")
        if self.block_order not in ORDERS:
            raise ConfigError(f"block_order={self.block_order!r} is not an order of norms; use {', '.join(ORDERS)}")
        numbers, last = self.value_embedding_layers, self.num_hidden_layers - 1
        if len(set(numbers)) < len(numbers) or any(not 0 <= number <= last for number in numbers):
            raise ConfigError(
                f"value_embedding_layers={list(numbers)} does not fit; name blocks from 0 to {last}, each once"
            )

    def blueprint(self) -> Blueprint:
        """Blocks of rotary grouped-query attention and a feed-forward, with what is switched on."""
        block = Block(
            norm=self.norm(),
            order=self.block_order,
            attention=self.attention(
                rotary=self.rotary(),
                qk_norm=self.norm() if self.qk_norm else None,
                soft_cap=self.attn_logit_softcapping,
            ),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size, activation=self.hidden_act, gated=self.gated_mlp
            ),
        )
        return self.decoder(
            [block] * self.num_hidden_layers,
            self.norm(),
            logit_soft_cap=self.final_logit_softcapping,
            embedding_norm=self.norm() if self.embedding_norm else None,
            residual_scalars=self.residual_scalars,
            value_embeddings=self.value_embedding_layers,
        )
