"""Drafts for speculative decoding: what follows the same words earlier in the text, and a smaller model.

    look-up   the last n tokens, n from `longest` down, stood here before: guess what followed then; no model at all
    model     a smaller model of the same vocabulary writes a few tokens, with a cache of its own

The look-up: Yang et al. 2023, arXiv:2304.04487 (copying from a reference), and Saxena 2023, "prompt lookup decoding". It helps where a text repeats
itself or its prompt: summaries, edits, code. A text of reference (earlier answers, training text) may be given beside it (He et al. 2023, arXiv:2311.08252).
A small model: Leviathan et al. 2023, arXiv:2211.17192. It stops guessing where it is unsure itself: its largest probability decides that, before
the draw, and not what was drawn, which would change the distribution.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.errors import ConfigError
from groundup.inference.decoding.config import READ_THE_TEXT, SamplingConfig
from groundup.inference.decoding.sampling import draw, narrow
from groundup.inference.decoding.speculative import Proposal, rewindable
from groundup.inference.decoding.streams import uniform

GUESS = 1 << 41  # the stream of the numbers with which guesses are drawn


class NGramDraft:
    """Guess what followed the same last tokens before. count: guesses a round; longest, shortest: how many tokens must be the same.

    reference: more text, looked at where the text itself has no match.
    """

    def __init__(self, count: int = 6, longest: int = 4, shortest: int = 2, reference: Sequence[int] = ()):
        if count < 1 or not 1 <= shortest <= longest:
            raise ConfigError(
                f"count={count}, longest={longest}, shortest={shortest} guess nothing; use count of 1 or more and 1 <= shortest <= longest"
            )
        self.count, self.sizes = count, range(longest, shortest - 1, -1)
        self.reference = list(reference)
        self.known = self._index({}, self.reference, 0)

    def _index(self, index: dict[Any, int], ids: Sequence[int], start: int) -> dict[Any, int]:
        """Note for each run of tokens that ends from `start` on, and has a token behind it, where that is; the last one counts."""
        for end in range(max(start, 1), len(ids)):
            for size in self.sizes:
                if size <= end:
                    index[tuple(ids[end - size : end])] = end
        return index

    def start(self, module: Any, prompt: Sequence[int], limit: int) -> None:
        """Forget the text before."""
        self.index: dict[Any, int] = {}
        self.seen = 0

    def propose(self, ids: Sequence[int], most: int, sampling: SamplingConfig, hidden: Tensor | None) -> Proposal:
        """What followed the longest run of last tokens that stood in the text before, or else in the reference."""
        self._index(self.index, ids, self.seen)
        self.seen = len(ids)
        count = min(self.count, most)
        for size in self.sizes:
            key = tuple(ids[-size:])
            for index, text in ((self.index, ids), (self.known, self.reference)):
                if size <= len(ids) and (place := index.get(key)) is not None:
                    return Proposal(list(text[place : place + count]))
        return Proposal([])


def without_the_text(sampling: SamplingConfig) -> SamplingConfig:
    """The steps that a draft can follow: those that look at the scores alone."""
    named = tuple(step for step in sampling.order if isinstance(step, str) and step not in READ_THE_TEXT)
    return replace(sampling, order=named, repetition_penalty=1.0, frequency_penalty=0.0, presence_penalty=0.0)


def guess(logits: Tensor, sampling: SamplingConfig, place: int) -> tuple[int, Tensor | None]:
    """Draw a guess for a place of the text: its id, and the probabilities it was drawn from; greedy: the likeliest, and None."""
    if sampling.greedy:
        return int(logits.argmax()), None
    scores = narrow(logits[None].float(), sampling)
    number = torch.from_numpy(uniform(sampling.seed, np.array([GUESS]), place))
    return int(draw(scores, number)), torch.softmax(scores[0], 0)


def proposal(guesses: Sequence[tuple[int, Tensor | None]]) -> Proposal:
    """Guesses and what they were drawn from as one."""
    drawn = [probabilities for _, probabilities in guesses if probabilities is not None]
    return Proposal([id for id, _ in guesses], torch.stack(drawn) if drawn else None)


def same_vocabulary(module: Any, draft: Any) -> None:
    """Refuse a draft whose ids mean something else."""
    if draft.config.vocab_size != module.config.vocab_size:
        raise ConfigError(
            f"the draft knows {draft.config.vocab_size} tokens and the model {module.config.vocab_size}; use a draft with the model's own tokenizer"
        )


class ModelDraft:
    """A smaller model that guesses. count: guesses a round; sure: it stops before a place where its likeliest token has less than this probability."""

    def __init__(self, module: Any, count: int = 5, sure: float = 0.0):
        if count < 1 or not 0 <= sure < 1:
            raise ConfigError(
                f"count={count}, sure={sure} guess nothing; use count of 1 or more and sure from 0 to below 1"
            )
        self.module, self.count, self.sure = module, count, sure

    def start(self, module: Any, prompt: Sequence[int], limit: int) -> None:
        """A new text, and an empty cache for it."""
        same_vocabulary(module, self.module)
        self.room = min(len(prompt) + limit, self.module.config.max_position_embeddings)
        self.cache = rewindable(self.module, self.room)
        self.read: list[int] = []

    def propose(self, ids: Sequence[int], most: int, sampling: SamplingConfig, hidden: Tensor | None) -> Proposal:
        """Write a few tokens behind ids; nothing where the text is longer than this model's context."""
        count = min(self.count, most, self.room - len(ids))
        if count < 1:
            return Proposal([])
        plain = without_the_text(sampling)
        guesses: list[tuple[int, Tensor | None]] = []
        same = len(self.read)
        while same and (same >= len(ids) or self.read[same - 1] != ids[same - 1]):  # refused guesses stand at its end
            same -= 1
        self.cache.length, unread = same, list(ids[same:])
        self.read = list(ids)
        for place in range(len(ids), len(ids) + count):
            logits = self._logits(unread)
            if self.sure and float(torch.softmax(logits.float(), 0).max()) < self.sure:
                break
            guesses.append(guess(logits, plain, place))
            unread = [guesses[-1][0]]
            self.read.append(guesses[-1][0])
        self.read = self.read[: self.cache.length]
        return proposal(guesses)

    def _logits(self, unread: list[int]) -> Tensor:
        read = torch.tensor([unread], device=self.module.device)
        return self.module.lm_head(self.module.hidden(read, None, None, self.cache)[:, -1])[0]
