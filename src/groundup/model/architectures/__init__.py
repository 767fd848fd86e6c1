"""Architectures: one small file a family, which owns the family's configuration and names its parts.

    blueprint   the list of parts that a family's file writes
    decoder     the fields that every decoder has, checked
    foreign     a config.json read completely, or refused by key; `rope` reads the keys of rotary positions
    openai_gpt  GPT-1: LayerNorm after each part, learned positions, GELU         gpt2, opt     the norm moves to the front
    gpt_neox    attention and feed-forward side by side, rotary positions         phi, falcon   with one norm; shared keys
    llama       RMSNorm, rotary, grouped-query attention, SwiGLU, no biases       mistral, phi3 windows
    qwen2       three biases                                                      qwen3         normalised query and key heads
    gemma       GeGLU, scaled embeddings                                          gemma2        sandwich norms, soft caps
    gemma3      windows in five layers of six, two speeds of rotation             granite       multipliers
    olmo        a norm without weights                                            olmo2         norms after the parts
    stablelm, starcoder2        LLaMA's block with LayerNorm                       groundup      what no published family says

A configuration needs no torch; `build` does.
"""

from collections.abc import Callable
from typing import Any

from groundup.errors import UnsupportedModel
from groundup.model.architectures import (
    falcon,
    gemma,
    gemma2,
    gemma3,
    gpt2,
    gpt_neox,
    granite,
    llama,
    mistral,
    olmo,
    olmo2,
    openai_gpt,
    opt,
    phi,
    phi3,
    qwen2,
    qwen3,
    stablelm,
    starcoder2,
)
from groundup.model.architectures import groundup as _groundup
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.architectures.foreign import read


def _compose(config: DecoderConfig) -> Any:
    """Build a decoder from its configuration's blueprint; torch is imported now and not before."""
    from groundup.model import parts

    return parts.compose(config)


FAMILIES: dict[str, tuple[type[DecoderConfig], Callable[[Any], Any]]] = {
    "llama": (llama.LlamaConfig, _compose),
    "qwen3": (qwen3.Qwen3Config, _compose),
    "groundup": (_groundup.GroundupConfig, _compose),
    "openai-gpt": (openai_gpt.OpenAIGPTConfig, _compose),
    "gpt2": (gpt2.GPT2Config, _compose),
    "opt": (opt.OPTConfig, _compose),
    "gpt_neox": (gpt_neox.GPTNeoXConfig, _compose),
    "falcon": (falcon.FalconConfig, _compose),
    "mistral": (mistral.MistralConfig, _compose),
    "qwen2": (qwen2.Qwen2Config, _compose),
    "gemma": (gemma.GemmaConfig, _compose),
    "gemma2": (gemma2.Gemma2Config, _compose),
    "gemma3_text": (gemma3.Gemma3Config, _compose),
    "phi": (phi.PhiConfig, _compose),
    "phi3": (phi3.Phi3Config, _compose),
    "olmo": (olmo.OlmoConfig, _compose),
    "olmo2": (olmo2.Olmo2Config, _compose),
    "stablelm": (stablelm.StableLmConfig, _compose),
    "starcoder2": (starcoder2.Starcoder2Config, _compose),
    "granite": (granite.GraniteConfig, _compose),
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
    initialize(
        module,
        layers=config.num_hidden_layers,
        std=config.initializer_range,
        seed=seed,
        scheme="scaled" if scheme == "look_back" else scheme,
    )
    if scheme == "look_back":
        look_back(module, seed)
    return module if dtype is None else module.to(dtype)
