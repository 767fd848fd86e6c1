"""The form of an architecture: it is built, described, counted, saved and loaded, and its logits have the right shape and format."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundup.errors import GroundupError
from groundup.model.accounting import count
from groundup.model.architectures import FAMILIES, config_from_dict
from groundup.model.architectures.conformance.subject import (
    Fault,
    Subject,
    dtype_name,
    first_line,
    recorded,
    same,
    some,
)
from groundup.model.formats.huggingface import load_model, save_model

CONTRACT = (
    "config device compute_dtype model lm_head hidden tie".split()
)  # what training, decoding and saving ask of a module


def is_built(subject: Subject) -> None:
    """a module is made, anywhere, with what training and decoding ask of it"""
    module = subject.module()
    if missing := [name for name in CONTRACT if not hasattr(module, name)]:
        raise Fault(
            f"the module has no {', '.join(missing)}; build a groundup.model.transformer.Decoder (parts.compose makes one) "
            "or a class that inherits from it"
        )
    with torch.device("meta"):
        meta = FAMILIES[subject.config.model_type][1](subject.config)
    if real := [name for name, weight in meta.named_parameters() if not weight.is_meta]:
        raise Fault(f"{real[0]} is made on a device of its own; leave device= out, whoever builds the module decides")
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            _in_plain_sight(f"{name}.{key}".lstrip("."), value)


def _in_plain_sight(name: str, value: Any) -> None:
    """Refuse weights that torch cannot see."""
    if name.rpartition(".")[2].startswith("_"):
        return
    held = value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else ()
    if any(isinstance(one, nn.Module | nn.Parameter) for one in held):
        raise Fault(
            f"{name} holds weights in a plain {type(value).__name__}, so that they are neither trained nor saved; "
            "use nn.ModuleList, nn.ModuleDict or nn.ParameterList"
        )
    if isinstance(value, Tensor) and value.requires_grad and not isinstance(value, nn.Parameter):
        raise Fault(f"{name} is a plain tensor, so that it is neither trained nor saved; wrap it in nn.Parameter")


def is_written(subject: Subject) -> None:
    """config.json, read back, gives the same configuration"""
    written = json.loads(json.dumps(subject.config.to_dict()))
    again = config_from_dict(written)
    if again != subject.config:
        fields = [
            name for name in type(again).__dataclass_fields__ if getattr(again, name) != getattr(subject.config, name)
        ]
        raise Fault(
            f"{', '.join(fields)} comes back from config.json with another value; JSON knows no tuples, sets or classes: "
            "use numbers, words, or tuples of them"
        )


def has_shape(subject: Subject) -> None:
    """logits for one token and for many have the shape (batch, seq, vocab)"""
    module, vocab = subject.module(), subject.config.vocab_size
    for rows, length in ((1, 1), (1, subject.length), (3, max(1, subject.length - 3))):
        logits = module(subject.ids(rows, length))
        if not isinstance(logits, Tensor):
            raise Fault(f"the module gives a {type(logits).__name__}; give the logits alone, a tensor")
        if tuple(logits.shape) != (rows, length, vocab):
            likely = {
                (length, rows, vocab): "batch and seq are swapped; transpose them back",
                (rows, vocab): "only the last token has scores; score every position, training needs them all",
                (rows, vocab, length): "seq and vocab are swapped; transpose them back",
                (rows, length, subject.config.hidden_size): "the head is not applied; call lm_head at the end",
            }.get(tuple(logits.shape), "score every token of the vocabulary at every position")
            raise Fault(
                f"{rows} texts of {length} tokens give logits of shape {tuple(logits.shape)}, wanted "
                f"{(rows, length, vocab)}: {likely}"
            )


def has_numbers(subject: Subject) -> None:
    """logits are finite, and float32 where the weights are"""
    module = subject.module()
    logits, calls = recorded(module, subject.ids(2))
    if logits.dtype != torch.float32:
        first = next(
            (f" ({call.name} is the first to make it)" for call in calls if call.made.dtype == logits.dtype), ""
        )
        raise Fault(
            f"the weights are float32 and the logits {dtype_name(logits.dtype)}{first}; something casts on the way: "
            "make new tensors with dtype=x.dtype, and take Python numbers in place of NumPy's"
        )
    if not logits.isfinite().all():
        first = next(
            (f" ({call.name} is the first to make it)" for call in calls if not call.made.isfinite().all()), ""
        )
        raise Fault(
            f"logits hold NaN or infinity{first}; likely a division by zero, a logarithm or root of a negative number, "
            "or a softmax over a row of -inf"
        )


def is_tied(subject: Subject) -> None:
    """head and embedding are one matrix if and only if the configuration says so"""
    module = subject.module()
    head, embedding = module.lm_head.weight, module.model.embed_tokens.weight
    shared = head.data_ptr() == embedding.data_ptr()
    if module.config.tie_word_embeddings and not shared:
        raise Fault(
            "tie_word_embeddings is true and the head has a matrix of its own, which no file will hold; end the building with "
            "module.tie(), or set tie_word_embeddings to false"
        )
    if shared and not module.config.tie_word_embeddings:
        raise Fault(
            "tie_word_embeddings is false and the head shares the embedding's matrix; set it to true, or give the head one of "
            "its own"
        )


def is_counted(subject: Subject) -> None:
    """accounting's count, made without building it, is the number of parameters"""
    module, counted = subject.module(), count(subject.config)
    found = sum(weight.numel() for weight in module.parameters())
    if counted.parameters == found:
        return
    block, told = sum(weight.numel() for weight in module.model.layers[0].parameters()), counted.layer_parameters
    where = f"a block has {block:,} and its blueprint counts {told:,}; mend `counted` of the part that is yours"
    if block == told:
        where = "the blocks agree, so that it is something outside them: embedding, positions, last norm or head"
    raise Fault(f"the blueprint counts {counted.parameters:,} parameters, the module has {found:,}: {where}")


def is_saved(subject: Subject) -> None:
    """saved and loaded again, it gives equal logits"""
    module, ids = subject.module(), subject.ids(2)
    with tempfile.TemporaryDirectory() as place:
        try:
            save_model(Path(place) / "model", module)
            again = load_model(Path(place) / "model").eval()
        except GroundupError as error:
            raise Fault(
                f"it cannot be saved and loaded: {error}. Only what is an nn.Parameter is a weight of the file"
            ) from error
        try:
            equal = same(again(ids), module(ids))
        except Exception as error:
            raise Fault(f"saved and loaded, a call fails ({first_line(error)}): {_about_state(module)}") from error
        if not equal:
            raise Fault(f"saved and loaded, it gives other logits: {_about_state(module)}")


def _about_state(module: nn.Module) -> str:
    """Which tensors of a module are no weights and so are not saved."""
    loose = [
        f"{name}.{key}".lstrip(".")
        for name, part in module.named_modules()
        for key, value in vars(part).items()
        if isinstance(value, Tensor)
    ]
    if loose:
        return f"{some(loose)} is a tensor that no file holds; make it an nn.Parameter, or compute it from the configuration"
    return "something is drawn or set outside the weights when it is built; make it an nn.Parameter, or a field of the configuration"
