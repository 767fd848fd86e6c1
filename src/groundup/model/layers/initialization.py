"""First values: every parameter of every model starts from this one table.

    parameter               "scaled" (ours)                          "normal" (GPT-2)
    embed_tokens            normal(0, std)                           normal(0, std)
    embed_positions, _types normal(0, std)                           normal(0, std)
    lm_head (untied), score zero                                     normal(0, std)
    o_proj, down_proj       zero                                     normal(0, std / sqrt(2 * layers))
    other matrices          normal(0, 1 / sqrt(inputs))              normal(0, std)     (each of a stack of experts, too)
    biases                  zero                                     zero
    norm gains              one                                      one         (as stored: zero where a norm adds one)

std is the configuration's `initializer_range`. With zero output projections each block starts as the identity and the
first gradients see a shallow model (ReZero's idea, Bachlechner et al. 2020, arXiv:2003.04887). With normal ones the
stream's variance would grow with depth; the division holds it (GPT-2, Radford et al. 2019, section 2.3).
Published families prescribe only how they were trained, so a `llama` or `qwen3` built here may start from either.

A part with parameters that no rule by shape can fill (the decay of a recurrence) has a method `first_values(generator)`, which
gives these by their names in it.
"""

import math

import torch
from torch import Tensor, nn

from groundup.slots import slot

SCHEMES = ("scaled", "normal")
WRITES_TO_STREAM = ("o_proj.weight", "down_proj.weight", "experts.down_proj")


def initialize(
    module: nn.Module,
    *,
    layers: int,
    std: float,
    seed: int | None = None,
    scheme: str = "scaled",
    zero_projections: bool = True,
) -> None:
    """Fill every parameter in place, in the order of their names, from one seeded stream (None: torch's global one).

    zero_projections: False draws what writes to the stream also where the scheme has it zero, by "other matrices" over sqrt(2 * layers).
    Drawn on the CPU in fp32, so the same seed gives the same model on every device.
    """
    assert scheme in SCHEMES, f"scheme={scheme!r} is none of {SCHEMES}"
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    offsets = {f"{name}.weight": part.offset for name, part in module.named_modules() if hasattr(part, "offset")}
    own = _of_their_own(module, generator)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            if name in own:
                parameter.copy_(own[name])
                continue
            deviation = deviation_of(name, parameter, layers, std, scheme)
            if deviation == 0.0 and not zero_projections and name.endswith(WRITES_TO_STREAM):
                deviation = 1.0 / math.sqrt(2 * layers * parameter.shape[-1])
            if deviation is None:
                parameter.fill_(1.0 - offsets.get(name, 0.0))
            elif deviation == 0.0:
                parameter.zero_()
            elif not parameter.is_meta:
                parameter.copy_(torch.empty(parameter.shape).normal_(0.0, deviation, generator=generator))


def _of_their_own(module: nn.Module, generator: torch.Generator | None) -> dict[str, Tensor]:
    """What parts say that their parameters start from, by full name; on no device "meta", where nothing is drawn."""
    if any(parameter.is_meta for parameter in module.parameters()):
        return {}
    drawn = [
        (name, part.first_values(generator)) for name, part in module.named_modules() if hasattr(part, "first_values")
    ]
    return {f"{name}.{own}".lstrip("."): tensor for name, values in drawn for own, tensor in values.items()}


@slot
def deviation_of(name: str, parameter: Tensor, layers: int, std: float, scheme: str) -> float | None:
    """Look a parameter up in the table: the standard deviation of its first values; None for a gain (one).

    name: with its place, "model.layers.0.mlp.down_proj.weight"; parameter: a weight is (outputs, inputs), a stack of
    experts' (experts, outputs, inputs).
    scheme: "scaled" or "normal".
    """
    if name.endswith("bias"):
        return 0.0
    if parameter.dim() == 1:
        return None
    if name.endswith("embed_positions.weight"):
        return std
    if name.endswith(("embed_tokens.weight", "embed_types.weight")):
        return std
    if scheme == "normal":
        return std / math.sqrt(2 * layers) if name.endswith(WRITES_TO_STREAM) else std
    if name.endswith(WRITES_TO_STREAM) or name.endswith(("lm_head.weight", "score.out_proj.weight")):
        return 0.0
    return 1.0 / math.sqrt(parameter.shape[-1])
