"""A LLaMA's training step in jax.numpy: the same weights by the same names, the same numbers as the torch module's.

A step is a pure function here: weights and tokens in, loss and new weights out. jax writes down what it does to arrays of
these shapes (it is traced, not run), and hands that list to XLA, the compiler that TPUs are programmed with (`xla`). So there is
no module and nothing is changed in place.

    new weights, loss = step(weights, ids, targets)          W <- W - rate * dL/dW

The weights are a dictionary with the names of the Hugging Face files, as NumPy or jax arrays; of a torch module:
{name: parameter.detach().numpy() for name, parameter in module.named_parameters()}, on a CPU without a copy.
Left out: caches, masks of packed documents, bf16, other optimisers; what is shown is how a step is compiled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundup.errors import InputError, missing_extra

Weights = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What the weights alone do not say."""

    heads: int
    kv_heads: int
    eps: float = 1e-6
    theta: float = 10_000.0

    @classmethod
    def of(cls, config: Any) -> "Shape":
        """From a LLaMA's configuration."""
        return cls(
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            eps=config.rms_norm_eps,
            theta=config.rope_theta,
        )


def numpy() -> Any:
    """jax.numpy; MissingExtra with the pip line where jax is not installed."""
    try:
        import jax.numpy
    except ImportError:
        raise missing_extra("jax", "xla") from None
    return jax.numpy


def rms_norm(x: Any, gain: Any, eps: float) -> Any:
    """x over its root mean square, times a gain."""
    return x / numpy().sqrt((x * x).mean(-1, keepdims=True) + eps) * gain


def rotate(x: Any, theta: float) -> Any:
    """Turn (batch, seq, heads, head_dim) by position: the coordinates i and i + head_dim / 2 are a pair."""
    np = numpy()
    half = x.shape[-1] // 2
    angles = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def attention(weights: Weights, name: str, x: Any, shape: Shape) -> Any:
    """Causal attention with shared keys."""
    np = numpy()
    batch, seq, _ = x.shape
    made = {one: x @ weights[f"{name}.{one}_proj.weight"].T for one in "qkv"}
    query = rotate(made["q"].reshape(batch, seq, shape.heads, -1), shape.theta)
    key, value = (made[one].reshape(batch, seq, shape.kv_heads, -1) for one in "kv")
    groups = shape.heads // shape.kv_heads
    key, value = (np.repeat(one, groups, axis=2) for one in (rotate(key, shape.theta), value))
    scores = np.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(query.shape[-1])
    scores = np.where(np.tril(np.ones((seq, seq), bool)), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = np.einsum("bhqk,bkhd->bqhd", shares / shares.sum(-1, keepdims=True), value)
    return mixed.reshape(batch, seq, -1) @ weights[f"{name}.o_proj.weight"].T


def feed_forward(weights: Weights, name: str, x: Any) -> Any:
    """SwiGLU."""
    gate = x @ weights[f"{name}.gate_proj.weight"].T
    up = x @ weights[f"{name}.up_proj.weight"].T
    return (gate / (1 + numpy().exp(-gate)) * up) @ weights[f"{name}.down_proj.weight"].T


def logits(weights: Weights, ids: Any, shape: Shape) -> Any:
    """Scores of every next token; the head is the embedding where no head of its own is there."""
    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(layers(weights)):
        name = f"model.layers.{layer}"
        normed = rms_norm(x, weights[f"{name}.input_layernorm.weight"], shape.eps)
        x = x + attention(weights, f"{name}.self_attn", normed, shape)
        normed = rms_norm(x, weights[f"{name}.post_attention_layernorm.weight"], shape.eps)
        x = x + feed_forward(weights, f"{name}.mlp", normed)
    x = rms_norm(x, weights["model.norm.weight"], shape.eps)
    return x @ weights.get("lm_head.weight", weights["model.embed_tokens.weight"]).T


def layers(weights: Weights) -> int:
    """How many blocks the names speak of; InputError where they are not a LLaMA's."""
    found = {name.split(".")[2] for name in weights if name.startswith("model.layers.")}
    if not found or "model.layers.0.mlp.gate_proj.weight" not in weights:
        raise InputError(
            "these are not the weights of a LLaMA; give a dictionary with names such as model.layers.0.mlp.gate_proj.weight"
        )
    return len(found)


def loss(weights: Weights, ids: Any, targets: Any, shape: Shape) -> Any:
    """Mean cross-entropy in nats."""
    np = numpy()
    scores = logits(weights, ids, shape)
    scores = scores - scores.max(-1, keepdims=True)
    log_total = np.log(np.exp(scores).sum(-1))
    return (log_total - np.take_along_axis(scores, targets[..., None], -1)[..., 0]).mean()


def make_step(shape: Shape, rate: float) -> Callable[[Weights, Any, Any], tuple[dict[str, Any], Any]]:
    """The step as one pure function of weights and tokens, ready for `jax.jit`."""
    numpy()
    import jax

    def step(weights: Weights, ids: Any, targets: Any) -> tuple[dict[str, Any], Any]:
        value, gradients = jax.value_and_grad(loss)(dict(weights), ids, targets, shape)
        return {name: weights[name] - rate * gradients[name] for name in weights}, value

    return step
