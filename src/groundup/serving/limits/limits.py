"""The limits in the order in which a request meets them.

    body size -> who asks -> prompt and answer size -> waiting -> day's quota -> requests a minute -> tokens a minute -> the queue

Each is a question with an answer: None, or a `Refusal` with the status, a sentence and, where waiting helps, for how long. A request that
is refused has taken nothing. Its most is charged at admission (prompt and the longest answer); `settle` gives back what was not
used. Nothing here sleeps or knows HTTP: the API turns a refusal into its own form. A name stands for a key, never its text.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundup.errors import GroundupError
from groundup.progress import say
from groundup.serving.limits.config import LimitsConfig
from groundup.serving.limits.keys import Key, KeyFile, granted
from groundup.serving.limits.quota import Quota
from groundup.serving.limits.token_bucket import TokenBucket

SAVE_EVERY_S = 30.0  # what a kill may lose of the day's counts
FORGET_EVERY = 1024  # newly seen names, after which buckets that are full again are dropped


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. code: OpenAI's word for it; retry_after: whole seconds after which it may work, None where it never will."""

    status: int
    message: str
    retry_after: int | None = None
    code: str = ""


class Limits:
    """The limits of one server. clock: a monotonic one; wall_clock: for days and for keys that expire."""

    def __init__(
        self,
        config: LimitsConfig | None = None,
        *,
        keys: KeyFile | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ):
        self.config = config or LimitsConfig()
        self.clock = clock
        self.keys = keys or (KeyFile(self.config.keys, clock=wall_clock) if self.config.keys else None)
        self.quota = Quota(wall_clock, self.config.usage)
        self._lock = threading.Lock()
        self._known: dict[str, Key] = {}
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._new, self._saved_s = 0, clock()

    # ───────── who, and how large ─────────

    def who(self, text: str | None, address: str = "") -> Key | Refusal:
        """Whose key this is (the word after Bearer). Without a key file everybody is served, under the name of his address."""
        if self.keys is None:
            return self._remember(Key(name=address or "anyone"))
        if not text:
            return Refusal(
                401, "no API key was sent; send the header Authorization: Bearer KEY", code="invalid_api_key"
            )
        key = self.keys.find(text)
        if key is None:
            return Refusal(
                401, "this API key is unknown or has expired; ask who runs this server for one", code="invalid_api_key"
            )
        return self._remember(key)

    def _remember(self, key: Key) -> Key:
        grants = {
            name: getattr(self.config, name) for name in ("requests_per_minute", "tokens_per_minute", "tokens_per_day")
        }
        key = granted(key, **grants)
        with self._lock:
            before = self._known.get(key.name)
            if before is None:
                self._new += 1
                if self._new % FORGET_EVERY == 0:
                    self._forget()
            elif before != key:  # its line has changed: its rates begin anew
                self._buckets = {place: bucket for place, bucket in self._buckets.items() if place[0] != key.name}
            self._known[key.name] = key
        return key

    def _forget(self) -> None:
        """Drop the names whose buckets are full again: a new one would be the same."""
        now_s = self.clock()
        self._buckets = {place: one for place, one in self._buckets.items() if one.level(now_s) < one.capacity}
        busy = {name for name, _ in self._buckets}
        self._known = {name: key for name, key in self._known.items() if name in busy}

    def check_body(self, size_bytes: int) -> Refusal | None:
        """Refuse a request that is too large to be read."""
        if size_bytes <= self.config.max_body_bytes:
            return None
        return Refusal(
            413,
            f"the request has {size_bytes:,} bytes and this server reads at most {self.config.max_body_bytes:,}; send less",
            code="request_too_large",
        )

    def check_size(self, prompt_tokens: int, max_tokens: int, context: int) -> Refusal | None:
        """Refuse a prompt, or a prompt with its answer, that has no room; both numbers are in the sentence."""
        most = min(context - 1, self.config.max_prompt_tokens or context)
        if prompt_tokens > most:
            return Refusal(
                400,
                f"the prompt has {prompt_tokens:,} tokens and at most {most:,} fit (context {context:,}, answer included); "
                f"shorten it by at least {prompt_tokens - most:,} tokens",
                code="context_length_exceeded",
            )
        if prompt_tokens + max_tokens > context:
            return Refusal(
                400,
                f"the prompt has {prompt_tokens:,} tokens and the answer may have {max_tokens:,}, but the context holds {context:,}; "
                f"ask for at most {context - prompt_tokens:,}",
                code="context_length_exceeded",
            )
        if self.config.max_completion_tokens and max_tokens > self.config.max_completion_tokens:
            return Refusal(
                400,
                f"an answer of {max_tokens:,} tokens was asked for and this server gives at most {self.config.max_completion_tokens:,}; "
                "ask for less",
                code="invalid_max_tokens",
            )
        return None

    # ───────── how fast, how much ─────────

    def admit(self, name: str | Key, tokens: int, waiting: int = 0) -> Refusal | None:
        """Let a request in and charge it, or say why not and charge nothing.

        tokens: the most it can use, prompt and answer. waiting: how many requests wait for the model now.
        """
        key = self._key(name)
        if self.config.max_waiting and waiting >= self.config.max_waiting:
            return Refusal(
                429, f"{waiting} requests wait already; come again in a moment", 1 + waiting // 64, "queue_full"
            )
        if wait := self.quota.take(key.name, tokens, int(key.tokens_per_day or 0)):
            used = self.quota.used(key.name)
            return _too_many(
                f"{key.name}: {used:,} of today's {key.tokens_per_day:,} tokens are used and this request may take {tokens:,}",
                wait if tokens <= (key.tokens_per_day or 0) else math.inf,
                "insufficient_quota",
            )
        refusal = self._rates(key, tokens)
        if refusal:
            self.quota.put_back(key.name, tokens)
        return refusal

    def _rates(self, key: Key, tokens: int) -> Refusal | None:
        """Both buckets or none."""
        now_s, taken = self.clock(), list[tuple[TokenBucket, float]]()
        for kind, amount, rate in self._rated(key, tokens):
            bucket = self._bucket(key.name, kind, rate, now_s)
            if wait := bucket.take(amount, now_s):
                for other, back in taken:
                    other.put_back(back, now_s)
                return _too_many(
                    f"{key.name} may use {rate:g} {kind} a minute, {bucket.capacity:g} at once, and this request needs {amount:g}",
                    wait,
                    "rate_limit_exceeded",
                )
            taken.append((bucket, amount))
        return None

    def _rated(self, key: Key, tokens: int) -> list[tuple[str, float, float]]:
        rates = (("requests", 1.0, key.requests_per_minute), ("tokens", float(tokens), key.tokens_per_minute))
        return [(kind, amount, float(rate)) for kind, amount, rate in rates if rate]

    def _bucket(self, name: str, kind: str, rate: float, now_s: float) -> TokenBucket:
        with self._lock:
            if (name, kind) not in self._buckets:
                capacity = max(1.0, rate * self.config.burst_s / 60)
                self._buckets[name, kind] = TokenBucket(rate / 60, capacity, now_s)
            return self._buckets[name, kind]

    def _key(self, name: str | Key) -> Key:
        if isinstance(name, Key):
            return name
        with self._lock:
            known = self._known.get(name)
        return known or self._remember(Key(name=name))

    def settle(self, name: str | Key, charged: int, used: int) -> None:
        """A request has ended: what it was charged and did not use goes back."""
        key, back = self._key(name), max(0, charged - used)
        self.quota.put_back(key.name, back)
        if key.tokens_per_minute:
            now_s = self.clock()
            self._bucket(key.name, "tokens", float(key.tokens_per_minute), now_s).put_back(back, now_s)
        if self.config.usage is not None and self.clock() - self._saved_s > SAVE_EVERY_S:
            try:
                self.save()
            except (GroundupError, OSError) as error:  # who asked has his answer; the next one tries again
                say(f"the day's counts are not written: {error}")

    def save(self) -> None:
        """Write the day's counts down, where a file is given; to be called when the server ends."""
        self._saved_s = self.clock()
        self.quota.save()

    def weight(self, name: str) -> float:
        """A key's share where keys compete: `scheduling.batching.FairOrder(limits.weight)`."""
        with self._lock:
            known = self._known.get(name)
        return known.weight if known is not None else 1.0

    def headers(self, name: str | Key) -> Mapping[str, str]:
        """What is left of the rates, under the names that OpenAI's clients read."""
        key, now_s, said = self._key(name), self.clock(), dict[str, str]()
        for kind, _, rate in self._rated(key, 0):
            bucket = self._bucket(key.name, kind, rate, now_s)
            said[f"x-ratelimit-limit-{kind}"] = f"{rate:g}"
            said[f"x-ratelimit-remaining-{kind}"] = f"{math.floor(bucket.level(now_s))}"
            said[f"x-ratelimit-reset-{kind}"] = f"{bucket.full_in_s(now_s):.3f}s"
        return said


def _too_many(told: str, wait_s: float, code: str) -> Refusal:
    """A 429 that says when to come again; where that would never help, what does."""
    if math.isinf(wait_s):
        return Refusal(429, f"{told}, which is more than it will ever have; ask for less", None, code)
    seconds = max(1, math.ceil(wait_s))
    return Refusal(429, f"{told}; come again in {seconds} s", seconds, code)
