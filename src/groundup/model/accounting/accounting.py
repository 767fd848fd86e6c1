"""Parameters of a configuration, and the few numbers from which its operations and bytes follow.

A matrix of n weights costs 2n operations a token (multiply and add), and twice that again on the way back, so training
costs about 6n a token (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). Attention adds 4 * heads * head_dim for each
pair of query and key, masked pairs included, as the kernels compute them too when they are given a mask.
Of an encoder-decoder a token stands for two, one of the source and one of the answer, as if both were equally long.
Left out: norms, activations and softmax, under 1 % of the operations (though not of the time) of a small model.
"""

from dataclasses import dataclass
from typing import Any

from groundup.model.architectures.configuration import ModelConfig
from groundup.slots import slot


@slot
def token_flops(weights: int, pair_flops: int, keys: int, training: bool = False) -> int:
    """Operations for one token: forward, or in training forward and backward.

    weights: of the matrices that it meets, each a multiplication and an addition. pair_flops: what it costs to look at one of
    `keys` tokens. On the way back every product is made twice more: for the gradient of each of its two sides.
    """
    forward = 2 * weights + pair_flops * keys
    return 3 * forward if training else forward


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
        return token_flops(self.matrix_parameters, self.attention_flops_per_pair, seq_len)

    def training_flops_per_token(self, seq_len: int) -> int:
        """Forward and backward operations a token: three times forward."""
        return token_flops(self.matrix_parameters, self.attention_flops_per_pair, seq_len, training=True)

    def weight_bytes(self, bytes_per_element: int = 4) -> int:
        """Bytes of the weights; 4 an element in float32, 2 in bfloat16."""
        return self.parameters * bytes_per_element

    def kv_cache_bytes_per_token(self, bytes_per_element: int = 4) -> int:
        """Bytes that one token keeps in the cache, while all windows still reach it."""
        return self.cache_elements_per_token * bytes_per_element


def count(config: ModelConfig) -> Accounting:
    """Count the module of a configuration without building it; needs no torch."""
    shape = config.blueprint()
    blocks = [block.counted(shape.hidden) for block in shape.blocks]
    heads = [block.attention for block in shape.blocks]
    looks = [
        part for block in shape.encoder + shape.blocks for part in (block.attention, block.cross) if part is not None
    ]
    sources = sum(block.counted(shape.hidden).weights for block in shape.encoder)
    embedding, positions = shape.vocab * shape.hidden, (shape.learned_positions + shape.first_position) * shape.hidden
    head = shape.head_counted()
    own = sum(head) - (embedding if config.tie_word_embeddings and shape.scores_vocabulary else 0)
    last = 0 if shape.norm is None else shape.norm.counted(shape.hidden)
    return Accounting(
        parameters=embedding + positions + sum(map(sum, blocks)) + last + own + shape.beside,
        embedding_parameters=embedding,
        head_parameters=own,
        layer_parameters=sum(blocks[0]),
        matrix_parameters=sum(block.weights for block in blocks) + sources + head.weights,
        attention_flops_per_pair=sum(2 * sum(attention.pair_products) for attention in looks),
        cache_elements_per_token=sum(sum(attention.cache_widths) for attention in heads),
        position_parameters=positions,
    )


def parameters(config: ModelConfig) -> dict[str, int]:
    """The parameters by where they stand; "idle experts" are those that a given token does not meet."""
    shape, counted = config.blueprint(), count(config)
    found = {"embedding": counted.embedding_parameters, "positions": counted.position_parameters}
    for block in shape.encoder + shape.blocks:
        attention, feed_forward = block.attention.counted(shape.hidden), block.feed_forward.counted(shape.hidden)
        for name, number in (
            ("attention", attention.weights),
            ("cross-attention", 0 if block.cross is None else block.cross.counted(shape.hidden).weights),
            ("feed-forward", feed_forward.weights),
            ("idle experts", attention.idle + feed_forward.idle),
        ):
            found[name] = found.get(name, 0) + number
    found["head"] = counted.head_parameters
    found["norms and biases"] = counted.parameters - sum(found.values())
    return {name: number for name, number in found.items() if number}


def matrices_of(part: Any, hidden: int) -> dict[str, tuple[int, int]]:
    """A part's matrices by name, with what each reads and writes; {} for a part that does not name them."""
    return part.matrices(hidden) if hasattr(part, "matrices") else {}
