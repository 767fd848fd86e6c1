"""Packed weights: a model folder whose matrices are whole numbers of a few bits, in the layout of compressed-tensors.

    pack-quantized     model.layers.0.mlp.up_proj.weight_packed   int32 (outputs, inputs * bits / 32)   the lowest bits hold the first code
                       model.layers.0.mlp.up_proj.weight_scale    (outputs, groups)                     one scale for so many neighbours of a row
                       model.layers.0.mlp.up_proj.weight_shape    int64 (2,)                            outputs, inputs
    int-quantized      model.layers.0.mlp.up_proj.weight          int8 (outputs, inputs)                8 bits, and what they read has 8 bits too
                       model.layers.0.mlp.up_proj.weight_scale    (outputs, 1)

A packed code is stored with 2^(bits - 1) added, so that it is never negative: weight = (code - 2^(bits - 1)) * scale. What is packed, and how, stands
in config.json under `quantization_config`: groups of matrices with so many bits each. transformers reads the folder where the package
compressed-tensors is installed. Here the numbers are unpacked when a model is loaded; inputs of 8 bits are rounded by `model.layers.rounded_linear`.
https://github.com/vllm-project/compressed-tensors. The same codes and scales can stand in GGUF's blocks of 32 (`blocks_of`).

Left out: zero points, groups in another order (`g_idx`), inputs with one scale for all tokens, sparse and float forms.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.slots import slot

BITS = (4, 8)
ENDINGS = ("weight_packed", "weight_scale", "weight_shape")
PACKED, WHOLE = "pack-quantized", "int-quantized"


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


class Scheme(NamedTuple):
    """What a folder's matrices are. bits: of those that `others` (their names without .weight) does not name. inputs: bits of what they read; None: floats."""

    bits: int
    others: Mapping[str, int] = {}
    inputs: int | None = None

    def of(self, stem: str) -> int:
        """The bits of one matrix."""
        return self.others.get(stem, self.bits)


def settings(
    bits: int, group_size: int | None, ignore: list[str], others: Mapping[str, int] = {}, inputs: int | None = None
) -> dict[str, Any]:
    """What config.json says under quantization_config. group_size None: one scale a row. ignore: linear maps that stay as they were.

    others, inputs: as in `Scheme`.
    """
    read = {"num_bits": inputs, "type": "int", "symmetric": True, "dynamic": True, "strategy": "token"}
    named = {few: [name for name, one in others.items() if one == few] for few in sorted(set(others.values()) - {bits})}
    groups = [*named.items(), (bits, ["Linear"])]
    return {
        "quant_method": "compressed-tensors",
        "format": PACKED if inputs is None else WHOLE,
        "quantization_status": "compressed",
        "config_groups": {
            f"group_{number}": {
                "targets": targets,
                "weights": _weights(few, group_size),
                "input_activations": None if inputs is None else read,
                "output_activations": None,
            }
            for number, (few, targets) in enumerate(groups)
        },
        "ignore": ignore,
    }


def _weights(bits: int, group_size: int | None) -> dict[str, Any]:
    said: dict[str, Any] = {"num_bits": bits, "type": "int", "symmetric": True, "dynamic": False}
    kind = {"strategy": "group", "group_size": group_size} if group_size else {"strategy": "channel", "group_size": None}
    return said | kind


def tensors_of(name: str, packed: Packed, bits: int, whole: bool = False) -> dict[str, Tensor]:
    """The tensors that stand in the files for the matrix `name` (which ends in weight). whole: a byte a code, as int-quantized has them."""
    stem = name.removesuffix("weight")
    if whole:
        return {name: packed.codes.contiguous(), f"{stem}weight_scale": packed.scale.contiguous()}
    outputs, inputs = packed.codes.shape
    return {
        f"{stem}weight_packed": pack_codes(packed.codes, bits),
        f"{stem}weight_scale": packed.scale.contiguous(),
        f"{stem}weight_shape": torch.tensor([outputs, inputs]),
    }


def scheme_of(quantization: object, origin: str | Path) -> Scheme | None:
    """What config.json's quantization_config tells of; None where it tells nothing.

    UnsupportedModel: weights in another form than this.
    """
    if quantization is None:
        return None
    told = _table(quantization)
    method, form = told.get("quant_method"), told.get("format")
    groups = [_table(group) for group in _table(told.get("config_groups")).values()]
    found = [one for group in groups for one in [_group(group)] if one is not None]
    general = [(bits, inputs) for targets, bits, inputs in found if "Linear" in targets]
    alike = len({inputs for _, _, inputs in found}) == 1 and len(general) == 1 and len(found) == len(groups)
    fits = alike and form == (PACKED if general[0][1] is None else WHOLE)
    if method != "compressed-tensors" or not fits or (form == WHOLE and general[0][0] != 8):
        raise UnsupportedModel(
            f"{origin}: weights quantised by {method!r} as {form!r} are not read; packed symmetric integers of {' or '.join(map(str, BITS))} bits "
            "(compressed-tensors' pack-quantized, or int-quantized with 8 bits) are, and so is a GGUF file: take one of these"
        )
    others = {name: bits for targets, bits, _ in found for name in targets if name != "Linear"}
    return Scheme(general[0][0], others, general[0][1])


def _group(group: Mapping[str, Any]) -> tuple[list[str], int, int | None] | None:
    """The targets, the bits and the bits of the inputs that one group says; None where it says what is not read here."""
    targets, weights, read = group.get("targets"), _table(group.get("weights")), group.get("input_activations")
    named = isinstance(targets, list) and all(isinstance(one, str) and not one.startswith("re:") for one in targets)
    plain = (weights.get("type"), weights.get("symmetric")) == ("int", True) and weights.get("num_bits") in BITS
    inputs = _table(read)
    tokenwise = [inputs.get(key) for key in ("num_bits", "type", "symmetric", "dynamic", "strategy")]
    if not named or not plain or (read is not None and tokenwise != [8, "int", True, True, "token"]):
        return None
    return list(targets), int(weights["num_bits"]), None if read is None else 8  # type: ignore[arg-type]


def _table(said: Any) -> Mapping[str, Any]:
    """What a file says, where it is a table; else an empty one."""
    return said if isinstance(said, Mapping) else {}


def matrices(table: Mapping[str, Tensor], scheme: Scheme, folder: Path) -> Iterator[tuple[str, Packed]]:
    """Every matrix that is kept as codes, by its name, which ends in weight."""
    for name in table:
        stem = name.rpartition(".")[0]
        if name.endswith("weight_packed"):
            yield f"{stem}.weight", _unpacked(table, stem, scheme.of(stem), folder)
        elif name.endswith(".weight") and table[name].dtype == torch.int8:
            scale = table.get(f"{stem}.weight_scale")
            if scale is None:
                raise FormatError(f"{folder}: {name} has no {stem}.weight_scale; copy the folder again")
            _check(name, table[name].shape, table[name], scale, folder)
            yield name, Packed(table[name], scale)


def _unpacked(table: Mapping[str, Tensor], stem: str, bits: int, folder: Path) -> Packed:
    if missing := [ending for ending in ENDINGS if f"{stem}.{ending}" not in table]:
        raise FormatError(f"{folder}: {stem}.weight_packed has no {stem}.{missing[0]}; copy the folder again")
    shape = [int(side) for side in table[f"{stem}.weight_shape"].flatten()]
    words, scale = table[f"{stem}.weight_packed"], table[f"{stem}.weight_scale"]
    filled = len(shape) == 2 and words.shape == (shape[0], -(-shape[1] // (32 // bits)))
    _check(f"{stem}.weight_packed", shape if filled else None, words, scale, folder, shape)
    return Packed(unpack_codes(words, bits, shape[1]), scale)


def _check(name: str, shape: Any, kept: Tensor, scale: Tensor, folder: Path, said: Any = None) -> None:
    """Refuse scales that do not fit a matrix of that shape. None: the codes fit none."""
    fits = shape is not None and scale.dim() == 2 and len(scale) == shape[0] and 0 < scale.shape[1] <= shape[1]
    if not fits or shape[1] % scale.shape[1]:
        raise FormatError(
            f"{folder}: {name} has shape {tuple(kept.shape)} and scales {tuple(scale.shape)}, which is no matrix of "
            f"{list(shape) if said is None else said}; copy the folder again"
        )


def unpacked(table: Mapping[str, Tensor], scheme: Scheme, folder: Path) -> dict[str, Tensor]:
    """The table with every packed matrix as numbers again."""
    made = {name: tensor for name, tensor in table.items() if not name.endswith(ENDINGS)}
    return made | {name: one.numbers() for name, one in matrices(table, scheme, folder)}


# ───────── as GGUF's blocks ─────────

BLOCK = 32  # weights with one scale, FP16


def blocks_of(name: str, one: Packed, kind: str) -> np.ndarray:
    """The bytes of a matrix' rows as Q8_0 or Q4_0 blocks that hold the very same codes and scales.

    InputError: groups that are no multiple of 32, codes of 8 bits for Q4_0, or a scale that FP16 does not hold.
    """
    size = one.codes.shape[1] // one.scale.shape[1]
    half = one.scale.half()
    wrong = (
        f"its groups of {size} weights are no multiple of {BLOCK}" if size % BLOCK
        else "its codes have 8 bits" if kind == "Q4_0" and (one.codes.short().abs() > 8).any()
        else "a scale of its groups is no number of FP16" if not half.to(one.scale.dtype).equal(one.scale)
        else None
    )  # fmt: skip
    if wrong is not None:
        raise InputError(
            f"{name} cannot stand in {kind} blocks as it is: {wrong}; compress the model with --group-size 32, "
            "or store it as --dtype F16"
        )
    codes = one.codes.unflatten(1, (-1, BLOCK)).numpy()
    scales = half.repeat_interleave(size // BLOCK, 1).numpy()[..., None].view(np.uint8)
    if kind == "Q8_0":
        steps = codes.view(np.uint8)
    else:  # the first half of a block below, the second above
        low, high = (part.astype(np.uint8) for part in np.split(codes.astype(np.int16) + 8, 2, axis=2))
        steps = low | high << 4
    return np.concatenate([scales, steps], axis=2).reshape(len(codes), -1)


def read(folder: str | Path) -> dict[str, Packed]:
    """The matrices of a model folder that are kept as codes, by their names in its files; empty where there are none."""
    from groundup import files
    from groundup.model.formats import shards

    path = Path(folder) / "config.json"
    scheme = scheme_of(files.read_json(path).get("quantization_config"), path) if path.is_file() else None
    return {} if scheme is None else dict(matrices(shards.read(Path(folder)), scheme, Path(folder)))
