"""Architectures: one small file a family, which owns the family's configuration and names its parts.

    blueprint   the list of parts that a family's file writes
    configuration  the fields that every family has, checked; `decoder`, `encoder_only` what their kind adds
    labels      which head a config.json names, and its labels; `heads` computes
    foreign     a config.json read completely, or refused by key; `rope` reads the keys of rotary positions
    openai_gpt  GPT-1: LayerNorm after each part, learned positions, GELU         gpt2, opt     the norm moves to the front
    gpt_neox    attention and feed-forward side by side, rotary positions         phi, falcon   with one norm; shared keys
    llama       RMSNorm, rotary, grouped-query attention, SwiGLU, no biases       mistral, phi3 windows
    qwen2       three biases                                                      qwen3         normalised query and key heads
    gemma       GeGLU, scaled embeddings                                          gemma2        sandwich norms, soft caps
    gemma3      windows in five layers of six, two speeds of rotation             granite       multipliers
    olmo        a norm without weights                                            olmo2         norms after the parts
    mixtral     experts in place of the feed-forward                              qwen3_moe     many small ones
    qwen2_moe   and a shared one with a gate                                      deepseek_v3   and attention from a latent
    stablelm, starcoder2        LLaMA's block with LayerNorm                       groundup      what no published family says
    bert        an encoder: every token sees all, post-norm, token types          roberta       without the second sentence
    glm         the pairs that turn stand side by side; and GLM of 2022, which fills blanks (`blanks`) as a `prefix_lm`
    bloom       ALiBi in place of positions, a norm behind the embedding
    original    2017: an encoder that reads, a decoder that asks it               t5            with a bias of distances

A configuration needs no torch; `build` does.
"""

from collections.abc import Callable
from typing import Any

from groundup import slots
from groundup.errors import UnsupportedModel
from groundup.model.architectures import (
    bert,
    bloom,
    deepseek_v3,
    falcon,
    gemma,
    gemma2,
    gemma3,
    glm,
    gpt2,
    gpt_neox,
    granite,
    llama,
    mistral,
    mixtral,
    olmo,
    olmo2,
    openai_gpt,
    opt,
    original,
    phi,
    phi3,
    qwen2,
    qwen2_moe,
    qwen3,
    qwen3_moe,
    roberta,
    stablelm,
    starcoder2,
    t5,
)
from groundup.model.architectures import groundup as _groundup
from groundup.model.architectures.configuration import ModelConfig
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig
from groundup.model.architectures.encoder_only import EncoderConfig
from groundup.model.architectures.foreign import read


def _compose(config: DecoderConfig) -> Any:
    """Build a decoder from its configuration's blueprint; torch is imported now and not before."""
    from groundup.model import parts

    return parts.compose(config)


def _compose_encoder(config: EncoderConfig) -> Any:
    """Build an encoder from its configuration's blueprint."""
    from groundup.model import parts

    return parts.compose_encoder(config)


def _compose_encoder_decoder(config: EncoderDecoderConfig) -> Any:
    """Build an encoder-decoder from its configuration's blueprint."""
    from groundup.model import parts

    return parts.compose_encoder_decoder(config)


FAMILIES: dict[str, tuple[type[ModelConfig], Callable[[Any], Any]]] = {
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
    "mixtral": (mixtral.MixtralConfig, _compose),
    "qwen2_moe": (qwen2_moe.Qwen2MoeConfig, _compose),
    "qwen3_moe": (qwen3_moe.Qwen3MoeConfig, _compose),
    "deepseek_v3": (deepseek_v3.DeepseekV3Config, _compose),
    "glm": (glm.GlmConfig, _compose),
    "glm4": (glm.Glm4Config, _compose),
    "groundup-glm": (glm.GLM2022Config, _compose),
    "bloom": (bloom.BloomConfig, _compose),
    "bert": (bert.BertConfig, _compose_encoder),
    "roberta": (roberta.RobertaConfig, _compose_encoder),
    "xlm-roberta": (roberta.XLMRobertaConfig, _compose_encoder),
    "t5": (t5.T5Config, _compose_encoder_decoder),
    "mt5": (t5.MT5Config, _compose_encoder_decoder),
    "groundup-original": (original.OriginalConfig, _compose_encoder_decoder),
}
DECODERS = tuple(name for name, (config_class, _) in FAMILIES.items() if issubclass(config_class, DecoderConfig))


def is_family(model_type: Any) -> bool:
    """Whether a model_type is known: a published family's, or that of an architecture of the user's own (`your_own.py`)."""
    if model_type not in FAMILIES and slots.architectures():
        from groundup.model.architectures import your_own

        return your_own.register_mine(model_type)
    return model_type in FAMILIES


def config_from_dict(raw: dict[str, Any], origin: str = "config.json") -> ModelConfig:
    """Read a config.json of a known family; UnsupportedModel names the family or the keys that are not implemented."""
    model_type = raw.get("model_type")
    if not is_family(model_type):
        raise UnsupportedModel(
            f"{origin}: model_type {model_type!r} is not implemented; known are {', '.join(FAMILIES)}, and an architecture "
            "of your own with --mine FOLDER"
        )
    return read(FAMILIES[str(model_type)][0], raw, origin)


def build(
    config: ModelConfig, seed: int | None = None, device: Any = None, dtype: Any = None, scheme: str = "scaled"
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
        zero_projections=getattr(config, "zero_init_projections", True),
    )
    if scheme == "look_back":
        look_back(module, seed)
    return module if dtype is None else module.to(dtype)
