"""The model folder in the Hugging Face layout, out and in with equal logits.

    config.json  generation_config.json  model.safetensors  tokenizer.json  tokenizer_config.json  README.md

A tied head is one storage, so the file holds it once, under the embedding's name; loading accepts either name.
Left out: files in several shards, and names that differ from the module's own. No pickle is ever read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.transformer import Decoder

WEIGHTS = "model.safetensors"
HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}


def save_model(
    folder: str | Path,
    module: Decoder,
    tokenizer: Any = None,
    generation: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Write a model folder that this library and transformers load; whole or not at all.

    tokenizer: anything with `.save(folder)`. generation: generation_config.json. card: README.md.
    """
    with files.atomic_folder(folder) as temporary:
        target = Path(temporary)
        weights = weights_of(module)
        dtype = str(weights[EMBEDDING].dtype).removeprefix("torch.")
        files.write_json(target / "config.json", module.config.to_dict() | {"dtype": dtype, "torch_dtype": dtype})
        safetensors.torch.save_file(weights, target / WEIGHTS, metadata={"format": "pt"})
        if generation is not None:
            files.write_json(target / "generation_config.json", dict(generation))
        if tokenizer is not None:
            tokenizer.save(target)
        if card is not None:
            files.write_text(target / "README.md", card)
        files.write_checksums(target)


def weights_of(module: Decoder) -> dict[str, Tensor]:
    """The state dict as it is stored: on the CPU, contiguous, a tied head once."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    if module.config.tie_word_embeddings:
        del weights[HEAD]
    return weights


def load_model(folder: str | Path, dtype: torch.dtype | str | None = None, device: Any = "cpu") -> Decoder:
    """Build the module of a folder's config.json and fill it. dtype None keeps that of the file.

    FormatError: a file is missing, cut short, or holds NaN. UnsupportedModel: another architecture.
    """
    wanted = dtype_of(dtype)
    module = build(load_config(folder), device="meta")
    path = Path(folder) / WEIGHTS
    weights = _by_own_names(read_weights(path), module.config.tie_word_embeddings)
    _check(weights, module, path)
    placed = {name: tensor.to(device=device, dtype=wanted or tensor.dtype) for name, tensor in weights.items()}
    module.load_state_dict(placed, strict=False, assign=True)
    module.tie()
    return module


def dtype_of(name: torch.dtype | str | None) -> torch.dtype | None:
    """Turn a dtype's name into torch's object; None and "auto" mean: as it is stored."""
    if name is None or isinstance(name, torch.dtype):
        return name
    if name != "auto" and name not in DTYPES:
        raise ConfigError(f"dtype {name!r} is unknown; use auto, {', '.join(DTYPES)}")
    return DTYPES.get(name)


def load_config(folder: str | Path) -> DecoderConfig:
    """Read config.json of a model folder, every key of it."""
    path = Path(folder) / "config.json"
    if not Path(folder).is_dir():
        raise InputError(f"there is no model folder {folder}; `groundup demo` makes one at runs/demo/model")
    if not path.is_file():
        raise FormatError(
            f"{folder} has no config.json, so it is not a model folder; pass the folder that a run calls model/"
        )
    return config_from_dict(files.read_json(path), str(path))


def _way_out(folder: Path) -> str:
    """What to do about a folder without model.safetensors, by what lies there instead."""
    if (folder / f"{WEIGHTS}.index.json").is_file():
        return (
            "its weights are in several files; save them as one: save_pretrained(max_shard_size='1TB') of transformers"
        )
    if (folder / "pytorch_model.bin").is_file():
        return "pytorch_model.bin is a pickle, which is never loaded; save it anew: save_pretrained() of transformers"
    return "copy the file there, or pass another model folder"


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; FormatError when it is missing or cut short."""
    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}; {_way_out(path.parent)}")
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise FormatError(f"{path} is damaged or cut short ({error}); copy or download it again") from error


def _by_own_names(weights: dict[str, Tensor], tied: bool) -> dict[str, Tensor]:
    """Bring a file's names to the module's: old files store rotary tables; a tied matrix has either of two names."""
    weights = {name: tensor for name, tensor in weights.items() if not name.endswith("rotary_emb.inv_freq")}
    if tied and HEAD in weights:
        head = weights.pop(HEAD)
        weights.setdefault(EMBEDDING, head)
    return weights


def _check(weights: dict[str, Tensor], module: Decoder, path: Path) -> None:
    """Compare names, shapes and values with what the configuration promises."""
    expected = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}  # a tied head comes once
    if missing := expected.keys() - weights.keys():
        raise FormatError(f"{path} lacks {_some(missing)}, which config.json asks for; copy both files from one model")
    if unknown := weights.keys() - expected.keys():
        raise UnsupportedModel(
            f"{path} holds {_some(unknown)}, which no part of {module.config.model_type} reads; check config.json"
        )
    for name, tensor in weights.items():
        if tuple(tensor.shape) != expected[name]:
            shapes = f"shape {tuple(tensor.shape)} but config.json says {expected[name]}"
            raise FormatError(f"{path}: {name} has {shapes}; copy both files from one model")
        if not torch.isfinite(tensor).all():
            raise FormatError(
                f"{path}: {name} holds NaN or infinity, so the training that wrote it diverged; "
                "take an earlier checkpoint"
            )


def _some(names: set[str]) -> str:
    """Name the first three."""
    return ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
