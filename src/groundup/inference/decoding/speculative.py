"""Speculative decoding: guesses that cost little, checked by the model many at once; the text is as if the model had written it alone.

    draft      k tokens x_1 ... x_k, each drawn from its own q_i
    check      one pass of the model over all of them gives p_1 ... p_k and p_{k+1}
    accept     x_i with probability min(1, p_i(x_i) / q_i(x_i)); at the first that is refused draw from max(0, p_i - q_i) instead, and end the round
    reward     where all are accepted, p_{k+1} gives one more token for nothing

A pass over a few tokens costs a machine hardly more than one over a single token: it waits for the weights, which are read once. A token that
comes out has probability min(p, q) as a guess, and max(0, p - q) as a replacement: together p, whatever q is. Here p and q are what is really drawn
from, after temperature, top-k and the rest; a guess that was not drawn (a look-up, an argmax) has q = 1 at itself. Then the rule says: draw from p as ever,
and go on where that is the guess. So such guesses give the very text that the plain sampler writes with the same seed, and greedy answers stay as
they are. All random numbers belong to (seed, place).
Leviathan et al. 2023, arXiv:2211.17192, algorithm 1 and appendix A.1; Chen et al. 2023, arXiv:2302.01318.

Drafts: `drafts.py`, `medusa.py`. Left out: trees of guesses, batches of texts, models whose state cannot be wound back (recurrent ones).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError, UnsupportedModel
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.sampling import draw, greedy, log_probability, narrow, sample
from groundup.inference.decoding.streams import uniform
from groundup.slots import slot

CHANCE = 1 << 40  # added to a text's stream: the numbers that decide whether a guess stays


class Proposal(NamedTuple):
    """Guesses for the next tokens; probabilities (guesses, vocab): what each was drawn from, None where nothing was drawn."""

    ids: list[int]
    probabilities: Tensor | None = None


@runtime_checkable
class Draft(Protocol):
    """Whoever guesses. One draft serves one text at a time."""

    def start(self, module: Any, prompt: Sequence[int], limit: int) -> None:
        """A new text begins, to be continued by at most `limit` tokens of this module."""

    def propose(self, ids: Sequence[int], most: int, sampling: SamplingConfig, hidden: Tensor | None) -> Proposal:
        """At most `most` tokens that may follow ids. hidden: the module's state at the last token but one, None before the first round.

        Whether a place is guessed may depend on what came before it, and not on the guess itself: dropping unlikely guesses would change
        the distribution.
        """


class Chunk(NamedTuple):
    """What one round added: its tokens, a stop token that came included, and of the guesses how many there were and how many stayed."""

    ids: list[int]
    log_probabilities: list[float]
    drafted: int
    accepted: int


class Acceptance(NamedTuple):
    """How good the guesses of an answer were."""

    tokens: int
    rounds: int
    drafted: int
    accepted: int

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Acceptance":
        """The figures of these rounds together."""
        every = [*chunks]
        sums = (len(one.ids) for one in every), (one.drafted for one in every), (one.accepted for one in every)
        tokens, drafted, accepted = map(sum, sums)
        return cls(tokens, len(every), drafted, accepted)

    @property
    def rate(self) -> float:
        """Which part of the guesses stayed."""
        return self.accepted / self.drafted if self.drafted else 0.0

    @property
    def tokens_a_round(self) -> float:
        """Tokens for one pass of the model; 1 without guesses."""
        return self.tokens / self.rounds if self.rounds else 0.0


@slot
def accept_draft(
    target: Float[Tensor, " vocab"], draft: Float[Tensor, " vocab"], token: int, chance: float, number: float
) -> int:
    """The token that stands where `token` was guessed: itself, or the one that is drawn in its place.

    target, draft: probabilities of the model and of what the guess was drawn from. chance, number: two random numbers in [0, 1);
    the first decides whether the guess stays, the second draws.
    """
    if chance * float(draft[token]) < float(target[token]):
        return token
    rest = (target - draft).clamp(min=0)
    rest = rest if bool(rest.any()) else target  # equal but for rounding
    return int(draw(rest.log()[None], torch.tensor([number], dtype=torch.float64)))


def speculate(
    module: Any,
    prompt_ids: Sequence[int],
    sampling: SamplingConfig,
    draft: Draft,
    stop_ids: Collection[int] = (),
    *,
    stream: int = 0,
) -> Iterator[Chunk]:
    """Continue a prompt, a chunk of tokens a pass of the model; each chunk has its acceptance figures (`Acceptance.of` adds them up).

    stream: which random numbers are the text's, as in `generate_batch`. Stop strings need text: stop taking chunks.
    """
    context, prompt = module.config.max_position_embeddings, list(prompt_ids)
    if not prompt or len(prompt) >= context:
        raise InputError(
            f"a prompt of {len(prompt)} tokens cannot be continued in a context of {context}; give at least one token, and at most {context - 1}"
        )
    limit = min(sampling.max_new_tokens, context - len(prompt))
    text = _Text(module, rewindable(module, len(prompt) + limit), prompt, len(prompt) + limit, stream, set(stop_ids))
    draft.start(module, prompt, limit)
    return _rounds(text, sampling, draft)


def rewindable(module: Any, capacity: int) -> KVCache:
    """A cache of one row whose `length` may be set back: a layer with a window keeps everything too, as columns that moved cannot return."""
    cache = KVCache.of(module, 1, capacity)
    if not isinstance(cache, KVCache):
        raise UnsupportedModel(
            f"{type(module).__name__} keeps a state that cannot be set back to before a refused guess; decode it without a draft"
        )
    for layer, window in enumerate(cache.windows):
        if window is not None:
            for blocks in (cache.keys, cache.values):
                batch, heads, _, width = blocks[layer].shape
                blocks[layer] = blocks[layer].new_zeros(batch, heads, capacity, width)
            cache.windows[layer] = None
    return cache


@dataclass
class _Text:
    """An answer that is being written. ids: all so far; unread: those of them that are not in the cache; hidden: see `Draft.propose`."""

    module: Any
    cache: KVCache
    prompt: list[int]
    end: int
    stream: int
    stops: set[int]
    hidden: Tensor | None = None

    def __post_init__(self) -> None:
        self.ids, self.unread = list(self.prompt), list(self.prompt)

    @torch.inference_mode()
    def round(self, sampling: SamplingConfig, draft: Draft) -> Chunk:
        """Guess, check, set the cache back to what stays."""
        guesses = draft.propose(self.ids, self.end - len(self.ids) - 1, sampling, self.hidden)
        read = torch.tensor([self.unread + guesses.ids], device=self.module.device)
        states = self.module.hidden(read, None, None, self.cache)[0, -len(guesses.ids) - 1 :]
        logits = self.module.lm_head(states).float()
        new = settle(logits, guesses, self.ids, len(self.prompt), sampling, self.stream)
        accepted = len(new) - 1
        self.cache.length, self.hidden = len(self.ids) + accepted, states[accepted]
        new = new[: next((place for place, one in enumerate(new, 1) if one in self.stops), len(new))]
        scores = log_probability(logits[: len(new)], torch.tensor(new, device=logits.device)).tolist()
        self.ids, self.unread = self.ids + new, new[-1:]
        return Chunk(new, scores, len(guesses.ids), min(accepted, len(new)))


def _rounds(text: _Text, sampling: SamplingConfig, draft: Draft) -> Iterator[Chunk]:
    while len(text.ids) < text.end:
        yield (chunk := text.round(sampling, draft))
        if chunk.ids[-1] in text.stops:
            return


def settle(
    logits: Float[Tensor, "places vocab"],
    guesses: Proposal,
    ids: list[int],
    prompt: int,
    sampling: SamplingConfig,
    stream: int = 0,
) -> list[int]:
    """The tokens of a round: the guesses that stay, and one of the model's own behind them.

    logits: of the model behind ids, and behind each guess. prompt: how many of the ids come before the answer.
    """
    places = np.arange(len(ids), len(ids) + len(logits))
    numbers = uniform(sampling.seed, np.array([stream]), places)
    if guesses.probabilities is None and not sampling.reads_the_text:
        chosen = sample(logits, sampling, torch.from_numpy(numbers)).tolist()
        same = next((place for place, one in enumerate(guesses.ids) if one != chosen[place]), len(guesses.ids))
        return chosen[: same + 1]
    chances, new = uniform(sampling.seed, np.array([stream + CHANCE]), places), []  # type: Any, list[int]
    for place in range(
        len(logits)
    ):  # one by one: what follows a refused guess must not be asked of a step of the user's
        told = torch.tensor([ids + new], device=logits.device) if sampling.reads_the_text else None
        scores = narrow(logits[place : place + 1], sampling, told, prompt)
        guess = guesses.ids[place] if place < len(guesses.ids) else None
        if guess is not None and guesses.probabilities is not None and not sampling.greedy:
            target = torch.softmax(scores[0], 0)
            token = accept_draft(target, guesses.probabilities[place], guess, chances[place], numbers[place])
        else:
            token = int(
                greedy(scores) if sampling.greedy else draw(scores, torch.from_numpy(numbers[place : place + 1]))
            )
        new.append(token)
        if token != guess:
            break
    return new
