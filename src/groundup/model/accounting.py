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
    layer_parameters: int  # one block
    matrix_parameters: int  # weights that multiply a token: all but embedding, biases and gains, with the head
    attention_flops_per_pair: int  # one query with one key, all layers, forward
    cache_elements_per_token: int

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
    attention, feed_forward = _attention(config), _feed_forward(config)
    gains = 2 * config.hidden_size + (2 * config.head_dim if config.normalizes_heads else 0)
    layer = attention.weights + attention.biases + feed_forward.weights + feed_forward.biases + gains
    embedding = config.vocab_size * config.hidden_size
    head = 0 if config.tie_word_embeddings else embedding
    return Accounting(
        parameters=embedding + config.num_hidden_layers * layer + config.hidden_size + head,
        embedding_parameters=embedding,
        head_parameters=head,
        layer_parameters=layer,
        matrix_parameters=config.num_hidden_layers * (attention.weights + feed_forward.weights) + embedding,
        attention_flops_per_pair=4 * config.num_hidden_layers * config.num_attention_heads * config.head_dim,
        cache_elements_per_token=2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    weights: int
    biases: int


def _attention(config: DecoderConfig) -> _Part:
    query = config.num_attention_heads * config.head_dim
    shared = config.num_key_value_heads * config.head_dim
    weights = config.hidden_size * (query + 2 * shared) + query * config.hidden_size
    return _Part(weights, query + 2 * shared + config.hidden_size if config.attention_has_bias else 0)


def _feed_forward(config: DecoderConfig) -> _Part:
    wide = 2 if config.gated else 1  # matrices from hidden to intermediate; one leads back
    biases = wide * config.intermediate_size + config.hidden_size if config.feed_forward_has_bias else 0
    return _Part((wide + 1) * config.hidden_size * config.intermediate_size, biases)
