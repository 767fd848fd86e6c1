"""Who of the waiting enters the batch: fair shares between keys, in tokens.

First come, first served gives the machine to whoever sends most. Counting requests gives it to whoever sends the longest. So each key
has a counter of the tokens that it was served, divided by its weight, and the turn is always that of the smallest counter (virtual
token counters: Sheng et al. 2024, "Fairness in Serving Large Language Models", arXiv:2401.00588, algorithm 2). Two keys that both
want more than they get are never further apart than a few of their largest requests, whoever sends how much (their theorem 4.4).

A key that was away must not come back with a small counter and take everything: on its return it is `lifted` to the smallest
counter of those that are here. An answer's tokens are charged as they are written, for nobody knows its length before.

    cost of a request = prompt tokens read, not those that a cache had + ANSWER_COST * tokens written

An answer's token costs more than a prompt's, which are read many at once. Priorities: within a key each step of priority counts as if
the request had come `patience_s` earlier. Between keys the higher one goes first, and a key that is passed over rises by one for each
`patience_s` in which it was served nothing. So nobody waits for ever. Left out: taking a place in the batch away again (the engine
does that when memory is short).
"""

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from groundup.errors import ConfigError
from groundup.slots import slot

ANSWER_COST = 2.0  # prompt tokens that one written token is worth, as in the paper and in usual prices (2 to 5)
STILL = 8  # steps without a new token after which a row that does not wait is taken to be done


@slot
def fair_order(
    requests: Sequence[tuple[str, float]], counters: Mapping[str, float], weights: Mapping[str, float]
) -> list[int]:
    """The order in which waiting requests take their turns: always the key with the smallest counter, its own in their order.

    requests: (key, tokens), in order of arrival. counters: tokens over weight that each key was served; a key without one has 0. A key
    whose turn it was has tokens / weight more from then on. Of equal counters the one goes whose request came first. Weights: 1 where
    none stands. Nothing that was given is changed; the result are places in `requests`.

    >>> fair_order([("a", 10), ("a", 10), ("a", 10), ("b", 10)], {"a": 0, "b": 0}, {})
    [0, 3, 1, 2]
    >>> fair_order([("a", 10), ("a", 10), ("b", 30), ("a", 10), ("b", 30)], {"a": 5, "b": 0}, {"b": 3})
    [2, 0, 4, 1, 3]
    """
    own: dict[str, list[int]] = {}
    for place in reversed(range(len(requests))):
        own.setdefault(requests[place][0], []).append(place)
    turns = [(counters.get(key, 0.0), places[-1], key) for key, places in own.items()]
    heapq.heapify(turns)
    order = []
    while turns:
        counter, place, key = turns[0]
        order.append(own[key].pop())
        if own[key]:
            heapq.heapreplace(turns, (counter + requests[place][1] / weights.get(key, 1.0), own[key][-1], key))
        else:
            heapq.heappop(turns)
    return order


@slot
def lifted(counter: float, here: Sequence[float], last: float) -> float:
    """The counter of a key that comes back: not below the smallest of those that are here, nor, if nobody is, of the last that left.

    Without this it could save up its absence and then shut everybody out. It is never lowered: what was taken stays taken.

    >>> lifted(3.0, [40.0, 25.0], last=90.0), lifted(30.0, [40.0, 25.0], last=90.0), lifted(3.0, [], last=90.0)
    (25.0, 30.0, 90.0)
    """
    return max(counter, min(here) if here else last)


class FairOrder:
    """The order that an engine asks for at each step: `Engine(handle, config, order=FairOrder(...))`.

    weights: a key's share beside the others', or a function that knows it. It watches its rows by itself (`charge` adds more, such as
    embeddings that the same machine computes); it is asked by one thread.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | Callable[[str], float] | None = None,
        *,
        patience_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        if patience_s <= 0:
            raise ConfigError(f"patience_s={patience_s:g} cannot be; use more than 0 seconds")
        self._weight = weights if callable(weights) else (weights or {}).get
        self.patience_s, self.clock = patience_s, clock
        self.counters: dict[str, float] = {}
        self._last = 0.0  # the counter of the key that left last
        self._rows: dict[int, _Seen] = {}
        self._served_s: dict[str, float] = {}  # when a key was last given something

    def weight(self, key: str) -> float:
        """A key's share; 1 where nothing else is said."""
        return float(self._weight(key) or 1.0)

    def charge(self, key: str, tokens: float) -> None:
        """Add to what a key was served."""
        self.counters[key] = self.counters.get(key, 0.0) + tokens / self.weight(key)
        if tokens > 0:
            self._served_s[key] = self.clock()

    def __call__(self, waiting: Sequence[Any]) -> list[Any]:
        """The waiting rows in the order in which they are let in."""
        self._watch(waiting)
        now_s = self.clock()
        ranks = self._ranks(waiting, now_s)
        queued = sorted(waiting, key=lambda row: (-ranks[row.request.key], *self._own(row)))
        counters, order = dict(self.counters), list[Any]()
        for _, group in groupby(queued, key=lambda row: ranks[row.request.key]):
            rows = list(group)
            asked = [(row.request.key, float(row.wanted)) for row in rows]
            weights = {key: self.weight(key) for key, _ in asked}
            order += [rows[place] for place in fair_order(asked, counters, weights)]
        return order

    def _own(self, row: Any) -> tuple[float, int]:
        """A row's place among those of its key: as if it had come `patience_s` earlier for each step of priority."""
        return row.arrived - self.patience_s * row.request.priority, row.number

    def _ranks(self, queued: Sequence[Any], now_s: float) -> dict[str, int]:
        """Each key's highest priority, and one more for each `patience_s` in which it was served nothing."""
        ranks, since = dict[str, int](), dict[str, float]()
        for row in queued:
            key = row.request.key
            ranks[key] = max(ranks.get(key, row.request.priority), row.request.priority)
            since[key] = min(since.get(key, row.arrived), row.arrived)
        waited = {key: now_s - max(first, self._served_s.get(key, first)) for key, first in since.items()}
        return {key: rank + int(max(0.0, waited[key]) / self.patience_s) for key, rank in ranks.items()}

    def _watch(self, waiting: Sequence[Any]) -> None:
        """Charge what was served since the last step, lift who comes back, forget who is gone."""
        here = {row.request.key for row in waiting} | {seen.row.request.key for seen in self._rows.values()}
        for seen in list(self._rows.values()):
            self._charge_seen(seen)
        queued = {id(row) for row in waiting}
        for row in waiting:
            if id(row) not in self._rows:
                self._arrived(row)
        self._rows = {place: seen for place, seen in self._rows.items() if place in queued or seen.still < STILL}
        left = here - {seen.row.request.key for seen in self._rows.values()}
        self._forget(left)

    def _arrived(self, row: Any) -> None:
        key, keys = row.request.key, {seen.row.request.key for seen in self._rows.values()}
        if key not in keys:
            here = [self.counters[other] for other in keys if other in self.counters]
            self.counters[key] = lifted(self.counters.get(key, 0.0), here, self._last)
        self._rows[id(row)] = _Seen(row)

    def _charge_seen(self, seen: "_Seen") -> None:
        """What one row was given since the last look: prompt tokens that were read, tokens that were written."""
        row = seen.row
        read = max(0, row.prompt - row.cached) if row.computed or row.began else 0
        cost = read + ANSWER_COST * (len(row.ids) - row.prompt)
        moved = cost > seen.cost or row.computed != seen.computed
        if cost > seen.cost:
            self.charge(row.request.key, cost - seen.cost)
        seen.cost, seen.computed, seen.still = max(cost, seen.cost), row.computed, 0 if moved else seen.still + 1

    def _forget(self, left: set[str]) -> None:
        """Keep the counters of those who are away only as long as they are above what a return would lift them to."""
        for key in left:
            self._last = max(self._last, self.counters.get(key, 0.0))
        keys = {seen.row.request.key for seen in self._rows.values()}
        floor = min((self.counters[key] for key in keys if key in self.counters), default=self._last)
        for key in [one for one in self.counters if one not in keys and self.counters[one] <= floor]:
            del self.counters[key]
            self._served_s.pop(key, None)


class _Seen:
    """A row and how much of it was charged."""

    __slots__ = ("computed", "cost", "row", "still")

    def __init__(self, row: Any):
        self.row, self.cost, self.computed, self.still = row, 0.0, 0, 0
