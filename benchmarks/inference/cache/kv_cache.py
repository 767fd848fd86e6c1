"""A token behind a long text: a model with a window reads and keeps the window, one without reads and keeps everything.

    python benchmarks/inference/cache/kv_cache.py

A Mistral shape of six layers (width 256, four heads of 64), batch 1, fp32, one thread, once with a window of 512 and once without;
the peer is transformers' model with the same weights and window, through its own sliding cache. The cache is filled with random
keys, whose values do not change the time. Runs are taken in turns; the median of each counts. "growth" is the last column over
the first, which is 64 times shorter.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from groundup.inference.cache.kv_cache import KVCache
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.mistral import MistralConfig
from groundup.model.formats.huggingface import save_model
from groundup.processor import processor

LENGTHS = (512, 2048, 8192, 32_768)
WINDOW, ROUNDS = 512, 21
CONFIG = MistralConfig(
    vocab_size=1024, hidden_size=256, intermediate_size=704, num_hidden_layers=6, num_attention_heads=4,
    max_position_embeddings=2 * LENGTHS[-1], sliding_window=WINDOW,
)  # fmt: skip


def filled(module: torch.nn.Module, length: int) -> KVCache:
    """A cache of so many random keys and values, with room for what is measured."""
    cache = KVCache.of(module, 1, length + ROUNDS + 2)
    source = torch.Generator().manual_seed(length)
    new = torch.randn(2, 1, CONFIG.num_key_value_heads, length, CONFIG.head_dim, generator=source)
    for layer in range(CONFIG.num_hidden_layers):
        cache.update(layer, *new)
    return cache


def peer(folder: Path, length: int) -> Callable[[], object]:
    """The same token by transformers, behind its own cache of so many keys."""
    theirs = transformers.MistralForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()
    kept = transformers.DynamicCache(config=theirs.config)
    source = torch.Generator().manual_seed(length)
    new = torch.randn(2, 1, CONFIG.num_key_value_heads, length, CONFIG.head_dim, generator=source)
    for layer in range(CONFIG.num_hidden_layers):
        kept.update(*new, layer)
    token = torch.zeros(1, 1, dtype=torch.long)
    return lambda: theirs(token, past_key_values=kept).logits


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, one thread, {processor()}, {time.strftime('%Y-%m-%d')}"
    )
    near = build(CONFIG, seed=0)
    far = build(dataclasses.replace(CONFIG, sliding_window=None), seed=0)
    times: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}
    token = torch.zeros(1, 1, dtype=torch.long)
    with tempfile.TemporaryDirectory() as temporary, torch.inference_mode():
        save_model(Path(temporary) / "model", near)
        for length in LENGTHS:
            caches = {"window": (near, filled(near, length)), "no window": (far, filled(far, length))}
            ways: dict[str, Callable[[], object]] = {
                name: (lambda module=module, cache=cache: module(token, cache=cache))
                for name, (module, cache) in caches.items()
            }
            ways["transformers, window"] = peer(Path(temporary) / "model", length)
            for name, seconds in in_turns(ways, ROUNDS, clock=time.thread_time).items():
                times.setdefault(name, []).append(1e3 * statistics.median(seconds))
            for name, (_, cache) in caches.items():
                sizes.setdefault(name, []).append(sum(one.nbytes for one in cache.keys + cache.values) / 1e6)
    for title, table in (("ms a token", times), ("MB kept", sizes)):
        print(f"{title:<24}" + "".join(f"{length:>10,}" for length in LENGTHS) + f"{'growth':>9}")
        for name, row in table.items():
            print(f"{name:<24}" + "".join(f"{value:10.2f}" for value in row) + f"{row[-1] / row[0]:8.1f}x")


if __name__ == "__main__":
    main()
