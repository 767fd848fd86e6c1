"""Texts packed by a language model, without a loss: its bits per byte as a file that can be opened again.

    data = pack(texts, model_packer(groundup.load("runs/demo/model")))
    unpack(data, model_packer(...)) == texts

The tokens go through `foundations/information/compressor.py`. The model reads each text as it is measured in `intrinsic`:
afresh behind <|endoftext|>, which it predicts at the end too; a text longer than the context in windows that overlap by half.
All texts share one stream of digits, so what is rounded up to whole bytes is so once.

To be read back, every probability must be the same to the last bit. So both directions ask the model in one way only: a token
at a time, through the cache, in float32 or more. Open a file with the model, device, number of threads and versions
that wrote it; a checksum tells when what came out is not what went in. Left out: batches, so this is for kilobytes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.errors import ConfigError, InputError
from groundup.evaluation.metrics.intrinsic import tokenize
from groundup.foundations.information.compressor import compress, decompress
from groundup.foundations.information.entropy import NextProbabilities
from groundup.text.ngram.smoothing import KneserNey

HEADER = Struct("<II")  # tokens, ends of texts included; CRC-32 of the texts


@dataclass(frozen=True, slots=True)
class Packer:
    """What packing needs: a tokenizer, and the probabilities of the next token behind the tokens of all texts so far."""

    tokenizer: Any
    next_probabilities: NextProbabilities


class ModelProbabilities:
    """What comes next by a module, asked for one prefix after the other: an empty one, or the last one and a token more.

    Only what stands behind the last <|endoftext|> is read; keys and values of it are kept. context: the longest window.
    """

    def __init__(self, module: Any, end_id: int, context: int | None = None) -> None:
        import torch  # here: an n-gram model packs without it

        from groundup.inference.cache.kv_cache import KVCache

        if module.compute_dtype not in (torch.float32, torch.float64):
            raise ConfigError(
                f"the model computes in {module.compute_dtype}, which leaves too few digits to tell probabilities apart; "
                "load it with dtype=torch.float32"
            )
        self.module, self.end_id = module, end_id
        self.context = min(context or module.config.max_position_embeddings, module.config.max_position_embeddings)
        self.stride = max(1, self.context // 2)
        self.cache = KVCache.of(module, 1, self.context)
        self.text: list[int] = []  # <|endoftext|> and the tokens of this text so far

    def __call__(self, before: Sequence[int]) -> NDArray[np.float64]:
        """The probability of each id after `before`."""
        import torch

        if not before or before[-1] == self.end_id:
            self.text, self.cache.length = [], 0
        self.text.append(before[-1] if before else self.end_id)
        if self.cache.length == self.context:
            self.cache.length = 0  # the window moves on by half, and is read again
        start = max(0, -(-(len(self.text) - self.context) // self.stride)) * self.stride
        with torch.inference_mode():
            for token in self.text[start + self.cache.length :]:
                logits = self.module(torch.tensor([[token]], device=self.module.device), cache=self.cache)
        return torch.softmax(logits[0, -1].double(), dim=0).cpu().numpy()


def model_packer(handle: Any, context: int | None = None) -> Packer:
    """A packer of a model as `groundup.load` returns it. context: the longest window, for less memory than the model's own."""
    if handle.tokenizer is None or handle.tokenizer.eos_token_id is None:
        raise InputError(
            "the model has no tokenizer with an end-of-text token; load it with tokenizer=True, from a folder that has one"
        )
    return Packer(handle.tokenizer, ModelProbabilities(handle.module, handle.tokenizer.eos_token_id, context))


def ngram_packer(model: KneserNey, tokenizer: Any) -> Packer:
    """A packer of an n-gram model that was counted with `intrinsic.fit_ngram`."""
    end_id = tokenizer.eos_token_id
    return Packer(tokenizer, lambda before: model.distribution([end_id, *before[-model.order :]]))


def pack(texts: Sequence[str], packer: Packer) -> bytes:
    """The texts as one file: 8 bytes of header, then about as many bits as the model is surprised by them."""
    documents = tokenize(texts, packer.tokenizer)
    tokens = documents.stream()[0][1:].tolist()
    if (back := _texts(tokens, packer.tokenizer)) != list(texts):
        place = next(number for number, (text, other) in enumerate(zip(texts, back, strict=True)) if text != other)
        raise InputError(f"the tokenizer does not give text {place} back as it was; use a byte-level one")
    return HEADER.pack(len(tokens), _checksum(texts)) + compress(tokens, packer.next_probabilities)


def unpack(data: bytes, packer: Packer) -> list[str]:
    """The texts of a file that `pack` made with the same model."""
    if len(data) < HEADER.size:
        raise InputError(
            f"{len(data)} bytes are no packed texts, which begin with {HEADER.size} of header; pack them again"
        )
    count, checksum = HEADER.unpack(data[: HEADER.size])
    texts = _texts(decompress(data[HEADER.size :], packer.next_probabilities, count=count), packer.tokenizer)
    if _checksum(texts) != checksum:
        raise InputError(
            "what came out is not what was packed; open it with the model, device, threads and versions that packed it"
        )
    return texts


def _texts(tokens: Sequence[int], tokenizer: Any) -> list[str]:
    """The texts between the ends."""
    ends = [place for place, token in enumerate(tokens) if token == tokenizer.eos_token_id]
    starts = [0, *(place + 1 for place in ends)]
    return [tokenizer.decode(tokens[start:end]) for start, end in zip(starts, ends, strict=False)]


def _checksum(texts: Sequence[str]) -> int:
    return zlib.crc32(b"\0".join(text.encode() for text in texts))
