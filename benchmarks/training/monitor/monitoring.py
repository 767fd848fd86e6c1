"""What watching costs: the time inside the monitor's, the log's and the trackers' calls, over the step's, at the demo's size.

    python benchmarks/training/monitor/monitoring.py [TRACKER ...]

A step of the demo's model is trained and listened to; each call is timed from outside. Trackers work in threads of their own,
so what they cost beside their calls is seen in the step itself: steps with and without them are taken in turns.
The first steps do not count. Below the table what a call spends where.
"""

import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from groundup.data.pipeline.streaming import Batch
from groundup.machine.probe.roofline import probe
from groundup.model.architectures import build
from groundup.processor import machine_name
from groundup.runs import recipe
from groundup.training import loop
from groundup.training.monitor import gauges
from groundup.training.monitor.logging import Log
from groundup.training.monitor.monitoring import Monitor, costs
from groundup.training.monitor.trackers import Tracked, senders

WARM, STEPS, VOCABULARY = 4, 16, 4096


class Timed:
    """A listener whose calls are timed."""

    def __init__(self, listener):
        self.listener, self.seconds = listener, []

    def __call__(self, event):
        began = time.perf_counter()
        self.listener(event)
        self.seconds.append(time.perf_counter() - began)


def batch(config, number):
    """Rows of random tokens of the demo's shape."""
    rows, tokens = config.batch_size, config.seq_len
    ids = torch.randint(0, VOCABULARY, (rows, tokens + 1), generator=torch.Generator().manual_seed(number))
    zeros, places = torch.zeros(rows, tokens, dtype=torch.long), torch.arange(tokens).expand(rows, tokens)
    return Batch(ids[:, :-1], ids[:, 1:], torch.ones(rows, tokens, dtype=torch.bool), zeros, places)


def watched(module, config, folder, names):
    """Seconds of the steps, and of the calls inside them."""
    tracked = Tracked(folder=folder / "tracking", project="bench", name="train", id=folder.name[-8:], settings={})
    sending = senders(names, tracked)
    monitor = Monitor(folder / "metrics.jsonl", costs(module.config, config, probe()), takers=sending)
    calls, steps = [Timed(monitor), Timed(Log(folder / "logs", "bench"))], []
    loop.train(module, lambda n: batch(config, n), config, listeners=[*calls, lambda e: steps.append(e.seconds)])
    for sender in sending:
        sender.close()
    inside = [sum(parts) for parts in zip(*(call.seconds for call in calls), strict=True)]
    return steps[WARM:], inside[WARM:]


def spread(values):
    """Median and quartiles in milliseconds."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{1000 * middle:8.3f} ({1000 * low:.3f}-{1000 * high:.3f})"


def main(names):
    """Print the table."""
    made = recipe.load("demo")
    shape = dataclasses.replace(made.configs["model"], vocab_size=VOCABULARY, eos_token_id=0, pad_token_id=1)
    config = dataclasses.replace(made.configs["train"], steps=WARM + STEPS, checkpoint_every=0)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine_name()}, {time.strftime('%Y-%m-%d')}"
    )
    print(f"{STEPS} steps of {config.tokens_per_step:,} tokens; milliseconds, median (quartiles)\n")
    for number, trackers in enumerate([[], names] if names else [[]]):
        with tempfile.TemporaryDirectory() as folder:
            steps, inside = watched(build(shape, seed=number), config, Path(folder), trackers)
        share = statistics.median(one / (step + one) for one, step in zip(inside, steps, strict=True))
        print(
            f"{', '.join(trackers) or 'metrics.jsonl and log':32} step {spread(steps)}  inside {spread(inside)}  {share:.3%}"
        )
    meter = gauges.Gauges()
    for name, call in {"gauges": meter, "memory": gauges.memory, "temperature": gauges.temperature}.items():
        began = time.perf_counter()
        for _ in range(200):
            call()
        print(f"{name:32} {1e6 * (time.perf_counter() - began) / 200:8.1f} us a call")


if __name__ == "__main__":
    main(sys.argv[1:])
