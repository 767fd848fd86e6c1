"""GGUF files: opening one, and its numbers as float32, beside ggml's Python package and the speed of memory.

    python benchmarks/model/formats/gguf.py [FILE.gguf]

Without a file a random LLaMA of about 30 million parameters is written in each kind. "open" reads the head and maps the tensors;
"numbers" makes float32 of every tensor's blocks, one after another, which is what loading does. One thread, ways taken in turns, the median by the
processor's clock. The last column: what writing the same float32 once more (a copy) takes of that time, which no way can beat.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats import gguf
from groundup.model.formats.gguf_model import save_gguf
from groundup.processor import machine_name

sys.path[:] = [place for place in sys.path if Path(place) != Path(__file__).parent]  # the peer has this file's name
KINDS = ("F16", "BF16", "Q8_0", "Q4_0", "Q4_1")
ROUNDS = 5


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, taken in turns after one call to warm up."""
    spent = in_turns(work, ROUNDS, warm=1, clock=time.thread_time)
    return {name: statistics.median(times) for name, times in spent.items()}


def written(folder: Path) -> dict[str, Path]:
    """The same random model in every kind."""
    sizes = dict(hidden_size=512, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=8)
    module = build(LlamaConfig(vocab_size=16_000, **sizes), seed=0, scheme="normal")
    for kind in KINDS:
        save_gguf(folder / f"{kind}.gguf", module, kind=kind)
    return {kind: folder / f"{kind}.gguf" for kind in KINDS}


def of_ours(path: Path) -> None:
    """Every tensor's numbers by this library."""
    for stored in gguf.read(path).tensors.values():
        stored.numbers()


def of_ggml(path: Path) -> None:
    """The same by ggml's package."""
    from gguf import GGUFReader, dequantize

    for tensor in GGUFReader(path).tensors:
        dequantize(tensor.data, tensor.tensor_type)


def row(title: str, path: Path) -> None:
    """Measure one file and print its line."""
    from gguf import GGUFReader

    arrays = [stored.numbers().copy() for stored in gguf.read(path).tensors.values()]
    spent = interleaved(
        {
            "open": lambda: gguf.read(path),
            "their open": lambda: GGUFReader(path),
            "ours": lambda: of_ours(path),
            "ggml": lambda: of_ggml(path),
            "copy": lambda: [array.copy() for array in arrays],
        }
    )
    million = sum(array.size for array in arrays) / 1e6
    print(
        f"{title:10}{1e3 * spent['open']:9.1f}{spent['their open'] / spent['open']:8.1f}x{million / spent['ours']:14.0f}"
        f"{spent['ggml'] / spent['ours']:8.2f}x{spent['copy'] / spent['ours']:11.0%}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    import importlib.metadata

    torch.set_num_threads(1)
    print(
        f"{machine_name()}, one thread, NumPy {np.__version__}, gguf {importlib.metadata.version('gguf')}, {time.strftime('%d %B %Y')}"
    )
    print(f"{'file':10}{'open ms':>9}{'/ gguf':>9}{'M numbers/s':>14}{'/ gguf':>9}{'of a copy':>11}")
    with tempfile.TemporaryDirectory() as folder:
        paths = {Path(name).name[:9]: Path(name) for name in sys.argv[1:]} or written(Path(folder))
        for title, path in paths.items():
            row(title, path)


if __name__ == "__main__":
    main()
