"""A model in a GGUF file: its weights by llama.cpp's names and in llama.cpp's form, in and out.

    blk.0.attn_q.weight                       model.layers.0.self_attn.q_proj.weight, its rows in another order
    no output.weight                          the head is the embedding (a tied head)

Two things are stored in another form than here. llama.cpp turns neighbouring coordinates of a head as pairs where Hugging Face's
LLaMA turns the first half against the second, so in files of that family the rows of query and key stand in pairs; query
by the number of query heads, key by that of key heads. And Gemma's gains are stored plus one.

A configuration (`gguf_config`) is written only if what the file says is read back as the same parts: what GGUF has no key
for is refused by name (Mistral's window, for one). Left out: mixtures of experts, encoders, models with a state, split files.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats import gguf, packed
from groundup.model.formats.gguf import GGUF, Outgoing, Stored
from groundup.model.formats.gguf_config import (
    ARCHITECTURES,
    EMBEDDING,
    FREQUENCIES,
    HEAD,
    POSITIONS,
    TOKENS,
    WRITTEN_AS,
    Architecture,
    architecture_of,
    config_of,
    llama3_factors,
    metadata_of,
    rounded,
)
from groundup.model.formats.names import Rule
from groundup.model.formats.packed import Packed
from groundup.model.transformer import Decoder
from groundup.progress import progress
from groundup.slots import slot

# ───────── rows in pairs ─────────


@slot
def to_halves(rows: Tensor, heads: int) -> Tensor:
    """Sort the rows of query or key from llama.cpp's order to Hugging Face's, head by head.

    There coordinates 2i and 2i + 1 of a head turn together, so its rows stand a0 b0 a1 b1 ...; here i and i + d/2 do:
    a0 a1 ... b0 b1 .... rows: a matrix (heads * head_dim, inputs) or a bias (heads * head_dim,).
    """
    return rows.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def to_pairs(rows: Tensor, heads: int) -> Tensor:
    """The inverse of `to_halves`: Hugging Face's order to llama.cpp's."""
    return rows.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def _heads_of(name: str, config: DecoderConfig) -> int | None:
    """How many heads share the rows of a weight that is turned; None for all others. Keys have fewer than queries."""
    if ".q_proj." in name:
        return config.num_attention_heads
    return config.num_key_value_heads if ".k_proj." in name else None


def _inward(name: str, tensor: Tensor, how: Architecture, config: DecoderConfig) -> Tensor:
    """A stored weight in the form that it has here."""
    heads = _heads_of(name, config) if how.pairs else None
    if heads is not None:
        return to_halves(tensor, heads)
    return tensor - how.plus if how.plus and name.endswith("norm.weight") else tensor


def _outward(name: str, tensor: Tensor, how: Architecture, config: DecoderConfig) -> Tensor:
    """The inverse of `_inward`."""
    heads = _heads_of(name, config) if how.pairs else None
    if heads is not None:
        return to_pairs(tensor, heads)
    return tensor + how.plus if how.plus and name.endswith("norm.weight") else tensor


# ───────── in ─────────


def load_gguf(path: str | Path | GGUF, dtype: torch.dtype | None = None) -> Decoder:
    """Build the module of a GGUF file and fill it. dtype None: F16 or BF16 where all matrices are, else float32.

    Where the file holds the numbers as they are asked for, the module's weights are the mapped file itself.
    """
    file = path if isinstance(path, GGUF) else gguf.read(path)
    module, weight = opened(file, dtype)
    names = [name for name, _ in _parameters(module)]
    weights: dict[str, Tensor] = {}
    with progress(sum(parameter.numel() for parameter in module.parameters()), "reading", "numbers") as bar:
        for name in names:
            weights[name] = weight(name)
            bar.update(weights[name].numel())
    module.load_state_dict(weights, strict=False, assign=True)
    module.tie()
    return module


def opened(file: GGUF, dtype: torch.dtype | None = None) -> tuple[Decoder, Callable[[str], Tensor]]:
    """The module of a GGUF file without any storage (on `meta`), and what reads one of its weights by the module's name."""
    _, how = architecture_of(file)
    module = build(config_of(file), device="meta")
    expected = {name: tuple(parameter.shape) for name, parameter in _parameters(module)}
    matched = how.names().matched(list(expected))
    _check(file, {rule.theirs: rule for rule in matched.values()}, expected)
    wanted = dtype or stored_dtype(file)

    @functools.lru_cache(maxsize=1)  # query, key and value may be one tensor of the file
    def parts(theirs: str, rule: Rule) -> dict[str, Tensor]:
        stored = tensor_of(file.tensors[theirs], theirs, file.path)
        rows = [expected[name][0] for name in rule.ours]
        return dict(zip(rule.ours, rule.split(stored, rows, module.config.num_key_value_heads), strict=True))

    def weight(name: str) -> Tensor:
        rule = matched[name]
        return _inward(name, parts(rule.theirs, rule)[name], how, module.config).to(wanted)

    return module, weight


def _parameters(module: Decoder) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """Every parameter by its name; a tied head as the embedding."""
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if not (name == "lm_head.weight" and module.config.tie_word_embeddings):
            yield name, parameter


def stored_dtype(file: GGUF) -> torch.dtype:
    """The dtype that holds what the matrices hold: norms are stored as F32 beside matrices of any kind."""
    kinds = {one.kind for name, one in file.tensors.items() if len(one.shape) > 1 and name != POSITIONS}
    return {"F16": torch.float16, "BF16": torch.bfloat16}.get("".join(kinds), torch.float32)


def tensor_of(stored: Stored, name: str, path: Path) -> Tensor:
    """A stored tensor as torch's: F32, F16 and BF16 as they lie there, blocks as float32. NaN and infinity are refused."""
    if stored.kind == "BF16":
        tensor = torch.from_numpy(stored.data.view(np.int16)).view(torch.bfloat16).reshape(stored.shape)
    else:
        plain = stored.plain()
        tensor = torch.from_numpy(stored.numbers() if plain is None else plain)
    if not tensor.is_floating_point():
        raise UnsupportedModel(f"{path}: {name} holds {stored.kind}, which no part reads; convert the model again")
    if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
        raise FormatError(f"{path}: {name} holds NaN or infinity, so the file is damaged; copy or convert it again")
    return tensor


def _check(file: GGUF, rules: Mapping[str, Rule], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names and shapes of the tensors with what the metadata promises."""
    found = file.tensors.keys() - {FREQUENCIES}
    if missing := sorted(rules.keys() - found):
        raise FormatError(f"{file.path} lacks {missing[0]}, which its metadata asks for; copy or convert it again")
    if unknown := sorted(found - rules.keys()):
        raise UnsupportedModel(
            f"{file.path} holds {unknown[0]}, which no part of its architecture reads; use another model"
        )
    for theirs, rule in rules.items():
        shape, stored = rule.stored_shape([expected[name] for name in rule.ours]), file.tensors[theirs].shape
        if stored != shape:
            raise FormatError(
                f"{file.path}: {theirs} has shape {stored}, but the metadata says {shape}; convert it again"
            )


# ───────── out ─────────

FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "BF16": 32}  # general.file_type


def save_gguf(
    path: str | Path,
    module: Decoder,
    tokenizer: Any = None,
    kind: str = "F16",
    name: str = "model",
    extra: Mapping[str, Any] | None = None,
    codes: Mapping[str, Packed] | None = None,
) -> None:
    """Write a model as one GGUF file that llama.cpp reads; whole or not at all.

    kind: how matrices are stored (F32, F16, BF16, Q8_0, Q4_0, Q4_1); rows that do not fill blocks are F16, embedding and
    head of a Q4 file Q8_0, vectors F32. name: general.name. extra: further metadata. codes: of matrices that are whole numbers
    already, by the module's names: their blocks hold the very same, Q4_0 where they have 4 bits, else Q8_0. UnsupportedModel: a
    family, a part or a tokenizer that GGUF has no word for. InputError: codes that no block holds.
    """
    from groundup.text.tokenizers.gguf_vocabulary import write_vocabulary

    if kind not in FILE_TYPES:
        raise ConfigError(f"kind {kind!r} cannot be written; use {', '.join(FILE_TYPES)}")
    codes = codes or {}
    stored = max((_blocks(one) for one in codes.values()), default=kind)  # Q8_0 where one has more than 4 bits
    metadata = metadata_of(module.config) | {"general.name": name, "general.file_type": FILE_TYPES[stored]}
    if stored.startswith("Q"):
        metadata["general.quantization_version"] = 2
    if tokenizer is not None:
        metadata |= write_vocabulary(tokenizer, module.config.vocab_size)
    tensors = dict(_outgoing(module, kind))
    tensors |= _exact(module.config, codes, tensors)
    refuse_what_is_lost(module.config, metadata, tensors)
    gguf.write(path, metadata | dict(extra or {}), tensors)


def _outgoing(module: Decoder, kind: str) -> Iterator[tuple[str, Outgoing]]:
    """Every tensor of the file in its order, each made when it is written."""
    config = module.config
    how = ARCHITECTURES[WRITTEN_AS[config.model_type]]
    ours = dict(_parameters(module))
    rules = {rule.theirs: rule for rule in how.names().matched(list(ours)).values()}
    for theirs, rule in rules.items():
        shape = rule.stored_shape([tuple(ours[name].shape) for name in rule.ours])

        def values(rule: Rule = rule) -> np.ndarray:
            parts = [_outward(name, ours[name].detach().cpu().float(), how, config) for name in rule.ours]
            return rule.join(parts, config.num_key_value_heads).contiguous().numpy()

        yield theirs, Outgoing(shape, _kind_of(theirs, shape, kind), values)
    scaling = getattr(config, "rope_scaling", None)
    if scaling and scaling.get("rope_type") == "llama3" and how.pairs:
        factors = llama3_factors(config.head_dim, config.rope_theta, scaling)
        yield FREQUENCIES, Outgoing(tuple(factors.shape), "F32", factors.numpy)


def _blocks(one: Packed) -> str:
    """The blocks that hold codes: of four bits where they all have them."""
    return "Q4_0" if -8 <= int(one.codes.min()) and int(one.codes.max()) < 8 else "Q8_0"


def _exact(
    config: DecoderConfig, codes: Mapping[str, Packed], tensors: Mapping[str, Outgoing]
) -> Iterator[tuple[str, Outgoing]]:
    """The tensors whose matrices are codes, as blocks of the same codes; rows in llama.cpp's order."""
    how = ARCHITECTURES[WRITTEN_AS[config.model_type]]
    for name, one in codes.items():
        (rule,) = how.names().matched([name]).values()
        if rule.ours != (name,):
            raise UnsupportedModel(f"GGUF keeps {name} together with others, which codes cannot be; store it as --dtype F16")
        kind = _blocks(one)
        turned = Packed(*(_outward(name, part, how, config) for part in one))
        blocks = packed.blocks_of(name, turned, kind)
        yield rule.theirs, Outgoing(tensors[rule.theirs].shape, kind, functools.partial(np.asarray, blocks), encoded=True)


def _kind_of(name: str, shape: Sequence[int], kind: str) -> str:
    """How one tensor of a file is stored."""
    if len(shape) == 1 or name == POSITIONS:
        return "F32"
    if kind in ("Q4_0", "Q4_1") and name in (EMBEDDING, HEAD):
        kind = "Q8_0"  # they decide every token: 4 bits there cost far more than elsewhere
    return "F16" if shape[-1] % gguf.KINDS[kind].block else kind


def refuse_what_is_lost(config: DecoderConfig, metadata: Mapping[str, Any], tensors: Mapping[str, Outgoing]) -> None:
    """Read the metadata back; what it does not say of the model's parts is named."""
    shapes = {
        name: Stored(one.shape, one.kind, one.values().view(np.uint8) if name == FREQUENCIES else np.empty(0, np.uint8))
        for name, one in tensors.items()
    }
    read = config_of(GGUF(Path("the file"), 3, dict(metadata), shapes))
    if read.blueprint() == rounded(config).blueprint():
        return
    known = {one.name for one in dataclasses.fields(read)}
    lost = [
        f"{one.name}={value!r}"
        for one in dataclasses.fields(config)
        if (value := getattr(rounded(config), one.name)) != getattr(read, one.name, None)
        and one.name not in TOKENS
        and (one.name in known or value)
    ]
    raise UnsupportedModel(
        f"GGUF's {metadata['general.architecture']} cannot say {', '.join(lost) or 'all parts of this model'}; "
        "save it as a model folder"
    )
