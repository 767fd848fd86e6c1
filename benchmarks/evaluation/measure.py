"""What measuring costs: bits per byte in tokens a second beside transformers, and the baselines.

    python benchmarks/evaluation/measure.py

One process, all threads; a Qwen 3 of the demo's size with random weights, documents of 20 to 400 tokens. transformers
gets the same batches of equal length one document after the other, as its loss is usually asked for, and in batches.
"""

import importlib.metadata
import math
import random
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch

from groundup.evaluation.baselines import NearestNeighbour
from groundup.evaluation.metrics.calibration import bootstrap
from groundup.evaluation.metrics.compressors import compressors
from groundup.evaluation.metrics.intrinsic import TokenDocuments, bits_per_byte, fit_ngram, ngram_bits_per_byte
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats.huggingface import save_model

DOCUMENTS, VOCAB = 400, 4096
SHAPE = {
    "model_type": "qwen3", "vocab_size": VOCAB, "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4,
    "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 512, "tie_word_embeddings": True,
}  # fmt: skip


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds of the better of two runs, and what it gave."""
    best, result = math.inf, None
    for _ in range(2):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def documents() -> TokenDocuments:
    """Random tokens in documents of 20 to 400."""
    generator = np.random.default_rng(0)
    offsets = np.concatenate(([0], np.cumsum(generator.integers(20, 400, DOCUMENTS))))
    return TokenDocuments(generator.integers(3, VOCAB, offsets[-1]).astype(np.int32), offsets, np.diff(offsets) * 3, 0)


def theirs(folder: str, held_out: TokenDocuments) -> Callable[[], list[float]]:
    """The usual way with transformers: the loss of one document after the other."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()

    @torch.no_grad()
    def measure() -> list[float]:
        bits = []
        for start, end in zip(held_out.offsets, held_out.offsets[1:], strict=False):
            ids = torch.tensor([[0, *held_out.ids[start:end].tolist(), 0]])
            bits.append(model(ids, labels=ids).loss.item() * (ids.shape[1] - 1) / math.log(2))
        return bits

    return measure


def main() -> None:
    """Print the table."""
    print(f"torch {torch.__version__}, transformers {importlib.metadata.version('transformers')}, {torch.get_num_threads()} threads")
    held_out, module = documents(), build(config_from_dict(SHAPE), seed=0).eval()
    ours, bits = timed(lambda: bits_per_byte(module, held_out))
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder + "/model", module)
        peer, expected = timed(theirs(folder + "/model", held_out))
    assert np.allclose(bits.bits, expected, rtol=1e-4)
    print(f"bits per byte    {held_out.count / ours:>10,.0f} tokens/s   transformers {held_out.count / peer:,.0f} ({peer / ours:.2f}x)")

    fitting, model = timed(lambda: fit_ngram(held_out, 5, VOCAB))
    scoring, _ = timed(lambda: ngram_bits_per_byte(model, held_out))
    print(f"5-gram           {held_out.count / fitting:>10,.0f} tokens/s counted, {held_out.count / scoring:,.0f} scored")

    words = [f"word{number}" for number in range(1500)]
    source = random.Random(0)
    texts = [" ".join(source.choices(words, k=source.randint(6, 25))) for _ in range(22_000)]
    building, index = timed(lambda: NearestNeighbour(texts[:20_000]))
    finding, _ = timed(lambda: [index.find(text) for text in texts[20_000:]])
    print(f"neighbours       2,000 queries against 20,000 prompts: {building:.1f} s to build, {finding:.1f} s to find")

    squeezing, _ = timed(lambda: compressors(texts[:2_000]))
    drawing, _ = timed(lambda: bootstrap(bits.bits, bits.sizes))
    print(f"xz and zstd      {squeezing:.1f} s for {sum(map(len, texts[:2_000])):,} bytes; bootstrap of {DOCUMENTS} documents {drawing:.2f} s")


if __name__ == "__main__":
    main()
