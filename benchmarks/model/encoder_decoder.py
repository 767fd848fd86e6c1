"""T5, forward and greedy answers: groundup beside transformers, same weights, one source, one thread a process.

    python benchmarks/model/encoder_decoder.py

Runs are interleaved; the median of the ratios is shown, above 1 where groundup is the faster. An answer is 32 tokens to a source of
128, which both read once.
"""

import statistics
import tempfile
import time
from collections.abc import Callable

import torch
import transformers

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import steps
from groundup.model.encoder_decoder import Answering
from groundup.model.formats.huggingface import load_model
from groundup.processor import machine_name

ROUNDS, TOKENS = 9, 32
SIZES = dict(vocab_size=8192, d_model=512, d_kv=64, d_ff=2048, num_layers=4, num_heads=8, decoder_start_token_id=0)


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Our median seconds, and the median of their time over ours, run in turns."""
    ours(), theirs()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        theirs()
        times.append((middle - start, time.perf_counter() - middle))
    return statistics.median(one for one, _ in times), statistics.median(other / one for one, other in times)


def answer(module, source: torch.Tensor) -> list[int]:
    """TOKENS greedy tokens."""
    bound = Answering(module, module.read(source))
    greedy = SamplingConfig(max_new_tokens=TOKENS, temperature=0.0)
    return [int(step.ids[0]) for step in steps(bound, [[0]], greedy)]


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    theirs = transformers.T5ForConditionalGeneration(transformers.T5Config(**SIZES)).eval()
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        ours = load_model(folder)
    source, written = torch.randint(2, 8192, (4, 128)), torch.randint(2, 8192, (4, 64))
    asked = dict(max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False)
    cases = {
        "forward, 4 x (128 + 64)": (lambda: ours(source, written), lambda: theirs(source, decoder_input_ids=written)),
        f"answer of {TOKENS} tokens": (lambda: answer(ours, source[:1]), lambda: theirs.generate(source[:1], **asked)),
    }
    print(f"{machine_name()}, torch {torch.__version__}, transformers {transformers.__version__}, one thread")
    for label, (one, other) in cases.items():
        seconds, times = ratio(one, other)
        print(f"{label:26} {1000 * seconds:7.1f} ms   {times:.2f}x transformers")


if __name__ == "__main__":
    main()
