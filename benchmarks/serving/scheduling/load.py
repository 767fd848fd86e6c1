"""The server under load: the time to the first token at 70 % of saturation beside that of a lone request, and 64 clients in a closed loop.

    python benchmarks/serving/scheduling/load.py MODEL [--seconds 20] [--clients 64] [--prompt-tokens 64] [--max-tokens 32] [--json]

MODEL is served by a process of its own. One client alone; then the closed loop, whose rate is the saturation; then Poisson arrivals at 70 %
of it. `--seconds 300` is the long form: no error, no crossed answer, memory flat. The picture over all loads: `groundup bench serve`.
"""

import argparse
import json
from datetime import date

from groundup.cli.bench.serve import served
from groundup.processor import machine_name
from groundup.serving.scheduling import load
from groundup.serving.scheduling.clients import Target

PART = 0.7


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("model")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--clients", type=int, default=64)
    options.add_argument("--prompt-tokens", type=int, default=64)
    options.add_argument("--max-tokens", type=int, default=32)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    shape = load.Shape(prompt_tokens=asked.prompt_tokens, max_tokens=asked.max_tokens)
    with served(asked.model) as (url, process):
        target = load.together(load.model_of(Target(url, process=process)))
        load.together(load.closed_loop(target, 1, 1.0, shape))
        lone = load.summary(load.together(load.closed_loop(target, 1, min(5.0, asked.seconds), shape)))
        memory = load.Memory(process)
        closed = load.summary(load.together(load.closed_loop(target, asked.clients, asked.seconds, shape, memory)))
        rate = PART * closed["requests_per_s"]
        opened = load.summary(load.together(load.poisson(target, rate, asked.seconds, shape)))
    told = {
        "machine": machine_name(), "date": date.today().isoformat(), "model": target.model,
        "lone_ttft_p50_s": lone["ttft_s"]["p50"], "ttft_p99_s": opened["ttft_s"]["p99"],
        "ratio": opened["ttft_s"]["p99"] / lone["ttft_s"]["p50"], "ratio_of_p99": opened["ttft_s"]["p99"] / lone["ttft_s"]["p99"],
        "rate": rate, "saturation": closed["requests_per_s"], "tokens_per_s": closed["tokens_per_s"],
        "failed": closed["failed"] + opened["failed"], "crossed": closed["crossed"], "answered": closed["answered"], **memory.told(),
    }  # fmt: skip
    print(json.dumps(told, indent=2) if asked.json else "\n".join(f"{name:18} {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
