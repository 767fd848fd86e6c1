"""The residual block: read the stream through a norm, compute, add the result to the stream.

    x + attention(norm(x)), then x + feed_forward(norm(x))      (pre-norm; Xiong et al. 2020, arXiv:2002.04745)

The stream itself is never normalised between blocks, so the gradient reaches every layer unscaled. What a block writes
at the start is decided by the first values of `o_proj` and `down_proj`: `initialization.py`.
"""

from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.positions.rotary import Angles


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
        x = x + self.self_attn(self.input_layernorm(x), angles, mask, cache, layer)
        return x + self.mlp(self.post_attention_layernorm(x))
