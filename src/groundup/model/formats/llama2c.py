"""llama2.c's checkpoint: seven numbers, then every weight as float32 in a fixed order; a LLaMA without a single name.

    dim  hidden_dim  layers  heads  kv_heads  vocab  positions     int32 each; vocab below 0: a head of its own follows
    embedding | norms before attention of all layers | q of all layers | k | v | o | norms before the feed-forward |
    gate (w1) | down (w2) | up (w3) | last norm | cosines and sines of the angles, which are not needed | the head

Version 1 has a magic number, a head of 256 bytes, and the norms first. As nothing is named, only the file's size says whether
the seven numbers are true; it is checked to the byte. Rows of query and key stand in pairs (`gguf_model.to_halves`).
RMSNorm's epsilon is 1e-5 and theta 10,000, as in the code.

Source: karpathy/llama2.c, `export.py` and `run.c`. Left out: version 2 (int8 in groups), writing.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.gguf_model import to_halves
from groundup.model.transformer import Decoder

MAGIC = 0x616B3432  # "ak42"
HEADS = {0: 28, 1: 256}  # bytes before the weights, by version


class Part(NamedTuple):
    """Weights that stand together: our name with * for the layer, the shape of one, whether there is one a layer."""

    name: str
    shape: tuple[int, ...]
    layers: int


def parts_of(config: LlamaConfig, version: int) -> list[Part]:
    """What stands in a file, in its order; a name of "" is passed over."""
    hidden, wide, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    query, shared = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    inside = {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (query, hidden),
        "self_attn.k_proj": (shared, hidden),
        "self_attn.v_proj": (shared, hidden),
        "self_attn.o_proj": (hidden, query),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (wide, hidden),
        "mlp.down_proj": (hidden, wide),
        "mlp.up_proj": (wide, hidden),
    }
    found = [Part(f"model.layers.*.{name}.weight", shape, layers) for name, shape in inside.items()]
    embedding = Part("model.embed_tokens.weight", (config.vocab_size, hidden), 1)
    norm, head = Part("model.norm.weight", (hidden,), 1), Part("lm_head.weight", (config.vocab_size, hidden), 1)
    if version == 1:
        norms = [part for part in found if len(part.shape) == 1]
        ordered = [*norms, norm, embedding, *(part for part in found if len(part.shape) > 1)]
    else:
        angles = Part("", (config.max_position_embeddings, config.head_dim // 2), 2)
        ordered = [embedding, *found, norm, angles]
    return ordered if config.tie_word_embeddings else [*ordered, head]


def read_head(path: str | Path) -> tuple[LlamaConfig, int]:
    """The configuration of a checkpoint and its version; the file's size must be what it promises."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; check the path")
    with open(path, "rb") as file:
        head = file.read(HEADS[1])
    version, first = 0, 0
    if len(head) >= 8 and int.from_bytes(head[:4], "little") == MAGIC:
        version, first = int.from_bytes(head[4:8], "little"), 8
        if version not in HEADS:
            raise UnsupportedModel(
                f"{path} is of llama2.c's version {version}; export it as version 0 or 1, in float32"
            )
    if len(head) < first + 28:
        raise FormatError(f"{path} is no checkpoint of llama2.c: it ends in its head; copy it again")
    hidden, wide, layers, heads, kv_heads, vocab, positions = np.frombuffer(head, "<i4", 7, first).tolist()
    tied = bool(head[36]) if version else vocab > 0
    if min(hidden, wide, layers, heads, kv_heads, abs(vocab), positions) < 1 or hidden % heads or heads % kv_heads:
        raise FormatError(f"{path} is no checkpoint of llama2.c: its head names impossible sizes; check the file")
    config = LlamaConfig(
        vocab_size=abs(vocab),
        hidden_size=hidden,
        intermediate_size=wide,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=positions,
        tie_word_embeddings=tied,
        rms_norm_eps=1e-5,
        bos_token_id=1,
        eos_token_id=2,
    )
    wanted = HEADS[version] + 4 * sum(prod(part.shape) * part.layers for part in parts_of(config, version))
    if (size := path.stat().st_size) != wanted:
        raise FormatError(
            f"{path} has {size:,} bytes, but its head promises {wanted:,}: it was cut short or is no checkpoint of "
            "llama2.c; copy it again"
        )
    return config, version


def load_llama2c(path: str | Path, dtype: torch.dtype | None = None) -> Decoder:
    """Build the module of a checkpoint and fill it. Weights stay where the file is mapped, but for query and key."""
    config, version = read_head(path)
    module = build(config, device="meta")
    weights = {name: tensor.to(dtype or tensor.dtype) for name, tensor in _weights(Path(path), config, version)}
    module.load_state_dict(weights, strict=False, assign=True)
    module.tie()
    return module


def _weights(path: Path, config: LlamaConfig, version: int) -> Iterator[tuple[str, Tensor]]:
    """Every weight with our name."""
    numbers, at = np.memmap(path, "<f4", "c", HEADS[version]).view(np.ndarray), 0
    for part in parts_of(config, version):
        for layer in range(part.layers):
            size = prod(part.shape)
            tensor = torch.from_numpy(numbers[at : at + size].reshape(part.shape))
            at += size
            if "q_proj" in part.name or "k_proj" in part.name:
                query = "q_proj" in part.name
                tensor = to_halves(tensor, config.num_attention_heads if query else config.num_key_value_heads)
            if part.name:
                yield part.name.replace("*", str(layer)), tensor


def files_of(folder: str | Path) -> tuple[Path, Path] | None:
    """The checkpoint and the tokenizer of a llama2.c folder, or None where it is none: two .bin, one of which is tok*.bin."""
    found = sorted(Path(folder).glob("*.bin"))
    words = [path for path in found if path.name.startswith("tok")]
    models = [path for path in found if path not in words]
    return (models[0], words[0]) if len(models) == len(words) == 1 else None
