"""The residual block: read the stream through a norm, compute, add the result to the stream.

    x + attention(norm(x)), then x + feed_forward(norm(x))      (pre-norm; Xiong et al. 2020, arXiv:2002.04745)

The stream itself is never normalised between blocks, so the gradient reaches every layer unscaled. What a block writes
at the start is decided by the first values of `o_proj` and `down_proj`: `initialization.py`.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.positions.rotary import Angles
from groundup.slots import slot

Part = Callable[[Tensor], Tensor]


@slot
def pre_norm_block(
    x: Float[Tensor, "batch seq hidden"],
    attention_norm: Part,
    attention: Part,
    feed_forward_norm: Part,
    feed_forward: Part,
) -> Float[Tensor, "batch seq hidden"]:
    """Add to the stream what attention has to say of it, then what feed-forward has; each reads it through its norm."""
    x = x + attention(attention_norm(x))
    return x + feed_forward(feed_forward_norm(x))


class Block(nn.Module):
    """One attention and one feed-forward, each behind its norm; the parts are named as in the Hugging Face files."""

    def __init__(
        self, self_attn: nn.Module, mlp: nn.Module, input_layernorm: nn.Module, post_attention_layernorm: nn.Module
    ):
        super().__init__()
        self.self_attn = self_attn
        self.mlp = mlp
        self.input_layernorm = input_layernorm
        self.post_attention_layernorm = post_attention_layernorm

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles | None,
        mask: Tensor | None = None,
        cache=None,
        layer: int = 0,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Add what attention and then feed-forward have to say."""

        def attention(normalized: Tensor) -> Tensor:
            return self.self_attn(normalized, angles, mask, cache, layer)

        return pre_norm_block(x, self.input_layernorm, attention, self.post_attention_layernorm, self.mlp)
