"""Beam search: several beginnings of an answer are kept, and the best whole one is given.

    sum      of the log-probabilities of a beginning's tokens; each step, the best k of k * vocabulary continuations stay
    score    sum / length^alpha of a finished one; its length counts the end token, and not what came before the first step

The likeliest next token now may leave only unlikely ones later; greedy decoding (k = 1) cannot go back. A sum falls with every token, so without
a penalty (alpha = 0) short answers win. The sum is negative: a larger alpha helps longer ones. A row is done when it has k finished ones and none
that still runs can beat the worst of them. Log-probabilities never rise, so at best a running one keeps its sum to the longest length allowed.
Graves 2012, arXiv:1211.3711; the penalty as a power of the length: Boulanger-Lewandowski et al. 2013; Wu et al. 2016,
arXiv:1609.08144, section 7, has (5 + length)^alpha.

Works with anything that has a step; rows are texts times beams, and a row's result does not depend on the others. With a decoder and its
cache: `cached_beam.py`. Left out: diverse beam search, coverage.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import ConfigError, InputError
from groundup.slots import slot

State = Any
Step = Callable[
    [State, Tensor], tuple[Tensor, State]
]  # state, last ids (rows,) -> log-probabilities (rows, vocab), state
Select = Callable[[State, Tensor], State]  # state, rows -> the state of these rows, in this order, repeats copied


@dataclass(frozen=True, kw_only=True)
class BeamConfig:
    """How wide the search is, and what it prefers."""

    beams: int = 5
    """beginnings kept a text; 1: greedy"""
    length_penalty: float = 1.0
    """alpha in sum / length^alpha: 0 the likeliest text, 1 the likeliest a token; larger is longer"""

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise ConfigError(f"beams={self.beams} keeps nothing; use 1 for greedy decoding, or a few, such as 5")
        if not 0 <= self.length_penalty < 100:
            raise ConfigError(
                f"length_penalty={self.length_penalty} is not possible; use 0 for none, or about 1, where larger is longer"
            )


class Hypothesis(NamedTuple):
    """An answer: its ids, the end token included where it ended by itself; the log of its probability; what it was ranked by."""

    ids: tuple[int, ...]
    log_probability: float
    score: float


def score_of(log_probability: float, length: int, alpha: float) -> float:
    """Rank a text: its log-probability over its length to the power alpha."""
    return log_probability / length**alpha


@slot
def beam_step(
    sums: Float[Tensor, "batch beams"], log_probabilities: Float[Tensor, "batch beams vocab"], k: int
) -> tuple[Float[Tensor, "batch k"], Int[Tensor, "batch k"], Int[Tensor, "batch k"]]:
    """The k best continuations of each text, best first: their sums, the beam that each goes on from, and the token it adds."""
    vocab = log_probabilities.shape[2]
    best, places = (sums[:, :, None] + log_probabilities).flatten(1).topk(k, dim=1)
    return best, places // vocab, places % vocab


@dataclass
class _Text:
    """What is known of one text: how long its answer may be, and its finished answers, best first."""

    limit: int
    config: BeamConfig
    finished: list[Hypothesis] = field(default_factory=list)

    def finish(self, ids: Sequence[int], total: float) -> None:
        """Keep an answer, if it is among the best."""
        found = Hypothesis(tuple(ids), total, score_of(total, len(ids), self.config.length_penalty))
        self.finished = sorted([*self.finished, found], key=lambda one: -one.score)[: self.config.beams]

    def settled(self, best_running: float) -> bool:
        """Whether nothing that runs can enter the finished ones."""
        if len(self.finished) < self.config.beams:
            return False
        return score_of(best_running, self.limit, self.config.length_penalty) <= self.finished[-1].score


@torch.no_grad()
def beam_search(
    step: Step,
    state: State,
    start: Int[Tensor, " batch"],
    end: int | Collection[int],
    max_new_tokens: int | Sequence[int],
    config: BeamConfig | None = None,
    select: Select | None = None,
) -> list[list[Hypothesis]]:
    """The best answers of each text, best first, `beams` of them at most.

    state: of one row a text; start: the ids before the first step. end: the id, or ids, that end a text. max_new_tokens: for all or of each text; what has not
    ended by then is taken as it is. select: picks rows of a state; none: a tensor, or nested tuples of tensors, whose first axis is the rows.
    """
    config, select = config or BeamConfig(), select or select_rows
    limits = [max_new_tokens] * len(start) if isinstance(max_new_tokens, int) else list(max_new_tokens)
    if len(limits) != len(start) or min(limits, default=1) < 1:
        raise InputError(
            f"max_new_tokens={max_new_tokens} for {len(start)} texts; give 1 or more, one number or one a text"
        )
    ends = {end} if isinstance(end, int) else set(end)
    texts = [_Text(limit, config) for limit in limits]
    active, running = list(range(len(texts))), [[()] for _ in texts]  # type: list[int], list[list[tuple[int, ...]]]
    ids, sums = start, torch.zeros(len(start), 1)
    while active:
        log_probabilities, state = step(state, ids)
        beams = sums.shape[1]
        _check(log_probabilities, len(active) * beams)
        wide = log_probabilities.float().cpu().view(len(active), beams, -1)
        most = 1 if config.beams == 1 else (1 + len(ends)) * config.beams  # so that k are left to run where k end
        candidates = beam_step(sums, wide, min(most, beams * wide.shape[2]))
        kept = _advance(texts, active, running, candidates, ends, beams)
        if not kept:
            break
        active, running, sums, rows, ids = _lay_out(kept, start.device)
        state = select(state, rows)
    return [text.finished for text in texts]


class _Kept(NamedTuple):
    """What of one text goes on: its number, and of each beam the row it came from, its ids and its sum."""

    text: int
    rows: list[int]
    ids: list[tuple[int, ...]]
    sums: list[float]


def _advance(
    texts: list[_Text],
    active: list[int],
    running: list[list[tuple[int, ...]]],
    candidates: tuple[Tensor, Tensor, Tensor],
    ends: set[int],
    beams: int,
) -> list[_Kept]:
    """Sort each text's candidates into finished and running; texts that are done are left out."""
    kept = []
    for place, (number, *found) in enumerate(zip(active, *(part.tolist() for part in candidates), strict=True)):
        text, going = texts[number], _Kept(number, [], [], [])
        for rank, (total, beam, token) in enumerate(zip(*found, strict=True)):
            ids = (*running[place][beam], token)
            if total == float("-inf") or len(going.ids) == text.config.beams:
                continue
            if token in ends or len(ids) == text.limit:
                if rank < text.config.beams:
                    text.finish(ids, total)
            else:
                going.rows.append(place * beams + beam)
                going.ids.append(ids)
                going.sums.append(total)
        if going.ids and not text.settled(going.sums[0]):
            kept.append(going)
    return kept


def _lay_out(
    kept: list[_Kept], device: torch.device
) -> tuple[list[int], list[list[tuple[int, ...]]], Tensor, Tensor, Tensor]:
    """Make a rectangle of what goes on; a text with fewer beams than others gets copies that cannot win."""
    beams = max(len(one.ids) for one in kept)
    spare = [beams - len(one.ids) for one in kept]
    running = [one.ids + [one.ids[0]] * more for one, more in zip(kept, spare, strict=True)]
    sums = torch.tensor([one.sums + [float("-inf")] * more for one, more in zip(kept, spare, strict=True)])
    rows = [row for one, more in zip(kept, spare, strict=True) for row in one.rows + [one.rows[0]] * more]
    last = [ids[-1] for beginnings in running for ids in beginnings]
    return (
        [one.text for one in kept],
        running,
        sums,
        torch.tensor(rows, device=device),
        torch.tensor(last, device=device),
    )


def select_rows(state: State, rows: Int[Tensor, " rows"]) -> State:
    """The state of these rows: of a tensor its rows, of a tuple that of each part; None stays."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.index_select(0, rows)
    parts = [select_rows(part, rows) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def _check(log_probabilities: Tensor, rows: int) -> None:
    if log_probabilities.dim() != 2 or len(log_probabilities) != rows:
        raise InputError(
            f"the step gave {tuple(log_probabilities.shape)} for {rows} rows; give log-probabilities of (rows, vocab)"
        )
    if not float(log_probabilities.max()) <= 1e-4:  # the largest is NaN where any is
        raise InputError(
            "the step's numbers are no log-probabilities: one is above 0 or NaN; give torch.log_softmax of the scores"
        )
