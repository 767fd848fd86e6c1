"""Vectors of texts: an encoder for sentences as it was trained, or any decoder that is pooled.

    texts -> ids, cut at the model's length -> batches of like length -> hidden states -> pooling -> one vector a text

A text's vector does not depend on which texts stand beside it: padding is on the right, an encoder is told where it is, and a decoder's
tokens see nothing that comes after them. Texts are sorted by length so that a batch pads little; what is asked twice is computed once. A
folder of sentence-transformers is read as it was written (`pooling.read_pooling`), so its vectors are the ones it was trained for.
Reimers and Gurevych 2019, arXiv:1908.10084. Left out: pools of processes, and vectors of bits.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.errors import InputError, UnsupportedModel, did_you_mean
from groundup.model.architectures import labels
from groundup.model.attention import masks
from groundup.model.encoder import Encoder
from groundup.model.transformer import Decoder
from groundup.serving.encoders.pooling import Pooling, read_pooling

TOKENS_AT_ONCE = 2048  # of a batch, padding included: more leaves the processor's cache
PADDING = 0.10  # of a batch at most, where it has more than a few texts


class TextEncoder:
    """A model, its tokenizer and how its hidden states become one vector."""

    def __init__(self, module: Any, tokenizer: Any, pooling: Pooling | None = None):
        if not isinstance(module, Encoder | Decoder):
            raise UnsupportedModel(
                f"a {type(module).__name__} gives no vectors of texts here; use an encoder or a decoder"
            )
        self.module, self.tokenizer = module, tokenizer
        self.bidirectional = isinstance(module, Encoder)
        self.pooling = pooling or Pooling(mode="mean" if self.bidirectional else "last")
        around = tokenizer.encode_prompt("")
        self.behind = _behind(tokenizer, around)
        self.most = min(self.pooling.max_tokens or module.config.max_position_embeddings, longest(module.config))
        if self.most <= len(around):
            raise InputError(
                f"max_tokens={self.most} has no room beside the {len(around)} marks around a text; use more"
            )

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self.module.config.hidden_size)

    def encode(self, texts: Sequence[str], *, prompt: str | None = None, truncate: bool = True) -> list[list[int]]:
        """Ids of each text with its marks, cut at the most the model was trained for. truncate: False refuses a longer one.

        prompt: the name of one of the model's own prompts (`query`, `passage`), whose text is put before each.
        """
        before = self._before(prompt)
        rows = []
        for number, text in enumerate(texts):
            ids = self.tokenizer.encode_prompt(before + text)
            if not ids:
                raise InputError(
                    f"text {number} is empty, and this tokenizer puts no token before a text; type at least one character"
                )
            if len(ids) > self.most and not truncate:
                raise InputError(
                    f"text {number} has {len(ids)} tokens and this model reads at most {self.most}; "
                    f"shorten it by {len(ids) - self.most} tokens, or allow it to be cut"
                )
            rows.append(
                ids if len(ids) <= self.most else ids[: self.most - self.behind] + ids[len(ids) - self.behind :]
            )
        return rows

    def _before(self, prompt: str | None) -> str:
        name, known = prompt or self.pooling.default_prompt, self.pooling.prompts
        if name is None:
            return ""
        if name not in known:
            way_out = did_you_mean(name, known) if known else "it has none; leave it out"
            raise InputError(f"this model has no prompt named {name!r}; {way_out}")
        return known[name]

    def embed(self, texts: Sequence[str], *, prompt: str | None = None, truncate: bool = True) -> NDArray[np.float32]:
        """The vectors of texts, (texts, dimension)."""
        if isinstance(texts, str):
            raise InputError("embed takes a list of texts and was given one text; write [text]")
        return self.embed_ids(self.encode(texts, prompt=prompt, truncate=truncate))

    @torch.inference_mode()
    def embed_ids(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The vectors of texts that are ids already, with their marks."""
        vectors = np.zeros((len(rows), self.dimension), dtype=np.float32)
        distinct: dict[tuple[int, ...], list[int]] = {}
        for place, row in enumerate(rows):
            distinct.setdefault(tuple(row), []).append(place)
        wanted = list(distinct)
        for batch in batches([len(row) for row in wanted]):
            found = self._pooled([wanted[place] for place in batch]).float().cpu().numpy()
            for place, vector in zip(batch, found, strict=True):
                vectors[distinct[wanted[place]]] = vector
        return vectors

    def _pooled(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, real = padded(rows, self.module.config.pad_token_id or 0)
        ids, real = ids.to(self.module.device), real.to(self.module.device)
        mask = masks.padding(real) if self.bidirectional and not bool(real.all()) else None
        return self.pooling(self.module.hidden(ids, mask), real)


def batches(lengths: Sequence[int], tokens: int = TOKENS_AT_ONCE, padding: float = PADDING) -> Iterator[list[int]]:
    """Groups of like length, the longest first: at most so many tokens with padding, little of it padding.

    >>> list(batches([3, 9, 3, 8, 2], tokens=18))
    [[1, 3], [0, 2, 4]]
    """
    group: list[int] = []
    inside = 0
    for place in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        width = lengths[group[0]] if group else lengths[place]
        room = width * (len(group) + 1)
        if group and (room > tokens or (len(group) >= 8 and inside + lengths[place] < (1 - padding) * room)):
            yield group
            group, inside = [], 0
        group.append(place)
        inside += lengths[place]
    if group:
        yield group


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids filled up on the right, and where the real ones are."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad_id] * (width - len(row))] for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(width)[None] < lengths[:, None]


def longest(config: Any) -> int:
    """Tokens that a model has places for."""
    return int(getattr(config, "longest", None) or config.max_position_embeddings)


def _behind(tokenizer: Any, around: Sequence[int]) -> int:
    """How many of the marks stand behind a text."""
    marked = tokenizer.encode_prompt("a")
    plain = len(marked) - len(around)
    for before in range(len(around) + 1):
        if marked[:before] == list(around[:before]) and marked[before + plain :] == list(around[before:]):
            found = len(around) - before
            if marked[before : before + plain] == tokenizer.encode("a"):
                return found
    return 0


def load_encoder(
    folder: str | Path, *, pooling: str | None = None, normalize: bool | None = None, **options: Any
) -> TextEncoder:
    """A model folder as an encoder of texts. pooling, normalize: other than what the folder says; options: of `groundup.load`."""
    from groundup.inference.handle import load

    handle = load(folder, **options)
    told = read_pooling(handle.folder or folder)
    usual = "mean" if isinstance(handle.module, Encoder) else "last"
    told = told or Pooling(mode=pooling or usual)
    if pooling is not None or normalize is not None:
        told = Pooling(
            mode=pooling or told.mode,
            normalize=told.normalize if normalize is None else normalize,
            max_tokens=told.max_tokens,
            prompts=told.prompts,
            default_prompt=told.default_prompt,
        )
    if handle.config.head not in (labels.NONE, labels.LANGUAGE_MODEL, labels.MASKED):
        raise UnsupportedModel(
            f"{folder} {labels.ABILITIES[handle.config.head]}; use it to score or classify, or another model for vectors"
        )
    return TextEncoder(handle.module, handle.tokenizer, told)
