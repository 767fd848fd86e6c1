"""A model folder in, a smaller one out: what `groundup compress` does.

texts      a part of them says which weights count, another what the model has lost
change     `quantization.ptq` or `pruning.pruning`, in place
written    codes and scales as compressed-tensors keeps them (`model.formats.packed`), or numbers with zeros among them
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from groundup import files
from groundup.compression.config import CompressConfig
from groundup.compression.pruning import pruning
from groundup.compression.quantization import ptq
from groundup.errors import InputError, UnsupportedModel
from groundup.model.formats import huggingface, packed, shards
from groundup.model.formats.packed import Packed

Text = str | Sequence[dict[str, str]]  # a text, or a conversation


class Compressed(NamedTuple):
    """What came out. perplexity: of held-out text before and after, None where it was not measured. zeros: share of the blocks' weights."""

    folder: Path
    bytes_before: int
    bytes_after: int
    perplexity_before: float | None
    perplexity_after: float | None
    zeros: float


def compress(
    source: str | Path,
    target: str | Path,
    config: CompressConfig,
    texts: Iterable[Text],
    told: Callable[[int], object] = lambda done: None,
) -> Compressed:
    """Compress a model folder. texts: such as the model will read, conversations where it chats; the first tokens are held out, the next calibrate.

    InputError: it is quantised already, or the texts are too short. UnsupportedModel: a family whose files cannot hold packed matrices.
    """
    from groundup.inference.handle import load

    source, target = Path(source), Path(target)
    if target.exists():
        raise InputError(f"{target} is there already; give another name, or remove it")
    if packed.bits_of(_raw(source).get("quantization_config"), source) is not None:
        raise InputError(
            f"{source} is quantised already, and rounding twice only adds errors; start from the model before that"
        )
    handle = load(source, device="cpu")
    names = _file_names(handle.module) if config.quantises else {}
    held_out, calibration = _pieces(handle, texts, config)
    before = perplexity(handle.module, held_out)
    made, zeros = _changed(handle.module, config, calibration, told)
    _write(handle, target, config, {names[name]: one for name, one in made.items()})
    return Compressed(target, _size(source), _size(target), before, perplexity(handle.module, held_out), zeros)


def _raw(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    return files.read_json(path) if path.is_file() else {}


def _file_names(module: Any) -> dict[str, str]:
    """For each linear map of the blocks, the name of its matrix in the family's files."""
    from groundup.compression.calibration import linear_maps

    rules = module.config.weight_names().matched([f"{name}.weight" for name in linear_maps(module)])
    found = {}
    for rule in rules.values():
        if len(rule.ours) != 1 or rule.stored_shape([(2, 3)]) != (2, 3):
            raise UnsupportedModel(
                f"the files of {module.config.model_type} keep {rule.theirs} joined or turned, which the packed format cannot; "
                "prune it, or write it with `groundup export --to gguf --dtype Q4_0`"
            )
        found[rule.ours[0].removesuffix(".weight")] = rule.theirs
    return found


def _pieces(handle: Any, texts: Iterable[Text], config: CompressConfig) -> tuple[list[list[int]], list[list[int]]]:
    """Held-out and calibration texts as ids, cut to seq_len."""
    wanted, length = (
        config.held_out_tokens + config.calibration_tokens,
        min(config.seq_len, handle.config.max_position_embeddings),
    )
    pieces: list[list[int]] = []
    for text in texts:
        ids = (
            handle.tokenizer.encode(text) if isinstance(text, str) else handle.tokenizer.apply_chat_template(list(text))
        )
        pieces += [ids[at : at + length] for at in range(0, len(ids), length)]
        if sum(map(len, pieces)) >= wanted:
            break
    pieces = [piece for piece in pieces if len(piece) > 1]
    held, taken = [], 0
    while pieces and taken < config.held_out_tokens:
        taken += len(pieces[0])
        held.append(pieces.pop(0))
    return held, pieces


def _changed(
    module: Any, config: CompressConfig, texts: Sequence[Sequence[int]], told: Callable[[int], object]
) -> tuple[dict[str, Packed], float]:
    if config.quantises:
        return ptq.quantize(module, config.method, config.bits, config.group_size or None, texts, told), 0.0
    return {}, pruning.prune(module, config.method, config.share, config.neighbours(), texts, told)


@torch.inference_mode()
def perplexity(module: Any, texts: Sequence[Sequence[int]]) -> float | None:
    """e to the mean loss of every next token of texts of ids; None without one."""
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([list(text)], device=module.device)
        logits = module(ids)[0, :-1].float()
        total += float(functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
        count += len(text) - 1
    return math.exp(total / count) if count else None


def _write(handle: Any, target: Path, config: CompressConfig, made: dict[str, Packed]) -> None:
    """A model folder: codes and scales for what was quantised, all else as it is."""
    module = handle.module
    table: dict[str, Tensor] = {}
    for name, tensor in huggingface.weights_of(module).items():
        table |= packed.tensors_of(name, made[name], config.bits) if name in made else {name: tensor}
    with files.atomic_folder(target) as folder:
        huggingface.write_files(folder, module, handle.tokenizer, handle.generation or None)
        if made:
            for file in folder.glob("*.safetensors*"):
                file.unlink()
            shards.write(folder, table)
            said = packed.settings(config.bits, config.group_size or None, ["lm_head"])
            files.write_json(
                folder / "config.json", files.read_json(folder / "config.json") | {"quantization_config": said}
            )
        files.write_checksums(folder)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
