"""Time over length: the state space and the delta rule in chunks, beside their loops and full attention.

    python benchmarks/model/recurrence/complexity.py

The last column is the exponent e of time ~ length^e, fitted to all measured lengths on logarithmic axes (1 is linear, 2 square).
Two heads of 32, one row, one thread, forward; the loops run token by token and are left out where they would take long. Each
round takes all ways in turns; the best of each counts. The second table is one step of decoding after so many tokens.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from groundup.machine.probe.timing import in_turns
from groundup.model.attention.scaled_dot_product import attend, scaled_dot_product_attention
from groundup.model.recurrence.delta_rule import delta_rule, delta_rule_reference, delta_rule_step
from groundup.model.recurrence.state_space import state_space, state_space_reference, state_space_step
from groundup.processor import processor

LENGTHS = (1024, 2048, 4096, 8192, 16_384)
LOOP_UP_TO, WHOLE_UP_TO = 4096, 8192  # tokens: beyond, a loop or a table of all scores takes too long
ROUNDS, HEADS, WIDTH = 5, 2, 32


def ways(length: int) -> dict[str, Callable[[], object]]:
    """Each way on the same numbers."""
    source = torch.Generator().manual_seed(length)
    query, key, value = torch.randn(3, 1, HEADS, length, WIDTH, generator=source)
    key = functional.normalize(key, dim=-1)
    log_decay, beta = torch.rand(2, 1, HEADS, length, generator=source)
    made: dict[str, Callable[[], object]] = {
        "state space, chunks": lambda: state_space(query, key, value, -log_decay),
        "delta rule, chunks": lambda: delta_rule(query, key, value, -log_decay, beta),
        "attention, torch's kernel": lambda: attend(query, key, value, causal=True),
    }
    if length <= WHOLE_UP_TO:
        made["attention, definition"] = lambda: scaled_dot_product_attention(query, key, value)
    if length <= LOOP_UP_TO:
        made["state space, loop"] = lambda: state_space_reference(query, key, value, -log_decay)
        made["delta rule, loop"] = lambda: delta_rule_reference(query, key, value, -log_decay, beta)
    return made


def steps(length: int) -> dict[str, Callable[[], object]]:
    """One token after so many others: the state is as large as ever, attention reads all keys."""
    source = torch.Generator().manual_seed(length)
    keys, values = torch.randn(2, 1, HEADS, length, WIDTH, generator=source)
    state = torch.randn(1, HEADS, WIDTH, WIDTH, generator=source)
    query, key, value = torch.randn(3, 1, HEADS, WIDTH, generator=source)
    log_decay, beta = torch.rand(2, 1, HEADS, generator=source)
    return {
        "state space, step": lambda: state_space_step(state, query, key, value, -log_decay),
        "delta rule, step": lambda: delta_rule_step(state, query, key, value, -log_decay, beta),
        "attention, step": lambda: attend(query[:, :, None], keys, values),
    }


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Best processor seconds of each, taken in turns, so that a slow minute of the machine hits all."""
    return {name: min(times) for name, times in in_turns(work, ROUNDS, clock=time.thread_time).items()}


def exponent(seconds: dict[int, float]) -> float:
    """The slope of log time over log length."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def table(made: Callable[[int], dict[str, Callable[[], object]]]) -> None:
    """Milliseconds of each way at each length, and its exponent."""
    measured: dict[str, dict[int, float]] = {}
    for length in LENGTHS:
        for name, seconds in interleaved(made(length)).items():
            measured.setdefault(name, {})[length] = seconds
    print(f"{'ms':<28}" + "".join(f"{length:>9,}" for length in LENGTHS) + f"{'exponent':>11}")
    for name, seconds in measured.items():
        cells = "".join(f"{1e3 * seconds[length]:>9.2f}" if length in seconds else f"{'':>9}" for length in LENGTHS)
        print(f"{name:<28}{cells}{exponent(seconds):>11.2f}")


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, {processor()}, {time.strftime('%Y-%m-%d')}")
    with torch.no_grad():
        table(ways)
        print()
        table(steps)


if __name__ == "__main__":
    main()
