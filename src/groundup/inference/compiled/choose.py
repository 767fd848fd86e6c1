"""Whether one text or a few are better written by the compiled step or by torch, decided where a model is made ready.

    lowered = decoder_for(model)            # None: write with the module itself

"auto" changes no weight: float32 (and FP16) weights stay float32, bf16 weights bf16; 8 and 4 bits are for who asks for them.
The step is refused where a part has no kernel, a learner's own function or a hook takes part, the module is not on the CPU, or
a matrix is too large to be packed within seconds; and in "auto" where three of its tokens took longer than three of torch's.
"""

import statistics
from typing import Any

import torch

from groundup.errors import UnsupportedModel
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.compiled.layout import refused
from groundup.inference.compiled.step import Lowered, lower
from groundup.machine.probe.timing import in_turns
from groundup.slots import active

MOST_WEIGHTS = 2_000_000_000  # that "auto" packs: about ten seconds, and their bytes a second time in memory
TURNS = 3


def decoder_for(model: Any, codec: str = "auto", **options: Any) -> Lowered | None:
    """Lower a handle's module (or a module) for the CPU; None where torch is to write.

    codec: auto, f32, bf16, q8_0 or q4_0; with a name the two are not timed. options: those of `lower`.
    """
    module = getattr(model, "module", model)
    if why_not(module, codec) is not None:
        return None
    named = codec_for(module) if codec == "auto" else codec
    try:
        lowered = lower(module, named, **options)
    except UnsupportedModel:  # the code is off on this machine
        return None
    return lowered if codec != "auto" or faster(lowered) else None


def why_not(module: Any, codec: str = "auto") -> str | None:
    """What keeps a module from being lowered, in words; None where nothing does."""
    if (part := refused(module)) is not None:
        return part
    if module.device.type != "cpu":
        return f"weights on {module.device.type}"
    if own := [one.id for one in active() if one.id.startswith("model.")]:
        return f"a function of your own, {own[0]}, which torch calls"
    if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
        return "a part that somebody watches or changes while it runs"
    weights = sum(one.numel() for one in module.parameters())
    if codec == "auto" and weights > MOST_WEIGHTS:
        return f"{weights:,} weights, whose packing takes longer than a few seconds"
    return None


def codec_for(module: Any) -> str:
    """The codec that changes no weight."""
    return "bf16" if all(one.dtype == torch.bfloat16 for one in module.parameters() if one.dim() > 1) else "f32"


def faster(lowered: Lowered) -> bool:
    """Whether a token takes the compiled step less time than torch; each reads the same few."""
    module, text = lowered.module, lowered.text(min(lowered.context, 32))
    cache, token = KVCache.of(module, 1, text.context), torch.tensor([[0]])
    rounds = min(TURNS, text.context - 1)
    if rounds < 1:
        return False
    with torch.inference_mode():
        ways = {"compiled": lambda: text.step(0), "torch": lambda: module(token, cache=cache)}
        seconds = in_turns(ways, rounds, warm=1)
    return statistics.median(seconds["compiled"]) < statistics.median(seconds["torch"])
