"""Held-out stories as files: xz and zstd beside a language model with an arithmetic coder, and the model's own bits.

    python benchmarks/foundations/information/compressor.py                          an n-gram model, counted here
    python benchmarks/foundations/information/compressor.py runs/demo/model          any model folder
    python benchmarks/foundations/information/compressor.py --documents 20           fewer stories

The n-gram model, and the "prepared" xz and zstd, have read the same training stories first; what a model's weights or
counts take themselves is not counted, as nobody counts the size of xz. Every file is opened again and compared. No token
costs more than 28 bits in a file, so a model that excludes much of the text (one after alignment) does better in it.
"""

import argparse
import importlib.metadata
import math
import platform
import sys
import time
from collections.abc import Sequence

import numpy as np

from groundup.data.sources import tinyworld
from groundup.evaluation.metrics.archive import HEADER, Packer, model_packer, ngram_packer, pack, unpack
from groundup.evaluation.metrics.compressors import compressors, joined, prepared_compressors
from groundup.evaluation.metrics.intrinsic import Bits, bits_per_byte, fit_ngram, ngram_bits_per_byte, tokenize
from groundup.processor import processor

TRAINING, ORDER, VOCAB = 3000, 5, 2048


def counted(training: Sequence[str], texts: Sequence[str]) -> tuple[str, Packer, Bits]:
    """An n-gram model of the training stories: its name, packer and own bits on the held-out ones."""
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig

    tokenizer = train_tokenizer(iter(training), TokenizerConfig(vocab_size=VOCAB))
    model = fit_ngram(tokenize(training, tokenizer), ORDER, tokenizer.vocab_size)
    bits = ngram_bits_per_byte(model, tokenize(texts, tokenizer))
    return f"{ORDER}-gram of {len(training):,} stories", ngram_packer(model, tokenizer), bits


def loaded(folder: str, texts: Sequence[str]) -> tuple[str, Packer, Bits]:
    """A model folder in float32 with one thread: its name, packer and own bits."""
    import torch

    from groundup.inference.handle import load

    torch.set_num_threads(1)
    handle = load(folder, dtype=torch.float32, device="cpu")
    return folder, model_packer(handle), bits_per_byte(handle.module, tokenize(texts, handle.tokenizer))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="a model folder; without one an n-gram model is counted")
    parser.add_argument("--documents", type=int, default=100, help="held-out stories to compress")
    options = parser.parse_args()
    held_out = list(tinyworld.sample(0, options.documents, split="heldout"))
    texts = [document.text for document in held_out]
    training = [document.text for document in tinyworld.sample(0, TRAINING)]
    size = sum(len(text.encode()) for text in texts)
    name, packer, own = loaded(options.model, texts) if options.model else counted(training, texts)
    start = time.perf_counter()
    data = pack(texts, packer)
    packing = time.perf_counter() - start
    start = time.perf_counter()
    same = unpack(data, packer) == texts
    unpacking = time.perf_counter() - start
    floor = -sum(document.log_probability for document in held_out) / math.log(2) / size
    print(
        f"{len(texts)} held-out stories, {size:,} bytes; Python {platform.python_version()}, numpy {np.__version__}, "
        f"zstandard {importlib.metadata.version('zstandard')}, {processor()}, {time.strftime('%Y-%m-%d')}"
    )
    rows = compressors(texts)
    rows |= {f"{one}, prepared": bits for one, bits in prepared_compressors(texts, training).items()}
    rows |= {name: 8 * len(data) / size, "  its own bits": own.per_byte, "the grammar's entropy": floor}
    for row, bits in rows.items():
        print(f"{row:<32}{bits:>8.4f} bits a byte{8 / bits:>8.1f} : 1")
    excess = 8 * (len(data) - HEADER.size) / size / own.per_byte - 1
    print(f"the file, without its {HEADER.size} bytes of header, is {excess:+.3%} from the model's own bits")
    print(
        f"packed {size / packing:,.0f} and unpacked {size / unpacking:,.0f} bytes/s; "
        f"{len(joined(training)):,} bytes read before; {'lossless' if same else 'NOT LOSSLESS'}"
    )
    if not same or excess > 0.01:
        sys.exit("the file is not what it should be")


if __name__ == "__main__":
    main()
