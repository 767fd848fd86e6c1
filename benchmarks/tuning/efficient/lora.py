"""LoRA tuning: tokens a second against PEFT in a plain loop, and PEFT in transformers' Trainer, on the same model and batches.

    python benchmarks/tuning/efficient/lora.py [--json]

A LLaMA shape (width 320, 6 layers, 4,096 tokens), rank 8 on all four matrices of attention, 8 rows of 256 tokens, fp32, AdamW, clipping at 1, one
thread. Each way makes whole runs of a few steps, in turns, by the thread's time; medians. Ours is the training loop with all that it does.
"""

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.huggingface import save_model
from groundup.processor import processor
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.many import apply

CONFIG = LlamaConfig(
    vocab_size=4096, hidden_size=320, intermediate_size=864, num_hidden_layers=6, num_attention_heads=5, num_key_value_heads=5,
    max_position_embeddings=256, tie_word_embeddings=False,
)  # fmt: skip
ROWS, SEQ, STEPS, ROUNDS, RATE = 8, 256, 2, 3, 1e-3
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclasses.dataclass
class Batch:
    """One batch as the loop reads it."""

    input_ids: torch.Tensor
    targets: torch.Tensor
    loss_mask: torch.Tensor
    document_ids: torch.Tensor
    positions: torch.Tensor


def ours(ids: torch.Tensor) -> Callable[[], object]:
    """The training loop over an adapted model."""
    module = apply(build(CONFIG, seed=0), LoraConfig(r=8, target_modules=TARGETS))
    rows = ids[:, :-1]
    batch = Batch(
        rows,
        ids[:, 1:],
        torch.ones_like(rows, dtype=torch.bool),
        torch.zeros_like(rows),
        torch.arange(rows.shape[1]).expand(len(rows), -1),
    )
    config = TrainConfig(
        steps=STEPS,
        batch_size=ROWS,
        seq_len=SEQ,
        optimizer="adamw",
        learning_rate=RATE,
        weight_decay=0.0,
        warmup_steps=0,
    )
    return lambda: loop.train(module, lambda number: batch, config)


def theirs(folder: Path) -> Any:
    """The same model under PEFT."""
    base = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa")
    return peft.get_peft_model(
        base, peft.LoraConfig(r=8, lora_alpha=16, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    )


def plain_loop(folder: Path, ids: torch.Tensor) -> Callable[[], object]:
    """PEFT with torch's own AdamW."""
    module = theirs(folder)
    learning = [one for one in module.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=RATE)

    def run() -> None:
        for _ in range(STEPS):
            module(ids[:, :-1], labels=ids[:, :-1]).loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return run


def trainer(folder: Path, ids: torch.Tensor, temporary: Path) -> Callable[[], object]:
    """PEFT in transformers' Trainer."""
    module = theirs(folder)
    data = [{"input_ids": row[:-1], "labels": row[:-1]} for row in ids] * STEPS
    told = transformers.TrainingArguments(
        output_dir=str(temporary / "trainer"), per_device_train_batch_size=ROWS, max_steps=STEPS, learning_rate=RATE, report_to=[], save_strategy="no",
        logging_strategy="no", disable_tqdm=True, use_cpu=True,
    )  # fmt: skip
    return lambda: transformers.Trainer(model=module, args=told, train_dataset=data).train()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    ids = torch.randint(0, CONFIG.vocab_size, (ROWS, SEQ + 1), generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as temporary:
        save_model(Path(temporary) / "model", build(CONFIG, seed=0))
        ways = {
            "groundup": ours(ids),
            "PEFT, plain loop": plain_loop(Path(temporary) / "model", ids),
            "PEFT, Trainer": trainer(Path(temporary) / "model", ids, Path(temporary)),
        }
        found = {
            name: statistics.median(times) for name, times in in_turns(ways, ROUNDS, clock=time.thread_time).items()
        }
    rows = {
        name: {"tokens_per_second": STEPS * ROWS * SEQ / seconds, "ratio": seconds / found["groundup"]}
        for name, seconds in found.items()
    }
    peers = f"torch {torch.__version__}, peft {peft.__version__}, transformers {transformers.__version__}"
    about = f"{peers}, one thread, {processor()}, {time.strftime('%Y-%m-%d')}"
    if asked.json:
        print(json.dumps({"about": about, "rows": rows}, indent=2))
        return
    print(about)
    for name, row in rows.items():
        print(f"{name:18} {row['tokens_per_second']:8.0f} tokens/s   groundup is {row['ratio']:.2f}x as fast")


if __name__ == "__main__":
    main()
