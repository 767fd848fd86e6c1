"""Attention over pages: against a contiguous cache and against what memory can give; and a prompt whose beginning is known.

    python benchmarks/inference/cache/paged.py [--json]

The 134 M shape (12 layers, 768 wide, 12 heads of 64, 32,000 tokens), as many threads as cores. A token's attention through all layers, behind
1,000 tokens, for 1 and 16 rows: our kernel over pages of 32 tokens (float32, bf16, int8), a gather of the pages with torch's attention, and torch's
attention over a contiguous cache of bf16. "of memory": the bytes kept of a text over the time, as a share of the
measured reading speed. Then a request of
1,000 tokens and 8 more, in bf16, first when nothing is known and then when the 1,000 are; and the pages saved and restored, and the same
request when what is known came from the folder. Runs are taken in turns; the median of each counts.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from groundup.inference.cache import ragged
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import PrefixCache
from groundup.inference.cache.quantized import QuantizedPool
from groundup.inference.cache.saved import fingerprint, restore, save
from groundup.machine.probe.bandwidth import bytes_per_s
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.attention.scaled_dot_product import attend
from groundup.processor import cores, machine_name

LAYERS, HEADS, WIDTH, BEHIND, ROUNDS = 12, 12, 64, 1000, 7
CONFIG = LlamaConfig(
    vocab_size=32_000, hidden_size=768, intermediate_size=2048, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
    max_position_embeddings=2048, tie_word_embeddings=False,
)  # fmt: skip


def step_over(pool: PagePool, rows: int, few: int) -> Any:
    """A step of attention in all layers, for rows of a pool that are filled with random numbers."""
    for array in pool.arrays.values():
        array.copy_(torch.randint(-50, 50, array.shape))
    taken = [pool.open() for _ in range(rows)]
    for row in taken:
        pool.allocate(row, BEHIND + 1)
        pool.lengths[row] = BEHIND
    ragged.FEW, before = few, ragged.FEW
    view = pool.view(taken, [1] * rows)
    ragged.FEW = before
    pool.grow = lambda row, new: None  # type: ignore[method-assign]  # the same step again
    query, key, value = torch.randn(3, 1, HEADS, rows, WIDTH, dtype=torch.bfloat16)
    return lambda: [view.attend(layer, query, key, value) for layer in range(LAYERS)]


def contiguous(rows: int) -> Any:
    """The same step over one block a layer."""
    keys, values = torch.randn(2, LAYERS, rows, HEADS, BEHIND + 1, WIDTH, dtype=torch.bfloat16)
    query = torch.randn(rows, HEADS, 1, WIDTH, dtype=torch.bfloat16)
    return lambda: [attend(query, keys[layer], values[layer]) for layer in range(LAYERS)]


def attention(rows: int, reading: float) -> list[dict[str, Any]]:
    """Microseconds of each way, and the share of memory's speed."""
    sizes = dict(pages=rows * (BEHIND // 32 + 2), rows=rows)
    plain = [
        PagePool(LAYERS, HEADS, WIDTH, dtype=kind, **sizes) for kind in (torch.float32, torch.bfloat16, torch.bfloat16)
    ]
    pools = dict(zip(("float32 pages", "bf16 pages", "bf16 pages, gathered"), plain, strict=True))
    pools["int8 pages"] = QuantizedPool(LAYERS, HEADS, WIDTH, **sizes)
    ways = {name: step_over(pool, rows, 0 if "gathered" in name else 16) for name, pool in pools.items()}
    times = in_turns(ways | {"bf16, contiguous": contiguous(rows)}, ROUNDS)
    token = {name: pool.page_bytes / 32 for name, pool in pools.items()}
    table = []
    for name, seconds in times.items():
        median = statistics.median(seconds)
        share = token.get(name, token["bf16 pages"]) * rows * (BEHIND + 1) / median / reading
        table.append({"rows": rows, "way": name, "us": round(1e6 * median), "of memory": round(share, 2)})
    return table


def request(module: Any, prefixes: PrefixCache, ids: list[int]) -> float:
    """Seconds from a prompt to the scores of its first new token; what it held is kept."""
    start, row = time.perf_counter(), prefixes.pool.open()
    assert row is not None
    known = prefixes.begin(row, ids)
    assert prefixes.allocate(row, len(ids) - known)
    view = prefixes.pool.view([row], [len(ids) - known])
    hidden = module.hidden(torch.tensor([ids[known:]]), None, view.positions, view)
    module.lm_head(hidden[:, -1])
    seconds = time.perf_counter() - start
    prefixes.keep(row, ids)
    prefixes.pool.free(row)
    return seconds


def known_beginning() -> dict[str, float]:
    """Milliseconds to the first token, without and with a known beginning of 1,000 tokens, and from a saved cache."""
    module = build(CONFIG, seed=0).to(torch.bfloat16).eval()
    prefixes, times = PrefixCache(PagePool.of(module, pages=80, rows=2)), {"unknown": [], "known": []}
    for number in range(4):
        beginning = [(7 * place + number) % 32_000 for place in range(BEHIND)]
        times["unknown"].append(request(module, prefixes, [*beginning, *range(8)]))
        times["known"] += [request(module, prefixes, [*beginning, *range(20, 28)]) for _ in range(3)]
    found = {name: 1e3 * statistics.median(seconds[1 if name == "unknown" else 3 :]) for name, seconds in times.items()}
    with tempfile.TemporaryDirectory() as folder:
        marks = [time.perf_counter()]
        name = fingerprint(module)
        marks.append(time.perf_counter())
        save(prefixes, Path(folder) / "cache", name)
        marks.append(time.perf_counter())
        restored = PrefixCache(PagePool.of(module, pages=80, rows=2))
        restore(restored, Path(folder) / "cache", name)
        marks.append(time.perf_counter())
    again = 1e3 * statistics.median(request(module, restored, [*beginning, *range(first, first + 8)]) for first in (40, 50, 60))
    parts = zip(("fingerprint", "save", "restore"), marks, marks[1:], strict=False)
    return (
        found
        | {part: 1e3 * (end - begin) for part, begin, end in parts}
        | {"times sooner": found["unknown"] / found["known"], "restored": again, "times sooner, restored": found["unknown"] / again}
    )


@torch.inference_mode()
def main() -> None:
    """Print the tables, or one line of JSON."""
    torch.set_num_threads(cores())
    reading = bytes_per_s("read")
    table = attention(1, reading) + attention(16, reading)
    first = known_beginning()
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine_name(), "reading": reading, "attention": table, "prefix": first}))
        return
    print(
        f"torch {torch.__version__}, {machine_name()}, memory reads {reading / 1e9:.1f} GB/s, {time.strftime('%Y-%m-%d')}"
    )
    for line in table:
        print(f"{line['rows']:>3} rows  {line['way']:<22}{line['us']:>9,} us{line['of memory']:>8.0%} of memory")
    print("; ".join(f"{name} {value:.1f}{'' if 'times' in name else ' ms'}" for name, value in first.items()))


if __name__ == "__main__":
    main()
