"""Time to a held-out loss on characters, from the start of the process: this library beside nanoGPT's published CPU settings.

    python benchmarks/training/record.py --text input.txt [--target 1.88] [--seeds 1 2 3]

The peer is a plain PyTorch loop over transformers' GPT-2 of that shape: 4 layers, 4 heads, 128 wide, block 64, batch 12, 2,000 steps,
dropout 0, AdamW at 1e-3 with 100 steps of warm-up and a cosine to 1e-4, betas 0.9 and 0.99, decay 0.1, clipping at 1. Both clocks begin with
the process (importing torch counts) and end when all of the last tenth of the text is measured, once. In turns, a seed at a time, as
processes of their own. The peer runs all of its steps: its schedule ends there, at about 1.88 to 1.90.

For comparison without a network: counting characters (5 in a row, absolute discounting) gives 1.68 on tiny Shakespeare in three
seconds of plain Python. Neither side may do that: what is known of the text is learned by gradient steps.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LAYERS, HEADS, WIDTH, BLOCK, ROWS, STEPS, WARMUP, RATE, LAST = 4, 4, 128, 64, 12, 2000, 100, 1e-3, 1e-4


def peer(path: str, seed: str) -> None:
    """The stand-in for nanoGPT, in this process; its loss and the clock as JSON on stdout."""
    import torch
    from torch.nn import functional
    from transformers import GPT2Config, GPT2LMHeadModel

    text = Path(path).read_text("utf-8")
    known = {character: place for place, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([known[character] for character in text])
    learned, measured = ids.split([int(0.9 * len(ids)), len(ids) - int(0.9 * len(ids))])
    torch.manual_seed(int(seed))
    shape = {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "n_positions": BLOCK}
    none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(known), bos_token_id=0, eos_token_id=0, **shape, **none))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1, fused=True)
    began = time.monotonic()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        starts = torch.randint(len(learned) - BLOCK, (ROWS,))
        rows = torch.stack([learned[start : start + BLOCK + 1] for start in starts])
        functional.cross_entropy(model(rows[:, :-1]).logits.flatten(0, 1), rows[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    trained, count, total = time.monotonic(), (len(measured) - 1) // BLOCK, 0.0
    with torch.no_grad():
        for first in range(0, count, 64):
            rows = torch.stack(
                [measured[place * BLOCK : place * BLOCK + BLOCK + 1] for place in range(first, min(first + 64, count))]
            )
            scores = model(rows[:, :-1]).logits.flatten(0, 1)
            total += float(functional.cross_entropy(scores, rows[:, 1:].flatten(), reduction="sum"))
    print(json.dumps({"loss": total / (count * BLOCK), "ended": time.monotonic(), "training_seconds": trained - began}))


def rate(step: int) -> float:
    """Warm-up, then half a cosine to a tenth."""
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    return LAST + (RATE - LAST) * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) / 2


def timed_peer(text: Path, seed: int) -> dict[str, Any]:
    """The peer in a process of its own."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, "--peer", str(text), str(seed)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"seconds": found.pop("ended") - began}


def main() -> None:
    """Print a line a seed, and the medians."""
    if sys.argv[1:2] == ["--peer"]:
        peer(*sys.argv[2:])
        return
    from groundup.processor import machine_name
    from groundup.runs import record

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, help="left out: Python's documentation")
    parser.add_argument("--target", type=float, default=1.88, choices=list(record.ATTEMPTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    text = record.text_file(options.text, Path("runs/record"))
    print(f"{text.name}, {options.target:.2f} nats, {machine_name()}")
    print(f"{'':6}{'groundup':>22}{'nanoGPT settings':>22}{'ratio':>8}")
    pairs = []
    for seed in options.seeds:
        ours, theirs = record.timed(text, options.target, seed), timed_peer(text, seed)
        pairs.append((ours["seconds"], theirs["seconds"]))
        cells = [f"{one['seconds']:7.1f} s, {one['loss']:.3f}" for one in (ours, theirs)]
        print(f"seed {seed}{cells[0]:>22}{cells[1]:>22}{theirs['seconds'] / ours['seconds']:8.1f}", flush=True)
    mine, plain = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"median{mine:20.1f} s{plain:20.1f} s{plain / mine:8.1f}")


if __name__ == "__main__":
    main()
