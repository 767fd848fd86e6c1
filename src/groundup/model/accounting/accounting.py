"""What a configuration costs, before it is built: parameters, floating-point operations, bytes of weights and cache.

A matrix of n weights costs 2n operations a token (multiply and add), and twice that again on the way back, so training
costs about 6n a token (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). Attention adds 4 * heads * head_dim for each
pair of query and key, masked pairs included, as the kernels compute them too when they are given a mask.
Left out: norms, activations and softmax, under 1 % of the operations (though not of the time) of a small model.
"""

from dataclasses import dataclass

from groundup.model.architectures.decoder import DecoderConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounting:
    """The counts of one configuration. Every figure is exact for the module that `build` gives."""

    parameters: int
    embedding_parameters: int  # of these, the token embedding (tied: also the head)
    head_parameters: int  # 0 when tied
    layer_parameters: int  # the first block
    matrix_parameters: int  # weights that multiply a token: all but embedding, biases and gains, with the head
    attention_flops_per_pair: int  # one query with one key, all layers, forward
    cache_elements_per_token: int
    position_parameters: int = 0  # a learned table of positions

    def flops_per_token(self, seq_len: int) -> int:
        """Forward operations a token in a row of seq_len tokens."""
        return 2 * self.matrix_parameters + self.attention_flops_per_pair * seq_len

    def training_flops_per_token(self, seq_len: int) -> int:
        """Forward and backward operations a token: three times forward."""
        return 3 * self.flops_per_token(seq_len)

    def weight_bytes(self, bytes_per_element: int = 4) -> int:
        """Bytes of the weights; 4 an element in float32, 2 in bfloat16."""
        return self.parameters * bytes_per_element

    def kv_cache_bytes_per_token(self, bytes_per_element: int = 4) -> int:
        """Bytes that one token keeps in the cache."""
        return self.cache_elements_per_token * bytes_per_element


def count(config: DecoderConfig) -> Accounting:
    """Count the module of a configuration without building it; needs no torch."""
    shape = config.blueprint()
    blocks = [block.counted(shape.hidden) for block in shape.blocks]
    heads = [block.attention for block in shape.blocks]
    embedding, positions = shape.vocab * shape.hidden, (shape.learned_positions + shape.first_position) * shape.hidden
    head = (0 if config.tie_word_embeddings else embedding) + (shape.vocab if shape.head_bias else 0)
    last = 0 if shape.norm is None else shape.norm.counted(shape.hidden)
    return Accounting(
        parameters=embedding + positions + sum(map(sum, blocks)) + last + head,
        embedding_parameters=embedding,
        head_parameters=head,
        layer_parameters=sum(blocks[0]),
        matrix_parameters=sum(block.weights for block in blocks) + embedding,
        attention_flops_per_pair=sum(4 * attention.heads * attention.head_dim for attention in heads),
        cache_elements_per_token=sum(2 * attention.kv_heads * attention.head_dim for attention in heads),
        position_parameters=positions,
    )
