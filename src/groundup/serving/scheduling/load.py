"""A load sent to a server, and what its users had to wait: open loops, closed loops, traces; percentiles, not means.

    open loop    requests come at their times, whatever the server does: what users do
    closed loop  so many clients, each asks again when its answer is there: what a server can do at most

    TTFT     seconds to the first token, from when the request was due
    TPOT     seconds a token after the first
    latency  seconds to the end

A loop is warm before it counts: its first requests (`warm_s`) are sent and not counted. Equal prompts at temperature 0 must have equal
answers, alone and under load; `crossed` counts those that have not (a batch of another size may round another way, so only an engine
in its deterministic mode promises none). Left out: several machines that send.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from groundup.serving.scheduling.arrivals import Asked, times
from groundup.serving.scheduling.clients import Outcome, Target, ask, get_json
from groundup.training.monitor.gauges import resident

PERCENTILES = (50, 90, 95, 99)
WORDS = (
    "the of and a to in is was he for it with as his on be at by had not are but from or have an they which one you were all her she "
    "there would their we him been has when who will no more if out so up said what its about than into them can only other time new"
).split()
Sent = Callable[[Outcome], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What every made request looks like. prompts: how many different ones; cancelled: the part that leaves half-way.

    stop_early: answers may end by themselves; else each has max_tokens, so that loads can be compared.
    """

    prompt_tokens: int = 64
    max_tokens: int = 64
    prompts: int = 64
    cancelled: float = 0.0
    stop_early: bool = False
    temperature: float = 0.0
    seed: int = 0

    def prompt(self, number: int) -> str:
        """A prompt of common words, about a token each; the same number, the same prompt."""
        source = np.random.default_rng((self.seed, number % self.prompts))
        return " ".join(WORDS[place] for place in source.integers(0, len(WORDS), self.prompt_tokens))

    def asked(self, at_s: float) -> Asked:
        """The request that comes at a time."""
        return Asked(at_s=at_s, max_tokens=self.max_tokens, prompt_tokens=self.prompt_tokens, temperature=self.temperature,
                     ignore_eos=not self.stop_early)  # fmt: skip

    def leaves_after(self, number: int) -> int | None:
        """After how many events the client leaves, where it does."""
        leaves = np.random.default_rng((self.seed, number, 1)).random() < self.cancelled
        return max(1, self.max_tokens // 4) if leaves else None


async def open_loop(target: Target, requests: Sequence[Asked], shape: Shape, told: Sent | None = None) -> list[Outcome]:
    """Send each request at its time, and wait for all answers."""
    started_s = time.perf_counter()

    async def send(number: int, asked: Asked) -> Outcome:
        await asyncio.sleep(max(0.0, asked.at_s - (time.perf_counter() - started_s)))
        prompt = asked.prompt or replace(shape, prompt_tokens=asked.prompt_tokens).prompt(number)
        outcome = await ask(target, asked, prompt, started_s, cancel_after=shape.leaves_after(number))
        if told:
            told(outcome)
        return outcome

    return list(await asyncio.gather(*(send(number, asked) for number, asked in enumerate(requests))))


async def closed_loop(
    target: Target, clients: int, seconds: float, shape: Shape, told: Sent | None = None
) -> list[Outcome]:
    """So many clients at once, each asking again, until the time is over; requests under way are answered to their end."""
    started_s, outcomes = time.perf_counter(), list[Outcome]()

    async def client(number: int) -> None:
        turn = number
        while (now_s := time.perf_counter() - started_s) < seconds:
            outcome = await ask(
                target, shape.asked(now_s), shape.prompt(turn), started_s, cancel_after=shape.leaves_after(turn)
            )
            outcomes.append(outcome)
            if told:
                told(outcome)
            if outcome.status != 200:
                await asyncio.sleep(0.2)  # refused: a client that asks again at once is a flood
            turn += clients

    await asyncio.gather(*(client(number) for number in range(clients)))
    return outcomes


async def poisson(
    target: Target, rate: float, seconds: float, shape: Shape, burstiness: float = 1.0, told: Sent | None = None
) -> list[Outcome]:
    """An open loop at a rate."""
    arrivals = times(rate, seconds, burstiness, shape.seed)
    return await open_loop(target, [shape.asked(at_s) for at_s in arrivals], shape, told)


def percentiles(values: Iterable[float | None]) -> dict[str, float] | None:
    """p50 to p99 and the mean; None where nothing was measured.

    >>> percentiles([1.0, None, 3.0])["p50"]
    2.0
    """
    there = [value for value in values if value is not None and math.isfinite(value)]
    if not there:
        return None
    found = {f"p{part}": float(np.percentile(there, part)) for part in PERCENTILES}
    return found | {"mean": float(np.mean(there)), "most": float(max(there))}


def summary(outcomes: Sequence[Outcome], warm_s: float = 0.0) -> dict[str, Any]:
    """The figures of a loop. Rates are over the time from the first counted request to the last answer."""
    counted = [one for one in outcomes if one.due_s >= warm_s]
    good = [one for one in counted if one.good]
    ends = [one.last_s for one in counted if one.last_s is not None]
    seconds = max(ends) - min(one.due_s for one in counted) if ends else 0.0
    return {
        "requests": len(counted),
        "answered": len(good),
        "cancelled": sum(one.cancelled for one in counted),
        "refused": sum(one.status in (429, 503) for one in counted),
        "failed": sum(bool(one.error) and one.status not in (429, 503) for one in counted),
        "crossed": crossed(good),
        "seconds": seconds,
        "requests_per_s": len(good) / seconds if seconds else 0.0,
        "tokens_per_s": sum(one.tokens for one in counted) / seconds if seconds else 0.0,
        "prompt_tokens": float(np.mean([one.prompt_tokens for one in good])) if good else 0.0,
        "completion_tokens": float(np.mean([one.tokens for one in good])) if good else 0.0,
        "ttft_s": percentiles(one.ttft_s for one in counted),
        "tpot_s": percentiles(one.tpot_s for one in counted),
        "latency_s": percentiles(one.latency_s for one in good),
        "gap_s": percentiles(gap for one in counted for gap in one.gaps_s),
        "late_s": percentiles(one.sent_s - one.due_s for one in counted),
        "errors": sorted({one.error for one in counted if one.error})[:5],
    }


def crossed(outcomes: Sequence[Outcome]) -> int:
    """Answers that are not those which the same prompt had the first time."""
    first: dict[str, str] = {}
    return sum(first.setdefault(one.asked, one.text) != one.text for one in outcomes if one.asked)


def picture(levels: Sequence[Mapping[str, Any]], lone_s: float, title: str) -> Any:
    """Latency against load: the measured percentiles, and the mean of a simple queue (M/M/1) with the same lone time and saturation."""
    from groundup import plots
    from groundup.serving.scheduling.queueing import time_in_system

    rates = [level["rate"] for level in levels]
    most = max(level["requests_per_s"] for level in levels)
    curves = {
        f"{name} {part}": [(level[key] or {}).get(part, math.nan) for level in levels]
        for name, key in (("first token", "ttft_s"), ("whole answer", "latency_s"))
        for part in ("p50", "p99")
    }
    queue = [lone_s * most * time_in_system(rate, most) if rate < most else math.nan for rate in rates]
    return plots.lines(
        rates, curves | {"whole answer, M/M/1": queue}, x="requests a second", y="seconds", log_y=True, marked=True, title=title,
        levels={"whole answer, alone": lone_s},
    )  # fmt: skip


class Memory:
    """What a server of this machine holds, looked at after every answer: whether it grows. process: None where it is elsewhere."""

    def __init__(self, process: int | None):
        self.process, self.seen = process, list[int]()

    def __call__(self, outcome: Outcome) -> None:
        if self.process is not None and (held := resident(Path(f"/proc/{self.process}/status")).get("VmRSS")):
            self.seen.append(held)

    def told(self) -> dict[str, list[float]]:
        """Megabytes after a quarter of the answers (a server fills its caches first), and at the end."""
        return {"memory_mb": [self.seen[len(self.seen) // 4] / 1e6, self.seen[-1] / 1e6]} if self.seen else {}


async def model_of(target: Target) -> Target:
    """The target with the first model that the server has, where none is named."""
    if target.model:
        return target
    told = await get_json(target, "/v1/models")
    return replace(target, model=str(told["data"][0]["id"]))


def together(work: Awaitable[Any]) -> Any:
    """Run a loop from plain code."""

    async def run() -> Any:
        return await work

    return asyncio.run(run())
