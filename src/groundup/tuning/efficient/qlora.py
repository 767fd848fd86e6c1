"""QLoRA: the frozen matrices in 4 bits, adapters beside them in full precision.

What is frozen is held in NF4 with double quantised sizes (`compression.quantization.nf4`): an eighth of the memory. Gradients flow through it to the
adapters, which learn what rounding took as well. Dettmers et al. 2023, arXiv:2305.14314, section 3.
Left out: paged optimiser states.
"""

from typing import Any

from groundup.compression.quantization.nf4 import NF4Linear, quantize, quantized_bytes

__all__ = ["NF4Linear", "bytes_of", "quantize", "quantized_bytes"]


def bytes_of(module: Any) -> int:
    """What the weights of a model hold in memory, quantised ones too; a shared one once."""
    kept = {
        one.data_ptr(): one.numel() * one.element_size()
        for one in (*module.parameters(), *module.buffers())
        if one.numel()
    }
    return sum(kept.values())
