"""What the loop and the loader take of a step, at the demo's size: time inside the calls over the step's.

    python benchmarks/training/loop/trainer.py [--steps 24] [--rounds 3] [--json]

    loader      seconds inside `Loader.batch`, over the seconds of the step that asked for it
    loop        the seconds of a whole run that are in no forward, backward, clipping or optimiser, over those that are

The demo's model learns from packed rows of documents as long as tinyworld's, as its recipe says. The loader's calls are timed from outside, and
the first steps do not count. For the loop the same batches, made before, are trained on by `loop.train` and by the four calls alone, in
turns. Time to a loss beside another loop: `benchmarks/training/record.py`; tokens a second beside the Trainer: `throughput.py`;
the loader beside other loaders: `benchmarks/data/pipeline/streaming.py`.
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import torch

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.streaming import Loader
from groundup.model.architectures import build
from groundup.processor import machine_name
from groundup.runs import recipe
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step import accumulate, clip_

WARM, VOCABULARY, TOKENS, MEAN_LENGTH = 4, 4096, 2_000_000, 70


def corpus() -> Shards:
    """Two million tokens in documents of random length."""
    source = np.random.default_rng(0)
    offsets = np.cumsum([0, *source.geometric(1 / MEAN_LENGTH, TOKENS // MEAN_LENGTH)])
    return Shards(source.integers(1, VOCABULARY, offsets[-1]).astype(np.uint16), offsets, None, 0, int(offsets[-1]))


def shape() -> Any:
    """The demo's model."""
    model = recipe.load("demo").configs["model"]
    return dataclasses.replace(model, vocab_size=VOCABULARY, eos_token_id=0, pad_token_id=1)


def settings(steps: int) -> TrainConfig:
    """The demo's training, so many steps of it."""
    return dataclasses.replace(recipe.load("demo").configs["train"], steps=steps, checkpoint_every=0)


def module_of(dtype: torch.dtype) -> Any:
    """A new model that multiplies in this number format."""
    module = build(shape(), seed=0)
    module.compute_dtype = dtype
    return module


def loader_shares(shards: Shards, steps: int, dtype: torch.dtype) -> tuple[list[float], list[float]]:
    """Seconds inside the loader's calls, and of the steps, those to warm up left out."""
    config, calls, whole = settings(WARM + steps), [], []
    loader = Loader(shards, config.seq_len, config.batch_size, config.seed)

    def batch(number: int) -> Any:
        began = time.perf_counter()
        made = loader.batch(number)
        calls.append(time.perf_counter() - began)
        return made

    loop.train(module_of(dtype), batch, config, listeners=[lambda event: whole.append(event.seconds)])
    each = config.gradient_accumulation_steps
    inside = [sum(calls[place : place + each]) for place in range(0, len(calls), each)]
    return inside[WARM:], whole[WARM:]


def overhead(shards: Shards, steps: int, dtype: torch.dtype) -> float:
    """What the loop adds to forward, backward, clipping and optimiser, as a share of these."""
    config = settings(steps)
    loader = Loader(shards, config.seq_len, config.batch_size, config.seed)
    made = [loader.batch(number) for number in range(steps * config.gradient_accumulation_steps)]
    looped, plain = module_of(dtype), module_of(dtype)
    bare = timed(lambda: four_calls(plain, made, config))
    return timed(lambda: loop.train(looped, made.__getitem__, config)) / bare - 1


def four_calls(module: Any, made: list[Any], config: TrainConfig) -> None:
    """The steps with nothing about them."""
    optimizer, each = build_optimizer(module, config), config.gradient_accumulation_steps
    for place in range(0, len(made), each):
        accumulate(module, made[place : place + each], causal_loss)
        clip_(list(module.parameters()), config.max_grad_norm)
        optimizer.step(0.5)
        module.zero_grad(set_to_none=True)


def timed(work: Callable[[], object]) -> float:
    """The seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns, and print medians with the lowest and the highest round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    shards, dtype = corpus(), getattr(torch, options.dtype)
    loader_shares(shards, 1, dtype)  # compiles what packs and lays out
    calls, whole, added = [], [], []
    for _ in range(options.rounds):
        inside, steps = loader_shares(shards, options.steps, dtype)
        calls, whole = [*calls, inside], [*whole, steps]
        added.append(overhead(shards, options.steps, dtype))
    shares = [sum(inside) / sum(steps) for inside, steps in zip(calls, whole, strict=True)]
    found = {
        "machine": machine_name(), "torch": torch.__version__, "threads": torch.get_num_threads(), "dtype": options.dtype,
        "step_ms": 1000 * statistics.median(chain(*whole)), "loader_ms": 1000 * statistics.median(chain(*calls)),
        "loader": shares, "loop": added,
    }  # fmt: skip
    if options.json:
        print(json.dumps(found))
        return
    print(f"torch {found['torch']}, {found['threads']} threads, {found['machine']}, {options.dtype}")
    print(f"a step {found['step_ms']:.1f} ms, the loader's calls in it {found['loader_ms']:.3f} ms")
    for name in ("loader", "loop"):
        values = found[name]
        print(f"{name:8}{statistics.median(values):8.2%} of a step ({min(values):.2%} to {max(values):.2%})")


if __name__ == "__main__":
    main()
