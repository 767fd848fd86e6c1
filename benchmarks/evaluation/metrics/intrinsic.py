"""What measuring bits per byte costs: tokens a second beside transformers and beside the machine's matrix product.

    python benchmarks/evaluation/metrics/intrinsic.py

One thread, processor time, the best of two runs; a Qwen 3 of the demo's size with random weights, documents of 20 to
400 tokens. transformers is asked for the loss of one document after the other, as its users do.
"""

import importlib.metadata
import math
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from groundup.evaluation.metrics.calibration import bootstrap
from groundup.evaluation.metrics.intrinsic import TokenDocuments, bits_per_byte, fit_ngram, ngram_bits_per_byte
from groundup.model.accounting import count
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats.huggingface import save_model

DOCUMENTS, VOCAB = 200, 4096
SHAPE = {
    "model_type": "qwen3",
    "vocab_size": VOCAB,
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of the better of two runs, and what it gave."""
    best, result = math.inf, None
    for _ in range(2):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
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
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, transformers {importlib.metadata.version('transformers')}, one thread")
    held_out, module = documents(), build(config_from_dict(SHAPE), seed=0).eval()
    square = torch.randn(1024, 1024)
    peak = 10 * 2 * 1024**3 / timed(lambda: [square @ square for _ in range(10)])[0]
    ours, bits = timed(lambda: bits_per_byte(module, held_out))
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder + "/model", module)
        peer, expected = timed(theirs(folder + "/model", held_out))
    assert np.allclose(bits.nats / math.log(2), expected, rtol=1e-4)
    tokens, flops = held_out.count, count(module.config).flops_per_token(int(held_out.lengths.mean()))
    print(
        f"model    {tokens / ours:>10,.0f} tokens/s   transformers {tokens / peer:,.0f} ({peer / ours:.2f}x)", end="   "
    )
    print(f"{flops * tokens / ours / peak:.0%} of the matrix product's {peak / 1e9:.0f} GFLOP/s")
    fitting, model = timed(lambda: fit_ngram(held_out, 5, VOCAB))
    scoring, _ = timed(lambda: ngram_bits_per_byte(model, held_out))
    print(f"5-gram   {tokens / fitting:>10,.0f} tokens/s counted, {tokens / scoring:,.0f} scored")
    drawing, _ = timed(lambda: bootstrap(bits.nats, bits.sizes))
    print(f"interval {drawing * 1000:>10.0f} ms for {DOCUMENTS} documents")


if __name__ == "__main__":
    main()
