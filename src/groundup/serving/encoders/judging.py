"""Scores of whole texts and of pairs, where a model has a head for them: classification, reward, cross-encoders.

An encoder for sentences sees two texts apart and compares their vectors; a cross-encoder reads both in one input, [CLS] A [SEP] B [SEP],
and every token of the one looks at every token of the other. That is better, and costs a pass of the model a pair in place of a
product of two vectors: so one ranks again (`rank`) what vectors have found (Nogueira and Cho 2019, arXiv:1901.04085).

A head with one label gives a number; a cross-encoder's is a logit, and `score` its sigmoid, as sentence-transformers has it. Several
labels are softmaxed. Left out: heads over every token, and several labels that hold at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.errors import InputError, UnsupportedModel
from groundup.model.architectures import labels
from groundup.model.attention import masks
from groundup.model.encoder import Encoder
from groundup.serving.encoders.sentences import batches, longest, padded


class Judge:
    """A model with a head over the whole text, and its tokenizer."""

    def __init__(self, module: Any, tokenizer: Any):
        head = getattr(module.config, "head", labels.NONE)
        if head not in labels.WHOLE_TEXT:
            raise UnsupportedModel(
                f"this model {labels.ABILITIES[head]} and has no head that judges a text; use one with labels"
            )
        self.module, self.tokenizer = module, tokenizer
        self.labels: tuple[str, ...] = tuple(module.config.labels)
        self.most = longest(module.config)

    @property
    def one_number(self) -> bool:
        """Whether a text gets a number and not a label."""
        return len(self.labels) == 1

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What the head says of each text, (texts, labels)."""
        return self._run([self.tokenizer.encode_prompt(text) for text in texts], None)

    def classify(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, (texts, labels); of one label its own probability."""
        return _probabilities(self.logits(texts))

    def reward(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The one number of each text, as the head gives it."""
        if not self.one_number:
            raise UnsupportedModel(
                f"this model has the labels {', '.join(self.labels)} and gives no single number; classify with it"
            )
        return self.logits(texts)[:, 0]

    def pair_logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """What the head says of each pair read as one input, (pairs, labels); the second text is cut where both are too long."""
        if not isinstance(self.module, Encoder):
            raise UnsupportedModel(
                "this model reads one text at a time; use a cross-encoder (an encoder with a head) for pairs"
            )
        rows, types = [], []
        for first, second in pairs:
            ids, kinds = self.tokenizer.encode_pair(first, second)
            cut = len(ids) - self.most
            if cut > 0:  # before the mark that ends the input
                if kinds.count(kinds[-1]) <= cut + 1:
                    raise InputError(
                        f"a first text of this length leaves no room for the second: {len(ids)} tokens, and this model reads "
                        f"{self.most}; shorten the first"
                    )
                ids, kinds = ids[: -1 - cut] + ids[-1:], kinds[: -1 - cut] + kinds[-1:]
            rows.append(ids)
            types.append(kinds)
        return self._run(rows, types)

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """How well two texts go together: a probability each. Of several labels the last one's is taken."""
        return _probabilities(self.pair_logits(pairs))[:, -1]

    def rank(self, query: str, documents: Sequence[str], top: int | None = None) -> list[tuple[int, float]]:
        """Places of documents with their scores, the best first."""
        scores = self.score([(query, document) for document in documents])
        order = np.argsort(-scores, kind="stable")[:top]
        return [(int(place), float(scores[place])) for place in order]

    @torch.inference_mode()
    def _run(self, rows: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None) -> NDArray[np.float32]:
        made = np.zeros((len(rows), len(self.labels)), dtype=np.float32)
        for number, row in enumerate(rows):
            if not row or len(row) > self.most:
                raise InputError(
                    f"text {number} has {len(row)} tokens and this model reads 1 to {self.most}; change its length"
                )
        kinds = types or [()] * len(rows)
        distinct: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}  # what is asked twice is computed once
        for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
            distinct.setdefault((tuple(row), tuple(kind)), []).append(place)
        wanted = list(distinct)
        for batch in batches([len(row) for row, _ in wanted]):
            scores = self._scored([wanted[place] for place in batch], types is not None)
            for place, found in zip(batch, scores, strict=True):
                made[distinct[wanted[place]]] = found
        return made

    def _scored(self, asked: Sequence[tuple[Sequence[int], Sequence[int]]], typed: bool) -> NDArray[np.float32]:
        """The head's scores of one batch."""
        device = self.module.device
        ids, real = padded([row for row, _ in asked], self.module.config.pad_token_id or 0)
        told = {"token_types": padded([kind for _, kind in asked], 0)[0].to(device)} if typed else {}
        scores = self.module(ids.to(device), self._mask(real), **told)
        return np.asarray(scores.float().reshape(len(asked), -1).cpu().numpy())

    def _mask(self, real: torch.Tensor) -> torch.Tensor:
        """Who may be seen. A decoder has padding on the right, which no real token sees, and is told so to find the last one."""
        shown = masks.padding(real.to(self.module.device))
        return shown if isinstance(self.module, Encoder) else shown & masks.causal(real.shape[1]).to(shown.device)


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    if logits.shape[1] == 1:
        return np.asarray(
            np.where(logits >= 0, 1 / (1 + np.exp(-np.abs(logits))), 1 - 1 / (1 + np.exp(-np.abs(logits))))
        )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def load_judge(folder: str | Path, **options: Any) -> Judge:
    """A model folder with a head over the whole text; options: of `groundup.load`."""
    from groundup.inference.handle import load

    handle = load(folder, **options)
    return Judge(handle.module, handle.tokenizer)
