"""Figures for Prometheus, under the names that vLLM uses, so that dashboards made for it work.

Gauges are read from the engines when somebody asks; counters and histograms are told by every answer. A registry of its own a server: two in one
process (as in tests) do not mix. https://docs.vllm.ai/en/latest/usage/metrics.html
The cache of whole answers, and the prefix cache on disk, which vLLM has not, have figures under `groundup:`.
Left out: vLLM's figures of what is not here (LoRA, speculative drafts in the batch).
"""

import time
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

SECONDS = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
    20.0,
    40.0,
    80.0,
    160.0,
)
TOKENS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)


class Watch:
    """The times of one call."""

    def __init__(self, metrics: "Metrics", model: str, answers: int):
        self.metrics, self.model, self.begun_s = metrics, model, time.monotonic()
        self.last_s: dict[int, float] = {}
        self.usage: dict[int, Any] = {}
        self.open = answers

    def saw(self, piece: Any) -> None:
        """A piece of answer `piece.index` came."""
        now_s, told = time.monotonic(), self.metrics
        last_s = self.last_s.get(piece.index)
        if last_s is None:
            told.first_token_s.labels(self.model).observe(now_s - self.begun_s)
        else:
            told.next_token_s.labels(self.model).observe((now_s - last_s) / max(1, len(piece.event.ids)))
        self.last_s[piece.index], self.usage[piece.index] = now_s, piece.event.usage
        if piece.finish_reason:
            self.open -= 1
            told.success.labels(self.model, piece.finish_reason).inc()
            told.whole_s.labels(self.model).observe(now_s - self.begun_s)
            told.prompt.labels(self.model).observe(piece.event.usage.prompt)
            told.generation.labels(self.model).observe(piece.event.usage.completion)

    def end(self) -> None:
        """The call is over; answers that were not finished were given up."""
        if self.open:
            self.metrics.success.labels(self.model, "abort").inc(self.open)
        for usage in self.usage.values():
            self.metrics.prompt_tokens.labels(self.model).inc(usage.prompt)
            self.metrics.generation_tokens.labels(self.model).inc(usage.completion)


class Metrics:
    """All figures of one server."""

    def __init__(self, service: Any):
        self.registry = registry = CollectorRegistry()

        def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"vllm:{name}", about, ["model_name"], buckets=buckets, registry=registry)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"vllm:{name}", about, ["model_name", *labels], registry=registry)

        self.first_token_s = histogram("time_to_first_token_seconds", "From a request to its first token.", SECONDS)
        self.next_token_s = histogram("inter_token_latency_seconds", "From a token to the next.", SECONDS)
        self.whole_s = histogram("e2e_request_latency_seconds", "From a request to the end of its answer.", SECONDS)
        self.prompt = histogram("request_prompt_tokens", "Tokens of a prompt.", TOKENS)
        self.generation = histogram("request_generation_tokens", "Tokens of an answer.", TOKENS)
        self.success = counter("request_success", "Answers by the reason of their end.", "finished_reason")
        self.prompt_tokens = counter("prompt_tokens", "Tokens of all prompts.")
        self.generation_tokens = counter("generation_tokens", "Tokens of all answers.")
        registry.register(_Engines(service))

    def watch(self, model: str, answers: int) -> Watch:
        """Begin to watch a call."""
        return Watch(self, model, answers)

    def text(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(self.registry)


GAUGES = {
    "num_requests_running": "Answers that are being written.",
    "num_requests_waiting": "Requests that wait.",
    "kv_cache_usage_perc": "Pages in use; 1: all.",
}
COUNTERS = {
    "num_preemptions": "Answers that made room for others.",
    "prefix_cache_queries": "Prompt tokens that were looked for in the prefix cache.",
    "prefix_cache_hits": "Prompt tokens that were found there.",
}
RESPONSES = {
    "hits": "Answers that were given again.",
    "misses": "Questions whose answer could have been kept and was not there.",
    "saved_tokens": "Tokens of answers that were given again.",
}
KEPT = {
    "restored_tokens": ("Tokens of read prompts that the cache folder gave at the start.", GaugeMetricFamily),
    "saved_tokens": ("Tokens of read prompts in the last save to the cache folder.", GaugeMetricFamily),
    "cache_saves": ("Saves to the cache folder.", CounterMetricFamily),
}


class _Engines(Collector):
    """What the engines say of themselves."""

    def __init__(self, service: Any):
        self.service = service

    def collect(self) -> Iterator[Any]:
        """A family a figure, a sample a model."""
        loaded = list(self.service.models.loaded.items())
        plain = {name: one.started.stats() for name, one in loaded if one.started is not None}
        stats = {name: figures(told) for name, told in plain.items()}
        for names, kind in ((GAUGES, GaugeMetricFamily), (COUNTERS, CounterMetricFamily)):
            for name, about in names.items():
                family = kind(f"vllm:{name}", about, labels=["model_name"])
                for model, told in stats.items():
                    family.add_metric([model], told[name])
                yield family
        yield from kept(plain)
        yield from self._responses()

    def _responses(self) -> Iterator[Any]:
        if self.service.responses is not None:
            told = self.service.responses.stats()
            for name, about in RESPONSES.items():
                yield CounterMetricFamily(f"groundup:response_cache_{name}", about, value=told[name])
            yield GaugeMetricFamily(
                "groundup:response_cache_bytes", "Memory of the kept answers.", value=told["size_bytes"]
            )


def kept(stats: dict[str, dict[str, Any]]) -> Iterator[Any]:
    """The figures of prefix caches on disk, by the engines' own; none where no engine has one."""
    having = {model: told for model, told in stats.items() if "restored_tokens" in told}
    for name, (about, kind) in KEPT.items() if having else ():
        named = name.removeprefix("cache_")
        family = kind(f"groundup:prefix_cache_{named}", about, labels=["model_name"])
        for model, told in having.items():
            family.add_metric([model], told[name])
        yield family


def figures(stats: dict[str, Any]) -> dict[str, float]:
    """The engine's figures under vLLM's names."""
    pages = stats.get("pages") or 1
    return {
        "num_requests_running": stats["running"],
        "num_requests_waiting": stats["waiting"],
        "kv_cache_usage_perc": 1 - stats.get("free_pages", pages) / pages,
        "num_preemptions": stats.get("preemptions", 0),
        "prefix_cache_queries": stats.get("prompt_tokens", 0),
        "prefix_cache_hits": stats.get("cached_tokens", 0),
    }
