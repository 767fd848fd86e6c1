"""Forward and training step of whole models: groundup beside transformers, same weights, dtype, threads and batch.

    python benchmarks/model/architectures.py [parameters in millions] [dtype]

Runs are interleaved; each pair of runs gives one ratio, and the median of the ratios is shown, above 1 where groundup is the
faster. A step is forward, each library's own loss over every position, backward; transformers runs its sdpa attention, in
training mode without dropout. "decode" is one token behind a cache of 128. dtype bfloat16: weights stored in it.

One thread of an AMD EPYC (Zen 5), forward and step: 124 M in fp32 Llama 2.02 and 2.00, GPT-2 2.09 and 2.02; 10 M in fp32 Llama 1.91 and 1.77, GPT-2 2.03
and 1.87, GPT-NeoX 1.93 and 1.81, Gemma 2 1.63 and 1.64, OLMo 2 1.94 and 1.77. In bf16: 124 M Llama 1.06 and 1.14, GPT-2 1.18 and 1.16; 10 M Llama 1.06 and
1.14, GPT-2 1.22 and 1.25, GPT-NeoX 1.11 and 1.19, Gemma 2 1.00 and 1.02, OLMo 2 1.11 and 1.18: there both multiply by the same oneDNN, and 1.2 is not reached
for the Llama. Decoding: 0.97 to 1.34.

What limits it. In transformers' step of the Llama shape at 10 million, 82 % of the time is matrix products (76 % for GPT-2), so whoever
multiplies by the same library can be at most 1.2 (1.3) times as fast with nothing else left to do; 1.0 to 1.1 was reached so. The
products themselves were the way out: on an AMD processor torch's MKL reaches 110 billion fp32 operations a second on one core and
its oneDNN 250 (`model.layers.product`). On other processors MKL stays, and the ratio should be the earlier 1.0 to 1.1 (not measured).
Decoding waits for memory and a few rows gain nothing.

Tried and not kept, on a feed-forward of 512 tokens, 320 wide, forward and backward: gate and up as one product 14.3 ms against 13.9;
a gate that saves only its two inputs 15.5 (a quarter less memory); query, key and value as one product 5.3 against 5.8, 1 % of a
step. Left: oneDNN's product with GELU in it, forward only, 2.4 ms against 3.8.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from groundup.inference.cache.kv_cache import KVCache
from groundup.model.architectures import FAMILIES, build
from groundup.model.formats.huggingface import save_model
from groundup.training.objectives.causal import loss_of_targets

ROUNDS, BATCH, SEQ = 9, 4, 128
VOCAB = 8192
SHAPES = {"gpt2": 12, "llama": 12, "gpt_neox": 12, "gemma2": 18, "olmo2": 12}  # weights of a block / hidden^2


def sizes(family: str, millions: float) -> dict:
    """A configuration of about this many parameters, six blocks deep (twelve from 100 million on)."""
    layers = 12 if millions >= 100 else 6
    hidden = 64
    while SHAPES[family] * layers * hidden**2 + 2 * VOCAB * hidden < millions * 1e6:
        hidden += 64
    made = dict(
        vocab_size=VOCAB, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        max_position_embeddings=512, bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    if family in ("llama", "olmo2"):
        made |= dict(intermediate_size=hidden * 8 // 3)
    elif family == "gemma2":
        made |= dict(intermediate_size=4 * hidden, head_dim=64, num_key_value_heads=hidden // 64, sliding_window=64)
    else:
        made |= dict(intermediate_size=4 * hidden)
    return made


def pair(family: str, millions: float):
    """Ours and theirs with the same weights."""
    ours = build(FAMILIES[family][0](**sizes(family, millions)), seed=0, scheme="normal")
    raw = ours.config.to_dict() | dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    cls = getattr(transformers, ours.config.architecture)
    attention = "eager" if family == "gemma2" else "sdpa"  # its sdpa leaves the soft cap out
    with tempfile.TemporaryDirectory() as temporary:
        save_model(Path(temporary) / "model", ours)
        theirs = cls.from_pretrained(
            Path(temporary) / "model", config=cls.config_class.from_dict(raw), attn_implementation=attention
        )
    return ours, theirs.train()


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Our median seconds, and the median of their time over ours, run in turns."""
    ours(), theirs()
    times = []
    for _ in range(ROUNDS):
        start = clock()
        ours()
        middle = clock()
        theirs()
        times.append((middle - start, clock() - middle))
    return statistics.median(one for one, _ in times), statistics.median(other / one for one, other in times)


def clock() -> float:
    """Seconds: of the processor where one thread works (true on a busy machine too), else of the wall."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def step(module, loss: Callable[[], torch.Tensor]) -> Callable[[], object]:
    """Forward, loss, backward."""

    def run() -> None:
        module.zero_grad(set_to_none=True)
        loss().backward()

    return run


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    dtype = getattr(torch, sys.argv[2] if len(sys.argv) > 2 else "float32")
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, 1 thread, {BATCH} x {SEQ} tokens, {dtype}"
    )
    print(
        f"{'family':10}{'parameters':>12}{'apart':>9}{'forward ms':>12}{'ratio':>7}{'step ms':>10}{'ratio':>7}{'decode ms':>11}{'ratio':>7}"
    )
    for family in SHAPES:
        print(row(family, millions, dtype), flush=True)


def row(family: str, millions: float, dtype: torch.dtype) -> str:
    """A family's line of the table."""
    ours, theirs = (module.to(dtype) for module in pair(family, millions))
    ids = torch.randint(0, VOCAB, (BATCH, SEQ))
    targets = ids.roll(-1, 1).flatten()

    def loss() -> torch.Tensor:
        return loss_of_targets(ours.lm_head, ours.hidden(ids).flatten(0, 1), targets) / len(targets)

    with torch.inference_mode():
        apart = float((ours(ids) - theirs(ids).logits).abs().max())
        forward = ratio(lambda: ours(ids), lambda: theirs(ids).logits)
        decode = decoding(ours, theirs, ids)
    training = ratio(step(ours, loss), step(theirs, lambda: theirs(ids, labels=ids).loss))
    columns = "".join(
        f"{seconds * 1e3:{width}.1f}{times:6.2f}x"
        for (seconds, times), width in ((forward, 12), (training, 10), (decode, 11))
    )
    return f"{family:10}{sum(p.numel() for p in ours.parameters()):12,}{apart:9.0e}{columns}"


def decoding(ours, theirs, ids: torch.Tensor) -> tuple[float, float]:
    """One token after another behind a cache of the whole row."""
    cache = KVCache.of(ours, BATCH, SEQ + ROUNDS + 1)
    ours(ids, cache=cache)
    kept = theirs(ids, use_cache=True).past_key_values

    def mine() -> None:
        ours(ids[:, :1], cache=cache)

    def peer() -> None:
        theirs(ids[:, :1], past_key_values=kept)

    return ratio(mine, peer)


if __name__ == "__main__":
    main()
