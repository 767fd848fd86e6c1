"""What an NVIDIA card does with the library's kernels, training step, float8 and recorded decoding, beside torch's and transformers' own.

    python benchmarks/machine/gpu.py [--parts limits kernels attention float8 step decode] [--json FILE] [--tiny]

Times are medians of runs between two events of the card, after warm-up, on random numbers. Of a causal attention only the half that is
seen counts: 2 * 2 * heads * queries * keys * head_dim / 2 operations forward, 2.5 times that backward. --tiny: sizes for a look at the script
itself, also without a card (then nothing of it is a figure).
No card has run it yet, so no figure stands here.
"""

import argparse
import json
import statistics
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.engine.graphs import Graphs
from groundup.machine.probe.accelerators import accelerators
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.layers.product import product
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.step.float8 import both_ways, float8_product, multiply_in_float8, times

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BF16 = torch.bfloat16
Found = dict[str, Any]


def seconds(run: Callable[[], Any], repeats: int = 10, warm: int = 3) -> float:
    """The median time of a run on the card."""
    for _ in range(warm):
        run()
    taken = []
    for _ in range(repeats):
        if DEVICE == "cpu":
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
            continue
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        run()
        last.record()
        last.synchronize()
        taken.append(first.elapsed_time(last) / 1e3)
    return statistics.median(taken)


def drawn(*shape: int, dtype: torch.dtype = BF16) -> torch.Tensor:
    """Random numbers on the card."""
    return torch.randn(*shape, device=DEVICE, dtype=dtype)


def limits(tiny: bool) -> Found:
    """The card's two ceilings, measured, beside its maker's."""
    side, size = (64, 1 << 16) if tiny else (8192, 1 << 32)
    left, right, from_, to = (*(drawn(side, side) for _ in range(2)), *(torch.empty(size // 2, dtype=BF16, device=DEVICE) for _ in range(2)))  # fmt: skip
    from_.normal_()
    flops = 2 * side**3 / seconds(lambda: left @ right)
    left, right = left.float(), right.float()
    found = {"bf16 TFLOP/s": flops / 1e12, "fp32 TFLOP/s": 2 * side**3 / seconds(lambda: left @ right, 3) / 1e12,
             "copy TB/s": 2 * size / seconds(lambda: to.copy_(from_)) / 1e12}  # fmt: skip
    name = torch.cuda.get_device_name() if DEVICE == "cuda" else ""
    known = next((one for one in accelerators().values() if "H200" in one.name and "H200" in name), None)
    if known is not None:
        found |= {"bf16 of the maker's %": 100 * flops / known.peak["bfloat16"]}
    return found


def kernels(tiny: bool) -> Found:
    """The Triton kernels' bytes or operations a second over torch's."""
    from groundup.machine.kernels.triton import cross_entropy, matmul, rms_norm, softmax, vector_add

    rows, width, side = (8, 64, 64) if tiny else (16384, 4096, 8192)
    x, gain, other = drawn(rows, width), drawn(width), drawn(rows, width)
    logits, targets = drawn(rows // 4, 4 * width), torch.zeros(rows // 4, dtype=torch.int64, device=DEVICE)
    left, right = drawn(side, side), drawn(side, side)
    pairs = {
        "sum": (lambda: vector_add.add(x, other), lambda: x + other),
        "softmax": (lambda: softmax.softmax(x), lambda: torch.softmax(x, -1)),
        "RMSNorm": (lambda: rms_norm.rms_norm(x, gain), lambda: functional.rms_norm(x, (width,), gain)),
        "cross-entropy": (lambda: cross_entropy.token_losses(logits, targets),
                          lambda: functional.cross_entropy(logits, targets, reduction="none")),
        "matmul": (lambda: matmul.matmul(left, right), lambda: left @ right),
    }  # fmt: skip
    found = {f"{name}: times torch's speed": seconds(theirs) / seconds(ours) for name, (ours, theirs) in pairs.items()}
    return found | {"matmul TFLOP/s": 2 * side**3 / seconds(pairs["matmul"][0]) / 1e12}


def attention(tiny: bool) -> Found:
    """FlashAttention's kernels beside torch's, causal, bf16."""
    from groundup.model.attention import flash_triton

    found = {}
    for head_dim in (16,) if tiny else (64, 128):
        batch, heads, length = (1, 2, 64) if tiny else (4, 2048 // head_dim, 4096)
        given = [drawn(batch, heads, length, head_dim).requires_grad_() for _ in range(3)]
        push, flops = drawn(batch, heads, length, head_dim), 2 * batch * heads * length**2 * head_dim
        ways = {
            "torch": lambda *x: functional.scaled_dot_product_attention(*x, is_causal=True),
            "ours": lambda *x: flash_triton.flash_attention(*x, causal=True),
        }
        for name, way in ways.items():
            with torch.no_grad():
                forward = seconds(lambda way=way, given=given: way(*given))
            result = way(*given)
            back = seconds(lambda result=result, given=given, push=push: torch.autograd.grad(result, given, push, retain_graph=True))  # fmt: skip
            found |= {f"d{head_dim} {name} forward TFLOP/s": flops / forward / 1e12,
                      f"d{head_dim} {name} backward TFLOP/s": 2.5 * flops / back / 1e12}  # fmt: skip
    return found


def float8(tiny: bool) -> Found:
    """A linear map with its two gradients, in float8 and in bf16; and how a small model learns in both."""
    found: Found = {}
    for side in (64,) if tiny else (4096, 8192):
        rows = 32 if tiny else 16384
        x, weight, push = drawn(rows, side).requires_grad_(), drawn(side, side, dtype=torch.float32).requires_grad_(), drawn(rows, side)  # fmt: skip
        ways = {"bf16": lambda x, weight: product(x, weight.to(BF16)), "float8": float8_product}
        for name, way in ways.items():
            taken = seconds(lambda way=way, x=x, weight=weight, push=push: torch.autograd.grad(way(x, weight), (x, weight), push))  # fmt: skip
            found[f"{side} wide, {name}: TFLOP/s of three products"] = 6 * rows * side**2 / taken / 1e12
        left, _, scale = both_ways(x.detach(), torch.float8_e4m3fn)
        right, _, other = both_ways(weight.detach(), torch.float8_e4m3fn)
        alone = seconds(lambda left=left, right=right, scale=scale, other=other: times(left, right, scale, other, BF16, True))  # fmt: skip
        casting = seconds(lambda x=x: both_ways(x.detach(), torch.float8_e4m3fn))
        found |= {f"{side} wide: float8 product alone TFLOP/s": 2 * rows * side**2 / alone / 1e12,
                  f"{side} wide: scale and cast TB/s": rows * side * 6 / casting / 1e12}  # fmt: skip
    return found | {f"{name}: loss after {at}": value for name in ("bf16", "float8") for at, value in learnt(name, tiny).items()}  # fmt: skip


def learnt(name: str, tiny: bool) -> dict[str, float]:
    """Losses of a Llama of 512 wide on the bytes of tinyworld."""
    from groundup.data.sources import tinyworld

    steps, shape = (4, (64, 1, 4)) if tiny else (300, (512, 8, 8))
    text = "\n".join(one.text for one in tinyworld.sample(1, 50 if tiny else 3000)).encode()
    ids = torch.frombuffer(bytearray(text), dtype=torch.uint8).long()
    config = LlamaConfig(vocab_size=256, hidden_size=shape[0], intermediate_size=4 * shape[0], num_hidden_layers=shape[1],
                         num_attention_heads=shape[2], num_key_value_heads=shape[2], max_position_embeddings=256)  # fmt: skip
    module, losses = build(config, seed=0, device=DEVICE), []
    module.compute_dtype = BF16
    if name == "float8":
        multiply_in_float8(module)

    def batch(step: int) -> Any:
        starts = torch.randint(len(ids) - 257, (32,), generator=torch.Generator().manual_seed(step))
        return as_batch(ids[starts[:, None] + torch.arange(257)])

    told = TrainConfig(steps=steps, batch_size=32, seq_len=256, optimizer="adamw", learning_rate=1e-3, warmup_steps=20)
    loop.train(module, batch, told, listeners=[lambda event: losses.append(event.loss)])
    return {str(at): statistics.mean(losses[max(0, at - 10) : at]) for at in (steps // 3, 2 * steps // 3, steps)}


def as_batch(rows: torch.Tensor) -> Any:
    """Token rows, one longer than the context, as a batch of the loop."""
    whole = torch.ones_like(rows[:, 1:], dtype=torch.bool)
    positions = torch.arange(whole.shape[1]).expand(whole.shape)
    return SimpleNamespace(input_ids=rows[:, :-1], targets=rows[:, 1:], loss_mask=whole,
                           document_ids=torch.zeros_like(rows[:, 1:]), positions=positions)  # fmt: skip


SIZE = dict(num_hidden_layers=12, num_attention_heads=12)


def step(tiny: bool) -> Found:
    """Tokens a second of a training step of GPT-2 124M in bf16: the library's loop, and transformers' model in a plain loop."""
    width, vocab, rows, length, steps = (48, 256, 2, 32, 3) if tiny else (768, 50304, 32, 1024, 12)
    config = GPT2Config(vocab_size=vocab, hidden_size=width, max_position_embeddings=length, **SIZE)
    flops = count(config).training_flops_per_token(length)
    found: Found = {}
    for name, way in {"ours": ours, "ours, float8": ours, "transformers": theirs, "ours, compiled": ours}.items():
        if tiny and name == "ours, compiled":
            continue
        try:
            taken, loss, peak = way(config, rows, length, steps, name)
        except Exception as error:
            found[name] = f"failed: {str(error).splitlines()[0][:200]}"
            continue
        found |= {f"{name}: tokens/s": rows * length / taken, f"{name}: TFLOP/s": flops * rows * length / taken / 1e12,
                  f"{name}: loss": loss, f"{name}: peak GB": peak / 1e9}  # fmt: skip
        found |= {f"{name}: MFU % of 989 TFLOP/s": 100 * flops * rows * length / taken / 989e12}
    return found


def tokens(config: Any, rows: int, length: int, at: int) -> torch.Tensor:
    """The rows of a step."""
    return torch.randint(config.vocab_size, (rows, length + 1), generator=torch.Generator().manual_seed(at))


def ours(config: Any, rows: int, length: int, steps: int, name: str) -> tuple[float, float, float]:
    """Seconds of a step of the loop, its last loss, the card's memory."""
    module, at = build(config, seed=0, device=DEVICE), []
    module.compute_dtype = BF16
    if "float8" in name:
        multiply_in_float8(module)
    told = TrainConfig(steps=steps, batch_size=rows, seq_len=length, optimizer="adamw", learning_rate=3e-4, warmup_steps=0,
                       compile="compiled" in name)  # fmt: skip
    return clocked(lambda tick: loop.train(module, lambda number: as_batch(tokens(config, rows, length, number)), told,
                                           listeners=[lambda event: (at.append(event.loss), tick())]).loss, lambda: at[-1])  # fmt: skip


def clocked(run: Callable[[Callable[[], None]], Any], loss: Callable[[], float]) -> tuple[float, float, float]:
    """The median time between two ticks, after the first three."""
    ticks: list[float] = []

    def tick() -> None:
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        ticks.append(time.perf_counter())

    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    run(tick)
    passed = [after - before for before, after in zip(ticks[:-1], ticks[1:], strict=True)]
    return (
        statistics.median(passed[2:] or passed),
        loss(),
        torch.cuda.max_memory_allocated() if DEVICE == "cuda" else 0.0,
    )


def theirs(config: Any, rows: int, length: int, steps: int, name: str) -> tuple[float, float, float]:
    """The same of transformers' GPT-2: autocast to bf16, torch's attention, fused AdamW, clipping."""
    import transformers

    shape = transformers.GPT2Config(vocab_size=config.vocab_size, n_positions=length, n_embd=config.hidden_size, n_layer=12,
                                    n_head=12, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)  # fmt: skip
    model = transformers.GPT2LMHeadModel._from_config(shape, attn_implementation="sdpa").to(DEVICE).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.05, fused=True)
    losses: list[float] = []

    def run(tick: Callable[[], None]) -> None:
        for number in range(steps):
            ids = tokens(config, rows, length, number)[:, :-1].to(DEVICE)
            with torch.autocast(DEVICE, dtype=BF16):
                loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(float(loss.detach()))
            tick()

    return clocked(run, lambda: losses[-1])


@torch.inference_mode()
def decode(tiny: bool) -> Found:
    """Greedy tokens a second of a Llama of SmolLM2-135M's shape in bf16, with a text of 200 tokens before: plain and recorded."""
    shape = (64, 2, 4, 2, 128) if tiny else (576, 30, 9, 3, 49152)
    config = LlamaConfig(vocab_size=shape[4], hidden_size=shape[0], intermediate_size=shape[0] * 8 // 3, num_hidden_layers=shape[1],
                         num_attention_heads=shape[2], num_key_value_heads=shape[3], max_position_embeddings=2048, tie_word_embeddings=True)  # fmt: skip
    module = build(config, seed=0, device=DEVICE).to(BF16)
    found: Found = {}
    for rows in (2,) if tiny else (1, 8, 64):
        made = {name: generated(module, way, rows, 4 if tiny else 100) for name, way in (("plain", module), ("recorded", Graphs(module)))}  # fmt: skip
        found |= {f"{rows} rows, {name}: tokens/s": rate for name, (rate, _) in made.items()}
        found[f"{rows} rows: equal tokens %"] = 100 * float((made["plain"][1] == made["recorded"][1]).float().mean())
    return found


def generated(module: Any, way: Callable[..., torch.Tensor], rows: int, length: int) -> tuple[float, torch.Tensor]:
    """Tokens a second after the first eight, and the tokens."""
    ids = torch.randint(module.config.vocab_size, (rows, 200), generator=torch.Generator().manual_seed(0)).to(DEVICE)
    cache = KVCache.of(module, rows, 200 + length + 8)
    new, made, start = module(ids, None, None, cache)[:, -1:].argmax(-1), [], 0.0
    for number in range(length + 8):
        if number == 8:
            if DEVICE == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
        positions = torch.full((rows, 1), cache.length, device=DEVICE)
        new = way(new, None, positions, cache).argmax(-1)
        made.append(new)
    tokens_made = torch.cat(made, 1).cpu()
    return rows * length / (time.perf_counter() - start), tokens_made


PARTS = {"limits": limits, "kernels": kernels, "attention": attention, "float8": float8, "decode": decode, "step": step}


def main() -> None:
    """Measure the parts asked for; one that fails does not stop the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--json", default="")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    all_found: Found = {
        "machine": torch.cuda.get_device_name() if DEVICE == "cuda" else "no card",
        "torch": torch.__version__,
    }
    print(" ".join(map(str, all_found.values())))
    for name in asked.parts:
        start = time.perf_counter()
        try:
            all_found[name] = PARTS[name](asked.tiny)
        except Exception:
            all_found[name] = {"failed": traceback.format_exc(limit=-4)}
        print(f"{name} ({time.perf_counter() - start:.0f} s)")
        for what, value in all_found[name].items():
            print(f"    {what:50} {value if isinstance(value, str) else f'{value:.4g}'}", flush=True)
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump(all_found, file, indent=1)


if __name__ == "__main__":
    main()
