"""What every encoder-decoder family has in its configuration: two depths, and the token with which an answer begins.

    2017 (`original`)   post-norm, sines and cosines added to the tokens, ReLU, biases          translation
    T5 (`t5`)           pre-norm with RMSNorm, a bias of relative positions, no biases else     every task is text to text

How the two stacks work together stands in `model/encoder_decoder.py`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import Attention
from groundup.model.architectures.configuration import ModelConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderDecoderConfig(ModelConfig):
    """Sizes of an encoder-decoder. num_hidden_layers: of the encoder; num_decoder_layers None: as many."""

    constants: ClassVar[dict[str, Any]] = {"is_encoder_decoder": True}

    num_decoder_layers: int | None = None
    decoder_start_token_id: int = 0

    def __post_init__(self) -> None:
        if self.num_decoder_layers is None:
            object.__setattr__(self, "num_decoder_layers", self.num_hidden_layers)
        ModelConfig.__post_init__(self)
        if self.decoder_layers < 1:
            raise ConfigError(f"num_decoder_layers={self.num_decoder_layers} is not possible; use 1 or more")
        if not 0 <= self.decoder_start_token_id < self.vocab_size:
            raise ConfigError(
                f"decoder_start_token_id={self.decoder_start_token_id} is no token of a vocabulary of {self.vocab_size}; "
                "use the padding's id, as T5 does, or that of the beginning of a text"
            )

    @property
    def decoder_layers(self) -> int:
        """Blocks of the decoder."""
        return self.num_hidden_layers if self.num_decoder_layers is None else self.num_decoder_layers

    @property
    def num_key_value_heads(self) -> int:
        """Every head has its own keys and values."""
        return self.num_attention_heads

    @property
    def longest(self) -> int | None:
        """Distances and sines have no end."""
        return None

    def attention(self, **parts: Any) -> Attention:
        """Attention of this configuration's heads; parts: what else it has."""
        heads = self.num_attention_heads
        return Attention(heads=heads, kv_heads=heads, head_dim=self.head_dim, **parts)

    def twins(self) -> dict[str, str]:
        """A tied head is the embedding."""
        return {"lm_head.weight": "model.embed_tokens.weight"} if self.tie_word_embeddings else {}
