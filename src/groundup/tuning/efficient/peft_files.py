"""Adapters as files, in PEFT's form: what is written here is read there, and the reverse, with the same logits.

    adapter_config.json           peft_type, r, lora_alpha, target_modules, base_model_name_or_path, ...
    adapter_model.safetensors     base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight, ...lora_B.weight
                                  ...lora_magnitude_vector (DoRA)   ...lora_E (AdaLoRA)   ...ia3_l   prompt_embeddings

Layers have the names that the base's family gives them in its files. Where a family stores several of our matrices as one (GPT-2's c_attn), there is
no such layer there; those keep our names and only this library reads them. Bottlenecks are no method of PEFT: their peft_type is "BOTTLENECK".
PiSSA and OLoRA are written as a LoRA of twice the rank on the untouched base.
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.model.formats import shards
from groundup.model.formats.hub import find
from groundup.model.formats.huggingface import load_model
from groundup.tuning.efficient.config import (
    ALL_LINEAR,
    AdaLoraConfig,
    AnyConfig,
    BottleneckConfig,
    IA3Config,
    LoraConfig,
    PromptConfig,
)
from groundup.tuning.efficient.many import DEFAULT, MERGEABLE, Adapted, add, is_prompt, merge

CONFIG, WEIGHTS, PREFIX = "adapter_config.json", "adapter_model.safetensors", "base_model.model."
TYPES = {"LORA": LoraConfig, "ADALORA": AdaLoraConfig, "IA3": IA3Config, "BOTTLENECK": BottleneckConfig}
PROMPTS = {"PROMPT_TUNING": "prompt", "PREFIX_TUNING": "prefix", "P_TUNING": "p_tuning"}
MOVED = ("pissa", "olora", "corda", "loftq", "lora_ga")  # beginnings that PEFT takes out of the base, or rounds it by
REFUSED = (
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "trainable_token_indices",
    "use_qalora",
    "target_parameters",
)


def save_adapter(folder: str | Path, adapted: Adapted, name: str = DEFAULT, base: str = "") -> None:
    """Write one adapter's folder, whole or not at all. base: where its model is, for whoever loads it."""
    config = adapted.configs[adapted.known(name)]
    with files.atomic_folder(folder) as target:
        files.write_json(target / CONFIG, told(adapted, name, config) | {"base_model_name_or_path": str(base)})
        shards.write_file(target / WEIGHTS, tensors(adapted, name))
        files.write_checksums(target)


def tensors(adapted: Adapted, name: str) -> dict[str, Tensor]:
    """The adapter's numbers by PEFT's names."""
    part = adapted.adapters[name]
    if is_prompt(part):
        return {"prompt_embeddings": part.table().detach().cpu().contiguous()}  # type: ignore[operator]
    theirs = their_names(adapted)
    found = {}
    for path, _, one in adapted.around(name):
        for end, tensor in numbers(one).items():
            found[f"{PREFIX}{theirs(path)}.{end}"] = tensor.detach().cpu().contiguous()
    return found


def numbers(part: Any) -> dict[str, Tensor]:
    """One place's tensors by the ends of their names in files."""
    if isinstance(part.config, LoraConfig):
        a, b = part.matrices()
        length = part.lora_magnitude_vector
        made = {"lora_A.weight": a, "lora_B.weight": b}
        return made if length is None else made | {"lora_magnitude_vector": length}
    return dict(part.named_parameters())


def their_names(adapted: Adapted) -> Any:
    """What turns a layer's path here into its name in the family's files."""
    names = adapted.base.config.weight_names()

    def name(path: str) -> str:
        rule = names.matched([f"{path}.weight"])[f"{path}.weight"]
        return rule.theirs.removesuffix(".weight") if len(rule.ours) == 1 else path

    return name


def told(adapted: Adapted, name: str, config: AnyConfig) -> dict[str, Any]:
    """adapter_config.json."""
    head = {"task_type": "CAUSAL_LM", "inference_mode": True, "revision": None}
    if isinstance(config, PromptConfig):
        return head | told_of_prompt(adapted, config)
    fields = dataclasses.asdict(config)
    kind = next(word for word, one in TYPES.items() if isinstance(config, one))
    theirs = their_names(adapted)
    ends = {theirs(path).rpartition(".")[2] for path, _, _ in adapted.around(name)}
    made = head | {"peft_type": kind} | fields | {"target_modules": sorted(ends)}
    made.pop("seed", None)
    if isinstance(config, IA3Config):
        outside = {theirs(path).rpartition(".")[2] for path, _, one in adapted.around(name) if not one.inside}
        inside = {distinct(theirs(path), outside) for path, _, one in adapted.around(name) if one.inside}
        made |= {
            "target_modules": sorted(outside | inside),
            "feedforward_modules": sorted(inside),
            "init_ia3_weights": True,
            "fan_in_fan_out": False,
        }
    if isinstance(config, LoraConfig | AdaLoraConfig):
        made |= {"bias": "none", "fan_in_fan_out": False, "init_lora_weights": True, "modules_to_save": None}
    if isinstance(config, LoraConfig) and config.init_lora_weights in ("pissa", "olora"):
        twice = 2**0.5 if config.use_rslora else 2
        made |= {"r": 2 * config.r, "lora_alpha": twice * config.lora_alpha}
    return made


def distinct(path: str, others: Collection[str]) -> str:
    """The end of a layer's name that no other layer's has.

    >>> distinct("h.0.mlp.c_proj", {"c_fc"}), distinct("h.0.mlp.c_proj", {"c_proj"})
    ('c_proj', 'mlp.c_proj')
    """
    parts = path.split(".")
    return parts[-1] if parts[-1] not in others else ".".join(parts[-2:])


def told_of_prompt(adapted: Adapted, config: PromptConfig) -> dict[str, Any]:
    """The same of what stands before the text."""
    shape = adapted.base.config.blueprint()
    attention = shape.blocks[0].attention
    kind = next(word for word, one in PROMPTS.items() if one == config.kind)
    made = {
        "peft_type": kind, "num_virtual_tokens": config.num_virtual_tokens, "token_dim": shape.hidden, "num_transformer_submodules": 1,
        "num_attention_heads": attention.heads, "num_layers": len(shape.blocks),
    }  # fmt: skip
    if kind == "PREFIX_TUNING":
        width = attention.kv_heads * attention.head_dim
        made |= {
            "token_dim": width,
            "num_attention_heads": attention.kv_heads,
            "prefix_projection": False,
            "encoder_hidden_size": None,
        }
    if kind == "P_TUNING":
        made |= {"encoder_hidden_size": config.encoder_hidden_size, "encoder_reparameterization_type": "MLP"}
    return made


def load_adapter(folder: str | Path, module: Any, name: str = DEFAULT) -> Adapted:
    """Put the adapter of a folder on a model, or beside those that it has, and activate it; the model stays frozen."""
    folder = Path(folder)
    config, read = read_config(folder), read_weights(folder)
    adapted = module if isinstance(module, Adapted) else Adapted(module)
    ours = {their_names(adapted)(path): path for path in linear_paths(adapted)}
    fitting(folder, read, adapted, ours)
    add(adapted, name, here(config, read, ours), filled=True)
    try:
        fill(folder, adapted, name, read, ours)
    except FormatError:
        adapted.remove(name)
        raise
    return adapted.activate(name)


def linear_paths(adapted: Adapted) -> list[str]:
    """Paths of all that can have an adapter."""
    return [
        path.replace(".base_layer", "")
        for path, one in adapted.base.named_modules()
        if path and not list(one.children())
    ] + [path for path, _ in adapted.base.named_modules() if path.endswith(("self_attn", "mlp"))]


def read_config(folder: Path) -> AnyConfig:
    """The configuration that a folder holds, in this library's form."""
    if not (folder / CONFIG).is_file():
        raise InputError(
            f"{folder} has no {CONFIG}, so it is no adapter folder; give the folder that a tuning run calls adapter/"
        )
    raw = files.read_json(folder / CONFIG)
    kind = raw.get("peft_type") if isinstance(raw, Mapping) else None
    if kind not in TYPES and kind not in PROMPTS:
        raise UnsupportedModel(f"{folder}: peft_type {kind!r} is not read; there are {', '.join([*TYPES, *PROMPTS])}")
    for key in REFUSED:
        if raw.get(key):
            raise UnsupportedModel(f"{folder}: {key} = {raw[key]!r} is not supported; save the adapter without it")
    if raw.get("bias", "none") != "none" or raw.get("lora_bias") or raw.get("prefix_projection"):
        raise UnsupportedModel(
            f"{folder}: learned biases and projections are not supported; save the adapter without them"
        )
    if str(raw.get("init_lora_weights")).startswith(MOVED):
        raise UnsupportedModel(
            f"{folder}: init_lora_weights = {raw['init_lora_weights']!r} stands on a base that PEFT changed before it learned; "
            "save it converted, with path_initial_model_for_weight_conversion"
        )
    if kind in PROMPTS:
        count = raw.get("num_virtual_tokens")
        if not isinstance(count, int) or count < 1:
            raise FormatError(f"{folder / CONFIG}: num_virtual_tokens = {count!r} is no count of places; save it again")
        return PromptConfig(kind=PROMPTS[kind], num_virtual_tokens=count)  # type: ignore[arg-type]
    keys = {field.name for field in dataclasses.fields(TYPES[kind])}
    given = {
        key: value for key, value in raw.items() if key in keys and value is not None and key != "init_lora_weights"
    }
    for key in ("target_modules", "feedforward_modules"):
        if key in given:
            given[key] = (given[key],) if given[key] == ALL_LINEAR else tuple(given[key])
            if isinstance(raw[key], str) and raw[key] != ALL_LINEAR:
                raise UnsupportedModel(f"{folder}: {key} is a pattern, {raw[key]!r}; write a list of names in {CONFIG}")
    if kind == "ADALORA" and not given.get("total_step"):
        given["total_step"] = given.get("tinit", 0) + given.get("tfinal", 0) + 1
    try:
        return TYPES[kind](**given)
    except (TypeError, ConfigError) as error:
        raise FormatError(f"{folder / CONFIG}: {error}") from None


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder; numbers that are none are refused."""
    if not (folder / WEIGHTS).is_file():
        raise FormatError(
            f"{folder} has no {WEIGHTS}; an adapter_model.bin is a pickle and is not opened: save it again as safetensors"
        )
    read = shards.read_file(folder / WEIGHTS)
    for key, tensor in read.items():
        if not torch.isfinite(tensor).all():
            raise FormatError(
                f"{folder / WEIGHTS}: {key} holds NaN or infinity, so the training that wrote it diverged; take an earlier one"
            )
    return read


def split(key: str) -> tuple[str, str]:
    """A file's key as layer and end.

    >>> split("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight")
    ('model.layers.0.mlp.up_proj', 'lora_A.weight')
    """
    path = key.removeprefix(PREFIX)
    for end in (
        "lora_A.weight",
        "lora_B.weight",
        "lora_magnitude_vector",
        "lora_A",
        "lora_B",
        "lora_E",
        "ia3_l",
        "down",
        "up",
        "down_bias",
        "up_bias",
    ):
        if path.endswith(f".{end}"):
            return path.removesuffix(f".{end}"), end
    return path, ""


def fitting(folder: Path, read: Mapping[str, Tensor], adapted: Adapted, ours: Mapping[str, str]) -> None:
    """Refuse an adapter for another base: a layer that is not here, or a shape that does not fit."""
    for key, tensor in read.items():
        layer, end = split(key)
        if key == "prompt_embeddings":
            continue
        if layer not in ours:
            raise FormatError(
                f"{folder} is an adapter for another base: it holds {key}, and this model has no such layer; load the base that it names"
            )
        one = adapted.base.get_submodule(ours[layer])
        weight = getattr(getattr(one, "base_layer", one), "weight", None)
        side = {"lora_A": 1, "lora_B": 0}.get(end.split(".")[0])  # of the matrix, and of the thin one that meets it
        if weight is not None and side is not None and tensor.shape[side] != weight.shape[side]:
            raise FormatError(
                f"{folder} is an adapter for another base: {end} of {layer} has the shape {tuple(tensor.shape)}, and the matrix here is "
                f"{tuple(weight.shape)}; load the base that it names"
            )


def here(config: AnyConfig, read: Mapping[str, Tensor], ours: Mapping[str, str]) -> AnyConfig:
    """The configuration with the layers named one by one, as they are called here."""
    if isinstance(config, PromptConfig):
        return config
    paths = dict.fromkeys(ours[split(key)[0]] for key in read)
    if isinstance(config, IA3Config):
        # The file names what is feed-forward as the family does, by the ends that PEFT looks for.
        layers = dict.fromkeys(split(key)[0] for key in read)
        inside = tuple(ours[layer] for layer in layers if layer.endswith(config.feedforward_modules))
        return IA3Config(target_modules=tuple(paths), feedforward_modules=inside)
    return dataclasses.replace(config, target_modules=tuple(paths))


def fill(folder: Path, adapted: Adapted, name: str, read: Mapping[str, Tensor], ours: Mapping[str, str]) -> None:
    """Copy the file's numbers into an adapter."""
    part: Any = adapted.adapters[name]
    if is_prompt(part):
        table = read.get("prompt_embeddings")
        if table is None or table.shape != part.table().shape:
            shape = "no prompt_embeddings" if table is None else f"prompt_embeddings of shape {tuple(table.shape)}"
            raise FormatError(
                f"{folder} is an adapter for another base: it holds {shape}, and this one takes {tuple(part.table().shape)}"
            )
        part.fill(table)
        return
    by_path: dict[str, dict[str, Tensor]] = {}
    for key, tensor in read.items():
        layer, end = split(key)
        by_path.setdefault(ours[layer], {})[end] = tensor
    for path, _, one in adapted.around(name):
        for end, mine in numbers(one).items():
            found = by_path.get(path, {}).get(end)
            if found is None or found.numel() != mine.numel():
                shape = "nothing" if found is None else f"the shape {tuple(found.shape)}"
                raise FormatError(
                    f"{folder}: {end} of {path} has {shape}, and {tuple(mine.shape)} is wanted; it is damaged, or for another base"
                )
            with torch.no_grad():
                mine.copy_(found.reshape(mine.shape))


def load_with_base(folder: str | Path, dtype: Any = None, device: Any = "cpu") -> Any:
    """The model that an adapter folder means: its base, loaded from where the folder says, with the adapter merged where that can be."""
    folder = Path(folder)
    config, raw = read_config(folder), files.read_json(folder / CONFIG)
    named = str(raw.get("base_model_name_or_path") or "")
    try:
        base = find(named) if named else None
    except InputError:
        base = None
    if base is None or not base.is_dir():
        raise InputError(
            f"{folder} is an adapter for {named or 'a base that it does not name'}, which is not here; put its place into base_model_name_or_path of {CONFIG}"
        )
    read = load_model if (base / "config.json").is_file() else load_with_base  # an adapter made on an adapter
    adapted = load_adapter(folder, read(base, dtype=dtype, device=device))
    return merge(adapted) if isinstance(config, MERGEABLE) else adapted
