"""An exact cache of whole answers: the same question, asked so that chance decides nothing, is answered once.

An answer may be given again only where asking again could give no other: the likeliest token each time (temperature 0), or draws from a
seed that the client named. Everything that the answer depends on is part of its key (`fingerprint`): model, ids, every field of the
sampling, stop tokens, what the answer must match, and for whom: who asks must not learn from the time of an answer what others asked.

Kept by bytes, and what was not asked for longest goes first. Batches of another size may round differently, so "the same" is what the
engine said the first time; its deterministic mode says nothing else. Left out: questions that only mean the same.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from groundup.errors import ConfigError

OVERHEAD_BYTES = 400  # of an entry beside its ids: key, object, place in the order
BYTES_A_TOKEN = 40  # an int and its place in a tuple
BYTES_A_SCORE = 96  # a float, and a pair (id, nats) likewise


@dataclass(frozen=True, slots=True)
class Answer:
    """What is given again: ids, why it ended, and the log-probabilities where they were asked for."""

    ids: tuple[int, ...]
    finish_reason: str
    log_probabilities: tuple[float, ...] = ()
    top_log_probabilities: tuple[tuple[tuple[int, float], ...], ...] = ()
    prompt_tokens: int = 0

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        scores = len(self.log_probabilities) + sum(map(len, self.top_log_probabilities))
        return OVERHEAD_BYTES + BYTES_A_TOKEN * len(self.ids) + BYTES_A_SCORE * scores


def fingerprint(request: Any, *, model: str, seeded: bool, extra: Any = None) -> str | None:
    """The key of a request's answer; None where it may not be kept.

    request: an engine's request. seeded: whether the client named the seed (a server's own choice is chance). extra: what else the answer
    depends on, as JSON: the schema that it must match, where `constraint` is set. A request with a step of the user's own, or for
    hidden states, is not kept.
    """
    sampling = request.sampling
    if not (sampling.greedy or seeded) or request.return_hidden_states:
        return None
    if any(callable(step) for step in sampling.order) or (request.constraint is not None and extra is None):
        return None
    drawn = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    if sampling.greedy:
        drawn.pop("seed")
    told = {
        "model": model,
        "key": request.key,
        "ids": list(request.prompt_ids),
        "stop": sorted(request.stop_ids),
        "sampling": drawn,
        "stream": 0 if sampling.greedy else getattr(request, "stream", 0),
        "log_probabilities": request.log_probabilities,
        "prompt": getattr(request, "prompt_log_probabilities", False),
        "adapter": request.adapter,
        "extra": extra,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ResponseCache:
    """Answers by fingerprint, at most `max_bytes` of them. For threads."""

    def __init__(self, max_bytes: int):
        if max_bytes < 0:
            raise ConfigError(f"max_bytes={max_bytes} cannot be; use 0 (keep nothing) or more")
        self.max_bytes, self.size_bytes = max_bytes, 0
        self.hits = self.misses = self.evictions = self.saved_tokens = 0
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str | None) -> Answer | None:
        """The answer of before; asked for again, it stays longest. None as a key is no question and is not counted."""
        if key is None:
            return None
        with self._lock:
            answer = self._kept.get(key)
            if answer is None:
                self.misses += 1
                return None
            self._kept.move_to_end(key)
            self.hits += 1
            self.saved_tokens += len(answer.ids)
            return answer

    def put(self, key: str | None, answer: Answer | None) -> None:
        """Keep a whole answer; one that was cancelled or failed is none."""
        if (
            key is None
            or answer is None
            or answer.finish_reason not in ("stop", "length")
            or answer.size_bytes > self.max_bytes
        ):
            return
        with self._lock:
            self._remove(key)
            self._kept[key] = answer
            self.size_bytes += answer.size_bytes
            while self.size_bytes > self.max_bytes:
                self._remove(next(iter(self._kept)))
                self.evictions += 1

    def _remove(self, key: str) -> None:
        answer = self._kept.pop(key, None)
        if answer is not None:
            self.size_bytes -= answer.size_bytes

    def clear(self) -> None:
        """Forget all, as when a model's weights are exchanged."""
        with self._lock:
            self._kept.clear()
            self.size_bytes = 0

    def stats(self) -> dict[str, float]:
        """Figures of its use; hit_rate: of the questions that could have been kept."""
        with self._lock:
            asked = self.hits + self.misses
            return {
                "hits": self.hits, "misses": self.misses, "hit_rate": self.hits / asked if asked else 0.0,
                "entries": len(self._kept), "size_bytes": self.size_bytes, "max_bytes": self.max_bytes,
                "evictions": self.evictions, "saved_tokens": self.saved_tokens,
            }  # fmt: skip


def joined(events: Sequence[Any]) -> Answer | None:
    """The answer that a request's events make together; None where the last one is not there yet."""
    if not events or events[-1].finish_reason is None:
        return None
    gather: Callable[[str], list[Any]] = lambda name: [one for event in events for one in getattr(event, name)]  # noqa: E731
    return Answer(
        ids=tuple(gather("ids")),
        finish_reason=events[-1].finish_reason,
        log_probabilities=tuple(gather("log_probabilities")),
        top_log_probabilities=tuple(map(tuple, gather("top_log_probabilities"))),
        prompt_tokens=events[-1].usage.prompt,
    )
