"""Number formats: encode and decode a weight matrix, beside ggml's Python package, NumPy and torch.

    python benchmarks/machine/numbers/blocks.py

One thread, runs interleaved, the median of each. The peers are `gguf.quants` (Q8_0, Q4_0, Q4_1), torch's casts (FP8, BF16)
and NumPy's (FP16); where a format has none (NF4), the definition in NumPy stands alone. The last column is the share of the
time that copying the same bytes takes (read and written once), the machine's own limit.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from groundup.machine.numbers import blocks, formats, normal_float
from groundup.machine.probe.timing import in_turns
from groundup.processor import processor

SHAPE = (1024, 4096)
ROUNDS = 9


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, by the processor's clock, taken in turns after one call to warm up."""
    spent = in_turns(work, ROUNDS, warm=1, clock=time.thread_time)
    return {name: statistics.median(times) for name, times in spent.items()}


def block_work(name: str, weights: np.ndarray) -> dict[str, dict[str, Callable[[], object]]]:
    """Both ways of a block format: ours, the definition, and ggml's package where it is installed."""
    data = blocks.encode_blocks(weights, name)
    rows, stored = weights.reshape(-1, blocks.BLOCK), data.reshape(-1, blocks.BLOCKS[name].bytes)
    encode: dict[str, Callable[[], object]] = {
        "ours": lambda: blocks.encode_blocks(weights, name),
        "definition": lambda: blocks.BLOCKS[name].encode(rows),
    }
    decode: dict[str, Callable[[], object]] = {
        "ours": lambda: blocks.decode_blocks(data, name),
        "definition": lambda: blocks.BLOCKS[name].decode(stored),
    }
    try:
        from gguf import GGMLQuantizationType, quants
    except ImportError:
        return {f"{name} encode": encode, f"{name} decode": decode}
    kind = GGMLQuantizationType[name]
    encode["peer"] = lambda: quants.quantize(weights, kind)
    decode["peer"] = lambda: quants.dequantize(data, kind)
    return {f"{name} encode": encode, f"{name} decode": decode}


def float_work(weights: np.ndarray) -> dict[str, dict[str, Callable[[], object]]]:
    """Rounding to floats of 8 and 16 bits beside torch and NumPy, and NF4 beside its definition."""
    tensor, stored = torch.from_numpy(weights), normal_float.encode_nf4(weights)
    scaled = weights.ravel() / np.abs(weights).max()
    return {
        "FP8 e4m3 encode": {
            "ours": lambda: formats.encode_float(weights, formats.FP8_E4M3),
            "peer": lambda: tensor.to(torch.float8_e4m3fn),
        },
        "BF16 encode": {
            "ours": lambda: formats.encode_float(weights, formats.BF16),
            "peer": lambda: tensor.to(torch.bfloat16),
        },
        "FP16 encode": {
            "ours": lambda: formats.encode_float(weights, formats.FP16),
            "peer": lambda: weights.astype(np.float16),
        },
        "NF4 encode": {
            "ours": lambda: normal_float.encode_nf4(weights),
            "definition": lambda: normal_float.nf4_codes(scaled),
        },
        "NF4 decode": {"ours": lambda: normal_float.decode_nf4(stored)},
    }


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    weights = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    print(
        f"{processor()}, one thread, NumPy {np.__version__}, torch {torch.__version__}"
    )
    print(f"{'':17}{'M numbers/s':>12}{'/ peer':>9}{'/ definition':>14}{'of a copy':>11}")
    work = {key: one for name in blocks.BLOCKS for key, one in block_work(name, weights).items()} | float_work(weights)
    for title, ways in work.items():
        spent = interleaved({**ways, "copy": weights.copy})
        ratios = [f"{spent[peer] / spent['ours']:.2f}x" if peer in spent else "" for peer in ("peer", "definition")]
        speed = weights.size / spent["ours"] / 1e6
        print(f"{title:17}{speed:12.0f}{ratios[0]:>9}{ratios[1]:>14}{spent['copy'] / spent['ours']:>10.0%}")


if __name__ == "__main__":
    main()
