"""Pooling: one vector of the many that a model gives a text.

    mean     of all real tokens           encoders for sentences (Reimers and Gurevych 2019, arXiv:1908.10084, section 3)
    first    at [CLS]                     BERT's own place for the whole text
    last     at the last real token       decoders: no other token has seen all (Neelakantan et al. 2022, arXiv:2201.10005)
    max      the largest of each number
    root     the sum over the square root of the length: between sum and mean

Then, mostly, its length is made 1, so that an inner product is a cosine. A folder of sentence-transformers says in modules.json and
1_Pooling/config.json what its model was trained with; another choice gives numbers that mean little. Left out: poolings weighted by
place, and layers behind the pooling (Dense), which are refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.model.architectures.heads import first_token, last_token, mean_of_tokens

MODES = {  # as sentence-transformers writes them
    "pooling_mode_cls_token": "first",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "root",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_weightedmean_tokens": "weighted mean",
}
NEWER = {"cls": "first", "max": "max", "mean": "mean", "mean_sqrt_len_tokens": "root", "lasttoken": "last"}
POOLING_KEYS = {"word_embedding_dimension", "embedding_dimension", "include_prompt", "pooling_mode", *MODES}


def largest_of_tokens(
    hidden: Float[Tensor, "batch seq hidden"], real: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """The largest of each number over the real tokens."""
    return hidden.masked_fill(~real[..., None], -torch.inf).amax(dim=1)


def root_of_tokens(
    hidden: Float[Tensor, "batch seq hidden"], real: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """The sum over the real tokens, divided by the square root of how many they are."""
    return mean_of_tokens(hidden, real) * real.sum(dim=1, keepdim=True).to(hidden.dtype).sqrt()


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": mean_of_tokens,
    "first": lambda hidden, real: first_token(hidden),
    "last": last_token,
    "max": largest_of_tokens,
    "root": root_of_tokens,
}


def unit_length(vectors: Float[Tensor, "batch hidden"]) -> Float[Tensor, "batch hidden"]:
    """Divide each vector by its length (Euclidean), so that inner products are cosines; a zero vector stays zero.

    >>> unit_length(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """How a text becomes one vector. max_tokens: longer texts are cut there, None: at the model's own; prompts: by name, put before a text."""

    mode: str = "mean"
    normalize: bool = True
    max_tokens: int | None = None
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in POOLINGS:
            raise ConfigError(f"pooling {self.mode!r} is not implemented; use {', '.join(POOLINGS)}")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigError(f"max_tokens={self.max_tokens} leaves nothing of a text; use 1 or more")

    def __call__(
        self, hidden: Float[Tensor, "batch seq hidden"], real: Bool[Tensor, "batch seq"]
    ) -> Float[Tensor, "batch hidden"]:
        """One vector a text."""
        pooled = POOLINGS[self.mode](hidden, real)
        return unit_length(pooled) if self.normalize else pooled


def read_pooling(folder: str | Path) -> Pooling | None:
    """What a folder of sentence-transformers says; None where it is no such folder."""
    folder = Path(folder)
    if not (folder / "modules.json").is_file():
        return None
    listed = files.read_json(folder / "modules.json")
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get("type"), str) for one in listed
    ):
        raise FormatError(f"{folder / 'modules.json'} lists no modules; copy it from the model's own folder")
    kinds = {one["type"].rpartition(".")[2]: str(one.get("path", "")) for one in listed}
    if others := kinds.keys() - {"Transformer", "Pooling", "Normalize"}:
        raise UnsupportedModel(f"{folder}: modules.json has {', '.join(sorted(others))}, which is not implemented here")
    if "Pooling" not in kinds:
        raise UnsupportedModel(
            f"{folder}: modules.json has no Pooling, so a text has no single vector; use another model"
        )
    told = (
        files.read_json(folder / "sentence_bert_config.json")
        if (folder / "sentence_bert_config.json").is_file()
        else {}
    )
    asked = folder / "config_sentence_transformers.json"
    about = files.read_json(asked) if asked.is_file() else {}
    return Pooling(
        mode=_mode(folder / kinds["Pooling"] / "config.json"),
        normalize="Normalize" in kinds,
        max_tokens=told.get("max_seq_length"),
        prompts=about.get("prompts") or {},
        default_prompt=about.get("default_prompt_name"),
    )


def _mode(path: Path) -> str:
    """The one pooling that a Pooling/config.json asks for."""
    told: dict[str, Any] = files.read_json(path)
    if unknown := told.keys() - POOLING_KEYS:
        raise UnsupportedModel(f"{path}: {', '.join(sorted(unknown))} would change the vectors and is not implemented")
    if told.get("include_prompt", True) is not True:
        raise UnsupportedModel(f"{path}: include_prompt=false is not implemented; use another model")
    asked = [mode for key, mode in MODES.items() if told.get(key)]
    if isinstance(told.get("pooling_mode"), str):
        asked = [NEWER.get(told["pooling_mode"], told["pooling_mode"])]
    if len(asked) != 1 or asked[0] not in POOLINGS:
        raise UnsupportedModel(
            f"{path} asks for {' and '.join(asked) or 'no pooling'}; one of {', '.join(POOLINGS)} is implemented"
        )
    return asked[0]
