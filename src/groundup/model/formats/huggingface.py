"""The model folder in the Hugging Face layout, out and in with equal logits, for every family.

    config.json  generation_config.json  model.safetensors (or shards)  tokenizer.json  tokenizer_config.json  README.md

What the family calls its weights stands in its file (`names.py` reads that table in both directions); how they lie in files
is `shards.py`. A tied head is one storage, so the file holds it once, under the embedding's name; loading accepts either name.
Weights stay where the file is mapped unless a dtype, a device, or rows that have to be sorted ask for a copy. Writing makes
one weight at a time, also those of a module that holds none yet (`made_later`).
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.configuration import ModelConfig
from groundup.model.architectures.labels import NONE
from groundup.model.formats import packed, shards
from groundup.model.formats.names import Rule
from groundup.model.formats.packed import Scheme
from groundup.model.layers.rounded_linear import round_inputs
from groundup.model.transformer import Model

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}


def save_model(
    folder: str | Path,
    module: Model,
    tokenizer: Any = None,
    generation: Mapping[str, Any] | None = None,
    card: str | None = None,
    max_shard_size: int | str = "5GB",
    *,
    dtype: torch.dtype | None = None,
    weight: Callable[[str], Tensor] | None = None,
    told: Callable[[int], object] = lambda size: None,
) -> None:
    """Write a model folder that this library and transformers load; whole or not at all.

    tokenizer: anything with `.save(folder)`. generation: generation_config.json. card: README.md. max_shard_size: weights that
    take more are written as several files. dtype, weight: as in `made_later`. told: called with the bytes of each that is written.
    """
    with files.atomic_folder(folder) as target:
        write_files(target, module, tokenizer, generation, card, max_shard_size, dtype=dtype, weight=weight, told=told)
        files.write_checksums(target)


def write_files(
    folder: Path,
    module: Model,
    tokenizer: Any = None,
    generation: Mapping[str, Any] | None = None,
    card: str | None = None,
    max_shard_size: int | str = "5GB",
    *,
    dtype: torch.dtype | None = None,
    weight: Callable[[str], Tensor] | None = None,
    told: Callable[[int], object] = lambda size: None,
) -> None:
    """Write the files of a model folder into a folder that someone else makes whole; arguments as in `save_model`."""
    name = str(dtype or module.embedding.weight.dtype).removeprefix("torch.")
    files.write_json(folder / "config.json", module.config.to_dict() | {"dtype": name, "torch_dtype": name})
    shards.write(folder, made_later(module, dtype, weight), max_shard_size, told)
    if generation is not None:
        files.write_json(folder / "generation_config.json", dict(generation))
    if tokenizer is not None:
        tokenizer.save(folder)
    if card is not None:
        files.write_text(folder / "README.md", card)


def weights_of(module: Model) -> dict[str, Tensor]:
    """The weights as the family's files hold them: by its names, on the CPU, contiguous, a tied head once."""
    return {name: one.make() for name, one in made_later(module).items()}


def made_later(
    module: Model, dtype: torch.dtype | None = None, weight: Callable[[str], Tensor] | None = None
) -> dict[str, shards.Later]:
    """What `weights_of` gives, each weight made when it is asked for: one file of any size needs the memory of one matrix.

    dtype: of the parameters, None: as they are. weight: gives a weight by the module's name, where the module is on `meta`.
    """
    held = _each_once(module)
    names, bare = module.config.weight_names(), module.config.head == NONE  # a trunk's file leaves out its prefix
    rules = {rule.theirs: rule for rule in names.matched(list(held)).values()}
    exact = {name for name, _ in module.named_buffers()}  # keep their dtype, as when they are read

    def cast(name: str, tensor: Tensor) -> Tensor:
        return tensor.detach() if dtype is None or name in exact else tensor.detach().to(dtype)

    def written(rule: Rule, of: Callable[[str], Tensor]) -> dict[str, Tensor]:
        return names.parted(
            {rule.theirs: rule.join([cast(name, of(name)) for name in rule.ours], module.config.groups)}
        )

    @functools.lru_cache(maxsize=2)  # the two stacks of a layer's experts, whose matrices are written in turns
    def made(rule: str) -> dict[str, Tensor]:
        return written(rules[rule], weight or held.__getitem__)

    def make(rule: str, name: str) -> Tensor:
        return made(rule)[name].cpu().contiguous()

    return {
        name.removeprefix(names.prefix) if bare else name: shards.Later(
            shape.dtype, tuple(shape.shape), functools.partial(make, theirs, name)
        )
        for theirs, rule in rules.items()
        for name, shape in written(rule, lambda ours: torch.empty_like(held[ours], device="meta")).items()
    }


def _each_once(module: Model) -> dict[str, Tensor]:
    """Parameters and what else is kept, by the module's names; what two names share, under the first."""
    first: dict[int, str] = {}
    kept = module.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in kept.items() if first.setdefault(id(tensor), name) == name}


def load_model(folder: str | Path, dtype: torch.dtype | str | None = None, device: Any = "cpu") -> Model:
    """Build the module of a folder's config.json and fill it. dtype None keeps that of the file.

    FormatError: a file is missing, cut short, or holds NaN. UnsupportedModel: another architecture.
    """
    wanted = dtype_of(dtype)
    config = load_config(folder)
    table, scheme = _numbers(Path(folder))
    stored = config.weight_names().whole(table)
    module = build(config.fitting(stored), device="meta")
    weights: dict[str, Tensor] = {}
    rows = {name: tensor.shape[0] for name, tensor in _each_once(module).items() if tensor.dim()}
    exact = {
        name: buffer.dtype for name, buffer in module.named_buffers()
    }  # a bias of experts is in float32 in any model
    for rule, tensor in _checked(stored, module, Path(folder)):
        parts = rule.split(tensor, [rows[name] for name in rule.ours], module.config.groups)
        for name, part in zip(rule.ours, parts, strict=True):
            weights[name] = part.to(device=device, dtype=exact.get(name) or wanted or part.dtype)
    module.load_state_dict(weights, strict=False, assign=True)
    module.tie()
    if scheme is not None and scheme.inputs is not None:
        round_inputs(module.model.layers, scheme.inputs)
    return module


def _numbers(folder: Path) -> tuple[dict[str, Tensor], Scheme | None]:
    """All weights of a folder, packed ones as numbers again; and how they were packed."""
    path = folder / "config.json"
    scheme, table = packed.scheme_of(files.read_json(path).get("quantization_config"), path), shards.read(folder)
    return (table if scheme is None else packed.unpacked(table, scheme, folder)), scheme


def dtype_of(name: torch.dtype | str | None) -> torch.dtype | None:
    """Turn a dtype's name into torch's object; None and "auto" mean: as it is stored."""
    if name is None or isinstance(name, torch.dtype):
        return name
    if name != "auto" and name not in DTYPES:
        raise ConfigError(f"dtype {name!r} is unknown; use auto, {', '.join(DTYPES)}")
    return DTYPES.get(name)


def load_config(folder: str | Path) -> ModelConfig:
    """Read config.json of a model folder, every key of it."""
    path = Path(folder) / "config.json"
    if not Path(folder).is_dir():
        raise InputError(f"there is no model folder {folder}; `groundup demo` makes one at runs/demo/model")
    if not path.is_file():
        raise FormatError(
            f"{folder} has no config.json, so it is not a model folder; pass the folder that a run calls model/"
        )
    raw = files.read_json(path)
    packed.scheme_of(raw.pop("quantization_config", None), path)  # of the weights, not of the model: `packed` reads it
    return config_from_dict(raw, str(path))


def _checked(stored: dict[str, Tensor], module: Model, folder: Path) -> list[tuple[Rule, Tensor]]:
    """Compare names, shapes and values with what the configuration promises; each matrix of the files with its rule."""
    expected = {name: tuple(tensor.shape) for name, tensor in _each_once(module).items()}
    twins = module.config.twins()
    matched = module.config.weight_names().matched([*expected, *twins, *twins.values()])
    for second, first in twins.items():
        if (name := matched[second].theirs) in stored:
            tensor = stored.pop(name)
            stored.setdefault(matched[first].theirs, tensor)
    rules = {rule.theirs: rule for name, rule in matched.items() if name in expected}
    _check_names(stored.keys(), rules.keys(), folder, module.config.model_type)
    for theirs, rule in rules.items():
        _check_shape(theirs, stored[theirs], rule.stored_shape([expected[name] for name in rule.ours]), folder)
        _check_values(theirs, stored[theirs], folder)
    return [(rule, stored[theirs]) for theirs, rule in rules.items()]


def _check_names(found: Any, wanted: Any, folder: Path, model_type: str) -> None:
    """Name what the files lack, and what no part would read."""
    if missing := wanted - found:
        raise FormatError(
            f"{folder}: the weights lack {_some(missing)}, which config.json asks for; copy all files from one model"
        )
    if unknown := found - wanted:
        raise UnsupportedModel(
            f"{folder}: the weights hold {_some(unknown)}, which no part of {model_type} reads; check config.json"
        )


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...], folder: Path) -> None:
    """Refuse another shape, and numbers that are packed."""
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise UnsupportedModel(
            f"{folder}: {name} holds {kind}, so the weights are quantised; load the unquantised model"
        )
    if tuple(tensor.shape) != shape:
        shapes = f"shape {tuple(tensor.shape)} but config.json says {shape}"
        raise FormatError(f"{folder}: {name} has {shapes}; copy all files from one model")


def _check_values(name: str, tensor: Tensor, folder: Path) -> None:
    """Refuse numbers that are none."""
    # A sum is one pass at the speed of memory, 20x faster than isfinite, and NaN or infinity come through it; only a sum
    # that overflows has to be looked at again.
    if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
        raise FormatError(
            f"{folder}: {name} holds NaN or infinity, so the training that wrote it diverged; take an earlier checkpoint"
        )


def _some(names: set[str]) -> str:
    """Name the first three."""
    return ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
