"""Runs that are killed at random moments: one warm process forks each of them, so that none pays for importing torch.

python killed.py FOLDER KILLS      prints a JSON line a case: how often it was killed, inside a save, and both fingerprints
"""

import hashlib
import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from groundup import files
from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training.config import TrainConfig
from groundup.training.loop import train
from groundup.training.objectives.causal import causal_loss

STEPS, ROWS, SEQ = 40, 4, 16  # 16 steps an epoch: most kills are inside the second or third
SHAPE = dict(vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2)
SCHEDULES, DTYPES = ("wsd", "linear", "cosine", "constant"), ("float32", "bfloat16", "float16")
VARIED = [  # what else is in the state, one kind a case in turn
    {"optimizer": "muon", "keep_best": 1},
    {"optimizer": "adamw", "ema_decay": 0.9, "keep_every": 7},
    {"optimizer": "adamw", "optimizer_state": "8bit", "save_in_background": False},
    {"optimizer": "momentum", "on_spike": "skip", "spike_factor": 2.0},
    {"optimizer": "lion", "on_spike": "rollback", "spike_factor": 3.0, "gradient_accumulation_steps": 2},
]


def cases():
    """Every schedule in every number format."""
    for number, (schedule, dtype) in enumerate(itertools.product(SCHEDULES, DTYPES)):
        yield dtype, {"schedule": schedule, **VARIED[number % len(VARIED)]}


def noisy(module, batch):
    """A loss that draws from every generator, as dropout and a careless objective would."""
    loss, count = causal_loss(module, batch)
    return loss * (0.9 + 0.1 * torch.rand(()).item() + 0.1 * random.random() + 0.1 * np.random.rand()), count


def run(folder, dtype, changes):
    """Train in `folder` as far as one is let."""
    torch.set_num_threads(1)
    torch.manual_seed(0), random.seed(0), np.random.seed(0)
    module = build(Qwen3Config(**SHAPE), seed=0)
    module.compute_dtype = getattr(torch, dtype)
    loader = Loader(Shards.open(folder.parent / "shards"), SEQ, ROWS, 3)
    config = TrainConfig(steps=STEPS, batch_size=ROWS, seq_len=SEQ, warmup_steps=4, checkpoint_every=3, **changes)

    def record(event):
        rows = hashlib.sha256(loader.batch(event.step - 1).input_ids.numpy().tobytes()).hexdigest()[:8]
        records = [{name: value for name, value in event.numbers.items() if name != "seconds"} | {"rows": rows}]
        if event.step % 6 == 0:
            records.append({"step": event.step, "validation": abs(event.loss - 3)})
        files.append_jsonl(folder / "metrics.jsonl", *records)

    train(module, loader.batch, config, objective=noisy, listeners=[record], folder=folder)


def started(*told):
    """Fork a run; its process."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run(*told)
        status = 0
    finally:
        os._exit(status)


def ended(child):
    """Whether a process is gone; a run that failed is a failure of the test."""
    gone, status = os.waitpid(child, os.WNOHANG)
    assert not gone or os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a run failed"
    return bool(gone)


def finish(folder, *told):
    """Let a run come to its end: a fingerprint of weights, optimiser, generators, metrics and of which checkpoints stayed."""
    child = started(folder, *told)
    while not ended(child):
        time.sleep(0.002)
    last = folder / "checkpoints" / f"step-{STEPS:06}"
    files.verify_checksums(last)
    kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
    content = [(last / "checksums.json").read_bytes(), (folder / "metrics.jsonl").read_bytes(), repr(kept).encode()]
    return [hashlib.sha256(part).hexdigest()[:16] for part in content]


def halves(folder):
    """The names of the checkpoints that are being written, or were when a run was killed."""
    try:
        return {name for name in os.listdir(folder / "checkpoints") if name.startswith(".tmp-")}
    except FileNotFoundError:
        return set()


def kill_one(folder, steps, inside, chance, *told):
    """Start a run and kill it after so many steps, a random moment later, or inside its next save; whether both came about."""
    before, path = halves(folder), folder / "metrics.jsonl"
    child = started(folder, *told)
    while not ended(child):
        made = path.read_bytes().count(b'"loss"') if path.exists() else 0
        if made >= steps and (not inside or halves(folder) - before):
            time.sleep(chance.uniform(0, 0.002 if inside else 0.01))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True, bool(halves(folder) - before)
        time.sleep(0.0002)
    return False, False


def main(folder, kills):
    """Run every case unbroken and killed."""
    chance = random.Random(0)
    starts = np.arange(65) * SEQ
    write_shards(folder / "shards", np.arange(64 * SEQ) * 7 % 60 + 1, starts, start_id=0, text_bytes=1, vocab_size=61)
    for number, told in enumerate(cases()):
        whole = finish(folder / f"whole-{number}", *told)
        count, inside = 0, 0
        for part in range(kills):
            low, high = STEPS * part // kills, STEPS * (part + 1) // kills - 3
            killed, half = kill_one(
                folder / f"killed-{number}", chance.randint(low, high), (number + part) % 2 == 0, chance, *told
            )
            count, inside = count + killed, inside + half
        fingerprints = {"whole": whole, "killed": finish(folder / f"killed-{number}", *told)}
        print(json.dumps({"case": told, "kills": count, "inside": inside, **fingerprints}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
