"""The transformer of 2017: an encoder and a decoder, made for translation, from which all others descend.

    positions     sines and cosines, added to token vectors that are scaled by sqrt(hidden)
    block         attention (in the decoder also over the source), feed-forward with ReLU; a LayerNorm on the stream after each
    head          one matrix for source, answer and head, as in the paper's section 3.4

Vaswani et al. 2017, arXiv:1706.03762; base: 6 + 6 layers, 512 wide, 8 heads, 2048, a shared vocabulary of 37,000. No published file
format says it, so its folder is loadable here only. Left out: dropout, label smoothing and the warm-up that it was trained with
(`training/schedules`); separate vocabularies.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class OriginalConfig(EncoderDecoderConfig):
    """The configuration of the 2017 transformer. intermediate_size 0: four times hidden_size. No table of positions ends."""

    model_type: ClassVar[str] = "groundup-original"
    architecture: ClassVar[str] = "GroundupOriginal"
    widens: ClassVar[int] = 4

    intermediate_size: int = 0
    layer_norm_eps: float = 1e-5
    activation_function: str = "relu"
    tie_word_embeddings: bool = True

    def __post_init__(self) -> None:
        EncoderDecoderConfig.__post_init__(self)
        if self.hidden_size % 2:
            raise ConfigError(
                f"hidden_size={self.hidden_size} cannot hold pairs of a sine and a cosine; use an even number"
            )

    def blueprint(self) -> Blueprint:
        """Post-norm blocks with biases; no norm after the stacks, as each block ends in one."""
        feed_forward = FeedForward(
            intermediate=self.intermediate_size, activation=self.activation_function, gated=False, bias=True
        )
        reads = Block(
            order="post_norm",
            norm=Norm(kind="layer", eps=self.layer_norm_eps, bias=True),
            attention=self.attention(bias="qkvo", causal=False),
            feed_forward=feed_forward,
        )
        asking = self.attention(bias="qkvo", causal=False)
        writes = replace(reads, attention=self.attention(bias="qkvo"), cross=asking)
        return Blueprint(
            vocab=self.vocab_size,
            hidden=self.hidden_size,
            blocks=(writes,) * self.decoder_layers,
            norm=None,
            encoder=(reads,) * self.num_hidden_layers,
            embedding_scale=self.hidden_size**0.5,
            sinusoidal=True,
        )
