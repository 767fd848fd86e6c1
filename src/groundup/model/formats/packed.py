"""Packed weights: a model folder whose matrices are whole numbers of a few bits, in the layout of compressed-tensors.

    model.layers.0.mlp.up_proj.weight_packed   int32 (outputs, inputs * bits / 32)   the lowest bits hold the first code
    model.layers.0.mlp.up_proj.weight_scale    (outputs, groups)                     one scale for so many neighbours of a row
    model.layers.0.mlp.up_proj.weight_shape    int64 (2,)                            outputs, inputs

A code is stored with 2^(bits - 1) added, so that it is never negative: weight = (code - 2^(bits - 1)) * scale. What is packed, and how, stands
in config.json under `quantization_config`; transformers reads the folder where the package compressed-tensors is installed.
Here the numbers are unpacked when a model is loaded. https://github.com/vllm-project/compressed-tensors, format "pack-quantized".

Left out: zero points, groups in another order (`g_idx`), packed activations, sparse and float forms.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import FormatError, UnsupportedModel
from groundup.slots import slot

BITS = (4, 8)
ENDINGS = ("weight_packed", "weight_scale", "weight_shape")


class Packed(NamedTuple):
    """A matrix as codes (int8, -2^(bits-1) to 2^(bits-1) - 1) with a scale for each row and group."""

    codes: Int[Tensor, "outputs inputs"]
    scale: Float[Tensor, "outputs groups"]

    def numbers(self) -> Float[Tensor, "outputs inputs"]:
        """What the codes stand for, in the scale's dtype."""
        grouped = self.codes.unflatten(1, (self.scale.shape[1], -1)).to(self.scale.dtype)
        return (grouped * self.scale[..., None]).flatten(1)


@slot
def pack_codes(codes: Int[Tensor, "outputs inputs"], bits: int) -> Int[Tensor, "outputs words"]:
    """Put 32 / bits codes into each int32 word, the first into the lowest bits; a last word that is not full ends in zeros.

    >>> pack_codes(torch.tensor([[-8, -7, 7, -8]]), bits=8).tolist()  # as bytes: 120, 121, 135, 120
    [[2022144376]]
    """
    each = 32 // bits
    words = -(-codes.shape[1] // each)
    unsigned = torch.zeros(len(codes), words * each, dtype=torch.int64)
    unsigned[:, : codes.shape[1]] = codes.to(torch.int64) + 2 ** (bits - 1)
    shifted = unsigned.unflatten(1, (words, each)) << (bits * torch.arange(each))
    return shifted.sum(2).to(torch.int32)  # the upper half of the range wraps to negative words


def unpack_codes(words: Int[Tensor, "outputs words"], bits: int, inputs: int) -> Int[Tensor, "outputs inputs"]:
    """The codes of each row, int8."""
    each = 32 // bits
    pieces = (words[..., None].to(torch.int64) >> (bits * torch.arange(each))) & (2**bits - 1)
    return (pieces.flatten(1)[:, :inputs] - 2 ** (bits - 1)).to(torch.int8)


def settings(bits: int, group_size: int | None, ignore: list[str]) -> dict[str, Any]:
    """What config.json says under quantization_config. group_size None: one scale a row. ignore: linear maps that stay as they were."""
    weights: dict[str, Any] = {"num_bits": bits, "type": "int", "symmetric": True, "dynamic": False}
    weights |= (
        {"strategy": "group", "group_size": group_size} if group_size else {"strategy": "channel", "group_size": None}
    )
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": ignore,
    }


def tensors_of(name: str, packed: Packed, bits: int) -> dict[str, Tensor]:
    """The tensors that stand in the files for the matrix `name` (which ends in weight)."""
    stem = name.removesuffix("weight")
    outputs, inputs = packed.codes.shape
    return {
        f"{stem}weight_packed": pack_codes(packed.codes, bits),
        f"{stem}weight_scale": packed.scale.contiguous(),
        f"{stem}weight_shape": torch.tensor([outputs, inputs]),
    }


def bits_of(quantization: object, origin: str | Path) -> int | None:
    """The bits of the codes that config.json's quantization_config tells of; None where it tells nothing.

    UnsupportedModel: weights in another form than this.
    """
    if quantization is None:
        return None
    told = _table(quantization)
    method, form = told.get("quant_method"), told.get("format")
    groups = [_table(group) for group in _table(told.get("config_groups")).values()]
    weights = [_table(group.get("weights")) for group in groups]
    kinds = [(one.get("num_bits"), one.get("type"), one.get("symmetric")) for one in weights]
    plain = bool(kinds) and all(group.get("input_activations") is None for group in groups)
    bits = kinds[0][0] if plain else None
    alike = all(kind == (bits, "int", True) for kind in kinds)
    if (method, form) != ("compressed-tensors", "pack-quantized") or not alike or bits not in BITS:
        raise UnsupportedModel(
            f"{origin}: weights quantised by {method!r} as {form!r} are not read; packed symmetric integers of {' or '.join(map(str, BITS))} bits "
            "(compressed-tensors' pack-quantized) are, and so is a GGUF file: take one of these"
        )
    return int(bits)


def _table(said: Any) -> Mapping[str, Any]:
    """What a file says, where it is a table; else an empty one."""
    return said if isinstance(said, Mapping) else {}


def unpacked(table: Mapping[str, Tensor], bits: int, folder: Path) -> dict[str, Tensor]:
    """The table with every packed matrix as numbers again."""
    made = {name: tensor for name, tensor in table.items() if not name.endswith(ENDINGS)}
    for name in (name for name in table if name.endswith("weight_packed")):
        stem = name.removesuffix("weight_packed")
        if missing := [ending for ending in ENDINGS if stem + ending not in table]:
            raise FormatError(f"{folder}: {stem}weight_packed has no {stem}{missing[0]}; copy the folder again")
        shape = [int(side) for side in table[f"{stem}weight_shape"].flatten()]
        words, scale = table[name], table[f"{stem}weight_scale"]
        fits = len(shape) == 2 and words.shape == (shape[0], -(-shape[1] // (32 // bits)))
        fits = fits and scale.dim() == 2 and len(scale) == shape[0] and 0 < scale.shape[1] <= shape[1]
        if not fits or shape[1] % scale.shape[1]:
            raise FormatError(
                f"{folder}: {name} has shape {tuple(words.shape)} and scales {tuple(scale.shape)}, which is no matrix of {shape}; copy the folder again"
            )
        made[f"{stem}weight"] = Packed(unpack_codes(words, bits, shape[1]), scale).numbers()
    return made
