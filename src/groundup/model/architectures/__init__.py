"""Architectures: one small file a family, which composes the parts and owns the family's configuration.

    decoder     the fields that every decoder has, checked
    foreign     a config.json read completely, or refused by key
    llama       RMSNorm, rotary, grouped-query attention, SwiGLU
    qwen3       the same with normalised query and key heads
    groundup    what no published family says, such as a squared ReLU

A configuration needs no torch; `build` does.
"""

from collections.abc import Callable
from typing import Any

from groundup.errors import UnsupportedModel
from groundup.model.architectures import groundup as _groundup
from groundup.model.architectures import llama, qwen3
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.architectures.foreign import read

FAMILIES: dict[str, tuple[type[DecoderConfig], Callable[[Any], Any]]] = {
    "llama": (llama.LlamaConfig, llama.build),
    "qwen3": (qwen3.Qwen3Config, qwen3.build),
    "groundup": (_groundup.GroundupConfig, _groundup.build),
}


def config_from_dict(raw: dict[str, Any], origin: str = "config.json") -> DecoderConfig:
    """Read a config.json of a known family; UnsupportedModel names the family or the keys that are not implemented."""
    model_type = raw.get("model_type")
    if model_type not in FAMILIES:
        raise UnsupportedModel(
            f"{origin}: model_type {model_type!r} is not implemented; known are {', '.join(FAMILIES)}"
        )
    return read(FAMILIES[model_type][0], raw, origin)


def build(
    config: DecoderConfig, seed: int | None = None, device: Any = None, dtype: Any = None, scheme: str = "scaled"
) -> Any:
    """Compose the module of a configuration and give it its first values.

    scheme: "scaled" or "normal" (`model.layers.initialization`), or "look_back" (`model.layers.looking_back`).

    device "meta" gives shapes without memory. dtype None is float32.
    """
    import torch

    from groundup.model.layers.initialization import initialize
    from groundup.model.layers.looking_back import look_back

    with torch.device(device or "cpu"):
        module = FAMILIES[config.model_type][1](config)
    initialize(module, layers=config.num_hidden_layers, std=config.initializer_range, seed=seed,
               scheme="scaled" if scheme == "look_back" else scheme)
    if scheme == "look_back":
        look_back(module, seed)
    return module if dtype is None else module.to(dtype)
