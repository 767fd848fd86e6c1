"""A configuration as GGUF says it: which architecture of llama.cpp's is which family, which key which field, and back.

    general.architecture = "llama"            which family, and so which of the tables below
    llama.block_count = 30                    num_hidden_layers; every key of the architecture is used, harmless or refused
    blk.0.attn_q                              model.layers.0.self_attn.q_proj
    rope_freqs.weight                         Llama 3's stretched angles, a factor a pair in place of keys

Some things the file leaves to its reader: a head is tied where there is no output.weight, a bias is there where its tensor
is, and Gemma's scale of the scores follows from the number of blocks. What a key says as FP32 is read as the shortest decimal that FP32
number can be meant by. The keys are those of ggml's documentation of GGUF and of llama.cpp's readers.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures import FAMILIES
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats.gguf import GGUF
from groundup.model.formats.names import QKV, Names
from groundup.model.positions.extension import default, llama3

EMBEDDING, HEAD, POSITIONS = "token_embd.weight", "output.weight", "position_embd.weight"
FREQUENCIES = "rope_freqs.weight"
OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LLAMA = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
HEADS_NORMALIZED = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
SANDWICH = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
ONE_QKV = {"attn_qkv": QKV}
NOT_FUSED = {name: ours for name, ours in LLAMA.items() if name not in ("attn_q", "attn_k", "attn_v")}

SIZES = {
    "max_position_embeddings": "context_length",
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
}
RMS, LAYER_NORM = "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"
THETA = {"rope_theta": "rope.freq_base"}
HEAD_DIM = {"head_dim": "attention.key_length"}
GEMMA = THETA | HEAD_DIM | {"rms_norm_eps": RMS}
# What changes nothing here, and the values for which that is so; None: any
HARMLESS: dict[str, tuple[Any, ...] | None] = {
    "vocab_size": None,
    "tensor_data_layout": None,
    "attention.causal": (True,),
    "expert_count": (0,),
    "expert_used_count": (0,),
    "rope.scaling.finetuned": None,
    "rope.scaling.attn_factor": (1.0,),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A name of llama.cpp's: our family, its weights' names, the keys of its own fields (field -> key).

    pairs: query and key rows stand in pairs. plus: what is added to a stored gain. biases: fields that a stored bias says,
    field -> the tensor that is there then.
    """

    family: str
    inside: Mapping[str, str] = field(default_factory=lambda: LLAMA)
    outside: Mapping[str, str] = field(default_factory=lambda: OUTSIDE)
    keys: Mapping[str, str]
    pairs: bool = False
    plus: float = 0.0
    biases: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> Names:
        """The table, in the form of the Hugging Face families' own."""
        return Names(prefix="", outside=self.outside, block="blk.*.", inside=self.inside)


ARCHITECTURES = {
    "llama": Architecture(
        family="llama",
        keys=THETA | HEAD_DIM | {"rms_norm_eps": RMS},
        pairs=True,
        biases={"attention_bias": "blk.0.attn_q.bias", "mlp_bias": "blk.0.ffn_up.bias"},
    ),
    "qwen2": Architecture(family="qwen2", keys=THETA | {"rms_norm_eps": RMS}),
    "qwen3": Architecture(
        family="qwen3",
        inside=LLAMA | HEADS_NORMALIZED,
        keys=THETA | HEAD_DIM | {"rms_norm_eps": RMS},
    ),
    "gpt2": Architecture(
        family="gpt2",
        outside=OUTSIDE | {"position_embd": "model.embed_positions"},
        inside=NOT_FUSED | ONE_QKV,
        keys={"layer_norm_epsilon": LAYER_NORM},
    ),
    "gemma": Architecture(family="gemma", keys=GEMMA, plus=1.0),
    "gemma2": Architecture(
        family="gemma2",
        inside=LLAMA | SANDWICH,
        keys=GEMMA
        | {
            "sliding_window": "attention.sliding_window",
            "attn_logit_softcapping": "attn_logit_softcapping",
            "final_logit_softcapping": "final_logit_softcapping",
        },
        plus=1.0,
    ),
    "gemma3": Architecture(
        family="gemma3_text",
        inside=LLAMA | SANDWICH | HEADS_NORMALIZED,
        keys=GEMMA
        | {"sliding_window": "attention.sliding_window", "final_logit_softcapping": "final_logit_softcapping"},
        plus=1.0,
    ),
    "phi3": Architecture(
        family="phi3",
        inside={name: ours for name, ours in NOT_FUSED.items() if name != "ffn_gate"}
        | ONE_QKV
        | {"ffn_up": "mlp.gate_proj mlp.up_proj"},
        keys=THETA | {"rms_norm_eps": RMS, "sliding_window": "attention.sliding_window"},
    ),
    "starcoder2": Architecture(
        family="starcoder2", keys=THETA | {"norm_epsilon": LAYER_NORM}, biases={"use_bias": "blk.0.attn_q.bias"}
    ),
    "stablelm": Architecture(
        family="stablelm",
        keys=THETA | {"layer_norm_eps": LAYER_NORM, "use_parallel_residual": "use_parallel_residual"},
        biases={"use_qkv_bias": "blk.0.attn_q.bias"},
    ),
    "olmo2": Architecture(
        family="olmo2",
        inside={name: ours for name, ours in LLAMA.items() if not name.endswith("norm")}
        | HEADS_NORMALIZED
        | {name: ours for name, ours in SANDWICH.items() if name != "ffn_norm"},
        keys=THETA | {"rms_norm_eps": RMS},
    ),
}
WRITTEN_AS = {one.family: name for name, one in ARCHITECTURES.items()} | {"mistral": "llama"}


# ───────── read ─────────


def architecture_of(file: GGUF) -> tuple[str, Architecture]:
    """The name and the tables of a file's architecture."""
    name = file.metadata.get("general.architecture")
    if name not in ARCHITECTURES:
        raise UnsupportedModel(
            f"{file.path}: the architecture {name!r} is not implemented; there are {', '.join(ARCHITECTURES)}"
        )
    return name, ARCHITECTURES[name]


def config_of(file: GGUF) -> DecoderConfig:
    """The configuration that a file's metadata describes, every key of it."""
    name, how = architecture_of(file)
    said = _Said(file, name)
    fields: dict[str, Any] = {ours: said.number(key) for ours, key in SIZES.items()}
    fields["num_key_value_heads"] = said.number("attention.head_count_kv", fields["num_attention_heads"])
    fields |= {ours: value for ours, key in how.keys.items() if (value := said.number(key, None)) is not None}
    if "rope_theta" in how.keys:
        fields.setdefault("rope_theta", 10_000.0)  # what llama.cpp takes; families differ
        fields["rope_scaling"] = _scaling(said, file, fields)
    if EMBEDDING not in file.tensors:
        raise FormatError(f"{file.path} has no {EMBEDDING}, so it holds no whole model; copy or convert it again")
    fields |= {ours: tensor in file.tensors for ours, tensor in how.biases.items()}
    fields |= {"vocab_size": file.tensors[EMBEDDING].shape[0], "tie_word_embeddings": HEAD not in file.tensors}
    fields |= _of_family(how.family, fields, said)
    fields |= {role: file.metadata.get(f"tokenizer.ggml.{key}_token_id") for role, key in TOKENS.items()}
    family: Any = FAMILIES[how.family][0]
    config = family(**{ours: value for ours, value in fields.items() if value is not None})
    said.rest(config)
    return config


TOKENS = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}


class _Said:
    """The keys of an architecture, each crossed off when it is used."""

    def __init__(self, file: GGUF, name: str):
        self.path, self.name, self.used = file.path, name, set[str]()
        prefix = f"{name}."
        self.keys = {key.removeprefix(prefix): value for key, value in file.metadata.items() if key.startswith(prefix)}

    def number(self, key: str, *otherwise: Any) -> Any:
        """The value of a key; without `otherwise` it must be there. Where layers could differ, they must not."""
        self.used.add(key)
        if key not in self.keys:
            if not otherwise:
                raise FormatError(f"{self.path} lacks the key {self.name}.{key}; convert the model again")
            return otherwise[0]
        value = self.keys[key]
        if isinstance(value, np.ndarray):
            if len(set(value.tolist())) != 1:
                raise UnsupportedModel(
                    f"{self.path}: {self.name}.{key} differs from layer to layer, which is not implemented; use another model"
                )
            value = value[0].item()
        return _shortest(value) if isinstance(value, float) else value

    def rest(self, config: DecoderConfig) -> None:
        """Refuse what was not used and would change the numbers."""
        turning = getattr(config, "partial_rotary_factor", 1.0) * config.head_dim
        fits = {"rope.dimension_count": (int(turning),)} | dict.fromkeys(
            ("attention.key_length", "attention.value_length"), (config.head_dim,)
        )
        allowed = HARMLESS | fits
        for key in sorted(self.keys.keys() - self.used):
            if key not in allowed or (allowed[key] is not None and self.keys[key] not in (allowed[key] or ())):
                raise UnsupportedModel(
                    f"{self.path}: {self.name}.{key}={self.keys[key]!r} would change the output and is not implemented; "
                    "use a model without it"
                )


def _shortest(value: float) -> float:
    """The shortest decimal that is this FP32: 1e-05 and not 9.999999747378752e-06."""
    return float(str(np.float32(value)))


def _scaling(said: _Said, file: GGUF, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """rope_scaling: by the keys (linear, yarn), or by a factor for each pair, as Llama 3 has it."""
    if FREQUENCIES in file.tensors:
        return _llama3(file, fields)
    kind = said.number("rope.scaling.type", "none")
    factor = said.number("rope.scaling.factor", said.number("rope.scale_linear", 1.0))
    original = said.number("rope.scaling.original_context_length", None)
    if kind == "none" or factor in (0.0, 1.0):
        return None
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor}
    if kind == "yarn" and original:
        return {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original}
    raise UnsupportedModel(
        f"{file.path}: rope scaling of type {kind} is not implemented; use a model with linear or yarn"
    )


def _llama3(file: GGUF, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings whose frequencies are the stored ones; the file has the factors alone, by which they are divided."""
    stored = torch.from_numpy(file.tensors[FREQUENCIES].numbers().copy())
    factor = round(float(stored.max()), 3)
    for original in (8192, 2048, 4096, 16_384, 32_768):
        settings = {
            "factor": factor,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": original,
        }
        if torch.allclose(llama3_factors(2 * len(stored), fields["rope_theta"], settings), stored, rtol=1e-4):
            return {"rope_type": "llama3"} | settings
    raise UnsupportedModel(
        f"{file.path}: {FREQUENCIES} are not Llama 3's frequencies for any length that is known; use the model's safetensors"
    )


def llama3_factors(head_dim: int, theta: float, scaling: Mapping[str, Any]) -> Tensor:
    """By what Llama 3's scheme divides the frequency of each pair."""
    settings = {key: value for key, value in scaling.items() if key != "rope_type"}
    return default(head_dim, theta).frequencies / llama3(head_dim, theta, **settings).frequencies


def _of_family(family: str, fields: Mapping[str, Any], said: _Said) -> dict[str, Any]:
    """What a family's files leave to the reader, as llama.cpp reads it."""
    heads, hidden = fields["num_attention_heads"], fields["hidden_size"]
    if family in ("gemma2", "gemma3_text"):
        largest = {"gemma2": 46, "gemma3_text": 62}[family]  # blocks of the 27B models, which divide by hidden / heads
        scalar = hidden // heads if fields["num_hidden_layers"] == largest else fields.get("head_dim", hidden // heads)
        return {"query_pre_attn_scalar": scalar}
    if family == "stablelm":
        turning = said.number("rope.dimension_count", hidden // heads // 4)
        return {"partial_rotary_factor": turning / (hidden // heads)}
    return {"original_max_position_embeddings": fields["max_position_embeddings"]} if family == "phi3" else {}


# ───────── written ─────────


def metadata_of(config: DecoderConfig) -> dict[str, Any]:
    """The keys of a configuration; whole numbers as llama.cpp has them, UINT32, others FLOAT32."""
    if config.model_type not in WRITTEN_AS:
        raise UnsupportedModel(
            f"GGUF files of the family {config.model_type} are not written; there are {', '.join(WRITTEN_AS)}"
        )
    name = WRITTEN_AS[config.model_type]
    keys = SIZES | dict(ARCHITECTURES[name].keys) | {"num_key_value_heads": "attention.head_count_kv"}
    own = {key: getattr(config, ours) for ours, key in keys.items() if getattr(config, ours, None) is not None}
    if "rope_theta" in keys:
        own["rope.freq_base"] = float(own["rope.freq_base"])
        own["rope.dimension_count"] = int(config.head_dim * getattr(config, "partial_rotary_factor", 1.0))
        own |= _scaling_keys(getattr(config, "rope_scaling", None))
    if "attention.key_length" in own:
        own["attention.value_length"] = config.head_dim
    own["vocab_size"] = config.vocab_size
    return {"general.architecture": name} | {f"{name}.{key}": value for key, value in own.items()}


def _scaling_keys(scaling: Mapping[str, Any] | None) -> dict[str, Any]:
    """How angles are stretched; Llama 3's scheme is a tensor instead, what has no keys is found by `refuse_what_is_lost`."""
    if scaling is None or scaling.get("rope_type") not in ("linear", "yarn"):
        return {}
    original = scaling.get("original_max_position_embeddings")
    keys = {"rope.scaling.type": scaling["rope_type"], "rope.scaling.factor": float(scaling["factor"])}
    return keys | ({"rope.scaling.original_context_length": original} if original else {})


def rounded(config: DecoderConfig) -> Any:
    """The configuration with its numbers as FP32 holds them, in which the file has them."""
    floats: dict[str, Any] = {
        one.name: _shortest(value)
        for one in dataclasses.fields(config)
        if isinstance(value := getattr(config, one.name), float)
    }
    return dataclasses.replace(config, **floats)
