"""The residual block: read the stream, compute, add the result to the stream. Where the norms stand makes the kind.

    pre-norm       x + attention(norm(x)), then x + feed_forward(norm(x))        GPT-2, LLaMA; Xiong et al. 2020, arXiv:2002.04745
    post-norm      norm(x + attention(x)), then norm(x + feed_forward(x))        2017, GPT-1, BERT
    sandwich       x + norm(attention(norm(x))), then the same                   Gemma 2; Ding et al. 2021, arXiv:2105.13290
    output norm    x + norm(attention(x)), then x + norm(feed_forward(x))        OLMo 2, arXiv:2501.00656; Swin v2
    parallel       x + attention(norm(x)) + feed_forward(norm(x))                GPT-J, PaLM, Falcon (one norm), GPT-NeoX (two)

The block of a decoder that asks a source has a third part between the two: `cross_block`, `post_norm_cross_block`.

In all but post-norm the stream itself is never normalised between blocks, so the gradient reaches every layer unscaled. In the
parallel block both parts read the same stream: their matrices can be multiplied at once, at little loss in large models
(Chowdhery et al. 2022, arXiv:2204.02311, section 2). What a block writes at the start is decided by the first values of
`o_proj` and `down_proj`: `initialization.py`.
"""

from collections.abc import Callable
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.positions.rotary import Angles
from groundup.slots import slot

Part = Callable[[Tensor], Tensor]
Stream = Float[Tensor, "batch seq hidden"]


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


def post_norm_block(
    x: Stream, attention: Part, attention_norm: Part, feed_forward: Part, feed_forward_norm: Part
) -> Stream:
    """Normalise the stream itself after each addition; its gradient shrinks from block to block, so depth needs a warm-up."""
    x = attention_norm(x + attention(x))
    return feed_forward_norm(x + feed_forward(x))


def sandwich_block(
    x: Stream,
    before_attention: Part,
    attention: Part,
    after_attention: Part,
    before_feed_forward: Part,
    feed_forward: Part,
    after_feed_forward: Part,
) -> Stream:
    """Normalise what each part reads and what it says, so that no part can shout."""
    x = x + after_attention(attention(before_attention(x)))
    return x + after_feed_forward(feed_forward(before_feed_forward(x)))


def output_norm_block(
    x: Stream, attention: Part, attention_norm: Part, feed_forward: Part, feed_forward_norm: Part
) -> Stream:
    """Let each part read the raw stream, and normalise what it says."""
    x = x + attention_norm(attention(x))
    return x + feed_forward_norm(feed_forward(x))


@slot
def parallel_block(
    x: Float[Tensor, "batch seq hidden"],
    attention_norm: Part,
    attention: Part,
    feed_forward_norm: Part | None,
    feed_forward: Part,
) -> Float[Tensor, "batch seq hidden"]:
    """Let attention and feed-forward read the same stream side by side and add what both say.

    feed_forward_norm: None where both read the stream through attention_norm, which is then computed once.
    """
    read = attention_norm(x)
    beside = read if feed_forward_norm is None else feed_forward_norm(x)
    return x + attention(read) + feed_forward(beside)


@slot
def cross_block(
    x: Float[Tensor, "batch seq hidden"],
    attention_norm: Part,
    attention: Part,
    cross_norm: Part,
    cross: Part,
    feed_forward_norm: Part,
    feed_forward: Part,
) -> Float[Tensor, "batch seq hidden"]:
    """Add to the stream what the answer so far says, then what the source says to it, then the feed-forward.

    Each part reads the stream through its norm. `cross` already knows the source.
    """
    x = x + attention(attention_norm(x))
    x = x + cross(cross_norm(x))
    return x + feed_forward(feed_forward_norm(x))


def post_norm_cross_block(
    x: Float[Tensor, "batch seq hidden"],
    attention: Part,
    attention_norm: Part,
    cross: Part,
    cross_norm: Part,
    feed_forward: Part,
    feed_forward_norm: Part,
) -> Float[Tensor, "batch seq hidden"]:
    """The same three, with a norm on the stream after each addition: the order of 2017."""
    x = attention_norm(x + attention(x))
    x = cross_norm(x + cross(x))
    return feed_forward_norm(x + feed_forward(x))


class _Block(nn.Module):
    """The two parts and as many norms as the order has, named as in the Hugging Face files.

    residual_scale: what the output of each part is multiplied by before it is added (Granite).
    """

    norms: ClassVar[tuple[str, ...]]
    input_layernorm: nn.Module
    post_attention_layernorm: nn.Module
    pre_feedforward_layernorm: nn.Module
    post_feedforward_layernorm: nn.Module

    def __init__(self, self_attn: nn.Module, mlp: nn.Module, *norms: nn.Module, residual_scale: float = 1.0):
        super().__init__()
        assert len(norms) == len(self.norms), f"{type(self).__name__} has the norms {self.norms}, not {len(norms)}"
        self.self_attn = self_attn
        self.mlp = mlp
        for name, norm in zip(self.norms, norms, strict=True):
            setattr(self, name, norm)
        self.residual_scale = residual_scale

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles | None,
        mask: Tensor | None = None,
        cache=None,
        layer: int = 0,
        on_value: Part | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Add what attention and feed-forward have to say. on_value: what attention does to its values first."""

        def attention(read: Tensor) -> Tensor:
            if on_value is None:
                return self.self_attn(read, angles, mask, cache, layer)
            return self.self_attn(read, angles, mask, cache, layer, on_value)

        if self.residual_scale == 1.0:
            return self.ordered(x, attention, self.mlp)
        return self.ordered(x, self._quieter(attention), self._quieter(self.mlp))

    def _quieter(self, part: Part) -> Part:
        return lambda read: part(read) * self.residual_scale

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Apply norms, parts and additions in this block's order."""
        raise NotImplementedError


class Block(_Block):
    """Each part behind its norm: the order of GPT-2 and LLaMA."""

    norms = ("input_layernorm", "post_attention_layernorm")

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Pre-norm."""
        return pre_norm_block(x, self.input_layernorm, attention, self.post_attention_layernorm, feed_forward)


class PostNormBlock(_Block):
    """A norm on the stream after each addition: the order of 2017 and GPT-1."""

    norms = ("post_attention_layernorm", "post_feedforward_layernorm")

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Post-norm."""
        return post_norm_block(
            x, attention, self.post_attention_layernorm, feed_forward, self.post_feedforward_layernorm
        )


class SandwichBlock(_Block):
    """A norm before and after each part: Gemma 2 and 3."""

    norms = (
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    )

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Norm, part, norm, add."""
        return sandwich_block(
            x,
            self.input_layernorm,
            attention,
            self.post_attention_layernorm,
            self.pre_feedforward_layernorm,
            feed_forward,
            self.post_feedforward_layernorm,
        )


class OutputNormBlock(_Block):
    """A norm on what each part says, none on what it reads: OLMo 2."""

    norms = ("post_attention_layernorm", "post_feedforward_layernorm")

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Part, norm, add."""
        return output_norm_block(
            x, attention, self.post_attention_layernorm, feed_forward, self.post_feedforward_layernorm
        )


class ParallelBlock(_Block):
    """Both parts read the stream through one norm: Falcon 7B, Phi."""

    norms = ("input_layernorm",)

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Side by side."""
        return parallel_block(x, self.input_layernorm, attention, None, feed_forward)


class ParallelTwoNormsBlock(_Block):
    """Both parts read the stream, each through its own norm: GPT-NeoX, Falcon 40B."""

    norms = ("input_layernorm", "post_attention_layernorm")

    def ordered(self, x: Stream, attention: Part, feed_forward: Part) -> Stream:
        """Side by side."""
        return parallel_block(x, self.input_layernorm, attention, self.post_attention_layernorm, feed_forward)


BLOCKS: dict[str, type[_Block]] = {
    "pre_norm": Block,
    "post_norm": PostNormBlock,
    "sandwich": SandwichBlock,
    "output_norm": OutputNormBlock,
    "parallel": ParallelBlock,
    "parallel_two_norms": ParallelTwoNormsBlock,
}
